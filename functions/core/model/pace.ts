/** A rate limit: one action every `everyMs` over time, and `burst` actions at once after a pause. */
export interface Pace {
  /** A multiple of 1/1024, so that sums with instants are exact. */
  readonly everyMs: number;
  /** At least 1. */
  readonly burst: number;
}

/** Tolerance for clocks that differ. A stored time that is later than the pace and this tolerance allow is wrong, and is ignored. */
const CLOCKS_DIFFER_MS = 60_000;

/** How to store a pace as one number, `fullMs`: the time at which all taken places are free again. */
export interface Bounds {
  /** The new number if the pace is idle. */
  readonly freshMs: number;
  /** If the pace is busy, there is room while the number is at most this. */
  readonly roomMs: number;
  /** A larger number is ignored as wrong. */
  readonly believedMs: number;
}

/** @param count at once, at most `burst`. */
export function boundsOf({ everyMs, burst }: Pace, nowMs: number, count: number): Bounds {
  return {
    freshMs: nowMs + count * everyMs,
    roomMs: nowMs + (burst - count) * everyMs,
    believedMs: nowMs + burst * everyMs + CLOCKS_DIFFER_MS,
  };
}

/**
 * The generic cell rate algorithm. Its whole state is one instant.
 *
 * @param fullMs the stored number; undefined for none.
 * @returns the number to store, or the time at which there is room again.
 */
export function afterTaking(
  fullMs: number | undefined,
  pace: Pace,
  nowMs: number,
  count: number,
): { readonly fullMs: number } | { readonly retryAtMs: number } {
  const { freshMs, roomMs, believedMs } = boundsOf(pace, nowMs, count);
  if (fullMs === undefined || fullMs <= nowMs || fullMs > believedMs) return { fullMs: freshMs };
  if (fullMs <= roomMs) return { fullMs: fullMs + count * pace.everyMs };
  return { retryAtMs: nowMs + fullMs - roomMs };
}

/** Intervals are multiples of 1/1024 ms. A double with an instant in milliseconds has more than ten binary places left. */
const STEPS_PER_MS = 1_024;

/** This many per minute. If the interval is not a whole number of steps, slightly more. */
export function perMinute(count: number, burst: number): Pace {
  return { everyMs: Math.floor((60_000 / count) * STEPS_PER_MS) / STEPS_PER_MS, burst };
}
