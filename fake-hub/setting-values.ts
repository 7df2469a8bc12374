/** The values that each setting may have. Settings that arrive over HTTP are checked against them. */

import { DEFAULT_SETTINGS, type FakeHubSettings } from './settings.ts';

/** The choices of a setting, or a predicate where there are too many to list. */
type Values = readonly unknown[] | ((value: unknown) => boolean);

const integer = (value: unknown) => Number.isSafeInteger(value);
const natural = (value: unknown) => integer(value) && Number(value) >= 0;
const positive = (value: unknown) => integer(value) && Number(value) > 0;
const orNull = (holds: (value: unknown) => boolean) => (value: unknown) => value === null || holds(value);
const serverError = (value: unknown) => integer(value) && Number(value) >= 500 && Number(value) <= 599;

const VALUES: Record<keyof FakeHubSettings, Values> = {
  clockOffsetMs: integer,
  expireTokens: [true, false],
  expiryRule: ['kept', 'ignored', 'day-end', 'at-least-day', 'at-least-day-400', 'at-least-day-400-plain'],
  expiryGranularity: ['any', 'second', 'minute', 'hour', 'day'],
  noTimeForm: ['empty', 'absent', 'null', 'year-1'],
  errorForm: ['newest', 'detail'],
  hiddenTokenForm: ['stars', 'empty'],
  notFoundForm: ['json', 'html', 'html-untyped', 'bare'],
  contentType: ['json', 'text'],
  creatorUa: ['kept', 'absent', 'proxy'],
  createStatus: [201, 200, 202],
  tokenIdForm: ['uuid', 'hex24'],
  maxLabelCharacters: positive,
  labelTooLong: ['400', 'cut'],
  labelCase: ['kept', 'lower'],
  scopedTokensNeedPlan: [true, false],
  edgeRetryStatus: [null, 400, 409, 429],
  listOrder: ['newest', 'oldest'],
  listLagMs: natural,
  getLagMs: natural,
  maxPageSize: positive,
  pageSizeRule: ['cut', '400', 'ignored'],
  pageBeyondEndStatus: [200, 404],
  countHidden: natural,
  deleteStatus: [204, 202],
  deleteDelayMs: orNull(natural),
  deleteForm: ['hard', 'soft'],
  goneStatus: [404, 403, 410],
  deleteErrorStatus: orNull(serverError),
  loginChallenge: ['none', 'captcha-400', 'challenge-403'],
  loginTransient401Every: natural,
  loginTransient401At: natural,
  secondFactorStatus: [401, 200],
  lockStatus: [429, 401],
  tokenLoginName: ['any', 'own'],
  sessionSeconds: orNull(positive),
  sessionHeader: ['plain', 'x5c'],
  patSessionWords: ['seen', 'other'],
  apiChallenge: [true, false],
  routesGone: [true, false],
  lostRole: [true, false],
  rateLimitPerMinute: integer,
  retryAfterForm: ['seconds', 'http-date', 'unix-time', 'none'],
  registryNewLagMs: natural,
  registryGoneLagMs: natural,
};

export function isSettingName(name: string): name is keyof FakeHubSettings {
  return Object.hasOwn(DEFAULT_SETTINGS, name);
}

export function isSettingValue(name: keyof FakeHubSettings, value: unknown): boolean {
  const values = VALUES[name];
  return typeof values === 'function' ? values(value) : values.includes(value);
}
