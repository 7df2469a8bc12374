import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFakeHub } from '../../fake-hub/server.ts';
import { bearerOf, call, createPat, exchange, login, openFake, totpCode } from './client.ts';

const MAIN = fileURLToPath(new URL('../../fake-hub/main.ts', import.meta.url));

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fake-hub-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function spawnMain(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

async function readyLine(child: ChildProcess): Promise<{ url: string; port: number; pid: number }> {
  if (child.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error('ended before it was ready');
}

async function outcome(child: ChildProcess): Promise<{ code: number | null; complaint: string }> {
  let complaint = '';
  child.stderr?.on('data', (chunk) => {
    complaint += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, complaint };
}

describe('the data file of the fake Docker Hub', () => {
  test('a token whose create was answered survives a SIGKILL, and so do its session and a deletion', async () => {
    const dataFile = join(temporaryFolder(), 'data', 'hub.sqlite');
    const args = ['--port', '0', '--data', dataFile, '--json-ready'];
    const first = spawnMain(...args);
    const killed = await readyLine(first);
    const bearer = (await login(killed, 'demo', 'demo-password')).body.access_token;
    const gone = (await createPat(killed, bearer)).body;
    await call(killed, 'DELETE', `/v2/access-tokens/${gone.uuid}`, { bearer });
    const kept = (await createPat(killed, bearer, { token_label: 'kept' })).body;
    first.kill('SIGKILL');
    await once(first, 'exit');

    const second = await readyLine(spawnMain(...args));
    expect((await exchange(second, 'demo', kept.token)).status).toBe(200);
    expect((await exchange(second, 'demo', gone.token)).status).toBe(401);
    const list = await call(second, 'GET', '/v2/access-tokens', { bearer });
    expect(list.body.results).toMatchObject([{ uuid: kept.uuid, token_label: 'kept' }]);
    const { body } = await call(second, 'GET', '/_fake/deletions');
    expect(body.deletions).toMatchObject([{ id: gone.uuid, by: 'demo' }]);
  });

  test("holds no token and is its owner's alone", async () => {
    const dataFile = join(temporaryFolder(), 'hub.sqlite');
    const hub = await openFake({ dataFile });
    const { token } = (await createPat(hub, await bearerOf(hub))).body;
    await hub.close();
    expect(readFileSync(dataFile).includes(token)).toBe(false);
    expect(statSync(dataFile).mode & 0o777).toBe(0o600);
  });

  test('keeps patches, lockouts and used TOTP codes, and forgets them on reset', async () => {
    const dataFile = join(temporaryFolder(), 'hub.sqlite');
    const before = await openFake({ dataFile, loginFailureLimit: 1 });
    const bearer = await bearerOf(before);
    const { uuid } = (await createPat(before, bearer)).body;
    await call(before, 'PATCH', `/v2/access-tokens/${uuid}`, { bearer, body: { token_label: 'two' } });
    await login(before, 'ann', 'wrong');
    const enter = async (hub: { url: string; nowMs(): number }) => {
      const first = await call(hub, 'POST', '/v2/users/login', { body: { username: 'tia', password: 'tia-password' } });
      const { login_2fa_token } = first.body;
      const body = { login_2fa_token, code: totpCode(hub.nowMs()) };
      return (await call(hub, 'POST', '/v2/users/2fa-login', { body })).status;
    };
    expect(await enter(before)).toBe(200);
    await before.close();

    const after = await openFake({ dataFile });
    expect(after.control.tokens()).toMatchObject([{ id: uuid, label: 'two' }]);
    expect(after.control.patches()).toMatchObject([{ id: uuid, fields: ['label'] }]);
    expect((await login(after, 'ann', 'ann-password')).status).toBe(429);
    expect(await enter(after)).toBe(401);
    after.control.reset();
    await after.close();

    const fresh = await openFake({ dataFile });
    expect([fresh.control.tokens(), fresh.control.patches()]).toEqual([[], []]);
    expect(await enter(fresh)).toBe(200);
  });

  test('belongs to one process at a time', async () => {
    const dataFile = join(temporaryFolder(), 'hub.sqlite');
    await openFake({ dataFile });
    await expect(startFakeHub({ accounts: [], dataFile })).rejects.toThrow();
  });
});

describe('the fake Docker Hub as a program', () => {
  test('says that it is a fake, and ends on SIGTERM', async () => {
    const child = spawnMain('--port', '0');
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    await once(child.stdout ?? child, 'data');
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    expect(said).toMatch(/^Fake Docker Hub \(not Docker's\) on http:\/\/127\.0\.0\.1:\d+\n$/);
    expect(code).toBe(0);
  });

  test('takes its accounts from a configuration file', async () => {
    const config = join(temporaryFolder(), 'config.json');
    writeFileSync(config, JSON.stringify({ accounts: [{ username: 'eve', password: 'eve-password' }] }));
    const hub = await readyLine(spawnMain('--port', '0', '--config', config, '--json-ready'));
    expect((await login(hub, 'eve', 'eve-password')).status).toBe(200);
  });

  test('a damaged data file is left as it is, with one clear line', async () => {
    const dataFile = join(temporaryFolder(), 'hub.sqlite');
    const damaged = 'no database at all, and longer than the header of one would be'.repeat(20);
    writeFileSync(dataFile, damaged);
    const { code, complaint } = await outcome(spawnMain('--port', '0', '--data', dataFile));
    expect([code, complaint]).toEqual([1, 'fake Docker Hub: the data file is damaged, unwritable or in use\n']);
    expect(readFileSync(dataFile, 'utf8')).toBe(damaged);
  });

  test('a taken port, a wrong flag and a wrong configuration each get one clear line', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void holder.close());
    await once(holder, 'listening');
    const address = holder.address();
    const port = String(typeof address === 'object' ? address?.port : 0);
    const config = join(temporaryFolder(), 'config.json');
    writeFileSync(config, '{"accounts":[{"username":"eve"}]}');
    const complaints = await Promise.all(
      [
        ['--port', port],
        ['--port', 'x'],
        ['--colour', 'red'],
        ['--config', `${config}.none`],
        ['--config', config],
      ].map(async (args) => (await outcome(spawnMain(...args))).complaint),
    );
    expect(complaints).toEqual([
      'fake Docker Hub: the port is taken\n',
      'fake Docker Hub: --port is a number from 0 to 65535\n',
      'fake Docker Hub: usage: node fake-hub/main.ts [--port N] [--data FILE] [--config FILE] [--json-ready]\n',
      'fake Docker Hub: --config names no readable JSON file\n',
      'fake Docker Hub: --config: each of "accounts" needs a "username" and a "password"\n',
    ]);
  });
});
