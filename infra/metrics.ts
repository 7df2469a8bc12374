import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS, type MetricName, type MetricShape } from '../functions/adapters/metric-names.ts';

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
  AuditEventsLost: cloudwatch.Stats.SUM,
  SweepCompleted: cloudwatch.Stats.SUM,
  StuckRevocations: cloudwatch.Stats.MAXIMUM,
  LeasesOpen: cloudwatch.Stats.MAXIMUM,
};

const PERIOD = Duration.minutes(5);

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
