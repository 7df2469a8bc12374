import { isLeftToSweep, isOpen, STUCK_ATTEMPTS } from '../model/lease.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { everyPage } from '../ports/pages.ts';

/** The end of year 9999: later than any lease is due. */
const END_OF_TIME_MS = 253_402_300_799_999;

/** The state of the open leases. */
export interface Survey {
  readonly open: number;
  /** How far the most overdue lease is past its expiry; 0 if none is overdue. */
  readonly overdueSeconds: number;
  /** Revocations that fail repeatedly. */
  readonly stuck: number;
}

/**
 * Counts the open leases, and reads those that may be overdue or stuck. A revocation is never postponed by more than
 * `maxRetryMs`, so all of these are due within that time.
 *
 * @param mostRead maximum leases to read; if more are overdue, the exact number matters little.
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
