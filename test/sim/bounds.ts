/** What a call to Docker Hub may take; the adapter's own limit. */
export const HUB_TIMEOUT_MS = 10_000;
export const QUIET_MS = 60_000;
export const MINT_WINDOW_MS = 20_000;
/** How far a process' clock may be from the truth, either way: a few seconds, as where nobody looks after the clocks. */
export const HOST_SKEW_MS = 3_000;
/**
 * The longest that a create takes from its call to its landing, and that a list usually lags. With one clock ahead and another
 * behind they stay within `HUB_TIMEOUT_MS + QUIET_MS`: this is what the quiet period assumes of Docker Hub and of the hosts.
 */
export const SLOWEST_CREATE_MS = 42_000;
export const MAX_USUAL_LAG_MS = 20_000;
/** Where a list lags further than usual, as seen. */
export const MAX_LIST_LAG_MS = 300_000;
/** The quiet period spans this many times the largest lag seen. */
const LAG_FACTOR = 3;
/**
 * After the last fault, everything is settled within this: a lockout, the breaker, the longest pause, sweeps in between. A list
 * whose lag only a late sweep could measure makes a quiet period of an hour and a half; a lease that is blocked after that waits
 * for ten minutes, for a person, and for its next attempt.
 */
export const SETTLE_MS = 10_800_000;
/** How long a refused create is left to the sweep's listings. */
export const LEFT_TO_SWEEP_MS = 86_400_000;
export const SWEEP_EVERY_MS = 300_000;

/**
 * The shortest lag of a token in a list that lags up to `longestMs`, further than usual. Whichever token a lag was measured by, the
 * quiet period learned from it then covers the slowest create of another: this is what it assumes of how lags spread.
 */
export function leastLagMs(longestMs: number): number {
  const slowestMs = SLOWEST_CREATE_MS + longestMs + 2 * HOST_SKEW_MS - HUB_TIMEOUT_MS;
  return Math.min(longestMs, Math.ceil(slowestMs / LAG_FACTOR));
}
