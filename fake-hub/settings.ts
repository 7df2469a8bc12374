/** The settings that can be switched while the fake runs. Each one changes one thing only, so any of them can be combined. */

export type ExpiryGranularity = 'any' | 'second' | 'minute' | 'hour' | 'day';
export type RetryAfterForm = 'seconds' | 'http-date' | 'unix-time' | 'none';

/**
 * How an `expires_at` is treated. `kept`: as sent. `ignored`: dropped. `day-end`: raised to the end of its UTC day.
 * `at-least-day`: raised to one day ahead. `at-least-day-400`: below one day ahead it gets a 400 that names the field.
 * `at-least-day-400-plain`: the same, but the 400 names no field.
 */
export type ExpiryRule =
  | 'kept'
  | 'ignored'
  | 'day-end'
  | 'at-least-day'
  | 'at-least-day-400'
  | 'at-least-day-400-plain';

/**
 * How a time reads where there is none. `empty` is as documented: `""` for the expiry of a personal token, null for the rest.
 * `absent` leaves that expiry out. `null` and `year-1` (`0001-01-01T00:00:00Z`) are for all times alike.
 */
export type NoTimeForm = 'empty' | 'absent' | 'null' | 'year-1';

/** Body of a 404 on the token routes. `html-untyped` is a page without a content type. */
export type NotFoundForm = 'json' | 'html' | 'html-untyped' | 'bare';

export interface FakeHubSettings {
  // Times
  /** Added to the clock, in everything the fake says and does. */
  readonly clockOffsetMs: number;
  /** Whether a token dies at its own `expires_at`. Off, only a DELETE or PATCH kills it. */
  readonly expireTokens: boolean;
  readonly expiryRule: ExpiryRule;
  /** Instants between these are refused with a 400 that names `expires_at`. */
  readonly expiryGranularity: ExpiryGranularity;
  readonly noTimeForm: NoTimeForm;

  // Forms
  /** `newest`: `{errinfo: null, message}`, as documented now. `detail`: `{detail, message}`, as documented before. */
  readonly errorForm: 'newest' | 'detail';
  /** How a token's value reads once it was given out: `"***"`, as documented now, or `""`. */
  readonly hiddenTokenForm: 'stars' | 'empty';
  readonly notFoundForm: NotFoundForm;
  /** `text`: the API's JSON calls itself `text/plain`. */
  readonly contentType: 'json' | 'text';
  /** How a token's `creator_ua` reads. `proxy`: it is the User-Agent of a proxy, not the client's. */
  readonly creatorUa: 'kept' | 'absent' | 'proxy';

  // Creates
  readonly createStatus: 201 | 200 | 202;
  /** Form of new tokens' ids. `hex24`: 24 hexadecimal digits. */
  readonly tokenIdForm: 'uuid' | 'hex24';
  /** Documented: 100. */
  readonly maxLabelCharacters: number;
  /** A longer label is refused with 400, or cut without a word. */
  readonly labelTooLong: '400' | 'cut';
  readonly labelCase: 'kept' | 'lower';
  /** A personal token with any scope other than `repo:admin` is refused with 403, as some plans did in 2022. */
  readonly scopedTokensNeedPlan: boolean;
  /** The edge sends each create twice, and the caller sees the second one's refusal with this status. Null: it does not. */
  readonly edgeRetryStatus: null | 400 | 409 | 429;

  // Reads
  readonly listOrder: 'newest' | 'oldest';
  /** How long after its create a token is listed. */
  readonly listLagMs: number;
  /** How long after its create a token's own GET answers 404. */
  readonly getLagMs: number;
  /** Default: what the reference states for other lists. The maximum for tokens is unknown. */
  readonly maxPageSize: number;
  /** A larger `page_size` is cut to the maximum or refused with 400. `ignored`: a page always has the maximum. */
  readonly pageSizeRule: 'cut' | '400' | 'ignored';
  /** A page beyond the last one: empty with 200, or 404. */
  readonly pageBeyondEndStatus: 200 | 404;
  /** How many tokens the count includes that no page shows. */
  readonly countHidden: number;

  // Deletes
  /** Documented 204; clients have met 202. */
  readonly deleteStatus: 204 | 202;
  /** How long after its DELETE a token goes. Null: it never does. */
  readonly deleteDelayMs: number | null;
  /** `soft`: a deleted token stays listed and readable, `is_active` false. */
  readonly deleteForm: 'hard' | 'soft';
  /** Status of a DELETE when the token does not exist. */
  readonly goneStatus: 404 | 403 | 410;
  /** Every DELETE gets this status (500 to 599) and is not applied. Null: none does. */
  readonly deleteErrorStatus: number | null;

