import type { Origin } from './caller.ts';
import { expiredEvidence, findEvidence } from './evidence.ts';
import { isOpen, type Lease, type LeaseChange, nextLease, type RevokeReason, STUCK_ATTEMPTS } from './lease.ts';
import type { RevokePorts } from './ports.ts';
import { noteWaiting } from './rate.ts';

/** First pause after a failed attempt; doubles up to `maxRetryMs`. */
const FIRST_RETRY_MS = 2_000;
/** Leases that Docker Hub refused come back within this of its next window at first, and then wider apart. */
const FIRST_CROWD_MS = 10_000;
/** Of the time that a lease has waited, so long a span its next turn is drawn from. Less costs more writes and saves little time. */
const CROWD_SHARE = 0.25;
/** A message comes this early at most for clocks that differ; a revoker is on its way to a lease for which it is due later. */
const CLOCKS_DIFFER_MS = 10_000;
/** Writers of one lease are few: its minter, its owner and its triggers. */
const MOST_CONFLICTS = 8;

/** Why to revoke, and whether to look at the clock first. */
export interface RevokeOrder {
  /** `due`: only when the lease is due, as every timed trigger asks. `asked`: now. */
  readonly trigger: 'due' | 'asked';
  readonly reason: RevokeReason;
  /** Who asked, where somebody did. */
  readonly origin?: Origin;
  /** A token of the lease that its row does not name yet. */
  readonly tokenId?: string;
}

/**
 * - `revoked`: evidence is on record, from now or before.
 * - `pending`: Docker Hub could not be made to prove it yet; further attempts are scheduled, without end.
 * - `not_due`: a timed trigger came early, or after a renewal.
 * - `unknown`: there is no such lease.
 */
export type Revocation =
  | { readonly outcome: 'revoked' | 'pending' | 'not_due'; readonly lease: Lease }
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
  const { lease } = started;
  const found = await findEvidence(ports, lease);
  if (found.evidence !== undefined) return conclude(ports, lease, order, found.evidence, found.removedTokenIds);
  const expired = await expiredEvidence(ports, lease);
  if (expired !== undefined) return conclude(ports, lease, order, expired, found.removedTokenIds);
  return postpone(ports, lease, order, found);
}

/**
 * Takes a `revoked` lease up again because a live token of it was seen. Also serves the minter that learns its token only
 * after the lease was closed.
 */
export async function reopenLease(ports: RevokePorts, lease: Lease, tokenId: string): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const reopened = nextLease(lease, ports.ids.opId(), {
    status: 'revoking',
    revokeReason: 'reopened',
    revokingSinceMs: nowMs,
    dueAtMs: nowMs,
    tokenId,
    reopened: (lease.reopened ?? 0) + 1,
    evidence: undefined,
    revokedAtMs: undefined,
    ttlAtMs: undefined,
  });
  if ((await ports.leases.update(reopened, 'take')) === 'conflict') return;
  await ports.audit.record({ event: 'lease.reopened', atMs: nowMs, ...auditIds(lease), tokenId });
}

type Begun = Exclude<Revocation, { outcome: 'pending' }> | { readonly outcome: 'begun'; readonly lease: Lease };

/**
 * A trigger that came early is sent again for when the lease is due. It may have met a clock that is behind its own; or the lease
 * was renewed by somebody who died before moving the job, and this is the only one left. A lease whose next attempt is planned
 * has a message of its own: with every sweep and timer that finds it waiting there would be one more.
 */
async function comeAgain(ports: RevokePorts, lease: Lease): Promise<void> {
  const waitMs = (lease.dueAtMs as number) - ports.clock.nowMs();
  if (lease.status === 'revoking' && waitMs > CLOCKS_DIFFER_MS) return;
  await ports.queue.send(lease.id, Math.min(ports.limits.maxRetryMs, Math.max(0, waitMs)));
}

/** Writes `revoking` where that is needed before Docker Hub is touched. */
async function begin(ports: RevokePorts, leaseId: string, order: RevokeOrder): Promise<Begun> {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    const lease = await ports.leases.get(leaseId);
    if (lease === undefined) return { outcome: 'unknown' };
    if (!isOpen(lease)) {
      if (order.tokenId === undefined) return { outcome: 'revoked', lease };
      await reopenLease(ports, lease, order.tokenId);
      continue;
    }
    const nowMs = ports.clock.nowMs();
    if (order.trigger === 'due' && nowMs < (lease.dueAtMs as number)) return { outcome: 'not_due', lease };
    const tokenId = lease.tokenId ?? order.tokenId;
    if (lease.status === 'revoking' && tokenId === lease.tokenId) return { outcome: 'begun', lease };
    // An expired lease that cannot be renewed has nobody left to race with, so its first attempt saves a write.
    if (order.trigger === 'due' && lease.status === 'active' && !lease.renewable) return { outcome: 'begun', lease };
    const revoking = nextLease(lease, ports.ids.opId(), {
      status: 'revoking',
      revokeReason: lease.revokeReason ?? order.reason,
      revokingSinceMs: lease.revokingSinceMs ?? nowMs,
      dueAtMs: nowMs,
      tokenId,
    });
    if ((await ports.leases.update(revoking)) === 'conflict') continue;
    if (lease.status !== 'revoking') await recordRequest(ports, revoking, order);
    return { outcome: 'begun', lease: revoking };
  }
  throw new Error('too many writers of one lease');
}

