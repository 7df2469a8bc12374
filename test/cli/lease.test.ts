import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { OPERATIONS } from '../../functions/wire/operations.ts';
import { leased, mayPull } from '../local/harness.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
});
afterEach(() => terminal.type('revoke --mine'));
afterAll(() => terminal.close());

/** The newest token that the fake knows for a lease. */
function newest() {
  const token = leased(terminal.edition.hub).at(-1);
  if (token === undefined) throw new Error('nothing was leased');
  return token;
}

const TABLE =
  /^lease {5}([0-9A-Z]{26})\nsecret {4}ci\/release\nusername {2}acme-bot\npassword {2}(.+)\nexpires {3}\S+Z \(in 1[45] minutes\)\n$/;

describe('hublease lease', () => {
  test('prints a table with the token where a program reads it', async () => {
    const { code, stdout, stderr } = await terminal.type('lease ci/release');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, , password = ''] = TABLE.exec(stdout) ?? [];
    expect(password).toMatch(/^dckr_pat_[\w-]{20,}$/);
    expect(await mayPull(terminal.edition.hub, 'acme-bot', password)).toBe(true);
  });

  test('masks the token on a terminal', async () => {
    const { stdout } = await terminal.type('lease ci/release', { terminal: true });
    expect(TABLE.exec(stdout)?.[2]).toBe('dckr_pat_••••••••  (--reveal shows it)');
  });

  test('shows it there with --reveal', async () => {
    const { stdout } = await terminal.type('lease ci/release --reveal', { terminal: true });
    expect(TABLE.exec(stdout)?.[2]).toMatch(/^dckr_pat_[\w-]{20,}$/);
  });

  test.each([{}, { NO_COLOR: '1' }])('writes no colours, with %j', async (env) => {
    const { stdout, stderr } = await terminal.type('lease ci/release', { terminal: true, env });
    expect(stdout + stderr).not.toContain('\u001b');
  });

  test('-o json is the answer of the API, field by field', async () => {
    const { code, stdout, stderr } = await terminal.type('lease ci/release -o json', { terminal: true });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(OPERATIONS.mintLease.answers[201].schema.safeParse(JSON.parse(stdout)).error).toBeUndefined();
  });

  test("-o env is read by a shell's eval", async () => {
    const { stdout } = await terminal.type('lease ci/release -o env');
    const script = `${stdout}printf '%s %s %s' "$DOCKERHUB_USERNAME" "$DOCKERHUB_TOKEN" "$HUBLEASE_LEASE_ID"`;
    const [username, password = '', id = ''] = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split(' ');
    expect(username).toBe('acme-bot');
    expect(await mayPull(terminal.edition.hub, 'acme-bot', password)).toBe(true);
    expect(newest().label).toContain(id);
  });

  test('-o dockerconfigjson is a configuration with the token for Docker Hub alone', async () => {
    const { stdout } = await terminal.type('lease ci/release -o dockerconfigjson');
    const Config = z.strictObject({
      auths: z.strictObject({
        'https://index.docker.io/v1/': z.strictObject({
          username: z.literal('acme-bot'),
          password: z.string().startsWith('dckr_pat_'),
          auth: z.base64(),
        }),
      }),
    });
    const { username, password, auth } = Config.parse(JSON.parse(stdout)).auths['https://index.docker.io/v1/'];
    expect(Buffer.from(auth, 'base64').toString()).toBe(`${username}:${password}`);
  });

  test('--field prints one field bare, on a terminal too', async () => {
    const { stdout } = await terminal.type('lease ci/release --field credential.password', { terminal: true });
    expect(stdout).toMatch(/^dckr_pat_[\w-]{20,}\n$/);
  });

  test('an unknown --field says so', async () => {
    expect(await terminal.type('lease ci/release --field credential.token')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('the answer has no field "credential.token"'),
    });
  });

  test('asks for what the flags say', async () => {
    const flags = ['--ttl', '2m', '--scope', 'repo:read', '--label', 'nightly', '--reason', 'to see what is there'];
    const { stdout } = await terminal.type(['lease', 'ci/release', ...flags, '-o', 'json']);
    expect(JSON.parse(stdout).lease).toMatchObject({
      ttlSeconds: 120,
      scope: 'repo:read',
      label: 'nightly',
      reason: 'to see what is there',
    });
  });

  test('takes scopes with commas, and a TTL of bare seconds', async () => {
    const { stdout } = await terminal.type('lease ci/release --ttl 90 --scope repo:read,repo:write -o json');
    expect(JSON.parse(stdout).lease).toMatchObject({ ttlSeconds: 90, scope: 'repo:write' });
  });

  test('a TTL over the maximum is told together with the way to outlive it', async () => {
    const { code, stderr } = await terminal.type('lease ci/release --ttl 5h');
    expect(code).toBe(1);
    expect(stderr).toContain('You asked for 18000 s. This dynamic secret allows at most 3600 s.');
    expect(stderr).toContain('hublease exec --renew');
  });

  test('a sealed token is printed sealed, and never as a login', async () => {
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    };
    const limits = { scope: 'repo:read', defaultTtl: '5m', maxTtl: '5m', allow: ['arn:aws:iam::111122223333:role/ci'] };
    await terminal.edition.admin.call('putSecret', {
      name: 'ci/sealed',
      body: { target: 'acme-bot', ...limits, protectionKey: { jwk } },
    });
    const { stdout } = await terminal.type('lease ci/sealed -o json');
    expect(JSON.parse(stdout).credential).toEqual({
      registry: 'docker.io',
      username: 'acme-bot',
      sealed: expect.any(String),
    });
    expect(await terminal.type('lease ci/sealed -o env')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('the tokens of "ci/sealed" are sealed for the owner of its protection key'),
    });
  });
});

