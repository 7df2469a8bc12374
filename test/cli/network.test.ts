import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createProxy, request } from 'node:http';
import { createServer as createRelay } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Bundle, bundleCli } from './bundle.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** The edition's name behind TLS, which only the proxies of these tests know. */
const NAME = 'hublease.test';
const ENDPOINT = `https://${NAME}/v1`;

/** The edition behind TLS, with a certificate that nobody knows. */
interface Relay {
  readonly port: number;
  /** Its certificate's file. */
  readonly certificate: string;
  /** As many of the next answers break off before anything of them came. */
  lost: number;
  close(): void;
}

let terminal: Terminal;
let bundle: Bundle;
let relay: Relay;
beforeAll(async () => {
  relay = await openRelay(() => terminal.edition.port);
  const flags = ['--accept-host', `${NAME},127.0.0.1:${relay.port}`];
  [terminal, bundle] = await Promise.all([openTerminal({ flags }), bundleCli()]);
});
afterEach(() => {
  relay.lost = 0;
});
afterAll(async () => {
  relay.close();
  bundle.close();
  await terminal.close();
});

const canI = (env: Record<string, string | undefined>) =>
  terminal.start(bundle.hublease, ['can-i', 'ci/release'], { env }).ended;

/** What leads to the edition by its name, through a proxy. */
function byName(proxy: Record<string, string>): Record<string, string> {
  return { HUBLEASE_ENDPOINT: ENDPOINT, NODE_EXTRA_CA_CERTS: relay.certificate, ...proxy };
}

