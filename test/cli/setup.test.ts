import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mayPull } from '../local/harness.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
});
afterAll(() => terminal.close());
beforeEach(() => {
  for (const name of readdirSync(terminal.home)) rmSync(join(terminal.home, name), { recursive: true });
});

const KEYS = ['https://index.docker.io/v1/', 'docker.io'];
const OURS = Object.fromEntries(KEYS.map((key) => [key, 'hublease']));

const dockerFile = () => join(terminal.home, '.docker', 'config.json');
const podmanFile = () => join(terminal.home, '.config', 'containers', 'auth.json');
const read = (file: string) => readFileSync(file, 'utf8');
const json = (file: string) => JSON.parse(read(file));

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Configurations as people have them, each with something that a rewrite would lose. */
const FILES: readonly (readonly [what: string, text: string])[] = [
  [
    'as docker writes it, with tabs',
    '{\n\t"auths": {\n\t\t"ghcr.io": {\n\t\t\t"auth": "Z2hjcg=="\n\t\t}\n\t},\n\t"currentContext": "remote"\n}',
  ],
  [
    'with two spaces and a last newline',
    '{\n  "credsStore": "desktop",\n  "credHelpers": {\n    "public.ecr.aws": "ecr-login"\n  }\n}\n',
  ],
  ['on one line', '{"auths":{"ghcr.io":{"auth":"Z2hjcg=="}},"HttpHeaders":{"X-Meta":"yes"}}'],
  ['with odd spacing and a key twice', '{ "a" : 1,\n\n   "a":2 , "credHelpers":{}   }\n\n'],
  ['with line ends of Windows', '{\r\n  "detachKeys": "ctrl-e,e",\r\n  "auths": {}\r\n}\r\n'],
  ['with letters of all kinds', '{\n  "proxies": { "default": { "noProxy": "\\u00fc, ü, 日本" } }\n}\n'],
  ['empty', ''],
  ['an empty object', '{}'],
];

/** Whether a text still has all of another one, in its order and spacing, and only has more between. */
function kept(text: string, former: string): boolean {
  let at = 0;
  return [...former].every((letter) => {
    at = text.indexOf(letter, at) + 1;
    return at > 0;
  });
}

describe.each([
  ['docker', dockerFile],
  ['podman', podmanFile],
] as const)('hublease setup %s', (client, fileOf) => {
  const setup = `setup ${client} --secret ci/release`;

  test('makes a configuration that asks hublease under both keys, and says so', async () => {
    const { code, stdout, stderr } = await terminal.type(setup);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain(`${client} now asks hublease for Docker Hub tokens: ${fileOf()}`);
    expect(json(fileOf())).toEqual({ credHelpers: OURS });
    expect(statSync(fileOf()).mode & 0o777).toBe(0o600);
  });

  test('takes a configuration that it made away again', async () => {
    await terminal.type(setup);
    expect(await terminal.type(`setup ${client} --undo`)).toMatchObject({
      code: 0,
      stderr: `${client} no longer asks hublease: ${fileOf()}\n`,
    });
    expect(existsSync(fileOf())).toBe(false);
  });

  test.each(FILES)('keeps a file %s, and gives it back byte for byte', async (_, text) => {
    write(fileOf(), text);
    const before = text === '' ? {} : JSON.parse(text);
    await terminal.type(setup);
    expect(kept(read(fileOf()), text)).toBe(true);
    expect(json(fileOf())).toEqual({ ...before, credHelpers: { ...before.credHelpers, ...OURS } });
    await terminal.type(`setup ${client} --undo`);
    expect(read(fileOf())).toBe(text);
  });

  test('of a file that was changed since, only our entries go', async () => {
    write(fileOf(), '{\n  "auths": {}\n}\n');
    await terminal.type(setup);
    write(fileOf(), read(fileOf()).replace('"auths": {}', '"auths": { "quay.io": { "auth": "cXVheQ==" } }'));
    await terminal.type(`setup ${client} --undo`);
    expect(json(fileOf())).toEqual({ auths: { 'quay.io': { auth: 'cXVheQ==' } } });
  });

  test('a helper of somebody else’s is put back, whether the file was changed since or not', async () => {
    const before = { credHelpers: { 'docker.io': 'pass', 'quay.io': 'pass' } };
    for (const changed of [false, true]) {
      write(fileOf(), JSON.stringify(before));
      await terminal.type(setup);
      expect(json(fileOf()).credHelpers).toEqual({ ...OURS, 'quay.io': 'pass' });
      if (changed) write(fileOf(), `${read(fileOf())}\n`);
      await terminal.type(`setup ${client} --undo`);
      expect(json(fileOf())).toEqual(before);
    }
  });

  test('may be repeated, and is still undone byte for byte', async () => {
    const text = '{ "auths": {} }';
    write(fileOf(), text);
    await terminal.type(setup);
    const after = read(fileOf());
    expect(await terminal.type(setup)).toMatchObject({ code: 0 });
    expect(read(fileOf())).toBe(after);
    await terminal.type(`setup ${client} --undo`);
    expect(read(fileOf())).toBe(text);
  });

  test('mends a configuration that lost one key', async () => {
    await terminal.type(setup);
    write(fileOf(), JSON.stringify({ credHelpers: { 'docker.io': 'hublease' } }));
    await terminal.type(setup);
    expect(json(fileOf())).toEqual({ credHelpers: OURS });
    await terminal.type(`setup ${client} --undo`);
    expect(json(fileOf())).toEqual({});
  });

  test('undo where there is nothing says so', async () => {
    expect(await terminal.type(`setup ${client} --undo`)).toEqual({
      code: 0,
      stdout: '',
      stderr: `nothing to undo in ${fileOf()}\n`,
    });
    expect(existsSync(fileOf())).toBe(false);
  });

  test.each(['[]', 'not json', '{"auths": ', '"text"'])('a file of %j is left alone', async (text) => {
    write(fileOf(), text);
    const { code, stderr } = await terminal.type(setup);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('is not a JSON object') });
    expect(read(fileOf())).toBe(text);
  });

  test('keeps the mode of the file, and a link to it a link', async () => {
    const real = join(terminal.home, 'dotfiles', 'config');
    write(real, '{}');
    chmodSync(real, 0o640);
    mkdirSync(dirname(fileOf()), { recursive: true });
    symlinkSync(real, fileOf());
    await terminal.type(setup);
    expect(lstatSync(fileOf()).isSymbolicLink()).toBe(true);
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect(json(real)).toEqual({ credHelpers: OURS });
  });
});