describe('settings', () => {
  const settingsFile = () => join(terminal.home, '.config', 'hublease', 'config.yaml');
  const write = (text: string) => {
    mkdirSync(join(terminal.home, '.config', 'hublease'), { recursive: true });
    writeFileSync(settingsFile(), text);
  };
  afterEach(() => rmSync(settingsFile(), { force: true }));
  const ttl = async (command: string, env: Record<string, string | undefined> = {}) =>
    JSON.parse((await terminal.type(`${command} -o json`, { env })).stdout).lease.ttlSeconds;

  test('flags go before the environment, that before the file, that before the secret', async () => {
    expect(await ttl('lease ci/release')).toBe(900);
    write('ttl: 300\n');
    expect(await ttl('lease ci/release')).toBe(300);
    expect(await ttl('lease ci/release', { HUBLEASE_TTL: '4m' })).toBe(240);
    expect(await ttl('lease ci/release --ttl 2m', { HUBLEASE_TTL: '4m' })).toBe(120);
  });

  test('the secret comes from the environment or the file as well', async () => {
    expect(await ttl('lease', { HUBLEASE_SECRET: 'ci/release' })).toBe(900);
    write('# where we build\nsecret: ci/release\n');
    expect(await ttl('lease')).toBe(900);
  });

  test('the endpoint comes from a flag, before the command or behind it, or from the file', async () => {
    const { endpoint } = terminal.edition;
    const env = { HUBLEASE_ENDPOINT: undefined };
    expect(await terminal.type(`--endpoint ${endpoint} can-i ci/release`, { env })).toMatchObject({ code: 0 });
    expect(await terminal.type(`can-i ci/release --endpoint ${endpoint}/`, { env })).toMatchObject({ code: 0 });
    write(JSON.stringify({ endpoint }));
    expect(await terminal.type('can-i ci/release', { env })).toMatchObject({ code: 0 });
  });

  test('HUBLEASE_CONFIG names another file, which must be there', async () => {
    const HUBLEASE_CONFIG = join(terminal.home, 'elsewhere.yaml');
    const { code, stderr } = await terminal.type('whoami', { env: { HUBLEASE_CONFIG } });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: `hublease: not configured: cannot read ${HUBLEASE_CONFIG}\n  Check HUBLEASE_CONFIG.\n`,
    });
    writeFileSync(HUBLEASE_CONFIG, 'secret: ci/release\n');
    expect(await ttl('lease', { HUBLEASE_CONFIG })).toBe(900);
  });

  test.each([
    ['a setting that there is not', 'sceret: ci/release\n', 'has an unknown or malformed setting "sceret"'],
    ['a list', '- ci/release\n', 'is not a list of settings'],
    ['no YAML', 'secret: [\n', 'is neither YAML nor JSON'],
  ])('a file with %s is refused', async (_, text, problem) => {
    write(text);
    const { code, stderr } = await terminal.type('whoami');
    expect(code).toBe(3);
    expect(stderr).toContain(`${settingsFile()} ${problem}`);
  });
});
