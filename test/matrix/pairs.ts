import type { FakeHubSettings } from '../../fake-hub/server.ts';
import { VARIATIONS, type VariationName } from '../../fake-hub/variations.ts';
import { attestAll, comeBack, dismissBlockers } from './afterwards.ts';
import type { Scenario } from './scenario.ts';
import type { StepName } from './steps.ts';
import { HOUR_MS } from './world.ts';

/** Two or more respects in which a Docker Hub differs at the same time, chosen because one may hide what guards against another. */
export interface Pair extends Scenario {
  readonly title: string;
  /** How leases end there that cannot end otherwise, in the words of `endWords`. */
  readonly ends?: Partial<Record<StepName, RegExp>>;
}

/** The lost create comes first: it must not profit from what later mints find out. */
export const LOST_FIRST: readonly StepName[] = ['lost', 'kept', 'revoked', 'gone', 'failing', 'undeletable'];

const LABEL_RULES: Readonly<Record<string, Partial<FakeHubSettings>>> = {
  'cut to 64': settingsOf('label-64'),
  'cut to 59': settingsOf('label-59'),
  'cut to 50': settingsOf('lost-1h-label-cut'),
  'refused beyond 50': settingsOf('label-50-400'),
  'in lower case': settingsOf('label-case'),
};

const EXPIRY_RULES: readonly VariationName[] = [
  'expiry-ignored',
  'expiry-day',
  'expiry-least-day',
  'expiry-least-400',
  'expiry-least-400-plain',
  'zero-time-ignored',
];

const NO_DELETE = { deleteErrorStatus: 500 } as const;
const UNVERIFIED = { isVerified: false, steps: LOST_FIRST } as const;
const VERIFIED = { isVerified: true, steps: LOST_FIRST } as const;

/** An unverified target knows nothing of labels, and a lost create leaves nothing but a label. */
const labels: readonly Pair[] = Object.entries(LABEL_RULES).flatMap(([rule, settings]) => [
  { title: `labels ${rule}, a lost create, unverified`, ...UNVERIFIED, settings },
  {
    title: `labels ${rule}, a lost create, unverified, an organization`,
    ...UNVERIFIED,
    settings,
    needs: 'organization',
  },
  {
    title: `labels ${rule}, a lost create, no User-Agent`,
    ...UNVERIFIED,
    settings: { ...settings, creatorUa: 'absent' },
  },
  {
    title: `labels ${rule}, a lost create, a proxy's User-Agent`,
    ...UNVERIFIED,
    settings: { ...settings, creatorUa: 'proxy' },
  },
  {
    title: `labels ${rule} since the verification, a proxy's User-Agent, a lost create`,
    isVerified: true,
    settings: { creatorUa: 'proxy' },
    steps: ['revoked', 'lost', 'kept'],
    turns: [{ after: 'revoked', settings }],
  },
]);

/** Where DELETE never works only the expiry ends a token. */
const expiries: readonly Pair[] = EXPIRY_RULES.flatMap((name) => [
  { title: `${name}, every DELETE fails, unverified`, ...UNVERIFIED, variations: [name], settings: NO_DELETE },
  {
    title: `${name}, DELETE is accepted and never done, unverified`,
    ...UNVERIFIED,
    variations: [name, 'delete-202-never'],
  },
  {
    title: `${name}, an edge that repeats creates`,
    ...VERIFIED,
    variations: [name],
    settings: { edgeRetryStatus: 429 },
  },
  {
    title: `${name}, every DELETE fails, expiries need not be proven`,
    isVerified: true,
    steps: ['kept', 'revoked'],
    target: { allowUnprovenExpiry: true },
    variations: [name],
    settings: NO_DELETE,
    ...(settingsOf(name).expiryRule === 'ignored' && { ends: { kept: /^open: /, revoked: /^open: / } }),
  },
]);

