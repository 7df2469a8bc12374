import { describe, expect, test } from 'vitest';
import { bearerOf, call, createPat, exchange, NOON_MS, openFake } from './client.ts';

describe('personal access tokens of the fake Docker Hub', () => {
  test('a create answers 201 with every documented field, and the value this once', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const created = await call(hub, 'POST', '/v2/access-tokens', {
      bearer,
      body: { token_label: 'build', scopes: ['repo:write'], expires_at: '2030-05-01T12:10:00Z' },
      headers: { 'user-agent': 'hublease/test' },
    });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_id: 'HUB',
      creator_ip: '127.0.0.1',
      creator_ua: 'hublease/test',
      created_at: '2030-05-01T12:00:00.000000Z',
      last_used: null,
      generated_by: 'manual',
      is_active: true,
      token: expect.stringMatching(/^dckr_pat_[A-Za-z0-9_-]{27,32}$/),
      token_label: 'build',
      scopes: ['repo:write'],
      expires_at: '2030-05-01T12:10:00Z',
    });
    const read = await call(hub, 'GET', `/v2/access-tokens/${created.body.uuid}`, { bearer });
    expect(read.body).toEqual({ ...created.body, token: '***' });
    const listed = await call(hub, 'GET', '/v2/access-tokens', { bearer });
    expect(listed.body.results).toEqual([read.body]);
  });

  test('a token without an expiry reads `""` or has no such field, as switched, and never dies', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    expect((await createPat(hub, bearer)).body.expires_at).toBe('');
    hub.control.set({ noTimeForm: 'absent' });
    const { body } = await createPat(hub, bearer);
    expect(body).not.toHaveProperty('expires_at');
    hub.advance(10 * 365 * 86_400_000);
    expect((await exchange(hub, 'ann', body.token)).status).toBe(200);
  });

  test('an expiry with a fraction comes back with microseconds', async () => {
    const hub = await openFake();
    const { body } = await createPat(hub, await bearerOf(hub), { expires_at: '2031-01-01T00:00:00.520Z' });
    expect(body.expires_at).toBe('2031-01-01T00:00:00.520000Z');
  });

  test.each([
    ['no label', { token_label: undefined }, 'token_label'],
    ['an empty label', { token_label: '' }, 'token_label'],
    ['a label of 101 characters', { token_label: 'x'.repeat(101) }, 'token_label'],
    ['a label that is no text', { token_label: 7 }, 'token_label'],
    ['no scopes', { scopes: undefined }, 'scopes'],
    ['an empty list of scopes', { scopes: [] }, 'scopes'],
    ['an unknown scope', { scopes: ['repo:read', 'repo:all'] }, 'scopes'],
    ['scopes that are no list', { scopes: 'repo:read' }, 'scopes'],
    ['an expiry in the past', { expires_at: '2030-05-01T11:59:59Z' }, 'expires_at'],
    ['an expiry now', { expires_at: '2030-05-01T12:00:00Z' }, 'expires_at'],
    ['an expiry that is no instant', { expires_at: 'tomorrow' }, 'expires_at'],
    ['an expiry on a day that is none', { expires_at: '2031-02-30T00:00:00Z' }, 'expires_at'],
    ['an empty expiry', { expires_at: '' }, 'expires_at'],
  ])('%s gets 400 that names the field, and makes no token', async (_, more, field) => {
    const hub = await openFake();
    const reply = await createPat(hub, await bearerOf(hub), more);
    expect(reply.status).toBe(400);
    expect(Object.keys(reply.body)).toEqual(['fields', 'text']);
    expect(Object.keys(reply.body.fields)).toEqual([field]);
    expect(hub.control.tokens()).toEqual([]);
  });

  test('a label of 100 characters beyond the first Unicode plane is taken', async () => {
    const hub = await openFake();
    expect((await createPat(hub, await bearerOf(hub), { token_label: '🐳'.repeat(100) })).status).toBe(201);
  });

  test('a body that is no JSON object, or does not call itself JSON, gets 400', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    for (const body of ['{"token_label":', '[]', 'null', '"text"']) {
      expect((await call(hub, 'POST', '/v2/access-tokens', { bearer, body })).status).toBe(400);
    }
    const headers = { 'content-type': 'text/plain' };
    const body = { token_label: 'one', scopes: ['repo:read'] };
    expect((await call(hub, 'POST', '/v2/access-tokens', { bearer, body, headers })).status).toBe(400);
  });

  test.each([
    ['second', '2030-05-01T13:00:00.5Z', '2030-05-01T13:00:01Z'],
    ['minute', '2030-05-01T13:00:01Z', '2030-05-01T13:01:00Z'],
    ['hour', '2030-05-01T13:01:00Z', '2030-05-01T14:00:00Z'],
    ['day', '2030-05-01T14:00:00Z', '2030-05-02T00:00:00Z'],
  ] as const)(
    'expiries in whole %ss only: a finer one gets 400 that names expires_at',
    async (expiryGranularity, fine, coarse) => {
      const hub = await openFake({ expiryGranularity });
      const bearer = await bearerOf(hub);
      const refused = await createPat(hub, bearer, { expires_at: fine });
      expect([refused.status, Object.keys(refused.body.fields)]).toEqual([400, ['expires_at']]);
      expect((await createPat(hub, bearer, { expires_at: coarse })).status).toBe(201);
    },
  );

  test('a list is paged, newest first, ten at a time, with absolute addresses of the neighbours', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    for (let index = 0; index < 12; index++) await createPat(hub, bearer, { token_label: `t${index}` });
    const first = (await call(hub, 'GET', '/v2/access-tokens', { bearer })).body;
    expect(first).toMatchObject({ count: 12, active_count: 12, previous: null });
    expect(first.results).toHaveLength(10);
    expect(first.results[0].token_label).toBe('t11');
    expect(first.next).toBe(`${hub.url}/v2/access-tokens?page=2&page_size=10`);
    const second = (await call(hub, 'GET', first.next.slice(hub.url.length), { bearer })).body;
    expect(second.results).toHaveLength(2);
    expect([second.next, second.previous]).toEqual([null, `${hub.url}/v2/access-tokens?page=1&page_size=10`]);
    const beyond = (await call(hub, 'GET', '/v2/access-tokens?page=3', { bearer })).body;
    expect([beyond.count, beyond.results]).toEqual([12, []]);
  });

  test('a page larger than the largest is cut without a word; numbers that are none get 400', async () => {
    const hub = await openFake({ maxPageSize: 2 });
    const bearer = await bearerOf(hub);
    for (let index = 0; index < 3; index++) await createPat(hub, bearer);
    const { body } = await call(hub, 'GET', '/v2/access-tokens?page_size=100', { bearer });
    expect(body.results).toHaveLength(2);
    expect(body.next).toContain('page=2&page_size=2');
    for (const query of ['page=0', 'page=x', 'page_size=0', 'page_size=-1']) {
      expect((await call(hub, 'GET', `/v2/access-tokens?${query}`, { bearer })).status).toBe(400);
    }
  });

  test('a delete answers 204 and the second one 404; the record says who deleted what and when', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const { uuid } = (await createPat(hub, bearer)).body;
    const path = `/v2/access-tokens/${uuid}`;
    expect((await call(hub, 'DELETE', path, { bearer })).status).toBe(204);
    const second = await call(hub, 'DELETE', path, { bearer });
    expect([second.status, Object.keys(second.body)]).toEqual([404, ['errinfo', 'message']]);
    expect((await call(hub, 'GET', path, { bearer })).status).toBe(404);
    expect((await call(hub, 'PATCH', path, { bearer, body: { is_active: true } })).status).toBe(404);
    expect(hub.control.deletions()).toEqual([
      { id: uuid, account: 'ann', label: 'one', atMs: NOON_MS, by: 'ann', foreign: false },
    ]);
    expect(hub.control.tokens()).toMatchObject([{ id: uuid, deleted: true, live: false }]);
  });

  test('a delete answers 202 when switched so', async () => {
    const hub = await openFake({ deleteStatus: 202 });
    const bearer = await bearerOf(hub);
    const { uuid } = (await createPat(hub, bearer)).body;
    expect((await call(hub, 'DELETE', `/v2/access-tokens/${uuid}`, { bearer })).status).toBe(202);
  });

  test('a patch renames and disables, changes nothing else, and is recorded', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const created = (await createPat(hub, bearer, { expires_at: '2030-05-01T13:00:00Z' })).body;
    const path = `/v2/access-tokens/${created.uuid}`;
    const body = { token_label: 'two', is_active: false, expires_at: '2040-01-01T00:00:00Z', scopes: ['repo:admin'] };
    const patched = await call(hub, 'PATCH', path, { bearer, body });
    expect(patched.status).toBe(200);
    expect(patched.body).toEqual({ ...created, token: '***', token_label: 'two', is_active: false });
    expect((await exchange(hub, 'ann', created.token)).status).toBe(401);
    expect((await call(hub, 'PATCH', path, { bearer, body: { is_active: 'no' } })).status).toBe(400);
    expect((await call(hub, 'PATCH', path, { bearer, body: { token_label: '' } })).status).toBe(400);
    expect(hub.control.patches()).toEqual([
      { id: created.uuid, account: 'ann', atMs: NOON_MS, by: 'ann', fields: ['label', 'isActive'] },
    ]);
  });

  test("one account's tokens are nothing to another", async () => {
    const hub = await openFake();
    const { uuid } = (await createPat(hub, await bearerOf(hub))).body;
    const bearer = await bearerOf(hub, 'bob');
    expect((await call(hub, 'GET', '/v2/access-tokens', { bearer })).body.count).toBe(0);
    for (const method of ['GET', 'DELETE']) {
      expect((await call(hub, method, `/v2/access-tokens/${uuid}`, { bearer })).status).toBe(404);
    }
    expect(hub.control.deletions()).toEqual([]);
  });

  test('an expired token stays in the list, and counts as active no more', async () => {
    const hub = await openFake();
    await createPat(hub, await bearerOf(hub), { expires_at: '2030-05-01T12:00:05Z' });
    hub.advance(5_000);
    const { body } = await call(hub, 'GET', '/v2/access-tokens', { bearer: await bearerOf(hub) });
    expect([body.count, body.active_count]).toEqual([1, 0]);
    expect(hub.control.tokens()).toMatchObject([{ live: false, deleted: false, isActive: true }]);
  });
});
