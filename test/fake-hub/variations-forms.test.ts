import { describe, expect, test } from 'vitest';
import type { FakeHubOptions } from '../../fake-hub/server.ts';
import { bearerOf, call, createPat, exchange, login, openFake, type TestHub } from './client.ts';

const PATS = '/v2/access-tokens';
const OATS = '/v2/orgs/acme/access-tokens';

async function openWithBearer(options: Partial<FakeHubOptions>) {
  const hub = await openFake();
  const bearer = await bearerOf(hub);
  hub.control.set(options);
  return { hub, bearer };
}

function createOat(hub: TestHub, bearer: string) {
  return call(hub, 'POST', OATS, { bearer, body: { label: 'one' } });
}

describe('a create of the fake Docker Hub', () => {
  test.each([200, 201, 202] as const)('may answer %i', async (createStatus) => {
    const { hub, bearer } = await openWithBearer({ createStatus });
    for (const { status, body } of [await createPat(hub, bearer), await createOat(hub, bearer)]) {
      expect(status).toBe(createStatus);
      expect(hub.control.logsIn(body.token)).toBe(true);
    }
    expect(hub.control.calls().creates).toBe(2);
  });

  test('may give ids that are no UUIDs, by which tokens are read and deleted', async () => {
    const { hub, bearer } = await openWithBearer({ tokenIdForm: 'hex24' });
    const pat = (await createPat(hub, bearer)).body.uuid;
    const oat = (await createOat(hub, bearer)).body.id;
    for (const [id, path] of [
      [pat, `${PATS}/${pat}`],
      [oat, `${OATS}/${oat}`],
    ]) {
      expect(id).toMatch(/^[0-9a-f]{24}$/);
      expect((await call(hub, 'GET', path, { bearer })).status).toBe(200);
      expect((await call(hub, 'DELETE', path, { bearer })).status).toBe(204);
    }
  });

  test('may need a plan for every scope of a personal token but repo:admin', async () => {
    const { hub, bearer } = await openWithBearer({ scopedTokensNeedPlan: true });
    for (const scopes of [['repo:public_read'], ['repo:read'], ['repo:write'], ['repo:admin', 'repo:read']]) {
      const refused = await createPat(hub, bearer, { scopes });
      expect([refused.status, refused.body]).toEqual([
        403,
        { errinfo: null, message: 'not allowed to create a scoped personal access token with your current plan' },
      ]);
    }
    expect(hub.control.tokens()).toEqual([]);
    expect((await createPat(hub, bearer, { scopes: ['repo:admin'] })).status).toBe(201);
    expect((await createOat(hub, bearer)).status).toBe(201);
  });

  test.each([
    [400, { fields: { token_label: [expect.any(String)] } }, { fields: { label: [expect.any(String)] } }],
    [409, { errinfo: null, message: expect.any(String) }, { errinfo: null }],
    [429, { detail: 'Rate limit exceeded' }, { detail: 'Rate limit exceeded' }],
  ] as const)(
    'may be repeated by the edge: the caller sees %i, and one token was made',
    async (status, ofPat, ofOat) => {
      const { hub, bearer } = await openWithBearer({ edgeRetryStatus: status });
      const pat = await createPat(hub, bearer);
      expect([pat.status, pat.body]).toMatchObject([status, ofPat]);
      expect(hub.control.tokens()).toMatchObject([{ kind: 'pat', live: true, label: 'one' }]);
      const oat = await createOat(hub, bearer);
      expect([oat.status, oat.body]).toMatchObject([status, ofOat]);
      expect(hub.control.tokens()).toHaveLength(2);
      expect(hub.control.calls().creates).toBe(2);
      const refused = await createPat(hub, bearer, { scopes: [] });
      expect([refused.status, Object.keys(refused.body.fields)]).toEqual([400, ['scopes']]);
    },
  );
});

describe('what the fake Docker Hub says of a token', () => {
  test.each([
    ['stars', '***'],
    ['empty', ''],
  ] as const)('hides its value as %s once it was given out', async (hiddenTokenForm, hidden) => {
    const { hub, bearer } = await openWithBearer({ hiddenTokenForm });
    const { uuid, token } = (await createPat(hub, bearer)).body;
    expect(token).toMatch(/^dckr_pat_/);
    expect((await call(hub, 'GET', `${PATS}/${uuid}`, { bearer })).body.token).toBe(hidden);
    expect((await call(hub, 'GET', PATS, { bearer })).body.results[0].token).toBe(hidden);
    const body = { token_label: 'two' };
    expect((await call(hub, 'PATCH', `${PATS}/${uuid}`, { bearer, body })).body.token).toBe(hidden);
  });

  test('may lack its User-Agent, or have that of a proxy; the control has the true one', async () => {
    const { hub, bearer } = await openWithBearer({});
    await call(hub, 'POST', PATS, {
      bearer,
      body: { token_label: 'one', scopes: ['repo:read'] },
      headers: { 'user-agent': 'hublease/test' },
    });
    const first = async () => (await call(hub, 'GET', PATS, { bearer })).body.results[0];
    expect((await first()).creator_ua).toBe('hublease/test');
    hub.control.set({ creatorUa: 'proxy' });
    expect((await first()).creator_ua).toBe('egress-proxy/1.0');
    hub.control.set({ creatorUa: 'absent' });
    expect(await first()).not.toHaveProperty('creator_ua');
    expect(hub.control.tokens()).toMatchObject([{ creatorUserAgent: 'hublease/test' }]);
  });
});

