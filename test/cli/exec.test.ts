import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { mayPull, until } from '../local/harness.ts';
import { type Bundle, bundleCli } from './bundle.ts';
import { openTerminal, type Started, type StartOptions, type Terminal } from './terminal.ts';

let terminal: Terminal;
let bundle: Bundle;
/** Where private configurations are made, so that one left behind is seen. */
let temp: string;

beforeAll(async () => {
  [terminal, bundle] = await Promise.all([openTerminal(), bundleCli()]);
});
afterAll(async () => {
  bundle.close();
  await terminal.close();
});
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), 'hublease-temp-'));
});
afterEach(() => {
  rmSync(join(temp, 'runtime'), { recursive: true, force: true });
  expect(readdirSync(temp)).toEqual([]);
  rmSync(temp, { recursive: true });
  rmSync(join(terminal.home, '.docker'), { recursive: true, force: true });
  rmSync(join(terminal.home, '.config'), { recursive: true, force: true });
});

function exec(words: readonly string[], options: StartOptions = {}): Started {
  return terminal.start(bundle.hublease, ['exec', ...words], { ...options, env: { TMPDIR: temp, ...options.env } });
}

/** A script of Node's in the place of the command. */
function node(script: string): string[] {
  return ['--', process.execPath, '-e', script];
}

const PRINT_CONFIG = `
  const { readFileSync } = require('node:fs');
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE, DOCKER_AUTH_CONFIG, HUBLEASE_LEASE_ID } = process.env;
  console.log(JSON.stringify({
    DOCKER_AUTH_CONFIG,
    HUBLEASE_LEASE_ID,
    config: JSON.parse(readFileSync(DOCKER_CONFIG + '/config.json')),
    podman: JSON.parse(readFileSync(REGISTRY_AUTH_FILE)),
    plugin: require('node:fs').existsSync(DOCKER_CONFIG + '/cli-plugins/docker-buildx'),
    context: require('node:fs').existsSync(DOCKER_CONFIG + '/contexts/meta/remote/meta.json'),
  }))`;

async function statusesOf(secret: string): Promise<string[]> {
  const { stdout } = await terminal.type(`leases --secret ${secret} -o json`);
  return JSON.parse(stdout).map(({ status }: { status: string }) => status);
}

function loginOf(auth: string): [username: string, password: string] {
  return Buffer.from(auth, 'base64').toString().split(':') as [string, string];
}

