import type { HubFault } from '../model/failure.ts';
import type { OatResource, PatScope } from '../model/scope.ts';
import type { Credential, LoginRoute } from '../model/target.ts';

/** A logged-in Docker Hub session. */
export interface HubSession {
  /** Docker Hub user name it logged in as, lower case. */
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
  /** Empty where there is none. */
  readonly label: string;
  readonly createdAtMs: number | null;
  /** True where Docker Hub does not say. */
  readonly isActive: boolean;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
  /** Personal tokens: the User-Agent that created it; absent where Docker Hub does not say. */
  readonly creatorUserAgent?: string;
  /** Organization tokens: the user who created it; absent where Docker Hub does not say. */
  readonly createdBy?: string;
}

/** Which part of a list is asked for: `pageSize` tokens, behind `page - 1` times as many. */
export interface HubWindow {
  /** From 1. */
  readonly page: number;
  readonly pageSize: number;
}

export interface HubTokenPage {
  readonly tokens: readonly HubToken[];
  /** What Docker Hub says there is in all. */
  readonly total: number;
  /** Whether Docker Hub names a further page. Its address is never followed. */
  readonly more: boolean;
}

/** What came with an answer of Docker Hub, whatever its status; absent where it did not say. */
export interface HubMeta {
  readonly httpStatus?: number;
  /** The answer was JSON, which is how Docker Hub itself answers; what stands before it sends HTML, text or nothing. */
  readonly isJson?: true;
  /** Docker Hub's clock, from the `Date` header. */
  readonly hubDateMs?: number;
  /** Requests per minute that the account is allowed, and how many are left. */
  readonly rateLimit?: number;
  readonly rateRemaining?: number;
  readonly rateResetAtMs?: number;
}

/**
 * Why a call to Docker Hub did not succeed. `fault` means that nothing is known of its effect. `retryAtMs` is by our clock.
 */
export type HubProblem =
  | { readonly tag: 'credential_refused' }
  | { readonly tag: 'second_factor_needed' }
  | { readonly tag: 'session_refused' }
  | { readonly tag: 'access_token_session' }
  | { readonly tag: 'forbidden' }
  /** The account's plan does not include what was asked for. */
  | { readonly tag: 'plan' }
  /** In words that name a limit of tokens. */
  | { readonly tag: 'cap_reached' }
  /** Only ever in Docker Hub's JSON form. */
  | { readonly tag: 'not_found' }
  /** `fields` are those of ours that it names; none where it names none. */
  | { readonly tag: 'invalid'; readonly fields: readonly string[] }
  | { readonly tag: 'throttled'; readonly retryAtMs: number }
  | { readonly tag: 'fault'; readonly code: Exclude<HubFault, 'session_refused'> };

export type HubReply<T> =
  | { readonly ok: true; readonly value: T; readonly meta: HubMeta }
  | { readonly ok: false; readonly problem: HubProblem; readonly meta: HubMeta };

/**
 * Docker Hub, except for creating tokens. Never rejects for anything Docker Hub or the network does: that is a HubReply.
 * Every call ends within the installation's `hubTimeoutMs`. Called by session, revoke, sweep and verification.
 */
export interface DockerHub {
  /**
   * Logs in once. Not to be repeated on `credential_refused`: Docker Hub locks the user name.
   *
   * @param nowMs the time for which a TOTP code is made.
   */
  login(credential: Credential, route: LoginRoute, nowMs: number): Promise<HubReply<HubSession>>;
  /** One page. Pages shift while others create and delete, and may be smaller than asked for. */
  listTokens(session: HubSession, place: TokenPlace, window: HubWindow): Promise<HubReply<HubTokenPage>>;
  /** `not_found` when there is none of that id on that account. */
  getToken(session: HubSession, place: TokenPlace, tokenId: string): Promise<HubReply<HubToken>>;
  /** `httpStatus` is any 2xx, and only 204 says that the token is gone. `not_found` when there is none of that id. */
  deleteToken(
    session: HubSession,
    place: TokenPlace,
    tokenId: string,
  ): Promise<HubReply<{ readonly httpStatus: number }>>;
  /** Reads only Docker Hub's clock, without a session; as it stood within the last minute. */
  readDate(): Promise<HubReply<null>>;
}

/** What a create sends. */
export interface TokenOrder {
  readonly label: string;
  readonly expiresAtMs: number | null;
  /** PAT. */
  readonly scope?: PatScope;
  /** OAT. */
  readonly resources?: readonly OatResource[];
}

/** Creating tokens, apart from DockerHub so that what only revokes cannot. Called by mint and verification. */
export interface TokenMinter {
  /**
   * Creates one token. Sent at most once, never retried; after any failure a token may exist or may still appear.
   * Never repeat.
   */
  createToken(session: HubSession, place: TokenPlace, order: TokenOrder): Promise<HubReply<CreatedToken>>;
}

/** What Docker Hub answers to a create. */
export interface CreatedToken {
  readonly tokenId: string;
  /** Secret. */
  readonly token: string;
  /** As it was echoed; absent where it was not. */
  readonly label?: string;
  /** As it was echoed; null where there is none, or none that can be read. */
  readonly expiresAtMs: number | null;
}
