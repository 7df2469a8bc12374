import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type FrontDoor, type FrontDoorOptions, startFrontDoor } from '../../local/front-door/front-door.ts';
import { openProfiles, type Profile } from '../../local/front-door/profiles.ts';
import { type Answer, type Draft, send, sign } from './signing.ts';

const LIST: Draft = { method: 'GET', path: '/v1/leases' };
/** Within a second, so that its first millisecond is another instant. */
const READY_MS = Date.parse('2026-11-21T09:30:00.700Z');

let dataDir: string;
let profiles: readonly Profile[];
let ci: Profile;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hublease-own-requests-'));
  profiles = await openProfiles(dataDir);
  ci = profiles[1] as Profile;
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** A front door with two clocks: one that tests set, and one that tells how long it has listened. */
async function open(options: Partial<FrontDoorOptions> = {}) {
  const clocks = { nowMs: READY_MS, steadyMs: 0 };
  const door = await startFrontDoor({
    port: 0,
    profiles,
    nowMs: () => clocks.nowMs,
    steadyMs: () => clocks.steadyMs,
    route: () => undefined,
    log: () => {},
    dispatch: async () => ({ statusCode: 200, body: '{}' }),
    ...options,
  });
  onTestFinished(() => door.close());
  return { door, clocks };
}

async function codeOf(answer: Promise<Answer>): Promise<string | number> {
  const { status, body } = await answer;
  return status === 200 ? status : JSON.parse(body).code;
}

async function ask({ port }: FrontDoor, atMs: number, host = `127.0.0.1:${port}`): Promise<string | number> {
  return codeOf(send(port, await sign(ci, LIST, atMs, { host })));
}

describe('a request that was signed before the door listened', () => {
  it.each([
    ['a second before', -1_000],
    ['a minute before', -60_000],
  ])('%s is refused, though its signature is current', async (_, offsetMs) => {
    const { door } = await open();
    const wire = await sign(ci, LIST, READY_MS + offsetMs, { host: `127.0.0.1:${door.port}` });
    const answer = await send(door.port, wire);
    expect({ status: answer.status, code: JSON.parse(answer.body).code }).toEqual({
      status: 403,
      code: 'signed_before_start',
    });
    expect(JSON.parse(answer.body).detail).toMatch(/has listened since 2026-11-21T09:30:00.700Z. Sign it again.$/);
  });

  it('but in the same second is let in, for a signature has no more than its second', async () => {
    const { door } = await open();
    expect(await ask(door, READY_MS)).toBe(200);
  });

  it('is not repeated to a door that was started again on the same port', async () => {
    const first = await open();
    const wire = await sign(ci, LIST, READY_MS, { host: `127.0.0.1:${first.door.port}` });
    expect(await codeOf(send(first.door.port, wire))).toBe(200);
    await first.door.close();
    const { door } = await open({ port: first.door.port, nowMs: () => READY_MS + 300 });
    expect(await codeOf(send(door.port, wire))).toBe('signed_before_start');
  });

  it('without a signature that holds is refused for that alone', async () => {
    const { door } = await open();
    const host = `127.0.0.1:${door.port}`;
    const wire = await sign({ ...ci, secretAccessKey: 'x'.repeat(40) }, LIST, READY_MS - 60_000, { host });
    expect(await codeOf(send(door.port, wire))).toBe('signature_mismatch');
  });
});

describe('a door whose clock is set', () => {
  it.each([
    ['an hour back', -3_600_000],
    ['an hour forward', 3_600_000],
  ])('%s lets in what is signed by that clock, and still nothing from before it listened', async (_, byMs) => {
    const { door, clocks } = await open();
    clocks.steadyMs += 10_000;
    clocks.nowMs += 10_000 + byMs;
    expect(await ask(door, READY_MS + byMs + 10_000)).toBe(200);
    expect(await ask(door, READY_MS + byMs)).toBe(200);
    expect(await ask(door, READY_MS + byMs - 1_000)).toBe('signed_before_start');
  });
});

describe('a clock that is set while a request is checked', () => {
  it('does not make it one from before the door listened', async () => {
    let readings = 0;
    // One for the log, one by which the signature holds; from then on it is an hour later.
    const { door } = await open({ nowMs: () => (readings++ < 2 ? READY_MS : READY_MS + 3_600_000) });
    expect(await ask(door, READY_MS)).toBe(200);
  });
});

describe('a request for another host', () => {
  it.each(['127.0.0.1', '127.0.0.1:1', 'localhost', '[::1]:8787', '127.0.0.2:8787', 'hublease.example.com'])(
    '%s is refused, and told the right one',
    async (host) => {
      const { door } = await open();
      const { status, body } = await send(door.port, await sign(ci, LIST, READY_MS, { host }));
      expect({ status, code: JSON.parse(body).code }).toEqual({ status: 403, code: 'other_host' });
      expect(JSON.parse(body).detail).toContain(`http://127.0.0.1:${door.port}/v1`);
    },
  );

  it('localhost with the right port is refused too: another program may listen there on [::1]', async () => {
    const { door } = await open();
    expect(await ask(door, READY_MS, `localhost:${door.port}`)).toBe('other_host');
  });

  it('that was named at the start is let in, in any case', async () => {
    const { door } = await open({ acceptHosts: ['hublease.example.com', 'proxy:8443'] });
    expect(await ask(door, READY_MS, 'hublease.example.com')).toBe(200);
    expect(await ask(door, READY_MS, 'Proxy:8443')).toBe(200);
    expect(await ask(door, READY_MS)).toBe(200);
    expect(await ask(door, READY_MS, 'proxy')).toBe('other_host');
  });
});
