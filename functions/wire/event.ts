import type { APIGatewayProxyEvent } from 'aws-lambda';
import * as z from 'zod';
import { type Origin, parseCaller } from '../core/model/caller.ts';
import { fail } from '../core/model/failure.ts';
import { check } from './check.ts';
import type { Header } from './operations/operation.ts';
import { STAGE } from './route.ts';

/** Largest request body. The largest legal one, a secret with 50 resources and 50 roles, fits; nothing larger is parsed. */
export const BODY_MAX_BYTES = 16_384;

/** Levels of nesting in a body. The deepest legal body has four: object, list, object, list. */
const BODY_DEPTH_MAX = 8;

const Texts = z.record(z.string(), z.string()).nullish();

/**
 * The parts of a REST API proxy event that are read here. Source: API Gateway Developer Guide, "Input format of a Lambda
 * function for proxy integration".
 */
const Event = z.looseObject({
  resource: z.string(),
  httpMethod: z.string(),
  headers: Texts,
  multiValueHeaders: z.record(z.string(), z.array(z.string())).nullish(),
  queryStringParameters: Texts,
  multiValueQueryStringParameters: z.record(z.string(), z.array(z.string())).nullish(),
  pathParameters: Texts,
  body: z.string().nullish(),
  isBase64Encoded: z.boolean(),
  requestContext: z.looseObject({
    stage: z.literal(STAGE),
    path: z.string(),
    httpMethod: z.string(),
    requestId: z.string(),
    identity: z.looseObject({ userArn: z.string().nullish(), sourceIp: z.string().nullish() }),
  }),
});

/**
 * Refuses what is not a proxy event of our REST API: the function may be invoked by mistake from another source, whose event
 * must not be read as a request.
 *
 * @throws Failed `invalid_field` `event`.
 */
export function checkEvent(event: unknown): asserts event is APIGatewayProxyEvent {
  if (!Event.safeParse(event).success) {
    throw fail({ tag: 'invalid_field', field: 'event', problem: 'expected a request that came through API Gateway' });
  }
}

/** Who signed a request, and from where. @throws Failed `caller_unknown`. */
export function originOf(event: APIGatewayProxyEvent, requestId: string): Origin {
  const { userArn, caller, sourceIp } = event.requestContext.identity;
  return {
    caller: parseCaller(userArn, caller),
    requestId,
    ...(/^[0-9A-Fa-f.:]{2,45}$/.test(sourceIp ?? '') && { sourceIp }),
  };
}

/** The query's parameters. @throws Failed `invalid_field` for a parameter that stands there twice. */
export function readQuery(event: APIGatewayProxyEvent): Record<string, string> {
  const lists =
    event.multiValueQueryStringParameters ??
    Object.fromEntries(Object.entries(event.queryStringParameters ?? {}).map(([name, value]) => [name, [value ?? '']]));
  return Object.fromEntries(
    Object.entries(lists).map(([name, values = []]) => {
      if (values.length !== 1) {
        throw fail({ tag: 'invalid_field', field: 'query', problem: 'a parameter is given more than once' });
      }
      return [name, values[0] ?? ''];
    }),
  );
}

/**
 * The body as JSON; an empty object when there is none, since a body may be left out where all its fields may. The parser's own message is never used: it quotes the input.
 *
 * @throws Failed `invalid_field` for a body over {@link BODY_MAX_BYTES}, without a JSON content type, that is no JSON, too
 *   deep, flagged as Base64 without being it, or that has a field twice: readers disagree on which of the two counts.
 */
export function readJson(event: APIGatewayProxyEvent): unknown {
  const text = readText(event);
  if (text === '') return {};
  if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(readHeader(event, 'content-type') ?? '')) {
    throw fail({ tag: 'invalid_field', field: 'content-type', problem: 'expected application/json' });
  }
  const value = parse(text);
  if (fieldsIn(value, 0) !== fieldsWritten(text)) {
    throw fail({ tag: 'invalid_field', field: 'body', problem: 'a field is given more than once' });
  }
  return value;
}

function readText(event: APIGatewayProxyEvent): string {
  const { body, isBase64Encoded } = event;
  if (body === null || body === undefined || body === '') return '';
  // Four characters of Base64 are three bytes: what is longer need not be decoded to be known as too large.
  if (body.length > (isBase64Encoded ? 2 : 1) * BODY_MAX_BYTES) throw bodyProblem(TOO_LARGE);
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  // Decoding passes over what is no Base64, down to nothing: a text that is flagged by mistake would be read as no body.
  if (isBase64Encoded && bytes.toString('base64') !== body) throw bodyProblem('expected Base64');
  if (bytes.length > BODY_MAX_BYTES) throw bodyProblem(TOO_LARGE);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw bodyProblem('expected UTF-8');
  }
}

const TOO_LARGE = `expected at most ${BODY_MAX_BYTES} bytes`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bodyProblem('expected JSON');
  }
}

function bodyProblem(problem: string) {
  return fail({ tag: 'invalid_field', field: 'body', problem });
}

/** Counts the fields of all objects in a parsed body. `__proto__` is no field of ours, and no reader below need know it. */
function fieldsIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === BODY_DEPTH_MAX) throw bodyProblem(`expected at most ${BODY_DEPTH_MAX} levels of nesting`);
  if (Object.hasOwn(value, '__proto__')) throw bodyProblem('unknown field');
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, inner) => sum + fieldsIn(inner, depth + 1), own);
}

/** Counts the fields as they stand in JSON text that has been parsed: strings with a colon behind them. */
function fieldsWritten(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*(:?)/g)].filter(([, colon]) => colon === ':').length;
}

/**
 * One header, whatever the case of its name.
 *
 * @param name in lower case.
 * @throws Failed `invalid_field` for a header that was sent more than once: readers disagree on which counts.
 */
export function readHeader(event: APIGatewayProxyEvent, name: string): string | undefined {
  const lists =
    event.multiValueHeaders ??
    Object.fromEntries(Object.entries(event.headers ?? {}).map(([key, value]) => [key, [value ?? '']]));
  const values = Object.entries(lists).flatMap(([key, list = []]) => (key.toLowerCase() === name ? list : []));
  if (values.length > 1)
    throw fail({ tag: 'invalid_field', field: name, problem: 'the header is given more than once' });
  return values[0];
}

/** The headers that an operation takes, checked. @throws Failed `invalid_field`. */
export function readHeaders(
  taken: Readonly<Record<string, Header>>,
  event: APIGatewayProxyEvent,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, { schema }] of Object.entries(taken)) {
    const value = readHeader(event, name);
    if (value !== undefined) headers[name] = check(schema, value, name);
  }
  return headers;
}

/** The body, checked; undefined for an operation that takes none. @throws Failed `invalid_field`. */
export function readBody(schema: z.ZodType | undefined, event: APIGatewayProxyEvent): unknown {
  if (schema !== undefined) return check(schema, readJson(event), 'body');
  if (event.body) throw fail({ tag: 'invalid_field', field: 'body', problem: 'this route takes no body' });
  return undefined;
}
