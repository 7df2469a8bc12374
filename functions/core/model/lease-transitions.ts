import {
  type ActiveLease,
  type Evidence,
  isOpen,
  type Lease,
  type LeaseStatus,
  type MintingLease,
  type OpenLease,
  type RevokedLease,
  type RevokeReason,
  type RevokingLease,
  type SeenToken,
} from './lease.ts';

const NEXT: Record<LeaseStatus, readonly LeaseStatus[]> = {
  minting: ['active', 'revoking', 'revoked'],
  active: ['active', 'revoking', 'revoked'],
  revoking: ['revoking', 'revoked'],
  revoked: ['revoking'],
};

/** Whether a lease may go from one state to another. `active` to `active` is a renewal, `revoked` to `revoking` a reopening. */
export function mayBecome(from: LeaseStatus, to: LeaseStatus): boolean {
  return NEXT[from].includes(to);
}

/**
 * The next row of a lease: `after`, with the next version after `before` and the id of this write. Every change of a lease goes
 * through this function. The types already forbid illegal changes. The checks are for rows that got past the types.
 *
 * @throws Error for an illegal transition, `revoked` without evidence, or an open lease without `dueAtMs`. Each of these is a bug
 *   in hublease, never a fault of its input.
 */
export function nextLease<T extends Lease>(before: Lease, opId: string, after: T): T {
  const next = { ...after, version: before.version + 1, opId };
  if (!mayBecome(before.status, next.status))
    throw new Error(`a lease may not go from ${before.status} to ${next.status}`);
  const { evidence, dueAtMs, ttlAtMs }: Pick<Lease, 'evidence' | 'dueAtMs' | 'ttlAtMs'> = next;
  if (next.status === 'revoked' && (evidence === undefined || dueAtMs !== undefined)) {
    throw new Error('revoked needs evidence and no further due time');
  }
  if (isOpen(next) && (dueAtMs === undefined || ttlAtMs !== undefined)) {
    throw new Error('an open lease needs a due time and never a time to live');
  }
  return next;
}

/** The ends of a lease whose token expires on Docker Hub earlier than requested. */
export type ClippedEnds = Required<Pick<Lease, 'expiresAtMs' | 'maxExpiresAtMs' | 'expiryClipped'>>;

/** The expiry that Docker Hub now reports for a lease's token: null for none, absent if Docker Hub showed no token. */
export interface ReportedExpiry {
  readonly reportedExpiresAtMs?: number | null;
}

/** `minting` → `active`: the token is recorded. */
export function activate(
  lease: MintingLease,
  opId: string,
  token: {
    readonly tokenId: string;
    readonly tokenSha256: string;
    readonly clipped: ClippedEnds | undefined;
  } & ReportedExpiry,
): ActiveLease {
  const { tokenId, tokenSha256, clipped } = token;
  return nextLease(lease, opId, {
    ...without(lease, 'hubReportedExpiresAtMs'),
    ...clipped,
    ...expiryOf(lease, token),
    status: 'active',
    tokenId,
    tokenSha256,
    dueAtMs: (clipped ?? lease).expiresAtMs,
  });
}

/** `active` → `active`, with another end. */
export function renew(lease: ActiveLease, opId: string, expiresAtMs: number): ActiveLease {
  return nextLease(lease, opId, { ...lease, expiresAtMs, dueAtMs: expiresAtMs });
}

/** What Docker Hub shows of a lease's token. Undefined: Docker Hub does not say, and the lease's member is removed. */
export interface ShownToken {
  readonly lastUsedAtMs: number | undefined;
  readonly hubReportedExpiresAtMs: number | undefined;
}

/** An open lease with what Docker Hub shows of its token. */
export function noteShown(lease: OpenLease, opId: string, shown: ShownToken): OpenLease {
  return nextLease(lease, opId, withShown(lease, shown));
}

/** An open lease with the result of a caller's lookup. */
export function noteSeen(lease: OpenLease, opId: string, seen: SeenToken, shown: ShownToken | undefined): OpenLease {
  return nextLease(lease, opId, { ...(shown === undefined ? lease : withShown(lease, shown)), seen });
}

function withShown(lease: OpenLease, { lastUsedAtMs, hubReportedExpiresAtMs }: ShownToken): OpenLease {
  return {
    ...without(lease, 'lastUsedAtMs', 'hubReportedExpiresAtMs'),
    ...(lastUsedAtMs !== undefined && { lastUsedAtMs }),
    ...(hubReportedExpiresAtMs !== undefined && { hubReportedExpiresAtMs }),
  };
}

/** Any open lease → `revoking`, due now, so that the revoker starts. A lease that is already `revoking` keeps its reason. */
export function handToRevoker(lease: OpenLease, opId: string, reason: RevokeReason, nowMs: number): RevokingLease {
  return nextLease(lease, opId, { ...lease, ...beginning(lease, reason, nowMs), dueAtMs: nowMs });
}

/** `minting` → `revoking`: Docker Hub refused the create, and the sweep's listings end the lease. */
export function refuseCreate(
  lease: MintingLease,
  opId: string,
  { nowMs, dueAtMs }: { readonly nowMs: number; readonly dueAtMs: number },
): RevokingLease {
  return nextLease(lease, opId, {
    ...lease,
    ...beginning(lease, 'mint_failed', nowMs),
    createRefused: true,
    lastError: 'create_refused',
    dueAtMs,
  });
}

