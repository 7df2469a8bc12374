import type { Pace } from '../model/pace.ts';

/**
 * Counts requests for all processes of an installation. Called only by `Rates`, which lets a request pass if it cannot be
 * counted.
 */
export interface CallerRates {
  /**
   * Takes `count` places of a pace, all or none. A repeated call takes more places, which does no harm. If many processes write
   * at the same time, too many requests may pass.
   *
   * @param key hex SHA-256 of the thing that is counted.
   * @param count 1 to `pace.burst`.
   * @returns undefined if the places were taken, else the time from which there is room again.
   */
  take(key: string, pace: Pace, nowMs: number, count: number): Promise<number | undefined>;
}

/** A request that exceeds its pace. */
export interface RateRefusal {
  readonly retryAtMs: number;
  /** This process has not refused this key before. */
  readonly isFirst: boolean;
}

/**
 * The rate limits of callers, accounts and secrets, as one process applies them. Never rejects: a request that cannot be counted
 * passes.
 */
export interface RateLimits {
  /** Counts one request. @returns undefined if it may go on. */
  takeRequest(key: string, nowMs: number): Promise<RateRefusal | undefined>;
  /** Counts one mint of at most `maxPerMinute`. @returns undefined if it may go on. */
  takeMint(key: string, maxPerMinute: number, nowMs: number): Promise<RateRefusal | undefined>;
}
