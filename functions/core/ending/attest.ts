import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import { isOpen, type Lease } from '../model/lease.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { EXPIRY_MARGIN_MS } from './absence.ts';
import { concludeLease } from './conclude.ts';

/**
 * Closes a lease that can no longer be proven, for example one of a closed account, because an admin attests its end. hublease
 * never does this by itself, and the evidence is marked as an attestation. If the lease is already revoked, nothing changes.
 *
 * @param reason why the admin is sure, 1 to 200 characters.
 * @throws Failed `lease_not_found`, `attest_too_early` until 5 min after the expiry that Docker Hub was asked for,
 *   `store_unavailable`.
 */
export async function attestLease(ports: RevokePorts, origin: Origin, leaseId: string, reason: string): Promise<Lease> {
  const lease = await stored(ports.leases.get(leaseId));
  if (lease === undefined) throw fail({ tag: 'lease_not_found', leaseId });
  if (!isOpen(lease)) return lease;
  const atMs = ports.clock.nowMs();
  const allowedAtMs = (lease.hubExpiresAtMs ?? lease.maxExpiresAtMs) + EXPIRY_MARGIN_MS;
  if (atMs <= allowedAtMs) throw fail({ tag: 'attest_too_early', leaseId, allowedAtMs });
  const evidence = { kind: 'attested', atMs, by: origin.caller.arn, reason } as const;
  const removedTokenIds = lease.removedTokenIds ?? [];
  const closed = await stored(concludeLease(ports, lease, 'admin', { evidence, removedTokenIds }));
  if (closed.outcome === 'unknown') throw fail({ tag: 'lease_not_found', leaseId });
  return closed.lease;
}
