import { noteWaiting } from '../hub/rate.ts';
import { auditIds } from '../model/audit-event.ts';
import { isOpen, type OpenLease, type RevokeReason, type RevokingLease, STUCK_ATTEMPTS } from '../model/lease.ts';
import { delayRevocation, type FailedAttempt } from '../model/lease-transitions.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { recordBlocked } from './blocked.ts';
import type { Unproven } from './evidence.ts';
import type { Revocation } from './revoke.ts';

/** Initial backoff after a failed attempt. Doubles up to `maxRetryMs`. */
const INITIAL_RETRY_MS = 2_000;
/**
 * After a throttled attempt, leases retry within this time after Docker Hub's next window begins. The more a lease has waited,
 * the larger this span.
 */
const INITIAL_CROWD_MS = 10_000;
/**
 * The next retry is spread over this fraction of the time that the lease has waited. A smaller fraction costs more writes and
 * saves little time.
 */
const CROWD_SHARE = 0.25;
/**
 * If Docker Hub has accepted a delete but not done it, the next check comes after this fraction of the time waited, or after the
 * minimum.
 */
const PENDING_SHARE = 0.5;
const PENDING_MIN_MS = 5_000;
/** If something keeps a lease open for this long, it counts as a failure, so that a person looks at it. */
const PATIENCE_MS = 600_000;
/** Docker Hub has accepted a delete, and the token is still there. */
const UNFINISHED_DELETES = ['delete_pending', 'still_listed'];
/** Waits that may never end by themselves. For example, a draining target is not verified again, so its list never gives a proof. */
const NOT_FOREVER = [...UNFINISHED_DELETES, 'list_lag_unknown'];

/** Writers of one lease are few: its minter, its owner and its triggers. */
const MAX_CONFLICTS = 8;

/** Records that an attempt found no proof and when the next one is, and queues it. */
export async function postpone(
  ports: RevokePorts,
  lease: OpenLease,
  reason: RevokeReason,
  result: Unproven,
): Promise<Revocation> {
  const nowMs = ports.clock.nowMs();
  const found = { ...result, waiting: result.waiting === true && !isOutOfPatience(lease, result, nowMs) };
  // Waiting for the quiet period or for requests is not a failure.
  const attempts = found.waiting ? lease.attempts : lease.attempts + 1;
  const dueAtMs = nextAttemptMs(ports, lease, attempts, found);
  const failed: FailedAttempt = {
    revokeReason: lease.revokeReason ?? reason,
    revokingSinceMs: lease.revokingSinceMs ?? nowMs,
    attempts,
    lastError: found.code,
    dueAtMs,
    attemptedAtMs: nowMs,
    // A listing that failed has not shown that the tokens are gone.
    blockedBy: found.blockedBy ?? lease.blockedBy,
    removedTokenIds: found.removedTokenIds,
    ...(found.reportedExpiresAtMs !== undefined && { reportedExpiresAtMs: found.reportedExpiresAtMs }),
  };
  const delayed = await writeDelay(ports, lease, failed);
  if ('outcome' in delayed) return delayed;
  await recordDelay(ports, lease, delayed, found);
  // If this message is lost, the due sweep finds the row.
  await ports.queue.send(lease.id, dueAtMs - nowMs).catch(() => undefined);
  if (found.code === 'hub_throttled') await noteWaiting(ports, lease.target, dueAtMs);
  return { outcome: 'pending', lease: delayed };
}

/**
 * Retries after a conflicting write that only recorded something: a view, or the beginning of another attempt. After any other
 * conflict, the other writer plans the next attempt.
 */
async function writeDelay(
  ports: RevokePorts,
  tried: OpenLease,
  failed: FailedAttempt,
): Promise<RevokingLease | Revocation> {
  let lease = tried;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const delayed = delayRevocation(lease, ports.ids.opId(), failed);
    if ((await ports.leases.update(delayed)) === 'written') return delayed;
    const latest = await ports.leases.get(lease.id);
    if (latest === undefined) return { outcome: 'unknown' };
    if (!isOpen(latest)) return { outcome: 'revoked', lease: latest };
    if (!isPlannedAlike(tried, latest)) return { outcome: 'pending', lease: latest };
    lease = latest;
  }
  // The due sweep continues with the lease.
  return { outcome: 'pending', lease };
}

