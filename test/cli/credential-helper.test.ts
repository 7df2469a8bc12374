import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { cacheFileOf, readLease, writeLease } from '../../cli/lease-cache.ts';
import { mayPull, until } from '../local/harness.ts';
import { type Bundle, bundleCli } from './bundle.ts';
import { openTerminal, type Session, type StartOptions, type Terminal } from './terminal.ts';

const DOCKER = 'https://index.docker.io/v1/';
const NOT_FOUND = 'credentials not found in native keychain\n';

let terminal: Terminal;
let bundle: Bundle;
beforeAll(async () => {
  [terminal, bundle] = await Promise.all([openTerminal(), bundleCli()]);
  terminal.env.HUBLEASE_SECRET = 'ci/release';
});
afterAll(async () => {
  bundle.close();
  await terminal.close();
});
beforeEach(async () => {
  rmSync(cacheFolder(), { recursive: true, force: true });
  await terminal.type('revoke --mine');
});

function helper(verb: string, stdin = '', options: StartOptions = {}): Promise<Session> {
  return terminal.start(bundle.helper, [verb], { ...options, stdin }).ended;
}

function cacheFolder(): string {
  return join(terminal.home, '.cache', 'hublease');
}

/** Where the lease of these tests is kept. */
function cacheFile(): string {
  return cacheFileOf(terminal.env, { endpoint: terminal.edition.endpoint, secret: 'ci/release' });
}

