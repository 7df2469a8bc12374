import { describe, expect, test } from 'vitest';
import { bearerOf, call, claimsOf, createPat, exchange, login, openFake, type TestHub, totpCode } from './client.ts';

const TRANSIENT = { detail: 'Failed to generate login session. Please try again later.' };

function usersLogin(hub: TestHub, username: string, password: string) {
  return call(hub, 'POST', '/v2/users/login', { body: { username, password } });
}

function enterCode(hub: TestHub, login_2fa_token: string) {
  return call(hub, 'POST', '/v2/users/2fa-login', { body: { login_2fa_token, code: totpCode(hub.nowMs()) } });
}

async function statusesOf(count: number, attempt: () => Promise<{ status: number }>): Promise<number[]> {
  const statuses = [];
  for (let index = 0; index < count; index++) statuses.push((await attempt()).status);
  return statuses;
}

describe('a challenge at the login of the fake Docker Hub', () => {
  test('may be a captcha, on every login route, and no password is looked at', async () => {
    const hub = await openFake({ loginChallenge: 'captcha-400', loginFailureLimit: 1 });
    for (const reply of [
      await login(hub, 'ann', 'wrong'),
      await usersLogin(hub, 'ann', 'ann-password'),
      await enterCode(hub, 'x'),
    ]) {
      expect([reply.status, reply.body]).toEqual([400, { recaptcha_response: [expect.any(String)] }]);
    }
    expect(hub.control.calls().logins).toEqual({});
    hub.control.set({ loginChallenge: 'none' });
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
  });

  test('may be a page of the edge, while sessions that are open go on', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    hub.control.set({ loginChallenge: 'challenge-403' });
    for (const reply of [await login(hub, 'ann', 'ann-password'), await usersLogin(hub, 'ann', 'ann-password')]) {
      expect([reply.status, reply.headers.get('content-type')]).toEqual([403, 'text/html; charset=UTF-8']);
    }
    const created = await createPat(hub, bearer);
    expect(created.status).toBe(201);
    expect((await exchange(hub, 'ann', created.body.token)).status).toBe(200);
  });
});

describe('a 401 that is soon over', () => {
  test('may come at one login in two, with either route, and locks nobody out', async () => {
    const hub = await openFake({ loginTransient401Every: 2, loginFailureLimit: 1 });
    expect(await statusesOf(4, () => login(hub, 'ann', 'ann-password'))).toEqual([200, 401, 200, 401]);
    expect(await statusesOf(2, () => usersLogin(hub, 'ann', 'ann-password'))).toEqual([200, 401]);
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
    expect((await login(hub, 'ann', 'ann-password')).body).toEqual(TRANSIENT);
    expect(hub.control.calls().logins.ann).toEqual({ succeeded: 4, failed: 0 });
  });

  test('may come at one login alone; a wrong password is not counted', async () => {
    const hub = await openFake({ loginTransient401At: 2 });
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
    expect((await login(hub, 'ann', 'wrong')).body).not.toEqual(TRANSIENT);
    expect(await statusesOf(3, () => login(hub, 'ann', 'ann-password'))).toEqual([401, 200, 200]);
    hub.control.reset();
    expect(await statusesOf(3, () => login(hub, 'ann', 'ann-password'))).toEqual([200, 401, 200]);
  });

  test('comes with the second factor where there is one', async () => {
    const hub = await openFake({ loginTransient401At: 1 });
    const first = await usersLogin(hub, 'tia', 'tia-password');
    expect((await enterCode(hub, first.body.login_2fa_token)).body).toEqual(TRANSIENT);
    hub.advance(30_000);
    expect((await enterCode(hub, first.body.login_2fa_token)).status).toBe(200);
  });
});

describe('the second factor', () => {
  test.each([401, 200] as const)('may be asked for with %i', async (secondFactorStatus) => {
    const hub = await openFake({ secondFactorStatus });
    const first = await usersLogin(hub, 'tia', 'tia-password');
    expect(first.status).toBe(secondFactorStatus);
    expect(first.body).not.toHaveProperty('token');
    const { body } = await enterCode(hub, first.body.login_2fa_token);
    expect((await createPat(hub, body.token)).status).toBe(201);
    expect((await usersLogin(hub, 'tia', 'wrong')).body).not.toHaveProperty('login_2fa_token');
  });
});

describe('a locked user name', () => {
  test('may get 401 in other words, and 429 in the usual ones at the registry', async () => {
    const hub = await openFake({ lockStatus: 401, loginFailureLimit: 1 });
    const { login_2fa_token } = (await usersLogin(hub, 'tia', 'tia-password')).body;
    for (const name of ['ann', 'tia']) await login(hub, name, 'wrong');
    const words = 'This account is temporarily locked. Please try again later.';
    for (const reply of [
      await login(hub, 'ann', 'ann-password'),
      await usersLogin(hub, 'ann', 'ann-password'),
      await enterCode(hub, login_2fa_token),
    ]) {
      expect([reply.status, reply.body.detail]).toEqual([401, words]);
    }
    expect((await exchange(hub, 'ann', 'ann-password')).status).toBe(429);
    hub.advance(600_000);
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
  });
});

describe('a session', () => {
  test('may live as long as the settings have it, on every route', async () => {
    const hub = await openFake({ sessionSeconds: 30 });
    const bearer = await bearerOf(hub);
    for (const jwt of [bearer, (await usersLogin(hub, 'ann', 'ann-password')).body.token]) {
      const { iat, exp } = claimsOf(jwt);
      expect(exp - iat).toBe(30);
    }
    hub.advance(29_999);
    expect((await createPat(hub, bearer)).status).toBe(201);
    hub.advance(1);
    expect((await createPat(hub, bearer)).status).toBe(401);
  });

  test('may carry certificates, which make it 6 KiB long', async () => {
    const hub = await openFake({ sessionHeader: 'x5c' });
    const bearer = await bearerOf(hub);
    expect(bearer.length).toBeGreaterThan(6_000);
    expect(bearer.length).toBeLessThan(7_000);
    const header = JSON.parse(Buffer.from(bearer.split('.')[0] ?? '', 'base64url').toString());
    expect(header).toMatchObject({
      alg: 'HS256',
      typ: 'JWT',
      x5c: [expect.any(String), expect.any(String), expect.any(String)],
    });
    expect((await createPat(hub, bearer)).status).toBe(201);
    const [, payload, signature] = bearer.split('.');
    const otherHeader = Buffer.from('{"alg":"none"}').toString('base64url');
    expect((await createPat(hub, `${otherHeader}.${payload}.${signature}`)).status).toBe(401);
  });

  test('of a personal token may be refused in other words', async () => {
    const hub = await openFake({ patSessionWords: 'other' });
    const { token, uuid } = (await createPat(hub, await bearerOf(hub))).body;
    const bearer = (await login(hub, 'ann', token)).body.access_token;
    const expected = { message: 'access is forbidden with a JWT issued from a personal access token' };
    for (const [method, path] of [
      ['GET', '/v2/access-tokens'],
      ['DELETE', `/v2/access-tokens/${uuid}`],
      ['GET', '/v2/orgs/acme/access-tokens'],
    ] as const) {
      const reply = await call(hub, method, path, { bearer });
      expect([reply.status, reply.body]).toEqual([403, expected]);
    }
    const wrongSession = await call(hub, 'GET', '/v2/access-tokens', { bearer: token });
    expect(wrongSession.status).toBe(401);
  });
});
