import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { tempFolder, untilTestEnds } from '../local/harness.ts';
import { type Bundle, bundleCli } from './bundle.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
let bundle: Bundle;
/** A data folder with the edition's keys, for a socket that is watched. */
let folder: string;
beforeAll(async () => {
  [terminal, bundle] = await Promise.all([openTerminal(), bundleCli()]);
});
afterAll(async () => {
  bundle.close();
  await terminal.close();
});
beforeEach(() => {
  folder = join(untilTestEnds(tempFolder()).path, 'data');
  mkdirSync(folder, { mode: 0o700 });
  copyFileSync(join(terminal.edition.dataFolder, 'credentials'), join(folder, 'credentials'));
});

/** Hands everything on to the edition's port, and counts. */
async function watch(
  listen: (server: Server, listening: () => void) => void,
): Promise<{ count: number; port: number }> {
  const watched = { count: 0, port: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    watched.count += 1;
    const onward = connect(terminal.edition.port, '127.0.0.1');
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on('error', () => {});
    }
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => listen(server, resolve));
  watched.port = (server.address() as AddressInfo).port ?? 0;
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return watched;
}

const socketPath = (port = terminal.edition.port) => join(folder, `hublease-${port}.sock`);

async function watchSocket(path = socketPath(), mode = 0o600) {
  const watched = await watch((server, listening) => server.listen(path, listening));
  chmodSync(path, mode);
  return watched;
}

const canI = (env: Record<string, string | undefined> = {}) =>
  terminal.start(bundle.hublease, ['can-i', 'ci/release'], {
    env: { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), ...env },
  }).ended;

const YES = { code: 0, stdout: 'yes\n', stderr: '' };

describe('the Unix socket of an edition', () => {
  test('beside the credentials in use is what the command line asks by', async () => {
    const watched = await watchSocket();
    expect(await canI()).toEqual(YES);
    expect(watched.count).toBe(1);
  });

  test('is what the credential helper asks by', async () => {
    const watched = await watchSocket();
    const env = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), HUBLEASE_SECRET: 'ci/release' };
    const { code } = await terminal.start(bundle.helper, ['get'], { env, stdin: 'docker.io' }).ended;
    expect({ code, count: watched.count }).toEqual({ code: 0, count: 1 });
    rmSync(join(terminal.home, '.cache'), { recursive: true });
  });

  test('is found where HUBLEASE_DATA says, whoever gave the keys', async () => {
    const watched = await watchSocket();
    const { accessKeyId, secretAccessKey } = terminal.edition.profiles['hublease-ci'];
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_PROFILE: undefined };
    expect(await canI({ ...keys, AWS_SHARED_CREDENTIALS_FILE: undefined, HUBLEASE_DATA: folder })).toEqual(YES);
    expect(watched.count).toBe(1);
  });

  test('is what the doctor looks at, and names', async () => {
    const watched = await watchSocket();
    const env = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') };
    const { stdout } = await terminal.start(bundle.hublease, ['doctor'], { env }).ended;
    expect(stdout).toContain(`the endpoint answers (by its Unix socket ${socketPath()})`);
    expect(watched.count).toBeGreaterThan(1);
  });

  test('on which nobody listens is not gone around: somebody else may listen on the port', async () => {
    const squatter = await watch((server, listening) => server.listen(0, '127.0.0.1', listening));
    const code = `require('net').createServer().listen(${JSON.stringify(socketPath(squatter.port))}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(() => execFileSync(process.execPath, ['-e', code])).toThrow();
    chmodSync(socketPath(squatter.port), 0o600);
    const { code: exitCode, stderr } = await canI({ HUBLEASE_ENDPOINT: `http://127.0.0.1:${squatter.port}/v1` });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(ECONNREFUSED)') });
    expect(squatter.count).toBe(0);
  });
});

describe('a Unix socket is not asked by', () => {
  test('when it belongs to another port', async () => {
    const watched = await watchSocket(socketPath(1));
    expect(await canI()).toEqual(YES);
    expect(watched.count).toBe(0);
  });

  test('when it is open to other users', async () => {
    const watched = await watchSocket(socketPath(), 0o666);
    expect(await canI()).toEqual(YES);
    expect(watched.count).toBe(0);
  });

  test('when it is a file', async () => {
    writeFileSync(socketPath(), '', { mode: 0o600 });
    expect(await canI()).toEqual(YES);
  });

  // Only root can give files away.
  test.runIf(process.getuid?.() === 0)('when it has another owner than the keys', async () => {
    const watched = await watchSocket();
    chownSync(socketPath(), 65_534, 65_534);
    expect(await canI()).toEqual(YES);
    expect(watched.count).toBe(0);
  });
});
