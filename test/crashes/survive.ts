import { expect } from 'vitest';
import { seededRandom } from '../../fake-hub/faults.ts';
import { type Edition, lease, leased, listAll, ours } from '../local/harness.ts';
import { expectKept, putForeignTokens, untilQuiet } from './kept.ts';
import { CLIENTS, countsOf, loadUntil, putUnderLoad } from './load.ts';
import { report } from './report.ts';

const SEED = 20_261_122;
/** Leases before the fault and after it. */
const ENOUGH = 20;
/** Refusals during the fault. */
const ENOUGH_REFUSALS = 40;
/** How long the last lease is overdue when the fault ends: retries that do not slow down show by then. */
const OVERDUE_MS = 3_000;
/** Of one lease while its end cannot be written down: the first, and after 1, 3, 7 and 15 s, and so on up to a minute. */
const MAX_ATTEMPTS = 8;

/** A fault of the store. */
export interface StoreFault {
  begin(): void;
  /** What else happens while it lasts. */
  during?(): Promise<void>;
  end(): void;
  /** The disk says of the last writes that it has them, and has not. */
  readonly isForgetful?: boolean;
}

/** What was issued so long before a disk failed may have been written when it did. */
const UNDER_WAY_MS = 3_000;

/**
 * Puts an edition under load, lets its store fail and come back, and checks what must hold.
 *
 * @returns the edition's log.
 */
export async function survive(edition: Edition, fault: StoreFault): Promise<string> {
  const { control } = edition.hub;
  const first = await lease(edition.ci, '1m');
  const foreign = putForeignTokens(
    edition,
    ours(edition.hub).find(({ id }) => id === first.lease.tokenId)?.label as string,
  );
  const load = putUnderLoad(edition, seededRandom(SEED));
  await loadUntil('enough is leased', () => load.answered.length >= ENOUGH);

  const failingAtMs = Date.now();
  fault.begin();
  const deletesBefore = control.calls().routes['pat-delete'];
  const refusedBefore = load.refusals.length;
  await loadUntil('calls are refused', () => load.refusals.length >= refusedBefore + CLIENTS);
  // What was under way when the store failed has ended, and may have been answered by what was written before.
  const before = [...load.answered];
  const failedAtMs = Date.now();
  await loadUntil('many are', () => load.refusals.length >= refusedBefore + ENOUGH_REFUSALS);
  const during = load.answered.length - before.length;
  if (fault.during !== undefined) await fault.during();
  // Reading goes on.
  expect((await listAll(edition.ci)).map(({ id }) => id)).toEqual(expect.arrayContaining(before.map(({ id }) => id)));
  const endOf = (each: { expiresAt: string }) => Date.parse(each.expiresAt);
  const lastEndMs = Math.max(...before.map(endOf));
  await loadUntil('every token that was answered is gone from Docker Hub, recorded or not', () => {
    const live = new Set(leased(edition.hub).flatMap(({ id, deleted }) => (deleted ? [] : [id])));
    return before.every(({ tokenId }) => !live.has(tokenId ?? ''));
  });
  await loadUntil('their ends are some time ago', () => Date.now() > lastEndMs + OVERDUE_MS);
  const deletes = control.calls().routes['pat-delete'] - deletesBefore;
  expect(deletes).toBeLessThanOrEqual(MAX_ATTEMPTS * before.length);
  expect(edition.child.exitCode ?? edition.child.signalCode).toBeNull();
  fault.end();

  const after = load.answered.length;
  await loadUntil('it leases again by itself', () => load.answered.length >= after + ENOUGH);
  await load.stop();
  await edition.ci.call('revokeLease', { name: first.lease.id });
  await untilQuiet(edition);
  await expectKept(edition, load, foreign, {
    mayBeForgotten: (atMs) =>
      fault.isForgetful === true && atMs > failingAtMs - UNDER_WAY_MS && atMs < failedAtMs + UNDER_WAY_MS,
  });

  // Hardly anything was answered while hardly anything could be recorded, and each refusal says when to come again.
  expect(during).toBeLessThanOrEqual(CLIENTS);
  const known = ['store_unavailable', 'not_recorded'];
  expect(load.refusals.filter(({ status, code }) => status !== 503 || !known.includes(code))).toEqual([]);
  expect(load.refusals.filter(({ retryAfterSeconds = 0 }) => retryAfterSeconds < 1)).toEqual([]);
  // A client waits 30 s: so no call hung, but for those whose process was killed.
  if (fault.during === undefined) expect(load.unanswered).toBe(0);
  report({
    answered: load.answered.length,
    refusals: countsOf(load.refusals),
    longestCallMs: load.longestCallMs,
    deletes,
  });
  return edition.log();
}
