import { fail } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { HubReply } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';
import { noteInRecord } from './facts.ts';
import { retryAfterSeconds } from './hub-problem.ts';

/** Requests that are kept for revoking: below this mint gives way. Docker Hub does not publish its limit per minute. */
const RESERVED_REQUESTS = 10;
/** Docker Hub counts by the minute; a later reset is not believed. */
const LONGEST_WINDOW_MS = 120_000;
/** Steps in which it is written down until when revocations wait, so that a crowd of them writes it seldom. */
const WAITING_STEP_MS = 1_000;

/**
 * What a call to Docker Hub is for. While Docker Hub refuses requests, a revocation goes before a mint, and both go before a look:
 * a caller's question, or the sweep's.
 */
export type HubClass = 'revoke' | 'mint' | 'look';

type Ports = Pick<RevokePorts, 'sessions' | 'clock' | 'ids'>;
type YieldPorts = Pick<RevokePorts, 'sessions' | 'clock' | 'limits'>;

/**
 * Remembers, for every process, that an account's requests run low, once per window, or that Docker Hub refused one. A refused look
 * or mint closes the account to looks and mints only, a refused revocation to all. Best effort.
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
      // Should Docker Hub ask for a longer wait, others try again sooner than who was refused: it may have meant that one request.
      ...(refusedUntilMs !== undefined &&
        closedUntilMs(record, hubClass, nowMs) === undefined && {
          [hubClass === 'revoke' ? 'throttledUntilMs' : 'mintsThrottledUntilMs']: Math.min(
            refusedUntilMs,
            nowMs + LONGEST_WINDOW_MS,
          ),
        }),
    };
  });
}

/** Remembers that a revocation waits for requests until `untilMs`, so that mint gives way. Best effort. */
export async function noteWaiting(ports: Ports, targetName: string, untilMs: number): Promise<void> {
  const revocationsUntilMs = waitingStep(untilMs);
  await noteInRecord(ports, targetName, (record) => ({
    ...((record.revocationsUntilMs ?? 0) < revocationsUntilMs && { revocationsUntilMs }),
  }));
}

/** A revocation that waited until `untilMs` has ended: when it was the last to wait, mint need not give way any more. Best effort. */
export async function endWaiting(ports: Ports, targetName: string, untilMs: number): Promise<void> {
  await noteInRecord(ports, targetName, ({ revocationsUntilMs }) =>
    revocationsUntilMs === waitingStep(untilMs) ? { revocationsUntilMs: undefined } : {},
  );
}

function waitingStep(untilMs: number): number {
  return Math.ceil(untilMs / WAITING_STEP_MS) * WAITING_STEP_MS;
}

/**
 * While Docker Hub refuses the account, nobody asks in vain: the first refused revocation has found that out for all, and the first
 * refused look or mint for looks and mints.
 *
 * @throws Failed `hub_throttled` until it takes requests again.
 */
export function waitForWindow(record: SessionRecord | undefined, hubClass: HubClass, nowMs: number): void {
  const untilMs = record && closedUntilMs(record, hubClass, nowMs);
  if (untilMs !== undefined) throw throttledUntil(untilMs, nowMs);
}

/**
 * Revoking goes before minting and looking around: both give way while Docker Hub's requests run low, and while revocations
 * wait for more of them.
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

/** Until when an account's requests are for revocations; undefined when there are enough. @throws Failed `store_unavailable`. */
export async function reservedUntilMs(ports: YieldPorts, target: Target): Promise<number | undefined> {
  const record = await stored(ports.sessions.read(target.name));
  return reservedUntil(ports, record, ports.clock.nowMs());
}

/**
 * Whether revocations wait for an account's requests, or Docker Hub refuses whatever is less urgent.
 *
 * @throws Failed `store_unavailable`.
 */
export async function doRevocationsWait(ports: YieldPorts, target: Target): Promise<boolean> {
  const record = await stored(ports.sessions.read(target.name));
  const nowMs = ports.clock.nowMs();
  if (waitingUntil(ports, record, nowMs) !== undefined) return true;
  return record !== undefined && closedUntilMs(record, 'look', nowMs) !== undefined;
}

/** Until when a target's requests are for revocations, by its record; undefined when there are enough. */
export function reservedUntil(
  ports: Pick<YieldPorts, 'limits'>,
  record: SessionRecord | undefined,
  nowMs: number,
): number | undefined {
  const untilMs = Math.max(
    believed(record?.rateResetAtMs, nowMs, LONGEST_WINDOW_MS) ?? 0,
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
  const forAllMs = believed(throttledUntilMs, nowMs, LONGEST_WINDOW_MS);
  if (hubClass === 'revoke') return forAllMs;
  const forMintsMs = believed(mintsThrottledUntilMs, nowMs, LONGEST_WINDOW_MS);
  return forAllMs === undefined ? forMintsMs : Math.max(forAllMs, forMintsMs ?? 0);
}

/** An instant that is still to come, unless it is so far away that it must be wrong. */
export function believed(untilMs: number | undefined, nowMs: number, mostMs: number): number | undefined {
  return untilMs !== undefined && untilMs > nowMs && untilMs <= nowMs + mostMs ? untilMs : undefined;
}

function throttledUntil(untilMs: number, nowMs: number) {
  return fail({ tag: 'hub_throttled', retryAfterSeconds: retryAfterSeconds(untilMs, nowMs) });
}
