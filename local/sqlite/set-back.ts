import type { DatabaseSync } from 'node:sqlite';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { HubFacts, SessionRecord } from '../../functions/core/ports/sessions.ts';
import { inTransaction } from './rows.ts';

/** Of TOTP. Source: RFC 6238 section 4.1. */
const STEP_MS = 30_000;

/** Whatever is an instant by its name, so that a new one is not forgotten here. */
type InstantOf<T> = Extract<keyof T, `${string}Ms`>;

/** All instants of an open lease and whether they are by our own clock. Docker Hub's expiry and last use are by its own. */
const LEASE_INSTANTS: Readonly<Record<InstantOf<Lease>, boolean>> = {
  issuedAtMs: true,
  expiresAtMs: true,
  maxExpiresAtMs: true,
  mintByMs: true,
  dueAtMs: true,
  attemptedAtMs: true,
  revokingSinceMs: true,
  hubExpiresAtMs: false,
  hubReportedExpiresAtMs: false,
  lastUsedAtMs: false,
  // Of leases that are open no more.
  revokedAtMs: false,
  ttlAtMs: false,
};

/** The same of a session. A claim is dropped. */
const SESSION_INSTANTS: Readonly<Record<InstantOf<SessionRecord>, boolean>> = {
  expiresAtMs: true,
  refreshAtMs: true,
  breakerUntilMs: true,
  rateResetAtMs: true,
  throttledUntilMs: true,
  mintsThrottledUntilMs: true,
  nextLookAtMs: true,
  revocationsUntilMs: true,
  loginAfterMs: true,
  claimUntilMs: false,
};

/** The instants within a session's facts, by path. What is a time span there does not move. */
type FactInstant = {
  [K in keyof HubFacts]-?: `facts.${K}.${InstantOf<NonNullable<HubFacts[K]>> & string}`;
}[keyof HubFacts];

const FACT_INSTANTS: Readonly<Record<FactInstant, true>> = {
  'facts.refusal.sinceMs': true,
  'facts.refusal.triedAtMs': true,
  'facts.pendingVerification.createdAtMs': true,
  'facts.listing.sinceMs': true,
  'facts.cap.atMs': true,
  'facts.places.atMs': true,
};

/**
 * Moves open leases and sessions back with a clock that was set back, so that each lasts as long as it would have: a token does not
 * outlive its lease, a breaker does not stay open. A login that is under way loses its claim, which it would no longer know as
 * its own and nobody would give back: its session serves one call, and the next logs in again. Whoever holds an older version of a row finds that it was changed.
 *
 * @param byMs a whole number.
 * @throws any error of SQLite, and nothing was moved.
 */
export function setBack(database: DatabaseSync, byMs: number): void {
  inTransaction(database, () => {
    const lease = database.prepare(`
      UPDATE leases SET version = version + 1, op_id = :opId, issued_at_ms = issued_at_ms - :byMs,
        due_at_ms = due_at_ms - :byMs, document = json_replace(document, '$.version', version + 1, '$.opId', :opId,
          ${moved(LEASE_INSTANTS)})
      WHERE status <> 'revoked'`);
    lease.run({ byMs, opId: opIdOf(byMs) });
    const session = database.prepare(`
      UPDATE sessions SET version = version + 1, op_id = :opId,
        document = json_remove(json_replace(document, '$.version', version + 1, '$.opId', :opId,
          '$.totpStep', json_extract(document, '$.totpStep') - :steps, ${moved({ ...SESSION_INSTANTS, ...FACT_INSTANTS })}),
          '$.claimUntilMs')`);
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

/** Arguments of `json_replace`, which only replaces what is there. */
function moved(instants: Readonly<Record<string, boolean>>): string {
  return Object.entries(instants)
    .filter(([, isOurs]) => isOurs)
    .map(([name]) => `'$.${name}', json_extract(document, '$.${name}') - :byMs`)
    .join(', ');
}

function opIdOf(byMs: number): string {
  return `set-back-${byMs}-${crypto.randomUUID()}`;
}