/** The answer to a create says less than the list, which comes late, is cut, or is not whole. */
const lists: readonly Pair[] = [
  ...([400, 409, 429] as const).flatMap((edgeRetryStatus) => [
    {
      title: `an edge that repeats creates (${edgeRetryStatus}), pages of 50 at most`,
      ...VERIFIED,
      variations: ['page-400-lost'] as const,
      settings: { edgeRetryStatus },
    },
    {
      title: `an edge that repeats creates (${edgeRetryStatus}), a list that lags by 300 s`,
      isVerified: true,
      steps: ['revoked', 'lost', 'kept'] as const,
      variations: ['lost-1h-list-lags-300'] as const,
      turns: [{ after: 'revoked', settings: { edgeRetryStatus } } as const],
    },
    {
      title: `an edge that repeats creates (${edgeRetryStatus}), a count of hidden tokens, unverified`,
      ...UNVERIFIED,
      variations: ['count-hidden-lost'] as const,
      settings: { edgeRetryStatus },
    },
    {
      title: `an edge that repeats creates (${edgeRetryStatus}), labels cut to 50, unverified`,
      ...UNVERIFIED,
      variations: ['label-cut-lost'] as const,
      settings: { edgeRetryStatus },
    },
  ]),
  {
    title: 'a list that lags by two hours, a lost create',
    ...VERIFIED,
    settings: { listLagMs: 2 * HOUR_MS },
    ends: { lost: /^`expired`|^`absent`/ },
  },
  {
    title: 'a list that lags by 300 s, an organization',
    ...VERIFIED,
    variations: ['lost-1h-list-lags-300'],
    needs: 'organization',
  },
  { title: 'an odd token, pages of 10', ...VERIFIED, variations: ['label-null', 'page-10'] },
  { title: 'oldest first, 250 others, pages of 10', ...VERIFIED, variations: ['lost-1h-oldest-first', 'page-10'] },
  {
    title: 'oldest first, 250 others, ids that are no UUIDs',
    ...VERIFIED,
    variations: ['oldest-first-lost', 'id-not-uuid'],
  },
  { title: '250 others, 10 requests a minute', ...UNVERIFIED, variations: ['oldest-first-lost', 'rate-10'] },
  { title: '250 others, 60 requests a minute', ...VERIFIED, variations: ['oldest-first-lost', 'rate-60'] },
  { title: '250 others, sessions of 30 s', ...VERIFIED, variations: ['oldest-first-lost', 'relogin-401-once'] },
  {
    title: 'an odd token of no time and no User-Agent, a lost create, which an admin settles',
    ...VERIFIED,
    variations: ['odd-foreign-lost', 'ua-rewritten'],
    afterwards: dismissBlockers,
    ends: { lost: /^`absent`/ },
  },
];

/** A delete that is not done yet, seen through reads that lag. */
const deletes: readonly Pair[] = [
  ...(['delete-202-never', 'delete-202-late-60', 'always-202'] as const).flatMap((name) => [
    {
      title: `${name}, reads and a list that lag`,
      ...VERIFIED,
      variations: ['get-lags', 'list-lags-90-lost', name] as const,
    },
    {
      title: `${name}, reads and a list that lag, unverified`,
      ...UNVERIFIED,
      variations: ['get-lags', 'list-lags-90-lost', name] as const,
    },
    { title: `${name}, tokens that stay inactive`, ...VERIFIED, variations: [name, 'delete-soft'] as const },
    { title: `${name}, auth.docker.io that lags`, ...VERIFIED, variations: [name, 'token-lags'] as const },
    { title: `${name}, a 404 without a body`, ...VERIFIED, variations: [name, '404-bare'] as const },
    { title: `${name}, 403 for what is gone`, ...VERIFIED, variations: [name, 'gone-403'] as const },
  ]),
  {
    title: 'tokens that stay inactive, a list that lags by 90 s',
    ...VERIFIED,
    variations: ['delete-soft', 'list-lags-90-lost'],
  },
  {
    title: 'tokens that stay inactive, an organization',
    ...VERIFIED,
    variations: ['delete-soft'],
    needs: 'organization',
  },
];

/** Docker Hub is there again after three hours, with leases that ended meanwhile. */
const outages: readonly Pair[] = (
  [
    ['a role that is lost and given back', 'org-404'],
    ['routes that are gone and come back', 'routes-404'],
    ['a challenge that ends', 'challenge-200'],
    ['a challenge at login that ends', 'challenge-403'],
    ['a captcha at login that ends', 'captcha-400'],
    ['JSON that calls itself text for three hours', 'type-text'],
  ] as const
).map(([title, name]) => ({
  title,
  ...VERIFIED,
  turns: [{ after: 'kept', variations: [name] } as const],
  afterwards: comeBack(name),
  ends: { lost: /^`/, kept: /^`/ },
}));

/** Nobody can ask Docker Hub about these leases any more. */
const attested: readonly Pair[] = (['org-404', 'routes-404'] as const).map((name) => ({
  title: `${name} for good, until an admin attests`,
  isVerified: false,
  steps: ['lost', 'kept'] as const,
  variations: [name],
  afterwards: attestAll,
  ends: { lost: /^`attested`/, kept: /`attested`/ },
}));

const logins: readonly Pair[] = [
  { title: 'a second factor, sessions of 6 KiB', ...VERIFIED, variations: ['totp', 'big-jwt'] },
  { title: 'a second factor, sessions of 30 s', ...VERIFIED, variations: ['totp-200', 'relogin-401-once'] },
  {
    title: 'one login in two fails, sessions of 30 s',
    ...VERIFIED,
    variations: ['login-session-401'],
    settings: { sessionSeconds: 30 },
  },
  { title: 'one login in two fails, 10 requests a minute', ...VERIFIED, variations: ['login-session-401', 'rate-10'] },
];

export const PAIRS: readonly Pair[] = [
  ...labels,
  ...expiries,
  ...lists,
  ...deletes,
  ...outages,
  ...attested,
  ...logins,
];

function settingsOf(name: VariationName): Partial<FakeHubSettings> {
  return VARIATIONS[name].settings;
}
