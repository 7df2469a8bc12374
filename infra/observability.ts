import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/adapters/aws/metric-names.ts';
import { type AlarmShape, alarmsOf, type Watched } from './alarms.ts';
import { dashboard } from './dashboard.ts';

export interface ObservabilityProps extends Watched {
  /** Of API Gateway. */
  readonly accessLog: logs.ILogGroup;
  /** Where the runbook is read; sections follow behind `#`. */
  readonly runbook: string;
  readonly alarmTopic?: sns.ITopic | undefined;
  readonly dashboard: boolean;
}

/**
 * What API Gateway answered by itself. In the access log an answer of a function has no kind of refusal, so that the 502 and 503 which
 * hublease answers on purpose do not count. A function that fails without an answer has one.
 * Source: API Gateway Developer Guide, "Variables for access logging", `$context.error.responseType`.
 */
const GATEWAY_FAILURE = '{ ($.status = "5*") && ($.refusal != "-") }';

/** The alarms, each with its section of the runbook, and the dashboard. */
export class Observability extends Construct {
  /** By their names. */
  readonly alarms: Readonly<Record<string, cloudwatch.Alarm>>;
  readonly dashboard?: cloudwatch.Dashboard;

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    new logs.MetricFilter(this, 'GatewayFailuresFilter', {
      logGroup: props.accessLog,
      filterPattern: logs.FilterPattern.literal(GATEWAY_FAILURE),
      metricNamespace: props.namespace,
      metricName: 'GatewayFailures' satisfies MetricName,
      metricValue: '1',
    });
    const shapes = Object.entries(alarmsOf(props));
    this.alarms = Object.fromEntries(shapes.map(([name, shape]) => [name, this.alarm(name, shape, props)]));
    if (props.dashboard) this.dashboard = dashboard(this, 'Dashboard', props);
  }

  private alarm(name: string, shape: AlarmShape, { runbook, alarmTopic }: ObservabilityProps): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this, name, {
      alarmDescription: `${shape.description} Runbook: ${runbook}#${shape.section}`,
      metric: withoutGaps(shape.metric),
      threshold: shape.threshold,
      comparisonOperator: shape.comparison ?? cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: shape.evaluationPeriods ?? 1,
      ...(shape.datapointsToAlarm !== undefined && { datapointsToAlarm: shape.datapointsToAlarm }),
      treatMissingData: shape.tellsOfSilence
        ? cloudwatch.TreatMissingData.MISSING
        : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    if (alarmTopic === undefined) return alarm;
    alarm.addAlarmAction(new SnsAction(alarmTopic));
    alarm.addOkAction(new SnsAction(alarmTopic));
    if (shape.tellsOfSilence) alarm.addInsufficientDataAction(new SnsAction(alarmTopic));
    return alarm;
  }
}

/**
 * A period without a value counts as 0. Left to itself an alarm looks further back instead, for values of former periods, and goes on
 * ringing. Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data".
 */
function withoutGaps(metric: AlarmShape['metric']): cloudwatch.MathExpression {
  if (metric instanceof cloudwatch.MathExpression) return metric;
  return new cloudwatch.MathExpression({
    expression: 'FILL(measured, 0)',
    label: metric.metricName,
    period: metric.period,
    usingMetrics: { measured: metric },
  });
}
