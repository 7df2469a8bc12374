import type { AuditEvent } from '../../functions/core/model/audit-event.ts';
import type { AuditOutcome } from '../../functions/core/ports/audit.ts';

/** Repetitions of a denial within this time of it become one event. */
const WINDOW_MS = 60_000;
/** Denials that are remembered at a time; each is an object of about 1 kB. */
const MAX_REMEMBERED = 1_000;

interface Remembered {
  /** As it was written. */
  readonly event: AuditEvent;
  /** Repetitions since. */
  count: number;
  firstAtMs: number;
  lastAtMs: number;
}

/** Whether an event only says that somebody asked in vain. A mint that has a lease is more than that. */
export function isDenial({ event, leaseId }: AuditEvent): boolean {
  return event === 'lease.denied' || (event === 'lease.mint_failed' && leaseId === undefined);
}

/**
 * Denials without their repetitions. The first of its kind is written at once. The same again, of the same caller from the same
 * address, is counted for a minute, and then written as one event with `detail.count`, `firstAtMs` and `lastAtMs`.
 */
export class AuditDenials {
  readonly #write: (event: AuditEvent) => AuditOutcome;
  readonly #remembered = new Map<string, Remembered>();

  constructor(write: (event: AuditEvent) => AuditOutcome) {
    this.#write = write;
  }

  record(event: AuditEvent): AuditOutcome {
    this.flush(event.atMs);
    const { event: name, code, caller, callerId, secret, sourceIp } = event;
    const key = JSON.stringify([name, code, caller, callerId, secret, sourceIp]);
    const known = this.#remembered.get(key);
    if (known !== undefined) {
      if (known.count === 0) known.firstAtMs = event.atMs;
      known.count += 1;
      known.lastAtMs = event.atMs;
      return 'stored';
    }
    const outcome = this.#write(event);
    if (outcome === 'lost') return outcome;
    this.#remembered.set(key, { event, count: 0, firstAtMs: event.atMs, lastAtMs: event.atMs });
    const [oldest] = this.#remembered;
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#end(...oldest);
    return outcome;
  }

  /** Writes the repetitions whose minute is over; all of them, unless a time is given. */
  flush(nowMs?: number): void {
    for (const [key, known] of this.#remembered) {
      // A clock that was set back ends the minute, too.
      const sinceMs = nowMs === undefined ? WINDOW_MS : nowMs - known.event.atMs;
      if (sinceMs >= WINDOW_MS || sinceMs < 0) this.#end(key, known);
    }
  }

  #end(key: string, { event, count, firstAtMs, lastAtMs }: Remembered): void {
    this.#remembered.delete(key);
    if (count === 0) return;
    const { requestId: _, ...same } = event;
    this.#write({ ...same, atMs: lastAtMs, detail: { ...event.detail, count, firstAtMs, lastAtMs } });
  }
}
