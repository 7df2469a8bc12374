import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NoAnswerError } from '../../client/client.ts';
import { type Spawned, spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { readyText } from '../../local/ready.ts';
import {
  CI_ARN,
  clientsOf,
  contentsOf,
  lease,
  listAll,
  mayPull,
  openEdition,
  ours,
  problemOf,
  profilesOf,
  runToEnd,
  START_LIMIT_MS,
  setUp,
  show,
  tempFolder,
  until,
  untilTestEnds,
} from './harness.ts';

const MAIN = 'local/main.ts';

/** A data folder that is not there yet. */
function dataFolder(): string {
  return join(untilTestEnds(tempFolder()).path, 'data');
}

/** The edition as `npm start` runs it, with its own fake Docker Hub. */
async function start(data: string, ...flags: string[]): Promise<Spawned> {
  const run = await spawnEmbedded(['--port', '0', '--data', data, ...flags]);
  onTestFinished(() => run.end('SIGKILL'));
  return run;
}

/** Starts it and expects what a start that cannot be owes: one line on standard error, exit 1, the data as it was. */
async function expectRefusal(data: string, line: string | RegExp, around = dirname(data), port = '0'): Promise<void> {
  const before = contentsOf(around);
  const { code, stdout, stderr } = await runToEnd(MAIN, ['--port', port, '--data', data]);
  expect(stderr).toMatch(/^hublease: [^\n]+\n$/);
  expect(stderr).toMatch(line);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(contentsOf(around)).toEqual(before);
}

describe('a start that cannot be says so in one line, and leaves the data as it was', () => {
  /** A folder that an edition has used and left in order, with an open lease in it. */
  let used: ReturnType<typeof tempFolder>;
  beforeAll(async () => {
    used = tempFolder();
    const data = join(used.path, 'data');
    const run = await spawnEmbedded(['--port', '0', '--data', data]);
    const { 'hublease-ci': ci } = clientsOf(run, await profilesOf(data));
    await ci.call('mintLease', { name: 'demo/pull' });
    await run.end('SIGTERM');
    return () => used.close();
  }, START_LIMIT_MS);

  function usedFolder(): string {
    const data = dataFolder();
    cpSync(join(used.path, 'data'), data, { recursive: true, preserveTimestamps: true });
    return data;
  }

  it('on a taken port', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void holder.close());
    await once(holder, 'listening');
    const port = String((holder.address() as { port: number }).port);
    const data = usedFolder();
    await expectRefusal(data, `port ${port} is taken; choose another with --port N, or 0 for any`, data, port);
  });

  it('where another one uses the folder, which goes on', async () => {
    const data = dataFolder();
    const running = await start(data);
    const { code, stderr } = await runToEnd(MAIN, ['--port', '0', '--data', data]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^hublease: cannot use the data folder [^\n]+: another hublease process is using it\n$/);
    const { 'hublease-ci': ci } = clientsOf(running, await profilesOf(data));
    expect((await ci.call('mintLease', { name: 'demo/pull' })).status).toBe(201);
  });

  it('where the data folder is a file', async () => {
    const data = dataFolder();
    writeFileSync(data, 'notes');
    await expectRefusal(data, /it cannot be made, or hublease may not write to it/);
  });

  it('where the data folder cannot be made, being below a file', async () => {
    const file = dataFolder();
    writeFileSync(file, 'notes');
    await expectRefusal(join(file, 'data'), /it cannot be made, or hublease may not write to it/, dirname(file));
  });

  it('where the data folder cannot be made, not even by root', async () => {
    const { code, stderr } = await runToEnd(MAIN, ['--port', '0', '--data', '/proc/hublease']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'hublease: cannot use the data folder "/proc/hublease": it cannot be made, or hublease may not write to it\n',
    });
  });

  it('where others may enter the folder and it holds what is theirs', async () => {
    const data = dataFolder();
    mkdirSync(data);
    chmodSync(data, 0o755);
    writeFileSync(join(data, 'notes'), 'mine');
    await expectRefusal(data, /holds files that are not hublease’s/);
    expect(statSync(data).mode & 0o777).toBe(0o755);
  });

  it.each([
    ['its first bytes', (path: string) => overwrite(path, 0, 100)],
    ['its pages', (path: string) => overwrite(path, 4_096, 40_960)],
  ])('with a database that lost %s', async (_, damage) => {
    const data = usedFolder();
    damage(join(data, 'hublease.sqlite'));
    await expectRefusal(data, /hublease\.sqlite is damaged; put back a copy, or move it away to begin anew/);
  });

  it('with a database that is another program’s', async () => {
    const data = usedFolder();
    cpSync(join(data, 'fake-docker-hub.sqlite'), join(data, 'hublease.sqlite'));
    await expectRefusal(data, /hublease\.sqlite is a database of another program/);
  });

  it.each([
    ['holds something else', () => 'not a credentials file', 'profile hublease-admin has no aws_access_key_id'],
    [
      'lost a part of a key',
      (text: string) => text.replace(/^(aws_secret_access_key = ).{10}/m, '$1'),
      'profile hublease-admin has an aws_secret_access_key of the wrong form',
    ],
  ])('with a credentials file that %s', async (_, damage, line) => {
    const data = usedFolder();
    const path = join(data, 'credentials');
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    await expectRefusal(data, line);
  });

  it.each([
    ['is missing', (path: string) => rmSync(path), 'the file key that opens them is missing'],
    ['is damaged', (path: string) => truncateSync(path, 20), 'its file key is not a key'],
  ])('with a key that %s', async (_, damage, line) => {
    const data = usedFolder();
    damage(join(data, 'key'));
    await expectRefusal(data, line);
  });

  it('with a bundled fake that lost its file', async () => {
    const data = usedFolder();
    overwrite(join(data, 'fake-docker-hub.sqlite'), 0, 100);
    await expectRefusal(data, /the bundled fake Docker Hub cannot use [^\n]+; nothing was changed/);
  });

  it('for a flag that it does not know', async () => {
    expect(await runToEnd(MAIN, ['--prot', '1'])).toEqual({
      code: 1,
      stdout: '',
      stderr: "hublease: Unknown option '--prot'. See --help.\n",
    });
  });

  it('for a variable that it cannot use', async () => {
    expect(await runToEnd(MAIN, [], { HUBLEASE_LOG_LEVEL: 'loud' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'hublease: HUBLEASE_LOG_LEVEL: expected silent, error or info\n',
    });
  });
});

