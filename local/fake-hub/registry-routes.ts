/** `GET /token`: the exchange of `auth.docker.io`, where an access token is *used*. */

import { randomUUID } from 'node:crypto';
import { type Answer, type HubRequest, json } from './answer.ts';
import type { Hub } from './hub.ts';
import { signJwt } from './jwt.ts';
import { LOCKED_OUT } from './login-routes.ts';
import { imageActions } from './oat-resources.ts';
import { PAT_SCOPES } from './pat-routes.ts';
import type { TokenRow } from './tokens.ts';

/** Docker Hub's `expires_in` (docker/hub-feedback issue 2094). */
export const REGISTRY_BEARER_SECONDS = 300;

/** Text seen in cilium/cilium issue 48535. */
const REFUSED = 'unauthorized: incorrect username or password';

const ACTIONS = ['pull', 'push', 'delete'];

/** Who exchanges: a token's holder, a user by password, or nobody. */
type Holder =
  | { readonly as: 'token'; readonly row: TokenRow }
  | { readonly as: 'user' | 'nobody'; readonly name: string };

/**
 * Answers 200 with what is both asked for and allowed, even when that is nothing; only the `access` claim tells (Docker
 * registry API reference, authentication). 401 for a dead token or wrong password. A dead *token* does not count towards the
 * lockout, so that a test may ask again and again whether one is dead; a wrong password does.
 */
export function registryToken(hub: Hub, request: HubRequest): Answer {
  const holder = holderOf(hub, request);
  if ('status' in holder) return holder;
  const service = request.query.get('service') ?? 'registry.docker.io';
  const nowMs = hub.nowMs();
  const issuedAt = Math.floor(nowMs / 1_000);
  const name = holder.as === 'token' ? holder.row.account : holder.name;
  const access = request.query
    .getAll('scope')
    .flatMap((scopes) => scopes.split(' '))
    .flatMap((scope) => granted(hub, holder, scope));
  const token = signJwt(
    {
      iss: 'auth.docker.io',
      aud: service,
      sub: name,
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + REGISTRY_BEARER_SECONDS,
      jti: randomUUID(),
      access,
    },
    hub.sessionKey,
  );
  return json(200, {
    token,
    access_token: token,
    expires_in: REGISTRY_BEARER_SECONDS,
    issued_at: new Date(nowMs).toISOString(),
  });
}

function holderOf(hub: Hub, request: HubRequest): Holder | Answer {
  const { authorization } = request.headers;
  if (authorization === undefined) return { as: 'nobody', name: '' };
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1];
  const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString();
  const colon = pair.indexOf(':');
  if (colon < 1) return json(401, { details: REFUSED });
  const name = pair.slice(0, colon).toLowerCase();
  const secret = pair.slice(colon + 1);
  if (hub.logins.isLocked(name, hub.nowMs())) return json(429, { details: LOCKED_OUT });
  const row = hub.liveToken(name, secret);
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

/** One `type:name:actions` as an entry of the `access` claim; something that is no scope is left out. */
function granted(hub: Hub, holder: Holder, scope: string): { type: string; name: string; actions: string[] }[] {
  const [, type, name, wanted] = /^([a-z()]+):([^\s]+):([a-z,*]+)$/.exec(scope) ?? [];
  if (type === undefined || name === undefined || wanted === undefined) return [];
  const allowed = type === 'repository' ? allowedActions(hub, holder, name) : [];
  const asked = wanted.split(',');
  // `*` is everything, and so is granted only to who may do everything.
  const all = asked.includes('*') && allowed.length === ACTIONS.length ? ['*'] : [];
  return [{ type, name, actions: [...allowed.filter((action) => asked.includes(action)), ...all] }];
}

function allowedActions(hub: Hub, holder: Holder, repository: string): string[] {
  const namespace = repository.split('/')[0] ?? '';
  const isKnown = hub.logins.account(namespace) !== undefined || hub.organizations.has(namespace);
  const isPublic = !isKnown || hub.publicRepositories.has(repository);
  const publicActions = isPublic ? ['pull'] : [];
  if (holder.as === 'nobody') return publicActions;
  if (holder.as === 'token' && holder.row.kind === 'oat') {
    return imageActions(holder.row.resources, repository, isPublic);
  }
  const name = holder.as === 'token' ? holder.row.account : holder.name;
  const reaches = namespace === name || hub.organizations.get(namespace)?.owners.has(name) === true;
  if (!reaches) return publicActions;
  if (holder.as !== 'token') return ACTIONS;
  const widest = Math.max(...holder.row.scopes.map((scope) => PAT_SCOPES.indexOf(scope)));
  // `repo:public_read` is the narrowest, and reaches public repositories alone.
  return widest === 0 ? publicActions : ACTIONS.slice(0, widest);
}
