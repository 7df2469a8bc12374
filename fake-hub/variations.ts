/**
 * Docker Hubs that differ from the documented one in one respect, by name. A test takes a name, starts a fake with its settings
 * or calls the control's `applyVariation`, and asks the fake which tokens still log in.
 */

import type { FakeHubSettings } from './settings.ts';
import type { OddForm } from './tokens/token-row.ts';

export interface Variation {
  /** How this Docker Hub differs, in one sentence. */
  readonly differs: string;
  readonly settings: Partial<FakeHubSettings>;
  /** The same respect in its other forms, each in place of `settings`. */
  readonly otherSettings?: readonly Partial<FakeHubSettings>[];
  /** The token is made and the answer never comes: the test arms the fault `reset-after` for that create. */
  readonly createIsLost?: true;
  /** No DELETE ever succeeds, and the settings say so. */
  readonly deleteAlwaysFails?: true;
  /** How many tokens of somebody else exist in the account beforehand. */
  readonly otherTokens?: number;
  /** The account also has one old token of somebody else that reads oddly. */
  readonly oddToken?: OddForm;
  /** TTL of the lease, where it matters. */
  readonly leaseSeconds?: number;
  /** The lease is revoked long before its end. */
  readonly isRevoked?: true;
  /** What the account must have for the difference to show. */
  readonly needs?: 'organization' | 'second-factor';
}

const HOUR_SECONDS = 3_600;

/** An old token of somebody else whose creation is not told. */
const ODD_CREATED = { oddToken: 'created-null' } as const;
const CUT_TO_50 = { maxLabelCharacters: 50, labelTooLong: 'cut' } as const;

/** A lease of an hour whose create is lost. */
const LOST_1H = { createIsLost: true, leaseSeconds: HOUR_SECONDS } as const;
/** A lease of an hour that is revoked at once. */
const REVOKED_1H = { isRevoked: true, leaseSeconds: HOUR_SECONDS } as const;

