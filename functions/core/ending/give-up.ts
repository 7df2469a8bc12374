import type { Lease, MintingLease } from '../model/lease.ts';
import { handToRevoker, refuseCreate } from '../model/lease-transitions.ts';
import type { CreatedToken } from '../ports/docker-hub.ts';
import type { MintPorts } from '../ports/needs.ts';
import { revokeLease } from './revoke.ts';

/** A refused create is left to the sweep's listings for this long before the revoker looks for its token by itself. */
const LEFT_TO_SWEEP_MS = 86_400_000;

/** A create that failed may still have made a token: hand the lease to the revoker at once. */
export async function abandon(ports: MintPorts, intent: MintingLease): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const abandoned = handToRevoker(intent, ports.ids.opId(), 'mint_failed', nowMs);
  // Should either be lost, the lease is due by itself when its mint window ends.
  await settled(ports.leases.update(abandoned));
  await settled(ports.queue.send(intent.id, 0));
}

/**
 * Docker Hub said no in its own words. The lease gives its places back and costs nobody a request: should there be a token all the
 * same, the sweep finds it by label in the listings that it makes anyway.
 */
export async function leaveToSweep(ports: MintPorts, intent: MintingLease): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const refused = refuseCreate(intent, ports.ids.opId(), { nowMs, dueAtMs: nowMs + LEFT_TO_SWEEP_MS });
  // Should this be lost, the lease is due by itself when its mint window ends.
  await settled(ports.leases.update(refused, 'release'));
}

/** The token exists and will not be answered: delete it now, and leave what fails of that to the revoker. */
export async function giveUp(ports: MintPorts, intent: Lease, { tokenId, expiresAtMs }: CreatedToken): Promise<void> {
  const order = { trigger: 'asked', reason: 'mint_failed', tokenId, reportedExpiresAtMs: expiresAtMs } as const;
  await settled(revokeLease(ports, intent.id, order));
}

/** Waits for an effect that may fail without harm, and says whether it came about. */
export async function settled(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