describe('the configuration of a command under hublease exec', () => {
  test('holds a token that is good while it runs and dead afterwards', async () => {
    const started = exec(['ci/release', ...node(`${PRINT_CONFIG};setTimeout(() => {}, 60_000)`)]);
    await until('the command runs', () => started.out().endsWith('\n'));
    const { config, podman, HUBLEASE_LEASE_ID } = JSON.parse(started.out());
    const [username, password] = loginOf(config.auths['https://index.docker.io/v1/'].auth);
    expect(config.auths['docker.io']).toEqual(config.auths['https://index.docker.io/v1/']);
    expect(podman.auths['docker.io']).toEqual(config.auths['docker.io']);
    expect(await mayPull(terminal.edition.hub, username, password)).toBe(true);
    started.child.kill('SIGTERM');
    await started.ended;
    expect(await mayPull(terminal.edition.hub, username, password)).toBe(false);
    const { stdout } = await terminal.type(`show ${HUBLEASE_LEASE_ID} -o json`);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'revoked', revokeReason: 'caller' });
  });

  test("keeps plugins, contexts, other registries' logins and helpers, and what else there is", async () => {
    const docker = join(terminal.home, '.docker');
    mkdirSync(join(docker, 'cli-plugins'), { recursive: true });
    writeFileSync(join(docker, 'cli-plugins', 'docker-buildx'), '');
    mkdirSync(join(docker, 'contexts', 'meta', 'remote'), { recursive: true });
    writeFileSync(join(docker, 'contexts', 'meta', 'remote', 'meta.json'), '{}');
    const former = {
      auths: { 'ghcr.io': { auth: 'Z2hjcg==' }, 'https://index.docker.io/v1/': { auth: 'b2xk' } },
      credHelpers: {
        'public.ecr.aws': 'ecr-login',
        'docker.io': 'hublease',
        'https://index.docker.io/v1/': 'hublease',
      },
      credsStore: 'desktop',
      currentContext: 'remote',
      HttpHeaders: { 'X-Meta': 'yes' },
    };
    writeFileSync(join(docker, 'config.json'), JSON.stringify(former));
    const { code, stdout } = await exec(['ci/release', ...node(PRINT_CONFIG)]).ended;
    expect(code).toBe(0);
    const { config, plugin, context } = JSON.parse(stdout);
    expect({ plugin, context }).toEqual({ plugin: true, context: true });
    expect(config).toEqual({
      ...former,
      auths: {
        'ghcr.io': { auth: 'Z2hjcg==' },
        'https://index.docker.io/v1/': { auth: expect.any(String) },
        'docker.io': { auth: expect.any(String) },
      },
      // The empty one keeps docker from asking the store for Docker Hub.
      credHelpers: { 'public.ecr.aws': 'ecr-login', 'https://index.docker.io/v1/': '' },
    });
    expect(loginOf(config.auths['https://index.docker.io/v1/'].auth)[0]).toBe('acme-bot');
  });

  test('keeps the logins that podman has, without those of Docker Hub, however deep', async () => {
    const containers = join(terminal.home, '.config', 'containers');
    mkdirSync(containers, { recursive: true });
    const auths = { 'quay.io': { auth: 'cXVheQ==' }, 'docker.io/acme': { auth: 'b2xk' } };
    writeFileSync(join(containers, 'auth.json'), JSON.stringify({ auths }));
    const { stdout } = await exec(['ci/release', ...node(PRINT_CONFIG)]).ended;
    expect(JSON.parse(stdout).podman.auths).toEqual({
      'quay.io': { auth: 'cXVheQ==' },
      'docker.io': { auth: expect.any(String) },
    });
  });

  test('takes Docker Hub out of DOCKER_AUTH_CONFIG, which docker would prefer, and leaves the others in', async () => {
    const both = { auths: { 'https://index.docker.io/v1/': { auth: 'b2xk' }, 'ghcr.io': { auth: 'Z2hjcg==' } } };
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify(both) };
    const { stdout } = await exec(['ci/release', ...node(PRINT_CONFIG)], { env }).ended;
    expect(JSON.parse(JSON.parse(stdout).DOCKER_AUTH_CONFIG)).toEqual({ auths: { 'ghcr.io': { auth: 'Z2hjcg==' } } });
  });

  test('a configuration that cannot be read is told before anything is leased', async () => {
    mkdirSync(join(terminal.home, '.docker'));
    writeFileSync(join(terminal.home, '.docker', 'config.json'), '{ "auths": ');
    const before = await statusesOf('ci/release');
    const { code, stderr } = await exec(['ci/release', '--', 'true']).ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('config.json is not a JSON object') });
    expect(await statusesOf('ci/release')).toEqual(before);
  });

  test('two jobs side by side have a token each, and the end of one leaves the other its own', async () => {
    const jobs = ['one', 'two'].map(() =>
      exec(['ci/release', ...node(`${PRINT_CONFIG};setTimeout(() => {}, 60_000)`)]),
    );
    const [one, two] = jobs as [Started, Started];
    await until('both run', () => jobs.every((job) => job.out().endsWith('\n')));
    const [first, second] = jobs.map((job) => loginOf(JSON.parse(job.out()).config.auths['docker.io'].auth)[1]);
    expect(first).not.toBe(second);
    one.child.kill('SIGTERM');
    await one.ended;
    expect(await mayPull(terminal.edition.hub, 'acme-bot', first as string)).toBe(false);
    expect(await mayPull(terminal.edition.hub, 'acme-bot', second as string)).toBe(true);
    two.child.kill('SIGTERM');
    await two.ended;
  });
});

