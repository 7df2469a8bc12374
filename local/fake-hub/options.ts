/** What the fake Docker Hub is told when it starts, and what may be switched while it runs. */

import type { LoginRoute } from './answer.ts';

/** A Docker Hub user of the fake. Names are compared in lower case, as Docker Hub's are. */
export interface FakeAccount {
  readonly username: string;
  readonly password: string;
  /** Base32. Given: two-factor authentication is on, and the password alone opens no session. */
  readonly totpSecret?: string;
  readonly email?: string;
  /** Routes that refuse the password with 401: both under enforced single sign-on; `auth-token` was seen alone. */
  readonly refusedRoutes?: readonly LoginRoute[];
}

export interface FakeOrganization {
  readonly name: string;
  /** User names that may manage the organization's access tokens. */
  readonly owners: readonly string[];
  /** Repositories that exist, without the organization's name. A token resource may name only these. */
  readonly repositories?: readonly string[];
  /** Most access tokens, expired and inactive ones included. Docker's Team plan has 10, Business 100. */
  readonly tokenCap?: number;
}

export type ExpiryGranularity = 'any' | 'second' | 'minute' | 'hour' | 'day';
export type RetryAfterForm = 'seconds' | 'http-date' | 'unix-time' | 'none';

/** What may be switched while the fake runs. */
export interface FakeHubSettings {
  /** Whether a token dies at its own `expires_at`. Off, only a DELETE or PATCH kills it. */
  readonly expireTokens: boolean;
  /** Documented 204; clients have met 202. */
  readonly deleteStatus: 204 | 202;
  /** Instants between these are refused with a 400 that names `expires_at`. */
  readonly expiryGranularity: ExpiryGranularity;
  /** How a personal token without an expiry reads: `""`, or no `expires_at` at all. */
  readonly expiryWhenNone: 'empty' | 'absent';
  /** How a 429 says when to come again: `Retry-After` as seconds or date, or `X-Retry-After` as unix time. */
  readonly retryAfterForm: RetryAfterForm;
  /** Requests to `/v2/…` per minute, of all clients together. */
  readonly rateLimitPerMinute: number;
  /** Added to the clock, in everything the fake says and does. */
  readonly clockOffsetMs: number;
}

/** High enough that no test on one machine meets it by accident; Docker does not publish its own. */
export const DEFAULT_RATE_LIMIT_PER_MINUTE = 1_000_000;

/** Docker's Business plan. */
export const DEFAULT_TOKEN_CAP = 100;

/** What other Docker Hub lists state; unknown for tokens. A larger `page_size` is cut to this without a word. */
export const DEFAULT_MAX_PAGE_SIZE = 100;

/** Failed logins of one user name before it is locked out. Docker does not publish its own number. */
export const DEFAULT_LOGIN_FAILURE_LIMIT = 10;

export interface FakeHubOptions extends Partial<FakeHubSettings> {
  readonly accounts: readonly FakeAccount[];
  readonly organizations?: readonly FakeOrganization[];
  /**
   * Full names (`acme/site`) of public repositories. Other repositories of a known user or organization are private, and those
   * of everybody else are public.
   */
  readonly publicRepositories?: readonly string[];
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  readonly nowMs?: () => number;
  /** State is kept here across restarts; the folder is made when missing. Absent: in memory only. */
  readonly dataFile?: string;
  readonly maxPageSize?: number;
  readonly loginFailureLimit?: number;
  /** 0 to below 1; decides faults with a probability. Default: seeded with `seed`. */
  readonly random?: () => number;
  readonly seed?: number;
  /** How latency is waited for. Default: real time. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** The settings a fake starts with. */
export function startingSettings(options: Partial<FakeHubSettings>): FakeHubSettings {
  return {
    expireTokens: options.expireTokens ?? true,
    deleteStatus: options.deleteStatus ?? 204,
    expiryGranularity: options.expiryGranularity ?? 'any',
    expiryWhenNone: options.expiryWhenNone ?? 'empty',
    retryAfterForm: options.retryAfterForm ?? 'seconds',
    rateLimitPerMinute: options.rateLimitPerMinute ?? DEFAULT_RATE_LIMIT_PER_MINUTE,
    clockOffsetMs: options.clockOffsetMs ?? 0,
  };
}
