import { describe, expect, it } from 'vitest';
import type { FakeHubSettings } from '../../fake-hub/server.ts';
import type { VariationName } from '../../fake-hub/variations.ts';
import { type Outcome, runLiveCheck } from './live-check-world.ts';

/** For each variation what the live check must find out, and what it must say that changes. */
const FOUND: readonly [VariationName, string, Readonly<Record<string, unknown>>, RegExp][] = [
  ['plain', 'personal:create', { status: 201, idIsUuid: true }, /takes any 2xx/],
  ['plain', 'personal:label', { maxCharacters: 100, caseKept: true }, /kept as documented/],
  ['plain', 'personal:delete-status', { status: 204 }, /evidence \(deleted\)/],
  ['plain', 'personal:delete-gone', { status: 404, json: true }, /evidence/],
  ['plain', 'personal:registry-stop', { notYetAfterMs: null }, /no new bearer/],
  ['plain', 'personal:list-lag', { notYetAfterMs: null }, /quiet period .* 60 s/],
  ['plain', 'personal:expiry', { slackSeconds: 0 }, /expirySlackSeconds 0/],
  ['plain', 'personal:expiry-shortest', { shortestSeconds: 5, granularity: 'second' }, /expiryGranularity second\.$/],
  ['plain', 'personal:expired', { listed: true, acceptedAfterMs: null }, /deletes expired tokens/],
  ['plain', 'personal:label-taken', { accepted: true }, /never used twice/],
  ['plain', 'personal:order', { order: 'Newest first' }, /any order/],
  ['plain', 'personal:order-used', { moved: false, lastUsedShown: true }, /does not move/],
  ['plain', 'personal:patch-scopes', { status: 200, changed: false }, /keeps its scope/],
  ['plain', 'personal:token-session', { allowed: false }, /knows these words/],
  ['plain', 'personal:refresh-after', { given: false }, /no refresh token/],
  ['plain', 'account:session-life', { '/v2/auth/token': 600, '/v2/users/login': 2_592_000 }, /1 h at most/],
  ['expiry-ignored', 'personal:expiry', { slackSeconds: null }, /allowUnprovenExpiry/],
  ['expiry-day', 'personal:expiry', { slackSeconds: 86_400 }, /expirySlackSeconds 86400/],
  ['expiry-day', 'personal:expiry-shortest', { granularity: 'day' }, /expiryGranularity day/],
  ['expiry-least-day', 'personal:expiry', { slackSeconds: 86_400 }, /expirySlackSeconds 86400/],
  ['expiry-least-400', 'personal:expiry-shortest', { shortestSeconds: 90_000 }, /expiryMinSeconds 86400/],
  ['zero-time-ignored', 'personal:expiry', { slackSeconds: null }, /expiry_refused/],
  ['label-64', 'personal:label', { maxCharacters: 64 }, /labelMaxCharacters 59: .* 4 characters would fit/],
  ['label-59', 'personal:label', { maxCharacters: 59 }, /labelMaxCharacters 59/],
  ['label-50-400', 'personal:label', { maxCharacters: 50 }, /label_refused/],
  ['label-case', 'personal:label', { maxCharacters: 100, caseKept: false }, /label_refused/],
  ['count-hidden-lost', 'personal:list-before', { hidden: 3 }, /listing_incomplete/],
  ['odd-foreign', 'personal:list-before', { withoutTime: 1 }, /can be read/],
  ['label-null', 'personal:list-before', { withoutLabel: 1 }, /can be read/],
  ['page-400-lost', 'personal:page-size', { accepted: 50 }, /falls back to pages of 50/],
  ['page-10', 'personal:page-size', { obeyed: false }, /what a page holds/],
  ['page-404', 'personal:page-beyond', { status: 404 }, /Nothing/],
  ['page-404', 'personal:page-size', { cut: true, given: 100 }, /pages of 100/],
  ['oldest-first-lost', 'personal:order', { order: 'Oldest first' }, /any order/],
  ['create-202', 'personal:create', { status: 202 }, /any 2xx/],
  ['id-not-uuid', 'personal:create', { idIsUuid: false }, /any 2xx/],
  ['ua-rewritten', 'personal:creator', { kept: false, missing: true }, /possibly its own/],
  ['plan-403', 'personal:create', { made: true }, /any 2xx/],
  ['edge-retry', 'personal:refused-creates', { refused: 0, unclear: 3, unclearMade: 3 }, /later lists/],
  ['lost', 'personal:refused-creates', { unclear: 1, unclearMade: 1 }, /later lists/],
  ['delete-202-never', 'personal:delete-get', { afterMs: null }, /stays open/],
  ['delete-soft', 'personal:delete-get', { notYetAfterMs: null }, /confirmedBy gone or inactive/],
  ['404-bare', 'personal:delete-gone', { status: 404, json: false }, /before it believes/],
  ['gone-403', 'personal:delete-gone', { status: 403 }, /before it believes/],
  ['gone-410', 'personal:delete-gone', { status: 410 }, /before it believes/],
  ['list-lags-90-lost', 'personal:expired', { listed: true }, /stay listed/],
  ['list-lags-90-lost', 'personal:order-used', { moved: false, lastUsedShown: true }, /does not move/],
  ['list-lags-90-lost', 'personal:label', { maxCharacters: 100 }, /as documented/],
  ['token-lags', 'personal:order-used', { lastUsedShown: true }, /does not move/],
  ['count-hidden-lost', 'personal:page-size', { cut: false }, /asks for 100/],
  ['login-session-401', 'account:login-users-login', { opened: true }, /can have loginRoute users-login/],
  ['rate-60', 'account:rate-limit', { limit: 60, requestCosts: 1 }, /requests are left/],
  ['captcha-400', 'account:login-auth-token', { status: 400, opened: false }, /back off together/],
  ['type-text', 'account:login-auth-token', { status: 200, opened: false }, /cannot read/],
  ['totp', 'account:second-factor', { asked: true, totpSecretGiven: true }, /users-login alone/],
  ['totp', 'account:login-auth-token', { status: 401, ticket: false }, /loginRoute users-login/],
  ['totp-200', 'account:login-users-login', { status: 200, ticket: true, opened: true }, /users-login/],
  ['pat-403-other', 'personal:token-session', { allowed: false }, /knows these words/],
  ['org-404', 'organization:list-before', { readable: false }, /refuses such a target/],
  ['relogin-401-once', 'account:session-life', { '/v2/auth/token': 30 }, /that long/],
];

