import type { APIGatewayProxyEvent } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admin } from '../../functions/admin.ts';
import { broker } from '../../functions/broker.ts';
import { jsonLines } from '../../functions/log.ts';
import { matchRoute } from '../../functions/wire/match-route.ts';
import { Problem } from '../../functions/wire/problem.ts';
import { ROUTES } from '../../functions/wire/routes.ts';
import { CANONICAL, encodings } from '../wire/encodings.ts';
import { brokenPorts } from './memory-ports.ts';
import { proxyEvent, type Sent } from './proxy-event.ts';

const CANARY = 'c4n4ry-Tr0ub4dor&3';
const ID = '01K9ZC3V7M8Q2R4T6W8Y0A1B2C';

/** Handlers over ports that all fail: whatever reaches a port answers 5xx, so a 4xx shows that nothing was touched. */
async function answer(event: unknown) {
  const lines: string[] = [];
  const ports = brokenPorts(CANARY);
  const log = jsonLines({ write: (line) => lines.push(line) }, ports.clock);
  const results = [];
  for (const handler of [broker(ports, log), admin(ports, log)])
    results.push(await handler(event as APIGatewayProxyEvent));
  // One of the two knows the route; the other says 404.
  const result = results.find(({ statusCode }) => statusCode !== 404) ?? results[0];
  if (result === undefined) throw new Error('no handler answered');
  return {
    status: result.statusCode,
    problem: JSON.parse(result.body),
    headers: result.headers ?? {},
    text: [...results.map((r) => r.body), ...lines].join('\n'),
  };
}

const mint = (sent: Sent = {}) => proxyEvent({ method: 'POST', path: '/v1/lease/ci/release', ...sent });
const json = (value: unknown) => JSON.stringify(value);

