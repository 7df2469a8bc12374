import { type Lease, nextLease } from './lease.ts';
import type { HubToken, RevokePorts } from './ports.ts';

/**
 * Notes in a lease what Docker Hub shows of its token: the expiry, and while it is active, when it was last used. Writes only what
 * is new. Best effort.
 */
export async function noteToken(
  ports: Pick<RevokePorts, 'leases' | 'ids'>,
  lease: Lease,
  token: HubToken,
): Promise<void> {
  if (lease.tokenId !== token.tokenId) return;
  const lastUsedAtMs = lease.status === 'active' ? (token.lastUsedAtMs ?? lease.lastUsedAtMs) : lease.lastUsedAtMs;
  const hubReportedExpiresAtMs = token.expiresAtMs ?? undefined;
  if (lastUsedAtMs === lease.lastUsedAtMs && hubReportedExpiresAtMs === lease.hubReportedExpiresAtMs) return;
  const noted = nextLease(lease, ports.ids.opId(), { lastUsedAtMs, hubReportedExpiresAtMs });
  await ports.leases.update(noted).catch(() => undefined);
}
