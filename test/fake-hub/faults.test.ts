import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { FAULT_KINDS, type FakeFault, seededRandom } from '../../fake-hub/faults.ts';
import { bearerOf, call, createPat, NOON_MS, openFake, type TestHub } from './client.ts';

/** Arms one fault on creates, creates, and says what came of it. */
async function createUnder(hub: TestHub, fault: object) {
  const bearer = await bearerOf(hub);
  hub.control.setFaults([{ route: 'pat-create', count: 1, ...fault } as FakeFault]);
  const reply = await createPat(hub, bearer).catch(() => 'reset' as const);
  return { reply, bearer, applied: hub.control.tokens().length === 1 };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('limits of the fake Docker Hub', () => {
  test('every answer has its name and the Date of its own clock', async () => {
    const hub = await openFake();
    hub.control.set({ clockOffsetMs: 90_000 });
    for (const path of ['/', '/v2/access-tokens', '/token', '/_fake/calls']) {
      const { headers } = await call(hub, 'GET', path);
      expect(headers.get('server')).toBe('hublease-fake-docker-hub');
      expect(headers.get('date')).toBe(new Date(NOON_MS + 90_000).toUTCString());
    }
  });

  test('API answers say how much of the minute is left, and the registry exchange does not', async () => {
    const hub = await openFake({ rateLimitPerMinute: 5 });
    const { headers } = await call(hub, 'GET', '/v2/access-tokens');
    expect(headers.get('x-ratelimit-limit')).toBe('5');
    expect(headers.get('x-ratelimit-remaining')).toBe('4');
    expect(headers.get('x-ratelimit-reset')).toBe(String(NOON_MS / 1_000 + 60));
    expect((await call(hub, 'GET', '/token')).headers.has('x-ratelimit-limit')).toBe(false);
  });

  test.each([
    ['seconds', 'retry-after', '50'],
    ['http-date', 'retry-after', new Date(NOON_MS + 60_000).toUTCString()],
    ['unix-time', 'x-retry-after', String(NOON_MS / 1_000 + 60)],
  ] as const)(
    'past the limit comes 429 until the minute ends, and says when as %s',
    async (retryAfterForm, name, value) => {
      const hub = await openFake({ rateLimitPerMinute: 2, retryAfterForm });
      const bearer = await bearerOf(hub);
      await createPat(hub, bearer);
      hub.advance(10_000);
      const refused = await createPat(hub, bearer);
      expect([refused.status, refused.body]).toEqual([429, { detail: 'Rate limit exceeded', error: false }]);
      expect(refused.headers.get(name)).toBe(value);
      expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
      expect(hub.control.tokens()).toHaveLength(1);
      hub.advance(50_000);
      expect((await createPat(hub, bearer)).status).toBe(201);
    },
  );

  test('a body past 64 KiB gets 413', async () => {
    const hub = await openFake();
    const body = { identifier: 'ann', secret: 'x'.repeat(64 * 1024) };
    expect((await call(hub, 'POST', '/v2/auth/token', { body })).status).toBe(413);
  });

  test('an unknown path is 404, a wrong method 405, a broken target 400', async () => {
    const hub = await openFake();
    expect((await call(hub, 'GET', '/v2/repositories')).status).toBe(404);
    expect((await call(hub, 'PUT', '/v2/access-tokens')).status).toBe(405);
    const status = await new Promise((resolve) => {
      request({ port: hub.port, host: '127.0.0.1', path: '//' }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(400);
  });
});

describe('faults of the fake Docker Hub', () => {
  test('latency is waited for, and several add up', async () => {
    const waits: number[] = [];
    const hub = await openFake({
      sleep: async (ms) => {
        waits.push(ms);
      },
    });
    hub.control.setFaults([
      { route: '*', kind: 'latency', latencyMs: 40 },
      { route: 'auth-token', kind: 'latency', latencyMs: 2 },
    ]);
    await createPat(hub, await bearerOf(hub));
    expect(waits).toEqual([42, 40]);
  });

  test('throttling applies nothing and says when to come again', async () => {
    const hub = await openFake();
    const { reply, applied } = await createUnder(hub, { kind: 'throttle', retryAfterSeconds: 7 });
    expect(reply).toMatchObject({ status: 429, body: { detail: 'Rate limit exceeded' } });
    expect(reply !== 'reset' && reply.headers.get('retry-after')).toBe('7');
    expect(applied).toBe(false);
  });

  test('a server error applies nothing, unless told to', async () => {
    const before = await createUnder(await openFake(), { kind: 'server-error', status: 503 });
    expect([before.reply, before.applied]).toMatchObject([{ status: 503 }, false]);
    const after = await createUnder(await openFake(), { kind: 'server-error', applied: true });
    expect([after.reply, after.applied]).toMatchObject([{ status: 500 }, true]);
  });

  test('a reset comes before or after the token is made', async () => {
    const before = await createUnder(await openFake(), { kind: 'reset-before' });
    expect([before.reply, before.applied]).toEqual(['reset', false]);
    const after = await createUnder(await openFake(), { kind: 'reset-after' });
    expect([after.reply, after.applied]).toEqual(['reset', true]);
  });

  test('a held request is applied at once and answered on release', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    hub.control.setFaults([{ route: 'pat-create', kind: 'hold' }]);
    const pending = createPat(hub, bearer);
    await until(() => hub.control.heldCount() === 1);
    expect(hub.control.tokens()).toHaveLength(1);
    expect(hub.control.release()).toBe(1);
    expect((await pending).status).toBe(201);
    expect(hub.control.heldCount()).toBe(0);
  });

  test('a client that gives up is held no longer, and closing ends the rest', async () => {
    const hub = await openFake();
    hub.control.setFaults([{ route: 'auth-token', kind: 'hold' }]);
    const abort = new AbortController();
    const gone = fetch(`${hub.url}/v2/auth/token`, { method: 'POST', signal: abort.signal }).catch(() => 'aborted');
    await until(() => hub.control.heldCount() === 1);
    abort.abort();
    expect(await gone).toBe('aborted');
    await until(() => hub.control.heldCount() === 0);
    const pending = bearerOf(hub).catch(() => 'reset');
    await until(() => hub.control.heldCount() === 1);
    await hub.close();
    await hub.close();
    expect(await pending).toBe('reset');
  });

  test('a late create is reset first and applied on release', async () => {
    const hub = await openFake();
    const { reply, applied } = await createUnder(hub, { kind: 'apply-late' });
    expect([reply, applied]).toEqual(['reset', false]);
    await until(() => hub.control.heldCount() === 1);
    expect(hub.control.release()).toBe(1);
    expect(hub.control.tokens()).toMatchObject([{ label: 'one', live: true }]);
  });

  test.each([
    ['html-challenge', 403, /^text\/html/, /^<!DOCTYPE html>/],
    ['edge-block', 403, /^text\/plain/, /^error code: 1010$/],
  ])('%s answers for the edge and applies nothing', async (kind, status, type, text) => {
    const { reply, applied } = await createUnder(await openFake(), { kind });
    expect(reply).toMatchObject({ status, text: expect.stringMatching(text) });
    expect(reply !== 'reset' && reply.headers.get('content-type')).toMatch(type);
    expect(applied).toBe(false);
  });

  test('a redirect points to another origin and applies nothing', async () => {
    const { reply, applied } = await createUnder(await openFake(), { kind: 'redirect' });
    expect(reply !== 'reset' && [reply.status, reply.headers.get('location')]).toEqual([
      307,
      'https://elsewhere.example.com/v2/access-tokens',
    ]);
    expect(applied).toBe(false);
    const location = 'http://127.0.0.1:1/trap';
    const own = await createUnder(await openFake(), { kind: 'redirect', location });
    expect(own.reply !== 'reset' && own.reply.headers.get('location')).toBe(location);
  });

  test('a true answer may come with a wrong type, padded, or cut in half', async () => {
    const wrongType = await createUnder(await openFake(), { kind: 'wrong-type' });
    expect(wrongType.reply !== 'reset' && wrongType.reply.headers.get('content-type')).toMatch(/^text\/html/);
    const padded = await createUnder(await openFake(), { kind: 'oversized', bytes: 100_000 });
    expect(padded.reply !== 'reset' && padded.reply.text.length).toBeGreaterThan(100_000);
    expect(padded.reply !== 'reset' && padded.reply.body.token_label).toBe('one');
    const cut = await createUnder(await openFake(), { kind: 'truncated' });
    expect(cut.reply).toMatchObject({ status: 201, body: undefined, text: expect.stringMatching(/^\{"uuid"/) });
    expect([wrongType.applied, padded.applied, cut.applied]).toEqual([true, true, true]);
  });

  test('an answer without a body gets one to be spoiled', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    for (const kind of ['truncated', 'oversized', 'wrong-type'] as const) {
      const { uuid } = (await createPat(hub, bearer)).body;
      hub.control.setFaults([{ route: 'pat-delete', kind }]);
      const reply = await call(hub, 'DELETE', `/v2/access-tokens/${uuid}`, { bearer });
      expect(reply.status).toBe(200);
      expect(reply.text).not.toBe('');
    }
    expect(hub.control.calls().deletes).toBe(3);
  });

  test('a fault strikes its route, as often as told, and then is gone', async () => {
    const hub = await openFake();
    hub.control.setFaults([{ route: 'pat-create', kind: 'server-error', count: 2 }]);
    const bearer = await bearerOf(hub);
    const statuses = [];
    for (let attempt = 0; attempt < 3; attempt++) statuses.push((await createPat(hub, bearer)).status);
    expect(statuses).toEqual([500, 500, 201]);
  });

  test('a fault with a probability follows the seed', async () => {
    const statusesOf = async (seed: number) => {
      const hub = await openFake({ seed });
      hub.control.setFaults([{ route: 'pat-list', kind: 'server-error', probability: 0.5 }]);
      const statuses = [];
      for (let attempt = 0; attempt < 20; attempt++)
        statuses.push((await call(hub, 'GET', '/v2/access-tokens')).status);
      return statuses;
    };
    const once = await statusesOf(7);
    expect(await statusesOf(7)).toEqual(once);
    expect(await statusesOf(8)).not.toEqual(once);
    expect(new Set(once)).toEqual(new Set([401, 500]));
    const random = seededRandom(7);
    const numbers = Array.from({ length: 1_000 }, random);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  });

  test('every kind of fault can be named over HTTP', async () => {
    const hub = await openFake();
    const faults = FAULT_KINDS.map((kind) => ({
      route: 'pat-get',
      kind,
      ...(kind === 'latency' ? { latencyMs: 1 } : {}),
    }));
    expect((await call(hub, 'PUT', '/_fake/faults', { body: { faults } })).status).toBe(200);
  });
});
