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

/**
 * Because clocks differ, a message may come early by at most this. If a lease is due later than this, another message is already
 * planned for it.
 */
const CLOCKS_DIFFER_MS = 10_000;
/** A repeated request of a caller starts another attempt this long after the last one, or when the lease is due. */
const ASKED_AGAIN_MS = 30_000;
/** Writers of one lease are few: its minter, its owner and its triggers. */
const MAX_CONFLICTS = 8;

/** Why to revoke, and whether the lease must be due. */
export interface RevokeOrder {
  /**
   * `due`: only if the lease is due; used by all timed triggers. `asked`: now. `caller`: now for the first request; for a lease
   * that is already `revoking`, only when it is due, or every 30 s.
   */
  readonly trigger: 'due' | 'caller' | 'asked';
  readonly reason: RevokeReason;
  /** The caller and request, if there are any. */
  readonly origin?: Origin;
  /** A token of the lease that its row does not name yet, and its expiry as Docker Hub reported it; null for none. */
  readonly tokenId?: string;
  readonly reportedExpiresAtMs?: number | null;
  /** The token was seen in the account's list. */
  readonly isListed?: boolean;
}

/**
 * - `revoked`: the evidence is recorded, now or before.
 * - `pending`: there is no proof yet. Further attempts are scheduled, without limit.
 * - `not_due`: a timed trigger came early, or after a renewal.
 * - `unknown`: there is no such lease.
 */
export type Revocation =
  | { readonly outcome: 'revoked'; readonly lease: RevokedLease }
  | { readonly outcome: 'pending' | 'not_due'; readonly lease: OpenLease }
  | { readonly outcome: 'unknown' };

/**
 * Revokes one lease. All triggers call this function. Safe to repeat and to run several times at once. `revoked` is only written
 * with evidence.
 *
 * @throws any error of the lease store, or of the queue for a trigger that came early; a later trigger continues with the lease.
 */
export async function revokeLease(ports: RevokePorts, leaseId: string, order: RevokeOrder): Promise<Revocation> {
  const started = await begin(ports, leaseId, order);
  if (started.outcome === 'not_due') await comeAgain(ports, started.lease);
  if (started.outcome !== 'begun') return started;
  // Do not wait for the audit log, so that no token lives longer when it is slow.
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
 * Reopens a `revoked` lease because a live token of it was seen. Also used by a mint that learns its token only after the lease
 * was closed.
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

/** `recorded` settles when the audit event of the order is written, if there is one. */
type Begun =
  | Revocation
  | { readonly outcome: 'begun'; readonly lease: OpenLease; readonly recorded?: Promise<unknown> };

/**
 * Sends an early trigger again for the time at which the lease is due. Either this clock is behind the trigger's clock. Or a
 * process renewed the lease and died before it moved the job, so this is the only trigger left. If the next attempt is already
 * planned, it has its own message. Then nothing is sent, because otherwise every sweep and timer would add one more message.
 */
async function comeAgain(ports: RevokePorts, lease: OpenLease): Promise<void> {
  const waitMs = lease.dueAtMs - ports.clock.nowMs();
  if (lease.status === 'revoking' && waitMs > CLOCKS_DIFFER_MS) return;
  await ports.queue.send(lease.id, Math.min(ports.limits.maxRetryMs, Math.max(0, waitMs)));
}

/** Writes `revoking`, if needed, before any call to Docker Hub. */
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
      // The sweep's listings end this lease. The revoker only acts if they have not done so when it is due.
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

/** Whether an attempt is under way or has just been made, and no other has become due since. */
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
