import { Secret, TOTP } from 'otpauth';
import type { Credential, LoginRoute } from '../../core/model/target.ts';
import type { HubReply, HubSession } from '../../core/ports/docker-hub.ts';
import { ANSWER_MAX_BYTES, type Exchange, faultReply, type HubAnswer } from './http.ts';
import { parseJson, property } from './json.ts';
import { problemOf } from './problem.ts';

/** Lifetime of a session without `exp`. Source: Docker Hub API reference, AuthCreateAccessToken: "expires in 10 minutes". */
const SESSION_DEFAULT_MS = 600_000;
/** Maximum lifetime that is trusted. The deprecated route once gave a month. A leaked session should not be used for that long. */
const SESSION_MAX_MS = 3_600_000;
/** Docker Hub's sessions have about 2 KiB. */
const SESSION_MAX_CHARACTERS = 8_192;
/** The characters of a bearer, so that it is a legal header. Source: RFC 6750 section 2.1. */
const BEARER = /^[A-Za-z0-9._~+/-]+=*$/;
const USERNAME = /^[a-z0-9][a-z0-9_-]{0,63}$/i;

/**
 * Logs in by one of Docker Hub's two routes, with the second factor if Docker Hub asks for it. Sends each request once.
 *
 * @param totpAtMs the time for which a TOTP code is made.
 * @param nowMs our clock before the login, from which the session's life is counted.
 */
export async function logIn(
  exchange: Exchange,
  credential: Credential,
  route: LoginRoute,
  times: { readonly totpAtMs: number; readonly nowMs: () => number },
  deadline: AbortSignal,
): Promise<HubReply<HubSession>> {
  const startedAtMs = times.nowMs();
  const post = (path: string, body: Readonly<Record<string, string>>) =>
    exchange({ method: 'POST', path, body, maxBytes: ANSWER_MAX_BYTES, expects: 'json' }, deadline);
  const { username, password } = credential;
  const first =
    route === 'auth-token'
      ? await post('/v2/auth/token', { identifier: username, secret: password })
      : await post('/v2/users/login', { username, password });
  if (!first.ok) return first;

  const ticket = secondFactorTicket(first.value);
  if (ticket === undefined) return sessionOf(first.value, route, username, startedAtMs, times.nowMs());
  const code = route === 'users-login' ? totpCode(credential.totpSecret, times.totpAtMs) : undefined;
  // The other route has no documented second step.
  if (code === undefined) return { ok: false, problem: { tag: 'second_factor_needed' }, meta: first.meta };
  const second = await post('/v2/users/2fa-login', { login_2fa_token: ticket, code });
  if (!second.ok) return second;
  return sessionOf(second.value, route, username, startedAtMs, times.nowMs());
}

/**
 * The ticket for the second step, which Docker Hub returns if the password is right. Documented with 401, seen with 200 in one
 * client. So any status is accepted, unless the answer also has a session.
 */
function secondFactorTicket(answer: HubAnswer): string | undefined {
  if (property(answer.json, 'token') !== undefined || property(answer.json, 'access_token') !== undefined)
    return undefined;
  const ticket = property(answer.json, 'login_2fa_token');
  return typeof ticket === 'string' && ticket !== '' ? ticket : undefined;
}

/** The code for an instant, or undefined without a usable TOTP secret. otpauth's errors quote the secret's characters. */
function totpCode(totpSecret: string | undefined, atMs: number): string | undefined {
  if (totpSecret === undefined || totpSecret.trim() === '') return undefined;
  try {
    return TOTP.generate({ secret: Secret.fromBase32(totpSecret), timestamp: atMs });
  } catch {
    return undefined;
  }
}

function sessionOf(
  answer: HubAnswer,
  route: LoginRoute,
  username: string,
  startedAtMs: number,
  nowMs: number,
): HubReply<HubSession> {
  const { meta } = answer;
  const problem = problemOf(answer, nowMs, 'login');
  if (problem !== undefined) return { ok: false, problem, meta };
  const bearer = property(answer.json, route === 'auth-token' ? 'access_token' : 'token');
  if (typeof bearer !== 'string' || bearer.length > SESSION_MAX_CHARACTERS || !BEARER.test(bearer)) {
    return faultReply('malformed', meta);
  }
  const claims = claimsOf(bearer);
  const name = property(property(claims, 'https://hub.docker.com'), 'username');
  const account = (typeof name === 'string' && USERNAME.test(name) ? name : username).toLowerCase();
  const lifeMs = sessionLifeMs(property(claims, 'exp'), meta.hubDateMs ?? startedAtMs);
  return { ok: true, value: { account, bearer, expiresAtMs: startedAtMs + lifeMs }, meta };
}

/** How long a session lives, from its `exp` (unix seconds, Docker Hub's clock) and the time there. */
function sessionLifeMs(exp: unknown, hubNowMs: number): number {
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return SESSION_DEFAULT_MS;
  return Math.min(Math.max(Math.floor(exp * 1_000 - hubNowMs), 0), SESSION_MAX_MS);
}

/**
 * The claims of a JWT, or undefined when it has none. Its signature is not checked: it came from Docker Hub itself over TLS.
 */
export function claimsOf(jwt: string): unknown {
  return parseJson(Buffer.from(jwt.split('.')[1] ?? '', 'base64url'))?.value;
}
