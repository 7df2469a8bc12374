import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
});
afterAll(() => terminal.close());

const DOCKER = 'https://index.docker.io/v1/';
const bin = () => join(terminal.home, 'bin');

beforeEach(() => {
  for (const name of ['.docker', '.config', 'bin']) rmSync(join(terminal.home, name), { recursive: true, force: true });
  mkdirSync(bin());
  writeFileSync(join(bin(), 'docker-credential-hublease'), '');
  chmodSync(join(bin(), 'docker-credential-hublease'), 0o755);
  writeConfig('.docker/config.json', { credHelpers: { [DOCKER]: 'hublease', 'docker.io': 'hublease' } });
});

function writeConfig(path: string, content: object): void {
  mkdirSync(join(terminal.home, path, '..'), { recursive: true });
  writeFileSync(join(terminal.home, path), JSON.stringify(content));
}

function doctor(env: Record<string, string | undefined> = {}, flags = '', nowMs = Date.now) {
  const all = { HUBLEASE_SECRET: 'ci/release', PATH: bin(), ...env };
  return terminal.type(`doctor ${flags}`, { env: all, nowMs });
}

/** An HTTP server for the length of a test. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('hublease doctor', () => {
  test('finds nothing where all is well', async () => {
    const { code, stdout, stderr } = await doctor();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^ok +configuration http.*\nok +region +us-east-1\nok +network .*\nok +clock .*\nok +credentials +access key ….{4} of profile hublease-ci\nok +access +arn:aws:iam::111122223333:role\/ci\nok +secret +may lease from ci\/release\nok +docker .*\nok +helper .*\n$/,
    );
  });

  test('-o json is a list of findings', async () => {
    const Findings = z.array(
      z.strictObject({
        check: z.string(),
        state: z.enum(['ok', 'warning', 'failed']),
        detail: z.string(),
        next: z.string().optional(),
      }),
    );
    const { stdout } = await doctor({ HUBLEASE_SECRET: undefined }, '-o json');
    expect(Findings.safeParse(JSON.parse(stdout)).error).toBeUndefined();
  });

  test.each([
    [
      'no endpoint',
      { HUBLEASE_ENDPOINT: undefined },
      3,
      /^FAILED +configuration not configured: no hublease endpoint\n +Set/m,
    ],
    [
      'an endpoint that nobody answers at',
      { HUBLEASE_ENDPOINT: 'http://127.0.0.1:1/v1' },
      1,
      /^FAILED +network .*cannot be reached/m,
    ],
    [
      'a wrong region',
      { HUBLEASE_REGION: 'eu-west-1' },
      5,
      /^FAILED +access +denied: .*\n +Check region, clock and keys/m,
    ],
    ['no AWS credentials', { AWS_PROFILE: 'nobody' }, 4, /^FAILED +credentials .*\n +Set AWS_PROFILE/m],
    [
      'an allow list without us',
      { AWS_PROFILE: 'hublease-other' },
      5,
      /^FAILED +secret +"ci\/release" does not list arn:aws:iam::444455556666:role\/other/m,
    ],
    [
      'a helper that is not on the path',
      { PATH: '/nowhere' },
      3,
      /^FAILED +helper +docker-credential-hublease is not on PATH\n +Install/m,
    ],
    [
      'a variable that goes before all',
      { DOCKER_AUTH_CONFIG: '{}' },
      0,
      /^warning +environment +DOCKER_AUTH_CONFIG is set/m,
    ],
    ['no secret', { HUBLEASE_SECRET: undefined }, 0, /^warning +secret +no secret is set/m],
  ])('finds %s', async (_, env, code, line) => {
    const session = await doctor(env);
    expect(session.stdout).toMatch(line);
    expect(session.code).toBe(code);
  });

  test('finds a region that the endpoint’s own address contradicts, before it is asked', async () => {
    const env = {
      HUBLEASE_ENDPOINT: 'https://abc.execute-api.eu-west-1.amazonaws.com/v1',
      HUBLEASE_REGION: 'us-east-1',
    };
    // Nothing is to leave the machine.
    const proxy = { HTTPS_PROXY: 'http://127.0.0.1:1' };
    const { stdout } = await doctor({ ...env, ...proxy });
    expect(stdout).toMatch(/^FAILED +region +requests are signed for us-east-1, but the endpoint is in eu-west-1\n/m);
    expect(stdout).toMatch(/^FAILED +network .*\(a proxy is set in the environment\)/m);
  });

  test('finds something else at the address', async () => {
    const origin = await serve((_, res) => res.end('<html>'));
    const { code, stdout } = await doctor({ HUBLEASE_ENDPOINT: `${origin}/v1` });
    expect(stdout).toMatch(/^FAILED +access +status 200 from something that is not hublease$/m);
    expect(code).toBe(1);
  });

  test.each([
    [400_000, 'FAILED', 'ahead of'],
    [-400_000, 'FAILED', 'behind'],
    [120_000, 'warning', 'ahead of'],
  ])('finds a clock that is %i ms off', async (offMs, mark, where) => {
    const { stdout } = await doctor({}, '', () => Date.now() + offMs);
    expect(stdout).toMatch(
      new RegExp(`^${mark} +clock +this machine's clock is \\d+ s ${where} the endpoint's\\n +Set the clock`, 'm'),
    );
  });

  test.each([
    [
      'one key of the two',
      { credHelpers: { 'docker.io': 'hublease' } },
      3,
      `FAILED   docker        credHelpers lacks "${DOCKER}"`,
    ],
    [
      'a credential store in the way',
      { credHelpers: { 'docker.io': 'hublease' }, credsStore: 'desktop' },
      3,
      'credsStore "desktop" answers for it',
    ],
    ['no helper at all', { credsStore: 'desktop' }, 0, 'credsStore "desktop" answers for Docker Hub'],
    [
      'a login of old',
      { credHelpers: { [DOCKER]: 'hublease', 'docker.io': 'hublease' }, auths: { [DOCKER]: { auth: 'YW5uOng=' } } },
      0,
      `an old login for "${DOCKER}"`,
    ],
  ])('finds in docker’s configuration %s', async (_, config, code, text) => {
    writeConfig('.docker/config.json', config);
    const session = await doctor();
    expect(session.stdout).toContain(text);
    expect(session.code).toBe(code);
    expect(session.stdout).not.toContain('YW5uOng=');
  });

  test('finds a login of old that podman would prefer', async () => {
    writeConfig('.config/containers/auth.json', { auths: { 'docker.io/acme': { auth: 'YW5uOng=' } } });
    expect((await doctor()).stdout).toMatch(/^warning +podman +an old login for "docker.io\/acme"/m);
  });

  test('finds a configuration that is none', async () => {
    writeFileSync(join(terminal.home, '.docker', 'config.json'), '{');
    expect((await doctor()).stdout).toMatch(/^FAILED +docker +.* is not a JSON object\n +Fix or delete it\.$/m);
  });
});

describe('hublease doctor --pull', () => {
  /** A registry that gives manifests of one image to whoever comes with a bearer of the fake Docker Hub. */
  async function registry(): Promise<string> {
    return serve((req, res) => {
      const claims = /^Bearer [\w-]+\.([\w-]+)\./.exec(req.headers.authorization ?? '')?.[1] ?? '';
      const { access = [] } = claims === '' ? {} : JSON.parse(Buffer.from(claims, 'base64url').toString());
      const mayPull = access[0]?.actions.includes('pull') === true;
      res.statusCode = mayPull ? (req.url === '/v2/acme-bot/app/manifests/1.2' ? 200 : 404) : 401;
      res.end('{}');
    });
  }

  async function pull(image: string) {
    const origins = `--auth-origin ${terminal.edition.hub.url} --registry-origin ${await registry()}`;
    return doctor({}, `--pull ${image} ${origins}`);
  }

  test.each(['acme-bot/app:1.2', 'docker.io/acme-bot/app:1.2'])('proves a pull of %s', async (image) => {
    const { code, stdout } = await pull(image);
    expect(stdout).toMatch(
      /^ok +pull +http\S+ accepts the token of acme-bot\nok +pull +acme-bot\/app:1\.2 can be pulled$/m,
    );
    expect(code).toBe(0);
  });

  test('revokes what it leased for that', async () => {
    await pull('acme-bot/app:1.2');
    const { stdout } = await terminal.type('leases -o json');
    const [lease] = JSON.parse(stdout);
    expect(lease).toMatchObject({ label: 'hublease doctor', status: 'revoked' });
  });

  test('says when there is no such tag', async () => {
    const { code, stdout } = await pull('acme-bot/app');
    expect(stdout).toMatch(/^FAILED +pull +acme-bot\/app:latest: 404 from .*\n +The image or tag does not exist\.$/m);
    expect(code).toBe(8);
  });

  test('says when nobody exchanges the token', async () => {
    const { code, stdout } = await doctor({}, '--pull acme-bot/app --auth-origin http://127.0.0.1:1');
    expect(stdout).toMatch(/^FAILED +pull +http:\/\/127\.0\.0\.1:1 did not exchange the token: no answer$/m);
    expect(code).toBe(8);
  });

  test('says when nothing could be leased', async () => {
    const { stdout } = await doctor({ HUBLEASE_SECRET: 'ci/nothing' }, '--pull acme-bot/app');
    expect(stdout).toMatch(/^FAILED +pull +not found: There is no dynamic secret "ci\/nothing"/m);
  });

  test('an origin that is no address is a mistake', async () => {
    expect(await doctor({}, '--pull acme-bot/app --auth-origin auth')).toMatchObject({ code: 2, stdout: '' });
  });
});
