import type { HubFault } from '../model/failure.ts';
import type { WriteOutcome } from './leases.ts';

/** The stored state of a target's login, shared by all processes of an installation. */
export interface SessionRecord {
  readonly target: string;
  readonly version: number;
  readonly opId: string;
  /** The bearer, sealed with the context `session:TARGET`. */
  readonly sealedBearer?: string;
  readonly account?: string;
  readonly expiresAtMs?: number;
  /**
   * From this time on, one process should log in again while the others still use this session. If absent: two minutes before the
   * session's end.
   */
  readonly refreshAtMs?: number;
  /** The credential that was last used to log in. */
  readonly credentialVersion?: string;
  /** No login with that credential before this time. */
  readonly breakerUntilMs?: number;
  /** Refusals of that credential in a row. */
  readonly refusals?: number;
  /** A process is logging in. No other process may log in before this time. */
  readonly claimUntilMs?: number;
  /** The last 30 s step whose TOTP code was used. */
  readonly totpStep?: number;
  /** Docker Hub's remaining requests as last seen, and when they are reset. */
  readonly rateRemaining?: number;
  readonly rateResetAtMs?: number;
  /** Docker Hub refused a revocation: no requests before this time. */
  readonly throttledUntilMs?: number;
  /** Docker Hub refused a lookup or a mint: no lookups and mints before this time. Revocations may go on. */
  readonly mintsThrottledUntilMs?: number;
  /** Requests per minute that Docker Hub allows the account, as it last stated. */
  readonly rateLimit?: number;
  /** From this time on, the next lookup for a caller keeps the pace. See `looks.ts`. */
  readonly nextLookAtMs?: number;
  /** No login before this time, because Docker Hub asked for a pause, or its edge answered instead. */
  readonly loginAfterMs?: number;
  /** Number of logins in a row that Docker Hub neither accepted nor refused: its edge answered instead, or the login failed. */
  readonly edgeLogins?: number;
  /** The answer to the last of these logins. */
  readonly loginFault?: HubFault;
  /** The version of the credential that last opened a session. */
  readonly provenVersion?: string;
  /** Revocations wait for requests until this time. */
  readonly revocationsUntilMs?: number;
  /** What hublease has learned about the target's Docker Hub in use. */
  readonly facts?: HubFacts;
}

/** Why mints are refused until a verification passes. */
export type MintRefusal = 'expiry_refused' | 'label_refused' | 'list_lags';

/** What mints, revocations and sweeps have learned about a target's Docker Hub. Each member is absent until it is known. */
export interface HubFacts {
  /** Mints are refused since `sinceMs`; the sweep last tried to verify the target at `triedAtMs`. */
  readonly refusal?: { readonly code: MintRefusal; readonly sinceMs: number; readonly triedAtMs: number };
  /** The token of a verification that waits to be listed. */
  readonly pendingVerification?: {
    readonly leaseId: string;
    readonly tokenId: string;
    readonly createdAtMs: number;
  };
  /** Largest delay measured between a create and the token's place in the list. */
  readonly listLagMs?: number;
  /** Largest age of a live token that was missing from the list. So the list lags by more than this. */
  readonly listLagsBeyondMs?: number;
  /** Largest `page_size` that Docker Hub accepts, if it refused a larger one. */
  readonly pageSize?: number;
  /** The account's list cannot be used since `sinceMs`; `code` says why. */
  readonly listing?: { readonly code: string; readonly sinceMs: number };
  /** With this many tokens, the organization accepted no more. */
  readonly cap?: { readonly tokens: number; readonly atMs: number };
  /** The tokens that use up an account's limit, as last listed. `foreign` tokens are not from this installation. */
  readonly places?: {
    readonly atMs: number;
    readonly tokens: number;
    readonly foreign: number;
    readonly expired: number;
  };
}

/** Called only by session. */
export interface SessionStore {
  /** Strongly consistent. */
  read(target: string): Promise<SessionRecord | undefined>;
  /**
   * Writes if the stored version is `record.version - 1` (0 means absent). Also `written` if the stored record already has this
   * `opId`.
   */
  write(record: SessionRecord): Promise<WriteOutcome>;
  remove(target: string): Promise<void>;
}
