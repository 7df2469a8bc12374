import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hubDispatcher } from '../../functions/adapters/docker-hub/http.ts';
import { readSettings } from '../../scripts/live-check/settings.ts';
import { liveCheck } from '../../scripts/live-check/start.ts';

type Env = Readonly<Record<string, string>>;

const ACCOUNT = { HUBLEASE_LIVE_USERNAME: 'throwaway', HUBLEASE_LIVE_PASSWORD: 'canary-password' };

/** Runs the live check without a Docker Hub; counts the requests that it tries to send. */
async function start(env: Env, args: readonly string[] = []) {
  const dispatcher = hubDispatcher();
  onTestFinished(() => dispatcher.destroy());
  const said: string[] = [];
  let requests = 0;
  const isOwn = env.HUBLEASE_LIVE_HUB?.startsWith('http://127.0.0.1') === true;
  const exitCode = await liveCheck({
    env,
    args,
    dispatcher: dispatcher.compose((dispatch) => (options, handler) => {
      requests++;
      if (!isOwn) throw new Error('a test asks nobody but this machine');
      return dispatch(options, handler);
    }),
    runId: 'k3x9q2ab',
    nowMs: Date.now,
    sleep: async () => {},
    stop: new AbortController().signal,
    quit: new AbortController().signal,
    print: (text) => said.push(text),
    tell: (text) => said.push(text),
    writeFile() {},
  });
  return { exitCode, requests, said: said.join('\n') };
}

function secretsFile(content: string, mode = 0o600): Env {
  const folder = mkdtempSync(join(tmpdir(), 'hublease-live-check-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'account.json');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return { HUBLEASE_LIVE_FILE: path };
}

describe('before anything but the fake, the live check', () => {
  it.each<[string, Env]>([
    ['without a confirmation', {}],
    ['with a confirmation of another account', { HUBLEASE_LIVE_THROWAWAY: 'yes' }],
  ])('sends nothing to Docker Hub %s', async (_, env) => {
    const { exitCode, requests, said } = await start({ ...ACCOUNT, ...env });
    expect({ exitCode, requests }).toEqual({ exitCode: 2, requests: 0 });
    expect(said).toContain('an account that nobody needs');
    expect(said).toContain('set HUBLEASE_LIVE_THROWAWAY to its user name');
    expect(said).not.toContain('canary');
  });

  it('warns and starts when its owner names the account once more', async () => {
    const { exitCode, requests, said } = await start({ ...ACCOUNT, HUBLEASE_LIVE_THROWAWAY: 'Throwaway' });
    expect(exitCode).toBe(3);
    expect(requests).toBeGreaterThan(0);
    expect(said).toContain('WARNING');
  });

  it('logs in nowhere where another server listens on this machine', async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    const hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { exitCode } = await start({ ...ACCOUNT, HUBLEASE_LIVE_HUB: hub });
    expect(exitCode).toBe(2);
    expect(paths).toEqual(['GET /v2/access-tokens']);
  });
});

describe('the settings of the live check', () => {
  it.each<[string, Env, string]>([
    ['no user name', { HUBLEASE_LIVE_PASSWORD: 'canary-password' }, 'set HUBLEASE_LIVE_USERNAME'],
    ['no password', { HUBLEASE_LIVE_USERNAME: 'throwaway' }, 'set HUBLEASE_LIVE_PASSWORD'],
    ['an access token', { ...ACCOUNT, HUBLEASE_LIVE_PASSWORD: 'dckr_pat_canary' }, 'is an access token'],
    ['an origin without TLS', { ...ACCOUNT, HUBLEASE_LIVE_HUB: 'http://hub.example.com' }, 'is an https origin'],
    ['an origin with a path', { ...ACCOUNT, HUBLEASE_LIVE_AUTH: 'https://a.example.com/token' }, 'without a path'],
    ['an origin with a user', { ...ACCOUNT, HUBLEASE_LIVE_HUB: 'https://canary@h.example.com' }, 'is an https origin'],
    ['no number of seconds', { ...ACCOUNT, HUBLEASE_LIVE_SECONDS: 'canary' }, 'from 1 to 3600'],
    ['neither yes nor no', { ...ACCOUNT, HUBLEASE_LIVE_OAT_CAP: 'canary' }, 'is yes or no'],
    ['no such file', { HUBLEASE_LIVE_FILE: '/nonexistent/canary' }, 'cannot be opened'],
    ['a folder for a file', { HUBLEASE_LIVE_FILE: tmpdir() }, 'is no small file'],
  ])('with %s start nothing', async (_, env, said) => {
    const outcome = await start(env);
    expect(outcome).toMatchObject({ exitCode: 2, requests: 0 });
    expect(outcome.said).toContain(said);
    expect(outcome.said).not.toContain('canary');
  });

  it('take no argument, so that no secret stands on a command line', async () => {
    const outcome = await start(ACCOUNT, ['--password', 'canary-argument']);
    expect(outcome).toMatchObject({ exitCode: 2, requests: 0 });
    expect(outcome.said).toContain('takes no arguments');
    expect(outcome.said).not.toContain('canary');
  });

  it('may stand in a file that only its owner can read', () => {
    const file = secretsFile(JSON.stringify({ username: 'throwaway', password: 'canary', totpSecret: 'ABC' }));
    const credential = { username: 'throwaway', password: 'canary', totpSecret: 'ABC' };
    expect(readSettings(file, []).credential).toEqual(credential);
    expect(readSettings({ ...file, HUBLEASE_LIVE_PASSWORD: 'other' }, []).credential.password).toBe('other');
  });

  it.each<[string, string, number, string]>([
    ['others can read', '{}', 0o640, 'chmod 600'],
    ['is no JSON', '{"password": "canary"', 0o600, 'is not JSON'],
    ['is a list', '["canary"]', 0o600, 'has other members'],
    ['has another member', '{"canary": "x"}', 0o600, 'has other members'],
    ['has a number', '{"password": 123}', 0o600, 'has other members'],
  ])('from a file that %s start nothing', async (_, content, mode, said) => {
    const outcome = await start({ ...ACCOUNT, ...secretsFile(content, mode) });
    expect(outcome).toMatchObject({ exitCode: 2, requests: 0 });
    expect(outcome.said).toContain(said);
    expect(outcome.said).not.toContain('canary');
  });

  it('go to Docker unless told otherwise, and to one origin where that is another', () => {
    expect(readSettings(ACCOUNT, []).origins).toEqual({
      hub: 'https://hub.docker.com',
      auth: 'https://auth.docker.io',
      registry: 'https://registry-1.docker.io',
    });
    const hub = 'http://127.0.0.1:8080';
    expect(readSettings({ ...ACCOUNT, HUBLEASE_LIVE_HUB: `${hub}/` }, []).origins).toEqual({
      hub,
      auth: hub,
      registry: hub,
    });
  });
});
