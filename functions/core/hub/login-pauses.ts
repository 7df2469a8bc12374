import { fail } from '../model/failure.ts';
import type { HubProblem } from '../ports/docker-hub.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { failureOf, retryAfterSeconds } from './hub-problem.ts';

/** Docker Hub locks a user name for 10 to 15 minutes after repeated refusals. Then revocations fail, too. */
export const BREAKER_MS = 600_000;
/**
 * A TOTP code works for only one login of the account. Another installation or a person may just have used it. So after every
 * other refusal with a second factor, hublease tries again with the code of another step.
 */
const TOTP_REFUSAL_PAUSE_MS = 60_000;
/** A credential that worked before may have been refused by a temporary fault. It gets one retry after this time. */
const DOUBT_PAUSE_MS = 30_000;
/** Initial backoff if something else answers instead of Docker Hub, such as a challenge page. Doubles up to the maximum. */
const EDGE_PAUSE_MS = 10_000;
/** A failure of Docker Hub itself may be over at the next login. The backoff above begins only with the second failure in a row. */
const FAILURE_PAUSE_MS = 2_000;
const FAULT_PAUSE_MAX_MS = 120_000;
/** Maximum wait. Docker Hub asks for no longer one, so a later time is ignored as wrong. */
const MAX_LOGIN_WAIT_MS = 900_000;

/**
 * How long to wait after a credential was refused before the next login.
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

/**
 * @throws Failed while Docker Hub wants no login, or something else answers instead. One login has learned this for all
 *   processes.
 */
export function waitForLogin(record: SessionRecord | undefined, targetName: string, nowMs: number): void {
  waitForEdge(record, nowMs);
  const retryAtMs = waitingUntilMs(record, nowMs);
  if (retryAtMs !== undefined) throw failureOf({ tag: 'throttled', retryAtMs }, targetName, nowMs);
}

/** @throws Failed `hub_unavailable` while logins fail on Docker Hub, or something else answers them instead. */
export function waitForEdge(record: SessionRecord | undefined, nowMs: number): void {
  const untilMs = waitingUntilMs(record, nowMs);
  if (untilMs === undefined || record === undefined || (record.edgeLogins ?? 0) === 0) return;
  const code = record.loginFault ?? 'edge';
  throw fail({ tag: 'hub_unavailable', code, retryAfterSeconds: retryAfterSeconds(untilMs, nowMs) });
}

function waitingUntilMs(record: SessionRecord | undefined, nowMs: number): number | undefined {
  const untilMs = record?.loginAfterMs ?? 0;
  return untilMs > nowMs && untilMs <= nowMs + MAX_LOGIN_WAIT_MS ? untilMs : undefined;
}

/** What a login that was neither accepted nor refused means for the next login of every process. */
export function pauseAfter(claimed: SessionRecord, problem: HubProblem, nowMs: number): Partial<SessionRecord> {
  if (problem.tag === 'throttled') return { loginAfterMs: problem.retryAtMs, edgeLogins: 0 };
  if (problem.tag !== 'fault') return {};
  const { code } = problem;
  // There was no answer, so no service has received too many logins.
  if (code === 'timeout' || code === 'connection') return {};
  const edgeLogins = (claimed.edgeLogins ?? 0) + 1;
  const isFailure = code === 'server_error';
  if (isFailure && edgeLogins === 1) return { edgeLogins, loginFault: code };
  const doublings = Math.min(isFailure ? edgeLogins - 2 : edgeLogins - 1, 10);
  const pauseMs = Math.min(FAULT_PAUSE_MAX_MS, (isFailure ? FAILURE_PAUSE_MS : EDGE_PAUSE_MS) * 2 ** doublings);
  return { edgeLogins, loginFault: code, loginAfterMs: nowMs + pauseMs };
}
