import { describe, expect, test } from 'vitest';
import type { FakeHubSettings } from '../../fake-hub/server.ts';
import { bearerOf, call, createPat, exchange, openFake } from './client.ts';

const OATS = '/v2/orgs/acme/access-tokens';
const TEN_MINUTES_AHEAD = '2030-05-01T12:10:00Z';
const DAY_MS = 86_400_000;

/** What a create of ten minutes comes to: the expiry that is told, and after how long the token is dead. */
async function fateOf(settings: Partial<FakeHubSettings>) {
  const hub = await openFake(settings);
  const { body } = await createPat(hub, await bearerOf(hub), { expires_at: TEN_MINUTES_AHEAD });
  const isAlive = async () => {
    const [view] = hub.control.tokens();
    const isTaken = (await exchange(hub, 'ann', body.token)).status === 200;
    expect([view?.live, hub.control.logsIn(body.token)]).toEqual([isTaken, isTaken]);
    return isTaken;
  };
  return { hub, told: body.expires_at, isAlive };
}

describe('the expiry rules of the fake Docker Hub', () => {
  test('kept: a token has the expiry that was asked for', async () => {
    const { hub, told, isAlive } = await fateOf({});
    expect(told).toBe(TEN_MINUTES_AHEAD);
    hub.advance(600_000 - 1);
    expect(await isAlive()).toBe(true);
    hub.advance(1);
    expect(await isAlive()).toBe(false);
  });

  test('ignored: a token never expires, and says that it has no expiry', async () => {
    const { hub, told, isAlive } = await fateOf({ expiryRule: 'ignored' });
    expect(told).toBe('');
    hub.advance(1_000 * DAY_MS);
    expect(await isAlive()).toBe(true);
  });

  test('day-end: a token lives until its UTC day ends', async () => {
    const { hub, told, isAlive } = await fateOf({ expiryRule: 'day-end' });
    expect(told).toBe('2030-05-02T00:00:00Z');
    hub.advance(DAY_MS / 2 - 1);
    expect(await isAlive()).toBe(true);
    hub.advance(1);
    expect(await isAlive()).toBe(false);
  });

  test('at-least-day: a token lives for a day, or longer where that was asked for', async () => {
    const { hub, told, isAlive } = await fateOf({ expiryRule: 'at-least-day' });
    expect(told).toBe('2030-05-02T12:00:00Z');
    const later = await createPat(hub, await bearerOf(hub), { expires_at: '2030-05-03T00:00:00Z' });
    expect(later.body.expires_at).toBe('2030-05-03T00:00:00Z');
    hub.advance(DAY_MS - 1);
    expect(await isAlive()).toBe(true);
    hub.advance(1);
    expect(await isAlive()).toBe(false);
  });

  test.each([
    ['at-least-day-400', { fields: { expires_at: [expect.any(String)] }, text: 'validation failed' }],
    ['at-least-day-400-plain', { message: 'invalid expiration date' }],
  ] as const)('%s: a token of less than a day is refused, and one of a day is made', async (expiryRule, body) => {
    const hub = await openFake({ expiryRule });
    const bearer = await bearerOf(hub);
    const creates = [
      (expires_at?: string) => createPat(hub, bearer, expires_at === undefined ? {} : { expires_at }),
      (expires_at?: string) => call(hub, 'POST', OATS, { bearer, body: { label: 'one', expires_at } }),
    ];
    for (const create of creates) {
      const refused = await create('2030-05-02T11:59:59Z');
      expect([refused.status, refused.body]).toEqual([400, body]);
      expect((await create('2030-05-02T12:00:00Z')).status).toBe(201);
      expect((await create()).status).toBe(201);
    }
    expect(hub.control.tokens()).toHaveLength(4);
  });

  test('a rule holds for organization tokens too', async () => {
    const hub = await openFake({ expiryRule: 'day-end' });
    const body = { label: 'one', expires_at: TEN_MINUTES_AHEAD };
    const created = await call(hub, 'POST', OATS, { bearer: await bearerOf(hub), body });
    expect(created.body.expires_at).toBe('2030-05-02T00:00:00Z');
    const path = `${OATS}/${created.body.id}`;
    expect((await call(hub, 'GET', path, { bearer: await bearerOf(hub) })).body.expires_at).toBe(
      '2030-05-02T00:00:00Z',
    );
  });
});

describe('times that are none', () => {
  test.each([
    ['empty', { last_used: null, expires_at: '' }, { last_used_at: null, expires_at: null }],
    ['absent', { last_used: null }, { last_used_at: null, expires_at: null }],
    ['null', { last_used: null, expires_at: null }, { last_used_at: null, expires_at: null }],
    [
      'year-1',
      { last_used: '0001-01-01T00:00:00Z', expires_at: '0001-01-01T00:00:00Z' },
      { last_used_at: '0001-01-01T00:00:00Z', expires_at: '0001-01-01T00:00:00Z' },
    ],
  ] as const)('read as %s', async (noTimeForm, ofPat, ofOat) => {
    const hub = await openFake({ noTimeForm });
    const bearer = await bearerOf(hub);
    const timesOf = ({ last_used, last_used_at, expires_at }: Record<string, unknown>) =>
      JSON.parse(JSON.stringify({ last_used, last_used_at, expires_at }));
    const pat = (await createPat(hub, bearer)).body;
    const oat = (await call(hub, 'POST', OATS, { bearer, body: { label: 'one' } })).body;
    expect([timesOf(pat), timesOf(oat)]).toEqual([ofPat, ofOat]);
    for (const [path, times] of [
      ['/v2/access-tokens', ofPat],
      [OATS, ofOat],
    ] as const) {
      const { results } = (await call(hub, 'GET', path, { bearer })).body;
      expect(results.map(timesOf)).toEqual([times]);
    }
    hub.advance(100 * 365 * DAY_MS);
    expect(hub.control.tokens().every(({ live }) => live)).toBe(true);
  });

  test('a time that there is reads as it is under every form', async () => {
    const hub = await openFake({ noTimeForm: 'year-1' });
    const { body } = await createPat(hub, await bearerOf(hub), { expires_at: TEN_MINUTES_AHEAD });
    await exchange(hub, 'ann', body.token);
    const read = await call(hub, 'GET', `/v2/access-tokens/${body.uuid}`, { bearer: await bearerOf(hub) });
    expect(read.body).toMatchObject({ expires_at: TEN_MINUTES_AHEAD, last_used: '2030-05-01T12:00:00.000000Z' });
  });
});
