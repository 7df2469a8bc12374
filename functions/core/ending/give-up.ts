import type { Lease, MintingLease } from '../model/lease.ts';
import { handToRevoker, refuseCreate } from '../model/lease-transitions.ts';
import type { CreatedToken } from '../ports/docker-hub.ts';
import type { MintPorts } from '../ports/needs.ts';
import { revokeLease } from './revoke.ts';

/** A refused create is left to the sweep's listings for this long before the revoker looks for its token by itself. */
const LEFT_TO_SWEEP_MS = 86_400_000;

/** A failed create may still have made a token, so send the lease to the revoker at once. */
export async function abandon(ports: MintPorts, intent: MintingLease): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const abandoned = handToRevoker(intent, ports.ids.opId(), 'mint_failed', nowMs);
  // If either is lost, the lease still becomes due when its mint window ends.
  await settled(ports.leases.update(abandoned));
  await settled(ports.queue.send(intent.id, 0));
}

/**
 * Docker Hub itself refused the create (not a proxy). The lease is taken off its quotas and costs no requests. If a token was
 * made all the same, the sweep finds it by its label in the listings that it makes anyway.
 */
export async function leaveToSweep(ports: MintPorts, intent: MintingLease): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const refused = refuseCreate(intent, ports.ids.opId(), { nowMs, dueAtMs: nowMs + LEFT_TO_SWEEP_MS });
  // If this is lost, the lease still becomes due when its mint window ends.
  await settled(ports.leases.update(refused, 'release'));
}

/** The token exists but will not be returned. Delete it now. If that fails, the revoker continues. */
export async function giveUp(ports: MintPorts, intent: Lease, { tokenId, expiresAtMs }: CreatedToken): Promise<void> {
  const order = { trigger: 'asked', reason: 'mint_failed', tokenId, reportedExpiresAtMs: expiresAtMs } as const;
  await settled(revokeLease(ports, intent.id, order));
}

/** Waits for an effect that may fail without harm. Returns whether it succeeded. */
export async function settled(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