async function listen(server: Server): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function openRelay(editionPort: () => number): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'hublease-tls-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const names = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME},IP:127.0.0.1`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', certificate, ...names], {
    stdio: 'ignore',
  });
  const server = createRelay({ key: readFileSync(key), cert: readFileSync(certificate) }, (req, res) => {
    const { method, url, headers } = req;
    const to = { host: '127.0.0.1', port: editionPort(), method, path: url, headers };
    const forward = request(to, (answer) => {
      if (opened.lost > 0) {
        opened.lost -= 1;
        answer.resume().once('end', () => res.destroy());
        return;
      }
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    req.pipe(forward);
  });
  server.on('tlsClientError', () => {});
  const { port, close } = await listen(server);
  const opened: Relay = {
    port,
    certificate,
    lost: 0,
    close() {
      close();
      rmSync(folder, { recursive: true });
    },
  };
  return opened;
}

/** A proxy that remembers where it was asked to go, in either of the two ways of asking. It knows the way to the relay alone. */
async function openProxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const proxy = createProxy((req, res) => {
    asked.push(new URL(req.url ?? '').host);
    res.writeHead(502).end();
  });
  proxy.on('connect', (req, socket: Socket) => {
    asked.push(req.url ?? '');
    const onward = connect(relay.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  const { port, close } = await listen(proxy);
  onTestFinished(close);
  return { url: `http://127.0.0.1:${port}`, asked };
}

describe('a lease whose answer was lost', () => {
  /** Leases through the relay, and tells what that made on Docker Hub. */
  async function leaseThrough(lost: number) {
    const tokens = () => terminal.edition.hub.control.tokens();
    const before = new Set(tokens().map(({ id }) => id));
    const { url, asked } = await openProxy();
    relay.lost = lost;
    const env = byName({ HTTPS_PROXY: url });
    const session = await terminal.start(bundle.hublease, ['lease', 'ci/release', '-o', 'json'], { env }).ended;
    return { ...session, asked, minted: tokens().filter(({ id }) => !before.has(id)) };
  }

  test('is asked for again, and what the first request got is gone before the second gets anything', async () => {
    const { code, stdout, asked, minted } = await leaseThrough(2);
    expect(code).toBe(0);
    expect(asked).toHaveLength(3);
    expect(minted).toHaveLength(3);
    const { lease } = JSON.parse(stdout) as { lease: { tokenId: string } };
    expect(minted.filter(({ live }) => live).map(({ id }) => id)).toEqual([lease.tokenId]);
  });

  test('is given up after the third answer that was lost, with one token, which ends by itself', async () => {
    const { code, stdout, asked, minted } = await leaseThrough(3);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(asked).toHaveLength(3);
    expect(minted.filter(({ live }) => live)).toHaveLength(1);
  });
});

describe('a proxy', () => {
  test.each(['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY'])('named by %s is what requests go through', async (name) => {
    const { url, asked } = await openProxy();
    expect(await canI(byName({ [name]: url }))).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
    expect(asked).toEqual([`${NAME}:443`]);
  });

  test('is left aside for what NO_PROXY lists', async () => {
    const { url, asked } = await openProxy();
    expect(await canI(byName({ HTTPS_PROXY: url, NO_PROXY: NAME }))).toMatchObject({ code: 1 });
    expect(asked).toEqual([]);
  });

  test('that is not there is what the error is about', async () => {
    expect(await canI(byName({ HTTPS_PROXY: 'http://127.0.0.1:1' }))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('hublease could not be reached'),
    });
  });
});

describe('a proxy for every address', () => {
  /** Every way to name a proxy to Node, and keys without a file, so that no Unix socket is found. */
  function everything(url: string): Record<string, string | undefined> {
    const { accessKeyId, secretAccessKey } = terminal.edition.profiles['hublease-ci'];
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'];
    return {
      ...Object.fromEntries(names.map((name) => [name, url])),
      NODE_USE_ENV_PROXY: '1',
      AWS_SHARED_CREDENTIALS_FILE: undefined,
      AWS_PROFILE: undefined,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
  }

  test('is not asked by the command line for this machine', async () => {
    const { url, asked } = await openProxy();
    expect(await canI(everything(url))).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
    expect(asked).toEqual([]);
  });

  test('is not asked by the credential helper for this machine', async () => {
    const { url, asked } = await openProxy();
    const env = { ...everything(url), HUBLEASE_SECRET: 'ci/release' };
    const { code, stdout } = await terminal.start(bundle.helper, ['get'], { env, stdin: 'docker.io' }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('"Username":"acme-bot"') });
    expect(asked).toEqual([]);
  });

  test('is not asked by the doctor for this machine, and it speaks of none', async () => {
    const { url, asked } = await openProxy();
    const { stdout } = await terminal.start(bundle.hublease, ['doctor'], { env: everything(url) }).ended;
    expect(stdout).toMatch(/^ok +network +the endpoint answers$/m);
    expect(asked).toEqual([]);
  });

  test.each(['localhost', 'any.localhost', '127.8.9.10', '[::1]', '[::ffff:127.0.0.1]'])(
    'is not asked for %s, which is this machine too',
    async (host) => {
      const { url, asked } = await openProxy();
      const HUBLEASE_ENDPOINT = `http://${host}:${terminal.edition.port}/v1`;
      // The edition answers to its own address alone; some of these it does not listen on.
      expect(await canI({ ...everything(url), HUBLEASE_ENDPOINT })).toMatchObject({ stdout: '' });
      expect(asked).toEqual([]);
    },
  );

  test('is not asked by the AWS SDK for an endpoint of AWS on this machine', async () => {
    const { url, asked } = await openProxy();
    const tokenFile = join(terminal.home, 'web-identity');
    writeFileSync(tokenFile, 'a.b.c');
    const env = {
      ...everything(url),
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/ci',
      AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_STS: `https://127.0.0.1:${relay.port}`,
      NODE_EXTRA_CA_CERTS: relay.certificate,
    };
    // What answers there is no STS.
    expect(await canI(env)).toMatchObject({ code: 4 });
    expect(asked).toEqual([]);
  });

  test('is asked for every other one', async () => {
    const { url, asked } = await openProxy();
    expect(await canI({ ...everything(url), ...byName({}) })).toMatchObject({ code: 0 });
    expect(asked).toEqual([`${NAME}:443`]);
  });
});

describe('an endpoint by the name localhost', () => {
  test('is told by the edition which address to use', async () => {
    const HUBLEASE_ENDPOINT = `http://localhost:${terminal.edition.port}/v1`;
    const { code, stderr } = await canI({ HUBLEASE_ENDPOINT });
    expect(code).toBe(5);
    expect(stderr).toContain(`Use http://127.0.0.1:${terminal.edition.port}/v1 as the endpoint.`);
    expect(stderr).toContain('Set HUBLEASE_ENDPOINT to that URL.');
  });
});

describe('a certificate of a private authority', () => {
  test('is trusted when NODE_EXTRA_CA_CERTS names it, through a proxy too', async () => {
    const env = { HUBLEASE_ENDPOINT: `https://127.0.0.1:${relay.port}/v1`, NODE_EXTRA_CA_CERTS: relay.certificate };
    expect(await canI(env)).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
    const { url, asked } = await openProxy();
    expect(await canI(byName({ HTTPS_PROXY: url }))).toEqual({ code: 0, stdout: 'yes\n', stderr: '' });
    expect(asked).toEqual([`${NAME}:443`]);
  });

  test('is refused otherwise, and the doctor says what to set', async () => {
    const env = { HUBLEASE_ENDPOINT: `https://127.0.0.1:${relay.port}/v1` };
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
