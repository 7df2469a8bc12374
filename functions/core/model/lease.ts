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
 * - `deleted`: Docker Hub, logged in to the pinned account, answered the delete with `httpStatus`. 204 is proof by itself. Any
 *   other status needs what `confirmedBy` names: `gone`, a 404 together with a complete list that lacks the id, or `inactive`, a
 *   200 that reads `is_active: false`. Rows of version 0.1 have 2xx and 404 without it.
 * - `absent`: after `quietUntilMs` two complete listings lacked the lease's label; `removedTokenIds` were deleted before.
 * - `expired`: Docker Hub's own clock stood at `hubDateMs`, past `hubExpiresAtMs`, the expiry that it reported itself, and the
 *   margin.
 * - `attested`: an admin vouched for it, with a reason. hublease never writes this by itself, and it proves nothing.
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

/** What every lease states, whatever its status. */
interface LeaseFacts {
  readonly schema: 1;
  /** ULID. */
  readonly id: string;
  /** Grows by one with every write; a write states the version it read. */
  readonly version: number;
  /** Names the write that produced this row, so that a repeated write recognises itself. */
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
  /** The owner's unique id, such as `AROA…`. Absent in rows of version 0.1, which go by ARN, and for owners without one. */
  readonly callerId?: string;
  /** The caller's own label. */
  readonly label?: string;
  /** The whole label as it stands on Docker Hub. */
  readonly hubLabel: string;
  readonly reason?: string;
  readonly requestId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly maxExpiresAtMs: number;
  /** The expiry that Docker Hub was asked for. Never evidence. */
  readonly hubExpiresAtMs: number | null;
  /** The expiry that Docker Hub last reported for the token; absent while it has reported none. */
  readonly hubReportedExpiresAtMs?: number;
  /** Docker Hub ends the token earlier than was asked, so `expiresAtMs` and `maxExpiresAtMs` were moved there. */
  readonly expiryClipped?: true;
  readonly renewable: boolean;
  /** The quota counters that count this lease while it is open. */
  readonly counters?: readonly string[];
  /** Last seen in use on Docker Hub, where a sweep or a look has seen it. */
  readonly lastUsedAtMs?: number;
  /** The create is not sent after this. */
  readonly mintByMs: number;
  /** Tokens of this lease that were found by label and deleted. */
  readonly removedTokenIds?: readonly string[];
  /** Failed attempts to revoke. */
  readonly attempts: number;
  /** How often a live token was seen after `revoked` had been written. */
  readonly reopened?: number;
}

/** Members that a lease of some status never has. They can be asked for all the same, and are undefined. */
type Never<Name extends string> = { readonly [N in Name]?: never };

type EndFacts = 'evidence' | 'revokedAtMs' | 'ttlAtMs';
type AttemptFacts = 'createRefused' | 'blockedBy' | 'attemptedAtMs' | 'lastError';

interface OpenFacts extends LeaseFacts, Never<EndFacts> {
  /** When the lease next wants attention. */
  readonly dueAtMs: number;
  /** What Docker Hub showed of the token when a caller last had it looked at. */
  readonly seen?: SeenToken;
}

/** Recorded, and its create is about to be sent, is under way, or was lost. */
export interface MintingLease
  extends OpenFacts,
    Never<AttemptFacts | 'tokenId' | 'tokenSha256' | 'revokeReason' | 'revokingSinceMs'> {
  readonly status: 'minting';
}

/** Its token is recorded, and was answered or is about to be. */
export interface ActiveLease extends OpenFacts, Never<AttemptFacts | 'revokeReason' | 'revokingSinceMs'> {
  readonly status: 'active';
  readonly tokenId: string;
  /** Hex. */
  readonly tokenSha256: string;
}

/** On its way to its end: there is no proof yet. */
export interface RevokingLease extends OpenFacts {
  readonly status: 'revoking';
  /** Absent while no token of the lease is known. */
  readonly tokenId?: string;
  /** Hex. */
  readonly tokenSha256?: string;
  readonly revokeReason: RevokeReason;
  readonly revokingSinceMs: number;
  /**
   * Docker Hub refused the create in its own words, so there is most likely no token. The lease holds no quota place, and the
   * listings of the sweep end it.
   */
  readonly createRefused?: true;
  /** Listed tokens that may be this lease's, although their label does not say so: they keep it from being `absent`. */
  readonly blockedBy?: readonly string[];
  /** When somebody last asked for an attempt to revoke it, or one last failed; absent before that. */
  readonly attemptedAtMs?: number;
  /** Stable code of the last failed attempt. */
  readonly lastError?: string;
}

/** Proven over. */
export interface RevokedLease extends LeaseFacts, Never<'dueAtMs' | 'seen' | Exclude<AttemptFacts, 'createRefused'>> {
  readonly status: 'revoked';
  readonly tokenId?: string;
  /** Hex. */
  readonly tokenSha256?: string;
  readonly createRefused?: true;
  readonly revokeReason: RevokeReason;
  /** Absent where the first attempt brought the proof. */
  readonly revokingSinceMs?: number;
  readonly revokedAtMs: number;
  readonly evidence: Evidence;
  /** When the row itself may go; absent where it never may. */
  readonly ttlAtMs?: number;
}

/** A lease that may still have a live token. */
export type OpenLease = MintingLease | ActiveLease | RevokingLease;

/** The record of one minted token. Never holds the token. All times are milliseconds since 1970. */
export type Lease = OpenLease | RevokedLease;

/** Failed attempts after which a revocation counts as stuck: with doubling pauses, after some ten minutes of trying. */
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
