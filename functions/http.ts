import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { Origin } from './core/model/caller.ts';
import { Failed, type Failure, fail } from './core/model/failure.ts';
import type { MintPorts } from './core/ports/needs.ts';
import { errorFields, type Log, type LogFields } from './log.ts';
import { check } from './wire/check.ts';
import { checkEvent, originOf, readBody, readHeaders, readQuery } from './wire/event.ts';
import { allowedMethods, matchRoute, type RouteMatch } from './wire/match-route.ts';
import type { AnswerOf, Operation, OperationOf, RequestParts } from './wire/operations.ts';
import { pathParameter } from './wire/path-parameters.ts';
import { problemOf } from './wire/problem.ts';
import type { Route } from './wire/route.ts';

/** Answers one proxy event of API Gateway's REST API. Never rejects. */
export type HttpHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

/** A request to operation `Op` whose every part has been checked. */
export interface RequestOf<Op extends Operation> extends RequestParts<Op> {
  readonly origin: Origin;
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
      seen = { ...seen, ...parameterLogged(match) };
      // `Operations` ties each operation's request to its function; the compiler cannot follow one through a variable key.
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
  const origin = originOf(event, requestId);
  const { route, pathParameters: path } = match;
  for (const [name, value] of Object.entries(path)) {
    check(pathParameter(name).schema, value, name);
  }
  const query = check(route.query, readQuery(event), 'query');
  const headers = readHeaders(route.headers ?? {}, event);
  const body = readBody(route.body?.schema, event);
  return { origin, path, query, headers, body } as RequestOf<Operation>;
}

/** The path's name or id, once it is known to be one, for the log. */
function parameterLogged({ route, pathParameters }: RouteMatch): LogFields {
  const [value] = Object.values(pathParameters);
  return route.parameterIs === undefined || value === undefined ? {} : { [route.parameterIs]: value };
}
