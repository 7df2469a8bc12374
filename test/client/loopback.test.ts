import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { directFetch } from '../../client/direct-fetch.ts';
import { isLoopback } from '../../client/loopback.ts';
import { tempFolder, untilTestEnds } from '../local/harness.ts';

const run = promisify(execFile);
const CLIENT = new URL('../../client/client.ts', import.meta.url).href;

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

async function serve(
  answer: Answer,
  at: { port: number; host: string } | { path: string } = LOOPBACK,
): Promise<number> {
  const server = createServer(answer).listen(at);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port ?? 0;
}

const LOOPBACK = { port: 0, host: '127.0.0.1' };

/** Answers with what was asked. */
const echo: Answer = async (req, res) => {
  let body = '';
  for await (const part of req) body += part;
  const { method, url, headers } = req;
  res.setHeader('x-twice', ['a', 'b']).end(JSON.stringify({ method, url, headers, body }));
};

describe('this machine', () => {
  it.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433:8787/v1',
    'https://127.255.255.254',
    'http://[::1]:8787',
    'http://[::ffff:127.0.0.1]',
    'http://localhost',
    'http://LOCALHOST.:1',
    'http://any.name.localhost',
  ])('is meant by %s', (url) => {
    expect(isLoopback(new URL(url))).toBe(true);
  });

  it.each([
    'http://128.0.0.1',
    'http://10.127.0.1',
    'http://0.0.0.0',
    'http://[::2]',
    'http://[::ffff:128.0.0.1]',
    'http://localhost.example.com',
    'http://notlocalhost',
    'http://127.0.0.1.example.com',
    'https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/v1',
  ])('is not meant by %s', (url) => {
    expect(isLoopback(new URL(url))).toBe(false);
  });
});

describe('the client', () => {
  it.each(['127.0.0.1', 'localhost'])('asks %s past every proxy that Node was started with', async (host) => {
    const asked: string[] = [];
    const proxy = await serve((req, res) => {
      asked.push(`${req.url}`);
      res.end();
    });
    const port = await serve((_, res) => void res.end('{}'));
    const script = `import { hubleaseClient } from '${CLIENT}';
      const client = hubleaseClient({ endpoint: 'http://${host}:${port}/v1', credentials: { accessKeyId: 'A', secretAccessKey: 'b' } });
      console.log((await client.call('whoami')).status);`;
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];
    const proxies = Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${proxy}`]));
    const env = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', ...proxies };
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env });
    expect({ stdout, asked }).toEqual({ stdout: '200\n', asked: [] });
  });
});

describe('the way to this machine', () => {
  it('carries method, path, query, headers, host and body, and brings status, headers and body back', async () => {
    const port = await serve(echo);
    const url = `http://localhost:${port}/v1/a%2Fb?c=d%20e`;
    const response = await directFetch()(url, { method: 'PUT', headers: { 'X-One': '1' }, body: 'é' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-twice')).toBe('a, b');
    expect(await response.json()).toEqual({
      method: 'PUT',
      url: '/v1/a%2Fb?c=d%20e',
      headers: expect.objectContaining({ host: `localhost:${port}`, 'x-one': '1', 'content-length': '2' }),
      body: 'é',
    });
  });

  it('finds the names below localhost without a name server', async () => {
    const port = await serve(echo);
    expect((await directFetch()(`http://no-such-name.localhost:${port}/`)).status).toBe(200);
  });

  it('leads through a Unix socket with the host of the URL', async () => {
    const path = join(untilTestEnds(tempFolder()).path, 's');
    await serve(echo, { path });
    const response = await directFetch(path)('http://127.0.0.1:8787/v1/leases');
    expect(await response.json()).toMatchObject({ url: '/v1/leases', headers: { host: '127.0.0.1:8787' } });
  });

  it('takes an answer without a body', async () => {
    const port = await serve((_, res) => void res.writeHead(204).end());
    const response = await directFetch()(`http://127.0.0.1:${port}/`);
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 204, text: '' });
  });

  it('follows no redirect, and ends at one where it was told to', async () => {
    let count = 0;
    const port = await serve((_, res) => {
      count += 1;
      res.writeHead(307, { location: '/elsewhere' }).end();
    });
    const url = `http://127.0.0.1:${port}/`;
    expect((await directFetch()(url, { redirect: 'manual' })).status).toBe(307);
    await expect(directFetch()(url, { redirect: 'error' })).rejects.toThrow('fetch failed');
    expect(count).toBe(2);
  });

  it('ends with the system’s code when nobody listens', async () => {
    await expect(directFetch()('http://127.0.0.1:1/')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  it('ends with the signal’s reason, before and in the middle of an answer', async () => {
    const port = await serve((req, res) => {
      if (req.url === '/half') res.writeHead(200, { 'content-length': '9' }).write('half');
    });
    for (const path of ['/never', '/half']) {
      const signal = AbortSignal.timeout(100);
      const asked = directFetch()(`http://127.0.0.1:${port}${path}`, { signal });
      await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' });
    }
  });

  it('ends when an answer is cut short, or never ends', async () => {
    const port = await serve((req, res) => {
      if (req.url === '/cut') res.writeHead(200, { 'content-length': '9' }).write('half', () => res.destroy());
      else res.end(Buffer.alloc(16 * 1024 * 1024 + 1));
    });
    for (const path of ['/cut', '/large']) {
      await expect(directFetch()(`http://127.0.0.1:${port}${path}`)).rejects.toThrow('fetch failed');
    }
  });
});
