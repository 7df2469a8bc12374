/** Somebody asked the run, or its cleanup, to end. */
export class Interrupted extends Error {}

/** Waits, or less where the signal ends it. Never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface Clock {
  readonly nowMs: () => number;
  /** @throws Interrupted once the signal has come. */
  readonly pause: (ms: number) => Promise<void>;
}

/** A clock whose pauses end with the signal. */
export function clockUntil(signal: AbortSignal, nowMs: () => number, sleep: Sleep): Clock {
  return {
    nowMs,
    async pause(ms) {
      if (ms > 0 && !signal.aborted) await sleep(ms, signal);
      if (signal.aborted) throw new Interrupted();
    },
  };
}

/**
 * Looks again and again until there is something, or the time is up.
 *
 * @returns what was found, or undefined.
 * @throws Interrupted, and any error of `look`.
 */
export async function lookFor<T>(
  clock: Clock,
  { untilMs, everyMs }: { readonly untilMs: number; readonly everyMs: number },
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (;;) {
    const found = await look();
    const leftMs = untilMs - clock.nowMs();
    if (found !== undefined || leftMs <= 0) return found;
    await clock.pause(Math.min(everyMs, leftMs));
  }
}
