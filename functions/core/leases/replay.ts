import { revokeLease } from '../ending/revoke.ts';
import { retryAfterSeconds } from '../hub/hub-problem.ts';
import { isOwner, type Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import { isLeftToSweep, isOpen, type Lease } from '../model/lease.ts';
import type { ReplayRecord } from '../ports/leases.ts';
import type { MintPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import type { MintOrder } from './grant.ts';

/** How long a key is remembered. */
export const REPLAY_MS = 86_400_000;

/** The record to write with the lease of this order. The lease's id is filled in at that time. */
export type PendingReplay = Omit<ReplayRecord, 'leaseId'>;

/**
 * Looks up a caller's Idempotency-Key. A token is returned once and stored nowhere, so a repeated order cannot get the same
 * token. Instead, the first token is revoked with proof before a second one is minted.
 *
 * @returns undefined for an order without a key.
 * @throws Failed `idempotency_mismatch` for another order under the key, `in_flight` while the first token is being minted, or is
 *   not yet proven to be gone; `store_unavailable`.
 */
export async function openReplay(
  ports: MintPorts,
  origin: Origin,
  order: MintOrder,
): Promise<PendingReplay | undefined> {
  const { idempotencyKey, ...asked } = order;
  if (idempotencyKey === undefined) return undefined;
  const nowMs = ports.clock.nowMs();
  const id = ports.labels.sha256(`hublease-replay-1\n${origin.caller.arn}\n${idempotencyKey}`);
  const { secret, ttlSeconds, scope, resources, label, reason } = asked;
  const orderSha256 = ports.labels.sha256(JSON.stringify([secret, ttlSeconds, scope, resources, label, reason]));
  const former = await stored(ports.leases.readReplay(id));
  const pending = {
    id,
    version: (former?.version ?? 0) + 1,
    opId: ports.ids.opId(),
    orderSha256,
    ttlAtMs: nowMs + REPLAY_MS,
  };
  if (former === undefined || former.ttlAtMs <= nowMs) return pending;
  const lease = await stored(ports.leases.get(former.leaseId));
  // An earlier role with the same ARN used the key. This caller did not, and may not revoke that lease.
  if (lease !== undefined && !isOwner(lease, origin.caller)) return pending;
  if (former.orderSha256 !== orderSha256) throw fail({ tag: 'idempotency_mismatch' });
  // No caller got a token of a refused create, and its lease may take minutes to end. So do not wait for it.
  if (lease !== undefined && isOpen(lease) && !isLeftToSweep(lease)) await endFormer(ports, origin, lease);
  return pending;
}

async function endFormer(ports: MintPorts, origin: Origin, lease: Lease): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const mintedByMs = lease.mintByMs + ports.limits.hubTimeoutMs;
  if (lease.status === 'minting' && nowMs <= mintedByMs) {
    throw fail({ tag: 'in_flight', retryAfterSeconds: retryAfterSeconds(mintedByMs, nowMs) });
  }
  const revocation = await stored(revokeLease(ports, lease.id, { trigger: 'caller', reason: 'replayed', origin }));
  if (revocation.outcome === 'revoked' || revocation.outcome === 'unknown') return;
  const againAtMs = revocation.lease.dueAtMs ?? nowMs;
  throw fail({ tag: 'in_flight', retryAfterSeconds: retryAfterSeconds(againAtMs, nowMs) });
}