const ALL = {
  plain: { differs: 'Docker Hub is as documented.', settings: {} },

  'expiry-ignored': { differs: 'The expiry is dropped without a word.', settings: { expiryRule: 'ignored' } },
  'expiry-day': { differs: 'The expiry is raised to the end of its UTC day.', settings: { expiryRule: 'day-end' } },
  'expiry-least-day': {
    differs: 'An expiry below one day ahead is raised to one day ahead.',
    settings: { expiryRule: 'at-least-day' },
  },
  'expiry-least-400': {
    differs: 'An expiry below one day ahead gets a 400 that names the field.',
    settings: { expiryRule: 'at-least-day-400' },
  },
  'expiry-least-400-plain': {
    differs: 'An expiry below one day ahead gets a 400 that names no field.',
    settings: { expiryRule: 'at-least-day-400-plain' },
  },
  'zero-time': { differs: 'Times that are none read as year 1.', settings: { noTimeForm: 'year-1' } },
  'zero-time-ignored': {
    differs: 'The expiry is dropped and reads as year 1.',
    settings: { expiryRule: 'ignored', noTimeForm: 'year-1' },
  },

  'label-64': {
    differs: 'Labels are cut to 64 characters.',
    settings: { maxLabelCharacters: 64, labelTooLong: 'cut' },
  },
  'label-59': {
    differs: 'Labels are cut to 59 characters.',
    settings: { maxLabelCharacters: 59, labelTooLong: 'cut' },
  },
  'label-50-400': { differs: 'Labels beyond 50 characters get 400.', settings: { maxLabelCharacters: 50 } },
  'label-case': { differs: 'Labels are kept in lower case.', settings: { labelCase: 'lower' } },
  'label-cut-lost': {
    differs: 'Labels are cut to 50 characters and the answer to the create is lost.',
    settings: CUT_TO_50,
    createIsLost: true,
  },
  'label-null': {
    differs: 'A token of Docker Desktop has no label and the answer to the create is lost.',
    settings: {},
    oddToken: 'label-null',
    ...LOST_1H,
  },

  lost: { differs: 'The answer to the create is lost.', settings: {}, createIsLost: true },
  'count-hidden-lost': {
    differs: 'The count includes 3 tokens that no page shows and the answer to the create is lost.',
    settings: { countHidden: 3 },
    createIsLost: true,
  },
  'odd-foreign': { differs: 'One old token of somebody else has no creation time.', settings: {}, ...ODD_CREATED },
  'odd-foreign-lost': {
    differs: 'One old token of somebody else has no creation time and the answer to the create is lost.',
    settings: {},
    createIsLost: true,
    ...ODD_CREATED,
  },
  'page-400-lost': {
    differs: 'A page_size over 50 gets 400 and the answer to the create is lost.',
    settings: { maxPageSize: 50, pageSizeRule: '400' },
    createIsLost: true,
  },
  'page-10': { differs: 'A page always has 10 tokens.', settings: { maxPageSize: 10, pageSizeRule: 'ignored' } },
  'page-404': {
    differs: 'A page beyond the end answers 404.',
    settings: { pageBeyondEndStatus: 404 },
    otherTokens: 120,
  },
  'oldest-first-lost': {
    differs: 'The list is oldest first, among 250 others, and the answer to the create is lost.',
    settings: { listOrder: 'oldest' },
    createIsLost: true,
    otherTokens: 250,
  },
  'get-lags': { differs: 'A new token can be read only after 3 s.', settings: { getLagMs: 3_000 } },
  'list-lags-90-lost': {
    differs: 'A new token is listed only after 90 s and the answer to the create is lost.',
    settings: { listLagMs: 90_000 },
    createIsLost: true,
  },

  'create-200': { differs: 'The create answers 200.', settings: { createStatus: 200 } },
  'create-202': { differs: 'The create answers 202.', settings: { createStatus: 202 } },
  'id-not-uuid': { differs: 'The ids of tokens are no UUIDs.', settings: { tokenIdForm: 'hex24' } },
  'type-text': { differs: 'Every answer calls its JSON text/plain.', settings: { contentType: 'text' } },
  'type-none-404': {
    differs: 'The 404 of a token is an HTML page.',
    settings: { notFoundForm: 'html' },
    otherSettings: [{ notFoundForm: 'html-untyped' }],
  },
  '404-bare': { differs: 'The 404 of a token has no body.', settings: { notFoundForm: 'bare' } },
  'ua-rewritten': {
    differs: "A token's User-Agent is missing, or a proxy's.",
    settings: { creatorUa: 'absent' },
    otherSettings: [{ creatorUa: 'proxy' }],
  },
  'edge-retry': {
    differs: 'The edge repeats a create by itself: the caller sees a refusal, and a token was made.',
    settings: { edgeRetryStatus: 409 },
    otherSettings: [{ edgeRetryStatus: 400 }, { edgeRetryStatus: 429 }],
  },
  'plan-403': {
    differs: 'Tokens with a scope other than repo:admin need a paid plan.',
    settings: { scopedTokensNeedPlan: true },
  },

  'delete-202-late-5': {
    differs: 'DELETE answers 202 and the token goes 5 s later.',
    settings: { deleteStatus: 202, deleteDelayMs: 5_000 },
  },
  'delete-202-late-60': {
    differs: 'DELETE answers 202 and the token goes 60 s later.',
    settings: { deleteStatus: 202, deleteDelayMs: 60_000 },
  },
  'delete-202-never': {
    differs: 'DELETE answers 202 and nothing happens.',
    settings: { deleteStatus: 202, deleteDelayMs: null },
  },
  'always-202': {
    differs: 'Every DELETE answers 202 and is done 2 s later.',
    settings: { deleteStatus: 202, deleteDelayMs: 2_000 },
  },
  'delete-soft': { differs: 'A deleted token stays listed, inactive.', settings: { deleteForm: 'soft' } },
  'gone-403': { differs: 'DELETE of what is gone answers 403.', settings: { goneStatus: 403 } },
  'gone-410': { differs: 'DELETE of what is gone answers 410.', settings: { goneStatus: 410 } },
  'expired-but-alive': {
    differs: 'The expiry is raised to a day ahead and every DELETE answers 500.',
    settings: { expiryRule: 'at-least-day', deleteErrorStatus: 500 },
    deleteAlwaysFails: true,
  },
  'expired-never': {
    differs: 'The expiry is dropped and every DELETE answers 500.',
    settings: { expiryRule: 'ignored', deleteErrorStatus: 500 },
    deleteAlwaysFails: true,
  },

  'rate-60': { differs: 'The limit is 60 requests a minute.', settings: { rateLimitPerMinute: 60 } },
  'rate-10': { differs: 'The limit is 10 requests a minute.', settings: { rateLimitPerMinute: 10 } },
  'captcha-400': { differs: 'Login wants a captcha.', settings: { loginChallenge: 'captcha-400' } },
  'challenge-403': { differs: 'Login gets a challenge page.', settings: { loginChallenge: 'challenge-403' } },
  'challenge-200': { differs: 'Every answer is a challenge page with 200.', settings: { apiChallenge: true } },
  'logins-behind-edge': {
    differs: 'Login gets a challenge page while 40 callers want a lease.',
    settings: { loginChallenge: 'challenge-403' },
  },
  'login-session-401': {
    differs: 'One login in two gets a 401 that is soon over.',
    settings: { loginTransient401Every: 2 },
  },
  'relogin-401-once': {
    differs: 'Sessions live 30 s, and the second login gets a 401 that is soon over.',
    settings: { sessionSeconds: 30, loginTransient401At: 2 },
  },
  totp: { differs: 'The account has a second factor, as documented.', settings: {}, needs: 'second-factor' },
  'totp-200': {
    differs: 'The first step of a login with a second factor answers 200.',
    settings: { secondFactorStatus: 200 },
    needs: 'second-factor',
  },
  'lock-401': { differs: 'A locked user name gets 401 with other words.', settings: { lockStatus: 401 } },
  'pat-403-other': {
    differs: 'The 403 for the session of a personal token has other words.',
    settings: { patSessionWords: 'other' },
  },
  'big-jwt': { differs: 'A session has 6 KiB.', settings: { sessionHeader: 'x5c' } },
  'org-404': {
    differs: 'The organization answers 404 to everything.',
    settings: { lostRole: true },
    needs: 'organization',
  },
  'routes-404': { differs: 'The token routes answer 404 to everything.', settings: { routesGone: true } },
  'token-lags': {
    differs: 'At auth.docker.io a new token works 4 s late, and a deleted one for 20 s more.',
    settings: { registryNewLagMs: 4_000, registryGoneLagMs: 20_000 },
  },

  'revoke-202-late-60': {
    differs: 'A lease is revoked: DELETE answers 202 and the token goes 60 s later.',
    settings: { deleteStatus: 202, deleteDelayMs: 60_000 },
    ...REVOKED_1H,
  },
  'revoke-202-never': {
    differs: 'A lease is revoked: DELETE answers 202 and nothing happens.',
    settings: { deleteStatus: 202, deleteDelayMs: null },
    ...REVOKED_1H,
  },
  'revoke-soft': {
    differs: 'A lease is revoked: its token stays listed, inactive.',
    settings: { deleteForm: 'soft' },
    ...REVOKED_1H,
  },

  'lost-1h-label-cut': {
    differs: 'A create of 1 h is lost and labels are cut to 50 characters.',
    settings: CUT_TO_50,
    ...LOST_1H,
  },
  'lost-1h-label-lower': {
    differs: 'A create of 1 h is lost and labels are kept in lower case.',
    settings: { labelCase: 'lower' },
    ...LOST_1H,
  },
  'lost-1h-list-lags-90': {
    differs: 'A create of 1 h is lost and a new token is listed only after 90 s.',
    settings: { listLagMs: 90_000 },
    ...LOST_1H,
  },
  'lost-1h-list-lags-300': {
    differs: 'A create of 1 h is lost and a new token is listed only after 300 s.',
    settings: { listLagMs: 300_000 },
    ...LOST_1H,
  },
  'lost-1h-count-hidden': {
    differs: 'A create of 1 h is lost and the count includes 3 tokens that no page shows.',
    settings: { countHidden: 3 },
    ...LOST_1H,
  },
  'lost-1h-oldest-first': {
    differs: 'A create of 1 h is lost and the list, with 250 others, is oldest first.',
    settings: { listOrder: 'oldest' },
    otherTokens: 250,
    ...LOST_1H,
  },
} as const satisfies Record<string, Variation>;

export type VariationName = keyof typeof ALL;

/** Every variation by its name. The names are a contract: tests and documents go by them. */
export const VARIATIONS: Readonly<Record<VariationName, Variation>> = ALL;

/** The names, in the order of {@link VARIATIONS}. */
export const VARIATION_NAMES = Object.keys(VARIATIONS) as readonly VariationName[];
