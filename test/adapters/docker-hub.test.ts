import { describe, expect, it } from 'vitest';
import type { TokenPlace } from '../../functions/core/ports/docker-hub.ts';
import { HUB_DATE, HUB_DATE_MS, json, NOW_MS, SESSION, startStub, TOKEN_ID, text } from './docker-hub-stub.ts';

const LATER = 'Mon, 02 Nov 2026 12:01:00 GMT';

const FIRST_PAGE = { page: 1, pageSize: 100 };

const PAT: TokenPlace = { kind: 'pat' };
const OAT: TokenPlace = { kind: 'oat', organization: 'acme' };
const MALFORMED = { ok: false, problem: { tag: 'fault', code: 'malformed' } };

const PAT_ITEM = {
  uuid: TOKEN_ID,
  client_id: 'HUB',
  created_at: '2026-11-02T11:00:00.123456Z',
  last_used: null,
  is_active: true,
  token: '',
  token_label: 'release build',
  scopes: ['repo:write'],
  expires_at: '2026-11-02T12:15:00Z',
};
const OAT_ITEM = {
  id: TOKEN_ID,
  label: 'release build',
  created_by: 'somebody',
  is_active: true,
  created_at: '2026-11-02T11:00:00Z',
  expires_at: null,
  last_used_at: '2026-11-02T11:30:00Z',
};
const PAT_TOKEN = {
  tokenId: TOKEN_ID,
  label: 'release build',
  createdAtMs: Date.UTC(2026, 10, 2, 11, 0, 0, 123),
  isActive: true,
  expiresAtMs: Date.UTC(2026, 10, 2, 12, 15),
  lastUsedAtMs: null,
};
const OAT_TOKEN = {
  ...PAT_TOKEN,
  createdBy: 'somebody',
  createdAtMs: Date.UTC(2026, 10, 2, 11),
  expiresAtMs: null,
  lastUsedAtMs: Date.UTC(2026, 10, 2, 11, 30),
};

