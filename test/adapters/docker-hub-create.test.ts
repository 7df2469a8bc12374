import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { TokenPlace } from '../../functions/core/ports.ts';
import { HUB_DATE_MS, json, NOW_MS, SESSION, startStub, TOKEN_ID, text } from './docker-hub-stub.ts';

const PAT: TokenPlace = { kind: 'pat' };
const OAT: TokenPlace = { kind: 'oat', organization: 'acme' };
const TOKEN = 'dckr_pat_EXAMPLEhijklmnopqrstuvwxyz0';
const ORDER = { label: 'hl1:mark release', expiresAtMs: NOW_MS + 900_000, scope: 'repo:write' } as const;
const RESOURCES = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }] as const;

describe('creating a personal token', () => {
  it('sends its label, its one scope and its expiry, and returns the token', async () => {
    const { minter, requests } = await startStub([
      json(201, { uuid: TOKEN_ID, token: TOKEN, token_label: ORDER.label }),
    ]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toEqual({
      ok: true,
      value: { tokenId: TOKEN_ID, token: TOKEN },
      meta: { hubDateMs: HUB_DATE_MS },
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

  it('takes 200 for 201', async () => {
    const { minter } = await startStub([json(200, { uuid: TOKEN_ID, token: TOKEN })]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({ ok: true, value: { token: TOKEN } });
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
      value: { tokenId: TOKEN_ID, token: 'dckr_oat_abc' },
    });
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/v2/orgs/acme/access-tokens' });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      label: 'l',
      resources: RESOURCES,
      expires_at: '2026-11-02T12:00:00Z',
    });
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
    ['has an id that is no UUID', json(201, { uuid: 'x/../y', token: TOKEN })],
    ['has the other kind’s id', json(201, { id: TOKEN_ID, token: TOKEN })],
    ['has no token', json(201, { uuid: TOKEN_ID })],
    ['has an empty token', json(201, { uuid: TOKEN_ID, token: '' })],
    ['has a token with a line break', json(201, { uuid: TOKEN_ID, token: 'a\nb' })],
    ['is another 2xx', json(202, { uuid: TOKEN_ID, token: TOKEN })],
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
    ['nothing where nothing is named', {}, []],
  ])('names %s', async (_, body, fields) => {
    const { minter } = await startStub([json(400, body)]);
    expect(await minter.createToken(SESSION, PAT, ORDER)).toMatchObject({ problem: { tag: 'invalid', fields } });
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
    expect(await bundled('functions/adapters/docker-hub.ts')).not.toContain('functions/adapters/docker-hub-create.ts');
    expect(await bundled('functions/adapters/docker-hub-create.ts')).not.toContain(
      'functions/adapters/docker-hub-login.ts',
    );
  });
});