const runs = new Map<VariationName, Promise<Outcome>>();

/** One run of each variation serves all that is asked of it. */
function runOf(variation: VariationName): Promise<Outcome> {
  const run = runs.get(variation) ?? runLiveCheck({ variation });
  runs.set(variation, run);
  return run;
}

describe('the live check finds out', () => {
  it.each(FOUND)('of %s: %s', async (variation, id, facts, changes) => {
    const { answers } = await runOf(variation);
    expect(answers[id]?.facts).toMatchObject(facts);
    expect(answers[id]?.changes).toMatch(changes);
  });

  it.each([
    ['get-lags', 'personal:get-lag', 3_000],
    ['list-lags-90-lost', 'personal:list-lag', 90_000],
    ['delete-202-late-5', 'personal:delete-get', 5_000],
    ['delete-202-late-60', 'personal:delete-list', 60_000],
    ['token-lags', 'personal:registry-start', 4_000],
    ['token-lags', 'personal:registry-stop', 20_000],
    ['plain', 'personal:bearer-after', 300_000],
  ] as const)('of %s between which two looks it came: %s', async (variation, id, trueMs) => {
    const { afterMs, notYetAfterMs } = (await runOf(variation)).answers[id]?.facts ?? {};
    // The answer to the create or the DELETE came a little before the watch began.
    expect(notYetAfterMs).toBeLessThanOrEqual(trueMs);
    expect(afterMs).toBeGreaterThanOrEqual(trueMs - 3_000);
    expect(afterMs).toBeLessThanOrEqual(trueMs * 1.5 + 3_000);
  });

  it('how far an expiry is moved, in each place', async () => {
    const { answers } = await runOf('expiry-least-day');
    expect(answers['personal:expiry']?.answer).toMatch(/^1 h: 2[23] h .*later.* 25 h: as asked\.$/);
  });

  it.each<[string, Partial<FakeHubSettings>, RegExp]>([
    ['an hour', { expiryGranularity: 'hour' }, /only as a whole hour/],
    ['a minute', { expiryGranularity: 'minute' }, /only as a whole minute/],
  ])('that an expiry must be a whole %s', async (_, settings, said) => {
    expect((await runLiveCheck({ settings })).answers['personal:expiry-shortest']?.answer).toMatch(said);
  });

  it('that a token outlives its own expiry', async () => {
    const { answers } = await runLiveCheck({ settings: { expireTokens: false } });
    expect(answers['personal:expired']?.changes).toBe('An expiry does not end a token: it must not count as evidence.');
  });

  it('that a refused create made a token, and deletes it', async () => {
    const outcome = await runLiveCheck({ settings: { edgeRetryStatus: 400 } });
    expect(outcome.answers['personal:refused-creates']?.changes).toMatch(/proves nothing/);
    expect(outcome.live).toEqual([]);
    expect(outcome.exitCode).toBe(0);
  });

  it('which account needs a TOTP secret that was not given', async () => {
    const outcome = await runLiveCheck({ hasSecondFactor: true, env: { HUBLEASE_LIVE_TOTP_SECRET: '' } });
    expect(outcome.answers['account:second-factor']?.answer).toContain('No TOTP secret was given.');
    expect(outcome.answers['account:login-users-login']?.changes).toMatch(/TOTP secret/);
    expect(outcome.exitCode).toBe(3);
  });

  it('what each resource of an organization token gets', async () => {
    const { answers } = await runLiveCheck({ hasOrganization: true });
    expect(answers['organization:resources']?.facts).toEqual({
      '*/*/public': 201,
      'ORG/*': 201,
      'a repository that is not there': 400,
      'another organization': 400,
      'TYPE_ORG with its name': 201,
      'a scope without its prefix': 400,
      none: 201,
    });
    expect(answers['organization:create']?.answer).toMatch(
      /Only in the create: token, description; only in GET: created_by/,
    );
  });
});
