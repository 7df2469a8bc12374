import { describe, expect, test } from 'vitest';
import { bearerOf, call, claimsOf, createPat, exchange, openFake, type TestHub } from './client.ts';

const SCOPE = 'repository:ann/app:pull';

function post(hub: TestHub, fields: Record<string, string>) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return call(hub, 'POST', '/token', { headers, body: new URLSearchParams(fields).toString() });
}

describe('the lags of auth.docker.io', () => {
  test('a new token is known late, though it is live and logs in at the API at once', async () => {
    const hub = await openFake({ registryNewLagMs: 4_000 });
    const { token } = (await createPat(hub, await bearerOf(hub))).body;
    hub.advance(3_999);
    expect((await exchange(hub, 'ann', token)).status).toBe(401);
    expect(hub.control.tokens()).toMatchObject([{ live: true }]);
    expect(hub.control.logsIn(token)).toBe(true);
    expect((await call(hub, 'POST', '/v2/auth/token', { body: { identifier: 'ann', secret: token } })).status).toBe(
      200,
    );
    hub.advance(1);
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
  });

  test.each([
    ['deleted', 'DELETE', undefined, {}],
    ['deleted softly', 'DELETE', undefined, { deleteForm: 'soft' }],
    ['made inactive', 'PATCH', { is_active: false }, {}],
  ] as const)('a token that was %s is taken for a while, though it is not live', async (_, method, body, settings) => {
    const hub = await openFake({ registryGoneLagMs: 20_000, ...settings });
    const bearer = await bearerOf(hub);
    const { token, uuid } = (await createPat(hub, bearer)).body;
    hub.advance(60_000);
    await call(hub, method, `/v2/access-tokens/${uuid}`, { bearer, ...(body === undefined ? {} : { body }) });
    expect(hub.control.tokens()).toMatchObject([{ live: false }]);
    expect(hub.control.logsIn(token)).toBe(false);
    hub.advance(19_999);
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
    expect(hub.control.tokens()).toMatchObject([{ live: false, lastUsedAtMs: hub.nowMs() }]);
    hub.advance(1);
    expect((await exchange(hub, 'ann', token)).status).toBe(401);
  });

  test('a token that was made active again is live without a lag, and one that expired is dead without one', async () => {
    const hub = await openFake({ registryGoneLagMs: 20_000 });
    const bearer = await bearerOf(hub);
    const { token, uuid } = (await createPat(hub, bearer, { expires_at: '2030-05-01T12:05:00Z' })).body;
    for (const is_active of [false, true]) {
      await call(hub, 'PATCH', `/v2/access-tokens/${uuid}`, { bearer, body: { is_active } });
      hub.advance(30_000);
    }
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
    hub.advance(240_000);
    expect((await exchange(hub, 'ann', token)).status).toBe(401);
  });

  test('a token that was inactive from the start is never taken', async () => {
    const hub = await openFake({ registryGoneLagMs: 20_000 });
    const foreign = { account: 'ann', kind: 'pat', label: 'theirs', isActive: false } as const;
    const { token } = hub.control.createForeignToken(foreign);
    expect((await exchange(hub, 'ann', token)).status).toBe(401);
  });
});

describe('POST /token', () => {
  test('gives a bearer for a form as GET does for a query', async () => {
    const hub = await openFake();
    const { token } = (await createPat(hub, await bearerOf(hub))).body;
    const reply = await post(hub, {
      grant_type: 'password',
      client_id: 'buildkit-client',
      service: 'registry.docker.io',
      scope: `${SCOPE} repository:ann/public:push`,
      username: 'Ann',
      password: token,
    });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ expires_in: 300, scope: `${SCOPE} repository:ann/public:push` });
    expect(claimsOf(reply.body.access_token)).toMatchObject({
      aud: 'registry.docker.io',
      sub: 'ann',
      access: [
        { name: 'ann/app', actions: ['pull'] },
        { name: 'ann/public', actions: [] },
      ],
    });
    expect(hub.control.calls().routes['registry-token']).toBe(1);
  });

  test('refuses a dead token, a missing name, and grants that there are none of', async () => {
    const hub = await openFake();
    const dead = { grant_type: 'password', username: 'ann', password: 'dckr_pat_fakeaaaaaaaaaaaaaaaaaaaaaaaa' };
    expect((await post(hub, dead)).status).toBe(401);
    expect((await post(hub, { grant_type: 'password', password: 'ann-password' })).status).toBe(401);
    expect((await post(hub, { grant_type: 'refresh_token', refresh_token: 'x' })).status).toBe(400);
    expect((await call(hub, 'POST', '/token', { body: dead })).status).toBe(400);
  });

  test('a form opens no session at the API', async () => {
    const hub = await openFake();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = 'identifier=ann&secret=ann-password';
    expect((await call(hub, 'POST', '/v2/auth/token', { headers, body })).status).toBe(400);
  });
});