async function conclude(
  ports: RevokePorts,
  proven: Lease,
  order: RevokeOrder,
  evidence: NonNullable<Lease['evidence']>,
  removedTokenIds: readonly string[],
): Promise<Revocation> {
  let lease = proven;
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    const nowMs = ports.clock.nowMs();
    const revoked = nextLease(lease, ports.ids.opId(), {
      status: 'revoked',
      evidence,
      revokedAtMs: nowMs,
      revokeReason: lease.revokeReason ?? order.reason,
      ttlAtMs: nowMs + ports.limits.auditRetentionMs,
      dueAtMs: undefined,
      lastError: undefined,
      ...(removedTokenIds.length > 0 && { removedTokenIds }),
    });
    if ((await ports.leases.update(revoked, 'release')) === 'written') {
      await ports.audit.record({
        event: 'lease.revoked',
        atMs: nowMs,
        ...auditIds(revoked),
        detail: {
          reason: revoked.revokeReason as string,
          evidence: evidence.kind,
          overdueMs: Math.max(0, nowMs - lease.expiresAtMs),
        },
      });
      return { outcome: 'revoked', lease: revoked };
    }
    const latest = await ports.leases.get(lease.id);
    if (latest === undefined) return { outcome: 'unknown' };
    if (!isOpen(latest)) return { outcome: 'revoked', lease: latest };
    // What was proven is proven of one token, or of none having been there. A row that names another token is another case.
    if (latest.tokenId !== proven.tokenId) return { outcome: 'pending', lease: latest };
    lease = latest;
  }
  throw new Error('too many writers of one lease');
}

/** Writes down that the attempt failed and when the next is, and asks for it. */
async function postpone(
  ports: RevokePorts,
  lease: Lease,
  order: RevokeOrder,
  found: {
    readonly code: string;
    readonly retryAtMs?: number;
    readonly waiting?: boolean;
    readonly removedTokenIds: readonly string[];
  },
): Promise<Revocation> {
  const nowMs = ports.clock.nowMs();
  const { maxRetryMs } = ports.limits;
  // Waiting for the quiet period, or for requests, is no failure.
  const attempts = found.waiting ? lease.attempts : lease.attempts + 1;
  const pauseMs = Math.min(maxRetryMs, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
  const wantedMs = found.waiting ? (found.retryAtMs as number) : Math.max(found.retryAtMs ?? 0, nowMs + pauseMs);
  const isThrottled = found.code === 'hub_throttled';
  const turnMs = isThrottled ? turnInCrowdMs(ports, lease, nowMs, nowMs + maxRetryMs - wantedMs) : 0;
  const dueAtMs = Math.max(nowMs, Math.min(wantedMs + turnMs, nowMs + maxRetryMs));
  const change: LeaseChange = {
    status: 'revoking',
    revokeReason: lease.revokeReason ?? order.reason,
    revokingSinceMs: lease.revokingSinceMs ?? nowMs,
    attempts,
    lastError: found.code,
    dueAtMs,
    ...(found.removedTokenIds.length > 0 && { removedTokenIds: found.removedTokenIds }),
  };
  const delayed = nextLease(lease, ports.ids.opId(), change);
  if ((await ports.leases.update(delayed)) === 'conflict') {
    const latest = await ports.leases.get(lease.id);
    if (latest === undefined) return { outcome: 'unknown' };
    return { outcome: isOpen(latest) ? 'pending' : 'revoked', lease: latest };
  }
  // Who goes on waiting for the same has said so.
  if (!found.waiting || lease.lastError !== found.code) {
    await ports.audit.record({
      event: 'lease.revoke_delayed',
      atMs: nowMs,
      ...auditIds(delayed),
      code: found.code,
      detail: { attempts, nextInMs: dueAtMs - nowMs, waiting: found.waiting === true },
    });
  }
  if (attempts === STUCK_ATTEMPTS && !found.waiting) {
    await ports.audit.record({ event: 'lease.stuck', atMs: nowMs, ...auditIds(delayed), code: found.code });
  }
  // The due sweep finds the row when this message is lost.
  await ports.queue.send(lease.id, dueAtMs - nowMs).catch(() => undefined);
  if (isThrottled) await noteWaiting(ports, lease.target, dueAtMs);
  return { outcome: 'pending', lease: delayed };
}

/**
 * How long after Docker Hub's next window a lease comes back that had to wait for it. Thousands may wait, and who is refused
 * has only cost a request: so each takes its own place, by a hash for want of chance, in a span that grows with the time it has
 * waited. Thereby a small crowd is through in a minute or two, and a large one fills every window without storming it.
 */
function turnInCrowdMs(ports: RevokePorts, lease: Lease, nowMs: number, mostMs: number): number {
  const waitedMs = nowMs - (lease.revokingSinceMs ?? nowMs);
  const spanMs = Math.max(0, Math.min(Math.max(FIRST_CROWD_MS, waitedMs * CROWD_SHARE), mostMs));
  const share = Number.parseInt(ports.labels.sha256(`${lease.id} ${lease.version}`).slice(0, 8), 16) / 2 ** 32;
  return Math.floor(share * spanMs);
}

async function recordRequest(ports: RevokePorts, lease: Lease, order: RevokeOrder): Promise<void> {
  await ports.audit.record({
    event: 'lease.revoke_requested',
    atMs: ports.clock.nowMs(),
    ...auditIds(lease),
    ...(order.origin !== undefined && { requestId: order.origin.requestId, caller: order.origin.caller.arn }),
    ...(order.origin?.sourceIp !== undefined && { sourceIp: order.origin.sourceIp }),
    detail: { reason: order.reason },
  });
}

/** What every audit event about a lease states. */
export function auditIds(lease: Lease) {
  return {
    leaseId: lease.id,
    secret: lease.secret,
    target: lease.target,
    caller: lease.caller,
    ...(lease.tokenId !== undefined && { tokenId: lease.tokenId }),
    ...(lease.tokenSha256 !== undefined && { tokenSha256: lease.tokenSha256 }),
  };
}
