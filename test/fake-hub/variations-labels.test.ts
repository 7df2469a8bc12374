import { describe, expect, test } from 'vitest';
import type { FakeHubSettings } from '../../fake-hub/server.ts';
import { bearerOf, call, createPat, openFake } from './client.ts';

const OATS = '/v2/orgs/acme/access-tokens';

/** The status of a create of either kind, and the label that it echoes, that is listed, and that the control has. */
async function echoes(settings: Partial<FakeHubSettings>, label: string) {
  const hub = await openFake(settings);
  const bearer = await bearerOf(hub);
  const pat = await createPat(hub, bearer, { token_label: label });
  const oat = await call(hub, 'POST', OATS, { bearer, body: { label } });
  const pats = (await call(hub, 'GET', '/v2/access-tokens', { bearer })).body.results;
  const oats = (await call(hub, 'GET', OATS, { bearer })).body.results;
  const views = hub.control.tokens();
  return [
    [pat.status, pat.body.token_label, pats[0]?.token_label, views[0]?.label],
    [oat.status, oat.body.label, oats[0]?.label, views[1]?.label],
  ];
}

describe('the label rules of the fake Docker Hub', () => {
  test.each([64, 59, 50])('labels may be cut to %i characters without a word', async (maxLabelCharacters) => {
    const settings = { maxLabelCharacters, labelTooLong: 'cut' } as const;
    const cut = '🐳'.repeat(maxLabelCharacters);
    for (const one of await echoes(settings, '🐳'.repeat(100))) expect(one).toEqual([201, cut, cut, cut]);
    for (const one of await echoes(settings, cut)) expect(one).toEqual([201, cut, cut, cut]);
  });

  test('labels beyond the maximum may get 400 that names the field', async () => {
    const hub = await openFake({ maxLabelCharacters: 50 });
    const bearer = await bearerOf(hub);
    const pat = await createPat(hub, bearer, { token_label: 'x'.repeat(51) });
    expect([pat.status, Object.keys(pat.body.fields)]).toEqual([400, ['token_label']]);
    const oat = await call(hub, 'POST', OATS, { bearer, body: { label: 'x'.repeat(51) } });
    expect([oat.status, Object.keys(oat.body.fields)]).toEqual([400, ['label']]);
    expect(hub.control.tokens()).toEqual([]);
    expect((await createPat(hub, bearer, { token_label: 'x'.repeat(50) })).status).toBe(201);
  });

  test('labels may be kept in lower case', async () => {
    for (const one of await echoes({ labelCase: 'lower' }, 'Release-7F')) {
      expect(one).toEqual([201, 'release-7f', 'release-7f', 'release-7f']);
    }
    for (const one of await echoes({}, 'Release-7F')) {
      expect(one).toEqual([201, 'Release-7F', 'Release-7F', 'Release-7F']);
    }
  });

  test('a rule holds for a new name as well', async () => {
    const hub = await openFake({ maxLabelCharacters: 3, labelTooLong: 'cut', labelCase: 'lower' });
    const bearer = await bearerOf(hub);
    const { uuid } = (await createPat(hub, bearer)).body;
    const patched = await call(hub, 'PATCH', `/v2/access-tokens/${uuid}`, { bearer, body: { token_label: 'TWENTY' } });
    expect(patched.body.token_label).toBe('twe');
  });

  test('an empty label is refused under every rule', async () => {
    const hub = await openFake({ labelTooLong: 'cut' });
    expect((await createPat(hub, await bearerOf(hub), { token_label: '' })).status).toBe(400);
  });
});
