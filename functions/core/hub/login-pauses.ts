import { fail } from '../model/failure.ts';
import type { HubProblem } from '../ports/docker-hub.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { failureOf, retryAfterSeconds } from './hub-problem.ts';

/** Docker Hub locks a user name for 10 to 15 minutes after repeated refusals, revocations included. */
export const BREAKER_MS = 600_000;
/**
 * A TOTP code is good for one login of the account, whoever makes it: another installation, or a person, may just have spent
 * it. So every other refusal with a second factor is given the benefit of the doubt, and a try in another step.
 */
const TOTP_REFUSAL_PAUSE_MS = 60_000;
/** A credential that has worked before may have met a passing fault: one more try, this much later. */
const DOUBT_PAUSE_MS = 30_000;
/** What answers in Docker Hub's place, such as a challenge, is asked again after this, doubling up to the maximum. */
const EDGE_PAUSE_MS = 10_000;
/** A failure of Docker Hub itself may be over with the next login. Only from the second in a row on is there a pause, as above. */
const FAILURE_PAUSE_MS = 2_000;
const FAULT_PAUSE_MAX_MS = 120_000;
/** Docker Hub asks for no longer wait than this; a later instant is not believed. */
const LONGEST_LOGIN_WAIT_MS = 900_000;

/**
 * How long no login is tried after a credential was refused.
 *
 * @param refusals of this credential in a row, before this one.
 */
export function breakerMs(
  refusals: number,
  { hasSecondFactor, isProven }: { readonly hasSecondFactor: boolean; readonly isProven: boolean },
): number {
  if (hasSecondFactor && refusals % 2 === 0) return TOTP_REFUSAL_PAUSE_MS;
  return isProven && refusals === 0 ? DOUBT_PAUSE_MS : BREAKER_MS;
}

/** @throws Failed while Docker Hub wants no login, or something else answers in its place: one login found that out for all. */
export function waitForLogin(record: SessionRecord | undefined, targetName: string, nowMs: number): void {
  waitForEdge(record, nowMs);
  const retryAtMs = waitingUntilMs(record, nowMs);
  if (retryAtMs !== undefined) throw failureOf({ tag: 'throttled', retryAtMs }, targetName, nowMs);
}

/** @throws Failed `hub_unavailable` while Docker Hub fails at logins, or something else answers them in its place. */
export function waitForEdge(record: SessionRecord | undefined, nowMs: number): void {
  const untilMs = waitingUntilMs(record, nowMs);
  if (untilMs === undefined || record === undefined || (record.edgeLogins ?? 0) === 0) return;
  const code = record.loginFault ?? 'edge';
  throw fail({ tag: 'hub_unavailable', code, retryAfterSeconds: retryAfterSeconds(untilMs, nowMs) });
}

function waitingUntilMs(record: SessionRecord | undefined, nowMs: number): number | undefined {
  const untilMs = record?.loginAfterMs ?? 0;
  return untilMs > nowMs && untilMs <= nowMs + LONGEST_LOGIN_WAIT_MS ? untilMs : undefined;
}

/** What a login without a verdict means for the next one, of every process. */
export function pauseAfter(claimed: SessionRecord, problem: HubProblem, nowMs: number): Partial<SessionRecord> {
  if (problem.tag === 'throttled') return { loginAfterMs: problem.retryAtMs, edgeLogins: 0 };
  if (problem.tag !== 'fault') return {};
  const { code } = problem;
  // Nothing was answered, and nobody has been asked too often.
  if (code === 'timeout' || code === 'connection') return {};
  const edgeLogins = (claimed.edgeLogins ?? 0) + 1;
  const isFailure = code === 'server_error';
  if (isFailure && edgeLogins === 1) return { edgeLogins, loginFault: code };
  const doublings = Math.min(isFailure ? edgeLogins - 2 : edgeLogins - 1, 10);
  const pauseMs = Math.min(FAULT_PAUSE_MAX_MS, (isFailure ? FAILURE_PAUSE_MS : EDGE_PAUSE_MS) * 2 ** doublings);
  return { edgeLogins, loginFault: code, loginAfterMs: nowMs + pauseMs };
}
