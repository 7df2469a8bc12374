import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../functions/wire/version.ts';
import { type Spawned, spawnEmbedded } from '../local/demo/spawn-embedded.ts';
import packageJson from '../package.json' with { type: 'json' };

const ROOT = resolve(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const run = promisify(execFile);

/** Lines of the README's shell blocks. */
const commands = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((block) =>
  (block[1] as string).trim().split('\n'),
);

const setting = commands.find((each) => each.startsWith('export AWS_')) ?? '';

const hasSkopeo = await run('skopeo', ['--version']).then(
  () => true,
  () => false,
);

const hasCurl = await run('curl', ['--version']).then(
  ({ stdout }) => stdout.includes('curl'),
  () => false,
);

describe('the README', () => {
  let folder: string;
  let edition: Spawned;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hublease-readme-'));
    edition = await spawnEmbedded(['--port', '0', '--data', join(folder, '.hublease')]);
  });
  afterAll(async () => {
    await edition?.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a command as it stands there, but for the port and the folder. */
  async function paste(command: string): Promise<string> {
    const here = command
      .replaceAll('http://127.0.0.1:8787/v1', edition.endpoint)
      .replaceAll('.hublease/', `${join(folder, '.hublease')}/`)
      .replaceAll('target.json', join(folder, 'target.json'))
      .replaceAll('secret.json', join(folder, 'secret.json'));
    const env = { ...process.env, HUBLEASE_ENDPOINT: edition.endpoint };
    return (await run('bash', ['-c', here], { cwd: ROOT, env })).stdout;
  }

  it.skipIf(!hasCurl)('has curl commands that work as pasted', async () => {
    const curls = commands.filter((command) => command.startsWith('curl') && !command.includes('@'));
    expect(curls).toHaveLength(5);
    const [minted, short, leases, secrets, refused] = await Promise.all(
      curls.map(async (command) => JSON.parse(await paste(command))),
    );
    expect(minted).toMatchObject({ lease: { status: 'active', ttlSeconds: 900 }, credential: { username: 'demo' } });
    expect(short).toMatchObject({ lease: { ttlSeconds: 5, label: 'try', reason: 'first steps' } });
    expect(leases.items).toBeInstanceOf(Array);
    expect(secrets.items.map(({ name }: { name: string }) => name)).toEqual(['demo/pull', 'demo/push']);
    expect(refused).toMatchObject({ status: 403, code: 'caller_not_allowed' });
  });

  it.skipIf(!hasCurl)('sets up a target and a secret of one’s own as written', async () => {
    const [target, secret] = [...README.matchAll(/into `(\w+\.json)`:\n\n```json\n([\s\S]*?)```/g)];
    for (const [, name, content] of [target, secret] as RegExpMatchArray[]) {
      writeFileSync(join(folder, name as string), content as string);
    }
    for (const command of commands.filter((each) => each.includes('-X PUT'))) {
      expect(JSON.parse(await paste(command))).toMatchObject({ changed: expect.any(Array) });
    }
  });

  it('has a command line that runs as pasted', { timeout: 60_000 }, async () => {
    const shown = commands.filter((each) => each.startsWith('npm run -s hublease --') && !each.includes('|'));
    expect(shown).toHaveLength(3);
    const [who, leased, ran] = [
      await paste(`${setting}; ${shown[0]}`),
      await paste(`${setting}; ${shown[1]}`),
      await paste(`${setting}; ${shown[2]}`),
    ];
    expect(who).toContain('arn:aws:iam::111122223333:role/ci');
    expect(leased).toContain('dckr_pat_');
    expect(ran).toContain('config.json');
  });

  it.skipIf(!hasSkopeo)(
    'pulls an image from the fake with a leased token, as pasted',
    { timeout: 60_000 },
    async () => {
      const [registry = '', login = '', copy = ''] = commands.slice(
        commands.findIndex((each) => each.startsWith('export FAKE_REGISTRY=')),
      );
      const here = registry.replace(/=.*/, `=${new URL(edition.hub).host}`);
      expect(await paste(`${setting}; ${here}; ${login}; ${copy}`)).toContain('Login Succeeded!');
      expect(readdirSync(join(folder, '.hublease', 'hello'))).toContain('manifest.json');
      expect(statSync(join(folder, '.hublease', 'auth.json')).mode & 0o077).toBe(0);
    },
  );

  it('has an example for the AWS SDK that runs', async () => {
    const command = commands.find((each) => each.includes('examples/lease.ts')) as string;
    expect(await paste(command)).toMatch(
      /^leased \w{26} as arn:aws:iam::111122223333:role\/ci, until .*\n.*--username demo .*\nrevoked: deleted\n$/,
    );
  });

  it('starts another Docker Hub than the fake on a data folder of its own, which git ignores too', () => {
    const starts = [...README.matchAll(/npm start -- [^`\n]*--hub [^`\n]*/g)].map(([command]) => command);
    expect(starts).not.toEqual([]);
    expect(readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n')).toContain('.hublease-*/');
    for (const command of starts) {
      const [, data = ''] = /--data (\S+)/.exec(command) ?? [];
      expect(data).toMatch(/^\.hublease-[a-z]+$/);
    }
  });

  it('names scripts that exist', () => {
    const named = [...README.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map((match) => match[1] as string);
    for (const script of named) expect(Object.keys(packageJson.scripts)).toContain(script);
  });

  it('links to files that exist', () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] as string);
    for (const link of links)
      expect(() => readFileSync(join(dirname(join(ROOT, 'README.md')), link))).not.toThrow(/ENOENT/);
  });
});

describe('the version', () => {
  it('is the package’s', () => {
    expect(VERSION).toBe(packageJson.version);
  });
});
