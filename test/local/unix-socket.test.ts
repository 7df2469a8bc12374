import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hubleaseClient } from '../../client/client.ts';
import { spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { type FrontDoor, startFrontDoor } from '../../local/front-door/front-door.ts';
import { openProfiles, type Profile } from '../../local/front-door/profiles.ts';
import { profilesOf, tempFolder, until, untilTestEnds } from './harness.ts';
import { sign } from './signing.ts';

const run = promisify(execFile);
const hasCurl = await run('curl', ['--help', 'all']).then(
  ({ stdout }) => stdout.includes('--aws-sigv4') && stdout.includes('--unix-socket'),
  () => false,
);

/** A folder as an edition has it for itself. */
function dataFolder(): string {
  const path = join(untilTestEnds(tempFolder()).path, 'data');
  mkdirSync(path, { mode: 0o700 });
  return path;
}

async function open(
  folder: string,
  port = 0,
): Promise<{ door: FrontDoor; events: APIGatewayProxyEvent[]; ci: Profile }> {
  const profiles = await openProfiles(folder);
  const events: APIGatewayProxyEvent[] = [];
  const door = await startFrontDoor({
    port,
    socketFolder: folder,
    profiles,
    nowMs: Date.now,
    route: () => undefined,
    log: () => {},
    dispatch: async (event) => {
      events.push(event);
      return { statusCode: 200, body: '{}' };
    },
  });
  onTestFinished(() => door.close());
  return { door, events, ci: profiles[1] as Profile };
}

function pathOf({ socket }: FrontDoor): string {
  if ('problem' in socket) throw new Error(socket.problem);
  return socket.path;
}

function problemOf({ socket }: FrontDoor): string {
  return 'problem' in socket ? socket.problem : '';
}

const socketsIn = (folder: string) => readdirSync(folder).filter((name) => lstatSync(join(folder, name)).isSocket());

/** Sends a signed request by a Unix socket. */
async function askBy(socketPath: string, keys: Profile, host: string): Promise<number | undefined> {
  const { method, path, headers } = await sign(keys, { method: 'GET', path: '/v1/leases' }, Date.now(), { host });
  const req = request({ socketPath, method, path, headers: headers.flat(), agent: false }).end();
  const [res] = await once(req, 'response');
  res.resume();
  return res.statusCode;
}

describe('the Unix socket of a front door', () => {
  it('is in the data folder, with the port in its name, for its owner alone', async () => {
    const folder = dataFolder();
    const { door } = await open(folder);
    expect(pathOf(door)).toBe(join(folder, `hublease-${door.port}.sock`));
    expect(lstatSync(pathOf(door)).mode & 0o777).toBe(0o600);
    expect(socketsIn(folder)).toEqual([`hublease-${door.port}.sock`]);
  });

  it('answers what is signed for the same host as over TCP, and nothing else', async () => {
    const { door, events, ci } = await open(dataFolder());
    expect(await askBy(pathOf(door), ci, `127.0.0.1:${door.port}`)).toBe(200);
    expect(events[0]?.requestContext).toMatchObject({ domainName: `127.0.0.1:${door.port}` });
    expect(events[0]?.requestContext.identity).toMatchObject({ sourceIp: '127.0.0.1', userArn: ci.userArn });
    expect(await askBy(pathOf(door), ci, 'localhost')).toBe(403);
    expect(await askBy(pathOf(door), { ...ci, secretAccessKey: 'x'.repeat(40) }, `127.0.0.1:${door.port}`)).toBe(403);
    expect(events).toHaveLength(1);
  });

  it('is gone after the door was closed, and its callers were answered', async () => {
    const folder = dataFolder();
    const { door } = await open(folder);
    await door.close();
    expect(socketsIn(folder)).toEqual([]);
  });

  it('is not left, nor any draft of it, by a start that found its port taken', async () => {
    const folder = dataFolder();
    const { door } = await open(dataFolder());
    await expect(open(folder, door.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(socketsIn(folder)).toEqual([]);
  });

  it('takes the place of one that a killed process left, and removes those on other ports', async () => {
    const folder = dataFolder();
    const first = await open(folder);
    await first.door.close();
    const names = [`hublease-${first.door.port}.sock`, 'hublease-9.sock', '.hublease-0123abcd'];
    for (const name of names) await leaveSocket(join(folder, name));
    expect(socketsIn(folder)).toHaveLength(3);
    const { door, ci } = await open(folder, first.door.port);
    expect(socketsIn(folder)).toEqual([names[0]]);
    expect(await askBy(pathOf(door), ci, `127.0.0.1:${door.port}`)).toBe(200);
  });

  it.each<[string, (path: string, elsewhere: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'mine')],
    ['a folder', (path) => mkdirSync(path)],
    ['a link', (path, elsewhere) => symlinkSync(elsewhere, path)],
  ])('leaves alone %s of its name, and says so; the port is served', async (_, put) => {
    const folder = dataFolder();
    const { door } = await open(dataFolder());
    await door.close();
    const elsewhere = join(dataFolder(), 'elsewhere');
    writeFileSync(elsewhere, 'mine');
    const path = join(folder, `hublease-${door.port}.sock`);
    put(path, elsewhere);
    const before = lstatSync(path).ino;
    const { door: next } = await open(folder, door.port);
    expect(problemOf(next)).toBe(`hublease-${door.port}.sock is in the way and is no socket`);
    expect(lstatSync(path).ino).toBe(before);
    expect(readFileSync(elsewhere, 'utf8')).toBe('mine');
    expect(socketsIn(folder)).toEqual([]);
    expect((await fetch(next.url)).status).toBe(403);
  });

  it('is left out where its path would be cut, and the port is served', async () => {
    const folder = join(dataFolder(), 'x'.repeat(80));
    mkdirSync(folder, { mode: 0o700 });
    const { door } = await open(folder);
    expect(problemOf(door)).toMatch(/^the path of the data folder is \d+ bytes too long for one$/);
    expect(socketsIn(folder)).toEqual([]);
    expect((await fetch(door.url)).status).toBe(403);
  });

  // Another user than root is refused.
  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'is closed to other users, even where the folder is open to them',
    async () => {
      const folder = dataFolder();
      const { door } = await open(folder);
      for (const path of [folder, join(folder, '..')]) chmodSync(path, 0o755);
      const script = `require('net').connect(${JSON.stringify(pathOf(door))}).on('error', (e) => console.log(e.code)).on('connect', () => console.log('in'))`;
      const { stdout } = await run(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, timeout: 20_000 });
      expect(stdout).toBe('EACCES\n');
    },
  );
});