function isPlannedAlike(one: OpenLease, other: OpenLease): boolean {
  return (['status', 'dueAtMs', 'attempts', 'tokenId', 'lastError'] as const).every((key) => one[key] === other[key]);
}

function isOutOfPatience({ revokingSinceMs }: OpenLease, { code }: Unproven, nowMs: number): boolean {
  return NOT_FOREVER.includes(code) && nowMs >= (revokingSinceMs ?? nowMs) + PATIENCE_MS;
}

function nextAttemptMs(ports: RevokePorts, lease: OpenLease, attempts: number, found: Unproven): number {
  const nowMs = ports.clock.nowMs();
  const { maxRetryMs } = ports.limits;
  const waitedMs = nowMs - (lease.revokingSinceMs ?? nowMs);
  const pendingMs = Math.max(PENDING_MIN_MS, waitedMs * PENDING_SHARE);
  const failedMs = INITIAL_RETRY_MS * 2 ** Math.min(attempts - 1, 20);
  const isUnfinished = UNFINISHED_DELETES.includes(found.code);
  const pauseMs = found.waiting ? pendingMs : Math.max(failedMs, isUnfinished ? pendingMs : 0);
  const ownMs = nowMs + Math.min(maxRetryMs, pauseMs);
  const wantedMs = found.waiting ? (found.retryAtMs ?? ownMs) : Math.max(found.retryAtMs ?? 0, ownMs);
  const isThrottled = found.code === 'hub_throttled';
  const turnMs = isThrottled ? turnInCrowdMs(ports, lease, waitedMs, nowMs + maxRetryMs - wantedMs) : 0;
  return Math.floor(Math.max(nowMs, Math.min(wantedMs + turnMs, nowMs + maxRetryMs)));
}

async function recordDelay(
  ports: RevokePorts,
  lease: OpenLease,
  delayed: RevokingLease,
  found: Unproven,
): Promise<void> {
  const atMs = ports.clock.nowMs();
  const { attempts } = delayed;
  const ids = auditIds(delayed);
  // If a lease still waits for the same reason, that was already recorded.
  if (!found.waiting || lease.lastError !== found.code) {
    const nextInMs = delayed.dueAtMs - atMs;
    const detail = { attempts, nextInMs, waiting: found.waiting === true };
    await ports.audit.record({ event: 'lease.revoke_delayed', atMs, ...ids, code: found.code, detail });
  }
  if (attempts === STUCK_ATTEMPTS && !found.waiting) {
    await ports.audit.record({ event: 'lease.stuck', atMs, ...ids, code: found.code });
  }
  if (found.code === 'account_unreachable') {
    await ports.audit.record({ event: 'account.unreachable', atMs, target: lease.target, leaseId: lease.id });
  }
  if (found.blockedBy !== undefined) await recordBlocked(ports, delayed, found.blockedBy);
}

/**
 * How long after the start of Docker Hub's next window a throttled lease retries. Thousands of leases may wait, and each refusal
 * costs a request. So a hash spreads the leases over a span that grows with the time waited. A small crowd is done in a minute or
 * two. A large crowd uses every window without flooding it.
 */
function turnInCrowdMs(ports: RevokePorts, lease: OpenLease, waitedMs: number, maxMs: number): number {
  const spanMs = Math.max(0, Math.min(Math.max(INITIAL_CROWD_MS, waitedMs * CROWD_SHARE), maxMs));
  const share = Number.parseInt(ports.labels.sha256(`${lease.id} ${lease.version}`).slice(0, 8), 16) / 2 ** 32;
  return Math.floor(share * spanMs);
}
