import type { FakeHub } from '../../fake-hub/server.ts';
import { VERIFICATION_LABEL } from '../../functions/core/catalog/throwaway.ts';

/** A lease as a client was answered it. */
export interface MintedLease {
  readonly tokenId: string;
  readonly secret: string;
}

/** What a run must have kept to, besides what is true of every run. */
export interface Promised {
  /** Fewest and most logins that succeed, by Docker Hub account. None may fail: Docker Hub would lock the account. */
  readonly logins: Readonly<Record<string, readonly [fewest: number, most: number]>>;
  /** Most open leases by counter, `target:ACCOUNT` or `secret:NAME`. */
  readonly quotas: Readonly<Record<string, number>>;
}

/** What the fake has on record of a run, and what of it must not have been. */
export interface Verdict {
  readonly counts: Readonly<Record<string, number>>;
  /** Empty when all promises were kept. */
  readonly faults: readonly string[];
}

/** One token by its times on the fake. */
export interface Life {
  readonly id: string;
  readonly account: string;
  readonly leaseId: string;
  /** The label that the client gave; empty without one. */
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Tokens of leases; a target is verified with one that is none. */
export function tokensOf(hub: FakeHub) {
  return hub.control.tokens().filter(({ label }) => !label.includes(` ${VERIFICATION_LABEL}`));
}

/** The lives of all tokens of leases. One that was not deleted has no end: nothing else ends it on this fake. */
export function livesOn(hub: FakeHub): Life[] {
  const deletedAtMs = new Map(hub.control.deletions().map(({ id, atMs }) => [id, atMs]));
  return tokensOf(hub).map(({ id, account, label, createdAtMs }) => ({
    id,
    account,
    leaseId: label.split(':')[2] ?? '',
    label: label.split(' ').slice(1).join(' '),
    fromMs: createdAtMs,
    toMs: deletedAtMs.get(id) ?? Number.POSITIVE_INFINITY,
  }));
}

/**
 * Judges a run by what the fake Docker Hub has recorded. Clients have given each order a label of its own, where they gave any, and
 * an Idempotency-Key to each that they sent more than once.
 *
 * @param minted by lease id.
 */
export function verdictOf(hub: FakeHub, minted: ReadonlyMap<string, MintedLease>, promised: Promised): Verdict {
  const lives = livesOn(hub);
  const byLease = Map.groupBy(lives, ({ leaseId }) => leaseId);
  const livesOf = (leaseIds: readonly string[]) => leaseIds.flatMap((id) => byLease.get(id) ?? []);
  const ids = [...minted.keys()];
  const most = Object.fromEntries(
    Object.keys(promised.quotas).map((counter) => {
      const [kind, name] = counter.split(':');
      const counted =
        kind === 'target'
          ? lives.filter(({ account }) => account === name)
          : livesOf(ids.filter((id) => minted.get(id)?.secret === name));
      return [counter, mostAtOnce(counted)];
    }),
  );
  // Those of tokens that nobody was answered are among them.
  const byLabel = Map.groupBy(
    lives.filter(({ label }) => label !== ''),
    ({ label }) => label,
  );
  const { logins } = hub.control.calls();
  const faults = [
    ...Object.entries(promised.logins).flatMap(([account, [fewest, mostLogins]]) => {
      const { succeeded = 0, failed = 0 } = logins[account] ?? {};
      if (failed === 0 && succeeded >= fewest && succeeded <= mostLogins) return [];
      const expected = fewest === mostLogins ? `${fewest}` : `${fewest} to ${mostLogins}`;
      return [`logins of ${account}: ${succeeded} succeeded, ${failed} failed; expected ${expected} and none`];
    }),
    ...Object.entries(most).flatMap(([quota, seen]) =>
      seen > (promised.quotas[quota] ?? 0) ? [`${quota}: ${seen} at once, ${promised.quotas[quota]} allowed`] : [],
    ),
    ...lives.filter(({ toMs }) => toMs === Number.POSITIVE_INFINITY).map(({ id }) => `token ${id} was left alive`),
    ...[...byLease].filter(([, of]) => of.length > 1).map(([id, of]) => `lease ${id} has ${of.length} tokens`),
    ...ids
      .filter((id) => byLease.get(id)?.[0]?.id !== minted.get(id)?.tokenId)
      .map((id) => `the token of lease ${id} is not on Docker Hub`),
    ...[...byLabel]
      .filter(([, of]) => mostAtOnce(of) > 1)
      .map(([label]) => `order ${label} had two live tokens at once`),
  ];
  return {
    counts: {
      ...Object.fromEntries(Object.entries(most).map(([quota, seen]) => [`most of ${quota}`, seen])),
      tokens: lives.length,
      logins: Object.values(logins).reduce((sum, { succeeded }) => sum + succeeded, 0),
    },
    faults,
  };
}

/** The most that lived at one time. What ends in the millisecond in which another begins has ended before it. */
export function mostAtOnce(lives: readonly Pick<Life, 'fromMs' | 'toMs'>[]): number {
  const steps = lives.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, by: 1 },
    { atMs: toMs, by: -1 },
  ]);
  steps.sort((one, other) => one.atMs - other.atMs || one.by - other.by);
  let now = 0;
  let most = 0;
  for (const { by } of steps) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}
