/** `GET` and `POST /token`: the exchange of `auth.docker.io`, where an access token is *used*. */

import { randomUUID } from 'node:crypto';
import { type Answer, type HubRequest, json } from '../answer.ts';
import type { Hub } from '../hub.ts';
import { signJwt } from '../login/jwt.ts';
import { LOCKED_OUT } from '../login/login-routes.ts';
import type { TokenRow } from '../tokens/token-row.ts';
import { grantedAccess } from './granted.ts';

/** Docker Hub's `expires_in` (docker/hub-feedback issue 2094). */
export const REGISTRY_BEARER_SECONDS = 300;

/** What Docker Hub's registry calls itself in its challenge. */
export const REGISTRY_SERVICE = 'registry.docker.io';

/** Text seen in cilium/cilium issue 48535. */
const REFUSED = 'unauthorized: incorrect username or password';

/** Who exchanges: a token's holder, a user by password, or nobody. */
export type Holder =
  | { readonly as: 'token'; readonly row: TokenRow }
  | { readonly as: 'user' | 'nobody'; readonly name: string };

interface Login {
  readonly name: string;
  readonly secret: string;
}

/**
 * Answers 200 with what is both asked for and allowed, even when that is nothing; only the `access` claim tells (Docker
 * registry API reference, authentication). 401 for a dead token or wrong password. A dead *token* does not count towards the
 * lockout, so that a test may ask again and again whether one is dead; a wrong password does.
 */
export function registryToken(hub: Hub, request: HubRequest): Answer {
  const { authorization } = request.headers;
  const login = authorization === undefined ? 'nobody' : basicLogin(authorization);
  const holder = holderOf(hub, login);
  return 'status' in holder ? holder : json(200, bearerFor(hub, holder, request.query));
}

/**
 * The same by a form, as BuildKit and containerd ask first. Source: distribution/distribution, "OAuth2 Token Authentication".
 * There are no refresh tokens here, so `password` is the only grant.
 */
export function registryTokenByForm(hub: Hub, request: HubRequest): Answer {
  const { form } = request;
  if (form.get('grant_type') !== 'password') return json(400, { details: 'unsupported grant_type' });
  const name = form.get('username') ?? '';
  const holder = holderOf(
    hub,
    name === '' ? undefined : { name: name.toLowerCase(), secret: form.get('password') ?? '' },
  );
  if ('status' in holder) return holder;
  return json(200, { ...bearerFor(hub, holder, form), scope: form.getAll('scope').join(' ') });
}

function bearerFor(hub: Hub, holder: Holder, asked: URLSearchParams): Record<string, unknown> {
  const nowMs = hub.nowMs();
  const issuedAt = Math.floor(nowMs / 1_000);
  const token = signJwt(
    {
      iss: 'auth.docker.io',
      aud: asked.get('service') ?? REGISTRY_SERVICE,
      sub: holder.as === 'token' ? holder.row.account : holder.name,
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + REGISTRY_BEARER_SECONDS,
      jti: randomUUID(),
      access: grantedAccess(hub, holder, asked.getAll('scope')),
    },
    hub.sessionKey,
  );
  return {
    token,
    access_token: token,
    expires_in: REGISTRY_BEARER_SECONDS,
    issued_at: new Date(nowMs).toISOString(),
  };
}

/** The name and secret of an `Authorization: Basic`, or undefined when it is none. */
function basicLogin(authorization: string): Login | undefined {
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1];
  const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 1 ? undefined : { name: pair.slice(0, colon).toLowerCase(), secret: pair.slice(colon + 1) };
}

function holderOf(hub: Hub, login: Login | 'nobody' | undefined): Holder | Answer {
  if (login === 'nobody') return { as: 'nobody', name: '' };
  if (login === undefined) return json(401, { details: REFUSED });
  const { name, secret } = login;
  if (hub.logins.isLocked(name, hub.nowMs())) return json(429, { details: LOCKED_OUT });
  const row = hub.registryToken(name, secret);
  if (row !== undefined) {
    hub.tokens.markUsed(row, hub.nowMs());
    return { as: 'token', row };
  }
  if (hub.logins.passwordMatches(name, secret) && hub.logins.account(name)?.totpSecret === undefined) {
    return { as: 'user', name };
  }
  if (!/^dckr_(pat|oat)_/.test(secret)) hub.logins.failed(name, hub.nowMs());
  return json(401, { details: REFUSED });
}
