import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './sqlite-rows.ts';

/** Of TOTP. Source: RFC 6238 section 4.1. */
const STEP_MS = 30_000;

/** All instants of an open lease that are by our own clock. Docker Hub's expiry and last use are by its own. */
const LEASE_INSTANTS = ['issuedAtMs', 'expiresAtMs', 'maxExpiresAtMs', 'mintByMs', 'dueAtMs', 'revokingSinceMs'];
/** Those of a session. */
const SESSION_INSTANTS = [
  'expiresAtMs',
  'breakerUntilMs',
  'claimUntilMs',
  'rateResetAtMs',
  'throttledUntilMs',
  'loginAfterMs',
  'revocationsUntilMs',
];

/**
 * Moves open leases and sessions back with a clock that was set back, so that each lasts as long as it would have: a token does not
 * outlive its lease, a breaker does not stay open. Whoever holds an older version of a row finds that it was changed.
 *
 * @param byMs a whole number.
 * @throws any error of SQLite, and nothing was moved.
 */
export function setBack(database: DatabaseSync, byMs: number): void {
  inTransaction(database, () => {
    const lease = database.prepare(`
      UPDATE leases SET version = version + 1, op_id = :opId, issued_at_ms = issued_at_ms - :byMs,
        due_at_ms = due_at_ms - :byMs, document = json_replace(document, '$.version', version + 1, '$.opId', :opId,
          ${LEASE_INSTANTS.map(moved).join(', ')})
      WHERE status <> 'revoked'`);
    lease.run({ byMs, opId: opIdOf(byMs) });
    const session = database.prepare(`
      UPDATE sessions SET version = version + 1, op_id = :opId,
        document = json_replace(document, '$.version', version + 1, '$.opId', :opId,
          '$.totpStep', json_extract(document, '$.totpStep') - :steps, ${SESSION_INSTANTS.map(moved).join(', ')})`);
    session.run({ byMs, steps: Math.floor(byMs / STEP_MS), opId: opIdOf(byMs) });
  });
}

/**
 * When the last of the open leases was issued, by the clock of then; undefined without one. Those that were found on Docker Hub
 * alone, and have its clock's date, do not count.
 */
export function lastIssuedAtMs(database: DatabaseSync): number | undefined {
  const { last } = database
    .prepare(`SELECT max(issued_at_ms) AS last FROM leases WHERE status <> 'revoked' AND caller <> 'unknown'`)
    .get() as { last: number | null };
  return last ?? undefined;
}

/** Only replaces what is there. */
function moved(instant: string): string {
  return `'$.${instant}', json_extract(document, '$.${instant}') - :byMs`;
}

function opIdOf(byMs: number): string {
  return `set-back-${byMs}-${crypto.randomUUID()}`;
}
