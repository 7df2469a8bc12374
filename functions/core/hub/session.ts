import type { Failed } from '../model/failure.ts';
import { fail } from '../model/failure.ts';
import type { Credential, Target } from '../model/target.ts';
import type { HubProblem, HubReply, HubSession } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { CredentialOutOfReach } from '../ports/out-of-reach.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';
import { failureOf, retryAfterSeconds } from './hub-problem.ts';
import { claim, next, REFRESH_MS, release, sealContext, share, TOTP_STEP_MS, WAIT_MS } from './login-claim.ts';
import { BREAKER_MS, breakerMs, pauseAfter, waitForEdge, waitForLogin } from './login-pauses.ts';
import { type HubClass, noteRate, waitForWindow } from './rate.ts';

/** A session this close to its end is not used for another call. */
const USABLE_MS = 15_000;
const POLL_MS = 250;
/**
 * The session belongs to another account than the target's. Either the target is wrong, or this process read it before it
 * changed.
 */
const WRONG_ACCOUNT_PAUSE_MS = 30_000;

type Ports = Pick<RevokePorts, 'sessions' | 'sealer' | 'credentials' | 'hub' | 'audit' | 'clock' | 'ids'>;

interface StoredCredential {
  readonly credential: Credential;
  readonly version: string;
}

/**
 * Returns a session of the target's account, which all processes of the installation share. There is one login per session, and
 * one at a time. There is no login with a credential that was refused within the last ten minutes, or while Docker Hub wants
 * none.
 *
 * @param hubClass of the call that uses the session.
 * @throws Failed `login_blocked` from the first refusal on, `credential_unavailable`, `hub_unavailable`, `hub_throttled`,
 *   `hub_refused` (`wrong_account` among its codes), `busy` or `store_unavailable`.
 */
export async function openSession(ports: Ports, target: Target, hubClass: HubClass): Promise<HubSession> {
  const giveUpAtMs = ports.clock.nowMs() + WAIT_MS;
  for (;;) {
    const nowMs = ports.clock.nowMs();
    const record = await stored(ports.sessions.read(target.name));
    waitForWindow(record, hubClass, nowMs);
    const cached = await cachedSession(ports, target, record, nowMs);
    if (cached !== undefined && nowMs < refreshAtMs(record, cached)) return cached;
    try {
      const fresh = await loginAgain(ports, target, record, nowMs);
      if (fresh !== undefined) return fresh;
    } catch (error) {
      if (cached === undefined) throw error;
    }
    if (cached !== undefined) return cached;
    if (nowMs >= giveUpAtMs) throw fail({ tag: 'busy', retryAfterSeconds: 2 });
    await ports.clock.sleep(POLL_MS);
  }
}

/**
 * Logs in with a credential that is not yet the current one, to prove it, and shares the session when it belongs to the target.
 * If the login is refused, the shared session does not change.
 *
 * @throws as {@link openSession}, but `credential_refused` for `login_blocked`, and never `wrong_account`: the caller compares.
 */
export async function proveCredential(ports: Ports, target: Target, offered: StoredCredential): Promise<HubSession> {
  const record = await stored(ports.sessions.read(target.name));
  waitForEdge(record, ports.clock.nowMs());
  const claimed = await claim(ports, target.name, record, offered.credential, ports.clock.nowMs());
  if (claimed === undefined) throw fail({ tag: 'busy', retryAfterSeconds: 2 });
  const reply = await logIn(ports, target, offered.credential, claimed);
  if (!reply.ok) {
    await release(ports, claimed, pauseAfter(claimed, reply.problem, ports.clock.nowMs()));
    throw loginFailure(target, offered.credential, reply.problem, ports.clock.nowMs());
  }
  if (reply.value.account === target.username) await share(ports, claimed, offered.version, reply.value);
  else await release(ports, claimed);
  return reply.value;
}

/**
 * Runs a repeatable call. If Docker Hub refuses the shared session, runs it once more with a new session.
 *
 * @param hubClass decides which calls go first while Docker Hub refuses requests.
 * @throws as {@link openSession}.
 */
export async function withSession<T>(
  ports: Ports,
  target: Target,
  call: (session: HubSession) => Promise<HubReply<T>>,
  hubClass: HubClass,
): Promise<HubReply<T>> {
  const session = await openSession(ports, target, hubClass);
  const reply = await call(session);
  await noteRate(ports, target.name, reply, hubClass);
  if (reply.ok || reply.problem.tag !== 'session_refused') return reply;
  await dropSession(ports, target.name, session);
  const repeated = await call(await openSession(ports, target, hubClass));
  await noteRate(ports, target.name, repeated, hubClass);
  return repeated;
}

/** Removes a session that Docker Hub refused, unless it was already replaced. */
export async function dropSession(ports: Ports, targetName: string, session: HubSession): Promise<void> {
  const record = await stored(ports.sessions.read(targetName));
  if (record?.expiresAtMs !== session.expiresAtMs) return;
  await stored(
    ports.sessions.write(
      next(ports, record, { sealedBearer: undefined, expiresAtMs: undefined, refreshAtMs: undefined }),
    ),
  );
}

function refreshAtMs(record: SessionRecord | undefined, { expiresAtMs }: HubSession): number {
  return record?.refreshAtMs ?? expiresAtMs - REFRESH_MS;
}

