import type { OpenLease, SeenToken } from '../model/lease.ts';
import { noteSeen, noteShown, type ShownToken } from '../model/lease-transitions.ts';
import type { HubToken } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';

type Ports = Pick<RevokePorts, 'leases' | 'ids'>;

/**
 * Records in a lease what Docker Hub shows of its token: the expiry and, while the lease is active, the last use. Writes only
 * changes. Best effort.
 */
export async function noteToken(ports: Ports, lease: OpenLease, token: HubToken): Promise<void> {
  if (lease.tokenId !== token.tokenId) return;
  const shown = shownBy(lease, token);
  const { lastUsedAtMs, hubReportedExpiresAtMs } = shown;
  if (lastUsedAtMs === lease.lastUsedAtMs && hubReportedExpiresAtMs === lease.hubReportedExpiresAtMs) return;
  await write(ports, noteShown(lease, ports.ids.opId(), shown));
}

/**
 * Stores the result of a caller's lookup of a token, for requests that follow soon. Best effort.
 *
 * @param token as Docker Hub shows it; undefined if it has no such token.
 */
export async function noteView(
  ports: Ports,
  lease: OpenLease,
  seen: SeenToken,
  token: HubToken | undefined,
): Promise<void> {
  const shown = token === undefined ? undefined : shownBy(lease, token);
  await write(ports, noteSeen(lease, ports.ids.opId(), seen, shown));
}

function shownBy(lease: OpenLease, token: HubToken): ShownToken {
  const isActive = lease.status === 'active';
  return {
    lastUsedAtMs: isActive ? (token.lastUsedAtMs ?? lease.lastUsedAtMs) : lease.lastUsedAtMs,
    hubReportedExpiresAtMs: token.expiresAtMs ?? undefined,
  };
}

async function write(ports: Ports, noted: OpenLease): Promise<void> {
  await ports.leases.update(noted).catch(() => undefined);
}
