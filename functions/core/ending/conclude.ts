import { endWaiting } from '../hub/rate.ts';
import { auditIds } from '../model/audit-event.ts';
import { type Evidence, isOpen, type OpenLease, type RevokeReason } from '../model/lease.ts';
import { conclude, type ReportedExpiry } from '../model/lease-transitions.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { Revocation } from './revoke.ts';

/** Writers of one lease are few: its minter, its owner and its triggers. */
const MAX_CONFLICTS = 8;

/**
 * Writes `revoked` with its evidence, and retries after conflicting writes. The evidence is for one token, or for the absence of
 * any. So if the row now names another token, it stays as it is.
 *
 * @throws any error of the lease store; a later trigger continues with the lease.
 */
export async function concludeLease(
  ports: RevokePorts,
  proven: OpenLease,
  reason: RevokeReason,
  proof: { readonly evidence: Evidence; readonly removedTokenIds: readonly string[] } & ReportedExpiry,
): Promise<Revocation> {
  const { evidence } = proof;
  let lease = proven;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const nowMs = ports.clock.nowMs();
    const ttlAtMs = nowMs + ports.limits.auditRetentionMs;
    const revoked = conclude(lease, ports.ids.opId(), { ...proof, reason, nowMs, ttlAtMs });
    // A refused create was taken off the quotas when it was refused.
    const outcome = await ports.leases.update(revoked, lease.createRefused === true ? undefined : 'release');
    if (outcome === 'written') {
      await ports.audit.record({
        event: evidence.kind === 'attested' ? 'lease.attested' : 'lease.revoked',
        atMs: nowMs,
        ...auditIds(revoked),
        detail: {
          reason: revoked.revokeReason,
          evidence: evidence.kind,
          overdueMs: Math.max(0, nowMs - lease.expiresAtMs),
          ...(evidence.kind === 'attested' && { by: evidence.by, words: evidence.reason }),
        },
      });
      const waitsUntilMs = lease.lastError === 'hub_throttled' ? lease.dueAtMs : 0;
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
