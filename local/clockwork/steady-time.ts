import type { Time } from './time.ts';

/**
 * A clock that goes back by less is followed as it is: it is what keeping time over a network does, and leases end that much later.
 */
const TOLERANCE_MS = 1_000;

/** Time that does not go back by itself when the system's clock is set back. */
export interface SteadyTime extends Time {
  /** How far the system's clock is behind this one; 0 when it was not set back. */
  behindMs(): number;
  /** Goes back by so much. */
  goBack(byMs: number): void;
}

/**
 * Time that goes forward with the system's clock, however far that is set, and never back: where that is set back, this goes on as
 * before, by the machine's steady clock. So a lease's end does not move away from it until whoever keeps the leases has moved
 * it too, and says so by `goBack`.
 *
 * @param time what else there is of time.
 * @param steadyMs never set: counts while the machine is awake.
 */
export function steadyTime(time: Time, steadyMs: () => number = () => performance.now()): SteadyTime {
  /** The system's clock less the steady one, at its highest. */
  let highestMs = time.nowMs() - steadyMs();

  function behindMs(): number {
    const offsetMs = time.nowMs() - steadyMs();
    highestMs = Math.max(highestMs, offsetMs);
    return highestMs - offsetMs > TOLERANCE_MS ? Math.round(highestMs - offsetMs) : 0;
  }

  return {
    ...time,
    nowMs: () => time.nowMs() + behindMs(),
    behindMs,
    goBack(byMs) {
      highestMs -= byMs;
    },
  };
}
