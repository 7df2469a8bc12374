import { expect } from 'vitest';
import { seededRandom } from '../../fake-hub/faults.ts';
import { ACCOUNT, lease, openEdition, ours, setUp, untilTestEnds } from '../local/harness.ts';
import { makeClock } from './clock.ts';
import { expectKept, longestOverdueMs, putForeignTokens, untilQuiet } from './kept.ts';
import { countsOf, loadUntil, putUnderLoad } from './load.ts';
import { report } from './report.ts';

export const HOUR_MS = 3_600_000;
const SEED = 20_261_123;
/** Leases between two settings of the clock. */
const ENOUGH = 15;
const ENOUGH_REFUSALS = 30;
/** What a token may live past its lease in normal running. */
const BOUND_MS = 120_000;

/** Sets the clock of an edition under load, so often, an hour forward and right, and back and right, and checks what must hold. */
export async function setClockUnderLoad(times: number): Promise<void> {
  const clock = untilTestEnds(makeClock());
  const edition = untilTestEnds(await openEdition({ nodeFlags: clock.nodeFlags }));
  await setUp(edition);
  const first = await lease(edition.ci, '1m');
  const label = ours(edition.hub).find(({ id }) => id === first.lease.tokenId)?.label as string;
  const foreign = putForeignTokens(edition, label);
  const load = putUnderLoad(edition, seededRandom(SEED));
  await loadUntil('it leases', () => load.answered.length >= ENOUGH);
  for (let time = 0; time < times; time++) {
    for (const offsetMs of [HOUR_MS, 0, -HOUR_MS, 0]) {
      const [answered, refused] = [load.answered.length, load.refusals.length];
      clock.set(offsetMs);
      if (offsetMs !== 0) await loadUntil('it refuses', () => load.refusals.length >= refused + ENOUGH_REFUSALS);
      else await loadUntil('it leases again', () => load.answered.length >= answered + ENOUGH);
    }
  }
  await load.stop();
  await untilQuiet(edition);

  // An hour forward every lease was over; an hour back, each ended when it would have.
  await expectKept(edition, load, foreign, { mayEndEarly: () => true });
  expect(longestOverdueMs(edition, load)).toBeLessThan(BOUND_MS);
  const known = ['expired', 'not_yet_current', 'not_recorded', 'hub_unavailable', 'expiry_refused', 'lease_not_found'];
  expect(load.refusals.filter(({ code }) => !known.includes(code))).toEqual([]);
  expect(countsOf(load.refusals)).toMatchObject({ expired: expect.anything(), not_yet_current: expect.anything() });
  expect(load.unanswered).toBe(0);
  // Once at the start, and once for each hour by which a session seemed to be over.
  expect(edition.hub.control.calls().logins[ACCOUNT.username]?.succeeded).toBeLessThanOrEqual(2 + 2 * times);
  expect(edition.log()).toContain('clock_set_back');
  report({
    jumps: 4 * times,
    answered: load.answered.length,
    refusals: countsOf(load.refusals),
    longestOverdueMs: longestOverdueMs(edition, load),
    logins: edition.hub.control.calls().logins[ACCOUNT.username],
  });
}
