import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { seededRandom } from '../../local/fake-hub/faults.ts';
import {
  ACCOUNT,
  type Edition,
  type LeaseView,
  lease,
  leased,
  listAll,
  openEdition,
  ours,
  setUp,
  until,
  untilTestEnds,
} from './harness.ts';

const KILLS = 25;
const CLIENTS = 6;
/** Of every moment and choice; what the machine makes of them is its own. */
const SEED = 20_261_121;
/** A process is killed when it has answered fewer leases than this, however slow the machine, */
const MOST_ANSWERS = 16;
/** and this much later at most, so that the kill strikes anywhere in the next ones. */
const LONGEST_PAUSE_MS = 60;
/** Slows what matters, so that kills meet it half done. */
const HUB_LATENCY_MS = 10;
/** Half a minute is usual; this is for a machine that has much else to do. */
const LIMIT_MS = 240_000;

/** What the clients know. */
interface Load {
  readonly answered: LeaseView[];
  /** Leases that a client has asked to revoke, whether or not it heard of the outcome. */
  readonly revokeAsked: Set<string>;
  lost: number;
  stop(): Promise<void>;
}

/** Several clients that lease for one to three seconds, and revoke some of it themselves. */
function putUnderLoad(edition: Edition, random: () => number): Load {
  let stopping = false;
  const answered: LeaseView[] = [];
  const revokeAsked = new Set<string>();
  const load = { answered, revokeAsked, lost: 0, stop };
  async function work(): Promise<void> {
    while (!stopping) {
      try {
        const minted = await lease(edition.ci, `${1 + Math.floor(random() * 3)}s`);
        answered.push(minted.lease);
        if (random() < 0.3) {
          revokeAsked.add(minted.lease.id);
          await edition.ci.call('revokeLease', { name: minted.lease.id });
        }
      } catch {
        load.lost += 1;
        // Nothing listens until the next start, which the clients should not slow down.
        await wait(100);
      }
      await wait(5 + random() * 20);
    }
  }
  const working = Array.from({ length: CLIENTS }, work);
  async function stop(): Promise<void> {
    stopping = true;
    await Promise.all(working);
  }
  return load;
}

/** Tokens of others, and some whose labels are all but ours. */
function putForeignTokens({ hub }: Edition, label: string): readonly string[] {
  const [version, installation = '', leaseId = '', tail = ''] = label.split(':');
  const [keyId, mac = ''] = tail.split('.');
  const other = (character: string | undefined) => (character === 'a' ? 'b' : 'a');
  const labels = [
    'my laptop',
    `${version}:${installation}`,
    // One character of the MAC changed, at either end; cut; and one too many.
    `${version}:${installation}:${leaseId}:${keyId}.${other(mac[0])}${mac.slice(1)}`,
    `${version}:${installation}:${leaseId}:${keyId}.${mac.slice(0, -1)}${other(mac.at(-1))}`,
    `${version}:${installation}:${leaseId}:${keyId}.${mac.slice(0, -1)}`,
    `${version}:${installation}:${leaseId}:${keyId}.`,
    `${label}x`,
    // The MAC of one label under another lease, installation, key or version.
    `${version}:${installation}:${leaseId.slice(0, -1)}${leaseId.endsWith('0') ? '1' : '0'}:${tail}`,
    `${version}:${installation.slice(0, -1)}${other(installation.at(-1))}:${leaseId}:${tail}`,
    `${version}:${installation}:${leaseId}:zz.${mac}`,
    `hl2:${installation}:${leaseId}:${tail}`,
    ` ${label}`,
    label.toUpperCase(),
  ];
  const onSameAccount = labels.map((each) =>
    hub.control.createForeignToken({ account: ACCOUNT.username, kind: 'pat', label: each }),
  );
  // The very label, copied to another account: its MAC does not hold there.
  const elsewhere = hub.control.createForeignToken({ account: 'somebody', kind: 'pat', label });
  return [...onSameAccount, elsewhere].map(({ id }) => id);
}

it(
  'killed at 25 random moments under load and started again each time, it leaves no token past its lease, loses no lease that it answered and touches nothing of others',
  async () => {
    const random = seededRandom(SEED);
    const edition = untilTestEnds(await openEdition({ flags: ['--sweep-interval', '1s'] }));
    const { control } = edition.hub;
    await setUp(edition);
    const first = await lease(edition.ci, '1m');
    const label = ours(edition.hub).find(({ id }) => id === first.lease.tokenId)?.label ?? '';
    const foreign = putForeignTokens(edition, label);
    await edition.ci.call('revokeLease', { name: first.lease.id });
    control.setFaults([{ route: '*', kind: 'latency', latencyMs: HUB_LATENCY_MS }]);

    const load = putUnderLoad(edition, seededRandom(SEED + 1));
    for (let kill = 0; kill < KILLS; kill++) {
      const enough = load.answered.length + Math.floor(random() * MOST_ANSWERS);
      await until('enough leases are answered', () => load.answered.length >= enough);
      await wait(random() * LONGEST_PAUSE_MS);
      await edition.restart('SIGKILL');
    }
    await load.stop();
    await until('no token of ours is left', () => ours(edition.hub).every(({ deleted }) => deleted));
    await until('every lease whose token was known is revoked', async () =>
      (await listAll(edition.ci)).every(({ status, tokenId }) => status === 'revoked' || tokenId === undefined),
    );

    // The load was real, and kills struck in the middle of mints.
    expect(load.answered.length).toBeGreaterThan(2 * KILLS);
    expect(load.lost).toBeGreaterThan(KILLS);
    const answeredTokens = new Set(load.answered.map(({ tokenId }) => tokenId));
    expect(leased(edition.hub).filter(({ id }) => !answeredTokens.has(id)).length).toBeGreaterThan(1);

    // What was never ours.
    expect(control.patches()).toEqual([]);
    expect(control.deletions().filter(({ foreign: isForeign }) => isForeign)).toEqual([]);
    const live = new Set(control.tokens().flatMap((token) => (token.live ? [token.id] : [])));
    expect(foreign.filter((id) => !live.has(id))).toEqual([]);

    // What was answered is on record, as it was answered; and no token was made without a record.
    const onRecord = new Map((await listAll(edition.ci)).map((each) => [each.id, each]));
    for (const { id, tokenId, expiresAt } of load.answered)
      expect(onRecord.get(id)).toMatchObject({ tokenId, expiresAt });
    for (const token of leased(edition.hub)) expect([...onRecord.keys()]).toContain(token.label.split(':')[2]);
    expect(ours(edition.hub).filter(({ expiresAtMs }) => expiresAtMs === null)).toEqual([]);

    // Nobody's token was taken early, and what reads revoked was proven.
    const deletedAtMs = new Map(control.deletions().map(({ id, atMs }) => [id, atMs]));
    const early = load.answered.filter(
      ({ id, tokenId, expiresAt }) =>
        !load.revokeAsked.has(id) && (deletedAtMs.get(tokenId ?? '') ?? 0) < Date.parse(expiresAt),
    );
    expect(early).toEqual([]);
    for (const { status, evidence } of onRecord.values()) {
      expect(evidence !== undefined).toBe(status === 'revoked');
    }
  },
  LIMIT_MS,
);
