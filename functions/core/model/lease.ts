import type { OatResource, PatScope } from './scope.ts';

/** `minting` → `active` → `revoking` → `revoked`; any open state may go to `revoking`; `revoked` may be reopened. */
export type LeaseStatus = 'minting' | 'active' | 'revoking' | 'revoked';

/** Personal or organization access token. */
export type TokenKind = 'pat' | 'oat';

/** Why a lease was, or is being, revoked. */
export type RevokeReason =
  | 'expired'
  | 'caller'
  | 'admin'
  | 'replayed'
  | 'mint_failed'
  | 'verified'
  | 'orphan'
  | 'reopened';

/**
 * What proves that no token of a lease lives.
 *
 * - `deleted`: Docker Hub answered the delete with `httpStatus`, in a session of the pinned account. 204 is proof by itself. Any
 *   other status needs a confirmation, see `confirmedBy`: `gone`, a 404 together with a complete list that lacks the id, or
 *   `inactive`, a 200 that reads `is_active: false`. Rows of version 0.1 have 2xx and 404 without it.
 * - `absent`: after `quietUntilMs` two complete listings lacked the lease's label; `removedTokenIds` were deleted before.
 * - `expired`: Docker Hub's own clock showed `hubDateMs`. This is later than `hubExpiresAtMs`, the expiry that Docker Hub
 *   reported, plus the margin.
 * - `attested`: an admin declared it, with a reason. hublease never writes this by itself, and it proves nothing.
 */
export type Evidence =
  | {
      readonly kind: 'deleted';
      readonly atMs: number;
      readonly httpStatus: number;
      readonly confirmedBy?: 'gone' | 'inactive';
    }
  | {
      readonly kind: 'absent';
      readonly atMs: number;
      readonly quietUntilMs: number;
      readonly firstListingAtMs: number;
      readonly secondListingAtMs: number;
      readonly tokensListed: number;
      readonly removedTokenIds: readonly string[];
    }
  | { readonly kind: 'expired'; readonly atMs: number; readonly hubDateMs: number; readonly hubExpiresAtMs: number }
  | { readonly kind: 'attested'; readonly atMs: number; readonly by: string; readonly reason: string };

/** What Docker Hub showed of a token at `atMs`; with `found: false` it had no such token. */
export type SeenToken = { readonly atMs: number } & (
  | { readonly found: true; readonly isActive: boolean; readonly lastUsedAtMs: number | null }
  | { readonly found: false }
);

/** The members of every lease, with any status. */
interface LeaseFacts {
  readonly schema: 1;
  /** ULID. */
  readonly id: string;
  /** Grows by one with every write. A write names the version that it read. */
  readonly version: number;
  /** The id of the write that made this row, by which a repeated write recognises its own row. */
  readonly opId: string;
  readonly secret: string;
  readonly target: string;
  /** The Docker Hub account that held the token when it was minted: user name for a PAT, organization for an OAT. */
  readonly hubAccount: string;
  readonly kind: TokenKind;
  /** PAT only. */
  readonly scope?: PatScope;
  /** OAT only. */
  readonly resources?: readonly OatResource[];
  /** Normalised ARN of the principal that owns the lease. */
  readonly caller: string;
  /**
   * The owner's unique id, such as `AROA…`. Absent in rows of version 0.1, where only the ARN counts, and for owners without an
   * id.
   */
  readonly callerId?: string;
  /** The caller's own label. */
  readonly label?: string;
  /** The whole label of the token on Docker Hub. */
  readonly hubLabel: string;
  readonly reason?: string;
  readonly requestId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly maxExpiresAtMs: number;
  /** The requested expiry on Docker Hub. Never evidence. */
  readonly hubExpiresAtMs: number | null;
  /** The expiry that Docker Hub last reported for the token; absent if it has reported none. */
  readonly hubReportedExpiresAtMs?: number;
  /** Docker Hub ends the token earlier than requested, so `expiresAtMs` and `maxExpiresAtMs` were set to that time. */
  readonly expiryClipped?: true;
  readonly renewable: boolean;
  /** The quota counters that count this lease while it is open. */
  readonly counters?: readonly string[];
  /** The token's last use, as a sweep or a lookup has seen it on Docker Hub. */
  readonly lastUsedAtMs?: number;
  /** The create is not sent after this time. */
  readonly mintByMs: number;
  /** Tokens of this lease that were found by label and deleted. */
  readonly removedTokenIds?: readonly string[];
  /** Failed attempts to revoke. */
  readonly attempts: number;
  /** How often a live token was seen after the lease was `revoked`. */
  readonly reopened?: number;
}

