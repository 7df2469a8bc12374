import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { MetricName } from '../functions/adapters/aws/metric-names.ts';
import { serviceAlarms } from './alarms-of-services.ts';
import { metricOf, PERIOD, SWEEPS_LOOKED_AT, sweepPeriod } from './metrics.ts';

/** How long past its end a lease may live in normal running: what the README promises. */
export const PROMISE_SECONDS = 120;
/** Docker Hub's clock decides when a token expires; further apart, leases end noticeably early or late. */
export const MAX_CLOCK_SKEW_SECONDS = 5;
/** One missed sweep may be a deployment. */
const MISSED_SWEEPS = 3;
/** A list that cannot be used once may be an outage. Of four periods at least two have a sweep. */
const LISTING_PERIODS = 4;
const LISTING_FAILURES = 2;
/** A blocked lease is tried at least every 15 minutes, and tells of it each time. */
const BLOCKED_PERIOD = Duration.minutes(30);
/** What begins is told of once, and the alarm should not end a moment later. */
const REFUSED_PERIOD = Duration.hours(1);
/** After a refusal no login is tried for ten minutes, and with a second factor there is one more pause of a minute. */
const LOGIN_PAUSES = Duration.minutes(11);
/** With fewer mints in a period, the share of failures means nothing. */
const MIN_MINTS = 20;
const MAX_FAILED_MINTS_PERCENT = 20;

/** What the alarms watch. */
export interface Watched {
  readonly namespace: string;
  readonly sweepInterval: Duration;
  /** What starts the sweeper. */
  readonly sweepRule: events.Rule;
  readonly queue: sqs.IQueue;
  readonly deadLetterQueues: Readonly<Record<string, sqs.IQueue>>;
  readonly functions: Readonly<Record<string, lambda.IFunction>>;
  /** Started by the stream. */
  readonly revoker: lambda.IFunction;
  readonly leaseTable: dynamodb.Table;
  readonly catalogTable: dynamodb.Table;
}

export interface AlarmShape {
  /** Periods without a value count as 0 in a metric; an expression says itself what it makes of them. */
  readonly metric: cloudwatch.Metric | cloudwatch.MathExpression;
  readonly description: string;
  /** Section of the runbook. */
  readonly section: string;
  readonly threshold: number;
  readonly comparison?: cloudwatch.ComparisonOperator;
  readonly evaluationPeriods?: number;
  /** Of the periods; all of them unless given. */
  readonly datapointsToAlarm?: number;
  /** Whether it also tells the topic when nothing is left to look at. */
  readonly tellsOfSilence?: true;
}

/** Every alarm by its name, which is a contract. */
export function alarmsOf(watched: Watched): Record<string, AlarmShape> {
  return { ...leaseAlarms(watched), ...hubAlarms(watched), ...mintAlarms(watched), ...serviceAlarms(watched) };
}

function leaseAlarms(watched: Watched): Record<string, AlarmShape> {
  const metric = metricIn(watched);
  return {
    OverdueLeases: {
      ...eachSweep(watched, 'OverdueSeconds'),
      description: `A lease is open ${PROMISE_SECONDS} s past its end: its token may still work.`,
      section: 'overdue-leases',
      threshold: PROMISE_SECONDS,
    },
    StuckRevocations: {
      ...eachSweep(watched, 'StuckRevocations'),
      description: 'Revocations have kept failing for ten minutes and more.',
      section: 'stuck-revocations',
      threshold: 0,
    },
    ReopenedLeases: {
      metric: metric('LeasesReopened'),
      description: 'A live token was seen of a lease that had read revoked.',
      section: 'reopened-leases',
      threshold: 0,
    },
    BlockedLeases: {
      metric: metric('LeasesBlocked', { period: BLOCKED_PERIOD }),
      description: 'A token that may be of a lease keeps it open: somebody has to say whether it is.',
      section: 'blocked-leases',
      threshold: 0,
    },
    AttestedLeases: {
      metric: metric('LeasesAttested'),
      description: 'An admin closed a lease on their word, without proof that its token is gone.',
      section: 'attested-leases',
      threshold: 0,
    },
    AuditEventsLost: {
      metric: metric('AuditEventsLost'),
      description: 'An audit event could not be stored.',
      section: 'audit-events-lost',
      threshold: 0,
    },
    SweepNotRun: {
      metric: finishedSweeps(watched),
      description: `${MISSED_SWEEPS} sweeps in a row did not come to their end, or were not started at all (INSUFFICIENT_DATA).`,
      section: 'sweep-not-run',
      threshold: 1,
      comparison: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: MISSED_SWEEPS,
      tellsOfSilence: true,
    },
  };
}

