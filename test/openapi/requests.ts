import * as fc from 'fast-check';
import { CANARY } from '../sim/canary.ts';
import { valuesOf, type Wanted } from './arbitrary.ts';
import { type Described, OPERATIONS, operationOf, type Parameter, SERVER_PATH } from './document.ts';
import { conforms, type Json, type Schema } from './json-schema.ts';
import type { Wire } from './wire.ts';
import { ADMIN, BODIES, CALLERS, wordsOf } from './words.ts';
import { TOTP_CANARY } from './world.ts';

/** A request of one operation, made from the document. */
export interface Call {
  readonly operation: Described['id'];
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly userArn: string;
  /** Headers that say nothing to hublease. */
  readonly noise: Readonly<Record<string, string>>;
  /** Since the request before. */
  readonly afterMs: number;
}

function mark(secret: string, { pattern, maxLength = Number.POSITIVE_INFINITY }: Schema): string {
  // A second factor is Base32: it has a pattern, and no room for the signs of the canary.
  return pattern === undefined
    ? [...CANARY, ...secret].slice(0, maxLength).join('')
    : `${TOTP_CANARY}${secret}`.slice(0, TOTP_MAX_CHARACTERS);
}

const TOTP_MAX_CHARACTERS = 128;

const NOISE: readonly Readonly<Record<string, string>>[] = [
  { Authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121, Signature=${CANARY}` },
  { 'X-HTTP-Method-Override': 'DELETE', 'X-Forwarded-For': '::1', Forwarded: 'for=10.0.0.1' },
  { 'User-Agent': `${CANARY} ${'y'.repeat(9_000)}`, 'X-Amz-Security-Token': CANARY },
  { Range: 'bytes=0-1', 'If-None-Match': '*', TE: 'trailers', 'Content-Encoding': 'gzip' },
  { constructor: '1', toString: '2', 'x-request-id': CANARY, Accept: 'text/html' },
];

/** A code of a second factor is good once, and a second login within its 30 s is told to wait with a 503, which is not planted here. */
const CODE_MS = 30_000;

/** Now and then a lease or a login has its end between two requests. */
const pause = fc.oneof(
  { weight: 60, arbitrary: fc.constant(CODE_MS) },
  { weight: 1, arbitrary: fc.constant(1_200_000) },
);

/** A request that conforms to the document. */
export function callOf(operation: Described): fc.Arbitrary<Call> {
  const { id, admin, path, parameters } = operation;
  const wanted = { words: wordsOf(path), mark };
  const inPlace = (place: Parameter['in']) =>
    parametersOf(
      parameters.filter((each) => each.in === place),
      wanted,
    );
  return fc.record(
    {
      operation: fc.constant(id),
      path: inPlace('path'),
      query: inPlace('query'),
      headers: inPlace('header'),
      body: bodyOf(operation, wanted),
      userArn: admin ? fc.constant(ADMIN) : fc.constantFrom(...CALLERS),
      noise: fc.oneof({ weight: 6, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constantFrom(...NOISE) }),
      afterMs: pause,
    },
    { noNullPrototype: true },
  ) as fc.Arbitrary<Call>;
}

/** A request of any operation. Those that answer in more ways than others come more often, and those that end things more rarely. */
export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  ...OPERATIONS.map((operation) => ({ weight: weightOf(operation), arbitrary: callOf(operation) })),
);

function weightOf({ id, method, responses }: Described): number {
  return method === 'DELETE' || id === 'revokeMatching' ? 2 : Object.keys(responses).length;
}

/** Optional ones each in one of three requests. */
function parametersOf(parameters: readonly Parameter[], wanted: Wanted): fc.Arbitrary<Record<string, string>> {
  const each = parameters.map(({ name, required, schema }) => {
    const pair = valuesOf(schema, wanted, name).map((value) => [name, String(value)] as const);
    return required ? pair : sometimes(pair);
  });
  return fc.tuple(...each).map((pairs) => Object.fromEntries(pairs.filter((pair) => pair !== null)));
}

function sometimes<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

/** Nothing, where nothing is taken; else something made up throughout, or something meaningful with some fields made up. */
function bodyOf({ id, body }: Described, wanted: Wanted): fc.Arbitrary<Json | undefined> {
  if (body === undefined) return fc.constant(undefined);
  const { schema, required, example } = body;
  const models = [example, example, ...(BODIES[id] ?? [])];
  const varied = fc
    .tuple(fc.constantFrom(...models), changesOf(schema, wanted))
    .map(([model, changes]) => withSecrets(schema, changed(model, changes)))
    .filter((value) => conforms(schema, value));
  return fc.oneof(
    { weight: 5, arbitrary: varied },
    { weight: 1, arbitrary: valuesOf(schema, wanted) },
    ...(required ? [] : [{ weight: 1, arbitrary: fc.constant(undefined) }]),
  );
}

type Change = readonly [name: string, value: Json | undefined];

function changesOf({ properties = {} }: Schema, wanted: Wanted): fc.Arbitrary<readonly Change[]> {
  const one = fc.oneof(
    ...Object.entries(properties).map(([name, schema]) =>
      fc.tuple(
        fc.constant(name),
        fc.oneof({ weight: 4, arbitrary: valuesOf(schema, wanted, name) }, fc.constant(undefined)),
      ),
    ),
  );
  return fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: fc.array(one, { maxLength: 3 }) });
}

function changed(model: Json, changes: readonly Change[]): Json {
  const entries = Object.entries({ ...(model as Record<string, Json>), ...Object.fromEntries(changes) });
  return Object.fromEntries(entries.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

/** The same with every secret of it recognisable. */
function withSecrets(schema: Schema, value: Json): Json {
  if (typeof value === 'string') {
    const marked = value.startsWith(CANARY) || value.startsWith(TOTP_CANARY);
    return schema.format !== 'password' || marked ? value : mark(value, schema);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { properties = {} } = schema;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, withSecrets(properties[name] ?? {}, each)]),
  );
}

/** The request as it goes over the wire. */
export function wireOf(call: Call): Wire {
  const { method, path } = operationOf(call.operation);
  const body = call.body === undefined ? null : JSON.stringify(call.body);
  return {
    method,
    path: `${SERVER_PATH}${path.replace(/\{(\w+)\}/, (_, name: string) => call.path[name] ?? '')}`,
    query: Object.fromEntries(Object.entries(call.query).map(([name, value]) => [name, [value]])),
    headers: Object.entries({
      ...(body !== null && { 'Content-Type': 'application/json' }),
      ...call.headers,
      ...call.noise,
    }),
    body,
    isBase64Encoded: false,
    userArn: call.userArn,
  };
}
