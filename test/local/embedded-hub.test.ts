import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startFakeHub } from '../../fake-hub/server.ts';
import { type Spawned, spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { ACCOUNT, clientsOf, lease, profilesOf, runToEnd, setUp, tempFolder, untilTestEnds } from './harness.ts';

/** A way to a Docker Hub. It counts the connections that are made to it. */
interface Way {
  readonly url: string;
  readonly connections: () => number;
}

/** Leads to a fake Docker Hub outside of the edition. */
async function openWay(): Promise<Way> {
  const hub = untilTestEnds(await startFakeHub({ accounts: [ACCOUNT], expireTokens: false }));
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    const onwards = connect(Number(new URL(hub.url).port), '127.0.0.1');
    for (const [from, to] of [
      [socket, onwards],
      [onwards, socket],
    ] as const) {
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    connections: () => connections,
  };
}

function dataFolder(): string {
  return join(untilTestEnds(tempFolder()).path, 'data');
}

async function start(data: string, ...flags: string[]): Promise<Spawned> {
  const run = await spawnEmbedded(['--port', '0', '--data', data, ...flags]);
  onTestFinished(() => run.end('SIGKILL'));
  return run;
}

/** A target with a password and a lease that is still open: what the next start would send to its Docker Hub. */
async function leaveWork(run: Spawned, data: string): Promise<void> {
  const { 'hublease-admin': admin, 'hublease-ci': ci } = clientsOf(run, await profilesOf(data));
  await setUp({ admin });
  await lease(ci, '1m');
}

async function expectRefusal(
  data: string,
  flags: readonly string[],
  belongsTo: string,
  command: string,
): Promise<void> {
  const { code, stdout, stderr } = await runToEnd('local/main.ts', ['--port', '0', '--data', data, ...flags]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^hublease: cannot use the data folder [^\n]+\n$/);
  expect(stderr).toContain(`it belongs to ${belongsTo}. For `);
  expect(stderr).toContain(`use another folder: ${command} `);
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('after %s a data folder', (signal) => {
  it('of the bundled fake is refused to another Docker Hub, which not one connection reaches', async () => {
    const [data, way] = [dataFolder(), await openWay()];
    await (await start(data)).end(signal);
    const command = `npm start -- --hub ${way.url} --data ${data}-hub`;
    for (let again = 0; again < 2; again++) {
      await expectRefusal(data, ['--hub', way.url], 'the bundled fake Docker Hub', command);
    }
    expect(way.connections()).toBe(0);
    await start(data);
  });

  it('of another Docker Hub is refused to the bundled fake, and to a third, and neither is spoken to', async () => {
    const [data, way, third] = [dataFolder(), await openWay(), await openWay()];
    const run = await start(data, '--hub', way.url);
    await leaveWork(run, data);
    await run.end(signal);
    const before = way.connections();
    await expectRefusal(data, [], way.url, `npm start -- --data ${data}-fake`);
    await expectRefusal(data, ['--hub', third.url], way.url, `npm start -- --hub ${third.url} --data ${data}-hub`);
    expect(existsSync(join(data, 'fake-docker-hub.sqlite'))).toBe(false);
    expect({ before: way.connections(), third: third.connections() }).toEqual({ before, third: 0 });
    await start(data, '--hub', way.url);
  });
});

describe('a data folder of the bundled fake', () => {
  it('is the bundled fake’s on whatever port that listens', async () => {
    const data = dataFolder();
    const first = await start(data);
    await first.end('SIGKILL');
    const second = await start(data);
    expect(second.hub).not.toBe(first.hub);
    const { 'hublease-ci': ci } = clientsOf(second, await profilesOf(data));
    expect((await ci.call('mintLease', { name: 'demo/pull' })).status).toBe(201);
  });

  it('that a former version left without a record is refused to another Docker Hub all the same', async () => {
    const [data, way] = [dataFolder(), await openWay()];
    await (await start(data)).end('SIGTERM');
    const database = new DatabaseSync(join(data, 'hublease.sqlite'));
    expect(database.prepare("DELETE FROM meta WHERE name = 'docker_hub'").run().changes).toBe(1);
    database.close();
    const command = `npm start -- --hub ${way.url} --data ${data}-hub`;
    await expectRefusal(data, ['--hub', way.url], 'the bundled fake Docker Hub', command);
    expect(way.connections()).toBe(0);
  });

  it('goes on beside that of another Docker Hub, each with a folder of its own, as the refusal says', async () => {
    const [data, way] = [dataFolder(), await openWay()];
    await start(data);
    const run = await start(`${data}-hub`, '--hub', way.url);
    await leaveWork(run, `${data}-hub`);
    expect(way.connections()).toBeGreaterThan(0);
  });
});
