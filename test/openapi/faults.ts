import * as fc from 'fast-check';
import { CANARY } from '../sim/canary.ts';
import type { Described, Parameter } from './document.ts';
import type { Json } from './json-schema.ts';

/** What is wrong with a request. Numbers choose among what the request has, so that a fault means something for any request. */
export type Fault =
  | { readonly in: 'value'; readonly at: number; readonly value: Json }
  | { readonly in: 'bound'; readonly at: number }
  | { readonly in: 'missing field'; readonly at: number }
  | { readonly in: 'unknown field'; readonly at: number; readonly name: string; readonly value: Json }
  | { readonly in: 'field given twice'; readonly at: number; readonly escaped: boolean }
  | { readonly in: 'cut text'; readonly at: number }
  | { readonly in: 'text'; readonly text: string }
  | { readonly in: 'added text'; readonly at: number; readonly text: string }
  | { readonly in: 'depth'; readonly levels: number; readonly open: string; readonly close: string }
  | { readonly in: 'size'; readonly text: string; readonly times: number }
  | { readonly in: 'encoding'; readonly how: Encoding }
  | { readonly in: 'content type'; readonly types: readonly string[] }
  | { readonly in: 'body where none is'; readonly text: string }
  | { readonly in: 'parameter value'; readonly at: number; readonly text: string }
  | { readonly in: 'unknown parameter'; readonly name: string; readonly text: string }
  | { readonly in: 'repeated parameter'; readonly at: number; readonly values: readonly string[] }
  | { readonly in: 'header value'; readonly at: number; readonly text: string }
  | { readonly in: 'repeated header'; readonly at: number }
  | { readonly in: 'name'; readonly text: string }
  | { readonly in: 'path'; readonly at: number; readonly text: string }
  | { readonly in: 'method'; readonly text: string }
  | { readonly in: 'caller'; readonly userArn: string | null }
  | { readonly in: 'event'; readonly event: Readonly<Record<string, unknown>> }
  | { readonly in: 'request context'; readonly context: Readonly<Record<string, unknown>> };

/** Where a fault may be; each is met in every run. */
export const PLACES = [
  'value',
  'bound',
  'missing field',
  'unknown field',
  'field given twice',
  'cut text',
  'text',
  'added text',
  'depth',
  'size',
  'encoding',
  'content type',
  'body where none is',
  'parameter value',
  'unknown parameter',
  'repeated parameter',
  'header value',
  'repeated header',
  'name',
  'path',
  'method',
  'caller',
  'event',
  'request context',
] as const satisfies readonly Fault['in'][];

/** Of a body that is text: said to be base64; in base64 and not said to be; in bytes that are no UTF-8. */
const ENCODINGS = ['flag', 'no flag', 'url-safe', 'latin-1', 'utf-16', 'cut character', 'overlong', 'mark'] as const;
export type Encoding = (typeof ENCODINGS)[number];

const LONE_SURROGATE = '\ud800';
const LEGAL_PATH_MAX_CHARACTERS = 256;

const oddText = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\u0000',
      '\n',
      '\u2028',
      '\u202e',
      LONE_SURROGATE,
      '../..',
      '%2e%2e',
      '%00',
      '*',
      '{name+}',
      'A',
      '-',
    ],
    ...[
      'true',
      'null',
      'NaN',
      '-0',
      '0',
      '-1',
      '1.5',
      '1e9',
      '101',
      '0x10',
      '__proto__',
      'constructor',
      'W/"1"',
      '"0"',
    ],
    ...[CANARY, encodeURIComponent(CANARY), Buffer.from(CANARY).toString('base64'), 'x'.repeat(3_000)],
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 24 }),
);

const oddJson: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(null, true, false, 0, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER, [], {}, [[]], [null], {
    a: {},
  }),
  oddText,
  fc.array(oddText, { maxLength: 60 }),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

const oddName = fc.oneof(
  fc.constantFrom(
    'unknown',
    'Password',
    '__proto__',
    'constructor',
    'toString',
    'ttl ',
    'Ttl',
    'tokenId',
    'd',
    'k',
    '',
  ),
  oddText,
);

const INSERTED = [
  ...[
    '//',
    './',
    '../',
    '%2e%2e/',
    '%2F',
    '%5c',
    '\\',
    '%00',
    '%252f',
    ';a=b/',
    '?',
    '#',
    ' ',
    '%',
    '*',
    '+',
    ':',
    '@',
  ],
  ...[
    '\u0000',
    '\n',
    '\u00e4',
    '\u2215',
    '\uff0f',
    '\u202e',
    LONE_SURROGATE,
    encodeURIComponent(CANARY),
    '__proto__/..',
  ],
  'x'.repeat(LEGAL_PATH_MAX_CHARACTERS),
] as const;

const BAD_NAMES = [
  ...[
    'a/b/c/d/e',
    'x'.repeat(33),
    'a.b',
    'a_b',
    'a~',
    '0/0/0/0/0/0',
    `a/${'b'.repeat(33)}`,
    '7'.repeat(26),
    '0'.repeat(25),
  ],
  ...['01K9ZC3V7M8Q2R4T6W8Y0A1BIL', '8ZZZZZZZZZZZZZZZZZZZZZZZZZ', 'constructor.x'],
] as const;

const nat = fc.nat({ max: 1_000 });