describe('a page of tokens', () => {
  it('of an account has a count and the fields of personal tokens', async () => {
    const { hub, requests } = await startStub([
      json(200, { count: 1, next: null, previous: null, results: [PAT_ITEM] }),
    ]);
    expect(await hub.listTokens(SESSION, PAT, FIRST_PAGE)).toEqual({
      ok: true,
      value: { tokens: [PAT_TOKEN], total: 1, more: false },
      meta: { hubDateMs: HUB_DATE_MS, httpStatus: 200, isJson: true },
    });
    expect(requests[0]).toMatchObject({ method: 'GET', url: '/v2/access-tokens?page=1&page_size=100', body: '' });
    expect(requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${SESSION.bearer}`,
      accept: 'application/json',
    });
    expect(requests[0]?.headers['content-type']).toBeUndefined();
  });

  it('of an organization has a total and the fields of organization tokens', async () => {
    const { hub, requests } = await startStub([json(200, { total: 7, results: [OAT_ITEM] })]);
    expect(await hub.listTokens(SESSION, OAT, { page: 3, pageSize: 100 })).toMatchObject({
      ok: true,
      value: { tokens: [OAT_TOKEN], total: 7, more: false },
    });
    expect(requests[0]?.url).toBe('/v2/orgs/acme/access-tokens?page=3&page_size=100');
  });

  it.each([
    ['null', null, false],
    ['absent', undefined, false],
    ['empty', '', false],
    ['an absolute address', 'https://hub.docker.com/v2/access-tokens?page=2&page_size=10', true],
    ['an address elsewhere', 'https://example.com/steal', true],
  ])('says from a next that is %s whether there is more, and asks only once', async (_, next, more) => {
    const { hub, requests } = await startStub([json(200, { count: 30, next, results: [PAT_ITEM] })]);
    expect(await hub.listTokens(SESSION, PAT, FIRST_PAGE)).toMatchObject({ ok: true, value: { more } });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['an object that is no page', {}],
    ['an array', []],
    ['null', null],
    ['a total in place of the count', { total: 1, results: [PAT_ITEM] }],
    ['a count that is no number', { count: '1', results: [PAT_ITEM] }],
    ['a count below zero', { count: -1, results: [] }],
    ['results that are no array', { count: 1, results: { 0: PAT_ITEM } }],
    ['a next that is no address', { count: 1, next: 2, results: [PAT_ITEM] }],
    ['a null among the tokens', { count: 2, results: [PAT_ITEM, null] }],
    ['a token without an id', { count: 1, results: [{ ...PAT_ITEM, uuid: undefined }] }],
    ['an id that would leave its path', { count: 1, results: [{ ...PAT_ITEM, uuid: '../../orgs' }] }],
    ['an id that is a token', { count: 1, results: [{ ...PAT_ITEM, uuid: 'dckr_pat_EXAMPLE' }] }],
  ])('is malformed as a whole with %s', async (_, body) => {
    const { hub } = await startStub([json(200, body)]);
    expect(await hub.listTokens(SESSION, PAT, FIRST_PAGE)).toMatchObject(MALFORMED);
  });

  it.each([
    ['an empty expiry is none', { expires_at: '' }, { expiresAtMs: null }],
    ['an absent expiry is none', { expires_at: undefined }, { expiresAtMs: null }],
    ['an empty last use is none', { last_used: '' }, { lastUsedAtMs: null }],
    [
      'an offset is taken into account',
      { created_at: '2026-11-02T12:00:00+01:00' },
      { createdAtMs: Date.UTC(2026, 10, 2, 11) },
    ],
    ['a token that does not say so is active', { is_active: undefined }, { isActive: true }],
    ['a token made inactive is not', { is_active: false }, { isActive: false }],
    ['an is_active that is no bool leaves it active', { is_active: 'false' }, { isActive: true }],
    ['an is_active that is null leaves it active', { is_active: null }, { isActive: true }],
    ['a label that is null is empty', { token_label: null }, { label: '' }],
    ['a label that is missing is empty', { token_label: undefined }, { label: '' }],
    ['a label that is no text is empty', { token_label: 7 }, { label: '' }],
    ['a token without a date is of no time', { created_at: null }, { createdAtMs: null }],
    ['a date of another form is none', { created_at: '2 Nov 2026' }, { createdAtMs: null }],
    ['a date of the year 1 is none', { created_at: '0001-01-01T00:00:00Z' }, { createdAtMs: null }],
    ['a date that does not exist is none', { expires_at: '2026-13-02T12:00:00Z' }, { expiresAtMs: null }],
    ['an expiry that is a number is none', { expires_at: 1_793_620_000 }, { expiresAtMs: null }],
    ['an expiry of the year 1 is none', { expires_at: '0001-01-01T00:00:00Z' }, { expiresAtMs: null }],
    ['a last_used of another form is none', { last_used: {} }, { lastUsedAtMs: null }],
    ['an id that is no UUID is as good', { uuid: '507f1f77bcf86cd799439011' }, { tokenId: '507f1f77bcf86cd799439011' }],
    ['its client is known', { creator_ua: 'hublease/0.1' }, { creatorUserAgent: 'hublease/0.1' }],
    [
      'of its client no more than 256 characters are kept',
      { creator_ua: 'x'.repeat(300) },
      { creatorUserAgent: 'x'.repeat(256) },
    ],
    ['unknown fields are let be', { constructor: 1, ['__proto__']: { uuid: 'x' } }, { tokenId: TOKEN_ID }],
  ])('%s', async (_, change, expected) => {
    const { hub } = await startStub([json(200, { count: 1, results: [{ ...PAT_ITEM, ...change }] })]);
    expect(await hub.listTokens(SESSION, PAT, FIRST_PAGE)).toMatchObject({ ok: true, value: { tokens: [expected] } });
  });

  it.each([{}, { creator_ua: '' }, { creator_ua: null }, { creator_ua: 5 }, { created_by: 'somebody' }])(
    'leaves out who made a personal token where it says %j',
    async (change) => {
      const { hub } = await startStub([json(200, { count: 1, results: [{ ...PAT_ITEM, ...change }] })]);
      expect(await hub.listTokens(SESSION, PAT, FIRST_PAGE)).toHaveProperty('value.tokens', [PAT_TOKEN]);
    },
  );

  it.each([{}, { created_by: '' }, { created_by: null }, { creator_ua: 'hublease/0.1' }])(
    'leaves out who made an organization token where it says %j',
    async (change) => {
      const { created_by: _, ...item } = OAT_ITEM;
      const { createdBy: __, ...token } = OAT_TOKEN;
      const { hub } = await startStub([json(200, { total: 1, results: [{ ...item, ...change }] })]);
      expect(await hub.listTokens(SESSION, OAT, FIRST_PAGE)).toHaveProperty('value.tokens', [token]);
    },
  );

  it('may be short and still name another one', async () => {
    const { hub } = await startStub([json(200, { count: 500, next: 'page 2', results: [PAT_ITEM] })]);
    expect(await hub.listTokens(SESSION, PAT, FIRST_PAGE)).toMatchObject({
      ok: true,
      value: { total: 500, more: true },
    });
  });
});

describe('one token', () => {
  it('is read by its id', async () => {
    const { hub, requests } = await startStub([json(200, PAT_ITEM), json(200, { ...OAT_ITEM, resources: [] })]);
    expect(await hub.getToken(SESSION, PAT, TOKEN_ID)).toMatchObject({ ok: true, value: PAT_TOKEN });
    expect(await hub.getToken(SESSION, OAT, TOKEN_ID)).toMatchObject({ ok: true, value: OAT_TOKEN });
    expect(requests.map(({ url }) => url)).toEqual([
      `/v2/access-tokens/${TOKEN_ID}`,
      `/v2/orgs/acme/access-tokens/${TOKEN_ID}`,
    ]);
  });

  it('of another id than the one asked for is malformed', async () => {
    const { hub } = await startStub([json(200, { ...PAT_ITEM, uuid: 'b30bbf97-506c-4ecd-aabc-000000000000' })]);
    expect(await hub.getToken(SESSION, PAT, TOKEN_ID)).toMatchObject(MALFORMED);
  });

  it('that is not there is not found', async () => {
    const { hub } = await startStub([json(404, { detail: 'not found' })]);
    expect(await hub.getToken(SESSION, PAT, TOKEN_ID)).toMatchObject({ problem: { tag: 'not_found' } });
  });
});

describe('deleting a token', () => {
  it.each([
    ['204', json(204), 204],
    ['202', json(202), 202],
    ['200 with whatever body', json(200, { any: 'thing' }), 200],
    ['200 with a body that does not parse', text(200, 'application/json', '{'), 200],
  ])('has succeeded with %s', async (_, answer, httpStatus) => {
    const { hub, requests } = await startStub([answer]);
    expect(await hub.deleteToken(SESSION, PAT, TOKEN_ID)).toMatchObject({ ok: true, value: { httpStatus } });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'DELETE', url: `/v2/access-tokens/${TOKEN_ID}`, body: '' });
  });

  it('of an organization goes to that organization', async () => {
    const { hub, requests } = await startStub([json(204)]);
    await hub.deleteToken(SESSION, OAT, TOKEN_ID);
    expect(requests[0]?.url).toBe(`/v2/orgs/acme/access-tokens/${TOKEN_ID}`);
  });

  it.each([
    ['404 as JSON', json(404, { detail: 'not found' }), { tag: 'not_found' }],
    ['410 as JSON', json(410, { detail: 'gone' }), { tag: 'invalid', fields: [] }],
    ['404 without a body', json(404), { tag: 'fault', code: 'malformed' }],
    ['404 whose JSON does not parse', text(404, 'application/json', '{'), { tag: 'fault', code: 'malformed' }],
    ['a 404 page, which is somebody else’s', text(404, 'text/html', '<html>'), { tag: 'fault', code: 'edge' }],
    ['a 404 in plain text', text(404, 'text/plain', '404 page not found'), { tag: 'fault', code: 'malformed' }],
    ['a challenge page under 200', text(200, 'text/html; charset=UTF-8', '<html>'), { tag: 'fault', code: 'edge' }],
  ])('has proven nothing but what it says with %s', async (_, answer, problem) => {
    const { hub } = await startStub([answer]);
    expect(await hub.deleteToken(SESSION, PAT, TOKEN_ID)).toMatchObject({ ok: false, problem });
  });
});

describe('the time at Docker Hub', () => {
  it.each([
    ['200', json(200, {})],
    ['401, which is what a call without a session gets', json(401, { detail: 'unauthorized' })],
    ['a challenge', text(403, 'text/html', '<html>')],
    ['too many requests', json(429)],
    ['an outage', text(503, 'text/html', '<html>')],
    ['a redirect', text(301, undefined, '', { location: '/elsewhere' })],
    ['a body that does not parse', text(400, 'application/json', '{')],
  ])('is on every answer: %s', async (_, answer) => {
    const { hub, requests } = await startStub([answer]);
    expect(await hub.readDate()).toMatchObject({ ok: true, value: null, meta: { hubDateMs: Date.parse(HUB_DATE) } });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.method).toBe('GET');
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each(['tomorrow', '2026-11-02T12:00:00Z', 'Mon, 99 Nov 2026 12:00:00 GMT', ''])(
    'is unknown when the answer says %j',
    async (date) => {
      const { hub } = await startStub([json(401, {}, { date })]);
      const reply = await hub.readDate();
      expect(reply).toMatchObject(MALFORMED);
      expect(reply.meta).not.toHaveProperty('hubDateMs');
    },
  );

  it('is asked for once by all who want it within half a minute', async () => {
    let nowMs = NOW_MS;
    const { hub, requests } = await startStub([json(401), json(401, {}, { date: LATER })], { nowMs: () => nowMs });
    const first = await Promise.all([hub.readDate(), hub.readDate(), hub.readDate()]);
    nowMs += 29_999;
    for (const reply of [...first, await hub.readDate()]) expect(reply.meta).toMatchObject({ hubDateMs: HUB_DATE_MS });
    expect(requests).toHaveLength(1);
    nowMs += 1;
    expect((await hub.readDate()).meta).toMatchObject({ hubDateMs: Date.parse(LATER) });
    expect(requests).toHaveLength(2);
  });

  it('is asked for again where it could not be had, and when our clock was set back', async () => {
    let nowMs = NOW_MS;
    const { hub, requests } = await startStub([(response) => response.destroy(), json(401), json(401)], {
      nowMs: () => nowMs,
    });
    expect((await hub.readDate()).ok).toBe(false);
    expect((await hub.readDate()).ok).toBe(true);
    nowMs -= 1;
    expect((await hub.readDate()).ok).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('is unknown when nobody answers', async () => {
    const { hub } = await startStub([(response) => response.destroy()]);
    expect(await hub.readDate()).toMatchObject({ ok: false, problem: { tag: 'fault', code: 'connection' } });
  });
});

describe('what never becomes a request', () => {
  const BAD_IDS = [
    '',
    '.',
    '..',
    '../../users/x',
    '%2e%2e',
    `${TOKEN_ID}/`,
    `${TOKEN_ID}?x=1`,
    `${TOKEN_ID}\n`,
    ` ${TOKEN_ID}`,
    `${TOKEN_ID}#`,
    'dckr_pat_EXAMPLEhijklmnopqrstuvwxyz0',
    '\\..\\',
  ];
  const BAD_ORGANIZATIONS = [
    '',
    '.',
    '..',
    'acme/app',
    'acme%2f',
    'Acme',
    'acme?',
    'acme\n',
    '-acme',
    'a'.repeat(65),
    'ä',
  ];

  it.each(BAD_IDS)('the token id %j', async (tokenId) => {
    const { hub, requests } = await startStub([]);
    await expect(hub.getToken(SESSION, PAT, tokenId)).rejects.toThrow('not the id of a Docker Hub token');
    await expect(hub.deleteToken(SESSION, OAT, tokenId)).rejects.toThrow('not the id of a Docker Hub token');
    expect(requests).toEqual([]);
  });

  it.each(BAD_ORGANIZATIONS)('the organization %j', async (organization) => {
    const { hub, minter, requests } = await startStub([]);
    const place: TokenPlace = { kind: 'oat', organization };
    const order = { label: 'l', expiresAtMs: null, resources: [] };
    await expect(hub.listTokens(SESSION, place, FIRST_PAGE)).rejects.toThrow('organization');
    await expect(hub.getToken(SESSION, place, TOKEN_ID)).rejects.toThrow('organization');
    await expect(hub.deleteToken(SESSION, place, TOKEN_ID)).rejects.toThrow('organization');
    await expect(minter.createToken(SESSION, place, order)).rejects.toThrow('organization');
    expect(requests).toEqual([]);
  });

  it.each(
    [0, -1, 1.5, Number.NaN, 10_001, Number.POSITIVE_INFINITY].flatMap((number) => [
      { page: number, pageSize: 100 },
      { page: 1, pageSize: number },
    ]),
  )('the page $page of $pageSize tokens', async (window) => {
    const { hub, requests } = await startStub([]);
    await expect(hub.listTokens(SESSION, PAT, window)).rejects.toThrow('page');
    expect(requests).toEqual([]);
  });
});
