import type { HubFault } from '../model/failure.ts';
import type { WriteOutcome } from './leases.ts';

/** What is kept of a target's login, shared by all processes of an installation. */
export interface SessionRecord {
  readonly target: string;
  readonly version: number;
  readonly opId: string;
  /** The bearer, sealed with the context `session:TARGET`. */
  readonly sealedBearer?: string;
  readonly account?: string;
  readonly expiresAtMs?: number;
  /** From when on somebody should log in anew while the session still serves; absent where that is two minutes before its end. */
  readonly refreshAtMs?: number;
  /** The credential that was last used to log in. */
  readonly credentialVersion?: string;
  /** No login with that credential before this. */
  readonly breakerUntilMs?: number;
  /** Refusals of that credential in a row. */
  readonly refusals?: number;
  /** Somebody is logging in, and nobody else should before this. */
  readonly claimUntilMs?: number;
  /** The last 30 s step whose TOTP code was used. */
  readonly totpStep?: number;
  /** Docker Hub's remaining requests as last seen, and when they are replenished. */
  readonly rateRemaining?: number;
  readonly rateResetAtMs?: number;
  /** Docker Hub refused a revocation: nobody asks it before this. */
  readonly throttledUntilMs?: number;
  /** Docker Hub refused a look or a mint: no more of these before this, while a revocation may ask. */
  readonly mintsThrottledUntilMs?: number;
  /** Requests per minute that Docker Hub allows the account, as it last stated. */
  readonly rateLimit?: number;
  /** When the next look of a caller is on time. See `looks.ts`. */
  readonly nextLookAtMs?: number;
  /** No login before this: Docker Hub asked for it, or its edge answered in its place. */
  readonly loginAfterMs?: number;
  /** Logins in a row that got no verdict of Docker Hub: its edge answered in its place, or it failed. */
  readonly edgeLogins?: number;
  /** How the last of those was answered. */
  readonly loginFault?: HubFault;
  /** The version of the credential that last opened a session. */
  readonly provenVersion?: string;
  /** Revocations wait for requests until then. */
  readonly revocationsUntilMs?: number;
  /** What use taught about the target's Docker Hub. */
  readonly facts?: HubFacts;
}

/** Why mints are refused until a verification passes. */
export type MintRefusal = 'expiry_refused' | 'label_refused' | 'list_lags';

/** What mints, revocations and sweeps found out about a target's Docker Hub. Each member is absent until something is known. */
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
  /** Largest age at which a living token was seen to be missing from the list, so the list lags further than that. */
  readonly listLagsBeyondMs?: number;
  /** Largest `page_size` that Docker Hub accepts, where it refused a larger one. */
  readonly pageSize?: number;
  /** The account's list cannot be used since `sinceMs`; `code` says why. */
  readonly listing?: { readonly code: string; readonly sinceMs: number };
  /** An organization took no more tokens when it had this many. */
  readonly cap?: { readonly tokens: number; readonly atMs: number };
  /** What holds an account's places, as last listed. `foreign` tokens are not of this installation. */
  readonly places?: {
    readonly atMs: number;
    readonly tokens: number;
    readonly foreign: number;
    readonly expired: number;
  };
}

/** Called by session only. */
export interface SessionStore {
  /** Strongly consistent. */
  read(target: string): Promise<SessionRecord | undefined>;
  /** Writes when the stored version is `record.version - 1` (0 means absent), or when this `opId` is already there. */
  write(record: SessionRecord): Promise<WriteOutcome>;
  remove(target: string): Promise<void>;
}
