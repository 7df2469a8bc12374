import { type Lease, type LeaseChange, nextLease, type SeenToken } from '../model/lease.ts';
import type { HubToken } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';

type Ports = Pick<RevokePorts, 'leases' | 'ids'>;

/** A member set to undefined is removed. */
type Change = { [K in keyof LeaseChange]: LeaseChange[K] | undefined };

/**
 * Notes in a lease what Docker Hub shows of its token: the expiry, and while it is active, when it was last used. Writes only what
 * is new. Best effort.
 */
export async function noteToken(ports: Ports, lease: Lease, token: HubToken): Promise<void> {
  if (lease.tokenId !== token.tokenId) return;
  const { lastUsedAtMs, hubReportedExpiresAtMs } = shownBy(lease, token);
  if (lastUsedAtMs === lease.lastUsedAtMs && hubReportedExpiresAtMs === lease.hubReportedExpiresAtMs) return;
  await note(ports, lease, { lastUsedAtMs, hubReportedExpiresAtMs });
}

/**
 * Keeps what a caller's look saw of a lease's token, for those who ask soon after. Best effort.
 *
 * @param token as Docker Hub shows it; undefined when it has no such token.
 */
export async function noteView(
  ports: Ports,
  lease: Lease,
  seen: SeenToken,
  token: HubToken | undefined,
): Promise<void> {
  await note(ports, lease, { seen, ...(token !== undefined && shownBy(lease, token)) });
}

function shownBy(lease: Lease, token: HubToken): Pick<Change, 'lastUsedAtMs' | 'hubReportedExpiresAtMs'> {
  const isActive = lease.status === 'active';
  return {
    lastUsedAtMs: isActive ? (token.lastUsedAtMs ?? lease.lastUsedAtMs) : lease.lastUsedAtMs,
    hubReportedExpiresAtMs: token.expiresAtMs ?? undefined,
  };
}

async function note(ports: Ports, lease: Lease, change: Change): Promise<void> {
  await ports.leases.update(nextLease(lease, ports.ids.opId(), change)).catch(() => undefined);
}