function hubAlarms(watched: Watched): Record<string, AlarmShape> {
  const metric = metricIn(watched);
  return {
    LoginBreakerOpen: {
      metric: metric('LoginBreakerOpen'),
      description: "Docker Hub refused a target's credential: no lease of that target can be minted or revoked.",
      section: 'login-breaker-open',
      threshold: 0,
      // Until the next refusal: the pauses, and after each the sweep that tries again.
      evaluationPeriods: periodsOf(LOGIN_PAUSES.plus(watched.sweepInterval).plus(watched.sweepInterval)) + 1,
      datapointsToAlarm: 1,
    },
    RefusedTargets: {
      metric: metric('TargetsRefused', { period: REFUSED_PERIOD }),
      description: 'Docker Hub keeps too little of what a lease needs: a target gives no more leases.',
      section: 'refused-targets',
      threshold: 0,
    },
    UnreachableAccounts: {
      ...eachSweep(watched, 'AccountsUnreachable'),
      description: 'Docker Hub denies a target its account: nothing of it can be proven revoked.',
      section: 'unreachable-accounts',
      threshold: 0,
    },
    UnusableListings: {
      metric: metric('ListingsUnusable', { period: sweepPeriod(watched.sweepInterval) }),
      description: "Two sweeps one after the other could not use an account's list of tokens.",
      section: 'unusable-listings',
      threshold: 0,
      evaluationPeriods: LISTING_PERIODS,
      datapointsToAlarm: LISTING_FAILURES,
    },
    ClockSkew: {
      metric: metric('ClockSkewSeconds'),
      description: `Our clock and Docker Hub's are more than ${MAX_CLOCK_SKEW_SECONDS} s apart.`,
      section: 'clock-skew',
      threshold: MAX_CLOCK_SKEW_SECONDS,
    },
  };
}

/** Answers that nobody designed. A single 502 or 503 is an answer like any other; many of them show in the share of failed mints. */
function mintAlarms(watched: Watched): Record<string, AlarmShape> {
  const metric = metricIn(watched);
  return {
    InternalErrors: {
      metric: metric('InternalErrors'),
      description: 'hublease answered 500: it met an error that nobody expected.',
      section: 'internal-errors',
      threshold: 0,
    },
    GatewayFailures: {
      metric: metric('GatewayFailures'),
      description: 'API Gateway answered 5xx, because a function did not answer, or could not be called.',
      section: 'gateway-failures',
      threshold: 0,
    },
    FailedMints: {
      metric: new cloudwatch.MathExpression({
        // The metric is 0 or 1 for each mint, so that there is nothing to divide, and nothing to fill in.
        expression: `FILL(IF(mints >= ${MIN_MINTS}, 100 * failed, 0), 0)`,
        label: 'failed mints, percent',
        period: PERIOD,
        usingMetrics: {
          mints: metric('MintsFailed', { statistic: cloudwatch.Stats.SAMPLE_COUNT }),
          failed: metric('MintsFailed', { statistic: cloudwatch.Stats.AVERAGE }),
        },
      }),
      description: `More than ${MAX_FAILED_MINTS_PERCENT} % of at least ${MIN_MINTS} mints failed, in two of three periods of five minutes.`,
      section: 'failed-mints',
      threshold: MAX_FAILED_MINTS_PERCENT,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
    },
  };
}

/**
 * How many sweeps came to their end in each period in which one was started. A period without a start has no value: the alarm must not
 * ring for the time before the installation's first sweep.
 */
function finishedSweeps(watched: Watched): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    expression: 'FILL(finished, 0) + 0 * started',
    label: 'sweeps finished, where one was started',
    period: sweepPeriod(watched.sweepInterval),
    usingMetrics: {
      finished: metricIn(watched)('SweepCompleted'),
      started: new cloudwatch.Metric({
        namespace: 'AWS/Events',
        metricName: 'Invocations',
        dimensionsMap: { RuleName: watched.sweepRule.ruleName },
        statistic: cloudwatch.Stats.SUM,
      }),
    },
  });
}

/** For a metric that each sweep writes anew while its cause lasts. */
function eachSweep(
  watched: Watched,
  name: MetricName,
): Pick<AlarmShape, 'metric' | 'evaluationPeriods' | 'datapointsToAlarm'> {
  return {
    metric: metricIn(watched)(name, { period: sweepPeriod(watched.sweepInterval) }),
    evaluationPeriods: SWEEPS_LOOKED_AT,
    datapointsToAlarm: 1,
  };
}

function metricIn({ namespace }: Watched) {
  return (name: MetricName, options: cloudwatch.MetricOptions = {}) => metricOf(namespace, name, options);
}

function periodsOf(duration: Duration): number {
  return Math.ceil(duration.toSeconds() / PERIOD.toSeconds());
}
