/** Whether a request to the registry may pull, and its challenge when it may not. */

import type { Answer, HubRequest } from '../answer.ts';
import type { Hub } from '../hub.ts';
import { verifyJwt } from '../login/jwt.ts';
import type { Access } from './granted.ts';
import { REGISTRY_SERVICE } from './token-exchange.ts';

/** Sent with every answer. Source: distribution/distribution, "HTTP API V2". */
const VERSION_HEADER = { 'docker-distribution-api-version': 'registry/2.0' };

/**
 * The 401 of a request that may not pull from `repository`, or undefined when it may. Without a repository, any bearer of this
 * fake is accepted. Source: Docker's registry API reference, "Registry authentication".
 */
export function pullRefused(hub: Hub, request: HubRequest, repository?: string): Answer | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) return challenge(request, repository);
  const claims = verifyJwt(bearer, hub.sessionKey, REGISTRY_SERVICE, hub.nowMs());
  if (claims === undefined) return challenge(request, repository, 'invalid_token');
  const access = (claims.access ?? []) as readonly Access[];
  const mayPull = access.some(
    ({ type, name, actions }) => type === 'repository' && name === repository && actions.includes('pull'),
  );
  return repository === undefined || mayPull ? undefined : challenge(request, repository, 'insufficient_scope');
}

/** An answer in the registry's own form. */
export function registryAnswer(status: number, type: string, body: string | Buffer, headers = {}): Answer {
  return { status, headers: { 'content-type': type, ...VERSION_HEADER, ...headers }, body };
}

/** An error of the registry. */
export function registryError(status: number, code: string, message: string, headers = {}): Answer {
  return registryAnswer(status, 'application/json', JSON.stringify({ errors: [{ code, message }] }), headers);
}

function challenge(request: HubRequest, repository?: string, error?: string): Answer {
  const fields = {
    realm: `${request.baseUrl}/token`,
    service: REGISTRY_SERVICE,
    ...(repository === undefined ? {} : { scope: `repository:${repository}:pull` }),
    ...(error === undefined ? {} : { error }),
  };
  const text = Object.entries(fields)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');
  return registryError(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': `Bearer ${text}` });
}