describe('a start', () => {
  it('says with --json-ready where it listens, in one line of JSON and nothing else, and ends with 0 at SIGTERM', async () => {
    const data = dataFolder();
    const run = await spawnEmbedded(['--port', '0', '--data', data]);
    let more = '';
    run.child.stdout?.on('data', (text: string) => {
      more += text;
    });
    const { endpoint, hub, credentialsFile } = run;
    expect(endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect(hub).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect({ data: run.data, credentialsFile }).toEqual({ data, credentialsFile: join(data, 'credentials') });
    // At once: whoever has read the line may end it.
    await run.end('SIGTERM');
    expect({ code: run.child.exitCode, signal: run.child.signalCode }).toEqual({ code: 0, signal: null });
    expect({ more, log: run.log() }).toEqual({ more: '', log: '' });
  });

  it('prints its help for --help', async () => {
    const { code, stdout, stderr } = await runToEnd(MAIN, ['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^hublease, embedded edition:[\s\S]+--help/);
  });

  it('brings target demo and secrets demo/pull and demo/push, which the CI role may lease', async () => {
    const data = dataFolder();
    const run = await start(data);
    const { 'hublease-admin': admin, 'hublease-ci': ci } = clientsOf(run, await profilesOf(data));
    const targets = (await admin.call('listTargets')).body.items;
    expect(targets).toMatchObject([{ name: 'demo', kind: 'user', verification: { account: 'demo' } }]);
    const secrets = (await admin.call('listSecrets')).body.items;
    expect(secrets).toMatchObject([
      { name: 'demo/pull', target: 'demo', scope: 'repo:read', allow: [CI_ARN] },
      { name: 'demo/push', target: 'demo', scope: 'repo:write', allow: [CI_ARN] },
    ]);
    for (const name of ['demo/pull', 'demo/push']) {
      const { lease, credential } = (await ci.call('mintLease', { name })).body;
      expect(lease).toMatchObject({ secret: name, status: 'active' });
      expect(credential.fakeHub).toBe(true);
    }
    expect((await ci.call('whoami')).body.fakeHub).toBe(true);
  });

  it('does not put back over the administrator’s changes what it once brought', async () => {
    const data = dataFolder();
    const first = await start(data);
    const { 'hublease-admin': admin } = clientsOf(first, await profilesOf(data));
    const body = { target: 'demo', scope: 'repo:admin', defaultTtl: '1m', maxTtl: '2m', allow: [CI_ARN] };
    await admin.call('putSecret', { name: 'demo/pull', body });
    await first.end('SIGTERM');
    const again = clientsOf(await start(data), await profilesOf(data))['hublease-admin'];
    expect((await again.call('getSecret', { name: 'demo/pull' })).body.secret).toMatchObject({ scope: 'repo:admin' });
  });

  it('with --hub brings nothing to lease and no fake, and speaks of none', async () => {
    const edition = untilTestEnds(await openEdition());
    expect((await edition.admin.call('listTargets')).body.items).toEqual([]);
    expect((await edition.admin.call('listSecrets')).body.items).toEqual([]);
    expect((await edition.ci.call('whoami')).body).toEqual({
      caller: { arn: CI_ARN, accountId: '111122223333', id: 'AROAHUBLEASECIAAAAAAA' },
      secrets: [],
    });
    expect(readdirSync(edition.dataFolder)).not.toContain('fake-docker-hub.sqlite');
  });

  it('listens on 127.0.0.1 alone, the bundled fake included', async () => {
    const run = await start(dataFolder());
    const ports = [run.endpoint, run.hub].map((url) => Number(new URL(url).port));
    expect(listening(run.child.pid as number)).toEqual(ports.map((port) => `127.0.0.1:${port}`).sort());
  });

  it('writes for curl what each profile signs with, for its owner alone', async () => {
    const edition = untilTestEnds(await openEdition());
    for (const { name, accessKeyId, secretAccessKey } of Object.values(edition.profiles)) {
      const path = join(edition.dataFolder, name.replace('hublease', 'curl'));
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path, 'utf8')).toContain(`user = "${accessKeyId}:${secretAccessKey}"\n`);
      expect(readFileSync(path, 'utf8')).toContain('aws-sigv4 = "aws:amz:us-east-1:execute-api"\n');
    }
  });

  it('prints commands that are ready to paste, and only those that it can serve', () => {
    const settings = { port: 0, dataFolder: '/srv/data', minTtlSeconds: 1, sweepIntervalSeconds: 300 };
    const embedded = {
      endpoint: 'http://127.0.0.1:8787/v1',
      hubOrigin: 'http://127.0.0.1:9',
      credentialsFile: '/srv/data/credentials',
      socket: { path: '/srv/data/hublease-8787.sock' },
      stop: async () => {},
    };
    const bundled = readyText({ ...settings, jsonReady: false, logLevel: 'error' }, embedded);
    expect(bundled.split('\n')[0]).toBe(
      'FAKE DOCKER HUB: nothing here reaches docker.io, and docker.io refuses its tokens',
    );
    expect(bundled).toContain('  registry     127.0.0.1:9, with one image: demo/hello\n');
    expect(bundled).toContain('  Unix socket  /srv/data/hublease-8787.sock\n');
    expect(bundled).toContain('curl -K /srv/data/curl-ci -X POST http://127.0.0.1:8787/v1/lease/demo/pull\n');
    expect(bundled).toContain('curl -K /srv/data/curl-admin http://127.0.0.1:8787/v1/admin/secrets\n');
    const real = readyText(
      { ...settings, jsonReady: false, logLevel: 'error', hubOrigin: 'https://hub.docker.com' },
      { ...embedded, hubOrigin: 'https://hub.docker.com' },
    );
    expect(real).toContain('https://hub.docker.com\n');
    expect(real).not.toMatch(/demo|fake|registry/i);
    const without = { ...embedded, socket: { problem: 'it cannot be made (ENOSPC)' } };
    expect(readyText({ ...settings, jsonReady: false, logLevel: 'error' }, without)).toContain(
      '  Unix socket  none: it cannot be made (ENOSPC)\n',
    );
  });
});

describe('a restart', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'after %s finds everything, and revokes on time what is open',
    async (signal) => {
      const edition = untilTestEnds(await openEdition());
      await setUp(edition);
      const kept = await lease(edition.ci, '1m');
      const short = await lease(edition.ci, '2s');
      const key = readFileSync(join(edition.dataFolder, 'key'), 'utf8');
      const credentials = readFileSync(join(edition.dataFolder, 'credentials'), 'utf8');
      await edition.restart(signal);
      expect(readFileSync(join(edition.dataFolder, 'key'), 'utf8')).toBe(key);
      expect(readFileSync(join(edition.dataFolder, 'credentials'), 'utf8')).toBe(credentials);
      expect((await edition.admin.call('getSecret', { name: 'ci/release' })).body.secret.allow).toEqual([CI_ARN]);
      expect((await edition.admin.call('getTarget', { name: 'acme-bot' })).body.target.status).toBe('ready');
      expect(await show(edition.ci, kept.lease.id)).toEqual(kept.lease);
      await until(
        'the short lease is revoked',
        async () => (await show(edition.ci, short.lease.id)).status === 'revoked',
      );
      expect(await mayPull(edition.hub, short.credential.username, short.credential.password)).toBe(false);
      expect(await mayPull(edition.hub, kept.credential.username, kept.credential.password)).toBe(true);
      // The credential survived too: a new lease needs no new password.
      expect((await lease(edition.ci, '1m')).lease.status).toBe('active');
      expect((await listAll(edition.ci)).length).toBe(3);
    },
  );

  it('takes up a lease that ended while nothing ran', async () => {
    const edition = untilTestEnds(await openEdition());
    await setUp(edition);
    const { lease: short } = await lease(edition.ci, '2s');
    await edition.end('SIGKILL');
    await until('the lease has ended', () => Date.parse(short.expiresAt) < Date.now());
    const token = () => ours(edition.hub).find(({ id }) => id === short.tokenId);
    expect(token()?.live).toBe(true);
    await edition.restart('SIGKILL');
    await until('its token is gone', () => token()?.deleted === true);
  });

  it('after a kill in the middle of a login logs in at once, to revoke and to mint', async () => {
    const edition = untilTestEnds(await openEdition());
    await setUp(edition);
    const { lease: open } = await lease(edition.ci, '1m');
    edition.hub.control.endSessions();
    edition.hub.control.setFaults([{ route: 'auth-token', kind: 'hold', count: 1 }]);
    const lost = edition.ci.call('revokeLease', { name: open.id }).catch((error: unknown) => error);
    await until('a login is under way', () => edition.hub.control.heldCount() === 1);
    await edition.restart('SIGKILL');
    expect(await lost).toBeInstanceOf(NoAnswerError);
    // For all that the record says the attempt that was cut off is still under way, so its owner is told to wait.
    expect((await edition.ci.call('revokeLease', { name: open.id })).status).toBeOneOf([200, 202]);
    await until('its token is gone', () => ours(edition.hub).find(({ id }) => id === open.tokenId)?.deleted === true);
    expect((await lease(edition.ci, '1m')).lease.status).toBe('active');
  });

  it('with a key that was lost refuses rather than forget its tokens, and a restored key is as good as ever', async () => {
    const edition = untilTestEnds(await openEdition());
    await setUp(edition);
    const path = join(edition.dataFolder, 'key');
    const key = readFileSync(path);
    await edition.end('SIGTERM');
    rmSync(path);
    await expect(edition.restart('SIGTERM')).rejects.toThrow(/the file key that opens them is missing/);
    writeFileSync(path, key, { mode: 0o600 });
    await edition.restart('SIGTERM');
    expect((await lease(edition.ci, '1m')).lease.status).toBe('active');
    expect((await problemOf(edition.other.call('mintLease', { name: 'ci/release' }))).status).toBe(403);
  });
});

function overwrite(path: string, from: number, bytes: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(bytes, 0x5a), 0, bytes, from);
  closeSync(file);
}

/** Addresses on which a process listens, as Linux tells them: its sockets' inodes, looked up in the tables of TCP. */
function listening(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode === undefined ? [] : [inode];
    }),
  );
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1),
  );
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode ?? ''))
    .map(([, local]) => addressOf(local ?? ''))
    .sort();
}

/** A descriptor may be closed while they are read. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** `0100007F:1F90` is 127.0.0.1:8080; an address of IPv6 stays as it is. Source: proc_pid_net(5). */
function addressOf(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const shown = address.length === 8 ? [...Buffer.from(address, 'hex')].reverse().join('.') : address;
  return `${shown}:${Number.parseInt(port, 16)}`;
}
