/** How often something may be done: once every `everyMs` over time, and `burst` times at once after a pause. */
export interface Pace {
  /** A multiple of 1/1024, so that sums of it and of instants are exact. */
  readonly everyMs: number;
  /** At least 1. */
  readonly burst: number;
}

/** A time beyond what this pace and clocks that differ can make is wrong, and counts as none. */
const CLOCKS_DIFFER_MS = 60_000;

/** What a pace that is kept as one number comes to: `fullMs` is when all that was taken will have been earned. */
export interface Bounds {
  /** The number after taking from a pace that is idle. */
  readonly freshMs: number;
  /** The pace is busy, and there is room, while the number is at most this. */
  readonly roomMs: number;
  /** A larger number is not believed. */
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
 * The generic cell rate algorithm: the whole state is one instant.
 *
 * @param fullMs the number that is kept; undefined for none.
 * @returns the number to keep, or when there will be room.
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

/** The steps of an interval. Of an instant in milliseconds, a double leaves more than ten binary places. */
const STEPS_PER_MS = 1_024;

/** So many a minute: hardly more, where the interval is no whole number of steps. */
export function perMinute(count: number, burst: number): Pace {
  return { everyMs: Math.floor((60_000 / count) * STEPS_PER_MS) / STEPS_PER_MS, burst };
}