/** A fault that a request of the operation can have. */
export function faultIn(operation: Described): fc.Arbitrary<Fault> {
  const has = (where: Parameter['in']) => operation.parameters.some((each) => each.in === where);
  const choices: fc.Arbitrary<Fault>[] = [
    fc.record({ in: fc.constant('unknown parameter'), name: oddName, text: oddText }),
    fc.record({ in: fc.constant('path'), at: nat, text: fc.constantFrom(...INSERTED) }),
    fc.record({
      in: fc.constant('method'),
      text: fc.constantFrom('PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'get', '', '__proto__', CANARY, 'GET '),
    }),
    fc.record({
      in: fc.constant('caller'),
      userArn: fc.constantFrom(null, '', '*', CANARY, 'arn:aws:iam::1:role/ci', 'arn:aws:iam::111122223333:role/ci\n'),
    }),
    fc.record({ in: fc.constant('event'), event: fc.constantFrom(...oddEvents(operation)) }),
    fc.record({ in: fc.constant('request context'), context: fc.constantFrom(...ODD_CONTEXTS) }),
  ];
  if (has('path')) choices.push(fc.record({ in: fc.constant('name'), text: fc.constantFrom(...BAD_NAMES) }));
  if (has('query')) {
    choices.push(
      fc.record({ in: fc.constant('parameter value'), at: nat, text: oddText }),
      fc.record({
        in: fc.constant('repeated parameter'),
        at: nat,
        values: fc.array(oddText, { minLength: 1, maxLength: 2 }),
      }),
    );
  }
  if (has('header')) {
    choices.push(
      fc.record({ in: fc.constant('header value'), at: nat, text: oddText }),
      fc.record({ in: fc.constant('repeated header'), at: nat }),
    );
  }
  if (operation.body === undefined) {
    choices.push(
      fc.record({ in: fc.constant('body where none is'), text: fc.constantFrom('{}', ' ', CANARY, 'null') }),
    );
    return fc.oneof(...choices);
  }
  return fc.oneof({ weight: choices.length, arbitrary: fc.oneof(...choices) }, { weight: 24, arbitrary: bodyFault });
}

const bodyFault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ in: fc.constant('value'), at: nat, value: oddJson }) },
  { weight: 4, arbitrary: fc.record({ in: fc.constant('bound'), at: nat }) },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('missing field'), at: nat }) },
  { weight: 3, arbitrary: fc.record({ in: fc.constant('unknown field'), at: nat, name: oddName, value: oddJson }) },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('field given twice'), at: nat, escaped: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('cut text'), at: nat }) },
  {
    weight: 2,
    arbitrary: fc.record({
      in: fc.constant('text'),
      text: fc.constantFrom(
        ...[
          'null',
          'true',
          '1',
          '""',
          '[]',
          '[{}]',
          '{}{}',
          '{a:1}',
          "{'a':1}",
          '{"a":1,}',
          'NaN',
          '\ufeff{}',
          '\u0000',
          ' ',
        ],
        ...['<a/>', 'ttl=15m', `{"password":${CANARY}}`, CANARY, `{"credential":{"password":"${CANARY}`, `"${CANARY}"`],
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      in: fc.constant('added text'),
      at: nat,
      text: fc.constantFrom('\u0001', '\u0000', '\n}', '{', '"', ',,', '\\', '/**/', CANARY),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 9, max: 3_000 }), fc.constantFrom(['[', ']'] as const, ['{"a":', '}'] as const))
      .map(([levels, [open, close]]) => ({ in: 'depth' as const, levels, open, close })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      in: fc.constant('size'),
      text: fc.constantFrom(' ', '\n', 'ä', '😀', CANARY),
      times: fc.integer({ min: 16_384, max: 40_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ in: fc.constant('encoding'), how: fc.constantFrom(...ENCODINGS) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      in: fc.constant('content type'),
      types: fc.constantFrom(
        ...[
          [],
          [''],
          ['text/plain'],
          ['application/json; charset=utf-16'],
          ['application/jsonx'],
          ['application/json,'],
        ],
        ...[['application/json', 'application/json'], ['application/json', 'text/plain'], [`text/${CANARY}`]],
        ...[['application/merge-patch+json'], ['application/x-www-form-urlencoded'], [`application/json; ${CANARY}`]],
      ),
    }),
  },
);

/** What the gateway never says, or says of another request. */
function oddEvents({ path }: Described): readonly Readonly<Record<string, unknown>>[] {
  const parameter = /\{(\w+)\}/.exec(path)?.[1];
  return [
    { resource: '/{proxy+}' },
    { resource: '/admin/revoke/' },
    { resource: null },
    { pathParameters: { ...(parameter !== undefined && { [parameter]: 'another' }), more: 'x' } },
    { pathParameters: parameter === undefined ? { name: 'x' } : null },
    { pathParameters: { proxy: CANARY } },
    { httpMethod: 'PATCH' },
    { httpMethod: null },
    { body: 1 },
    { body: { password: CANARY } },
    { isBase64Encoded: 'true' },
    { multiValueHeaders: { 'Content-Type': 'application/json' } },
    { multiValueQueryStringParameters: { limit: [1] } },
    { requestContext: null },
    { requestContext: { stage: 'v1', requestId: CANARY } },
  ];
}

const ODD_CONTEXTS: readonly Readonly<Record<string, unknown>>[] = [
  { stage: 'v2' },
  { stage: '' },
  { path: null },
  { path: '/v1/whoami/' },
  { path: '/v1/' },
  { httpMethod: 'PATCH' },
  { identity: null },
  { identity: { userArn: 1 } },
  { requestId: null },
];
