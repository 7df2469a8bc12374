import { auditIds, auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import type { ActiveLease } from '../model/lease.ts';
import { renew } from '../model/lease-transitions.ts';
import type { MintPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { allowedSecret } from './grant.ts';
import { showOwn } from './own-leases.ts';

const MAX_WRITERS = 4;

/** A renewed lease; `clipped` if it ends at its `maxExpiresAtMs`, earlier than requested. */
export interface Renewed {
  readonly lease: ActiveLease;
  readonly clipped: boolean;
}

/**
 * Extends one of the caller's own leases by the secret's default TTL, or by the requested one, counted from now. The end is never
 * after `maxExpiresAtMs`, when Docker Hub itself ends the token. Never shortens a lease. Safe to repeat.
 *
 * @throws Failed `lease_not_found`, `not_renewable`, `lease_not_active` if its time is up or it is being revoked,
 *   `secret_not_found`, `caller_not_allowed`, `draining`, `ttl_too_short`, `not_recorded`, `busy`, `store_unavailable`.
 */
export async function renewOwn(
  ports: MintPorts,
  origin: Origin,
  leaseId: string,
  ttlSeconds?: number,
): Promise<Renewed> {
  // A sweep may record a use in between, or another renewal may write first. Neither makes the lease unusable, so retry.
  for (let writers = 0; writers < MAX_WRITERS; writers++) {
    const renewed = await tryToRenew(ports, origin, leaseId, ttlSeconds);
    if (renewed !== undefined) return renewed;
  }
  throw fail({ tag: 'busy', retryAfterSeconds: 1 });
}

/** Undefined if another write was first. */
async function tryToRenew(
  ports: MintPorts,
  origin: Origin,
  leaseId: string,
  ttlSeconds: number | undefined,
): Promise<Renewed | undefined> {
  const lease = await showOwn(ports, origin, leaseId);
  if (!lease.renewable) throw fail({ tag: 'not_renewable', leaseId });
  const nowMs = ports.clock.nowMs();
  // At the last instant, the revoker may already work on it.
  if (lease.status !== 'active' || nowMs >= lease.expiresAtMs) {
    throw fail({ tag: 'lease_not_active', leaseId, status: lease.status });
  }
  const secret = await allowedSecret(ports, origin.caller, lease.secret);
  const seconds = ttlSeconds ?? secret.defaultTtlSeconds;
  const { minTtlSeconds } = ports.limits;
  if (seconds < minTtlSeconds) throw fail({ tag: 'ttl_too_short', ttlSeconds: seconds, minTtlSeconds });
  const wantedMs = nowMs + seconds * 1_000;
  const clipped = wantedMs > lease.maxExpiresAtMs;
  const expiresAtMs = Math.max(lease.expiresAtMs, Math.min(wantedMs, lease.maxExpiresAtMs));
  if (expiresAtMs === lease.expiresAtMs) return { lease, clipped };
  const extended = await extend(ports, origin, lease, expiresAtMs);
  return extended && { lease: extended, clipped };
}

async function extend(
  ports: MintPorts,
  origin: Origin,
  lease: ActiveLease,
  expiresAtMs: number,
): Promise<ActiveLease | undefined> {
  const extended = renew(lease, ports.ids.opId(), expiresAtMs);
  if ((await stored(ports.leases.update(extended))) === 'conflict') return undefined;
  try {
    await ports.backstop.arm(lease.id, expiresAtMs);
  } catch {
    await takeBack(ports, extended, lease);
    throw fail({ tag: 'not_recorded', leaseId: lease.id, retryAfterSeconds: 2 });
  }
  // If the slower trigger comes early, the lease is not due, and nothing happens.
  await ports.timer?.arm(lease.id, expiresAtMs).catch(() => undefined);
  await ports.audit.record({
    event: 'lease.renewed',
    atMs: ports.clock.nowMs(),
    ...auditIds(extended),
    ...auditOrigin(origin),
    detail: { expiresAtMs, byMs: expiresAtMs - lease.expiresAtMs },
  });
  return extended;
}

/**
 * If no job can be armed for the new end, the lease gets its old end back, whose job still exists. If this write is lost, the
 * sweep ends the lease.
 */
async function takeBack(ports: MintPorts, extended: ActiveLease, former: ActiveLease): Promise<void> {
  const shortened = renew(extended, ports.ids.opId(), former.expiresAtMs);
  await ports.leases.update(shortened).catch(() => undefined);
}