/** Members that only some statuses have. In all other statuses they can still be read, and are undefined. */
type Never<Name extends string> = { readonly [N in Name]?: never };

type EndFacts = 'evidence' | 'revokedAtMs' | 'ttlAtMs';
type AttemptFacts = 'createRefused' | 'blockedBy' | 'attemptedAtMs' | 'lastError';

interface OpenFacts extends LeaseFacts, Never<EndFacts> {
  /** When hublease must next act on the lease. */
  readonly dueAtMs: number;
  /** What Docker Hub showed of the token at the last lookup for a caller. */
  readonly seen?: SeenToken;
}

/** Recorded. Its create is about to be sent, is under way, or was lost. */
export interface MintingLease
  extends OpenFacts,
    Never<AttemptFacts | 'tokenId' | 'tokenSha256' | 'revokeReason' | 'revokingSinceMs'> {
  readonly status: 'minting';
}

/** Its token is recorded. It was returned, or is about to be. */
export interface ActiveLease extends OpenFacts, Never<AttemptFacts | 'revokeReason' | 'revokingSinceMs'> {
  readonly status: 'active';
  readonly tokenId: string;
  /** Hex. */
  readonly tokenSha256: string;
}

/** Being revoked: there is no proof yet. */
export interface RevokingLease extends OpenFacts {
  readonly status: 'revoking';
  /** Absent while no token of the lease is known. */
  readonly tokenId?: string;
  /** Hex. */
  readonly tokenSha256?: string;
  readonly revokeReason: RevokeReason;
  readonly revokingSinceMs: number;
  /**
   * Docker Hub itself refused the create (not a proxy), so there is most likely no token. The lease does not count in quotas, and
   * the sweep's listings end it.
   */
  readonly createRefused?: true;
  /**
   * Listed tokens that may belong to this lease, although their label does not say so. Because of them, the lease cannot end as
   * `absent`.
   */
  readonly blockedBy?: readonly string[];
  /** When an attempt to revoke was last requested, or last failed; absent before that. */
  readonly attemptedAtMs?: number;
  /** Stable code of the last failed attempt. */
  readonly lastError?: string;
}

/** Its token is proven to be gone or dead, or an admin attested it. */
export interface RevokedLease extends LeaseFacts, Never<'dueAtMs' | 'seen' | Exclude<AttemptFacts, 'createRefused'>> {
  readonly status: 'revoked';
  readonly tokenId?: string;
  /** Hex. */
  readonly tokenSha256?: string;
  readonly createRefused?: true;
  readonly revokeReason: RevokeReason;
  /** Absent if the first attempt found the proof. */
  readonly revokingSinceMs?: number;
  readonly revokedAtMs: number;
  readonly evidence: Evidence;
  /** When the row may be deleted; absent if it may never be deleted. */
  readonly ttlAtMs?: number;
}

/** A lease that may still have a live token. */
export type OpenLease = MintingLease | ActiveLease | RevokingLease;

/** The record of one minted token. Never holds the token. All times are milliseconds since 1970. */
export type Lease = OpenLease | RevokedLease;

/** After this many failed attempts, a revocation counts as stuck. With doubling pauses, this is after about ten minutes. */
export const STUCK_ATTEMPTS = 8;

/** Docker Hub refused the create of this lease, and it names no token. */
export type RefusedLease = RevokingLease & { readonly createRefused: true; readonly tokenId?: never };

/** Whether only the sweep's listings end this lease: Docker Hub refused its create, and it names no token. */
export function isLeftToSweep(lease: Lease): lease is RefusedLease {
  return lease.status === 'revoking' && lease.createRefused === true && lease.tokenId === undefined;
}

/** A lease that may still have a live token. */
export function isOpen(lease: Lease): lease is OpenLease {
  return lease.status !== 'revoked';
}
