import { fail } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { HubReply } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';
import { noteInRecord } from './facts.ts';
import { retryAfterSeconds } from './hub-problem.ts';

/**
 * Requests that are reserved for revocations. With this many or fewer left, mints wait. Docker Hub does not publish its limit per
 * minute.
 */
const RESERVED_REQUESTS = 10;
/** Docker Hub counts per minute. A reset later than this is ignored as wrong. */
const MAX_WINDOW_MS = 120_000;
/** The time until which revocations wait is rounded up to this, so that many waiting revocations rarely write it. */
const WAITING_STEP_MS = 1_000;

/**
 * The purpose of a call to Docker Hub. While Docker Hub refuses requests, revocations go first, then mints, then lookups of
 * callers and of the sweep.
 */
export type HubClass = 'revoke' | 'mint' | 'look';

type Ports = Pick<RevokePorts, 'sessions' | 'clock' | 'ids'>;
type YieldPorts = Pick<RevokePorts, 'sessions' | 'clock' | 'limits'>;

/**
 * Records for all processes that an account has few requests left (once per window), or that Docker Hub refused one. After a
 * refused lookup or mint, lookups and mints wait. After a refused revocation, all calls wait. Best effort.
 */
export async function noteRate(
  ports: Ports,
  targetName: string,
  reply: HubReply<unknown>,
  hubClass: HubClass,
): Promise<void> {
  const { rateLimit, rateRemaining, rateResetAtMs } = reply.meta;
  const refusedUntilMs = !reply.ok && reply.problem.tag === 'throttled' ? reply.problem.retryAtMs : undefined;
  const isLow = rateRemaining !== undefined && rateResetAtMs !== undefined && rateRemaining <= RESERVED_REQUESTS;
  if (!isLow && refusedUntilMs === undefined) return;
  await noteInRecord(ports, targetName, (record) => {
    const nowMs = ports.clock.nowMs();
    return {
      ...(isLow && record.rateResetAtMs !== rateResetAtMs && { rateRemaining, rateResetAtMs }),
      ...(rateLimit !== undefined && record.rateLimit !== rateLimit && { rateLimit }),
      // If Docker Hub asks for a longer wait, it may be for that one request only. So other processes retry sooner.
      ...(refusedUntilMs !== undefined &&
        closedUntilMs(record, hubClass, nowMs) === undefined && {
          [hubClass === 'revoke' ? 'throttledUntilMs' : 'mintsThrottledUntilMs']: Math.min(
            refusedUntilMs,
            nowMs + MAX_WINDOW_MS,
          ),
        }),
    };
  });
}

/** Records that a revocation waits for requests until `untilMs`, so that mints wait. Best effort. */
export async function noteWaiting(ports: Ports, targetName: string, untilMs: number): Promise<void> {
  const revocationsUntilMs = waitingStep(untilMs);
  await noteInRecord(ports, targetName, (record) => ({
    ...((record.revocationsUntilMs ?? 0) < revocationsUntilMs && { revocationsUntilMs }),
  }));
}

/** A revocation that waited until `untilMs` has ended. If it was the last one, mints need not wait any longer. Best effort. */
export async function endWaiting(ports: Ports, targetName: string, untilMs: number): Promise<void> {
  await noteInRecord(ports, targetName, ({ revocationsUntilMs }) =>
    revocationsUntilMs === waitingStep(untilMs) ? { revocationsUntilMs: undefined } : {},
  );
}

function waitingStep(untilMs: number): number {
  return Math.ceil(untilMs / WAITING_STEP_MS) * WAITING_STEP_MS;
}

/**
 * Throws while Docker Hub refuses the account's requests, so that no process sends requests in vain. After a refused revocation,
 * this applies to all calls. After a refused lookup or mint, it applies to lookups and mints.
 *
 * @throws Failed `hub_throttled` until Docker Hub accepts requests again.
 */
export function waitForWindow(record: SessionRecord | undefined, hubClass: HubClass, nowMs: number): void {
  const untilMs = record && closedUntilMs(record, hubClass, nowMs);
  if (untilMs !== undefined) throw throttledUntil(untilMs, nowMs);
}

/**
 * Revocations go before mints and lookups. Both must wait while few of Docker Hub's requests are left, and while revocations wait
 * for requests.
 *
 * @returns the target's record, which the caller would read next.
 * @throws Failed `hub_throttled` until there are enough, `store_unavailable`.
 */
export async function yieldToRevocation(ports: YieldPorts, target: Target): Promise<SessionRecord | undefined> {
  const record = await stored(ports.sessions.read(target.name));
  const nowMs = ports.clock.nowMs();
  const untilMs = reservedUntil(ports, record, nowMs);
  if (untilMs !== undefined) throw throttledUntil(untilMs, nowMs);
  return record;
}

/**
 * Until when an account's requests are reserved for revocations; undefined if there are enough. @throws Failed
 * `store_unavailable`.
 */
export async function reservedUntilMs(ports: YieldPorts, target: Target): Promise<number | undefined> {
  const record = await stored(ports.sessions.read(target.name));
  return reservedUntil(ports, record, ports.clock.nowMs());
}

/**
 * Whether revocations wait for an account's requests, or Docker Hub refuses less urgent calls.
 *
 * @throws Failed `store_unavailable`.
 */
export async function doRevocationsWait(ports: YieldPorts, target: Target): Promise<boolean> {
  const record = await stored(ports.sessions.read(target.name));
  const nowMs = ports.clock.nowMs();
  if (waitingUntil(ports, record, nowMs) !== undefined) return true;
  return record !== undefined && closedUntilMs(record, 'look', nowMs) !== undefined;
}

/** Until when a target's requests are reserved for revocations, by its record; undefined if there are enough. */
export function reservedUntil(
  ports: Pick<YieldPorts, 'limits'>,
  record: SessionRecord | undefined,
  nowMs: number,
): number | undefined {
  const untilMs = Math.max(
    believed(record?.rateResetAtMs, nowMs, MAX_WINDOW_MS) ?? 0,
    (record && closedUntilMs(record, 'look', nowMs)) ?? 0,
    waitingUntil(ports, record, nowMs) ?? 0,
  );
  return untilMs > 0 ? untilMs : undefined;
}

function waitingUntil(
  { limits }: Pick<YieldPorts, 'limits'>,
  record: SessionRecord | undefined,
  nowMs: number,
): number | undefined {
  return believed(record?.revocationsUntilMs, nowMs, limits.maxRetryMs + WAITING_STEP_MS);
}

function closedUntilMs(record: SessionRecord, hubClass: HubClass, nowMs: number): number | undefined {
  const { throttledUntilMs, mintsThrottledUntilMs } = record;
  const forAllMs = believed(throttledUntilMs, nowMs, MAX_WINDOW_MS);
  if (hubClass === 'revoke') return forAllMs;
  const forMintsMs = believed(mintsThrottledUntilMs, nowMs, MAX_WINDOW_MS);
  return forAllMs === undefined ? forMintsMs : Math.max(forAllMs, forMintsMs ?? 0);
}

/** A future time, unless it is so far away that it must be wrong. */
export function believed(untilMs: number | undefined, nowMs: number, mostMs: number): number | undefined {
  return untilMs !== undefined && untilMs > nowMs && untilMs <= nowMs + mostMs ? untilMs : undefined;
}

function throttledUntil(untilMs: number, nowMs: number) {
  return fail({ tag: 'hub_throttled', retryAfterSeconds: retryAfterSeconds(untilMs, nowMs) });
}
