import { auditIds } from '../model/audit-event.ts';
import type { RevokingLease } from '../model/lease.ts';
import { noteBlockers } from '../model/lease-transitions.ts';
import type { RevokePorts } from '../ports/needs.ts';

/** A listed token may keep a lease open for this long before hublease reports it. */
const BLOCKED_MS = 600_000;

/** Reports the tokens that prevent the evidence `absent`, after they have done so for ten minutes. */
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

/**
 * Records in a lease which listed tokens may belong to it, if they have changed. After ten minutes, also reports them. Best
 * effort.
 */
export async function noteBlocked(
  ports: Pick<RevokePorts, 'leases' | 'audit' | 'clock' | 'ids'>,
  lease: RevokingLease,
  blockedBy: readonly string[],
): Promise<void> {
  await recordBlocked(ports, lease, blockedBy);
  if (blockedBy.join(' ') === lease.blockedBy?.join(' ')) return;
  await ports.leases.update(noteBlockers(lease, ports.ids.opId(), blockedBy)).catch(() => undefined);
}
