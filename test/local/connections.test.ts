import { connect, type Socket } from 'node:net';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FrontDoor, startFrontDoor } from '../../local/front-door/front-door.ts';
import { openProfiles, type Profile } from '../../local/front-door/profiles.ts';
import { tempFolder, until } from './harness.ts';
import { type Draft, send, sign } from './signing.ts';

const LIST: Draft = { method: 'GET', path: '/v1/leases' };
/** As many as the front door holds. */
const ALL = 512;

const folder = tempFolder();
let profiles: readonly Profile[];
let door: FrontDoor;
/** Answers the requests that are being worked on. */
let answers: (() => void)[];
let sockets: Socket[];

beforeAll(async () => {
  profiles = await openProfiles(folder.path);
});
afterAll(() => folder.close());
beforeEach(async () => {
  answers = [];
  sockets = [];
  door = await startFrontDoor({
    port: 0,
    profiles,
    nowMs: Date.now,
    route: () => undefined,
    log: () => {},
    dispatch: ({ path }) =>
      path === '/slow'
        ? new Promise<APIGatewayProxyResult>((resolve) =>
            answers.push(() => resolve({ statusCode: 200, body: 'slow' })),
          )
        : Promise.resolve({ statusCode: 200, body: '' }),
  });
  return async () => {
    for (const socket of sockets) socket.destroy();
    for (const answer of answers) answer();
    await door.close();
  };
});

/** A connection that says so much and no more. */
async function say(text: string): Promise<Socket> {
  const socket = connect(door.port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  await new Promise((resolve) => socket.once('connect', resolve));
  if (text !== '') await new Promise((resolve) => socket.write(text, resolve));
  return socket;
}

async function signed(draft: Draft): Promise<Awaited<ReturnType<typeof sign>>> {
  return sign(profiles[1] as Profile, draft, Date.now(), { host: `127.0.0.1:${door.port}` });
}

async function ask(draft = LIST): Promise<number> {
  return (await send(door.port, await signed(draft))).status;
}

describe('when every connection is taken', () => {
  it.each([
    ['that said nothing', ''],
    ['with half a header', 'GET /v1/leases HTTP/1.1\r\nhost: '],
    ['with half a body and no signature', 'POST /v1/lease/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab'],
  ])('by one %s, a signed request is answered at once', async (_, text) => {
    const taken = await Promise.all(Array.from({ length: ALL }, () => say(text)));
    const startedAtMs = performance.now();
    expect(await ask()).toBe(200);
    // Far below the 10 s after which a silent connection is ended anyway.
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    await until('one was ended', () => taken.some(({ destroyed, readableEnded }) => destroyed || readableEnded));
    expect(taken.filter(({ destroyed, readableEnded }) => destroyed || readableEnded)).toHaveLength(1);
  });

  it('the oldest that has sent no whole header goes first, before any that has', async () => {
    const body = await say('POST /v1/lease/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab');
    const idle = await say('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await new Promise((resolve) => idle.once('data', resolve));
    const oldest = await say('GET /');
    const rest: Socket[] = [];
    for (let count = 3; count < ALL; count++) rest.push(await say(''));
    expect(await ask()).toBe(200);
    await until('the oldest was ended', () => oldest.destroyed);
    expect([body, idle, ...rest].filter(({ destroyed }) => destroyed)).toEqual([]);
  });

  it('those whose requests are being worked on stay, and the new one is ended', async () => {
    const wire = await signed({ method: 'GET', path: '/v1/slow' });
    const slow = Array.from({ length: ALL }, () => send(door.port, wire));
    await until('all are being worked on', () => answers.length === ALL);
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNRESET' });
    for (const answer of answers) answer();
    expect((await Promise.all(slow)).every(({ status, body }) => status === 200 && body === 'slow')).toBe(true);
  });

  it('one whose request is being worked on stays while its client sends half of the next', async () => {
    const wire = await signed({ method: 'GET', path: '/v1/slow' });
    const text = `GET /v1/slow HTTP/1.1\r\n${wire.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    const busy = await say(`${text}POST /v1/lease/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab`);
    await until('it is being worked on', () => answers.length === 1);
    await Promise.all(Array.from({ length: ALL + 20 }, () => say('')));
    expect(await ask()).toBe(200);
    expect(busy.destroyed).toBe(false);
    const answered = new Promise<string>((resolve) => busy.once('data', (bytes: Buffer) => resolve(String(bytes))));
    answers[0]?.();
    expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
  });
});