describe('a request body', () => {
  const deep = `${'['.repeat(9)}${']'.repeat(9)}`;
  it.each<[string, string, Sent]>([
    ['is no JSON', 'body', { body: `{"ttl": ${CANARY}}` }],
    ['is cut off', 'body', { body: '{"ttl": "15m"' }],
    ['begins with a byte order mark', 'body', { body: '\ufeff{}' }],
    ['is a list', 'body', { body: '[]' }],
    ['is null', 'body', { body: 'null' }],
    ['is text', 'body', { body: json(CANARY) }],
    ['is only white space', 'body', { body: ' ' }],
    ['is over 16 KiB', 'body', { body: json({ reason: 'x'.repeat(16_384) }) }],
    ['is over 16 KiB in bytes, though not in characters', 'body', { body: json({ reason: 'ä'.repeat(8_300) }) }],
    [
      'is over 16 KiB behind Base64',
      'body',
      { body: Buffer.alloc(16_385, 32).toString('base64'), isBase64Encoded: true },
    ],
    [
      'is no UTF-8 behind Base64',
      'body',
      { body: Buffer.from([0x7b, 0xff, 0x7d]).toString('base64'), isBase64Encoded: true },
    ],
    [
      'is flagged as Base64, of which nothing is left when it is decoded',
      'body',
      { body: '{}', isBase64Encoded: true },
    ],
    [
      'is Base64 without its end, flagged',
      'body',
      { body: Buffer.from('{"ttl":"15m"}').toString('base64url'), isBase64Encoded: true },
    ],
    ['nests too deep', 'body', { body: `{"ttl":${deep}}` }],
    ['nests as deep as fits', 'body', { body: '['.repeat(16_384) }],
    ['nests as deep as fits, closed', 'body', { body: `${'['.repeat(8_000)}${']'.repeat(8_000)}` }],
    ['has a field twice', 'body', { body: '{"ttl":"15m","ttl":"1h"}' }],
    ['has a field twice, once escaped', 'body', { body: '{"ttl":"15m","\\u0074tl" : "1h"}' }],
    ['sets __proto__', 'body', { body: '{"__proto__":{"ttl":"15m"}}' }],
    ['sets constructor', 'constructor', { body: '{"constructor":{"prototype":{"ttl":"15m"}}}' }],
    ['comes without a content type', 'content-type', { body: '{}', headers: {} }],
    [
      'comes as a form',
      'content-type',
      { body: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    ['comes as text', 'content-type', { body: '{}', headers: { 'content-type': 'text/plain' } }],
    [
      'comes in another charset',
      'content-type',
      { body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
    ],
  ])('that %s gets 400 naming %s', async (_, field, sent) => {
    const { status, problem, text } = await answer(mint(sent));
    expect([status, problem.code, problem.field]).toEqual([400, 'invalid_field', field]);
    expect(text).not.toContain('c4n4ry');
  });

  it.each<[string, Sent]>([
    ['plain', { body: '{"ttl":"15m"}' }],
    ['absent', {}],
    ['empty', { body: '' }],
    ['in Base64', { body: Buffer.from('{"ttl":"15m"}').toString('base64'), isBase64Encoded: true }],
    ['with a charset', { body: '{}', headers: { 'CONTENT-TYPE': 'Application/JSON; Charset="UTF-8"' } }],
    ['with strings that look like fields', { body: '{"reason":"a\\":\\"b: {\\"ttl\\":1}"}' }],
    ['with all that fits', { body: json({ reason: 'x' }).padEnd(16_384, ' ') }],
  ])('%s reaches the ports', async (_, sent) => {
    expect((await answer(mint(sent))).status).toBe(503);
  });

  it.each([
    ['GET', '/v1/leases'],
    ['DELETE', `/v1/leases/${ID}`],
    ['DELETE', '/v1/admin/targets/acme'],
  ])('is refused where none belongs: %s %s', async (method, path) => {
    expect(await answer(proxyEvent({ method, path, body: '{}' }))).toMatchObject({
      status: 400,
      problem: { field: 'body' },
    });
  });
});

describe('a query', () => {
  it.each<[string, Record<string, string[]>]>([
    ['query', { limit: ['5', '6'] }],
    ['query', { limit: [] }],
    ['unknown', { unknown: ['1'] }],
    ['limit', { limit: ['0'] }],
  ])('fails at %s for %j', async (field, query) => {
    const { status, problem } = await answer(proxyEvent({ path: '/v1/leases', query }));
    expect([status, problem.field]).toEqual([400, field]);
  });

  it('is read from an event that has single values only', async () => {
    const event = {
      ...proxyEvent({ path: '/v1/leases', query: { limit: ['0'] } }),
      multiValueQueryStringParameters: null,
    };
    expect(await answer(event)).toMatchObject({ status: 400, problem: { field: 'limit' } });
  });
});

describe('a path', () => {
  it.each([
    ['/v1/lease/CI/release', 400, 'path_not_canonical'],
    ['/v1/lease/ci%2frelease', 400, 'path_not_canonical'],
    ['/v1/lease//release', 400, 'path_not_canonical'],
    ['/v1/lease/../admin/targets/acme', 400, 'path_not_canonical'],
    ['/v1/lease/a_b', 400, 'invalid_field'],
    ['/v1/lease/a/b/c/d/e', 400, 'invalid_field'],
    ['/v1/elsewhere', 404, 'route_not_found'],
    ['/lease/ci/release', 404, 'route_not_found'],
  ])('%s gets %d %s', async (path, status, code) => {
    const { requestContext, ...rest } = mint();
    const event = { ...rest, requestContext: { ...requestContext, path } };
    const stated = path.startsWith('/v1/lease/') ? { ...event, pathParameters: { name: path.slice(10) } } : event;
    expect(await answer(stated)).toMatchObject({ status, problem: { code } });
  });

  it.each([
    ['PATCH', '/v1/whoami', 'GET'],
    ['OPTIONS', '/v1/lease/ci/release', 'POST'],
    ['HEAD', `/v1/leases/${ID}`, 'GET, DELETE'],
    ['POST', '/v1/admin/secrets/ci/release', 'PUT, GET, DELETE'],
  ])('of which %s is no method gets 405, and the methods that it has: %s', async (method, path, allow) => {
    const { requestContext, ...rest } = mint();
    const event = { ...rest, httpMethod: method, requestContext: { ...requestContext, httpMethod: method, path } };
    const { status, problem, headers } = await answer(event);
    expect([status, problem.code]).toEqual([405, 'method_not_allowed']);
    expect(new Set(String(headers.allow).split(', '))).toEqual(new Set(allow.split(', ')));
  });

  it.each(CANONICAL)(
    '%s, in each of over 200 other encodings, gets 400 though the gateway read it as that path',
    async (path) => {
      const methods = ['GET', 'POST', 'PUT', 'DELETE'].filter((each) => matchRoute(each, path) !== undefined);
      for (const method of methods) {
        const { requestContext, ...rest } = proxyEvent({ method, path });
        for (const encoded of encodings(path)) {
          const answered = await answer({ ...rest, requestContext: { ...requestContext, path: encoded } });
          expect(answered, encoded).toMatchObject({ status: 400, problem: { code: 'path_not_canonical' } });
        }
      }
    },
  );

  it.each<[string, (event: APIGatewayProxyEvent) => object]>([
    ['resource', (event) => ({ ...event, resource: '/whoami' })],
    ['parameter', (event) => ({ ...event, pathParameters: { name: 'ci/other' } })],
    ['missing parameter', (event) => ({ ...event, pathParameters: null })],
    ['further parameter', (event) => ({ ...event, pathParameters: { name: 'ci/release', id: ID } })],
    ['inherited parameter', (event) => ({ ...event, pathParameters: { toString: 'ci/release' } })],
    ['method', (event) => ({ ...event, requestContext: { ...event.requestContext, httpMethod: 'GET' } })],
  ])('that the gateway understood otherwise (another %s) is refused: nobody has allowed it', async (_, change) => {
    expect(await answer(change(mint()))).toMatchObject({ status: 400, problem: { code: 'path_not_canonical' } });
  });
});

describe('an event that did not come through our API', () => {
  const { requestContext, ...rest } = mint();
  it.each<[string, unknown]>([
    ['nothing', null],
    ['text', CANARY],
    ['an empty object', {}],
    ['a queue message', { Records: [{ messageId: '1', body: CANARY, eventSource: 'aws:sqs' }] }],
    ['a scheduled event', { source: 'aws.events', detail: {} }],
    [
      'an HTTP API event',
      { version: '2.0', rawPath: '/v1/whoami', requestContext: { http: { method: 'GET', path: '/v1/whoami' } } },
    ],
    ['another stage', { ...rest, requestContext: { ...requestContext, stage: 'test-invoke-stage' } }],
    ['no identity', { ...rest, requestContext: { ...requestContext, identity: undefined } }],
    ['a body of another type', { ...mint(), body: { ttl: '15m' } }],
    ['a path of another type', { ...rest, requestContext: { ...requestContext, path: ['/v1/whoami'] } }],
  ])('(%s) gets 400', async (_, event) => {
    const { status, problem, text } = await answer(event);
    expect([status, problem.field]).toEqual([400, 'event']);
    expect(text).not.toContain('c4n4ry');
  });

  it('has its request id repeated only when it looks like one', async () => {
    const event = { ...rest, requestContext: { ...requestContext, requestId: `<${CANARY}>` } };
    const { problem, text } = await answer(event);
    expect(problem.requestId).toMatch(/^op\d+$/);
    expect(text).not.toContain('c4n4ry');
  });
});

describe('ports that fail', () => {
  it('show nothing of their errors, to the caller or in the log', async () => {
    const requests: Sent[] = [
      { method: 'POST', path: '/v1/lease/ci/release' },
      { path: '/v1/leases' },
      { path: `/v1/leases/${ID}` },
      { method: 'DELETE', path: `/v1/leases/${ID}` },
      { path: '/v1/whoami' },
      { method: 'POST', path: `/v1/leases/${ID}/renew` },
      { path: '/v1/leases', query: { live: ['true'] } },
      { path: '/v1/admin/leases' },
      { method: 'DELETE', path: `/v1/admin/leases/${ID}` },
      { method: 'POST', path: '/v1/admin/revoke', body: json({ tokenSha256: 'a'.repeat(64) }) },
      { method: 'POST', path: '/v1/admin/targets/acme', body: json({ action: 'verify' }) },
      { path: '/v1/admin/targets' },
      { path: '/v1/admin/secrets/ci/release' },
      { method: 'DELETE', path: '/v1/admin/targets/acme' },
      {
        method: 'PUT',
        path: '/v1/admin/targets/acme',
        body: json({ kind: 'user', credential: { username: 'acmebot', password: CANARY } }),
      },
    ];
    for (const sent of requests) {
      const { status, problem, text } = await answer(proxyEvent(sent));
      expect([sent.path, status >= 500]).toEqual([sent.path, true]);
      expect(Problem.safeParse(problem).success).toBe(true);
      expect(text).not.toContain('c4n4ry');
    }
  });
});

/** Malformed by what it is made of: each request below carries at least one thing that no route accepts. */
const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    CANARY,
    `"${CANARY}`,
    `{"${CANARY}":`,
    '../',
    '%2e%2e',
    '\u0000',
    '__proto__',
    '%24{jndi:x}',
    "' OR 1=1",
  ),
);
const hostileJson = fc.oneof(
  fc.jsonValue({ maxDepth: 6 }),
  fc.dictionary(hostileText, fc.jsonValue()),
  fc.record({ ttl: fc.oneof(hostileText, fc.double(), fc.constant(null)), [CANARY]: hostileText }),
);
const route = fc.constantFrom(...ROUTES);
/** The same requests in every run, so that a failure is of the change that is tested. */
const RUNS = { numRuns: 500, seed: 20_261_121 };
const noField = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

describe('malformed requests, 500 of each kind', () => {
  const survives = async (event: unknown) => {
    const { status, problem, text } = await answer(event);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(Problem.safeParse(problem).success).toBe(true);
    expect(text).not.toContain('c4n4ry');
    expect(Object.hasOwn(Object.prototype, 'ttl')).toBe(false);
  };

  it('get no 5xx for any body that is not what the route takes', async () => {
    const bodies = fc.oneof(
      hostileText.filter((text) => text !== ''),
      hostileJson.filter((value) => !noField(value)).map((value) => json({ ...Object(value), [CANARY]: value })),
    );
    await fc.assert(
      fc.asyncProperty(route, bodies, fc.boolean(), async ({ method, path }, body, base64) => {
        const plain = path.replace('{name+}', 'ci/release').replace('{id}', ID);
        const sent = base64 ? Buffer.from(body).toString('base64') : body;
        // In Base64 an unpaired surrogate alone becomes U+FFFD, and white space alone is no JSON either.
        await survives(proxyEvent({ method, path: `/v1${plain}`, body: sent, isBase64Encoded: base64 }));
      }),
      RUNS,
    );
  });

  it('get no 5xx for any query that is not what the route takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        route,
        fc.dictionary(hostileText, fc.array(hostileText, { maxLength: 3 })),
        async ({ method, path }, query) => {
          const plain = path.replace('{name+}', 'ci/release').replace('{id}', ID);
          await survives(proxyEvent({ method, path: `/v1${plain}`, query: { ...query, [CANARY]: ['1'] } }));
        },
      ),
      RUNS,
    );
  });

  it('get no 5xx for any path that is not canonical', async () => {
    const paths = fc.oneof(
      hostileText,
      hostileText.map((text) => `/v1/lease/${text}%`),
      hostileText.map((text) => `/v1/admin/targets/..${text}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', CANARY),
        paths,
        async (method, path) => {
          await survives(proxyEvent({ method, path }));
        },
      ),
      RUNS,
    );
  });

  it('get no 5xx for any event of another shape', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything({ withNullPrototype: true, withBigInt: true }), async (event) => survives(event)),
      RUNS,
    );
    const damaged = fc.record({
      key: fc.constantFrom(...Object.keys(mint())),
      value: fc.oneof(fc.integer(), fc.array(fc.string())),
    });
    await fc.assert(
      fc.asyncProperty(
        damaged.filter(({ key }) => !['path', 'stageVariables'].includes(key)),
        async ({ key, value }) => survives({ ...mint(), [key]: value }),
      ),
      RUNS,
    );
  });
});