async function cachedSession(
  ports: Ports,
  target: Target,
  record: SessionRecord | undefined,
  nowMs: number,
): Promise<HubSession | undefined> {
  const { sealedBearer, account, expiresAtMs } = record ?? {};
  if (sealedBearer === undefined || expiresAtMs === undefined || expiresAtMs - nowMs <= USABLE_MS) return undefined;
  // A session of the target's former account must not be used, even if another process still shares it.
  if (account !== target.username) return undefined;
  try {
    return { account, expiresAtMs, bearer: await ports.sealer.open(sealedBearer, sealContext(target.name)) };
  } catch {
    // The session was sealed with a key that is gone. A new login replaces it.
    return undefined;
  }
}

/** Logs in with the current credential; undefined if another process is logging in. */
async function loginAgain(
  ports: Ports,
  target: Target,
  record: SessionRecord | undefined,
  nowMs: number,
): Promise<HubSession | undefined> {
  if ((record?.claimUntilMs ?? 0) > nowMs) return undefined;
  const stored = await readCredential(ports, target.name);
  const breakerUntilMs = record?.credentialVersion === stored.version ? (record.breakerUntilMs ?? 0) : 0;
  if (breakerUntilMs > nowMs) throw blocked(target, breakerUntilMs, nowMs);
  waitForLogin(record, target.name, nowMs);
  const claimed = await claim(ports, target.name, record, stored.credential, nowMs);
  if (claimed === undefined) return undefined;
  const reply = await logIn(ports, target, stored.credential, claimed);
  if (!reply.ok) {
    const { problem } = reply;
    if (problem.tag !== 'credential_refused' && problem.tag !== 'second_factor_needed') {
      await release(ports, claimed, pauseAfter(claimed, problem, ports.clock.nowMs()));
      throw failureOf(problem, target.name, ports.clock.nowMs());
    }
    throw await openBreaker(ports, target, stored, claimed);
  }
  if (reply.value.account !== target.username) {
    const breakerUntilMs = ports.clock.nowMs() + WRONG_ACCOUNT_PAUSE_MS;
    await release(ports, claimed, { credentialVersion: stored.version, breakerUntilMs, refusals: 0 });
    throw fail({ tag: 'hub_refused', code: 'wrong_account', target: target.name });
  }
  await share(ports, claimed, stored.version, reply.value);
  return reply.value;
}

/** Records that a credential was refused, and when it may be tried again. */
async function openBreaker(
  ports: Ports,
  target: Target,
  stored: StoredCredential,
  claimed: SessionRecord,
): Promise<Failed> {
  const again = claimed.credentialVersion === stored.version ? (claimed.refusals ?? 0) : 0;
  const pauseMs = breakerMs(again, {
    hasSecondFactor: stored.credential.totpSecret !== undefined,
    isProven: claimed.provenVersion === stored.version,
  });
  const refusedAtMs = ports.clock.nowMs();
  const breakerUntilMs = refusedAtMs + pauseMs;
  await release(ports, claimed, { credentialVersion: stored.version, breakerUntilMs, refusals: again + 1 });
  const event = pauseMs === BREAKER_MS ? 'login.refused' : 'login.retried';
  await ports.audit.record({ event, atMs: refusedAtMs, target: target.name });
  return blocked(target, breakerUntilMs, refusedAtMs);
}

/** The code is for the recorded step, no matter how long the write took. */
function logIn(ports: Ports, target: Target, credential: Credential, claimed: SessionRecord) {
  const nowMs = ports.clock.nowMs();
  const stepMs = (claimed.totpStep ?? 0) * TOTP_STEP_MS;
  const codeAtMs =
    credential.totpSecret === undefined ? nowMs : Math.min(Math.max(nowMs, stepMs), stepMs + TOTP_STEP_MS - 1);
  return ports.hub.login(credential, target.loginRoute, codeAtMs);
}

async function readCredential(ports: Ports, targetName: string): Promise<StoredCredential> {
  const unavailable = { tag: 'credential_unavailable', target: targetName, retryAfterSeconds: 5 } as const;
  const stored = await ports.credentials.read(targetName).catch((error: unknown) => {
    if (error instanceof CredentialOutOfReach) throw fail({ ...unavailable, isUnderFormerKey: true });
    return undefined;
  });
  if (stored === undefined) throw fail(unavailable);
  return stored;
}

function blocked(target: Target, reopensAtMs: number, nowMs: number): Failed {
  return fail({
    tag: 'login_blocked',
    target: target.name,
    reopensAtMs,
    retryAfterSeconds: retryAfterSeconds(reopensAtMs, nowMs),
  });
}

function loginFailure(target: Target, credential: Credential, problem: HubProblem, nowMs: number): Failed {
  if (problem.tag === 'credential_refused' || problem.tag === 'second_factor_needed') {
    return fail({
      tag: 'credential_refused',
      username: credential.username,
      secondFactor: secondFactorOf(target, problem),
    });
  }
  return failureOf(problem, target.name, nowMs);
}

/**
 * `/v2/auth/token` refuses a right password of an account with two-factor authentication with the same words as a wrong one, and
 * accepts no code.
 */
function secondFactorOf(target: Target, problem: HubProblem): 'needed' | 'possible' | 'no' {
  if (problem.tag === 'second_factor_needed') return 'needed';
  return target.loginRoute === 'auth-token' ? 'possible' : 'no';
}
