/** What a call to Docker Hub may take; the adapter's own limit. */
export const HUB_TIMEOUT_MS = 10_000;
export const QUIET_MS = 60_000;
export const MINT_WINDOW_MS = 20_000;
/** How far a process' clock may be from the truth, either way: a few seconds, as where nobody looks after the clocks. */
export const HOST_SKEW_MS = 3_000;
/**
 * The longest that a create takes from its call to its landing, and that a list lags. With one clock ahead and another behind
 * they stay within `HUB_TIMEOUT_MS + QUIET_MS`: this is what the quiet period assumes of Docker Hub and of the hosts.
 */
export const SLOWEST_CREATE_MS = 42_000;
export const LONGEST_LIST_LAG_MS = 20_000;
/** After the last fault, everything is settled within this: a lockout, the breaker, the longest pause, sweeps in between. */
export const SETTLE_MS = 5_400_000;
export const SWEEP_EVERY_MS = 300_000;
