import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS, type MetricName, type MetricShape } from '../functions/adapters/aws/metric-names.ts';

/** What a metric's values amount to within a period: events are summed, states are taken at their worst. */
const STATISTICS: Record<MetricName, string> = {
  LeasesMinted: cloudwatch.Stats.SUM,
  LeasesRevoked: cloudwatch.Stats.SUM,
  TimeToRevokeSeconds: cloudwatch.Stats.MAXIMUM,
  OverdueSeconds: cloudwatch.Stats.MAXIMUM,
  RevokeFailures: cloudwatch.Stats.SUM,
  RecordFailures: cloudwatch.Stats.SUM,
  LeasesBlocked: cloudwatch.Stats.SUM,
  LeasesAttested: cloudwatch.Stats.SUM,
  LeasesReopened: cloudwatch.Stats.SUM,
  HubLatencyMs: cloudwatch.Stats.percentile(95),
  HubErrors: cloudwatch.Stats.SUM,
  HubRemainingRate: cloudwatch.Stats.MINIMUM,
  LoginBreakerOpen: cloudwatch.Stats.SUM,
  TargetsRefused: cloudwatch.Stats.SUM,
  AccountsUnreachable: cloudwatch.Stats.SUM,
  ListingsUnusable: cloudwatch.Stats.SUM,
  ClockSkewSeconds: cloudwatch.Stats.MAXIMUM,
  InternalErrors: cloudwatch.Stats.SUM,
  MintsFailed: cloudwatch.Stats.SUM,
  GatewayFailures: cloudwatch.Stats.SUM,
  AuditEventsLost: cloudwatch.Stats.SUM,
  KeyUnusable: cloudwatch.Stats.SUM,
  SweepCompleted: cloudwatch.Stats.SUM,
  StuckRevocations: cloudwatch.Stats.MAXIMUM,
  LeasesOpen: cloudwatch.Stats.MAXIMUM,
};

/** Of a metric that is not told otherwise. */
export const PERIOD = Duration.minutes(5);

/**
 * Each sweep measures once, and no clock keeps sweeps apart by exactly their interval: a period may have none, and one sweep may fail.
 * An alarm that looked at a single period would end and begin again.
 */
export const SWEEPS_LOOKED_AT = 3;

/** A sweep takes up to four minutes, so that with shorter intervals the ends of two are further apart than their starts. */
export function sweepPeriod(sweepInterval: Duration): Duration {
  return sweepInterval.toSeconds() > PERIOD.toSeconds() ? sweepInterval : PERIOD;
}

/** One of the installation's metrics, over five minutes and with the statistic that suits it unless told otherwise. */
export function metricOf(
  namespace: string,
  name: MetricName,
  options: cloudwatch.MetricOptions = {},
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace,
    metricName: name,
    statistic: STATISTICS[name],
    period: PERIOD,
    ...options,
  });
}

/** The same metric in a line for each value of its dimension, whichever there are. */
export function brokenDown(namespace: string, name: MetricName): cloudwatch.MathExpression {
  const { dimension }: MetricShape = METRICS[name];
  if (dimension === undefined) throw new Error(`${name}: expected a metric with a dimension`);
  const search = `{"${namespace}",${dimension}} MetricName="${name}"`;
  return new cloudwatch.MathExpression({
    expression: `SEARCH('${search}', '${STATISTICS[name]}', ${PERIOD.toSeconds()})`,
    label: '',
    period: PERIOD,
    usingMetrics: {},
  });
}
