import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  type Edition,
  lease,
  leased,
  type Minted,
  openEdition,
  ours,
  type ProfileName,
  problemOf,
  setUp,
  show,
  until,
  untilTestEnds,
} from '../local/harness.ts';
import { type Answer, send, sign } from '../local/signing.ts';
import { makeClock } from './clock.ts';
import { HOUR_MS, setClockUnderLoad } from './clock-jumps.ts';

/** Far more than a busy machine takes. */
const LIMIT_MS = 300_000;

/** Asks as a client whose clock is as wrong as the edition's. */
async function askAt(
  edition: Edition,
  offsetMs: number,
  profile: ProfileName,
  method: string,
  path: string,
  body: unknown,
): Promise<Answer> {
  const draft = { method, path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const host = `127.0.0.1:${edition.port}`;
  return send(edition.port, await sign(edition.profiles[profile], draft, Date.now() + offsetMs, { host }));
}

function leaseAt(edition: Edition, ttl: string, offsetMs: number): Promise<Answer> {
  return askAt(edition, offsetMs, 'hublease-ci', 'POST', '/v1/lease/ci/release', { ttl });
}

function isGone({ hub }: Edition, tokenId: string | undefined): boolean {
  return ours(hub).some(({ id, deleted }) => id === tokenId && deleted);
}

it(
  'under load, with its clock set an hour forward and back again, and an hour back and forward again, it refuses by a clear code whose clock is right, goes on by itself, and lets no token outlive its lease',
  () => setClockUnderLoad(1),
  LIMIT_MS,
);

it(
  'with its clock an hour ahead, what it leased ends on time when the clock is put right, and the difference from Docker Hub’s is on the audit log',
  async () => {
    const clock = untilTestEnds(makeClock());
    const edition = untilTestEnds(await openEdition({ nodeFlags: clock.nodeFlags }));
    await setUp(edition);
    clock.set(HOUR_MS);
    const answer = await leaseAt(edition, '3s', HOUR_MS);
    expect(answer.status).toBe(201);
    const minted = JSON.parse(answer.body) as Minted;
    expect(Date.parse(minted.lease.expiresAt)).toBeGreaterThan(Date.now() + HOUR_MS / 2);
    clock.set(0);
    await until('its token is gone', () => isGone(edition, minted.lease.tokenId));
    await until('it is revoked', async () => (await show(edition.ci, minted.lease.id)).status === 'revoked');
    const shown = await show(edition.ci, minted.lease.id);
    expect(Date.parse(shown.expiresAt)).toBeLessThan(Date.now());
    expect(shown.ttlSeconds).toBe(3);
    const audit = readFileSync(join(edition.dataFolder, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
    const skewed = audit.map((line) => JSON.parse(line)).filter(({ event }) => event === 'clock.skewed');
    expect(skewed[0]?.detail.skewMs).toBeCloseTo(-HOUR_MS, -5);
  },
  LIMIT_MS,
);

it(
  'killed, and started again with its clock an hour behind, it ends what it leased before within the lease’s time',
  async () => {
    const clock = untilTestEnds(makeClock());
    const edition = untilTestEnds(await openEdition({ nodeFlags: clock.nodeFlags }));
    await setUp(edition);
    const { lease: minted } = await lease(edition.ci, '3s');
    clock.set(-HOUR_MS);
    await edition.restart('SIGKILL');
    await until('its token is gone', () => isGone(edition, minted.tokenId));
    expect(edition.log()).toContain('clock_set_back');
    expect(await problemOf(lease(edition.ci, '3s'))).toMatchObject({ status: 403, code: 'not_yet_current' });
    // Docker Hub has another idea of an hour ago, and nothing comes of it.
    const refused = await leaseAt(edition, '3s', -HOUR_MS);
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([502, 'expiry_refused']);
    expect(leased(edition.hub).filter(({ deleted }) => !deleted)).toEqual([]);
  },
  LIMIT_MS,
);
