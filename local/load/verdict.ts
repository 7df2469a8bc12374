import type { FakeHub } from '../fake-hub/server.ts';

/** What was done, and what of it must not have been. */
export interface LoadReport {
  readonly counts: Readonly<Record<string, number>>;
  /** Empty when all promises were kept. */
  readonly faults: readonly string[];
}

/** A lease as a client was answered it. */
export interface MintedLease {
  readonly tokenId: string;
  readonly secret: string;
  readonly key?: string;
}

/** Answers that keep every promise: tokens, and refusals of clients that race for few places. */
const EXPECTED = new Set(['minted', 'given back', 'quota_reached', 'in_flight']);

/** One token by its times on the fake. */
interface Life {
  readonly leaseId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Tokens of leases; a target is verified with one that is none. */
export function tokensOf(hub: FakeHub) {
  return hub.control.tokens().filter(({ label }) => !label.endsWith(' verification'));
}

/**
 * Judges a run by what the fake Docker Hub has recorded.
 *
 * @param account the one Docker Hub user.
 * @param minted by lease id.
 * @param counts answers by what they were, problems by their code.
 */
export function report(
  hub: FakeHub,
  account: string,
  minted: ReadonlyMap<string, MintedLease>,
  quotas: Readonly<Record<string, number>>,
  counts: ReadonlyMap<string, number>,
): LoadReport {
  const tokens = tokensOf(hub);
  const deletedAtMs = new Map(hub.control.deletions().map(({ id, atMs }) => [id, atMs]));
  const lives = tokens.map(({ id, label, createdAtMs }): Life & { readonly id: string } => ({
    id,
    leaseId: label.split(':')[2] ?? '',
    fromMs: createdAtMs,
    toMs: deletedAtMs.get(id) ?? Number.POSITIVE_INFINITY,
  }));
  const byLease = Map.groupBy(lives, ({ leaseId }) => leaseId);
  const livesOf = (leaseIds: readonly string[]) => leaseIds.flatMap((id) => byLease.get(id) ?? []);
  const ids = [...minted.keys()];
  const most = {
    'target:acme-bot': mostAtOnce(lives),
    'secret:load/few': mostAtOnce(livesOf(ids.filter((id) => minted.get(id)?.secret === 'load/few'))),
  };
  const { succeeded = 0, failed = 0 } = hub.control.calls().logins[account] ?? {};
  const keyed = Map.groupBy(
    ids.filter((id) => minted.get(id)?.key !== undefined),
    (id) => minted.get(id)?.key,
  );
  const faults = [
    ...(succeeded === 1 && failed === 0 ? [] : [`logins: ${succeeded} succeeded, ${failed} failed; expected one`]),
    ...Object.entries(most).flatMap(([quota, seen]) =>
      seen > (quotas[quota] ?? 0) ? [`${quota}: ${seen} at once, ${quotas[quota]} allowed`] : [],
    ),
    ...lives.filter(({ toMs }) => toMs === Number.POSITIVE_INFINITY).map(({ id }) => `token ${id} was left alive`),
    ...[...byLease].filter(([, of]) => of.length > 1).map(([id, of]) => `lease ${id} has ${of.length} tokens`),
    ...ids
      .filter((id) => byLease.get(id)?.[0]?.id !== minted.get(id)?.tokenId)
      .map((id) => `the token of lease ${id} is not on Docker Hub`),
    ...[...keyed]
      .filter(([, leaseIds]) => mostAtOnce(livesOf(leaseIds)) > 1)
      .map(([key]) => `key ${key} had two live tokens at once`),
    ...[...counts.keys()].filter((what) => !EXPECTED.has(what)).map((what) => `${counts.get(what)} answers: ${what}`),
  ];
  return {
    counts: { ...Object.fromEntries(counts), ...mostCounts(most), tokens: tokens.length, logins: succeeded },
    faults,
  };
}

function mostCounts(most: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(most).map(([quota, seen]) => [`most of ${quota}`, seen]));
}

/** The most that lived at one time. What ends in the millisecond in which another begins has ended before it. */
function mostAtOnce(lives: readonly Life[]): number {
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
