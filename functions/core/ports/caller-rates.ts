import type { Pace } from '../model/pace.ts';

/** Counts who asks how often, for all processes of an installation. Called by `Rates` only, which lets pass what it cannot count. */
export interface CallerRates {
  /**
   * Takes places of a pace, all or none. Repeating takes others, which does no harm. May let through more where many write at the
   * same time.
   *
   * @param key hex SHA-256 over what is counted.
   * @param count 1 to `pace.burst`.
   * @returns undefined when they were taken, else from when on there will be room.
   */
  take(key: string, pace: Pace, nowMs: number, count: number): Promise<number | undefined>;
}

/** A request that exceeds its pace. */
export interface RateRefusal {
  readonly retryAtMs: number;
  /** This process had not known of it. */
  readonly isFirst: boolean;
}

/** What one process lets through of callers, accounts and secrets. It never rejects: what cannot be counted passes. */
export interface RateLimits {
  /** Takes one request. @returns undefined when it may go on. */
  takeRequest(key: string, nowMs: number): Promise<RateRefusal | undefined>;
  /** Takes one mint of `maxPerMinute`. @returns undefined when it may go on. */
  takeMint(key: string, maxPerMinute: number, nowMs: number): Promise<RateRefusal | undefined>;
}
