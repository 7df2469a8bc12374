/** A rate limit of API Gateway. */
export interface Throttle {
  /** Requests a second, on average. */
  readonly ratePerSecond: number;
  /** Requests at once, after a pause. */
  readonly burst: number;
}

/** The rate limit for each caller. */
export interface CallerRate {
  /** Requests a minute, on average. */
  readonly perMinute: number;
  /** Requests at once, after a pause. @default a sixth of `perMinute` */
  readonly burst?: number;
}

/** The rate limits of an installation. */
export interface ThrottlingProps {
  /** Limit of API Gateway for all routes and callers together. @default 100 a second, with a burst of 200 */
  readonly stage?: Throttle;
  /** Limit of API Gateway for the mints of all callers. @default 20 a second, with a burst of 40 */
  readonly mints?: Throttle;
  /**
   * Limit of hublease for each caller. All jobs that use one role count as one caller. Revocations are not counted. If a secret
   * lists an account's root, the mints of the callers that this admits also share one limit of this size.
   * @default 600 a minute, with a burst of 100
   */
  readonly caller?: CallerRate;
}

/** All rate limits, checked. */
export interface Throttling {
  readonly stage: Throttle;
  readonly mints: Throttle;
  readonly caller: Required<CallerRate>;
}

/** Far above the needs of one installation's callers, but it stops a caller in a loop. */
const STAGE: Throttle = { ratePerSecond: 100, burst: 200 };
/** Lower, because each mint takes at least one request to Docker Hub, which allows about 3 a second. */
const MINTS: Throttle = { ratePerSecond: 20, burst: 40 };
/** Half of the limit for all mints, so that one caller leaves the other half. */
const CALLER: CallerRate = { perMinute: 600 };
/** API Gateway's limit for an account and region. Source: API Gateway Developer Guide, "Quotas". */
const MAX_PER_SECOND = 10_000;
/** The maximum that `functions/env.ts` accepts. */
const MAX_PER_MINUTE = 600_000;
const MAX_BURST = 100_000;

/** @throws Error that names the property, what it got and what it expected. */
export function throttlingOf({ stage = STAGE, mints = MINTS, caller = CALLER }: ThrottlingProps): Throttling {
  for (const [name, { ratePerSecond, burst }] of Object.entries({ stage, mints })) {
    check(`throttling.${name}.ratePerSecond`, ratePerSecond, MAX_PER_SECOND);
    check(`throttling.${name}.burst`, burst, MAX_PER_SECOND);
  }
  check('throttling.caller.perMinute', caller.perMinute, MAX_PER_MINUTE);
  const { perMinute, burst = Math.max(1, Math.round(perMinute / 6)) } = caller;
  check('throttling.caller.burst', burst, MAX_BURST);
  return { stage, mints, caller: { perMinute, burst } };
}

function check(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new Error(`${name}: expected a whole number from 1 to ${most}, got ${value}`);
}
