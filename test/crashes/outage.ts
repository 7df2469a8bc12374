import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { seededRandom } from '../../fake-hub/faults.ts';
import { ACCOUNT, lease, leased, listAll, openEdition, ours, setUp, untilTestEnds } from '../local/harness.ts';
import { type Gate, openGate, type Way } from './gate.ts';
import { expectKept, longestOverdueMs, putForeignTokens } from './kept.ts';
import { countsOf, loadUntil, putUnderLoad } from './load.ts';
import { report } from './report.ts';

const SEED = 20_261_124;
/** Leases before Docker Hub goes, and after it is back. */
const ENOUGH = 20;

/** A token may be gone while its lease still waits to ask for it again: a quarter of an hour at most. */
const RECORD_BOUND_MS = 16 * 60_000;

/** In which ways Docker Hub is gone, one after the other: `errors` answers 503 to everything. */
export type Absence = Exclude<Way, 'open'> | 'errors';

export interface Outage {
  readonly absences: readonly Absence[];
  /** How long each lasts. */
  readonly eachMs: number;
  /** For the edition. */
  readonly sweepInterval: string;
  /** When Docker Hub is back, the last token must be gone within this. */
  readonly boundMs: number;
  /** Clients come again when they were told to. For long outages: one who does not leaves a lease to be closed each time. */
  readonly isPatient?: boolean;
}

/** Takes Docker Hub away from an edition under load, gives it back, and checks what must hold. */
export async function outlastOutage(outage: Outage): Promise<void> {
  const { absences, eachMs, sweepInterval, boundMs, isPatient = false } = outage;
  let gate: Gate | undefined;
  const edition = untilTestEnds(
    await openEdition({
      flags: ['--sweep-interval', sweepInterval],
      hubUrl: async (hub) => {
        gate = untilTestEnds(await openGate(hub.port));
        return gate.url;
      },
    }),
  );
  const { control } = edition.hub;
  await setUp(edition, '1h');
  const first = await lease(edition.ci, '1h');
  const label = ours(edition.hub).find(({ id }) => id === first.lease.tokenId)?.label as string;
  const foreign = putForeignTokens(edition, label);
  const load = putUnderLoad(edition, seededRandom(SEED), { isPatient });
  await loadUntil('it leases', () => load.answered.length >= ENOUGH);

  const goneAtMs = Date.now();
  for (const absence of absences) {
    const refused = load.refusals.length;
    await gate?.turn(absence === 'errors' ? 'open' : absence);
    control.setFaults(absence === 'errors' ? [{ route: '*', kind: 'server-error', status: 503 }] : []);
    await wait(eachMs);
    // Each call is answered within what one takes of Docker Hub, and what is on record can be read.
    await loadUntil('calls are refused', () => load.refusals.length > refused);
    expect((await listAll(edition.ci)).length).toBeGreaterThan(ENOUGH);
  }
  const callsBefore = control.calls().routes;
  const alive = leased(edition.hub).filter(({ deleted }) => !deleted).length;
  const answered = load.answered.length;
  control.setFaults([]);
  await gate?.turn('open');
  const backAtMs = Date.now();
  const overdue = leased(edition.hub).flatMap(({ id, deleted }) => (deleted || id === first.lease.tokenId ? [] : [id]));
  await loadUntil('it leases again by itself', () => load.answered.length >= answered + ENOUGH);
  await load.stop();
  const left = () => ours(edition.hub).filter(({ id, deleted }) => !deleted && overdue.includes(id)).length;
  while (left() > 0 && Date.now() < backAtMs + boundMs) await wait(100);
  const settledMs = Date.now() - backAtMs;
  expect(left()).toBe(0);
  await edition.ci.call('revokeLease', { name: first.lease.id });
  await loadUntil('no token of ours is left', () => ours(edition.hub).every(({ deleted }) => deleted));
  const openLeases = async () =>
    (await listAll(edition.ci)).filter(({ status, tokenId }) => status !== 'revoked' && tokenId !== undefined).length;
  while ((await openLeases()) > 0 && Date.now() < backAtMs + RECORD_BOUND_MS) await wait(1_000);
  expect(await openLeases()).toBe(0);
  const recordedMs = Date.now() - backAtMs;

  await expectKept(edition, load, foreign);
  const known = ['hub_unavailable', 'busy', 'not_recorded'];
  expect(load.refusals.filter(({ status, code }) => status !== 503 || !known.includes(code))).toEqual([]);
  expect(load.refusals.filter(({ retryAfterSeconds = 0 }) => retryAfterSeconds < 1)).toEqual([]);
  expect(load.unanswered).toBe(0);
  expect(edition.child.exitCode ?? edition.child.signalCode).toBeNull();
  // One login for each 10 min that a session lives, and none that Docker Hub refused.
  const logins = control.calls().logins[ACCOUNT.username];
  expect(logins?.succeeded).toBeLessThanOrEqual(2 + Math.ceil((Date.now() - goneAtMs) / 480_000));
  report({
    goneMs: backAtMs - goneAtMs,
    alive,
    settledMs,
    recordedMs,
    answered: load.answered.length,
    refusals: countsOf(load.refusals),
    longestCallMs: load.longestCallMs,
    longestOverdueMs: longestOverdueMs(edition, load),
    logins,
    callsBefore,
    calls: control.calls().routes,
  });
}
