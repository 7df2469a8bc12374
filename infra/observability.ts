import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/adapters/metric-names.ts';
import { brokenDown, metricOf } from './metrics.ts';

/** How long past its end a lease may live in normal running: what the README promises. */
export const PROMISE_SECONDS = 120;
/** Docker Hub's clock decides when a token expires; further apart, leases end noticeably early or late. */
const MOST_CLOCK_SKEW_SECONDS = 5;
/** Timers are the slow net, and their records are lost after a day: an hour behind leaves time to act. */
const MOST_ITERATOR_AGE = Duration.hours(1);
/** One missed sweep may be a deployment. */
const MISSED_SWEEPS = 3;
/** Sweeps that are looked at for a list that cannot be used, and how many of them must have met it: one may be an outage. */
const LISTING_SWEEPS = 3;
const LISTING_FAILURES = 2;
/** A blocked lease is tried at least every 15 minutes, and tells of it each time. */
const BLOCKED_PERIOD = Duration.minutes(30);
/** What begins is told of once, and the alarm should not end a moment later. */
const REFUSED_PERIOD = Duration.hours(1);

export interface ObservabilityProps {
  readonly namespace: string;
  readonly sweepInterval: Duration;
  readonly deadLetterQueues: Readonly<Record<string, sqs.IQueue>>;
  readonly functions: Readonly<Record<string, lambda.IFunction>>;
  /** Started by the stream. */
  readonly revoker: lambda.IFunction;
  /** Where the runbook is read; sections follow behind `#`. */
  readonly runbook: string;
  readonly alarmTopic?: sns.ITopic | undefined;
  readonly dashboard: boolean;
}

interface AlarmShape {
  readonly metric: cloudwatch.IMetric;
  readonly description: string;
  /** Section of the runbook. */
  readonly section: string;
  readonly threshold: number;
  readonly comparison?: cloudwatch.ComparisonOperator;
  readonly evaluationPeriods?: number;
  /** Of the periods; all of them unless given. */
  readonly datapointsToAlarm?: number;
  readonly missing?: cloudwatch.TreatMissingData;
}

/** The alarms, each with its section of the runbook, and the dashboard. */
export class Observability extends Construct {
  readonly alarms: readonly cloudwatch.Alarm[];
  readonly dashboard?: cloudwatch.Dashboard;

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    this.alarms = Object.entries(alarmsOf(props)).map(([name, shape]) => this.alarm(name, shape, props));
    if (props.dashboard) this.dashboard = this.board(props);
  }

  private alarm(name: string, shape: AlarmShape, { runbook, alarmTopic }: ObservabilityProps): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this, name, {
      alarmDescription: `${shape.description} Runbook: ${runbook}#${shape.section}`,
      metric: shape.metric,
      threshold: shape.threshold,
      comparisonOperator: shape.comparison ?? cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: shape.evaluationPeriods ?? 1,
      ...(shape.datapointsToAlarm !== undefined && { datapointsToAlarm: shape.datapointsToAlarm }),
      treatMissingData: shape.missing ?? cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    if (alarmTopic !== undefined) {
      alarm.addAlarmAction(new SnsAction(alarmTopic));
      alarm.addOkAction(new SnsAction(alarmTopic));
    }
    return alarm;
  }

  private board({ namespace, functions, deadLetterQueues }: ObservabilityProps): cloudwatch.Dashboard {
    const metric = (name: MetricName, label: string, options: cloudwatch.MetricOptions = {}) =>
      metricOf(namespace, name, { label, ...options });
    const graph = (title: string, left: cloudwatch.IMetric[], more: Partial<cloudwatch.GraphWidgetProps> = {}) =>
      new cloudwatch.GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 }, ...more });
    return new cloudwatch.Dashboard(this, 'Dashboard', {
      defaultInterval: Duration.hours(24),
      widgets: [
        [
          graph('Leases open', [metric('LeasesOpen', 'open'), metric('StuckRevocations', 'stuck')]),
          graph('Minted', [metric('LeasesMinted', 'minted')]),
          graph('Revoked, by reason', [brokenDown(namespace, 'LeasesRevoked')]),
        ],
        [
          graph(
            'Time to revoke, against the promise',
            [
              metric('TimeToRevokeSeconds', 'median', { statistic: cloudwatch.Stats.p(50) }),
              metric('TimeToRevokeSeconds', 'slowest of a hundred', { statistic: cloudwatch.Stats.p(99) }),
              metric('OverdueSeconds', 'most overdue lease'),
            ],
            { leftAnnotations: [{ value: PROMISE_SECONDS, label: 'promise' }] },
          ),
          graph('Revocations that will be repeated', [
            metric('RevokeFailures', 'failed attempts'),
            metric('RecordFailures', 'failed records'),
            metric('LeasesReopened', 'reopened'),
            metric('LeasesBlocked', 'blocked'),
            metric('LeasesAttested', 'attested'),
          ]),
          graph(
            'Messages set aside',
            Object.entries(deadLetterQueues).map(([name, queue]) => waiting(queue).with({ label: name })),
          ),
        ],
        [
          graph('Docker Hub: latency, ms', [
            metric('HubLatencyMs', 'median', { statistic: cloudwatch.Stats.p(50) }),
            metric('HubLatencyMs', 'slowest of a hundred', { statistic: cloudwatch.Stats.p(99) }),
          ]),
          graph('Docker Hub: errors', [
            metric('HubErrors', 'errors'),
            metric('LoginBreakerOpen', 'logins refused'),
            metric('TargetsRefused', 'targets refused'),
            metric('AccountsUnreachable', 'accounts unreachable'),
            metric('ListingsUnusable', 'listings unusable'),
          ]),
          graph('Docker Hub: remaining rate', [metric('HubRemainingRate', 'requests left')]),
        ],
        [
          graph('Sweeps', [metric('SweepCompleted', 'completed'), metric('AuditEventsLost', 'audit events lost')]),
          graph(
            'Functions: errors',
            Object.entries(functions).map(([name, fn]) => fn.metricErrors({ label: name })),
          ),
          graph('Clock skew against Docker Hub, s', [metric('ClockSkewSeconds', 'skew')], {
            leftAnnotations: [{ value: MOST_CLOCK_SKEW_SECONDS, label: 'alarm' }],
          }),
        ],
      ],
    });
  }
}

