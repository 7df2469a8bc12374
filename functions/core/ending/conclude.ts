import { endWaiting } from '../hub/rate.ts';
import { auditIds } from '../model/audit-ids.ts';
import { type Evidence, isOpen, type Lease, nextLease, type RevokeReason } from '../model/lease.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { Finding } from './evidence.ts';
import type { Revocation } from './revoke.ts';

/** Writers of one lease are few: its minter, its owner and its triggers. */
const MAX_CONFLICTS = 8;

/**
 * Writes `revoked` with the evidence for it, also over what others write meanwhile. What was proven is proven of one token, or of
 * none having been there: a row that has come to name another token stays as it is.
 *
 * @throws any error of the lease store; a later trigger takes the lease up.
 */
export async function concludeLease(
  ports: RevokePorts,
  proven: Lease,
  reason: RevokeReason,
  found: Pick<Finding, 'reportedExpiresAtMs' | 'removedTokenIds'> & { readonly evidence: Evidence },
): Promise<Revocation> {
  const { evidence, removedTokenIds } = found;
  let lease = proven;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const nowMs = ports.clock.nowMs();
    const revoked = nextLease(lease, ports.ids.opId(), {
      status: 'revoked',
      evidence,
      revokedAtMs: nowMs,
      revokeReason: lease.revokeReason ?? reason,
      ttlAtMs: nowMs + ports.limits.auditRetentionMs,
      dueAtMs: undefined,
      lastError: undefined,
      attemptedAtMs: undefined,
      seen: undefined,
      blockedBy: undefined,
      ...reportedExpiry(found),
      ...(removedTokenIds.length > 0 && { removedTokenIds }),
    });
    // The places of a refused create were given back when it was refused.
    const outcome = await ports.leases.update(revoked, lease.createRefused === true ? undefined : 'release');
    if (outcome === 'written') {
      await ports.audit.record({
        event: evidence.kind === 'attested' ? 'lease.attested' : 'lease.revoked',
        atMs: nowMs,
        ...auditIds(revoked),
        detail: {
          reason: revoked.revokeReason as string,
          evidence: evidence.kind,
          overdueMs: Math.max(0, nowMs - lease.expiresAtMs),
          ...(evidence.kind === 'attested' && { by: evidence.by, words: evidence.reason }),
        },
      });
      const waitsUntilMs = lease.lastError === 'hub_throttled' ? (lease.dueAtMs as number) : 0;
      if (waitsUntilMs > nowMs) await endWaiting(ports, lease.target, waitsUntilMs);
      return { outcome: 'revoked', lease: revoked };
    }
    const latest = await ports.leases.get(lease.id);
    if (latest === undefined) return { outcome: 'unknown' };
    if (!isOpen(latest)) return { outcome: 'revoked', lease: latest };
    if (latest.tokenId !== proven.tokenId) return { outcome: 'pending', lease: latest };
    lease = latest;
  }
  throw new Error('too many writers of one lease');
}

/** The change of a lease that its token's expiry, as Docker Hub now reports it, makes. */
export function reportedExpiry({ reportedExpiresAtMs }: Pick<Finding, 'reportedExpiresAtMs'>): {
  hubReportedExpiresAtMs?: number | undefined;
} {
  return reportedExpiresAtMs === undefined ? {} : { hubReportedExpiresAtMs: reportedExpiresAtMs ?? undefined };
}