describe('the end of a command under hublease exec', () => {
  afterEach(async () => {
    expect(new Set(await statusesOf('ci/release'))).toEqual(new Set(['revoked']));
  });

  test.each([
    ['its exit code is ours', node('process.exit(7)'), 7],
    ['success too', ['--', 'true'], 0],
    ['a signal of its own is 128 and its number', node('process.kill(process.pid, "SIGKILL")'), 137],
  ])('%s', async (_, words, code) => {
    expect(await exec(['ci/release', ...words]).ended).toEqual({ code, stdout: '', stderr: '' });
  });

  test('a command that is not there is 127, as in a shell', async () => {
    expect(await exec(['ci/release', '--', 'no-such-command']).ended).toEqual({
      code: 127,
      stdout: '',
      stderr: 'hublease: no-such-command: command not found\n',
    });
  });

  test('one that cannot be run is 126', async () => {
    const file = join(terminal.home, 'not-executable');
    writeFileSync(file, 'true');
    expect(await exec(['ci/release', '--', file]).ended).toMatchObject({
      code: 126,
      stderr: `hublease: ${file}: cannot be run\n`,
    });
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
  ] as const)('%s reaches the command, which may still finish what it does', async (signal, code) => {
    const script = `process.on('${signal}', () => { console.log('got it'); process.exit(${code}) }); console.log('up'); setInterval(() => {}, 1000)`;
    const started = exec(['ci/release', ...node(script)]);
    await until('the command runs', () => started.out().includes('up'));
    started.child.kill(signal);
    expect(await started.ended).toMatchObject({ code, stdout: 'up\ngot it\n' });
  });

  test('a signal while the token is being made leaves none behind, and the command is not started', async () => {
    terminal.edition.hub.control.setFaults([{ route: 'pat-create', kind: 'hold' }]);
    const started = exec(['ci/release', ...node('console.log("ran")')]);
    await until('the token is being made', () => terminal.edition.hub.control.heldCount() === 1);
    started.child.kill('SIGTERM');
    terminal.edition.hub.control.setFaults([]);
    terminal.edition.hub.control.release();
    expect(await started.ended).toMatchObject({ code: 143, stdout: '' });
  });

  test('words behind -- are the command’s own, flags too', async () => {
    const { stdout } = await exec(['ci/release', '--ttl', '2m', '--reason', 'x', '--', 'echo', '--ttl', '--version'])
      .ended;
    expect(stdout).toBe('--ttl --version\n');
  });

  test('a lease that cannot be revoked now is told, and the exit code is still the command’s', async () => {
    const started = exec(['ci/release', ...node('console.log("up"); setTimeout(() => process.exit(9), 1_500)')]);
    await until('the command runs', () => started.out().includes('up'));
    await terminal.edition.end('SIGTERM');
    const { code, stderr } = await started.ended;
    await terminal.edition.restart('SIGTERM');
    terminal.env.HUBLEASE_ENDPOINT = terminal.edition.endpoint;
    expect(code).toBe(9);
    expect(stderr).toMatch(/^hublease: lease [0-9A-Z]{26} could not be revoked now. It ends by itself\n$/);
    await terminal.type('revoke --mine');
  });
});

describe('hublease exec --renew', () => {
  /** Prints the token in force whenever it changes, until it was told to stop. */
  const WATCH = `
    const { readFileSync } = require('node:fs');
    let last;
    setInterval(() => {
      const { auth } = JSON.parse(readFileSync(process.env.DOCKER_CONFIG + '/config.json')).auths['docker.io'];
      if (auth !== last) console.log(auth);
      last = auth;
    }, 20);`;

  test('extends a renewable lease, so that its token outlives the TTL', async () => {
    const started = exec(['ci/renewable', '--renew', ...node(WATCH)]);
    await until('the command runs', () => started.out().includes('\n'));
    const [username, password] = loginOf(started.out().trim());
    const [lease] = JSON.parse((await terminal.type('leases --secret ci/renewable --status active -o json')).stdout);
    await until('its first end has passed', () => Date.now() > Date.parse(lease.expiresAt) + 1_000);
    expect(await mayPull(terminal.edition.hub, username, password)).toBe(true);
    started.child.kill('SIGTERM');
    expect((await started.ended).stdout.trim().split('\n')).toHaveLength(1);
    expect(await mayPull(terminal.edition.hub, username, password)).toBe(false);
  });

  test('puts another lease in the place of one that is not renewable, and revokes them all', async () => {
    const started = exec(['ci/short', '--renew', ...node(WATCH)]);
    await until('there was another token', () => started.out().split('\n').length > 2);
    const [first = '', second = ''] = started.out().split('\n');
    expect(await mayPull(terminal.edition.hub, ...loginOf(second))).toBe(true);
    started.child.kill('SIGTERM');
    await started.ended;
    expect(await mayPull(terminal.edition.hub, ...loginOf(first))).toBe(false);
    expect(await mayPull(terminal.edition.hub, ...loginOf(second))).toBe(false);
    expect(new Set(await statusesOf('ci/short'))).toEqual(new Set(['revoked']));
  });

  test('tries again when a renewal fails, and says so', async () => {
    const started = exec(['ci/short', '--renew', ...node(WATCH)]);
    await until('the command runs', () => started.out().includes('\n'));
    terminal.edition.hub.control.setFaults([{ route: 'pat-create', kind: 'server-error', count: 1 }]);
    await until('there was another token', () => started.out().split('\n').length > 2);
    terminal.edition.hub.control.setFaults([]);
    started.child.kill('SIGTERM');
    expect((await started.ended).stderr).toContain('the token could not be renewed yet. Trying again');
  });
});

