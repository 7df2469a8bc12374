import { describe, expect, test } from 'vitest';
import { bearerOf, call, claimsOf, createPat, exchange, login, NOON_MS, openFake, totpCode } from './client.ts';

const LOCKED_OUT = 'toomanyrequests: too many failed login attempts for username or IP address';

async function usersLogin(hub: { url: string }, username: string, password: string) {
  return call(hub, 'POST', '/v2/users/login', { body: { username, password } });
}

describe('logging in to the fake Docker Hub', () => {
  test('a password opens a session of ten minutes with the claims that clients read', async () => {
    const hub = await openFake();
    const reply = await login(hub, 'ann', 'ann-password');
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.body)).toEqual(['access_token']);
    const claims = claimsOf(reply.body.access_token);
    expect(claims).toMatchObject({ iss: 'https://api.docker.com/', aud: ['https://hub.docker.com'] });
    expect(claims.exp).toBe(NOON_MS / 1_000 + 600);
    expect(typeof claims.scope).toBe('string');
    expect(claims['https://hub.docker.com']).toMatchObject({ username: 'ann', email: 'ann@example.com' });
    expect(claims['https://hub.docker.com'].uuid).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('user names are compared in lower case', async () => {
    const hub = await openFake();
    const claims = claimsOf((await login(hub, 'Ann', 'ann-password')).body.access_token);
    expect(claims['https://hub.docker.com'].username).toBe('ann');
  });

  test('a wrong password gets 401 with errinfo, detail and message', async () => {
    const hub = await openFake();
    const reply = await login(hub, 'ann', 'bob-password');
    expect(reply.status).toBe(401);
    expect(Object.keys(reply.body)).toEqual(['errinfo', 'detail', 'message']);
    expect((await login(hub, 'nobody', '')).status).toBe(401);
  });

  test('a login without its fields gets 400', async () => {
    const hub = await openFake();
    expect((await call(hub, 'POST', '/v2/auth/token', { body: {} })).status).toBe(400);
    expect((await call(hub, 'POST', '/v2/users/login', { body: '{"username":' })).status).toBe(400);
    expect((await call(hub, 'POST', '/v2/users/2fa-login', { body: [] })).status).toBe(400);
  });

  test('the deprecated route opens a session too, under `token`', async () => {
    const hub = await openFake();
    const reply = await usersLogin(hub, 'ann', 'ann-password');
    expect(reply.status).toBe(200);
    expect((await createPat(hub, reply.body.token)).status).toBe(201);
    expect((await usersLogin(hub, 'ann', 'wrong')).body).toEqual({ detail: 'Incorrect authentication credentials' });
  });

  test('an account may be refused on one route and served on the other', async () => {
    const hub = await openFake({
      accounts: [{ username: 'ann', password: 'ann-password', refusedRoutes: ['auth-token'] }],
    });
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(401);
    expect((await usersLogin(hub, 'ann', 'ann-password')).status).toBe(200);
  });

  test('a second factor is asked for on the deprecated route, and opens the session', async () => {
    const hub = await openFake();
    const first = await usersLogin(hub, 'tia', 'tia-password');
    expect(first.status).toBe(401);
    expect(first.body.detail).toBe('Require secondary authentication on MFA enabled account');
    const second = await call(hub, 'POST', '/v2/users/2fa-login', {
      body: { login_2fa_token: first.body.login_2fa_token, code: totpCode(NOON_MS) },
    });
    expect(second.status).toBe(200);
    expect((await createPat(hub, second.body.token)).status).toBe(201);
  });

  test('the current route refuses an account with a second factor', async () => {
    const hub = await openFake();
    expect((await login(hub, 'tia', 'tia-password')).status).toBe(401);
    expect(hub.control.calls().logins.tia).toBeUndefined();
  });

  test('a TOTP code is taken once, and the next one after that', async () => {
    const hub = await openFake();
    const { login_2fa_token } = (await usersLogin(hub, 'tia', 'tia-password')).body;
    const enter = async (code: string) =>
      (await call(hub, 'POST', '/v2/users/2fa-login', { body: { login_2fa_token, code } })).status;
    expect(await enter('000000')).toBe(401);
    expect(await enter(totpCode(NOON_MS))).toBe(200);
    expect(await enter(totpCode(NOON_MS))).toBe(401);
    expect(await enter(totpCode(NOON_MS - 30_000))).toBe(401);
    hub.advance(30_000);
    expect(await enter(totpCode(NOON_MS + 30_000))).toBe(200);
  });

  test('a second factor for a session, or one that has run out, opens nothing', async () => {
    const hub = await openFake();
    const enter = async (login_2fa_token: string) =>
      (await call(hub, 'POST', '/v2/users/2fa-login', { body: { login_2fa_token, code: totpCode(hub.nowMs()) } }))
        .status;
    expect(await enter(await bearerOf(hub))).toBe(401);
    const { login_2fa_token } = (await usersLogin(hub, 'tia', 'tia-password')).body;
    expect((await createPat(hub, login_2fa_token)).status).toBe(401);
    hub.advance(300_000);
    expect(await enter(login_2fa_token)).toBe(401);
  });

  test('a session born of a personal access token manages no tokens', async () => {
    const hub = await openFake();
    const { token } = (await createPat(hub, await bearerOf(hub), { scopes: ['repo:admin'] })).body;
    for (const bearer of [
      (await login(hub, 'ann', token)).body.access_token,
      (await usersLogin(hub, 'ann', token)).body.token,
    ]) {
      const reply = await createPat(hub, bearer);
      expect(reply.status).toBe(403);
      expect(reply.body.message).toBe('token issued from personal access token is not allowed');
    }
  });

  test("a token logs in with any user name, as its owner; or, where that is switched on, with its owner's alone", async () => {
    const hub = await openFake();
    const { token } = (await createPat(hub, await bearerOf(hub))).body;
    for (const reply of [await login(hub, 'bob', token), await usersLogin(hub, 'nobody', token)]) {
      const claims = claimsOf(reply.body.access_token ?? reply.body.token);
      expect(claims['https://hub.docker.com'].username).toBe('ann');
      expect(claims.source).toBe('pat');
    }
    hub.control.set({ tokenLoginName: 'own' });
    expect((await login(hub, 'bob', token)).status).toBe(401);
    expect((await login(hub, 'Ann', token)).status).toBe(200);
    expect((await exchange(hub, 'bob', token)).status).toBe(401);
  });

  test('an organization token logs in with the name of the organization, on the current route, and manages none', async () => {
    const hub = await openFake();
    const { token } = hub.control.createForeignToken({ account: 'acme', kind: 'oat', label: 'theirs' });
    const session = await login(hub, 'acme', token);
    expect(session.status).toBe(200);
    expect((await createPat(hub, session.body.access_token)).status).toBe(403);
    expect((await usersLogin(hub, 'ann', token)).status).toBe(401);
    const refusal = await usersLogin(hub, 'acme', token);
    expect([refusal.status, refusal.body.detail]).toEqual([401, 'Cannot log into an organization account']);
  });

  test('a raw access token, an expired session, an altered one and none at all get 401', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const { token } = (await createPat(hub, bearer)).body;
    const [header, payload] = bearer.split('.');
    expect((await createPat(hub, token)).status).toBe(401);
    expect((await createPat(hub, `${header}.${payload}.AAAA`)).status).toBe(401);
    expect((await call(hub, 'GET', '/v2/access-tokens')).status).toBe(401);
    hub.advance(600_000);
    expect((await createPat(hub, bearer)).status).toBe(401);
  });

  test('a bearer for the registry opens no session', async () => {
    const hub = await openFake();
    const { token } = (await createPat(hub, await bearerOf(hub))).body;
    const registryBearer = (await exchange(hub, 'ann', token)).body.token;
    expect((await createPat(hub, registryBearer)).status).toBe(401);
  });

  test('ten failed logins lock the user name out for ten minutes, the right password too', async () => {
    const hub = await openFake();
    for (let attempt = 0; attempt < 10; attempt++) expect((await login(hub, 'ann', 'wrong')).status).toBe(401);
    const locked = await login(hub, 'ann', 'ann-password');
    expect([locked.status, locked.body.detail]).toEqual([429, LOCKED_OUT]);
    expect((await usersLogin(hub, 'ann', 'ann-password')).status).toBe(429);
    expect((await exchange(hub, 'ann', 'ann-password')).status).toBe(429);
    expect((await login(hub, 'bob', 'bob-password')).status).toBe(200);
    hub.advance(600_000);
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
    expect(hub.control.calls().logins.ann).toEqual({ succeeded: 1, failed: 10 });
  });

  test('a success forgets the failures before it', async () => {
    const hub = await openFake({ loginFailureLimit: 2 });
    for (let round = 0; round < 3; round++) {
      expect((await login(hub, 'ann', 'wrong')).status).toBe(401);
      expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
    }
  });

  test('wrong TOTP codes lock the user name out as well', async () => {
    const hub = await openFake({ loginFailureLimit: 2 });
    const { login_2fa_token } = (await usersLogin(hub, 'tia', 'tia-password')).body;
    const enter = async () =>
      (await call(hub, 'POST', '/v2/users/2fa-login', { body: { login_2fa_token, code: '000000' } })).status;
    expect([await enter(), await enter(), await enter()]).toEqual([401, 401, 429]);
  });
});
