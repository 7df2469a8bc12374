import { describe, expect, test } from 'vitest';
import { bearerOf, call, claimsOf, createPat, exchange, NOON_MS, openFake } from './client.ts';

const DEAD = 'unauthorized: incorrect username or password';

async function grantedTo(hub: { url: string }, username: string, secret: string, scope: string) {
  return claimsOf((await exchange(hub, username, secret, scope)).body.token).access;
}

describe('the registry token exchange of the fake Docker Hub', () => {
  test('a live token gets a bearer of 300 seconds and is marked as used', async () => {
    const hub = await openFake();
    const { token, uuid } = (await createPat(hub, await bearerOf(hub))).body;
    hub.advance(1_000);
    const reply = await exchange(hub, 'ann', token);
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      token: expect.any(String),
      access_token: reply.body.token,
      expires_in: 300,
      issued_at: '2030-05-01T12:00:01.000Z',
    });
    expect(claimsOf(reply.body.token)).toMatchObject({
      sub: 'ann',
      aud: 'registry.docker.io',
      exp: NOON_MS / 1_000 + 301,
      access: [{ type: 'repository', name: 'ann/app', actions: ['pull'] }],
    });
    const read = await call(hub, 'GET', `/v2/access-tokens/${uuid}`, { bearer: await bearerOf(hub) });
    expect(read.body.last_used).toBe('2030-05-01T12:00:01.000000Z');
  });

  test.each([
    ['repo:public_read', [], ['pull']],
    ['repo:read', ['pull'], ['pull']],
    ['repo:write', ['pull', 'push'], ['pull', 'push']],
    ['repo:admin', ['pull', 'push', 'delete'], ['pull', 'push', 'delete']],
  ])('%s grants what it covers of what was asked, be that nothing', async (scope, onPrivate, onPublic) => {
    const hub = await openFake();
    const { token } = (await createPat(hub, await bearerOf(hub), { scopes: [scope] })).body;
    const asked = 'repository:ann/app:pull,push,delete repository:ann/public:pull,push,delete';
    expect(await grantedTo(hub, 'ann', token, asked)).toEqual([
      { type: 'repository', name: 'ann/app', actions: onPrivate },
      { type: 'repository', name: 'ann/public', actions: onPublic },
    ]);
  });

  test("a token reaches its user's organizations, and of other accounts' repositories the public ones", async () => {
    const hub = await openFake();
    const { token } = (await createPat(hub, await bearerOf(hub), { scopes: ['repo:admin'] })).body;
    const access = (scope: string) => grantedTo(hub, 'ann', token, scope);
    expect(await access('repository:acme/app:*')).toMatchObject([{ actions: ['*'] }]);
    expect(await access('repository:bob/app:pull')).toMatchObject([{ actions: [] }]);
    expect(await access('repository:library/alpine:pull,push')).toMatchObject([{ actions: ['pull'] }]);
    expect(await access('registry:catalog:*')).toMatchObject([{ actions: [] }]);
  });

  test('an organization token logs in with the name of the organization and reaches its resources', async () => {
    const hub = await openFake();
    const { token } = hub.control.createForeignToken({
      account: 'acme',
      kind: 'oat',
      label: 'theirs',
      resources: [
        { type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-push'] },
        { type: 'TYPE_REPO', path: '*/*/public', scopes: ['scope-image-pull'] },
      ],
    });
    const asked = 'repository:acme/app:pull,push,delete repository:acme/site:pull,push repository:acme/other:pull';
    expect((await grantedTo(hub, 'acme', token, asked)).map((entry: { actions: string[] }) => entry.actions)).toEqual([
      ['pull', 'push'],
      ['pull'],
      [],
    ]);
    expect((await exchange(hub, 'ann', token)).status).toBe(401);
  });

  test('a deleted, an inactive, an expired and an unknown token are refused in the same words', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const deleted = (await createPat(hub, bearer)).body;
    const inactive = (await createPat(hub, bearer)).body;
    const expired = (await createPat(hub, bearer, { expires_at: '2030-05-01T12:00:05Z' })).body;
    expect((await exchange(hub, 'ann', expired.token)).status).toBe(200);
    await call(hub, 'DELETE', `/v2/access-tokens/${deleted.uuid}`, { bearer });
    await call(hub, 'PATCH', `/v2/access-tokens/${inactive.uuid}`, { bearer, body: { is_active: false } });
    hub.advance(5_000);
    const unknown = 'dckr_pat_fakeaaaaaaaaaaaaaaaaaaaaaaaa';
    for (const token of [deleted.token, inactive.token, expired.token, unknown, 'wrong', '']) {
      const reply = await exchange(hub, 'ann', token);
      expect([reply.status, reply.body]).toEqual([401, { details: DEAD }]);
    }
  });

  test('asking with a dead token does not lock the account out; a wrong password does', async () => {
    const hub = await openFake({ loginFailureLimit: 2 });
    for (let attempt = 0; attempt < 5; attempt++) await exchange(hub, 'ann', 'dckr_pat_fakeaaaaaaaaaaaaaaaaaaaaaaaa');
    expect((await exchange(hub, 'ann', 'ann-password')).status).toBe(200);
    for (let attempt = 0; attempt < 2; attempt++) expect((await exchange(hub, 'ann', 'wrong')).status).toBe(401);
    expect((await exchange(hub, 'ann', 'ann-password')).status).toBe(429);
  });

  test('with expiry switched off a token outlives its own, until it is switched on again', async () => {
    const hub = await openFake({ expireTokens: false });
    const { token } = (await createPat(hub, await bearerOf(hub), { expires_at: '2030-05-01T12:00:05Z' })).body;
    hub.advance(3_600_000);
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
    hub.control.setExpiry(true);
    expect((await exchange(hub, 'ann', token)).status).toBe(401);
  });

  test('a password is good for an account without a second factor only', async () => {
    const hub = await openFake();
    expect(await grantedTo(hub, 'ann', 'ann-password', 'repository:ann/app:push')).toMatchObject([
      { actions: ['push'] },
    ]);
    expect((await exchange(hub, 'tia', 'tia-password')).status).toBe(401);
  });

  test('without a name anybody may pull what is public', async () => {
    const hub = await openFake();
    const { body } = await call(
      hub,
      'GET',
      '/token?scope=repository:library/alpine:pull&scope=repository:ann/app:pull',
    );
    expect(claimsOf(body.token).access.map((entry: { actions: string[] }) => entry.actions)).toEqual([['pull'], []]);
    for (const authorization of ['Basic !', 'Basic Og==', 'Bearer x']) {
      expect((await call(hub, 'GET', '/token', { headers: { authorization } })).status).toBe(401);
    }
  });
});
