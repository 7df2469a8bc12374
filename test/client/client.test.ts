import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Call, type ClientOptions, hubleaseClient, NoAnswerError, ProblemError } from '../../client/client.ts';
import { verifySignature } from '../../local/front-door/sigv4.ts';

const CREDENTIALS = { accessKeyId: 'AKIAEXAMPLEEXAMPLE22', secretAccessKey: 'w'.repeat(40) };
const PROBLEM = {
  type: 'urn:hublease:problem:hub_throttled',
  title: 'Docker Hub asked to wait',
  status: 503,
  detail: 'Docker Hub limits the rate of requests for now.',
  code: 'hub_throttled',
  requestId: '6f6d7a56-0c1e-4c1b-9d3b-0a4f5e6d7c8b',
};

/** A request as the server saw it. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Whether its signature held for what arrived. */
  readonly signed: boolean;
}

interface Server {
  readonly endpoint: string;
  readonly seen: Seen[];
}

/** An HTTP server that answers as it is told, and checks every signature. */
async function serve(answer: (res: ServerResponse, req: IncomingMessage) => void): Promise<Server> {
  const seen: Seen[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url = '', headers } = req;
    const [rawPath = '', rawQuery = ''] = url.split('?');
    const verdict = verifySignature({
      method,
      rawPath,
      rawQuery,
      headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat().map(String)])),
      body,
      nowMs: Date.now(),
      lookup: (id) => (id === CREDENTIALS.accessKeyId ? CREDENTIALS.secretAccessKey : undefined),
    });
    seen.push({ method, url, headers, body: body.toString(), signed: verdict.ok });
    answer(res, req);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, seen };
}

function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  return serve((res) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function clientOf({ endpoint }: Pick<Server, 'endpoint'>, more: Partial<ClientOptions> = {}) {
  return hubleaseClient({ endpoint, credentials: CREDENTIALS, ...more });
}

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function noAnswerOf(call: Promise<unknown>): Promise<{ message: string; status: number | undefined }> {
  const error = await errorOf(call);
  expect(error).toBeInstanceOf(NoAnswerError);
  const { message, status } = error as NoAnswerError;
  return { message, status };
}

describe('a request', () => {
  it('goes to its route, with its name in the path and its body as JSON', async () => {
    const server = await answering(201, { lease: {}, credential: {} });
    const answer = await clientOf(server).call('mintLease', { name: 'ci/release', body: { ttl: '5s' } });
    expect(answer).toEqual({ status: 201, body: { lease: {}, credential: {} } });
    expect(server.seen).toMatchObject([
      { method: 'POST', url: '/v1/lease/ci/release', body: '{"ttl":"5s"}', signed: true },
    ]);
    expect(server.seen[0]?.headers['content-type']).toBe('application/json');
  });

  it('without a body sends none, and does not speak of one', async () => {
    const server = await answering(200, { items: [] });
    await clientOf(server).call('listLeases');
    expect(server.seen).toMatchObject([{ method: 'GET', url: '/v1/leases', body: '', signed: true }]);
    expect(server.seen[0]?.headers['content-type']).toBeUndefined();
  });

  it.each<[string, Call]>([
    ['plain', { query: { limit: '5', status: 'active' } }],
    ['out of order', { query: { status: 'active', limit: '5', a: '1', B: '2' } }],
    ['empty', { query: { prefix: '' } }],
    ['with signs that are encoded in more than one way', { query: { prefix: "a b+c&d=e/f?g#h%i!'()*~-._" } }],
    ['beyond ASCII', { query: { prefix: 'größe ☕ 🐳' } }],
    ['a page token', { query: { nextToken: 'eyJhIjoxfQ==.A-_b+/9=' } }],
  ])('is signed as it arrives, its query too: %s', async (_, call) => {
    const server = await answering(200, { items: [] });
    await clientOf(server).call('listSecrets', call);
    const [seen] = server.seen;
    expect(seen?.signed).toBe(true);
    expect(Object.fromEntries(new URL(seen?.url ?? '', server.endpoint).searchParams)).toEqual(call.query);
  });

  it('is signed with a body beyond ASCII', async () => {
    const server = await answering(201, {});
    await clientOf(server).call('mintLease', { name: 'ci/release', body: { reason: 'größe ☕' } });
    expect(server.seen).toMatchObject([{ signed: true, body: '{"reason":"größe ☕"}' }]);
  });

  it('carries an idempotency key and the version to be replaced, both of them signed', async () => {
    const server = await answering(200, {});
    await clientOf(server).call('mintLease', { name: 'ci/release', idempotencyKey: 'build-1742' });
    await clientOf(server).call('putTarget', { name: 'acme-bot', body: {}, ifMatch: '"7"' });
    const [mint, put] = server.seen;
    expect(mint).toMatchObject({ signed: true, headers: { 'idempotency-key': 'build-1742' } });
    expect(mint?.headers).not.toHaveProperty('if-match');
    expect(put).toMatchObject({ signed: true, headers: { 'if-match': '"7"' } });
    expect(mint?.headers.authorization).toMatch(/SignedHeaders=[^,]*idempotency-key/);
    expect(put?.headers.authorization).toMatch(/SignedHeaders=[^,]*if-match/);
  });

  it('tells the version of what was answered, where there is one', async () => {
    const versioned = await answering(200, { target: {} }, { etag: '"7"' });
    expect(await clientOf(versioned).call('getTarget', { name: 'acme-bot' })).toMatchObject({ etag: '"7"' });
    const list = await answering(200, { items: [] });
    expect(await clientOf(list).call('listTargets')).not.toHaveProperty('etag');
  });

  it('asks a credential provider each time, and signs its session token', async () => {
    const server = await answering(200, {});
    let asked = 0;
    const credentials = async () => ({ ...CREDENTIALS, sessionToken: `session-${++asked}` });
    const client = clientOf(server, { credentials });
    await client.call('whoami');
    await client.call('whoami');
    expect(server.seen).toMatchObject([{ signed: true }, { signed: true }]);
    expect(server.seen.map(({ headers }) => headers['x-amz-security-token'])).toEqual(['session-1', 'session-2']);
  });

  it('takes an endpoint with slashes at its end', async () => {
    const server = await answering(200, {});
    await clientOf({ endpoint: `${server.endpoint}//` }).call('whoami');
    expect(server.seen).toMatchObject([{ url: '/v1/whoami', signed: true }]);
  });

  it('takes a name as it is', async () => {
    const server = await answering(200, {});
    await clientOf(server).call('getTarget', { name: "a$&b$'c" });
    expect(server.seen[0]?.url).toBe("/v1/admin/targets/a$&b$'c");
  });

  it('is sent once, whatever comes of it', async () => {
    const server = await serve((_, req) => req.socket.destroy());
    await noAnswerOf(clientOf(server).call('mintLease', { name: 'ci/release' }));
    expect(server.seen.length).toBe(1);
  });
});

describe('a refusal of hublease', () => {
  it('is a ProblemError with all that hublease said', async () => {
    const server = await answering(503, PROBLEM, { 'content-type': 'application/problem+json', 'retry-after': '7' });
    const error = (await errorOf(clientOf(server).call('mintLease', { name: 'ci/release' }))) as ProblemError;
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      name: 'ProblemError',
      problem: PROBLEM,
      message: PROBLEM.detail,
      retryAfterSeconds: 7,
    });
  });

  it.each([
    ['says nothing', {}],
    ['gives a date', { 'retry-after': 'Sat, 21 Nov 2026 09:30:00 GMT' }],
  ])('has no time to wait for where Retry-After %s', async (_, headers) => {
    const server = await answering(409, PROBLEM, headers);
    const error = (await errorOf(clientOf(server).call('whoami'))) as ProblemError;
    expect(error.retryAfterSeconds).toBeUndefined();
  });
});

