import { isLeftToSweep, isOpen, STUCK_ATTEMPTS } from '../model/lease.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { everyPage } from '../ports/pages.ts';

/** The end of year 9999: later than any lease is due. */
const END_OF_TIME_MS = 253_402_300_799_999;

/** How the open leases stand. */
export interface Survey {
  readonly open: number;
  /** How far the most overdue lease is past its expiry; 0 when none is. */
  readonly overdueSeconds: number;
  /** Revocations that have kept failing. */
  readonly stuck: number;
}

/**
 * Counts the open leases, and looks closer at those that want attention: what is being revoked is never put off for longer
 * than `maxRetryMs`, so all that can be overdue or stuck is due by then.
 *
 * @param mostRead leases to read at most; with more than that overdue, their exact number matters little.
 * @throws any error of the lease store.
 */
export async function survey(
  ports: Pick<RevokePorts, 'leases' | 'clock' | 'limits'>,
  mostRead: number,
): Promise<Survey> {
  const nowMs = ports.clock.nowMs();
  let overdueMs = 0;
  let stuck = 0;
  let read = 0;
  for await (const leaseId of dueBy(ports, nowMs + ports.limits.maxRetryMs)) {
    if (read++ >= mostRead) break;
    const lease = await ports.leases.get(leaseId);
    if (lease === undefined || !isOpen(lease) || isLeftToSweep(lease)) continue;
    overdueMs = Math.max(overdueMs, nowMs - lease.expiresAtMs);
    if (lease.attempts >= STUCK_ATTEMPTS) stuck += 1;
  }
  let open = 0;
  for await (const _ of dueBy(ports, END_OF_TIME_MS)) open += 1;
  return { open, overdueSeconds: Math.floor(overdueMs / 1_000), stuck };
}

function dueBy(ports: Pick<RevokePorts, 'leases'>, atMs: number): AsyncGenerator<string> {
  return everyPage((page) => ports.leases.due(atMs, page));
}
