/** Requests a second over time, and at once after a pause. */
export interface Throttle {
  readonly ratePerSecond: number;
  readonly burst: number;
}

/** How often one caller may ask. */
export interface CallerRate {
  /** Requests over time. */
  readonly perMinute: number;
  /** Requests at once after a pause. @default ten seconds' worth */
  readonly burst?: number;
}

/** How much the installation takes, and of whom. */
export interface ThrottlingProps {
  /** All routes together, by API Gateway. @default 100 a second, 200 at once */
  readonly stage?: Throttle;
  /** Mints of all callers, by API Gateway. @default 20 a second, 40 at once */
  readonly mints?: Throttle;
  /**
   * Requests of one caller, by hublease: a role counts as one, however many jobs use it. Mints of callers that a secret lists by their
   * account's root count against that account at the same rate, too. Revocations are not counted. @default 600 a minute, 100 at once
   */
  readonly caller?: CallerRate;
}

/** Checked, and with nothing left out. */
export interface Throttling {
  readonly stage: Throttle;
  readonly mints: Throttle;
  readonly caller: Required<CallerRate>;
}

/** Far above what the callers of one installation need; a loop gone wild meets it first. */
const STAGE: Throttle = { ratePerSecond: 100, burst: 200 };
/** What costs more than reading rows: Docker Hub allows some 3 requests a second, and each mint takes at least one. */
const MINTS: Throttle = { ratePerSecond: 20, burst: 40 };
/** Half of what all mints together may be, so that one caller leaves the other half. */
const CALLER: CallerRate = { perMinute: 600 };
/** API Gateway's limit of an account and region. Source: API Gateway Developer Guide, "Quotas". */
const MAX_PER_SECOND = 10_000;
/** As `functions/env.ts` reads them. */
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