describe('an answer that is not hublease’s', () => {
  it.each<[string, number, unknown]>([
    ['a page under 200', 200, '<html>Sign in to the network</html>'],
    ['nothing under 200', 200, ''],
    ['half an answer', 200, '{"items":['],
    ['a page under 502', 502, '<html>Bad gateway</html>'],
    ['JSON of somebody else', 403, { message: 'Forbidden' }],
    ['a list', 404, []],
    ['null', 500, 'null'],
  ])('is a NoAnswerError that keeps its status and repeats nothing of it: %s', async (_, status, body) => {
    const server = await answering(status, body);
    expect(await noAnswerOf(clientOf(server).call('whoami'))).toEqual({
      message: `status ${status} from something that is not hublease`,
      status,
    });
  });

  it.each([301, 302, 303, 307, 308])('is a redirect, which is not followed: %i', async (status) => {
    const elsewhere = await answering(200, {});
    const server = await answering(status, '', { location: `${elsewhere.endpoint}/whoami` });
    await noAnswerOf(clientOf(server).call('mintLease', { name: 'ci/release', body: {} }));
    expect(server.seen.length).toBe(1);
    expect(elsewhere.seen).toEqual([]);
  });
});

describe('no answer', () => {
  it('comes of a port where nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    server.close();
    await once(server, 'close');
    expect(await noAnswerOf(clientOf({ endpoint }).call('whoami'))).toEqual({
      message: 'hublease could not be reached (ECONNREFUSED)',
      status: undefined,
    });
  });

  it.each<[string, (res: ServerResponse) => void]>([
    ['at all', () => {}],
    ['to its end', (res) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"items":')],
  ])('in time is told as that, where none came %s', async (_, answer) => {
    const server = await serve(answer);
    expect(await noAnswerOf(clientOf(server, { timeoutMs: 100 }).call('whoami'))).toEqual({
      message: 'hublease did not answer in time',
      status: undefined,
    });
  });

  it('was wanted any more, once the caller gave it up', async () => {
    const server = await serve(() => {});
    const signal = AbortSignal.abort();
    expect(await noAnswerOf(clientOf(server).call('whoami', { signal }))).toEqual({
      message: 'the request was given up',
      status: undefined,
    });
  });

  it('of a credential provider is its own error', async () => {
    const server = await answering(200, {});
    const client = clientOf(server, { credentials: () => Promise.reject(new RangeError('expired')) });
    await expect(client.call('whoami')).rejects.toThrow(RangeError);
    expect(server.seen).toEqual([]);
  });
});