/** Any open lease → `revoking`: an attempt begins. If the lease learns its token only now, it is due now. */
export function beginAttempt(
  lease: OpenLease,
  opId: string,
  attempt: { readonly reason: RevokeReason; readonly nowMs: number; readonly tokenId?: string } & ReportedExpiry,
): RevokingLease {
  const { nowMs } = attempt;
  const tokenId = lease.tokenId ?? attempt.tokenId;
  const { blockedBy } = lease;
  return nextLease(lease, opId, {
    ...without(lease, 'blockedBy', 'hubReportedExpiresAtMs'),
    ...beginning(lease, attempt.reason, nowMs),
    ...expiryOf(lease, attempt),
    // A repeated request does not move an attempt that is already planned.
    dueAtMs: lease.status === 'revoking' && tokenId === lease.tokenId ? lease.dueAtMs : nowMs,
    attemptedAtMs: nowMs,
    ...(tokenId !== undefined && { tokenId }),
    // When the lease knows its own token, other tokens do not matter.
    ...(tokenId === undefined && blockedBy !== undefined && { blockedBy }),
  });
}

/** The members that a failed attempt writes into its lease. */
export interface FailedAttempt extends ReportedExpiry {
  readonly revokeReason: RevokeReason;
  readonly revokingSinceMs: number;
  readonly attempts: number;
  readonly lastError: string;
  readonly dueAtMs: number;
  readonly attemptedAtMs: number;
  readonly blockedBy: readonly string[] | undefined;
  readonly removedTokenIds: readonly string[];
}

/** Any open lease → `revoking`: an attempt found no proof, and the next one is planned. */
export function delayRevocation(lease: OpenLease, opId: string, attempt: FailedAttempt): RevokingLease {
  const { reportedExpiresAtMs: _, blockedBy, removedTokenIds, ...planned } = attempt;
  return nextLease(lease, opId, {
    ...without(lease, 'blockedBy', 'hubReportedExpiresAtMs'),
    ...expiryOf(lease, attempt),
    ...planned,
    status: 'revoking',
    ...(blockedBy !== undefined && { blockedBy }),
    ...(removedTokenIds.length > 0 && { removedTokenIds }),
  });
}

/** `revoking` → `revoking`, with the listed tokens that may be the lease's. */
export function noteBlockers(lease: RevokingLease, opId: string, blockedBy: readonly string[]): RevokingLease {
  return nextLease(lease, opId, { ...lease, blockedBy });
}

/** Any open lease → `revoked`, on evidence. */
export function conclude(
  lease: OpenLease,
  opId: string,
  end: {
    readonly evidence: Evidence;
    readonly reason: RevokeReason;
    readonly nowMs: number;
    readonly ttlAtMs: number;
    readonly removedTokenIds: readonly string[];
  } & ReportedExpiry,
): RevokedLease {
  const { evidence, reason, nowMs, ttlAtMs, removedTokenIds } = end;
  return nextLease(lease, opId, {
    ...without(lease, 'dueAtMs', 'lastError', 'attemptedAtMs', 'seen', 'blockedBy', 'hubReportedExpiresAtMs'),
    ...expiryOf(lease, end),
    status: 'revoked',
    evidence,
    revokedAtMs: nowMs,
    revokeReason: lease.revokeReason ?? reason,
    ttlAtMs,
    ...(removedTokenIds.length > 0 && { removedTokenIds }),
  });
}

/** `revoked` → `revoking`: a live token of the lease was seen. */
export function reopen(
  lease: RevokedLease,
  opId: string,
  token: { readonly tokenId: string; readonly nowMs: number } & ReportedExpiry,
): RevokingLease {
  const { tokenId, nowMs } = token;
  return nextLease(lease, opId, {
    ...without(lease, 'evidence', 'revokedAtMs', 'ttlAtMs', 'createRefused', 'hubReportedExpiresAtMs'),
    ...expiryOf(lease, token),
    status: 'revoking',
    revokeReason: 'reopened',
    revokingSinceMs: nowMs,
    dueAtMs: nowMs,
    tokenId,
    reopened: (lease.reopened ?? 0) + 1,
  });
}

function beginning({ revokeReason, revokingSinceMs }: OpenLease, reason: RevokeReason, nowMs: number) {
  return {
    status: 'revoking',
    revokeReason: revokeReason ?? reason,
    revokingSinceMs: revokingSinceMs ?? nowMs,
  } as const;
}

/** The token's expiry: the one that Docker Hub reports now, or else the one that it reported last. */
function expiryOf(
  { hubReportedExpiresAtMs: knownMs }: Lease,
  { reportedExpiresAtMs }: ReportedExpiry,
): Pick<Lease, 'hubReportedExpiresAtMs'> {
  const hubReportedExpiresAtMs = reportedExpiresAtMs === undefined ? knownMs : (reportedExpiresAtMs ?? undefined);
  return hubReportedExpiresAtMs === undefined ? {} : { hubReportedExpiresAtMs };
}

/** A row without some of its members. */
function without<T extends Lease, Name extends string>(
  row: T,
  ...names: readonly Name[]
): T extends unknown ? Omit<T, Name> : never {
  const kept = Object.entries(row).filter(([name]) => !names.some((dropped) => dropped === name));
  return Object.fromEntries(kept) as T extends unknown ? Omit<T, Name> : never;
}
