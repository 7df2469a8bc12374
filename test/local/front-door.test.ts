import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fail } from '../../functions/core/model/failure.ts';
import { checkEvent } from '../../functions/wire/event.ts';
import type { AccessEntry } from '../../local/front-door/desk.ts';
import { type FrontDoor, type FrontDoorOptions, startFrontDoor } from '../../local/front-door/front-door.ts';
import { credentialsFileOf, openProfiles, type Profile } from '../../local/front-door/profiles.ts';
import { type Answer, type Draft, send, sign, type Wire, withHeader } from './signing.ts';

const run = promisify(execFile);
const NOW_MS = Date.parse('2026-11-21T09:30:00Z');
const MINT: Draft = {
  method: 'POST',
  path: '/v1/lease/ci/release',
  query: { reason: 'a b', tag: ['x', 'y'] },
  headers: { 'Content-Type': 'application/json' },
  body: '{"ttl":"15m"}',
};
const LIST: Draft = { method: 'GET', path: '/v1/leases' };

let dataDir: string;
let admin: Profile;
let ci: Profile;
let doors: FrontDoor[];
let events: APIGatewayProxyEvent[];
let entries: AccessEntry[];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hublease-front-door-'));
  [admin, ci] = (await openProfiles(dataDir)) as [Profile, Profile];
});

afterAll(() => rm(dataDir, { recursive: true, force: true }));

beforeEach(() => {
  doors = [];
  events = [];
  entries = [];
});

afterEach(() => Promise.all(doors.map((door) => door.close())));

/** A front door with two routes before a handler that only remembers its events. */
async function open(changed: Partial<FrontDoorOptions> = {}): Promise<FrontDoor> {
  const door = await startFrontDoor({
    port: 0,
    // So that requests can be signed before the port is known.
    acceptHosts: ['127.0.0.1'],
    profiles: await openProfiles(dataDir),
    nowMs: () => NOW_MS,
    steadyMs: () => 0,
    route: (method, rawPath) => {
      if (rawPath.includes('%')) throw fail({ tag: 'path_not_canonical' });
      const name = /^\/v1\/lease\/(.+)$/.exec(rawPath)?.[1];
      if (method === 'POST' && name !== undefined) {
        return { resource: '/lease/{name+}', pathParameters: { name }, admin: false };
      }
      if (method !== 'GET') return undefined;
      if (rawPath === '/v1/leases') return { resource: '/leases', pathParameters: {}, admin: false };
      if (rawPath === '/v1/admin/targets') return { resource: '/admin/targets', pathParameters: {}, admin: true };
      return undefined;
    },
    log: (entry) => entries.push(entry),
    ...changed,
    dispatch: async (event) => {
      events.push(event);
      return (
        changed.dispatch?.(event) ?? { statusCode: 201, headers: { 'content-type': 'application/json' }, body: '{}' }
      );
    },
  });
  doors.push(door);
  return door;
}

/** Sends raw bytes and reads until the server ends the connection. */
function sendRaw(port: number, ...texts: string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1', () => {
    for (const text of texts) socket.write(text);
  });
  socket.setEncoding('utf8');
  let received = '';
  socket.on('data', (chunk: string) => {
    received += chunk;
  });
  socket.on('error', () => resolve(received));
  socket.on('close', () => resolve(received));
  return promise;
}

/** The wire form of a request, to be written to a socket. */
function rawOf(wire: Wire, extra: Record<string, string> = {}): string {
  const headers = [...wire.headers, ['content-length', String(Buffer.byteLength(wire.body))], ...Object.entries(extra)];
  const target = wire.query === '' ? wire.path : `${wire.path}?${wire.query}`;
  return `${wire.method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${wire.body}`;
}

function expectProblem(answer: Answer, status: number, code: string): string {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const problem = JSON.parse(answer.body);
  expect(problem).toEqual({
    type: expect.stringMatching(new RegExp(`${code}$`)),
    title: expect.any(String),
    status,
    code,
    detail: expect.any(String),
    requestId: answer.headers['x-amzn-requestid'],
  });
  return problem.detail;
}

