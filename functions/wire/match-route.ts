import { fail } from '../core/model/failure.ts';
import { ALL_OPERATIONS, type NamedOperation } from './operations.ts';
import { pathParameter } from './path-parameters.ts';
import { STAGE } from './route.ts';

/** A request's route, as API Gateway states it in a proxy event. */
export interface RouteMatch {
  readonly route: NamedOperation;
  /** The route's path; the event's `resource`. */
  readonly resource: string;
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
  return ALL_OPERATIONS.flatMap((route) => {
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

/** The one path that leads to what the path was parsed to. */
function canonicalPath({ route, pathParameters }: RouteMatch): string {
  const below = route.path.replace(/\{(\w+)\+?\}/, (_, parameter: string) => {
    const value = pathParameters[parameter] ?? '';
    return pathParameter(parameter).canonical(value);
  });
  return `/${STAGE}${below}`;
}