  // Logins and sessions
  /** `captcha-400` asks for a captcha; `challenge-403` is a page of the edge. */
  readonly loginChallenge: 'none' | 'captcha-400' | 'challenge-403';
  /** Each nth login with the right credential gets a transient 401: 2 means one in two. 0: none does. */
  readonly loginTransient401Every: number;
  /** The one login with the right credential that gets a transient 401, counted from 1. 0: none does. */
  readonly loginTransient401At: number;
  /** Status of the answer that asks for the second factor. */
  readonly secondFactorStatus: 401 | 200;
  /** Status of a login while the user name is locked. The words differ with it. */
  readonly lockStatus: 429 | 401;
  /** `any`: a token logs in at the API with any user name (trufflesecurity/trufflehog issue 4099). `own`: its owner's alone. */
  readonly tokenLoginName: 'any' | 'own';
  /** Lifetime of a session. Null: the default of its login route. */
  readonly sessionSeconds: number | null;
  /** `x5c`: the JWT's header carries certificates, which makes the session about 6 KiB long. */
  readonly sessionHeader: 'plain' | 'x5c';
  /** Words of the 403 for the session of a personal token: those seen in docker/hub-feedback issue 2478, or others. */
  readonly patSessionWords: 'seen' | 'other';

  // The API as a whole
  /** Every answer of the API is a challenge page with status 200, and nothing is applied. */
  readonly apiChallenge: boolean;
  /** The token routes answer 404 to everything. */
  readonly routesGone: boolean;
  /** Organizations answer 404 to everything: the user has lost the role. */
  readonly lostRole: boolean;
  /** Requests to the API per minute, of all clients together. */
  readonly rateLimitPerMinute: number;
  /** How a 429 says when to come again: `Retry-After` as seconds or date, or `X-Retry-After` as unix time. */
  readonly retryAfterForm: RetryAfterForm;

  // auth.docker.io
  /** How long after its create a token is unknown at `/token`. */
  readonly registryNewLagMs: number;
  /** How long `/token` still accepts a token that was deleted or made inactive. */
  readonly registryGoneLagMs: number;
}

/** High enough that no test on one machine meets it by accident; Docker does not publish its own. */
export const DEFAULT_RATE_LIMIT_PER_MINUTE = 1_000_000;

/** The value of each setting when nothing is said: Docker Hub as its newest documents have it. */
export const DEFAULT_SETTINGS: FakeHubSettings = {
  clockOffsetMs: 0,
  expireTokens: true,
  expiryRule: 'kept',
  expiryGranularity: 'any',
  noTimeForm: 'empty',
  errorForm: 'newest',
  hiddenTokenForm: 'stars',
  notFoundForm: 'json',
  contentType: 'json',
  creatorUa: 'kept',
  createStatus: 201,
  tokenIdForm: 'uuid',
  maxLabelCharacters: 100,
  labelTooLong: '400',
  labelCase: 'kept',
  scopedTokensNeedPlan: false,
  edgeRetryStatus: null,
  listOrder: 'newest',
  listLagMs: 0,
  getLagMs: 0,
  maxPageSize: 100,
  pageSizeRule: 'cut',
  pageBeyondEndStatus: 200,
  countHidden: 0,
  deleteStatus: 204,
  deleteDelayMs: 0,
  deleteForm: 'hard',
  goneStatus: 404,
  deleteErrorStatus: null,
  loginChallenge: 'none',
  loginTransient401Every: 0,
  loginTransient401At: 0,
  secondFactorStatus: 401,
  lockStatus: 429,
  tokenLoginName: 'any',
  sessionSeconds: null,
  sessionHeader: 'plain',
  patSessionWords: 'seen',
  apiChallenge: false,
  routesGone: false,
  lostRole: false,
  rateLimitPerMinute: DEFAULT_RATE_LIMIT_PER_MINUTE,
  retryAfterForm: 'seconds',
  registryNewLagMs: 0,
  registryGoneLagMs: 0,
};

/** The settings a fake starts with. */
export function startingSettings(options: Partial<FakeHubSettings>): FakeHubSettings {
  const names = Object.keys(DEFAULT_SETTINGS) as (keyof FakeHubSettings)[];
  const given = names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]] as const]));
  return { ...DEFAULT_SETTINGS, ...Object.fromEntries(given) };
}
