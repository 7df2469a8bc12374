/** `/v2/auth/token`, `/v2/users/login` and `/v2/users/2fa-login`. */

import { type Answer, fieldsOf, type HubRequest, json, type LoginRoute } from '../answer.ts';
import type { Hub } from '../hub.ts';
import { transientRefusal } from '../variations/transient-logins.ts';
import {
  AUTH_TOKEN_SECONDS,
  openSecondFactor,
  openSession,
  readSecondFactor,
  type Session,
  USERS_LOGIN_SECONDS,
} from './session.ts';

/** Text seen in docker/hub-feedback issues 2201 and 2217. */
export const LOCKED_OUT = 'toomanyrequests: too many failed login attempts for username or IP address';

/** What a lockout might be called under another status. */
const LOCKED_OTHERWISE = 'This account is temporarily locked. Please try again later.';

const INCORRECT = 'Incorrect authentication credentials';

/** What a name and a secret amount to on a login route. */
type Proof = Session | 'second-factor' | 'wrong';

/** POST `/v2/auth/token`: `identifier`, `secret`. A user's password or PAT, or an organization's name and OAT. */
export function authToken(hub: Hub, request: HubRequest): Answer {
  const { identifier, secret } = fieldsOf(request.body);
  if (typeof identifier !== 'string' || typeof secret !== 'string')
    return authTokenRefused(400, 'invalid request body');
  const name = identifier.toLowerCase();
  const locked = lockedOut(hub, name);
  if (locked !== undefined) return json(locked.status, { detail: locked.words, message: locked.words });
  const proof = prove(hub, name, secret, 'auth-token');
  if (proof === 'wrong') hub.logins.failed(name, hub.nowMs());
  // The password was right, so it does not count towards the lockout; this route has no documented second step.
  if (proof === 'wrong' || proof === 'second-factor') return authTokenRefused(401, INCORRECT);
  return opened(hub, proof, 'access_token', AUTH_TOKEN_SECONDS);
}

/** POST `/v2/users/login`: `username`, `password`. A user's password or PAT; organizations are refused. */
export function usersLogin(hub: Hub, request: HubRequest): Answer {
  const { username, password } = fieldsOf(request.body);
  if (typeof username !== 'string' || typeof password !== 'string')
    return json(400, { detail: 'invalid request body' });
  const name = username.toLowerCase();
  const locked = lockedOut(hub, name);
  if (locked !== undefined) return json(locked.status, { detail: locked.words });
  if (hub.organizations.has(name)) return json(401, { detail: 'Cannot log into an organization account' });
  const proof = prove(hub, name, password, 'users-login');
  if (proof === 'second-factor') {
    return json(hub.settings.secondFactorStatus, {
      detail: 'Require secondary authentication on MFA enabled account',
      login_2fa_token: openSecondFactor(hub, name),
    });
  }
  if (proof === 'wrong') {
    hub.logins.failed(name, hub.nowMs());
    return json(401, { detail: INCORRECT });
  }
  return opened(hub, proof, 'token', USERS_LOGIN_SECONDS);
}

/** POST `/v2/users/2fa-login`: `login_2fa_token`, `code`. Each code is taken once. */
export function secondFactorLogin(hub: Hub, request: HubRequest): Answer {
  const { login_2fa_token: token, code } = fieldsOf(request.body);
  if (typeof token !== 'string' || typeof code !== 'string') return json(400, { detail: 'invalid request body' });
  const name = readSecondFactor(hub, token);
  if (name === undefined) return json(401, { detail: INCORRECT });
  const locked = lockedOut(hub, name);
  if (locked !== undefined) return json(locked.status, { detail: locked.words });
  if (!hub.logins.takeCode(name, code, hub.nowMs())) {
    hub.logins.failed(name, hub.nowMs());
    return json(401, { detail: INCORRECT });
  }
  return opened(hub, { account: name, source: 'password' }, 'token', USERS_LOGIN_SECONDS);
}

/** What a login with the right credential gets. */
function opened(hub: Hub, session: Session, member: 'access_token' | 'token', lifetimeSeconds: number): Answer {
  const refusal = transientRefusal(hub.settings, hub.logins.countRight());
  if (refusal !== undefined) return refusal;
  hub.logins.succeeded(session.account);
  return json(200, { [member]: openSession(hub, session, lifetimeSeconds) });
}

function lockedOut(hub: Hub, name: string): { readonly status: 429 | 401; readonly words: string } | undefined {
  if (!hub.logins.isLocked(name, hub.nowMs())) return undefined;
  const status = hub.settings.lockStatus;
  return { status, words: status === 429 ? LOCKED_OUT : LOCKED_OTHERWISE };
}

function prove(hub: Hub, name: string, secret: string, route: LoginRoute): Proof {
  const token = hub.loginToken(name, secret);
  // An organization's token opens no session of a user, whatever the name.
  if (token?.kind === 'oat' && route === 'users-login') return 'wrong';
  if (token !== undefined) {
    hub.tokens.markUsed(token, hub.nowMs());
    return { account: token.account, source: token.kind };
  }
  const account = hub.logins.account(name);
  if (!hub.logins.passwordMatches(name, secret) || account?.refusedRoutes?.includes(route)) return 'wrong';
  return account?.totpSecret === undefined ? { account: name, source: 'password' } : 'second-factor';
}

function authTokenRefused(status: 400 | 401, detail: string): Answer {
  return json(status, { errinfo: {}, detail, message: detail });
}