describe('the private configuration of hublease exec', () => {
  /** Runs for as long as it is let, and prints where its configuration is. */
  const LIVE = node('console.log(process.pid, process.env.DOCKER_CONFIG); setInterval(() => {}, 1_000)');

  interface Live {
    readonly job: Started;
    readonly folder: string;
    /** Of the command. */
    readonly pid: number;
  }

  async function live(env: Record<string, string> = {}): Promise<Live> {
    const job = exec(['ci/release', ...LIVE], { env });
    // Both processes would outlive a test that failed.
    onTestFinished(() => {
      for (const signal of ['SIGCONT', 'SIGTERM'] as const) job.child.kill(signal);
    });
    await until('the command runs', () => job.out().endsWith('\n'), 50_000);
    const [pid = '', folder = ''] = job.out().trim().split(' ');
    return { job, folder, pid: Number(pid) };
  }

  /** Kills hublease itself, and the command too, which would live on without it. */
  async function kill({ job, pid }: Live): Promise<void> {
    job.child.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await job.ended;
  }

  async function end({ job }: Live): Promise<void> {
    job.child.kill('SIGTERM');
    await job.ended;
  }

  function runtimeFolder(mode: number): string {
    const path = join(temp, 'runtime');
    mkdirSync(path);
    chmodSync(path, mode);
    return path;
  }

  test('is in XDG_RUNTIME_DIR, for this user alone, and goes with the command', async () => {
    const runtime = runtimeFolder(0o700);
    const run = await live({ XDG_RUNTIME_DIR: runtime });
    expect(dirname(run.folder)).toBe(runtime);
    expect(statSync(run.folder).mode & 0o777).toBe(0o700);
    await end(run);
    expect(readdirSync(runtime)).toEqual([]);
  });

  test.each([
    ['is open to others', () => runtimeFolder(0o755)],
    ['is not there', () => join(temp, 'no-such-folder')],
  ])('is in the temporary folder where XDG_RUNTIME_DIR %s', async (_, make) => {
    const run = await live({ XDG_RUNTIME_DIR: make() });
    expect(dirname(run.folder)).toBe(temp);
    await end(run);
  });

  test.each(['temporary folder', 'XDG_RUNTIME_DIR'])(
    'of a run that was killed is removed from the %s by the next run, which leaves one that lives',
    async (place) => {
      const env: Record<string, string> = place === 'XDG_RUNTIME_DIR' ? { XDG_RUNTIME_DIR: runtimeFolder(0o700) } : {};
      const [killed, living] = [await live(env), await live(env)];
      await kill(killed);
      expect(existsSync(join(killed.folder, 'config.json'))).toBe(true);
      expect(await exec(['ci/release', '--', 'true'], { env }).ended).toMatchObject({ code: 0 });
      expect(existsSync(killed.folder)).toBe(false);
      expect(existsSync(join(living.folder, 'config.json'))).toBe(true);
      await end(living);
      await terminal.type('revoke --mine');
    },
  );

  test('of a run that is stopped is left to it', async () => {
    const stopped = await live();
    stopped.job.child.kill('SIGSTOP');
    expect(await exec(['ci/release', '--', 'true']).ended).toMatchObject({ code: 0 });
    expect(existsSync(join(stopped.folder, 'config.json'))).toBe(true);
    stopped.job.child.kill('SIGCONT');
    await end(stopped);
  });

  test('is all that is ever removed: not what has no lock, no link, and nothing of another user', async () => {
    const elsewhere = join(temp, 'elsewhere');
    const [unlocked, link, foreign] = ['a', 'b', 'c'].map((each) => join(temp, `hublease-exec-${each}`)) as [
      string,
      string,
      string,
    ];
    for (const path of [elsewhere, unlocked, foreign]) mkdirSync(path);
    for (const path of [elsewhere, foreign]) writeFileSync(join(path, '.hublease-lock'), '');
    symlinkSync(elsewhere, link);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(foreign, 65_534, 65_534);
    else rmSync(foreign, { recursive: true });
    const before = readdirSync(temp);
    expect(await exec(['ci/release', '--', 'true']).ended).toMatchObject({ code: 0 });
    expect(readdirSync(temp)).toEqual(before);
    expect(existsSync(join(elsewhere, '.hublease-lock'))).toBe(true);
    for (const path of [elsewhere, unlocked, link, foreign]) rmSync(path, { recursive: true, force: true });
  });

  test('that was never finished is removed a day later', async () => {
    const [old, fresh] = ['old', 'fresh'].map((each) => join(temp, `hublease-new-${each}`)) as [string, string];
    for (const path of [old, fresh]) mkdirSync(path);
    utimesSync(old, new Date(0), new Date(0));
    await exec(['ci/release', '--', 'true']).ended;
    expect({ old: existsSync(old), fresh: existsSync(fresh) }).toEqual({ old: false, fresh: true });
    rmSync(fresh, { recursive: true });
  });
});