/** Leaves a socket on which nobody listens, as a process does that is killed. */
async function leaveSocket(path: string): Promise<void> {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await run(process.execPath, ['-e', code]).catch(() => {});
}

describe('an edition', () => {
  it('says with --json-ready where its socket is, and a new one serves after a kill', async () => {
    const data = dataFolder();
    const first = await spawnEmbedded(['--port', '0', '--data', data]);
    onTestFinished(() => first.end('SIGKILL'));
    const port = new URL(first.endpoint).port;
    expect(first.socket).toBe(join(data, `hublease-${port}.sock`));
    await first.end('SIGKILL');
    expect(socketsIn(data)).toEqual([`hublease-${port}.sock`]);
    const second = await spawnEmbedded(['--port', '0', '--data', data]);
    onTestFinished(() => second.end('SIGKILL'));
    expect(socketsIn(data)).toEqual([`hublease-${new URL(second.endpoint).port}.sock`]);
    await second.end('SIGTERM');
    expect(socketsIn(data)).toEqual([]);
  });

  it.skipIf(!hasCurl)('answers curl with the same configuration by its port and by its socket', async () => {
    const data = dataFolder();
    const edition = await spawnEmbedded(['--port', '0', '--data', data]);
    onTestFinished(() => edition.end('SIGKILL'));
    const common = ['-K', join(data, 'curl-ci'), '-o', join(data, 'answer'), '-w', '%{http_code}'];
    for (const way of [[], ['--unix-socket', edition.socket as string]]) {
      const { stdout } = await run('curl', [...common, ...way, `${edition.endpoint}/leases`]);
      expect(stdout).toBe('200');
    }
  });

  it('keeps its data folder out of Git, and a .gitignore that is there as it is', async () => {
    const data = dataFolder();
    const first = await spawnEmbedded(['--port', '0', '--data', data]);
    await first.end('SIGTERM');
    const path = join(data, '.gitignore');
    expect(readFileSync(path, 'utf8')).toBe('*\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, '*\n!notes\n');
    const second = await spawnEmbedded(['--port', '0', '--data', data]);
    await second.end('SIGTERM');
    expect(readFileSync(path, 'utf8')).toBe('*\n!notes\n');
  });

  it('does not honour what another program was sent on its port while it was down', async () => {
    const data = dataFolder();
    const first = await spawnEmbedded(['--port', '0', '--data', data]);
    const port = Number(new URL(first.endpoint).port);
    const { 'hublease-ci': credentials } = await profilesOf(data);
    const mint = () =>
      hubleaseClient({ endpoint: first.endpoint, credentials, timeoutMs: 10_000 }).call('mintLease', {
        name: 'demo/pull',
      });
    expect((await mint()).status).toBe(201);
    await first.end('SIGKILL');

    let captured = '';
    const squatter = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        captured += bytes;
        socket.destroy();
      });
    });
    squatter.listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    await expect(mint()).rejects.toThrow('could not be reached');
    const atMs = Date.now();
    squatter.close();
    await once(squatter, 'close');

    await until('its second is over', () => Math.floor(Date.now() / 1_000) > Math.floor(atMs / 1_000));
    const second = await spawnEmbedded(['--port', String(port), '--data', data]);
    onTestFinished(() => second.end('SIGKILL'));
    const answer = await sendRaw(port, captured);
    expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*"code":"signed_before_start"/);
    expect((await mint()).status).toBe(201);
  });
});

async function sendRaw(port: number, text: string): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.end(text);
  let answer = '';
  for await (const bytes of socket) answer += bytes;
  return answer;
}
