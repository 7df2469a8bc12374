import type * as z from 'zod';
import type { LiveView } from '../../core/leases/live.ts';
import type { Evidence, Lease } from '../../core/model/lease.ts';
import { given } from '../given.ts';
import type { AdminLeaseSchema, EvidenceAnswer, LeaseSchema, LiveAnswer, RevocationsAnswer } from './lease-schema.ts';
import { resourcesAnswer, time } from './shared.ts';

/** Leases as the API answers them. Every field is picked by name, so that a field added to a row never goes out by accident. */

/** A lease as its owner and admins see it; `evidence` once revoked, `live` where Docker Hub was asked and answered. */
export function leaseAnswer(lease: Lease, live?: LiveView): z.output<typeof LeaseSchema> {
  const revoked = lease.status === 'revoked';
  return given({
    id: lease.id,
    secret: lease.secret,
    target: lease.target,
    status: lease.status,
    kind: lease.kind,
    scope: lease.scope,
    resources: resourcesAnswer(lease.resources),
    issuedAt: time(lease.issuedAtMs),
    expiresAt: time(lease.expiresAtMs),
    ttlSeconds: Math.round((lease.expiresAtMs - lease.issuedAtMs) / 1_000),
    renewable: lease.renewable,
    maxExpiresAt: time(lease.maxExpiresAtMs),
    expiryClipped: lease.expiryClipped,
    label: lease.label,
    reason: lease.reason,
    caller: lease.caller,
    callerId: lease.callerId,
    tokenId: lease.tokenId,
    lastUsedAt: lease.lastUsedAtMs === undefined ? undefined : time(lease.lastUsedAtMs),
    live: live === undefined ? undefined : liveAnswer(live),
    neverUsed: live?.found === true && live.lastUsedAtMs === null ? (true as const) : undefined,
    revokeReason: lease.revokeReason,
    createRefused: lease.createRefused,
    lastError: revoked ? undefined : lease.lastError,
    // A reopened lease keeps what it once believed; only a revoked one may show it as proof.
    revokedAt: revoked && lease.revokedAtMs !== undefined ? time(lease.revokedAtMs) : undefined,
    evidence: revoked && lease.evidence !== undefined ? evidenceAnswer(lease.evidence) : undefined,
  });
}

/** A lease as admins see it: with what keeps it open. */
export function adminLeaseAnswer(lease: Lease, live?: LiveView): z.output<typeof AdminLeaseSchema> {
  const { hubReportedExpiresAtMs, revokingSinceMs, blockedBy, status } = lease;
  return given({
    ...leaseAnswer(lease, live),
    hubExpiresAt: hubReportedExpiresAtMs === undefined ? undefined : time(hubReportedExpiresAtMs),
    revokingSince: status === 'revoking' && revokingSinceMs !== undefined ? time(revokingSinceMs) : undefined,
    blockedBy: status === 'revoking' && blockedBy !== undefined ? [...blockedBy] : undefined,
  });
}

function liveAnswer(live: LiveView): z.output<typeof LiveAnswer> {
  const asOf = time(live.atMs);
  if (!live.found) return { found: false, asOf };
  const { isActive, lastUsedAtMs } = live;
  return { found: true, isActive, lastUsedAt: lastUsedAtMs === null ? null : time(lastUsedAtMs), asOf };
}

/** Leases that are to be revoked, as much of each as tells whose it is. */
export function revocationsAnswer(leases: readonly Lease[], complete: boolean): z.output<typeof RevocationsAnswer> {
  return {
    count: leases.length,
    complete,
    leases: leases.map(({ id, secret, caller, issuedAtMs, status }) => ({
      id,
      secret,
      caller,
      issuedAt: time(issuedAtMs),
      status,
    })),
  };
}

function evidenceAnswer(evidence: Evidence): z.output<typeof EvidenceAnswer> {
  const at = time(evidence.atMs);
  switch (evidence.kind) {
    case 'deleted':
      return given({
        kind: 'deleted' as const,
        at,
        httpStatus: evidence.httpStatus,
        confirmedBy: evidence.confirmedBy,
      });
    case 'absent':
      return {
        kind: 'absent',
        at,
        quietUntil: time(evidence.quietUntilMs),
        firstListingAt: time(evidence.firstListingAtMs),
        secondListingAt: time(evidence.secondListingAtMs),
        tokensListed: evidence.tokensListed,
        removedTokenIds: [...evidence.removedTokenIds],
      };
    case 'expired':
      return { kind: 'expired', at, hubDate: time(evidence.hubDateMs), hubExpiresAt: time(evidence.hubExpiresAtMs) };
    case 'attested':
      return { kind: 'attested', at, by: evidence.by, reason: evidence.reason };
  }
}
