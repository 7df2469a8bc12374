import type { HubFault } from '../model/failure.ts';
import type { OatResource, PatScope } from '../model/scope.ts';
import type { Credential, LoginRoute } from '../model/target.ts';

/** A logged-in Docker Hub session. */
export interface HubSession {
  /** The Docker Hub user name of the login, lower case. */
  readonly account: string;
  /** Secret. */
  readonly bearer: string;
  readonly expiresAtMs: number;
}

/** Where tokens live: the account's personal ones, or an organization's. */
export type TokenPlace = { readonly kind: 'pat' } | { readonly kind: 'oat'; readonly organization: string };

/** A token as Docker Hub lists it. Times that are missing, unreadable or before the year 2000 are null. */
export interface HubToken {
  readonly tokenId: string;
  /** Empty if there is none. */
  readonly label: string;
  readonly createdAtMs: number | null;
  /** True if Docker Hub does not say. */
  readonly isActive: boolean;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
  /** Personal tokens: the User-Agent that created it; absent if Docker Hub does not say. */
  readonly creatorUserAgent?: string;
  /** Organization tokens: the user who created it; absent if Docker Hub does not say. */
  readonly createdBy?: string;
}

/** The requested part of a list: `pageSize` tokens, after the first `(page - 1) * pageSize`. */
export interface HubWindow {
  /** From 1. */
  readonly page: number;
  readonly pageSize: number;
}

export interface HubTokenPage {
  readonly tokens: readonly HubToken[];
  /** The total number of tokens, as Docker Hub counts them. */
  readonly total: number;
  /** Whether Docker Hub names a next page. Its address is never followed. */
  readonly more: boolean;
}

/** Facts that came with an answer of Docker Hub, with any status. A member is absent if the answer did not contain it. */
export interface HubMeta {
  readonly httpStatus?: number;
  /** The answer was JSON. Docker Hub itself answers in JSON. Proxies in front of it send HTML, text or nothing. */
  readonly isJson?: true;
  /** Docker Hub's clock, from the `Date` header. */
  readonly hubDateMs?: number;
  /** The account's maximum number of requests per minute, and how many are left. */
  readonly rateLimit?: number;
  readonly rateRemaining?: number;
  readonly rateResetAtMs?: number;
}

/** Why a call to Docker Hub did not succeed. `fault` means that its effect is unknown. `retryAtMs` is by our clock. */
export type HubProblem =
  | { readonly tag: 'credential_refused' }
  | { readonly tag: 'second_factor_needed' }
  | { readonly tag: 'session_refused' }
  | { readonly tag: 'access_token_session' }
  | { readonly tag: 'forbidden' }
  /** The account's plan does not include the requested feature. */
  | { readonly tag: 'plan' }
  /** The answer's text names a limit of tokens. */
  | { readonly tag: 'cap_reached' }
  /** Only if the answer has Docker Hub's JSON form. */
  | { readonly tag: 'not_found' }
  /** `fields` are the fields of our request that the answer names. It may be empty. */
  | { readonly tag: 'invalid'; readonly fields: readonly string[] }
  | { readonly tag: 'throttled'; readonly retryAtMs: number }
  | { readonly tag: 'fault'; readonly code: Exclude<HubFault, 'session_refused'> };

export type HubReply<T> =
  | { readonly ok: true; readonly value: T; readonly meta: HubMeta }
  | { readonly ok: false; readonly problem: HubProblem; readonly meta: HubMeta };

/**
 * Docker Hub, except for creating tokens. Never rejects because of Docker Hub or the network: such failures are returned as a
 * HubReply. Every call ends within the installation's `hubTimeoutMs`. Called by session, revoke, sweep and verification.
 */
export interface DockerHub {
  /**
   * Logs in once. Do not repeat it after `credential_refused`, because Docker Hub locks the user name.
   *
   * @param nowMs the time for which a TOTP code is made.
   */
  login(credential: Credential, route: LoginRoute, nowMs: number): Promise<HubReply<HubSession>>;
  /** Reads one page. Pages shift while others create and delete tokens, and may be smaller than requested. */
  listTokens(session: HubSession, place: TokenPlace, window: HubWindow): Promise<HubReply<HubTokenPage>>;
  /** `not_found` if the account has no token with that id. */
  getToken(session: HubSession, place: TokenPlace, tokenId: string): Promise<HubReply<HubToken>>;
  /** `httpStatus` is any 2xx. Only 204 means that the token is gone. `not_found` if there is no token with that id. */
  deleteToken(
    session: HubSession,
    place: TokenPlace,
    tokenId: string,
  ): Promise<HubReply<{ readonly httpStatus: number }>>;
  /** Reads only Docker Hub's clock, without a session. The reading may be up to a minute old. */
  readDate(): Promise<HubReply<null>>;
}

/** The request of a create. */
export interface TokenOrder {
  readonly label: string;
  readonly expiresAtMs: number | null;
  /** PAT. */
  readonly scope?: PatScope;
  /** OAT. */
  readonly resources?: readonly OatResource[];
}

/**
 * Creates tokens. Separate from DockerHub, so that functions that only revoke cannot create tokens. Called by mint and
 * verification.
 */
export interface TokenMinter {
  /**
   * Creates one token. The request is sent at most once and never retried. After any failure, a token may exist or may still
   * appear. Never repeat this call.
   */
  createToken(session: HubSession, place: TokenPlace, order: TokenOrder): Promise<HubReply<CreatedToken>>;
}

/** Docker Hub's answer to a create. */
export interface CreatedToken {
  readonly tokenId: string;
  /** Secret. */
  readonly token: string;
  /** The label in the answer; absent if the answer has none. */
  readonly label?: string;
  /** The expiry in the answer; null if there is none, or if it cannot be read. */
  readonly expiresAtMs: number | null;
}
