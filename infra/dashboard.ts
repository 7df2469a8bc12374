import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { MetricName } from '../functions/adapters/aws/metric-names.ts';
import { MAX_CLOCK_SKEW_SECONDS, PROMISE_SECONDS, type Watched } from './alarms.ts';
import { waiting } from './alarms-of-services.ts';
import { brokenDown, metricOf } from './metrics.ts';

/** Shows every metric of the installation, and what AWS measures of its queues and functions. */
export function dashboard(scope: Construct, id: string, watched: Watched): cloudwatch.Dashboard {
  const { namespace, functions, queue, deadLetterQueues } = watched;
  const metric = (name: MetricName, label: string, options: cloudwatch.MetricOptions = {}) =>
    metricOf(namespace, name, { label, ...options });
  const graph = (title: string, left: cloudwatch.IMetric[], more: Partial<cloudwatch.GraphWidgetProps> = {}) =>
    new cloudwatch.GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 }, ...more });
  return new cloudwatch.Dashboard(scope, id, {
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
        graph('Answers that nobody designed', [
          metric('InternalErrors', 'answered 500'),
          metric('GatewayFailures', 'no answer of a function'),
          metric('MintsFailed', 'failed mints'),
          metric('AuditEventsLost', 'audit events lost'),
        ]),
        graph("Revoker's queue: oldest message, s", [
          queue.metricApproximateAgeOfOldestMessage({ statistic: cloudwatch.Stats.MAXIMUM, label: 'oldest' }),
        ]),
        graph('Sweeps', [metric('SweepCompleted', 'completed'), metric('KeyUnusable', 'key unusable')]),
      ],
      [
        graph(
          'Functions: errors',
          Object.entries(functions).map(([name, fn]) => fn.metricErrors({ label: name })),
        ),
        graph('Clock skew against Docker Hub, s', [metric('ClockSkewSeconds', 'skew')], {
          leftAnnotations: [{ value: MAX_CLOCK_SKEW_SECONDS, label: 'alarm' }],
        }),
      ],
    ],
  });
}
