import { fail } from '../core/model/failure.ts';

/** The API's one stage, and so the first segment of every path. */
export const STAGE = 'v1';

/** One route of the API. Gateway resources, the embedded front door, request validation and OpenAPI are made from these. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the stage, in API Gateway's notation: `{id}` is one segment, `{name+}` the rest of the path. At most one of them. */
  readonly path: `/${string}`;
  /** Unique; also OpenAPI's `operationId`. */
  readonly operation: string;
  /** The Lambda function that answers. */
  readonly function: 'broker' | 'admin';
  /** Who may be granted it: `caller` routes may be given to consumers, `admin` routes never. */
  readonly who: 'caller' | 'admin';
  readonly summary: string;
}

/** THE route table. */
export const ROUTES = [
  {
    method: 'POST',
    path: '/lease/{name+}',
    operation: 'mintLease',
    function: 'broker',
    who: 'caller',
    summary: 'Lease a Docker Hub token from a dynamic secret.',
  },
  {
    method: 'GET',
    path: '/leases',
    operation: 'listLeases',
    function: 'broker',
    who: 'caller',
    summary: "List the caller's own leases, newest first.",
  },
  {
    method: 'GET',
    path: '/leases/{id}',
    operation: 'getLease',
    function: 'broker',
    who: 'caller',
    summary: "Show one of the caller's own leases.",
  },
  {
    method: 'DELETE',
    path: '/leases/{id}',
    operation: 'revokeLease',
    function: 'broker',
    who: 'caller',
    summary: "Revoke one of the caller's own leases now.",
  },
  {
    method: 'POST',
    path: '/leases/{id}/renew',
    operation: 'renewLease',
    function: 'broker',
    who: 'caller',
    summary: "Extend one of the caller's own leases, up to its `maxExpiresAt`.",
  },
  {
    method: 'GET',
    path: '/whoami',
    operation: 'whoami',
    function: 'broker',
    who: 'caller',
    summary: 'Show the caller as hublease sees it, and the dynamic secrets it may lease from.',
  },
  {
    method: 'GET',
    path: '/openapi.json',
    operation: 'getOpenapi',
    function: 'broker',
    who: 'caller',
    summary: 'Show this API as an OpenAPI 3.1 document.',
  },
  {
    method: 'GET',
    path: '/admin/targets',
    operation: 'listTargets',
    function: 'admin',
    who: 'admin',
    summary: 'List targets by name.',
  },
  {
    method: 'PUT',
    path: '/admin/targets/{name+}',
    operation: 'putTarget',
    function: 'admin',
    who: 'admin',
    summary: 'Create or change a target. Its credential goes in and never comes out.',
  },
  {
    method: 'GET',
    path: '/admin/targets/{name+}',
    operation: 'getTarget',
    function: 'admin',
    who: 'admin',
    summary: 'Show one target.',
  },
  {
    method: 'DELETE',
    path: '/admin/targets/{name+}',
    operation: 'deleteTarget',
    function: 'admin',
    who: 'admin',
    summary: 'Delete a target, or let it drain.',
  },
  {
    method: 'POST',
    path: '/admin/targets/{name+}',
    operation: 'actOnTarget',
    function: 'admin',
    who: 'admin',
    summary: 'Verify a target again, with the credential in force, or dismiss tokens that block its leases.',
  },
  {
    method: 'GET',
    path: '/admin/secrets',
    operation: 'listSecrets',
    function: 'admin',
    who: 'admin',
    summary: 'List dynamic secrets by name.',
  },
  {
    method: 'PUT',
    path: '/admin/secrets/{name+}',
    operation: 'putSecret',
    function: 'admin',
    who: 'admin',
    summary: 'Create or change a dynamic secret.',
  },
  {
    method: 'GET',
    path: '/admin/secrets/{name+}',
    operation: 'getSecret',
    function: 'admin',
    who: 'admin',
    summary: 'Show one dynamic secret.',
  },
  {
    method: 'DELETE',
    path: '/admin/secrets/{name+}',
    operation: 'deleteSecret',
    function: 'admin',
    who: 'admin',
    summary: 'Delete a dynamic secret, or let it drain.',
  },
  {
    method: 'GET',
    path: '/admin/leases',
    operation: 'listAllLeases',
    function: 'admin',
    who: 'admin',
    summary: "List everybody's leases, newest first.",
  },
  {
    method: 'GET',
    path: '/admin/leases/{id}',
    operation: 'getAnyLease',
    function: 'admin',
    who: 'admin',
    summary: "Show anybody's lease.",
  },
  {
    method: 'DELETE',
    path: '/admin/leases/{id}',
    operation: 'revokeAnyLease',
    function: 'admin',
    who: 'admin',
    summary: "Revoke anybody's lease now, or close it on your word.",
  },
  {
    method: 'POST',
    path: '/admin/revoke',
    operation: 'revokeMatching',
    function: 'admin',
    who: 'admin',
    summary: 'Revoke every open lease of a folder, target or caller, or the one that a leaked token belongs to.',
  },
] as const satisfies readonly Route[];