describe('the errors of the fake Docker Hub', () => {
  test.each([
    ['newest', { errinfo: null, message: expect.any(String) }],
    ['detail', { detail: expect.any(String), message: expect.any(String) }],
  ] as const)('401, 403 and 404 have their %s form', async (errorForm, form) => {
    const { hub, bearer } = await openWithBearer({ errorForm });
    const others = await bearerOf(hub, 'bob');
    for (const [status, reply] of [
      [401, await call(hub, 'GET', PATS)],
      [403, await call(hub, 'GET', OATS, { bearer: others })],
      [404, await call(hub, 'GET', `${PATS}/none`, { bearer })],
    ] as const) {
      expect([reply.status, reply.body]).toEqual([status, form]);
    }
  });

  test.each([
    ['html', 'text/html; charset=utf-8', /^<!DOCTYPE html>/],
    ['html-untyped', null, /^<!DOCTYPE html>/],
    ['bare', null, /^$/],
  ] as const)('a 404 of the token routes may be %s', async (notFoundForm, type, text) => {
    const { hub, bearer } = await openWithBearer({ notFoundForm });
    for (const [method, path] of [
      ['GET', `${PATS}/none`],
      ['DELETE', `${PATS}/none`],
      ['GET', `${OATS}/none`],
      ['GET', '/v2/orgs/none/access-tokens'],
    ] as const) {
      const reply = await call(hub, method, path, { bearer });
      expect([reply.status, reply.headers.get('content-type')]).toEqual([404, type]);
      expect(reply.text).toMatch(text);
    }
    expect((await call(hub, 'GET', PATS)).body).toEqual({ errinfo: null, message: 'unauthorized' });
  });
});

describe('the API of the fake Docker Hub as a whole', () => {
  test('may call its JSON text/plain, also where it refuses or throttles', async () => {
    const { hub, bearer } = await openWithBearer({ contentType: 'text' });
    const created = await createPat(hub, bearer);
    const replies = [
      created,
      await login(hub, 'ann', 'ann-password'),
      await call(hub, 'GET', PATS, { bearer }),
      await call(hub, 'GET', PATS),
      await call(hub, 'GET', `${PATS}/none`, { bearer }),
    ];
    hub.control.set({ rateLimitPerMinute: 0 });
    replies.push(await call(hub, 'GET', PATS, { bearer }));
    expect(replies.map(({ status }) => status)).toEqual([201, 200, 200, 401, 404, 429]);
    for (const { headers, body } of replies) {
      expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(body).toBeTypeOf('object');
    }
    const exchanged = await exchange(hub, 'ann', created.body.token);
    expect(exchanged.headers.get('content-type')).toBe('application/json');
  });

  test('may answer everything with a challenge page under 200, and apply nothing', async () => {
    const { hub, bearer } = await openWithBearer({});
    const { uuid, token } = (await createPat(hub, bearer)).body;
    hub.control.set({ apiChallenge: true });
    for (const reply of [
      await createPat(hub, bearer),
      await createOat(hub, bearer),
      await call(hub, 'GET', PATS),
      await call(hub, 'DELETE', `${PATS}/${uuid}`, { bearer }),
      await login(hub, 'ann', 'ann-password'),
    ]) {
      expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
      expect(reply.text).toMatch(/^<!DOCTYPE html>/);
    }
    expect(hub.control.tokens()).toMatchObject([{ id: uuid, live: true }]);
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
  });

  test('may have no token routes any more, while logins and tokens go on', async () => {
    const { hub, bearer } = await openWithBearer({});
    const { uuid, token } = (await createPat(hub, bearer)).body;
    hub.control.set({ routesGone: true });
    for (const [method, path] of [
      ['POST', PATS],
      ['GET', PATS],
      ['GET', `${PATS}/${uuid}`],
      ['DELETE', `${PATS}/${uuid}`],
      ['GET', OATS],
    ] as const) {
      expect((await call(hub, method, path, { bearer })).status).toBe(404);
    }
    expect((await login(hub, 'ann', 'ann-password')).status).toBe(200);
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
    expect(hub.control.logsIn(token)).toBe(true);
  });

  test('may hide an organization from a user who lost the role, while its tokens log in and her own can be managed', async () => {
    const { hub, bearer } = await openWithBearer({});
    const { id, token } = (await createOat(hub, bearer)).body;
    hub.control.set({ lostRole: true });
    for (const [method, path] of [
      ['POST', OATS],
      ['GET', OATS],
      ['GET', `${OATS}/${id}`],
      ['DELETE', `${OATS}/${id}`],
    ] as const) {
      const reply = await call(hub, method, path, { bearer });
      expect([reply.status, Object.keys(reply.body)]).toEqual([404, ['errinfo', 'message']]);
    }
    expect(hub.control.logsIn(token)).toBe(true);
    expect((await exchange(hub, 'acme', token)).status).toBe(200);
    expect((await createPat(hub, bearer)).status).toBe(201);
  });
});
