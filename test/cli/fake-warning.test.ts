import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Context } from '../../cli/context.ts';
import { askForFake } from '../../cli/fake-warning.ts';
import { type Spawned, spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { START_LIMIT_MS, tempFolder } from '../local/harness.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** Its edition was started with `--hub`. That this Docker Hub is a fake too, the edition cannot know. */
let terminal: Terminal;
/** As `npm start` runs it, with the bundled fake. */
let bundled: Spawned;
const folder = tempFolder();

beforeAll(async () => {
  [terminal, bundled] = await Promise.all([
    openTerminal(),
    spawnEmbedded(['--port', '0', '--data', join(folder.path, 'data')]),
  ]);
}, START_LIMIT_MS);
afterAll(async () => {
  await Promise.all([terminal.close(), bundled.end('SIGTERM')]);
  folder.close();
});

/** The environment of a user of the bundled fake, with a home of their own. */
function bundledEnv() {
  const home = tempFolder();
  onTestFinished(() => home.close());
  return {
    HOME: home.path,
    HUBLEASE_ENDPOINT: bundled.endpoint,
    AWS_SHARED_CREDENTIALS_FILE: bundled.credentialsFile,
  };
}

const warningOf = (what: string) =>
  `warning: this hublease uses its bundled fake Docker Hub, so docker.io will refuse ${what}\n`;

describe('before the bundled fake Docker Hub', () => {
  test('login warns, once the token stands in the configuration', async () => {
    const env = bundledEnv();
    const { code, stdout, stderr } = await terminal.type('login demo/pull', { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr.endsWith(warningOf('this token'))).toBe(true);
    expect(readFileSync(join(env.HOME, '.docker', 'config.json'), 'utf8')).toContain('"auth"');
  });

  test('exec warns once, before its command runs, and leaves standard output to it', async () => {
    const { code, stdout, stderr } = await terminal.type(['exec', 'demo/pull', '--', process.execPath, '-e', ''], {
      env: bundledEnv(),
    });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: warningOf('this token') });
  });

  test.each(['docker', 'podman'])('setup %s warns, though it takes no token yet', async (client) => {
    const { code, stderr } = await terminal.type(`setup ${client} --secret demo/pull`, { env: bundledEnv() });
    expect(code).toBe(0);
    expect(stderr.endsWith(warningOf('its tokens'))).toBe(true);
    const { stderr: undone } = await terminal.type(`setup ${client} --undo`, { env: bundledEnv() });
    expect(undone).not.toContain('warning');
  });
});

describe('before any other Docker Hub', () => {
  test.each([
    ['login ci/release'],
    [`exec ci/release -- ${process.execPath} -e 0`],
    ['setup docker --secret ci/release'],
    ['setup podman --secret ci/release'],
  ])('%s does not warn', async (command) => {
    const home = tempFolder();
    onTestFinished(() => home.close());
    const { code, stderr } = await terminal.type(command, { env: { HOME: home.path } });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/warning|fake/);
  });
});

describe('setup', () => {
  test.each([
    ['answers nobody', 'http://127.0.0.1:1/v1', {}],
    ['does not know its keys', undefined, { AWS_PROFILE: 'nobody' }],
  ])('is as good as ever where hublease %s', async (_, endpoint, other) => {
    const env = { ...bundledEnv(), ...(endpoint && { HUBLEASE_ENDPOINT: endpoint }), ...other };
    const { code, stderr } = await terminal.type('setup docker --secret demo/pull', { env });
    expect(code).toBe(0);
    expect(stderr.trimEnd().split('\n')).toHaveLength(3);
    expect(JSON.parse(readFileSync(join(env.HOME, '.docker', 'config.json'), 'utf8'))).toHaveProperty('credHelpers');
  });

  test('does not wait for a hublease that does not answer', async () => {
    const silent = async () => new Promise<never>(() => {});
    expect(await askForFake({ api: silent }, { endpoint: bundled.endpoint }, 1)).toBeUndefined();
  });

  test('asks only a hublease on this machine: no other one can have the bundled fake', async () => {
    const asked: string[] = [];
    const api: Context['api'] = async (flags) => {
      asked.push(flags?.endpoint ?? '');
      throw new Error('there is no answer here');
    };
    const here = ['http://127.0.0.1:8787/v1', 'http://localhost:8787/v1', 'http://[::1]:8787/v1'];
    for (const endpoint of ['https://hublease.example.com/v1', ...here]) await askForFake({ api }, { endpoint });
    expect(asked).toEqual(here);
  });
});
