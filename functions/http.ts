import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod';
import { type Origin, parseCaller } from './core/model/caller.ts';
import { Failed, type Failure, fail } from './core/model/failure.ts';
import type { MintPorts } from './core/ports/needs.ts';
import { errorFields, type Log, type LogFields } from './log.ts';
import type { AnswerOf } from './wire/answers.ts';
import { check } from './wire/check.ts';
import { checkEvent, readHeader, readJson, readQuery } from './wire/event.ts';
import { LeaseId, Name } from './wire/fields.ts';
import { problemOf } from './wire/problem.ts';
import { REQUESTS } from './wire/requests.ts';
import {
  type AnyRoute,
  allowedMethods,
  matchRoute,
  type Operation,
  type OperationOf,
  type Route,
  type RouteMatch,
} from './wire/routes.ts';

/** Answers one proxy event of API Gateway's REST API. Never rejects. */
export type HttpHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

type ParameterIn<Path> = Path extends `${string}{${infer P}+}`
  ? P
  : Path extends `${string}{${infer P}}${string}`
    ? P
    : never;
type HeadersOf<Op extends Operation> = (typeof REQUESTS)[Op] extends { headers: infer H } ? keyof H & string : never;
type PathOf<Op extends Operation> = ParameterIn<Extract<AnyRoute, { operation: Op }>['path']>;

/** A request to operation `Op` whose every part has been checked. */
export interface RequestOf<Op extends Operation> {
  readonly origin: Origin;
  readonly path: Readonly<Record<PathOf<Op>, string>>;
  readonly query: z.output<(typeof REQUESTS)[Op]['query']>;
  readonly body: (typeof REQUESTS)[Op] extends { body: infer S extends z.ZodType } ? z.output<S> : undefined;
  /** Those that the operation takes, named in lower case. */
  readonly headers: Readonly<Partial<Record<HeadersOf<Op>, string>>>;
}

/** What a function does for each of its routes. */
export type Operations<Fn extends Route['function']> = {
  readonly [Op in OperationOf<Fn>]: (request: RequestOf<Op>) => Promise<AnswerOf<Op>>;
};

/** In every answer. Answers hold tokens and names, so nothing between us and the caller may keep them. */
const COMMON_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/**
 * Makes a function's handler out of what it does for each of its routes: checks the event, the path, the caller, the query and
 * the body, calls, and turns the outcome into HTTP. A failure becomes its problem; any other error a 500 that says nothing
 * but the request's id, under which the log has the error's name and stack.
 */
export function http<Fn extends Route['function']>(
  fn: Fn,
  ports: Pick<MintPorts, 'clock' | 'ids'>,
  log: Log,
  operations: Operations<Fn>,
): HttpHandler {
  return async (event) => {
    const startedMs = ports.clock.nowMs();
    const requestId = requestIdOf(event) ?? ports.ids.opId();
    let seen: LogFields = { requestId };
    let result: APIGatewayProxyResult;
    try {
      checkEvent(event);
      const match = routeOf(fn, event);
      seen = { ...seen, route: match.route.operation };
      const request = readRequest(match, event, requestId);
      seen = { ...seen, ...namesIn(match) };
      // The table ties each operation's request to its function; the compiler cannot follow one through a variable key.
      const operation = operations[match.route.operation as OperationOf<Fn>] as (
        request: RequestOf<Operation>,
      ) => Promise<AnswerOf<Operation>>;
      const { status, body, headers } = await operation(request);
      result = resultOf(
        requestId,
        status,
        { ...(headers as Readonly<Record<string, string>> | undefined), 'content-type': 'application/json' },
        body,
      );
    } catch (error) {
      if (!(error instanceof Failed)) log.error('internal', { ...seen, ...errorFields(error) });
      const failure: Failure = error instanceof Failed ? error.failure : { tag: 'internal' };
      seen = { ...seen, code: failure.tag };
      result = problemResult(failure, requestId);
    }
    log.info('request', { ...seen, status: result.statusCode, durationMs: ports.clock.nowMs() - startedMs });
    return result;
  };
}