async function get(url = DOCKER): Promise<{ ServerURL: string; Username: string; Secret: string }> {
  const { code, stdout, stderr } = await helper('get', url);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

async function openLeases(): Promise<number> {
  return JSON.parse((await terminal.type('leases --status active -o json')).stdout).length;
}

describe('docker-credential-hublease get', () => {
  test.each([DOCKER, 'docker.io'])('answers %s with a fresh token', async (url) => {
    const { code, stdout, stderr } = await helper('get', url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const answer = JSON.parse(stdout);
    expect(answer).toEqual({ ServerURL: url, Username: 'acme-bot', Secret: expect.stringMatching(/^dckr_pat_/) });
    expect(await mayPull(terminal.edition.hub, answer.Username, answer.Secret)).toBe(true);
  });

  test('trims the address', async () => {
    expect((await get(` ${DOCKER}\r\n`)).ServerURL).toBe(DOCKER);
  });

  test('answers both keys with one lease', async () => {
    expect((await get('docker.io')).Secret).toBe((await get(DOCKER)).Secret);
    expect(await openLeases()).toBe(1);
  });

  test.each([
    'https://index.docker.io/v1/refresh-token',
    'https://index.docker.io/v1/access-token',
    'https://index.docker.io/v1',
    'index.docker.io',
    'docker.io/acme/app',
    'ghcr.io',
    'HTTPS://INDEX.DOCKER.IO/V1/',
  ])('knows nothing of %s, and leases nothing for it', async (url) => {
    expect(await helper('get', url)).toEqual({ code: 1, stdout: NOT_FOUND, stderr: '' });
    expect(await openLeases()).toBe(0);
  });

  test('wants an address, in the words that clients know', async () => {
    expect(await helper('get', '\n')).toEqual({ code: 1, stdout: 'no credentials server URL\n', stderr: '' });
  });

  test('says on both streams why it failed: docker reads one, people the other', async () => {
    const env = { AWS_PROFILE: 'hublease-other' };
    const { code, stdout, stderr } = await helper('get', DOCKER, { env });
    expect(code).toBe(1);
    const problem =
      'denied: arn:aws:iam::444455556666:role/other (AROAHUBLEASEOTHERAAAA) may not lease from "ci/release"';
    expect(stdout).toContain(`hublease: ${problem}`);
    expect(stdout).not.toContain(NOT_FOUND.trim());
    expect(stderr).toContain(`docker-credential-hublease: ${problem}`);
    expect(stderr).toMatch(/Request [0-9a-f-]{36} \(caller_not_allowed\)/);
  });

  test.each([
    ['no endpoint', { HUBLEASE_ENDPOINT: undefined }, 'not configured: no hublease endpoint'],
    ['no secret', { HUBLEASE_SECRET: undefined }, 'not configured: no secret to lease from'],
    ['no AWS credentials', { AWS_PROFILE: 'nobody' }, 'no AWS credentials'],
    ['no way to hublease', { HUBLEASE_ENDPOINT: 'http://127.0.0.1:1/v1' }, 'hublease could not be reached'],
  ])('says so with %s', async (_, env, problem) => {
    const { code, stdout, stderr } = await helper('get', DOCKER, { env });
    expect(code).toBe(1);
    expect(stdout).toContain(problem);
    expect(stderr).toContain(problem);
  });
});

describe('the other verbs', () => {
  test('store keeps nothing and does not fail, for docker login would', async () => {
    const stdin = JSON.stringify({ ServerURL: DOCKER, Username: 'ann', Secret: 'a-password-of-ann' });
    expect(await helper('store', stdin)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'docker-credential-hublease stores nothing. It leases a token when docker needs one\n',
    });
    expect((await get()).Username).toBe('acme-bot');
  });

  test('erase revokes the lease that is kept and forgets it', async () => {
    const { Username, Secret } = await get();
    expect(await helper('erase', `${DOCKER}\n`)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await mayPull(terminal.edition.hub, Username, Secret)).toBe(false);
    expect((await get()).Secret).not.toBe(Secret);
  });

  test.each([DOCKER, 'ghcr.io', `${DOCKER}refresh-token`, ''])(
    'erase of %j with nothing kept is quiet',
    async (url) => {
      expect(await helper('erase', url)).toEqual({ code: 0, stdout: '', stderr: '' });
    },
  );

  test.each([
    ['by its id', (id: string) => `revoke ${id}`],
    ['with all of one’s own', () => 'revoke --mine'],
  ])('a lease that was revoked %s is not handed out any more, though it is fresh', async (_, command) => {
    const { Secret } = await get();
    const [lease] = JSON.parse((await terminal.type('leases --status active -o json')).stdout);
    expect(await terminal.type(command(lease.id))).toMatchObject({ code: 0 });
    const next = await get();
    expect(next.Secret).not.toBe(Secret);
    expect(await mayPull(terminal.edition.hub, next.Username, next.Secret)).toBe(true);
  });

  test('of other leases that are revoked, the one that is kept knows nothing', async () => {
    const { Secret } = await get();
    const { lease } = JSON.parse((await terminal.type('lease ci/release -o json')).stdout);
    expect(await terminal.type(`revoke ${lease.id}`)).toMatchObject({ code: 0 });
    expect((await get()).Secret).toBe(Secret);
  });

  test('erase of another address leaves the lease alone', async () => {
    const { Secret } = await get();
    await helper('erase', `${DOCKER}refresh-token`);
    expect((await get()).Secret).toBe(Secret);
  });

  test('erase that cannot revoke forgets all the same, and says so', async () => {
    await get();
    const env = { AWS_PROFILE: 'hublease-ci', AWS_SHARED_CREDENTIALS_FILE: terminal.env.AWS_SHARED_CREDENTIALS_FILE };
    await terminal.edition.end('SIGTERM');
    const { code, stdout, stderr } = await helper('erase', DOCKER, { env });
    const file = cacheFile();
    await terminal.edition.restart('SIGTERM');
    terminal.env.HUBLEASE_ENDPOINT = terminal.edition.endpoint;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('could not be revoked now. It ends by itself');
    expect(() => statSync(file)).toThrow('ENOENT');
  });

  test('list names who is logged in, and never leases', async () => {
    expect(await helper('list')).toEqual({ code: 0, stdout: '{}\n', stderr: '' });
    expect(await openLeases()).toBe(0);
    await get();
    expect(await helper('list')).toEqual({ code: 0, stdout: `{"${DOCKER}":"acme-bot"}\n`, stderr: '' });
  });

  test('list without configuration is empty', async () => {
    const env = { HUBLEASE_ENDPOINT: undefined };
    expect(await helper('list', '', { env })).toEqual({ code: 0, stdout: '{}\n', stderr: '' });
  });

  test('version is one line', async () => {
    expect(await helper('version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+ \d+\.\d+\.\d+\n$/) });
  });

  test('another verb is told the right ones', async () => {
    expect(await helper('fetch')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('get|store|erase|list|version'),
    });
  });
});

describe('many at once', () => {
  test('the two calls of one docker command are one lease', async () => {
    const [one, two] = await Promise.all([get(), get('docker.io')]);
    expect(one.Secret).toBe(two.Secret);
    expect(await openLeases()).toBe(1);
  });

  test('50 processes on a loaded machine are one lease, and what is kept is whole', async () => {
    const burners = Array.from({ length: 4 }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
    onTestFinished(() => {
      for (const burner of burners) burner.kill('SIGKILL');
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => get()));
    const secrets = new Set(answers.map(({ Secret }) => Secret));
    expect(secrets.size).toBe(1);
    expect(await openLeases()).toBe(1);
    expect(readLease(cacheFile())?.password).toBe([...secrets][0]);
    const digit = basename(cacheFile()).slice(0, 1);
    expect(readdirSync(cacheFolder()).toSorted()).toEqual([basename(cacheFile()), `${digit}.lock`].toSorted());
    // 50 programs beside four that never rest take their time on two cores.
  }, 240_000);

  test('a holder that gets no time at all is not taken over', async () => {
    terminal.edition.hub.control.setFaults([{ route: 'pat-create', kind: 'hold', count: 1 }]);
    const holder = terminal.start(bundle.helper, ['get'], { stdin: DOCKER });
    await until('it leases', () => terminal.edition.hub.control.heldCount() === 1);
    // A stopped process would outlive a test that failed.
    onTestFinished(() => void holder.child.kill('SIGKILL'));
    holder.child.kill('SIGSTOP');
    const others = Array.from({ length: 3 }, () => terminal.start(bundle.helper, ['get'], { stdin: DOCKER }));
    // Longer than a lock by age would wait for a sign of life.
    await wait(7_000);
    expect(others.map((other) => other.out())).toEqual(['', '', '']);
    expect(await openLeases()).toBe(0);
    holder.child.kill('SIGCONT');
    terminal.edition.hub.control.setFaults([]);
    terminal.edition.hub.control.release();
    const answers = await Promise.all([holder, ...others].map(async ({ ended }) => JSON.parse((await ended).stdout)));
    expect(new Set(answers.map(({ Secret }) => Secret)).size).toBe(1);
    expect(await openLeases()).toBe(1);
  });

  test('those who wait for a holder that fails lease themselves', async () => {
    terminal.edition.hub.control.setFaults([{ route: 'pat-create', kind: 'hold', count: 1 }]);
    const killed = terminal.start(bundle.helper, ['get'], { stdin: DOCKER });
    await until('it leases', () => terminal.edition.hub.control.heldCount() === 1);
    const waiting = terminal.start(bundle.helper, ['get'], { stdin: DOCKER });
    killed.child.kill('SIGKILL');
    await killed.ended;
    terminal.edition.hub.control.setFaults([]);
    terminal.edition.hub.control.release();
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('"Username":"acme-bot"') });
  });
});

describe('what is kept', () => {
  test('is for this user alone, by the modes of file and folder', async () => {
    await get();
    for (const name of readdirSync(cacheFolder())) {
      expect(statSync(join(cacheFolder(), name)).mode & 0o777, name).toBe(0o600);
    }
    expect(statSync(cacheFolder()).mode & 0o777).toBe(0o700);
  });

  test('a folder that others may read is closed again', async () => {
    mkdirSync(cacheFolder(), { recursive: true });
    chmodSync(cacheFolder(), 0o755);
    await get();
    expect(statSync(cacheFolder()).mode & 0o777).toBe(0o700);
  });

  test.each([
    ['cut short', (content: Buffer) => content.subarray(0, 20)],
    ['empty', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('{"password":"x"}')],
    ['without its times', (content: Buffer) => Buffer.from(String(content).replace(/"wallMs":\d+/, '"wallMs":null'))],
  ])('a lease that is %s is replaced', async (_, damage) => {
    const { Secret } = await get();
    writeFileSync(cacheFile(), damage(readFileSync(cacheFile())));
    const { Secret: other } = await get();
    expect(other).not.toBe(Secret);
    expect((await get()).Secret).toBe(other);
  });

  test.each<[string, () => void]>([
    ['the file is open to others', () => chmodSync(cacheFile(), 0o640)],
    [
      'the file is a link',
      () => {
        renameSync(cacheFile(), join(terminal.home, 'elsewhere'));
        symlinkSync(join(terminal.home, 'elsewhere'), cacheFile());
      },
    ],
  ])('is not handed out where %s, and is replaced by what is closed', async (_, loosen) => {
    const { Secret } = await get();
    loosen();
    const { Secret: other } = await get();
    expect(other).not.toBe(Secret);
    expect((await get()).Secret).toBe(other);
    expect(lstatSync(cacheFile()).mode & 0o170777).toBe(0o100600);
    expect(statSync(cacheFolder()).mode & 0o777).toBe(0o700);
  });

  test('is handed out from a folder that was open to others once that is closed', async () => {
    const { Secret } = await get();
    chmodSync(cacheFolder(), 0o777);
    expect(readLease(cacheFile())).toBeUndefined();
    expect((await get()).Secret).toBe(Secret);
    expect(statSync(cacheFolder()).mode & 0o777).toBe(0o700);
  });

  // Only root can give files away.
  test.runIf(process.getuid?.() === 0)('is not handed out where the file is another user’s', async () => {
    const { Secret } = await get();
    chownSync(cacheFile(), 65_534, 65_534);
    expect((await get()).Secret).not.toBe(Secret);
  });

  test.runIf(process.getuid?.() === 0)('is neither read from nor put into a folder of another user', async () => {
    await get();
    chownSync(cacheFolder(), 65_534, 65_534);
    const before = readFileSync(cacheFile());
    const { code, stdout, stderr } = await helper('get', DOCKER);
    expect(code).toBe(1);
    expect(stdout).toContain(`${cacheFolder()} belongs to another user`);
    expect(stderr).toContain('Set XDG_CACHE_HOME to a folder of your own.');
    expect(readFileSync(cacheFile())).toEqual(before);
  });

  test('a lease that was put in the place of another secret’s is not taken for it', async () => {
    await get();
    const env = { HUBLEASE_TTL: '5m' };
    const file = cacheFileOf(terminal.env, { endpoint: terminal.edition.endpoint, secret: 'ci/release', ttl: '5m' });
    writeFileSync(file, readFileSync(cacheFile()));
    const { stdout } = await helper('get', DOCKER, { env });
    expect(JSON.parse(stdout).Secret).not.toBe(readLease(cacheFile())?.password);
  });

  test('two callers on one machine have a lease each', async () => {
    await get();
    expect(await helper('get', DOCKER, { env: { AWS_PROFILE: 'hublease-other' } })).toMatchObject({ code: 1 });
  });

  test('a folder that cannot be made is told, with what to do', async () => {
    const file = join(terminal.home, 'a-file');
    writeFileSync(file, '');
    const { code, stdout, stderr } = await helper('get', DOCKER, { env: { XDG_CACHE_HOME: file } });
    expect(code).toBe(1);
    expect(stdout).toContain(`leases cannot be stored in ${join(file, 'hublease')}`);
    expect(stderr).toContain('XDG_CACHE_HOME');
  });
});

describe('a lease of some age', () => {
  /** Makes what is kept older (or, below 0, younger than the clock) by rewriting its times. */
  async function aged(byMs: number, clock: 'wall' | 'uptime' | 'both' = 'both'): Promise<string> {
    const { Secret } = await get();
    const kept = readLease(cacheFile());
    if (kept === undefined) throw new Error('nothing is kept');
    writeLease(cacheFile(), {
      ...kept,
      wallMs: kept.wallMs - (clock === 'uptime' ? 0 : byMs),
      uptimeMs: kept.uptimeMs - (clock === 'wall' ? 0 : byMs),
    });
    return Secret;
  }

  const MINUTE_MS = 60_000;

  test('is handed out until three quarters of its life are over', async () => {
    const former = await aged(11 * MINUTE_MS);
    expect((await get()).Secret).toBe(former);
  });

  test('is replaced after that', async () => {
    const former = await aged(11.5 * MINUTE_MS);
    expect((await get()).Secret).not.toBe(former);
  });

  test('is still handed out then when hublease cannot be reached, but not near its end', async () => {
    const env = { HUBLEASE_ENDPOINT: terminal.edition.endpoint };
    const former = await aged(14 * MINUTE_MS);
    await terminal.edition.end('SIGTERM');
    const kept = await helper('get', DOCKER, { env });
    const lease = readLease(cacheFile());
    if (lease === undefined) throw new Error('nothing is kept');
    writeLease(cacheFile(), { ...lease, wallMs: lease.wallMs - 0.6 * MINUTE_MS });
    const refused = await helper('get', DOCKER, { env });
    await terminal.edition.restart('SIGTERM');
    terminal.env.HUBLEASE_ENDPOINT = terminal.edition.endpoint;
    expect(JSON.parse(kept.stdout).Secret).toBe(former);
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('could not be reached') });
  });

  test.each([
    ['the clock was set forward past its end', 20 * MINUTE_MS, 'wall'],
    ['the clock was set back to before its issue', -MINUTE_MS, 'wall'],
    ['the clock was set back after its end, and the machine knows better', 20 * MINUTE_MS, 'uptime'],
    ['the machine has started anew since', -MINUTE_MS, 'uptime'],
  ] as const)('is not handed out when %s', async (_, byMs, clock) => {
    const former = await aged(byMs, clock);
    expect((await get()).Secret).not.toBe(former);
  });

  test('leases of long ago are swept away when a new one is kept', async () => {
    mkdirSync(cacheFolder(), { recursive: true });
    const old = join(cacheFolder(), `${'0'.repeat(32)}.lease`);
    writeFileSync(old, '');
    utimesSync(old, new Date(0), new Date(0));
    await get();
    expect(() => statSync(old)).toThrow('ENOENT');
  });
});
