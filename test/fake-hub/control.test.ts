import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { bearerOf, call, createPat, exchange, login, openFake } from './client.ts';

describe('the control of the fake Docker Hub', () => {
  test('lists tokens with all that a test needs and without their values', async () => {
    const hub = await openFake();
    const created = (await createPat(hub, await bearerOf(hub), { expires_at: '2030-05-01T13:00:00Z' })).body;
    expect(hub.control.tokens()).toMatchObject([
      {
        id: created.uuid,
        account: 'ann',
        kind: 'pat',
        label: 'one',
        createdAtMs: hub.nowMs(),
        expiresAtMs: hub.nowMs() + 3_600_000,
        isActive: true,
        foreign: false,
        deleted: false,
        live: true,
      },
    ]);
    expect(JSON.stringify(hub.control.tokens())).not.toContain(created.token);
  });

  test("makes somebody else's token, which works and shows as foreign", async () => {
    const hub = await openFake();
    const { id, token } = hub.control.createForeignToken({
      account: 'ann',
      kind: 'pat',
      label: 'mine',
      createdAtMs: 5,
    });
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
    const { body } = await call(hub, 'GET', '/v2/access-tokens', { bearer: await bearerOf(hub) });
    expect(body.results).toMatchObject([{ uuid: id, created_at: '1970-01-01T00:00:00.005000Z' }]);
    expect(hub.control.tokens()).toMatchObject([{ id, foreign: true }]);
  });

  test('counts calls by route, logins by user name, creates, deletes and lists', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const { uuid } = (await createPat(hub, bearer)).body;
    await createPat(hub, bearer, { scopes: [] });
    await call(hub, 'DELETE', `/v2/access-tokens/${uuid}`, { bearer });
    await call(hub, 'DELETE', `/v2/access-tokens/${uuid}`, { bearer });
    await call(hub, 'GET', '/v2/access-tokens', { bearer });
    await login(hub, 'who', 'knows');
    expect(hub.control.calls()).toMatchObject({
      routes: { 'auth-token': 2, 'pat-create': 2, 'pat-delete': 2, 'pat-list': 1, 'oat-list': 0 },
      logins: { ann: { succeeded: 1, failed: 0 }, '(unknown)': { succeeded: 0, failed: 1 } },
      creates: 1,
      deletes: 1,
      lists: 1,
    });
  });

  test('changes a password and ends sessions while the fake runs', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    expect(hub.control.setPassword('ann', 'new')).toBe(true);
    expect(hub.control.setPassword('none', 'new')).toBe(false);
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(401);
    expect((await login(hub, 'ann', 'new')).status).toBe(200);
    expect((await createPat(hub, bearer)).status).toBe(201);
    hub.control.endSessions();
    expect((await createPat(hub, bearer)).status).toBe(401);
  });

  test('a reset forgets everything and restores the settings of the start', async () => {
    const hub = await openFake({ loginFailureLimit: 1 });
    await createPat(hub, await bearerOf(hub));
    await login(hub, 'ann', 'wrong');
    hub.control.set({ expireTokens: false });
    hub.control.setFaults([{ route: '*', kind: 'server-error' }]);
    hub.control.reset();
    expect(hub.control.tokens()).toEqual([]);
    expect(hub.control.settings().expireTokens).toBe(true);
    expect(hub.control.calls()).toMatchObject({ logins: {}, creates: 0, lists: 0 });
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
  });

  test('does the same over HTTP', async () => {
    const hub = await openFake();
    const act = (method: string, what: string, body?: unknown) =>
      call(hub, method, `/_fake/${what}`, body === undefined ? {} : { body });
    const made = await act('POST', 'tokens', { account: 'ann', kind: 'pat', label: 'theirs', expiresAtMs: null });
    expect(made.body.token).toMatch(/^dckr_pat_/);
    const bearer = await bearerOf(hub);
    await call(hub, 'PATCH', `/v2/access-tokens/${made.body.id}`, { bearer, body: { is_active: false } });
    await call(hub, 'DELETE', `/v2/access-tokens/${made.body.id}`, { bearer });
    expect((await act('GET', 'tokens')).body.tokens).toMatchObject([{ id: made.body.id, deleted: true }]);
    expect((await act('GET', 'deletions')).body.deletions).toMatchObject([
      { id: made.body.id, by: 'ann', foreign: true },
    ]);
    expect((await act('GET', 'patches')).body.patches).toMatchObject([{ id: made.body.id, fields: ['isActive'] }]);
    expect((await act('GET', 'calls')).body.deletes).toBe(1);
    expect((await act('PATCH', 'settings', { expireTokens: false, deleteStatus: 202 })).body).toMatchObject({
      expireTokens: false,
      deleteStatus: 202,
    });
    await act('PUT', 'faults', { faults: [{ route: 'pat-list', kind: 'apply-late' }] });
    await call(hub, 'GET', '/v2/access-tokens', { bearer }).catch(() => 'reset');
    expect((await act('GET', 'state')).body).toMatchObject({ heldCount: 1, settings: { deleteStatus: 202 } });
    expect((await act('POST', 'release')).body).toEqual({ released: 1 });
    expect((await act('POST', 'password', { username: 'ann', password: 'new' })).status).toBe(200);
    expect((await act('POST', 'end-sessions')).status).toBe(200);
    expect((await act('POST', 'reset')).status).toBe(200);
    expect((await act('GET', 'tokens')).body.tokens).toEqual([]);
  });

  test.each([
    ['POST', 'tokens', { account: 'ann', kind: 'key', label: 'x' }],
    ['POST', 'tokens', { kind: 'pat', label: 'x' }],
    ['POST', 'tokens', { account: 'acme', kind: 'oat', label: 'x', resources: [{}] }],
    ['POST', 'tokens', { account: 'ann', kind: 'pat', label: 'x', createdAtMs: 'now' }],
    ['PUT', 'faults', {}],
    ['PUT', 'faults', { faults: [{ route: 'all', kind: 'hold' }] }],
    ['PUT', 'faults', { faults: [{ route: '*', kind: 'fire' }] }],
    ['PUT', 'faults', { faults: [{ route: '*', kind: 'latency' }] }],
    ['PUT', 'faults', { faults: [{ route: '*', kind: 'hold', probability: 2 }] }],
    ['PUT', 'faults', { faults: [{ route: '*', kind: 'hold', count: 0 }] }],
    ['PUT', 'faults', { faults: [{ route: '*', kind: 'server-error', status: 200 }] }],
    ['PUT', 'faults', { faults: [{ route: '*', kind: 'redirect', location: 'a\r\nb' }] }],
    ['PUT', 'faults', { faults: [{ route: '*', kind: 'oversized', bytes: 1e12 }] }],
    ['PATCH', 'settings', { deleteStatus: 500 }],
    ['PATCH', 'settings', { toString: 1 }],
    ['PATCH', 'settings', { rateLimitPerMinute: 'many' }],
    ['POST', 'password', { username: 'none', password: 'x' }],
  ])('over HTTP, %s %s with %j gets 400', async (method, what, body) => {
    const hub = await openFake();
    expect((await call(hub, method, `/_fake/${what}`, { body })).status).toBe(400);
  });

  test('what it does not know is 404, and a browser is refused', async () => {
    const hub = await openFake();
    expect((await call(hub, 'GET', '/_fake/secrets')).status).toBe(404);
    const headers = { origin: 'http://evil.example.com' };
    expect((await call(hub, 'POST', '/_fake/reset', { headers })).status).toBe(403);
    const status = await new Promise((resolve) => {
      const options = {
        port: hub.port,
        host: '127.0.0.1',
        path: '/_fake/tokens',
        headers: { host: 'evil.example.com' },
      };
      request(options, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(403);
  });
});