export type AnyRoute = (typeof ROUTES)[number];
export type Operation = AnyRoute['operation'];
/** The operations that one function answers. */
export type OperationOf<Fn extends Route['function']> = Extract<AnyRoute, { function: Fn }>['operation'];

/** A request's route, as API Gateway states it in a proxy event. */
export interface RouteMatch {
  readonly route: AnyRoute;
  /** The route's path; the event's `resource`. */
  readonly resource: AnyRoute['path'];
  readonly pathParameters: Readonly<Record<string, string>>;
}

/** Longest legal path is a name of 4 times 32 characters below `/v1/admin/secrets/`. Longer ones cannot be canonical. */
const RAW_PATH_MAX_CHARACTERS = 256;

/** What every canonical path is made of: no `%` or other sign, no empty, dot or hidden segment, no slash at the end. */
const CANONICAL_CHARACTERS = /^(?:\/[A-Za-z0-9][A-Za-z0-9._~-]*)+$/;

/**
 * Finds the route of a request.
 *
 * @param rawPath as it stood in the request line, with the stage and without the query: `/v1/lease/ci/release`.
 * @returns undefined when the API has no such path, or no such method on it (see {@link allowedMethods}).
 * @throws Failed `path_not_canonical` unless the path is byte for byte the canonical rendering of what it parsed to. IAM
 *   policies match the path as sent, so no second spelling may lead to the same resource.
 */
export function matchRoute(method: string, rawPath: string): RouteMatch | undefined {
  const match = matches(rawPath).find(({ route }) => route.method === method);
  if (match !== undefined && canonicalPath(match) !== rawPath) throw fail({ tag: 'path_not_canonical' });
  return match;
}

/** The methods that the API has on a path, for the `Allow` header; none for an unknown path. Fails as {@link matchRoute}. */
export function allowedMethods(rawPath: string): readonly string[] {
  return matches(rawPath).map(({ route }) => route.method);
}

function matches(rawPath: string): RouteMatch[] {
  if (rawPath.length > RAW_PATH_MAX_CHARACTERS || !CANONICAL_CHARACTERS.test(rawPath)) {
    throw fail({ tag: 'path_not_canonical' });
  }
  const [, stage, ...segments] = rawPath.split('/');
  if (stage !== STAGE) return [];
  return ROUTES.flatMap((route) => {
    const pathParameters = parametersOf(route.path, segments);
    return pathParameters === undefined ? [] : [{ route, resource: route.path, pathParameters }];
  });
}

function parametersOf(path: string, segments: readonly string[]): Record<string, string> | undefined {
  const template = path.split('/').slice(1);
  const isRest = template.at(-1)?.endsWith('+}') === true;
  if (isRest ? segments.length < template.length : segments.length !== template.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of template.entries()) {
    const parameter = /^\{(\w+)(\+?)\}$/.exec(part);
    if (parameter === null && part !== segments[index]) return undefined;
    if (parameter === null) continue;
    const value = parameter[2] === '+' ? segments.slice(index).join('/') : segments[index];
    parameters[parameter[1] as string] = value as string;
  }
  return parameters;
}

/** Names are written in lower case, lease ids (ULIDs) in upper case. */
function canonicalPath({ route, pathParameters }: RouteMatch): string {
  const below = route.path.replace(/\{(\w+)\+?\}/, (_, parameter: string) => {
    const value = pathParameters[parameter] ?? '';
    return parameter === 'id' ? value.toUpperCase() : value.toLowerCase();
  });
  return `/${STAGE}${below}`;
}
