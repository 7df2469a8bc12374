import { auditIds, auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import {
  isLeftToSweep,
  isOpen,
  type Lease,
  type OpenLease,
  type RevokedLease,
  type RevokeReason,
} from '../model/lease.ts';
import { beginAttempt, reopen } from '../model/lease-transitions.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { concludeLease } from './conclude.ts';
import { expiredEvidence, findEvidence } from './evidence.ts';
import { postpone } from './postpone.ts';

/** A message comes this early at most for clocks that differ; a revoker is on its way to a lease for which it is due later. */
const CLOCKS_DIFFER_MS = 10_000;
/** A caller who asks again starts another attempt this long after the last one, or when the lease is due. */
const ASKED_AGAIN_MS = 30_000;
/** Writers of one lease are few: its minter, its owner and its triggers. */
const MAX_CONFLICTS = 8;

/** Why to revoke, and whether to look at the clock first. */
export interface RevokeOrder {
  /**
   * `due`: only when the lease is due, as every timed trigger asks. `asked`: now. `caller`: now for the first time; of a lease that is
   * being revoked, at most one attempt for each time that it is due, or every 30 s.
   */
  readonly trigger: 'due' | 'caller' | 'asked';
  readonly reason: RevokeReason;
  /** Who asked, where somebody did. */
  readonly origin?: Origin;
  /** A token of the lease that its row does not name yet, and the expiry that Docker Hub reported for it; null for none. */
  readonly tokenId?: string;
  readonly reportedExpiresAtMs?: number | null;
  /** The token was seen in the account's list. */
  readonly isListed?: boolean;
}

/**
 * - `revoked`: evidence is on record, from now or before.
 * - `pending`: Docker Hub could not be made to prove it yet; further attempts are scheduled, without end.
 * - `not_due`: a timed trigger came early, or after a renewal.
 * - `unknown`: there is no such lease.
 */
export type Revocation =
  | { readonly outcome: 'revoked'; readonly lease: RevokedLease }
  | { readonly outcome: 'pending' | 'not_due'; readonly lease: OpenLease }
  | { readonly outcome: 'unknown' };

/**
 * Revokes one lease: the one function behind every trigger. Safe to repeat and to run at the same time elsewhere.
 * `revoked` is only ever written with the evidence for it.
 *
 * @throws any error of the lease store, or of the queue for a trigger that came early; a later trigger takes the lease up.
 */
export async function revokeLease(ports: RevokePorts, leaseId: string, order: RevokeOrder): Promise<Revocation> {
  const started = await begin(ports, leaseId, order);
  if (started.outcome === 'not_due') await comeAgain(ports, started.lease);
  if (started.outcome !== 'begun') return started;
  // No token lives longer because the audit log is slow.
  const [revocation] = await Promise.all([attempt(ports, started.lease, order), started.recorded]);
  return revocation;
}

async function attempt(ports: RevokePorts, lease: OpenLease, order: RevokeOrder): Promise<Revocation> {
  const found = await findEvidence(ports, lease, order);
  if (found.tag === 'proven') return concludeLease(ports, lease, order.reason, found);
  const evidence = await expiredEvidence(ports, lease, found);
  if (evidence === undefined) return postpone(ports, lease, order.reason, found);
  return concludeLease(ports, lease, order.reason, { ...found, evidence });
}

/**
 * Takes a `revoked` lease up again because a live token of it was seen. Also serves the minter that learns its token only
 * after the lease was closed.
 */
export async function reopenLease(
  ports: RevokePorts,
  lease: RevokedLease,
  seen: Pick<RevokeOrder, 'reportedExpiresAtMs'> & { readonly tokenId: string },
): Promise<void> {
  const { tokenId } = seen;
  const nowMs = ports.clock.nowMs();
  const reopened = reopen(lease, ports.ids.opId(), { ...seen, nowMs });
  if ((await ports.leases.update(reopened, 'take')) === 'conflict') return;
  await ports.audit.record({ event: 'lease.reopened', atMs: nowMs, ...auditIds(lease), tokenId });
}

/** `recorded` ends when the audit log has been told of the order, where it is told. */
type Begun =
  | Revocation
  | { readonly outcome: 'begun'; readonly lease: OpenLease; readonly recorded?: Promise<unknown> };

/**
 * A trigger that came early is sent again for when the lease is due. It may have met a clock that is behind its own; or the lease
 * was renewed by somebody who died before moving the job, and this is the only one left. A lease whose next attempt is planned
 * has a message of its own: with every sweep and timer that finds it waiting there would be one more.
 */
async function comeAgain(ports: RevokePorts, lease: OpenLease): Promise<void> {
  const waitMs = lease.dueAtMs - ports.clock.nowMs();
  if (lease.status === 'revoking' && waitMs > CLOCKS_DIFFER_MS) return;
  await ports.queue.send(lease.id, Math.min(ports.limits.maxRetryMs, Math.max(0, waitMs)));
}

/** Writes `revoking` where that is needed before Docker Hub is touched. */
async function begin(ports: RevokePorts, leaseId: string, order: RevokeOrder): Promise<Begun> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const lease = await ports.leases.get(leaseId);
    if (lease === undefined) return { outcome: 'unknown' };
    if (!isOpen(lease)) {
      if (order.tokenId === undefined) return { outcome: 'revoked', lease };
      await reopenLease(ports, lease, { ...order, tokenId: order.tokenId });
      continue;
    }
    const nowMs = ports.clock.nowMs();
    if (order.trigger === 'due' && nowMs < lease.dueAtMs) return { outcome: 'not_due', lease };
    const tokenId = lease.tokenId ?? order.tokenId;
    if (lease.status === 'revoking' && tokenId === lease.tokenId) {
      // The sweep's listings end it; only where they never do, its own time comes.
      const waits = isLeftToSweep(lease) && nowMs < lease.dueAtMs;
      if (waits || (order.trigger === 'caller' && isTooSoon(lease, nowMs))) return { outcome: 'pending', lease };
      if (order.trigger !== 'caller') return { outcome: 'begun', lease };
    }
    // An expired lease that cannot be renewed has nobody left to race with, so its first attempt saves a write.
    if (order.trigger === 'due' && lease.status === 'active' && !lease.renewable) return { outcome: 'begun', lease };
    const revoking = beginAttempt(lease, ports.ids.opId(), { ...order, nowMs });
    if ((await ports.leases.update(revoking)) === 'conflict') continue;
    if (lease.status === 'revoking') return { outcome: 'begun', lease: revoking };
    return { outcome: 'begun', lease: revoking, recorded: recordRequest(ports, revoking, order) };
  }
  throw new Error('too many writers of one lease');
}

/** Whether an attempt is under way or was only just made, and none is due since. */
function isTooSoon({ attemptedAtMs, dueAtMs }: OpenLease, nowMs: number): boolean {
  if (attemptedAtMs === undefined || attemptedAtMs > nowMs || nowMs >= attemptedAtMs + ASKED_AGAIN_MS) return false;
  return nowMs < dueAtMs || dueAtMs <= attemptedAtMs;
}

async function recordRequest(ports: RevokePorts, lease: Lease, order: RevokeOrder): Promise<unknown> {
  const { caller, callerId, ...ids } = auditIds(lease);
  return ports.audit.record({
    event: 'lease.revoke_requested',
    atMs: ports.clock.nowMs(),
    ...ids,
    ...(order.origin === undefined
      ? { caller, ...(callerId !== undefined && { callerId }) }
      : auditOrigin(order.origin)),
    detail: { reason: order.reason },
  });
}
