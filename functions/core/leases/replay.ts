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

/** The record to write with the lease that answers this order; its lease is filled in then. */
export type PendingReplay = Omit<ReplayRecord, 'leaseId'>;

/**
 * Looks up a caller's Idempotency-Key. A token is answered once and kept nowhere, so a repeated order cannot be given the same
 * one: what the first order got is revoked, provably, before a second is minted.
 *
 * @returns undefined for an order without a key.
 * @throws Failed `idempotency_mismatch` for another order under the key, `in_flight` while the first is being minted, or not yet
 *   provably gone; `store_unavailable`.
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
  // An earlier role of the same ARN used the key. This caller never did, and the lease is not theirs to revoke.
  if (lease !== undefined && !isOwner(lease, origin.caller)) return pending;
  if (former.orderSha256 !== orderSha256) throw fail({ tag: 'idempotency_mismatch' });
  // Nobody ever got a token of a refused create, and its lease may take minutes to end.
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