describe('what setup remembers', () => {
  const settingsFile = () => join(terminal.home, '.config', 'hublease', 'config.yaml');

  test('is where and what to lease, in the settings file, with all that was in it', async () => {
    write(settingsFile(), '# ours\nttl: 5m # short\n');
    const { stderr } = await terminal.type('setup docker --secret ci/release');
    expect(stderr).toContain(settingsFile());
    expect(read(settingsFile())).toBe(
      `# ours\nttl: 5m # short\nendpoint: ${terminal.edition.endpoint}\nsecret: ci/release\n`,
    );
    const env = { HUBLEASE_ENDPOINT: undefined };
    expect((await terminal.type('lease --field lease.ttlSeconds', { env })).stdout).toBe('300\n');
  });

  test('takes the endpoint from its flag', async () => {
    const endpoint = 'https://hublease.example/v1';
    await terminal.type(`setup docker --secret ci/release --endpoint ${endpoint}`);
    expect(read(settingsFile())).toContain(`endpoint: ${endpoint}\n`);
  });

  test.each([
    ['without a secret', 'setup docker', {}, 2, 'no secret given'],
    ['without an endpoint', 'setup docker --secret ci/x', { HUBLEASE_ENDPOINT: undefined }, 3, 'no hublease endpoint'],
  ])('%s nothing is changed', async (_, command, env, code, problem) => {
    expect(await terminal.type(command, { env })).toMatchObject({ code, stderr: expect.stringContaining(problem) });
    expect(readdirSync(terminal.home)).toEqual([]);
  });

  test('holds nothing of the configuration but what it replaced', async () => {
    write(dockerFile(), '{"auths":{"ghcr.io":{"auth":"c2VjcmV0"}},"credHelpers":{"quay.io":"pass"}}');
    await terminal.type('setup docker --secret ci/release');
    const state = join(terminal.home, '.local', 'state', 'hublease');
    for (const name of readdirSync(state)) expect(read(join(state, name))).not.toContain('c2VjcmV0');
  });
});

