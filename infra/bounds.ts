import { Duration, Token } from 'aws-cdk-lib';

/** The times of one installation, as its owner gives them. */
export interface BoundsProps {
  /** TTL of a dynamic secret's leases where the secret does not say. @default 15 minutes */
  readonly defaultTtl?: Duration | undefined;
  /** Longest TTL of a dynamic secret that does not say. @default 1 hour */
  readonly maxTtl?: Duration | undefined;
  /** Least TTL of any lease, at least a minute: EventBridge Scheduler is no more precise. @default 1 minute */
  readonly minTtl?: Duration | undefined;
  /** How often due leases are gathered and Docker Hub is compared with the leases, 1 to 60 whole minutes. @default 5 minutes */
  readonly sweepInterval?: Duration | undefined;
  /** How long revoked leases, audit events and access logs are kept, a day to ten years. @default 30 days */
  readonly auditRetention?: Duration | undefined;
}

/** The times of one installation, checked. */
export interface Bounds {
  readonly defaultTtl: Duration;
  readonly maxTtl: Duration;
  readonly minTtl: Duration;
  readonly sweepInterval: Duration;
  readonly auditRetention: Duration;
}

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
/** Ten years, as for every duration of the API. */
const MAX_SECONDS = 315_360_000;

/**
 * Fills in what is not given and checks how the times fit each other, so that a mistake shows at synth and not as a function
 * that does not start.
 *
 * @throws Error that names the property, what it got and what it expected.
 */
export function boundsOf(props: BoundsProps): Bounds {
  const minTtl = within('minTtl', props.minTtl ?? Duration.minutes(1), MINUTE_SECONDS, DAY_SECONDS);
  const maxTtl = within('maxTtl', props.maxTtl ?? Duration.hours(1), minTtl.toSeconds(), MAX_SECONDS);
  const defaultTtl = within(
    'defaultTtl',
    props.defaultTtl ?? Duration.seconds(Math.min(15 * MINUTE_SECONDS, maxTtl.toSeconds())),
    minTtl.toSeconds(),
    maxTtl.toSeconds(),
  );
  const sweepInterval = within(
    'sweepInterval',
    props.sweepInterval ?? Duration.minutes(5),
    MINUTE_SECONDS,
    HOUR_SECONDS,
  );
  if (sweepInterval.toSeconds() % MINUTE_SECONDS !== 0) {
    throw new Error(`sweepInterval: expected whole minutes, got ${sweepInterval.toSeconds()} s`);
  }
  const auditRetention = within('auditRetention', props.auditRetention ?? Duration.days(30), DAY_SECONDS, MAX_SECONDS);
  return { defaultTtl, maxTtl, minTtl, sweepInterval, auditRetention };
}

function within(name: string, duration: Duration, leastSeconds: number, mostSeconds: number): Duration {
  if (duration.isUnresolved()) throw new Error(`${name}: expected a value known at synth, got a deploy-time token`);
  const seconds = duration.toSeconds({ integral: false });
  if (Number.isInteger(seconds) && seconds >= leastSeconds && seconds <= mostSeconds) return Duration.seconds(seconds);
  throw new Error(`${name}: expected whole seconds from ${leastSeconds} to ${mostSeconds}, got ${seconds}`);
}

/** @throws Error unless `value`, when given and known at synth, is a whole number of at least `least` and at most `most`. */
export function checkConcurrency(name: string, value: number | undefined, least: number, most = Infinity): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`${name}: expected a whole number of at least ${least}, got ${value}`);
  }
  if (value > most) throw new Error(`${name}: expected at most ${most}, got ${value}`);
}