/** A failure as a proxy result; also for a front door that refuses before any handler runs. */
export function problemResult(failure: Failure, requestId: string): APIGatewayProxyResult {
  const { status, headers, problem } = problemOf(failure, requestId);
  return resultOf(requestId, status, headers, problem);
}

function resultOf(
  requestId: string,
  statusCode: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): APIGatewayProxyResult {
  return {
    statusCode,
    headers: { ...headers, ...COMMON_HEADERS, 'x-request-id': requestId },
    body: JSON.stringify(body),
  };
}

/** The request's id. API Gateway's are UUIDs; whatever else stands there is not repeated into answers and logs. */
export function requestIdOf(event: unknown): string | undefined {
  const id = (event as Partial<APIGatewayProxyEvent> | null | undefined)?.requestContext?.requestId;
  return typeof id === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(id) ? id : undefined;
}

/** IAM has allowed what the gateway made of the path; if we make anything else of it, nobody has allowed that. */
function routeOf(fn: Route['function'], event: APIGatewayProxyEvent): RouteMatch {
  const { httpMethod: method } = event;
  const match = matchRoute(method, event.requestContext.path);
  const allowed = match === undefined ? allowedMethods(event.requestContext.path) : [];
  if (allowed.length > 0) throw fail({ tag: 'method_not_allowed', method, allowed });
  if (match?.route.function !== fn) throw fail({ tag: 'route_not_found', method });
  const stated = Object.entries(event.pathParameters ?? {});
  const same =
    event.resource === match.resource &&
    event.requestContext.httpMethod === event.httpMethod &&
    stated.length === Object.keys(match.pathParameters).length &&
    stated.every(([name, value]) => Object.hasOwn(match.pathParameters, name) && match.pathParameters[name] === value);
  if (!same) throw fail({ tag: 'path_not_canonical' });
  return match;
}

function readRequest(match: RouteMatch, event: APIGatewayProxyEvent, requestId: string): RequestOf<Operation> {
  const { userArn, caller, sourceIp } = event.requestContext.identity;
  const origin = {
    caller: parseCaller(userArn, caller),
    requestId,
    ...(/^[0-9A-Fa-f.:]{2,45}$/.test(sourceIp ?? '') && { sourceIp }),
  };
  const { id, name } = match.pathParameters;
  if (id !== undefined) check(LeaseId, id, 'id');
  if (name !== undefined) check(Name, name, 'name');
  const accepted: Accepted = REQUESTS[match.route.operation];
  const query = check(accepted.query, readQuery(event), 'query');
  const headers = readHeaders(accepted.headers ?? {}, event);
  const body = readBody(accepted.body, event);
  return { origin, path: match.pathParameters, query, headers, body } as RequestOf<Operation>;
}

interface Accepted {
  readonly query: z.ZodType;
  readonly body?: z.ZodType;
  readonly headers?: Readonly<Record<string, z.ZodType<string>>>;
}

function readHeaders(schemas: NonNullable<Accepted['headers']>, event: APIGatewayProxyEvent): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const value = readHeader(event, name);
    if (value !== undefined) headers[name] = check(schema, value, name);
  }
  return headers;
}

function readBody(schema: z.ZodType | undefined, event: APIGatewayProxyEvent): unknown {
  if (schema !== undefined) return check(schema, readJson(event), 'body');
  if (event.body) throw fail({ tag: 'invalid_field', field: 'body', problem: 'this route takes no body' });
  return undefined;
}

/** The path's names, once they are known to be names, for the log. */
function namesIn({ route, pathParameters: { id, name } }: RouteMatch): LogFields {
  if (id !== undefined) return { leaseId: id };
  if (name === undefined) return {};
  return route.path === '/admin/targets/{name+}' ? { target: name } : { secret: name };
}