describe('a signed request', () => {
  it('reaches the handler as the event that API Gateway makes of it', async () => {
    const door = await open();
    const wire = withHeader(await sign(ci, MINT, NOW_MS), 'User-Agent', 'test/1');
    const answer = await send(door.port, { ...wire, headers: [...wire.headers, ['X-Many', '1'], ['x-many', '2']] });
    expect(answer.status).toBe(201);
    expect(answer.body).toBe('{}');
    const [event] = events;
    expect(() => checkEvent(event)).not.toThrow();
    const { Authorization, ...headers } = event?.headers ?? {};
    expect(Authorization).toBeUndefined();
    expect(headers).toMatchObject({ host: '127.0.0.1', 'Content-Type': 'application/json', 'X-Many': '2' });
    expect(Object.keys(headers).map((name) => name.toLowerCase())).not.toContain('authorization');
    expect(event?.multiValueHeaders).toMatchObject({ 'X-Many': ['1', '2'], 'Content-Type': ['application/json'] });
    expect(event).toEqual({
      resource: '/lease/{name+}',
      path: '/lease/ci/release',
      httpMethod: 'POST',
      headers: expect.anything(),
      multiValueHeaders: expect.anything(),
      queryStringParameters: { reason: 'a b', tag: 'y' },
      multiValueQueryStringParameters: { reason: ['a b'], tag: ['x', 'y'] },
      pathParameters: { name: 'ci/release' },
      stageVariables: null,
      requestContext: {
        accountId: '000000000000',
        apiId: 'embedded',
        authorizer: undefined,
        domainName: '127.0.0.1',
        extendedRequestId: answer.headers['x-amzn-requestid'],
        httpMethod: 'POST',
        path: '/v1/lease/ci/release',
        protocol: 'HTTP/1.1',
        requestId: answer.headers['x-amzn-requestid'],
        requestTime: '21/Nov/2026:09:30:00 +0000',
        requestTimeEpoch: NOW_MS,
        resourceId: 'embedded',
        resourcePath: '/lease/{name+}',
        stage: 'v1',
        identity: expect.objectContaining({
          accessKey: ci.accessKeyId,
          accountId: '111122223333',
          caller: 'AROAHUBLEASECIAAAAAAA:hublease-ci',
          sourceIp: '127.0.0.1',
          userAgent: 'test/1',
          userArn: 'arn:aws:sts::111122223333:assumed-role/ci/hublease-ci',
        }),
      },
      body: '{"ttl":"15m"}',
      isBase64Encoded: false,
    });
    expect(answer.headers['x-amzn-requestid']).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('without query, parameters and body has null for each', async () => {
    const door = await open();
    await send(door.port, await sign(ci, LIST, NOW_MS));
    expect(events[0]).toMatchObject({
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      pathParameters: null,
      body: null,
    });
  });

  it('is honoured each time it is repeated within its window', async () => {
    const door = await open();
    const wire = await sign(ci, LIST, NOW_MS);
    expect((await send(door.port, wire)).status).toBe(201);
    expect((await send(door.port, wire)).status).toBe(201);
    expect(events[0]?.requestContext.requestId).not.toBe(events[1]?.requestContext.requestId);
  });

  it.each([
    ['to an unknown path', { method: 'GET', path: '/v1/{id}' }],
    ['of a method that the path has not', { method: 'OPTIONS', path: '/v1/leases' }],
    ['by HEAD', { method: 'HEAD', path: '/v1/leases' }],
    ['to a path with empty segments', { method: 'GET', path: '/v1//leases' }],
    ['to a path with dot segments', { method: 'GET', path: '/v1/admin/../leases' }],
    ['to an encoded path', { method: 'GET', path: '/v1/%6Ceases' }],
  ])('%s is left to the handler, under a resource that no caller can choose', async (_, draft) => {
    const door = await open({ dispatch: async () => ({ statusCode: 404, body: '' }) });
    expect((await send(door.port, await sign(admin, draft, NOW_MS))).status).toBe(404);
    expect(events[0]).toMatchObject({
      resource: '/{proxy+}',
      path: draft.path.slice(3),
      httpMethod: draft.method,
      pathParameters: null,
      requestContext: { path: draft.path, resourcePath: '/{proxy+}' },
    });
  });

  it('gets the status, headers and body that the handler gave, bytes included', async () => {
    const door = await open({
      dispatch: async () => ({
        statusCode: 202,
        headers: { 'retry-after': 3, 'x-amzn-requestid': 'forged' },
        multiValueHeaders: { 'x-list': ['a', 'b'] },
        body: Buffer.from('é').toString('base64'),
        isBase64Encoded: true,
      }),
    });
    const answer = await send(door.port, await sign(ci, LIST, NOW_MS));
    expect(answer).toMatchObject({ status: 202, body: 'é', headers: { 'retry-after': '3', 'x-list': 'a, b' } });
    expect(answer.headers['x-amzn-requestid']).toBe(events[0]?.requestContext.requestId);
  });

  it('leaves one entry in the log, with nothing in it that the caller wrote', async () => {
    const door = await open();
    const answer = await send(door.port, await sign(ci, MINT, NOW_MS));
    expect(entries).toEqual([
      {
        requestId: answer.headers['x-amzn-requestid'],
        method: 'POST',
        resource: '/lease/{name+}',
        status: 201,
        profile: 'hublease-ci',
        durationMs: 0,
      },
    ]);
  });
});

describe('a request that is not what was signed', () => {
  it.each<[string, string, (wire: Wire) => Wire]>([
    ['is unsigned', 'missing_authentication', (w) => withHeader(w, 'authorization')],
    ['has another body', 'body_hash_mismatch', (w) => ({ ...w, body: '{"ttl":"99h"}' })],
    ['has another path', 'signature_mismatch', (w) => ({ ...w, path: '/v1/lease/ci/other' })],
    ['has another query', 'signature_mismatch', (w) => ({ ...w, query: 'reason=c' })],
    ['has another signed header', 'signature_mismatch', (w) => withHeader(w, 'Content-Type', 'text/plain')],
    ['has another date', 'signature_mismatch', (w) => withHeader(w, 'x-amz-date', '20261121T093001Z')],
    ['has an x-amz header that is not signed', 'header_not_signed', (w) => withHeader(w, 'X-Amz-Extra', '1')],
    [
      'has two dates',
      'duplicate_header',
      (w) => ({ ...w, headers: [...w.headers, ['X-Amz-Date', '20261121T093000Z']] }),
    ],
    [
      'has two authorizations',
      'duplicate_header',
      (w) => ({ ...w, headers: [['authorization', 'AWS4-HMAC-SHA256 x'], ...w.headers] }),
    ],
    ['has two hosts', 'duplicate_header', (w) => ({ ...w, headers: [...w.headers, ['Host', '127.0.0.1']] })],
    ['has no host', 'malformed', (w) => withHeader(w, 'host')],
  ])('is refused with 403 when it %s, and never reaches the handler', async (_, code, tamper) => {
    const door = await open();
    const wire = tamper(await sign(ci, MINT, NOW_MS));
    const text = await sendRaw(door.port, rawOf(wire, { connection: 'close' }));
    expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({ status: 403, code });
    expect(events).toEqual([]);
    expect(entries).toMatchObject([{ status: 403, code, resource: '/{proxy+}' }]);
  });

  it.each<[string, string, Partial<Profile>, number, Parameters<typeof sign>[3]]>([
    ['with another secret', 'signature_mismatch', { secretAccessKey: 'x'.repeat(40) }, 0, {}],
    ['with an unknown key', 'unknown_key', { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA' }, 0, {}],
    ['for another region', 'bad_scope', {}, 0, { region: 'eu-central-1' }],
    ['for another service', 'bad_scope', {}, 0, { service: 's3' }],
    ['five minutes and a second ago', 'expired', {}, -301_000, {}],
    ['five minutes and a second ahead', 'not_yet_current', {}, 301_000, {}],
  ])(
    'is refused with 403 when it was signed %s, and never reaches the handler',
    async (_, code, keys, offsetMs, scope) => {
      const door = await open();
      const answer = await send(door.port, await sign({ ...ci, ...keys }, MINT, NOW_MS + offsetMs, scope));
      const detail = expectProblem(answer, 403, code);
      expect(detail).not.toContain(ci.secretAccessKey);
      expect(events).toEqual([]);
    },
  );

  it('is told both times when the clocks differ', async () => {
    const door = await open();
    const answer = await send(door.port, await sign(ci, LIST, NOW_MS - 3_600_000));
    expect(expectProblem(answer, 403, 'expired')).toContain(
      'signed at 2026-11-21T08:30:00.000Z, received at 2026-11-21T09:30:00.000Z',
    );
  });
});

describe('permission', () => {
  it('opens the admin routes to the admin profile', async () => {
    const door = await open();
    expect(
      (await send(door.port, await sign(admin, { method: 'GET', path: '/v1/admin/targets' }, NOW_MS))).status,
    ).toBe(201);
  });

  it.each(['/v1/admin/targets', '/v1/admin', '/v1/admin/no/such/thing', '/v1/ADMIN/targets', '/v1/admin/%74argets'])(
    'denies %s to the other profiles before the handler sees it',
    async (path) => {
      const door = await open();
      const answer = await send(door.port, await sign(ci, { method: 'GET', path }, NOW_MS));
      expect(expectProblem(answer, 403, 'access_denied')).toContain(ci.userArn);
      expect(events).toEqual([]);
      expect(entries).toMatchObject([{ profile: 'hublease-ci', code: 'access_denied' }]);
    },
  );

  it.each(['/', '/v1', '/v2/leases', '/leases', '//v1/leases', '/v1%2Fleases'])(
    'knows nothing at %s, outside its one stage',
    async (path) => {
      const door = await open();
      const answer = await send(door.port, await sign(admin, { method: 'GET', path }, NOW_MS));
      expectProblem(answer, 403, 'missing_authentication_token');
      expect(events).toEqual([]);
    },
  );
});

describe('a failing handler', () => {
  it.each<[string, () => Promise<APIGatewayProxyResult>]>([
    ['throws', async () => Promise.reject(new Error('canary-secret'))],
    ['gives no result', async () => undefined as unknown as APIGatewayProxyResult],
    [
      'gives a header that HTTP cannot carry',
      async () => ({ statusCode: 200, headers: { 'x-a': 'a\r\nb' }, body: 'canary-secret' }),
    ],
    ['gives a status that HTTP has not', async () => ({ statusCode: 42, body: 'canary-secret' })],
  ])('that %s becomes a 500 without details', async (_, dispatch) => {
    const door = await open({ dispatch });
    const answer = await send(door.port, await sign(ci, LIST, NOW_MS));
    expect(expectProblem(answer, 500, 'internal')).toBe('Something failed inside hublease.');
    expect(JSON.stringify([answer, entries])).not.toContain('canary');
    expect(entries).toMatchObject([{ status: 500, code: 'internal' }]);
  });

  it('in the route table becomes a 500 without details', async () => {
    const door = await open({
      route: () => {
        throw new Error('canary-secret');
      },
    });
    expectProblem(await send(door.port, await sign(ci, LIST, NOW_MS)), 500, 'internal');
    expect(events).toEqual([]);
  });
});

describe('what the front door bounds', () => {
  it('a body of 64 KiB passes, and one byte more does not', async () => {
    const door = await open();
    const fits = await sign(ci, { ...MINT, body: 'x'.repeat(64 * 1024) }, NOW_MS);
    expect((await send(door.port, fits)).status).toBe(201);
    const tooLarge = await sign(ci, { ...MINT, body: 'x'.repeat(64 * 1024 + 1) }, NOW_MS);
    expectProblem(await send(door.port, tooLarge), 413, 'body_too_large');
    expect(events).toHaveLength(1);
  });

  it('a body without end is refused once it has become hopeless', async () => {
    const door = await open();
    const { headers } = await sign(ci, MINT, NOW_MS);
    const wire: Wire = { method: 'POST', path: '/v1/lease/a', query: '', headers, body: '' };
    const head = rawOf(wire).replace(/content-length: 0/, 'transfer-encoding: chunked');
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    expect(await sendRaw(door.port, head, ...Array.from({ length: 17 }, () => chunk))).toMatch(/^HTTP\/1\.1 413 /);
    expect(events).toEqual([]);
  });

  it('more than a hundred headers are refused, not cut', async () => {
    const door = await open();
    const wire = await sign(ci, LIST, NOW_MS);
    const many = Array.from({ length: 101 }, (_, index): [string, string] => [`a${index}`, '']);
    expectProblem(await send(door.port, { ...wire, headers: [...wire.headers, ...many] }), 431, 'too_many_headers');
  });

  it.each([
    ['bytes that are not HTTP', 'no http\r\n\r\n', 400, 'bad_http'],
    ['two lengths', 'GET /v1/leases HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400, 'bad_http'],
    [
      'headers of more than 16 KiB',
      `GET /v1/leases HTTP/1.1\r\na: ${'x'.repeat(17_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ])('%s get a problem with a request id', async (_, bytes, status, code) => {
    const door = await open();
    const text = await sendRaw(door.port, bytes);
    const requestId = /x-amzn-requestid: (\S+)/.exec(text)?.[1];
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({ status, code, requestId });
  });

  it.each([
    ['headers', 'GET /v1/leases HTTP/1.1\r\nhost: '],
    ['a body', 'POST /v1/lease/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab'],
  ])('%s that never come to an end get 408', async (_, bytes) => {
    const door = await open({ times: { headersMs: 40, requestMs: 80, checkEveryMs: 20 } });
    expect(await sendRaw(door.port, bytes)).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
    expect(events).toEqual([]);
  });

  it('a caller who goes away in the middle of a body leaves only a log entry', async () => {
    const logged = Promise.withResolvers<AccessEntry>();
    const door = await open({ log: logged.resolve });
    const socket = connect(door.port, '127.0.0.1', () => {
      socket.write('POST /v1/lease/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab', () => socket.destroy());
    });
    expect(await logged.promise).toMatchObject({ code: 'caller_gone' });
    expect(events).toEqual([]);
  });
});

describe('starting and closing', () => {
  // Other systems do not give 127.0.0.2 to the loopback device.
  it.runIf(process.platform === 'linux')('listens on 127.0.0.1 only, and says where', async () => {
    const door = await open();
    expect(door.url).toBe(`http://127.0.0.1:${door.port}`);
    const refused = Promise.withResolvers<string | undefined>();
    connect(door.port, '127.0.0.2').on('error', (error: NodeJS.ErrnoException) => refused.resolve(error.code));
    expect(await refused.promise).toBe('ECONNREFUSED');
  });

  it('does not start on a port that is taken', async () => {
    const door = await open();
    await expect(open({ port: door.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('answers what is in flight before it closes', async () => {
    const called = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<APIGatewayProxyResult>();
    const door = await open({
      dispatch: () => {
        called.resolve();
        return finish.promise;
      },
    });
    const answer = send(door.port, withHeader(await sign(ci, LIST, NOW_MS), 'connection', 'keep-alive'));
    await called.promise;
    const closed = door.close();
    finish.resolve({ statusCode: 200, body: 'late' });
    expect(await answer).toMatchObject({ status: 200, body: 'late', headers: { connection: 'close' } });
    await closed;
  });

  it('waits for a request whose caller has gone, since it may be minting', async () => {
    const called = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<APIGatewayProxyResult>();
    const door = await open({
      dispatch: () => {
        called.resolve();
        return finish.promise;
      },
    });
    const raw = rawOf(await sign(ci, LIST, NOW_MS));
    const socket = connect(door.port, '127.0.0.1', () => socket.write(raw));
    await called.promise;
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await gone;
    let isClosed = false;
    const closed = door.close().then(() => {
      isClosed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    finish.resolve({ statusCode: 200, body: '' });
    await closed;
    expect(entries).toHaveLength(1);
  });

  it('does not wait for ever', async () => {
    const called = Promise.withResolvers<void>();
    const door = await open({
      times: { drainMs: 20 },
      dispatch: () => {
        called.resolve();
        return new Promise(() => {});
      },
    });
    const answer = send(door.port, await sign(ci, LIST, NOW_MS)).catch((error) => error.code);
    await called.promise;
    await door.close();
    expect(await answer).toBe('ECONNRESET');
  });
});

const python = process.env.HUBLEASE_TEST_PYTHON;
const hasCurl = await run('curl', ['--help', 'all']).then(
  ({ stdout }) => stdout.includes('--aws-sigv4'),
  () => false,
);

describe('clients in use', () => {
  it.skipIf(!hasCurl)(
    'curl is accepted with the right secret, and refused with another (runs where curl has --aws-sigv4)',
    async () => {
      const door = await open({ nowMs: Date.now });
      const config = join(dataDir, 'curlrc');
      const curl = async (secret: string) => {
        await writeFile(config, `user = "${ci.accessKeyId}:${secret}"\n`, { mode: 0o600 });
        const { stdout } = await run('curl', [
          '--silent',
          ...['--config', config, '--aws-sigv4', 'aws:amz:us-east-1:execute-api'],
          ...['--header', 'content-type: application/json', '--data', '{"ttl":"15m"}'],
          ...['--write-out', '%{http_code}', '--output', '/dev/null', `${door.url}/v1/lease/ci/release?limit=5`],
        ]);
        return stdout;
      };
      expect(await curl(ci.secretAccessKey)).toBe('201');
      expect(events[0]).toMatchObject({ body: '{"ttl":"15m"}', queryStringParameters: { limit: '5' } });
      expect(await curl('x'.repeat(40))).toBe('403');
      expect(events).toHaveLength(1);
    },
  );

  it.skipIf(python === undefined)(
    'botocore is accepted with the credentials file (runs where HUBLEASE_TEST_PYTHON names a Python that has botocore)',
    async () => {
      const door = await open({ nowMs: Date.now });
      const script = `
import sys
from botocore.session import Session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
session = Session(profile='hublease-ci')
for method, path, headers, body in [
    ('POST', '/v1/lease/ci/release?b=2&a=1&a=%20%2F&flag', {'Content-Type': 'application/json'}, b'{"ttl":"15m"}'),
    ('GET', "/v1/odd/%C3%A9%20path/a:b'(c)*", {'Date': 'set by the signer'}, b''),
    ('DELETE', '/v1/leases/x', {'X-Amz-Meta': '  two   words '}, b''),
]:
    request = AWSRequest(method=method, url=sys.argv[1] + path, headers=headers, data=body)
    SigV4Auth(session.get_credentials(), 'execute-api', session.get_config_variable('region')).add_auth(request)
    print(URLLib3Session().send(request.prepare()).status_code)
`;
      const { stdout } = await run(python ?? '', ['-c', script, door.url], {
        env: { AWS_SHARED_CREDENTIALS_FILE: credentialsFileOf(dataDir), AWS_CONFIG_FILE: join(dataDir, 'none') },
      });
      expect(stdout).toBe('201\n201\n201\n');
      expect(events.map((event) => event.requestContext.path)).toEqual([
        '/v1/lease/ci/release',
        "/v1/odd/%C3%A9%20path/a:b'(c)*",
        '/v1/leases/x',
      ]);
    },
  );
});
