import { noteWaiting } from '../hub/rate.ts';
import { auditIds } from '../model/audit-event.ts';
import { isOpen, type OpenLease, type RevokeReason, type RevokingLease, STUCK_ATTEMPTS } from '../model/lease.ts';
import { delayRevocation, type FailedAttempt } from '../model/lease-transitions.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { recordBlocked } from './blocked.ts';
import type { Unproven } from './evidence.ts';
import type { Revocation } from './revoke.ts';

/** First pause after a failed attempt; doubles up to `maxRetryMs`. */
const INITIAL_RETRY_MS = 2_000;
/** Leases that Docker Hub refused come back within this of its next window at first, and then wider apart. */
const INITIAL_CROWD_MS = 10_000;
/** The next turn of a lease is spread over this share of the time it has waited. Less costs more writes and saves little time. */
const CROWD_SHARE = 0.25;
/** What Docker Hub has accepted and not done yet is looked at again after this share of the time waited, but not sooner than this. */
const PENDING_SHARE = 0.5;
const PENDING_MIN_MS = 5_000;
/** What keeps a lease open for this long, though nothing fails, is something that somebody should look at. */
const PATIENCE_MS = 600_000;
/** Docker Hub has accepted a delete, and the token is still there. */
const UNFINISHED_DELETES = ['delete_pending', 'still_listed'];
/** Waits that nothing else may end: a target that drains is not verified again, so its list never serves a proof. */
const NOT_FOREVER = [...UNFINISHED_DELETES, 'list_lag_unknown'];

/** Writers of one lease are few: its minter, its owner and its triggers. */
const MAX_CONFLICTS = 8;

/** Writes down that an attempt brought no proof and when the next one is, and asks for it. */
export async function postpone(
  ports: RevokePorts,
  lease: OpenLease,
  reason: RevokeReason,
  result: Unproven,
): Promise<Revocation> {
  const nowMs = ports.clock.nowMs();
  const found = { ...result, waiting: result.waiting === true && !isOutOfPatience(lease, result, nowMs) };
  // Waiting for the quiet period, or for requests, is no failure.
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
  // The due sweep finds the row when this message is lost.
  await ports.queue.send(lease.id, dueAtMs - nowMs).catch(() => undefined);
  if (found.code === 'hub_throttled') await noteWaiting(ports, lease.target, dueAtMs);
  return { outcome: 'pending', lease: delayed };
}

/** Also over what was only noted meanwhile: a view, or another attempt's beginning. Whoever else writes plans the next attempt. */
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
  // The due sweep takes it up.
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
  // A lease that goes on waiting for the same has said so.
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
 * How long after Docker Hub's next window a lease comes back that had to wait for it. Thousands may wait, and each refusal
 * costs a request. So each lease takes a place of its own, by a hash, in a span that grows with the time it has waited: a small
 * crowd is through in a minute or two, and a large one fills every window without storming it.
 */
function turnInCrowdMs(ports: RevokePorts, lease: OpenLease, waitedMs: number, maxMs: number): number {
  const spanMs = Math.max(0, Math.min(Math.max(INITIAL_CROWD_MS, waitedMs * CROWD_SHARE), maxMs));
  const share = Number.parseInt(ports.labels.sha256(`${lease.id} ${lease.version}`).slice(0, 8), 16) / 2 ** 32;
  return Math.floor(share * spanMs);
}
