/** Docker Hub's routes, by method and path. */

import type { Answer, HubRequest, RouteName } from './answer.ts';
import type { Hub } from './hub.ts';
import { authToken, secondFactorLogin, usersLogin } from './login/login-routes.ts';
import { getBlob, getManifest, listTags, pingRegistry } from './registry/routes.ts';
import { registryToken, registryTokenByForm } from './registry/token-exchange.ts';
import { createOat, deleteOat, getOat, listOats, updateOat } from './tokens/oat-routes.ts';
import { createPat, deletePat, getPat, listPats, updatePat } from './tokens/pat-routes.ts';

export interface Route {
  readonly name: RouteName;
  readonly method: string;
  readonly path: RegExp;
  /** Applies the request and answers it, in one step that nothing comes between. */
  readonly answer: (hub: Hub, request: HubRequest) => Answer;
}

const PATS = /^\/v2\/access-tokens$/;
const PAT = /^\/v2\/access-tokens\/(?<id>[^/]+)$/;
const OATS = /^\/v2\/orgs\/(?<organization>[^/]+)\/access-tokens$/;
const OAT = /^\/v2\/orgs\/(?<organization>[^/]+)\/access-tokens\/(?<id>[^/]+)$/;
const TOKEN = /^\/token$/;

/** Docker Hub's API comes first: some of its paths might be read as a repository's. */
const ROUTES: readonly Route[] = [
  { name: 'auth-token', method: 'POST', path: /^\/v2\/auth\/token$/, answer: authToken },
  { name: 'users-login', method: 'POST', path: /^\/v2\/users\/login$/, answer: usersLogin },
  { name: '2fa-login', method: 'POST', path: /^\/v2\/users\/2fa-login$/, answer: secondFactorLogin },
  { name: 'pat-create', method: 'POST', path: PATS, answer: createPat },
  { name: 'pat-list', method: 'GET', path: PATS, answer: listPats },
  { name: 'pat-get', method: 'GET', path: PAT, answer: getPat },
  { name: 'pat-update', method: 'PATCH', path: PAT, answer: updatePat },
  { name: 'pat-delete', method: 'DELETE', path: PAT, answer: deletePat },
  { name: 'oat-create', method: 'POST', path: OATS, answer: createOat },
  { name: 'oat-list', method: 'GET', path: OATS, answer: listOats },
  { name: 'oat-get', method: 'GET', path: OAT, answer: getOat },
  { name: 'oat-update', method: 'PATCH', path: OAT, answer: updateOat },
  { name: 'oat-delete', method: 'DELETE', path: OAT, answer: deleteOat },
  { name: 'registry-token', method: 'GET', path: TOKEN, answer: registryToken },
  { name: 'registry-token', method: 'POST', path: TOKEN, answer: registryTokenByForm },
  ...readable('registry-ping', /^\/v2\/$/, pingRegistry),
  ...readable('registry-tags', /^\/v2\/(?<repository>.+)\/tags\/list$/, listTags),
  ...readable('registry-manifest', /^\/v2\/(?<repository>.+)\/manifests\/(?<reference>[^/]+)$/, getManifest),
  ...readable('registry-blob', /^\/v2\/(?<repository>.+)\/blobs\/(?<digest>[^/]+)$/, getBlob),
];

/** HEAD is answered as GET, and sent without its body. */
function readable(name: RouteName, path: RegExp, answer: Route['answer']): Route[] {
  return ['GET', 'HEAD'].map((method) => ({ name, method, path, answer }));
}

/** The route of a request with its path parameters; 405 when only the method is wrong, else 404. */
export function findRoute(
  method: string,
  path: string,
): { readonly route: Route; readonly params: Readonly<Record<string, string>> } | 404 | 405 {
  const onPath = ROUTES.filter((route) => route.path.test(path));
  const route = onPath.find((candidate) => candidate.method === method);
  if (route === undefined) return onPath.length === 0 ? 404 : 405;
  return { route, params: route.path.exec(path)?.groups ?? {} };
}
