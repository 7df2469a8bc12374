import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createProxy, request } from 'node:http';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Bundle, bundleCli } from './bundle.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
let bundle: Bundle;
beforeAll(async () => {
  [terminal, bundle] = await Promise.all([openTerminal(), bundleCli()]);
});
afterAll(async () => {
  bundle.close();
  await terminal.close();
});

const canI = (env: Record<string, string>) => terminal.start(bundle.hublease, ['can-i', 'ci/release'], { env }).ended;

/** Listens for the length of a test. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/**
 * A proxy that remembers where it was asked to go, in either of the two ways of asking.
 *
 * @param lost as many of the first answers break off before anything of them came.
 */
async function openProxy(lost = 0): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const proxy = createProxy((req, res) => {
    const isLost = asked.push(new URL(req.url ?? '').host) <= lost;
    const forward = request(req.url ?? '', { method: req.method, headers: req.headers }, (answer) => {
      if (isLost) {
        answer.resume().once('end', () => res.destroy());
        return;
      }
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    req.pipe(forward);
  });
  proxy.on('connect', (req, socket: Socket) => {
    asked.push(req.url ?? '');
    const { hostname, port } = new URL(`http://${req.url}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  return { url: `http://127.0.0.1:${await listen(proxy)}`, asked };
}

describe('a lease whose answer was lost', () => {
  /** Leases by the way of a proxy, and tells what that made on Docker Hub. */
  async function leaseThrough(url: string) {
    const tokens = () => terminal.edition.hub.control.tokens();
    const before = new Set(tokens().map(({ id }) => id));
    const env = { HTTP_PROXY: url };
    const session = await terminal.start(bundle.hublease, ['lease', 'ci/release', '-o', 'json'], { env }).ended;
    return { ...session, minted: tokens().filter(({ id }) => !before.has(id)) };
  }

  test('is asked for again, and what the first request got is gone before the second gets anything', async () => {
    const { url, asked } = await openProxy(2);
    const { code, stdout, minted } = await leaseThrough(url);
    expect(code).toBe(0);
    expect(asked).toHaveLength(3);
    expect(minted).toHaveLength(3);
    const { lease } = JSON.parse(stdout) as { lease: { tokenId: string } };
    expect(minted.filter(({ live }) => live).map(({ id }) => id)).toEqual([lease.tokenId]);
  });

  test('is given up after the third answer that was lost, with one token, which ends by itself', async () => {
    const { url, asked } = await openProxy(3);
    const { code, stdout, minted } = await leaseThrough(url);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(asked).toHaveLength(3);
    expect(minted.filter(({ live }) => live)).toHaveLength(1);
  });
});

describe('a proxy', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('named by %s is what requests go through', async (name) => {
    const { url, asked } = await openProxy();
    expect(await canI({ [name]: url })).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
    expect(asked).toEqual([`127.0.0.1:${terminal.edition.port}`]);
  });

  test('is left aside for what NO_PROXY lists', async () => {
    const { url, asked } = await openProxy();
    expect(await canI({ HTTP_PROXY: url, NO_PROXY: '127.0.0.1' })).toMatchObject({ code: 0 });
    expect(asked).toEqual([]);
  });

  test('for https alone is not asked for http', async () => {
    const { url, asked } = await openProxy();
    expect(await canI({ HTTPS_PROXY: url })).toMatchObject({ code: 0 });
    expect(asked).toEqual([]);
  });

  test('that is not there is what the error is about', async () => {
    expect(await canI({ HTTP_PROXY: 'http://127.0.0.1:1' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('hublease could not be reached'),
    });
  });
});

describe('a certificate of a private authority', () => {
  /** The edition behind TLS, with a certificate that nobody knows. */
  async function overTls(): Promise<{ endpoint: string; certificate: string }> {
    const folder = mkdtempSync(join(tmpdir(), 'hublease-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', certificate, ...names], {
      stdio: 'ignore',
    });
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (socket) => {
      const onward = connect(terminal.edition.port, '127.0.0.1');
      for (const end of [socket, onward]) end.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    server.on('tlsClientError', () => {});
    return { endpoint: `https://127.0.0.1:${await listen(server)}/v1`, certificate };
  }

  test('is trusted when NODE_EXTRA_CA_CERTS names it, through a proxy too', async () => {
    const { endpoint, certificate } = await overTls();
    const env = { HUBLEASE_ENDPOINT: endpoint, NODE_EXTRA_CA_CERTS: certificate };
    expect(await canI(env)).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
    const { url, asked } = await openProxy();
    expect(await canI({ ...env, HTTPS_PROXY: url })).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
    expect(asked).toEqual([new URL(endpoint).host]);
  });

  test('is refused otherwise, and the doctor says what to set', async () => {
    const { endpoint } = await overTls();
    const env = { HUBLEASE_ENDPOINT: endpoint };
    expect(await canI(env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(DEPTH_ZERO_SELF_SIGNED_CERT)'),
    });
    const { stdout } = await terminal.start(bundle.hublease, ['doctor'], { env }).ended;
    expect(stdout).toMatch(/^FAILED +network .*DEPTH_ZERO_SELF_SIGNED_CERT\n +.*NODE_EXTRA_CA_CERTS/m);
  });
});

describe('a lease from the published program', () => {
  test('is printed, listed and revoked by programs of their own', async () => {
    const type = (...args: string[]) => terminal.start(bundle.hublease, args).ended;
    const { stdout } = await type('lease', 'ci/release', '--field', 'lease.id');
    expect((await type('leases')).stdout).toContain(stdout.trim());
    expect(await type('revoke', stdout.trim())).toEqual({ code: 0, stdout: 'revoked\n', stderr: '' });
  });

  test('applies YAML, which comes in a piece of its own', async () => {
    const env = { AWS_PROFILE: 'hublease-admin' };
    const stdin = 'kind: Target\nname: acme-bot\ndescription: from a piece of its own\n';
    const { code, stderr } = await terminal.start(bundle.hublease, ['targets', 'apply', '-f', '-'], { env, stdin })
      .ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'target acme-bot: changed\n' });
  });

  test('reads settings in YAML, in the credential helper too', async () => {
    const HUBLEASE_CONFIG = join(terminal.home, 'settings.yaml');
    writeFileSync(HUBLEASE_CONFIG, `# by hand\nendpoint: ${terminal.edition.endpoint}\nsecret: ci/release\n`);
    const env = { HUBLEASE_CONFIG, HUBLEASE_ENDPOINT: undefined };
    const { code, stdout } = await terminal.start(bundle.helper, ['get'], { env, stdin: 'docker.io' }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('"Username":"acme-bot"') });
  });

  test('does not mind a reader that has had enough', async () => {
    const command = `"${process.execPath}" "${bundle.hublease}" --help | head -1`;
    expect(execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })).toBe(
      'Usage: hublease [options] [command]\n',
    );
  });
});
