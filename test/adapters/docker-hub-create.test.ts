import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { TokenPlace } from '../../functions/core/ports/docker-hub.ts';
import { HUB_DATE_MS, json, NOW_MS, SESSION, startStub, TOKEN_ID, text } from './docker-hub-stub.ts';

const PAT: TokenPlace = { kind: 'pat' };
const OAT: TokenPlace = { kind: 'oat', organization: 'acme' };
const TOKEN = 'dckr_pat_EXAMPLEhijklmnopqrstuvwxyz0';
const ORDER = { label: 'hl1:mark release', expiresAtMs: NOW_MS + 900_000, scope: 'repo:write' } as const;
const RESOURCES = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }] as const;

describe('creating a personal token', () => {
  it('sends its label, its one scope and its expiry, and returns the token', async () => {
    const { minter, requests } = await startStub([
      json(201, { uuid: TOKEN_ID, token: TOKEN, token_label: ORDER.label, expires_at: '2026-11-02T12:15:00Z' }),
    ]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toEqual({
      ok: true,
      value: { tokenId: TOKEN_ID, token: TOKEN, label: ORDER.label, expiresAtMs: NOW_MS + 900_000 },
      meta: { hubDateMs: HUB_DATE_MS, httpStatus: 201, isJson: true },
    });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/v2/access-tokens' });
    expect(requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${SESSION.bearer}`,
      'content-type': 'application/json',
      'user-agent': 'hublease/0.0.0-test',
    });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      token_label: 'hl1:mark release',
      scopes: ['repo:write'],
      expires_at: '2026-11-02T12:15:00Z',
    });
  });

  it.each([200, 202])('takes %i for 201', async (status) => {
    const { minter } = await startStub([json(status, { uuid: TOKEN_ID, token: TOKEN })]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({ ok: true, value: { token: TOKEN } });
  });

  it('takes an id that is no UUID', async () => {
    const uuid = '507f1f77bcf86cd799439011';
    const { minter } = await startStub([json(201, { uuid, token: TOKEN })]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({ ok: true, value: { tokenId: uuid } });
  });

  it('sends no expiry only when the order has none', async () => {
    const { minter, requests } = await startStub([json(201, { uuid: TOKEN_ID, token: TOKEN })]);
    await minter.createToken(SESSION, PAT, { ...ORDER, expiresAtMs: null });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ token_label: ORDER.label, scopes: ['repo:write'] });
  });

  it('keeps the milliseconds of an expiry that has some', async () => {
    const { minter, requests } = await startStub([json(201, { uuid: TOKEN_ID, token: TOKEN })]);
    await minter.createToken(SESSION, PAT, { ...ORDER, expiresAtMs: NOW_MS + 1 });
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({ expires_at: '2026-11-02T12:00:00.001Z' });
  });
});

describe('creating an organization token', () => {
  it('sends its label, its resources and its expiry, and returns the token', async () => {
    const { minter, requests } = await startStub([json(201, { id: TOKEN_ID, label: 'l', token: 'dckr_oat_abc' })]);
    const order = { label: 'l', expiresAtMs: NOW_MS, resources: RESOURCES };
    expect(await minter.createToken(SESSION, OAT, order)).toMatchObject({
      ok: true,
      value: { tokenId: TOKEN_ID, token: 'dckr_oat_abc', label: 'l' },
    });
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/v2/orgs/acme/access-tokens' });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      label: 'l',
      resources: RESOURCES,
      expires_at: '2026-11-02T12:00:00Z',
    });
  });
});

describe('what a created token came to be', () => {
  it.each([
    ['the label as it was changed', { token_label: 'hl1:mark rel' }, { label: 'hl1:mark rel' }],
    ['an empty label', { token_label: '' }, { label: '' }],
    ['no label where it is null', { token_label: null }, {}],
    ['no label where it is missing', {}, {}],
    ['no label under the name of the other kind', { label: ORDER.label }, {}],
  ])('is told with %s', async (_, echo, label) => {
    const { minter } = await startStub([json(201, { uuid: TOKEN_ID, token: TOKEN, ...echo })]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toHaveProperty('value', {
      tokenId: TOKEN_ID,
      token: TOKEN,
      expiresAtMs: null,
      ...label,
    });
  });

  it.each([
    ['another expiry', '2026-11-03T12:15:00.5Z', Date.UTC(2026, 10, 3, 12, 15, 0, 500)],
    ['no expiry where it is missing', undefined, null],
    ['no expiry where it is null', null, null],
    ['no expiry where it is empty', '', null],
    ['no expiry where it cannot be read', 'tomorrow', null],
    ['no expiry in the year 1', '0001-01-01T00:00:00Z', null],
    ['no expiry before the year 2000', '1999-12-31T23:59:59Z', null],
    ['an expiry in the year 2000', '2000-01-01T00:00:00Z', Date.UTC(2000, 0, 1)],
  ])('is told with %s', async (_, expires_at, expiresAtMs) => {
    const { minter } = await startStub([json(201, { uuid: TOKEN_ID, token: TOKEN, expires_at })]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({ ok: true, value: { expiresAtMs } });
  });
});

it.each([
  ['a personal token without a scope', PAT, { label: 'l', expiresAtMs: null, resources: RESOURCES }],
  ['an organization token without resources', OAT, { label: 'l', expiresAtMs: null, scope: 'repo:read' }],
] as const)('never asks for %s', async (_, place, order) => {
  const { minter, requests } = await startStub([]);
  await expect(minter.createToken(SESSION, place, order)).rejects.toThrow('needs');
  expect(requests).toEqual([]);
});

describe('a create of unknown outcome', () => {
  it.each([
    ['has no id', json(201, { token: TOKEN })],
    ['has an id that would leave its path', json(201, { uuid: 'x/../y', token: TOKEN })],
    ['has the other kind’s id', json(201, { id: TOKEN_ID, token: TOKEN })],
    ['has no token', json(201, { uuid: TOKEN_ID })],
    ['has an empty token', json(201, { uuid: TOKEN_ID, token: '' })],
    ['has a token with a line break', json(201, { uuid: TOKEN_ID, token: 'a\nb' })],
    ['has the token itself for an id', json(201, { uuid: TOKEN, token: TOKEN })],
    ['has no body', json(201)],
    ['is no JSON', text(201, 'text/plain', TOKEN)],
    ['does not parse', text(201, 'application/json', `{"uuid":"${TOKEN_ID}","token":"${TOKEN}`)],
  ])('is one whose answer %s', async (_, answer) => {
    const { minter, requests } = await startStub([answer]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({
      ok: false,
      problem: { tag: 'fault', code: 'malformed' },
    });
    expect(requests).toHaveLength(1);
  });
});

describe('a refused create', () => {
  it.each([
    ['the field', { fields: { expires_at: ['must be a whole hour'] }, text: 'invalid' }, ['expires_at']],
    ['each field', { fields: { scopes: ['x'], token_label: ['y'] } }, ['token_label', 'scopes']],
    ['the expiry that only the text mentions', { fields: {}, text: 'expires_at is too soon' }, ['expires_at']],
    ['the expiry that only the detail mentions', { detail: 'bad ExpiresAt' }, ['expires_at']],
    ['a field rather than what the text mentions', { fields: { scopes: [] }, text: 'scopes, expires_at' }, ['scopes']],
    ['no field that hublease does not send', { fields: { dckr_pat_leak: ['x'], ['__proto__']: 1 } }, []],
    ['no field of a list', { fields: ['expires'] }, []],
    ['no column of a database', { fields: { column: 'expires_at' }, text: 'null in column "expires_at"' }, []],
    ['the expiry where no fields are given', { fields: null, text: 'expires_at is too soon' }, ['expires_at']],
    ['a field rather than the limit that it is over', { fields: { label: ['over the maximum'] } }, ['label']],
    ['the expiry rather than the limit that it is over', { text: 'expires_at exceeds the limit' }, ['expires_at']],
    ['nothing where nothing is named', {}, []],
  ])('names %s', async (_, body, fields) => {
    const { minter } = await startStub([json(400, body)]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({ problem: { tag: 'invalid', fields } });
  });

  const PLAN = 'not allowed to create a scoped personal access token with your current plan';
  it.each([
    ['its plan, as it was seen', 403, { errinfo: null, message: PLAN }, 'plan'],
    ['its plan under another status', 400, { detail: 'This needs a paid subscription' }, 'plan'],
    ['a paid plan', 402, { text: 'upgrade to a paid plan' }, 'plan'],
    ['a limit of tokens', 403, { message: 'maximum number of access tokens reached' }, 'cap_reached'],
    ['a limit in other words', 409, { detail: 'token quota used up' }, 'cap_reached'],
    ['too many tokens', 400, { message: 'Too many organization access tokens' }, 'cap_reached'],
    ['an exceeded number', 422, { text: 'number of tokens exceeded' }, 'cap_reached'],
    ['the limit that its plan sets', 403, { message: 'Your plan has a limit of 10 access tokens' }, 'cap_reached'],
    ['anything else', 403, { message: 'access denied' }, 'forbidden'],
    ['a rate limit', 403, { message: 'Rate limit exceeded' }, 'forbidden'],
    ['a limit of its expiry', 400, { message: 'expiration exceeds the maximum' }, 'invalid'],
    ['a limit of its label', 400, { message: 'maximum length of a label is 50 characters' }, 'invalid'],
    ['a session of which a limit is told', 401, { detail: 'session limit' }, 'session_refused'],
    ['an account of which a limit is told', 404, { detail: 'limit' }, 'not_found'],
    ['a limit that no known member tells', 403, { reason: 'maximum number of tokens' }, 'forbidden'],
  ])('for %s (%i) is known as such', async (_, status, body, tag) => {
    const { minter } = await startStub([json(status, body)]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({ ok: false, problem: { tag } });
  });

  it('tells its status, and that it is in Docker Hub’s own form', async () => {
    const { minter } = await startStub([
      json(429, {}),
      text(429, 'text/plain', 'slow down'),
      text(429, 'application/json', '{'),
    ]);
    const metaOf = async () => (await minter.createToken(SESSION, PAT, ORDER)).meta;
    expect(await metaOf()).toEqual({ hubDateMs: HUB_DATE_MS, httpStatus: 429, isJson: true });
    expect(await metaOf()).toEqual({ hubDateMs: HUB_DATE_MS, httpStatus: 429 });
    expect(await metaOf()).toEqual({ hubDateMs: HUB_DATE_MS, httpStatus: 429 });
  });
});

describe('the create call', () => {
  const bundled = async (entry: string) => {
    const result = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      external: ['undici', 'otpauth'],
    });
    return Object.keys(result.metafile.inputs);
  };

  it('is bundled with the minter, and never with what only revokes', async () => {
    expect(await bundled('functions/adapters/docker-hub/docker-hub.ts')).not.toContain(
      'functions/adapters/docker-hub/create.ts',
    );
    expect(await bundled('functions/adapters/docker-hub/create.ts')).not.toContain(
      'functions/adapters/docker-hub/login.ts',
    );
  });
});