function alarmsOf(props: ObservabilityProps): Record<string, AlarmShape> {
  const { namespace, sweepInterval, deadLetterQueues, functions, revoker } = props;
  const metric = (name: MetricName, options: cloudwatch.MetricOptions = {}) => metricOf(namespace, name, options);
  const perSweep = { period: sweepInterval };
  return {
    OverdueLeases: {
      metric: metric('OverdueSeconds', perSweep),
      description: `A lease is open ${PROMISE_SECONDS} s past its end: its token may still work.`,
      section: 'overdue-leases',
      threshold: PROMISE_SECONDS,
    },
    StuckRevocations: {
      metric: metric('StuckRevocations', perSweep),
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
    ...Object.fromEntries(
      Object.entries(deadLetterQueues).map(([name, queue]) => [
        `${name}DeadLetters`,
        {
          metric: waiting(queue),
          description: `${name}: messages were set aside that could not be worked on. Their leases are still swept.`,
          section: 'dead-letters',
          threshold: 0,
        },
      ]),
    ),
    LoginBreakerOpen: {
      metric: metric('LoginBreakerOpen'),
      description: "Docker Hub refused a target's credential: no lease of that target can be minted or revoked.",
      section: 'login-breaker-open',
      threshold: 0,
    },
    RefusedTargets: {
      metric: metric('TargetsRefused', { period: REFUSED_PERIOD }),
      description: 'Docker Hub keeps too little of what a lease needs: a target gives no more leases.',
      section: 'refused-targets',
      threshold: 0,
    },
    UnreachableAccounts: {
      metric: metric('AccountsUnreachable', perSweep),
      description: 'Docker Hub denies a target its account: nothing of it can be proven revoked.',
      section: 'unreachable-accounts',
      threshold: 0,
    },
    UnusableListings: {
      metric: metric('ListingsUnusable', perSweep),
      description: `${LISTING_FAILURES} of the last ${LISTING_SWEEPS} sweeps could not use an account's list of tokens.`,
      section: 'unusable-listings',
      threshold: 0,
      evaluationPeriods: LISTING_SWEEPS,
      datapointsToAlarm: LISTING_FAILURES,
    },
    IteratorAge: {
      metric: revoker.metric('IteratorAge', { statistic: cloudwatch.Stats.MAXIMUM }),
      description: "The revoker is an hour behind the lease table's stream, whose records are lost after a day.",
      section: 'iterator-age',
      threshold: MOST_ITERATOR_AGE.toMilliseconds(),
    },
    Throttles: {
      metric: new cloudwatch.MathExpression({
        expression: 'SUM(METRICS())',
        label: 'throttled invocations',
        usingMetrics: Object.fromEntries(
          Object.entries(functions).map(([name, fn]) => [`throttles_${name}`, fn.metricThrottles()]),
        ),
      }),
      description: 'Lambda refused to run a function: its concurrency, or that of the account, is used up.',
      section: 'throttles',
      threshold: 0,
    },
    ClockSkew: {
      metric: metric('ClockSkewSeconds'),
      description: `Our clock and Docker Hub's are more than ${MOST_CLOCK_SKEW_SECONDS} s apart.`,
      section: 'clock-skew',
      threshold: MOST_CLOCK_SKEW_SECONDS,
    },
    SweepNotRun: {
      metric: metric('SweepCompleted', perSweep),
      description: `No sweep came to its end in ${MISSED_SWEEPS} intervals.`,
      section: 'sweep-not-run',
      threshold: 1,
      comparison: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: MISSED_SWEEPS,
      missing: cloudwatch.TreatMissingData.BREACHING,
    },
  };
}

function waiting(queue: sqs.IQueue): cloudwatch.Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: cloudwatch.Stats.MAXIMUM });
}
