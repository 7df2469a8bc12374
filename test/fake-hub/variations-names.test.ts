import { describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../fake-hub/settings.ts';
import { VARIATION_NAMES, VARIATIONS } from '../../fake-hub/variations.ts';
import { bearerOf, call, openFake } from './client.ts';

const ANN = { kind: 'pat', account: 'ann' } as const;

describe('the variations of the fake Docker Hub', () => {
  test.each(VARIATION_NAMES)(
    '%s says in one sentence how it differs, and its settings can be switched over HTTP',
    async (name) => {
      const { differs, settings, otherSettings = [] } = VARIATIONS[name];
      expect(differs).toMatch(/^[A-Z][^\n]+\.$/);
      const hub = await openFake();
      for (const form of [settings, ...otherSettings]) {
        const reply = await call(hub, 'PATCH', '/_fake/settings', { body: form });
        expect([reply.status, reply.body]).toEqual([200, { ...DEFAULT_SETTINGS, ...form }]);
        expect(hub.control.settings()).toEqual(reply.body);
        hub.control.reset();
      }
    },
  );

  test('each setting is one that differs from the documented Docker Hub', () => {
    for (const name of VARIATION_NAMES) {
      const { settings, otherSettings = [] } = VARIATIONS[name];
      for (const form of [settings, ...otherSettings]) {
        for (const [key, value] of Object.entries(form)) {
          expect(value, `${name}: ${key}`).not.toEqual(DEFAULT_SETTINGS[key as keyof typeof DEFAULT_SETTINGS]);
        }
      }
    }
  });

  test('only `plain` and those that tell of something else leave the settings alone', () => {
    const untouched = VARIATION_NAMES.filter((name) => Object.keys(VARIATIONS[name].settings).length === 0);
    expect(untouched).toEqual(['plain', 'label-null', 'lost', 'odd-foreign', 'odd-foreign-lost', 'totp']);
  });

  test('a name that tells of a lost create has one, and so has `label-null`', () => {
    const lost = VARIATION_NAMES.filter((name) => VARIATIONS[name].createIsLost);
    expect(lost).toEqual(VARIATION_NAMES.filter((name) => /(^|-)lost(-|$)/.test(name) || name === 'label-null'));
  });

  test('a DELETE that always fails is said to, and is switched on', () => {
    for (const name of VARIATION_NAMES) {
      const { deleteAlwaysFails = false, settings } = VARIATIONS[name];
      expect(settings.deleteErrorStatus !== undefined, name).toBe(deleteAlwaysFails);
    }
  });

  test('one is applied with the tokens that the account has beforehand', async () => {
    const hub = await openFake();
    hub.control.applyVariation('oldest-first-lost', ANN);
    expect(hub.control.settings()).toEqual({ ...DEFAULT_SETTINGS, listOrder: 'oldest' });
    const { body } = await call(hub, 'GET', '/v2/access-tokens?page_size=2', { bearer: await bearerOf(hub) });
    expect(body).toMatchObject({ count: 250, results: [{ token_label: 'other 1' }, { token_label: 'other 2' }] });
    expect(hub.control.tokens().every(({ foreign, createdAtMs }) => foreign && createdAtMs < hub.nowMs())).toBe(true);
  });

  test.each([
    ['odd-foreign', { token_label: 'odd', created_at: null }],
    ['label-null', { token_label: null, created_at: '2030-03-02T12:00:00.000000Z' }],
  ] as const)('%s brings its odd token', async (name, token) => {
    const hub = await openFake();
    hub.control.applyVariation(name, ANN);
    const { body } = await call(hub, 'GET', '/v2/access-tokens', { bearer: await bearerOf(hub) });
    expect(body).toMatchObject({ count: 1, results: [token] });
  });

  test('several may be applied one upon the other', async () => {
    const hub = await openFake();
    hub.control.applyVariation('delete-soft', ANN);
    hub.control.applyVariation('label-case', ANN);
    expect(hub.control.settings()).toEqual({ ...DEFAULT_SETTINGS, deleteForm: 'soft', labelCase: 'lower' });
  });
});

describe('settings over HTTP', () => {
  test.each([
    ['expiryRule', 'sometimes'],
    ['maxLabelCharacters', 0],
    ['listLagMs', -1],
    ['deleteDelayMs', 'never'],
    ['deleteErrorStatus', 404],
    ['sessionSeconds', 1.5],
    ['apiChallenge', 'yes'],
    ['hasOwnProperty', true],
  ])('%s of %j gets 400', async (name, value) => {
    const hub = await openFake();
    expect((await call(hub, 'PATCH', '/_fake/settings', { body: { [name]: value } })).status).toBe(400);
    expect(hub.control.settings()).toEqual(DEFAULT_SETTINGS);
  });

  test.each([
    ['deleteDelayMs', null],
    ['deleteErrorStatus', null],
    ['sessionSeconds', null],
    ['edgeRetryStatus', null],
  ])('%s may be switched off with null', async (name, value) => {
    const hub = await openFake({ deleteErrorStatus: 500, sessionSeconds: 30, edgeRetryStatus: 409 });
    const reply = await call(hub, 'PATCH', '/_fake/settings', { body: { [name]: value } });
    expect([reply.status, reply.body[name]]).toEqual([200, null]);
  });

  test("an odd token is made over HTTP, with another's User-Agent", async () => {
    const hub = await openFake();
    const body = { ...ANN, label: 'theirs', odd: 'label-null', creatorUserAgent: 'Docker-Desktop/4.50' };
    expect((await call(hub, 'POST', '/_fake/tokens', { body })).status).toBe(200);
    const { results } = (await call(hub, 'GET', '/v2/access-tokens', { bearer: await bearerOf(hub) })).body;
    expect(results).toMatchObject([{ token_label: null, creator_ua: 'Docker-Desktop/4.50' }]);
    for (const wrong of [{ odd: 'strange' }, { creatorUserAgent: 1 }]) {
      expect((await call(hub, 'POST', '/_fake/tokens', { body: { ...body, ...wrong } })).status).toBe(400);
    }
  });
});