describe('hublease login and logout', () => {
  const loginOf = (key = KEYS[0] as string) =>
    Buffer.from(json(dockerFile()).auths[key].auth, 'base64').toString().split(':') as [string, string];

  test('log docker in with a token that logout revokes', async () => {
    const { code, stdout, stderr } = await terminal.type('login ci/release --ttl 10m --reason testing');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^docker is logged in as acme-bot until \S+Z \(in (?:9|10) minutes\): /);
    const [username, password] = loginOf();
    expect(loginOf('docker.io')).toEqual([username, password]);
    expect(await mayPull(terminal.edition.hub, username, password)).toBe(true);
    expect(statSync(dockerFile()).mode & 0o777).toBe(0o600);
    expect(await terminal.type('logout')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^lease \S+ is revoked\n$/),
    });
    expect(await mayPull(terminal.edition.hub, username, password)).toBe(false);
    expect(existsSync(dockerFile())).toBe(false);
  });

  test.each(FILES)('keep a file %s, and give it back byte for byte', async (_, text) => {
    write(dockerFile(), text);
    await terminal.type('login ci/release');
    const before = text === '' ? {} : JSON.parse(text);
    expect(json(dockerFile())).toMatchObject({ ...before, auths: before.auths ?? {} });
    await terminal.type('logout');
    expect(read(dockerFile())).toBe(text);
  });

  test.each([0o644, 0o664, 0o600, 0o400])(
    'close a file of mode %o to others, for it holds a token now',
    async (mode) => {
      write(dockerFile(), '{}');
      chmodSync(dockerFile(), mode);
      await terminal.type('login ci/release');
      expect(statSync(dockerFile()).mode & 0o777).toBe(mode & 0o700);
      await terminal.type('logout');
      expect(statSync(dockerFile()).mode & 0o777).toBe(mode & 0o700);
      expect(read(dockerFile())).toBe('{}');
    },
  );

  // Only root can write as one user into another's folder.
  test.runIf(process.getuid?.() === 0)('leave the file to its owner and group', async () => {
    write(dockerFile(), '{}');
    chmodSync(dockerFile(), 0o640);
    chownSync(dockerFile(), 65_534, 65_533);
    await terminal.type('login ci/release');
    expect(statSync(dockerFile())).toMatchObject({ uid: 65_534, gid: 65_533 });
    expect(statSync(dockerFile()).mode & 0o777).toBe(0o600);
    await terminal.type('logout');
  });

  test('go around a credential store, which would answer in their place', async () => {
    write(dockerFile(), '{"credsStore":"desktop"}');
    await terminal.type('login ci/release');
    expect(json(dockerFile()).credHelpers).toEqual({ [KEYS[0] as string]: '' });
    write(dockerFile(), `${read(dockerFile())}\n`);
    await terminal.type('logout');
    expect(json(dockerFile())).toEqual({ credsStore: 'desktop', auths: {}, credHelpers: {} });
  });

  test('replace a login with a password, and keep no copy of it', async () => {
    write(dockerFile(), JSON.stringify({ auths: { [KEYS[0] as string]: { auth: 'YW5uOnBhc3N3b3Jk' } } }));
    await terminal.type('login ci/release');
    const state = join(terminal.home, '.local', 'state', 'hublease');
    const [, password] = loginOf();
    for (const name of readdirSync(state)) {
      const record = read(join(state, name));
      expect(record).not.toContain('YW5uOnBhc3N3b3Jk');
      expect(record).not.toContain(password);
      expect(record).not.toContain(Buffer.from(`acme-bot:${password}`).toString('base64'));
    }
    await terminal.type('logout');
    expect(json(dockerFile())).toEqual({ auths: {} });
  });

  test('again takes the place of the login before, and revokes it', async () => {
    await terminal.type('login ci/release');
    const [, first] = loginOf();
    await terminal.type('login ci/release');
    const [, second] = loginOf();
    expect(await mayPull(terminal.edition.hub, 'acme-bot', first)).toBe(false);
    expect(await mayPull(terminal.edition.hub, 'acme-bot', second)).toBe(true);
    await terminal.type('logout');
    expect(existsSync(dockerFile())).toBe(false);
  });

  test('leave a login that somebody made since', async () => {
    await terminal.type('login ci/release');
    const auths = { [KEYS[0] as string]: { auth: 'YW5uOnBhc3N3b3Jk' } };
    write(dockerFile(), JSON.stringify({ auths }));
    await terminal.type('logout');
    expect(json(dockerFile())).toEqual({ auths });
  });

  test('are not needed where docker asks hublease already', async () => {
    await terminal.type('setup docker --secret ci/release');
    const { code, stderr } = await terminal.type('login ci/release');
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('already asks hublease for every token'),
    });
  });

  test('logout without a login says so', async () => {
    expect(await terminal.type('logout')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'nothing to log out of: "hublease login" was not used here\n',
    });
  });

  test('a configuration that cannot be written leaves no token behind', async () => {
    write(join(terminal.home, '.docker'), 'a file where the folder should be');
    expect(await terminal.type('login ci/release')).toMatchObject({ code: 1 });
    const { stdout } = await terminal.type('leases --status active --secret ci/release -o json');
    expect(JSON.parse(stdout).map(({ label }: { label?: string }) => label)).not.toContain('hublease login');
  });
});
