import { auditIds } from '../model/audit-event.ts';
import type { RevokingLease } from '../model/lease.ts';
import { noteBlockers } from '../model/lease-transitions.ts';
import type { RevokePorts } from '../ports/needs.ts';

/** A listed token that may be the lease's keeps it open for this long before somebody should look at it. */
const BLOCKED_MS = 600_000;

/** Says which tokens keep a lease from reading `absent`, once they have done so for ten minutes. */
export async function recordBlocked(
  ports: Pick<RevokePorts, 'audit' | 'clock'>,
  lease: RevokingLease,
  tokenIds: readonly string[],
): Promise<void> {
  const atMs = ports.clock.nowMs();
  if (atMs < lease.revokingSinceMs + BLOCKED_MS) return;
  const detail = { tokenIds: tokenIds.join(' ') };
  await ports.audit.record({ event: 'lease.blocked', atMs, ...auditIds(lease), code: 'unclear_token', detail });
}

/** Notes in a lease which listed tokens may be its own, where that is new, and says so in time. Best effort. */
export async function noteBlocked(
  ports: Pick<RevokePorts, 'leases' | 'audit' | 'clock' | 'ids'>,
  lease: RevokingLease,
  blockedBy: readonly string[],
): Promise<void> {
  await recordBlocked(ports, lease, blockedBy);
  if (blockedBy.join(' ') === lease.blockedBy?.join(' ')) return;
  await ports.leases.update(noteBlockers(lease, ports.ids.opId(), blockedBy)).catch(() => undefined);
}
