import { describe, expect, test } from 'vitest';
import { bearerOf, call, createPat, exchange, openFake, type TestHub } from './client.ts';

const PATS = '/v2/access-tokens';
const OATS = '/v2/orgs/acme/access-tokens';

async function list(hub: TestHub, query = '', path = PATS) {
  return call(hub, 'GET', `${path}${query}`, { bearer: await bearerOf(hub) });
}

/** A fake with so many tokens of Ann's, each a second younger than the one before. */
async function openWithTokens(count: number, settings: Parameters<typeof openFake>[0]) {
  const hub = await openFake(settings);
  for (let index = 1; index <= count; index++) {
    hub.control.createForeignToken({ account: 'ann', kind: 'pat', label: `t${index}` });
    hub.advance(1_000);
  }
  return hub;
}

describe('the lists of the fake Docker Hub', () => {
  test('may count tokens that no page shows', async () => {
    const hub = await openWithTokens(2, { countHidden: 3 });
    const { body } = await list(hub, '?page_size=2');
    expect(body).toMatchObject({ count: 5, next: `${hub.url}${PATS}?page=2&page_size=2` });
    expect(body.results).toHaveLength(2);
    expect((await list(hub, '?page=2&page_size=2')).body).toMatchObject({ count: 5, results: [] });
    expect((await list(hub, '', OATS)).body).toMatchObject({ total: 3, results: [] });
  });

  test('may be oldest first', async () => {
    const hub = await openWithTokens(3, { listOrder: 'oldest' });
    const labels = async () =>
      (await list(hub)).body.results.map((token: { token_label: string }) => token.token_label);
    expect(await labels()).toEqual(['t1', 't2', 't3']);
    hub.control.set({ listOrder: 'newest' });
    expect(await labels()).toEqual(['t3', 't2', 't1']);
  });

  test('may show a new token late, and know it by its id and at the registry at once', async () => {
    const hub = await openFake({ listLagMs: 90_000 });
    const { uuid, token } = (await createPat(hub, await bearerOf(hub))).body;
    hub.advance(89_999);
    expect((await list(hub)).body).toMatchObject({ count: 0, results: [] });
    expect((await call(hub, 'GET', `${PATS}/${uuid}`, { bearer: await bearerOf(hub) })).status).toBe(200);
    expect((await exchange(hub, 'ann', token)).status).toBe(200);
    hub.advance(1);
    expect((await list(hub)).body).toMatchObject({ count: 1, results: [{ uuid }] });
  });

  test('a token may be found by its id only after a while, when it is long listed', async () => {
    const hub = await openFake({ getLagMs: 3_000 });
    const bearer = await bearerOf(hub);
    const pat = `${PATS}/${(await createPat(hub, bearer)).body.uuid}`;
    const oat = `${OATS}/${(await call(hub, 'POST', OATS, { bearer, body: { label: 'one' } })).body.id}`;
    hub.advance(2_999);
    expect((await list(hub)).body.count).toBe(1);
    for (const path of [pat, oat]) expect((await call(hub, 'GET', path, { bearer })).status).toBe(404);
    hub.advance(1);
    for (const path of [pat, oat]) expect((await call(hub, 'GET', path, { bearer })).status).toBe(200);
    hub.control.set({ getLagMs: 60_000 });
    for (const path of [pat, oat]) expect((await call(hub, 'DELETE', path, { bearer })).status).toBe(204);
  });

  test('without a lag a token is seen also after the clock was set back', async () => {
    const hub = await openFake();
    const { uuid } = (await createPat(hub, await bearerOf(hub))).body;
    hub.advance(-60_000);
    expect((await list(hub)).body.count).toBe(1);
    expect((await call(hub, 'GET', `${PATS}/${uuid}`, { bearer: await bearerOf(hub) })).status).toBe(200);
  });

  test('may refuse a page that is too large with 400 that names page_size', async () => {
    const hub = await openWithTokens(3, { maxPageSize: 2, pageSizeRule: '400' });
    const refused = await list(hub, '?page_size=3');
    expect([refused.status, Object.keys(refused.body.fields)]).toEqual([400, ['page_size']]);
    expect((await list(hub, '?page_size=2')).body.results).toHaveLength(2);
    expect((await list(hub, '?page_size=3', OATS)).status).toBe(400);
  });

  test('may have pages of one size whatever is asked for', async () => {
    const hub = await openWithTokens(12, { maxPageSize: 10, pageSizeRule: 'ignored' });
    for (const query of ['', '?page_size=100', '?page_size=2']) {
      const { body } = await list(hub, query);
      expect(body.results).toHaveLength(10);
      expect(body.next).toBe(`${hub.url}${PATS}?page=2&page_size=10`);
    }
  });

  test('may answer 404 to a page beyond the end, which the first one never is', async () => {
    const hub = await openWithTokens(4, { pageBeyondEndStatus: 404 });
    expect((await list(hub, '?page=2&page_size=2')).status).toBe(200);
    const beyond = await list(hub, '?page=3&page_size=2');
    expect([beyond.status, beyond.body]).toEqual([404, { detail: 'Invalid page.' }]);
    expect((await list(hub, '', OATS)).status).toBe(200);
  });

  test("may have a token of somebody else's without a label, or without a creation time", async () => {
    const hub = await openFake();
    for (const odd of ['label-null', 'created-null'] as const) {
      hub.control.createForeignToken({ account: 'ann', kind: 'pat', label: 'theirs', odd });
      hub.control.createForeignToken({ account: 'acme', kind: 'oat', label: 'theirs', odd });
      hub.advance(1);
    }
    const pats = (await list(hub)).body.results;
    expect(pats).toMatchObject([
      { token_label: 'theirs', created_at: null },
      { token_label: null, created_at: '2030-05-01T12:00:00.000000Z' },
    ]);
    expect((await list(hub, '', OATS)).body.results).toMatchObject([
      { label: 'theirs', created_at: null },
      { label: null, created_at: '2030-05-01T12:00:00.000000Z' },
    ]);
    expect(hub.control.tokens().map(({ label }) => label)).toEqual(['theirs', 'theirs', 'theirs', 'theirs']);
  });
});
