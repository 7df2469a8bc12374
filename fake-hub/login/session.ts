/** Docker Hub's sessions: what a login gives, and what a call's `Authorization` header amounts to. */

import { createHash, randomUUID } from 'node:crypto';
import { type Answer, type HubRequest, json } from '../answer.ts';
import type { Hub } from '../hub.ts';
import { refused } from '../refusals.ts';
import { sessionHeader } from '../variations/session-header.ts';
import { signJwt, verifyJwt } from './jwt.ts';

const AUDIENCE = 'https://hub.docker.com';
const SECOND_FACTOR_AUDIENCE = 'https://hub.docker.com/v2/users/2fa-login';

/** Docker Hub API reference: "This expires in 10 minutes." */
export const AUTH_TOKEN_SECONDS = 600;

/** A session of the deprecated route lived about a month when last seen (docker/hub-feedback issue 1157). */
export const USERS_LOGIN_SECONDS = 30 * 86_400;

/** What Docker Hub might say in other words. */
const OTHER_PAT_WORDS = 'access is forbidden with a JWT issued from a personal access token';

/** How long the second factor may follow the first. Not documented. */
export const SECOND_FACTOR_SECONDS = 300;

export type SessionSource = 'password' | 'pat' | 'oat';

/** Who calls, once the bearer is verified. */
export interface Session {
  /** User name, or the organization of an organization token. */
  readonly account: string;
  readonly source: SessionSource;
}

/** A signed bearer with the claims that Docker's clients read. The settings may shorten its lifetime. */
export function openSession(hub: Hub, session: Session, lifetimeSeconds: number): string {
  const issuedAt = Math.floor(hub.nowMs() / 1_000);
  const uuid = accountUuid(session.account);
  const account = hub.logins.account(session.account);
  return signJwt(
    {
      iss: 'https://api.docker.com/',
      aud: [AUDIENCE],
      sub: uuid,
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + (hub.settings.sessionSeconds ?? lifetimeSeconds),
      jti: randomUUID(),
      scope: 'openid',
      source: session.source,
      [AUDIENCE]: {
        username: session.account,
        email: account?.email ?? `${session.account}@example.com`,
        uuid,
      },
    },
    hub.sessionKey,
    sessionHeader(hub.settings),
  );
}

/** What `/v2/users/login` gives an account with a second factor. */
export function openSecondFactor(hub: Hub, username: string): string {
  const issuedAt = Math.floor(hub.nowMs() / 1_000);
  return signJwt(
    { aud: SECOND_FACTOR_AUDIENCE, username, exp: issuedAt + SECOND_FACTOR_SECONDS, jti: randomUUID() },
    hub.sessionKey,
  );
}

/** The user name a second factor was asked of, or undefined. */
export function readSecondFactor(hub: Hub, token: string): string | undefined {
  const username = verifyJwt(token, hub.sessionKey, SECOND_FACTOR_AUDIENCE, hub.nowMs())?.username;
  return typeof username === 'string' ? username : undefined;
}

/**
 * The session of a call that manages tokens, or Docker Hub's refusal: 401 without a valid bearer (an access token in its place
 * is none), 403 when the session was opened with an access token (docker/hub-feedback issue 2478).
 */
export function managingSession(hub: Hub, request: HubRequest): Session | Answer {
  const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  const claims = bearer === undefined ? undefined : verifyJwt(bearer, hub.sessionKey, AUDIENCE, hub.nowMs());
  const who = claims?.[AUDIENCE] as { readonly username: string } | undefined;
  const { settings } = hub;
  if (claims === undefined || who === undefined) return refused(settings, 401, 'unauthorized');
  if (claims.source === 'pat' && settings.patSessionWords === 'other') return json(403, { message: OTHER_PAT_WORDS });
  if (claims.source === 'pat') return refused(settings, 403, 'token issued from personal access token is not allowed');
  if (claims.source === 'oat') {
    return refused(settings, 403, 'token issued from organization access token is not allowed');
  }
  return { account: who.username, source: 'password' };
}

/** The same for the same name in every run, in the form of a UUID. */
function accountUuid(account: string): string {
  const hex = createHash('sha256').update(`fake-docker-hub-account:${account}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
