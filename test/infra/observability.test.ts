import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import * as sns from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS, type MetricName } from '../../functions/adapters/aws/metric-names.ts';
import { LEASE_INDEXES } from '../../functions/adapters/dynamodb/tables.ts';
import { resourceOf, resourcesOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from './synthesized.ts';

let template: Template;

beforeAll(() => {
  template = templateOf(stackWith().stack);
}, SYNTH_TIMEOUT_MS);

interface WatchedMetric {
  readonly MetricStat?: {
    readonly Metric: {
      readonly Namespace: unknown;
      readonly MetricName: string;
      readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
    };
    readonly Period: number;
  };
}

/** The metrics that the alarm of that name watches. */
function watchedBy(name: string, from: Template = template) {
  const metrics = alarmOf(name, from).Metrics as readonly WatchedMetric[];
  return metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat]));
}

function periodsOf(name: string, from: Template = template): readonly number[] {
  return watchedBy(name, from).map(({ Period }) => Period);
}

/** The properties of the alarm of that name. */
function alarmOf(name: string, from: Template = template): Record<string, unknown> {
  return resourceOf(from, 'AWS::CloudWatch::Alarm', `HubleaseObservability${name}`).Properties;
}

/** Name, the metrics it watches, comparison and threshold, and its section of the runbook. */
const ALARMS = [
  ['OverdueLeases', ['OverdueSeconds'], 'GreaterThanThreshold', 120, 'overdue-leases'],
  ['StuckRevocations', ['StuckRevocations'], 'GreaterThanThreshold', 0, 'stuck-revocations'],
  ['ReopenedLeases', ['LeasesReopened'], 'GreaterThanThreshold', 0, 'reopened-leases'],
  ['BlockedLeases', ['LeasesBlocked'], 'GreaterThanThreshold', 0, 'blocked-leases'],
  ['AttestedLeases', ['LeasesAttested'], 'GreaterThanThreshold', 0, 'attested-leases'],
  ['AuditEventsLost', ['AuditEventsLost'], 'GreaterThanThreshold', 0, 'audit-events-lost'],
  ['QueueDeadLetters', ['ApproximateNumberOfMessagesVisible'], 'GreaterThanThreshold', 0, 'dead-letters'],
  ['ScheduleDeadLetters', ['ApproximateNumberOfMessagesVisible'], 'GreaterThanThreshold', 0, 'dead-letters'],
  ['TimerDeadLetters', ['ApproximateNumberOfMessagesVisible'], 'GreaterThanThreshold', 0, 'dead-letters'],
  ['QueueAge', ['ApproximateAgeOfOldestMessage'], 'GreaterThanThreshold', 1_020, 'queue-age'],
  ['LoginBreakerOpen', ['LoginBreakerOpen'], 'GreaterThanThreshold', 0, 'login-breaker-open'],
  ['RefusedTargets', ['TargetsRefused'], 'GreaterThanThreshold', 0, 'refused-targets'],
  ['UnreachableAccounts', ['AccountsUnreachable'], 'GreaterThanThreshold', 0, 'unreachable-accounts'],
  ['UnusableListings', ['ListingsUnusable'], 'GreaterThanThreshold', 0, 'unusable-listings'],
  ['InternalErrors', ['InternalErrors'], 'GreaterThanThreshold', 0, 'internal-errors'],
  ['GatewayFailures', ['GatewayFailures'], 'GreaterThanThreshold', 0, 'gateway-failures'],
  ['FailedMints', ['MintsFailed', 'MintsFailed'], 'GreaterThanThreshold', 20, 'failed-mints'],
  ['FunctionErrors', Array(4).fill('Errors'), 'GreaterThanThreshold', 0, 'function-errors'],
  ['Throttles', Array(4).fill('Throttles'), 'GreaterThanThreshold', 0, 'throttles'],
  ['IteratorAge', ['IteratorAge'], 'GreaterThanThreshold', 3_600_000, 'iterator-age'],
  [
    'TableThrottles',
    [
      'ReadThrottleEvents',
      'WriteThrottleEvents',
      'ReadThrottleEvents',
      ...Array<string>(6).fill('WriteThrottleEvents'),
    ],
    'GreaterThanThreshold',
    0,
    'table-throttles',
  ],
  ['KeyUnusable', ['KeyUnusable'], 'GreaterThanThreshold', 0, 'key-unusable'],
  ['ClockSkew', ['ClockSkewSeconds'], 'GreaterThanThreshold', 5, 'clock-skew'],
  ['SweepNotRun', ['SweepCompleted', 'Invocations'], 'LessThanThreshold', 1, 'sweep-not-run'],
] as const;

describe('the alarms', () => {
  it('are these', () => {
    expect(Object.keys(resourcesOf(template, 'AWS::CloudWatch::Alarm'))).toHaveLength(ALARMS.length);
  });

  it.each(ALARMS)(
    '%s watches %s and points to its section of the runbook',
    (name, metrics, comparison, threshold, section) => {
      const alarm = alarmOf(name);
      expect(alarm).toMatchObject({ ComparisonOperator: comparison, Threshold: threshold });
      expect(watchedBy(name).map(({ Metric }) => Metric.MetricName)).toEqual(metrics);
      expect(alarm.AlarmDescription).toMatch(new RegExp(` Runbook: docs/runbook\\.md#${section}$`));
    },
  );

  it('point to sections that the runbook has', () => {
    const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
    const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    );
    expect(anchors).toEqual(expect.arrayContaining(ALARMS.map(([, , , , section]) => section)));
  });

  it('watch the totals of this installation, which have no dimensions', () => {
    const { Variables } = resourceOf(template, 'AWS::Lambda::Function', 'HubleaseSweeper').Properties.Environment as {
      Variables: Record<string, unknown>;
    };
    const own = ALARMS.flatMap(([name]) => watchedBy(name)).filter(({ Metric }) => Metric.MetricName in METRICS);
    expect(own.length).toBeGreaterThan(15);
    for (const { Metric } of own) {
      expect(Metric.Namespace).toBe(Variables.HUBLEASE_METRICS_NAMESPACE);
      expect(Metric.Dimensions).toBeUndefined();
    }
  });

  it('take silence for good news, except of the sweep', () => {
    for (const [name] of ALARMS) {
      expect(alarmOf(name).TreatMissingData).toBe(name === 'SweepNotRun' ? 'missing' : 'notBreaching');
    }
  });

  it('keep step with the interval of the sweep, and with none shorter than a sweep may take', () => {
    const slow = templateOf(stackWith({ sweepInterval: Duration.minutes(30) }).stack);
    const quick = templateOf(stackWith({ sweepInterval: Duration.minutes(1) }).stack);
    const perSweep = [
      'OverdueLeases',
      'StuckRevocations',
      'UnreachableAccounts',
      'UnusableListings',
      'KeyUnusable',
      'SweepNotRun',
    ];
    for (const name of perSweep) {
      expect(new Set(periodsOf(name, slow))).toEqual(new Set([1_800]));
      expect(new Set(periodsOf(name, quick))).toEqual(new Set([300]));
    }
  });

  it('watch the indexes that DynamoDB throttles on their own', () => {
    const indexes = watchedBy('TableThrottles').flatMap(({ Metric }) =>
      (Metric.Dimensions ?? []).filter(({ Name }) => Name === 'GlobalSecondaryIndexName').map(({ Value }) => Value),
    );
    expect(indexes.sort()).toEqual(Object.values(LEASE_INDEXES).sort());
  });

  it('count of the gateway what the access log says that no function answered', () => {
    const filter = resourceOf(template, 'AWS::Logs::MetricFilter', 'HubleaseObservability').Properties;
    expect(filter).toMatchObject({
      LogGroupName: { Ref: expect.stringMatching(/^HubleaseApiAccessLog/) },
      FilterPattern: '{ ($.status = "5*") && ($.refusal != "-") }',
      MetricTransformations: [{ MetricName: 'GatewayFailures', MetricValue: '1' }],
    });
    const { AccessLogSetting } = resourceOf(template, 'AWS::ApiGateway::Stage', 'Hublease').Properties;
    const { Format } = AccessLogSetting as { Format: string };
    expect(JSON.parse(Format)).toMatchObject({ status: '$context.status', refusal: '$context.error.responseType' });
  });

  it('tell the topic when they begin and when they end, and nobody without one', () => {
    expect(alarmOf('OverdueLeases').AlarmActions).toBeUndefined();
    const { stack } = stackWith();
    const alarmTopic = sns.Topic.fromTopicArn(stack, 'Topic', 'arn:aws:sns:eu-west-1:111122223333:ops');
    const told = templateOf(stackWith({ alarmTopic }).stack);
    for (const [name] of ALARMS) {
      expect(alarmOf(name, told)).toMatchObject({
        AlarmActions: ['arn:aws:sns:eu-west-1:111122223333:ops'],
        OKActions: ['arn:aws:sns:eu-west-1:111122223333:ops'],
      });
    }
    const ofSilence = ALARMS.filter(([name]) => alarmOf(name, told).InsufficientDataActions !== undefined);
    expect(ofSilence.map(([name]) => name)).toEqual(['SweepNotRun']);
  });

  it('point to where the runbook is read', () => {
    const elsewhere = templateOf(stackWith({ runbook: 'https://wiki.example.com/hublease' }).stack);
    expect(alarmOf('ClockSkew', elsewhere).AlarmDescription).toContain('https://wiki.example.com/hublease#clock-skew');
  });
});

describe('the dashboard', () => {
  it('shows every metric of the installation', () => {
    const { DashboardBody } = resourceOf(template, 'AWS::CloudWatch::Dashboard', 'Hublease').Properties;
    const body = JSON.stringify(DashboardBody);
    for (const name of Object.keys(METRICS)) expect(body).toContain(name);
    expect(body).toContain(',Reason} MetricName=');
  });

  it('draws the promise beside the time to revoke', () => {
    const { DashboardBody } = resourceOf(template, 'AWS::CloudWatch::Dashboard', 'Hublease').Properties;
    expect(JSON.stringify(DashboardBody)).toMatch(
      /\\"value\\":120,[^{}]*\\"label\\":\\"promise\\"|\\"label\\":\\"promise\\"[^{}]*\\"value\\":120|\\"value\\":120,\\"label\\":\\"promise\\"/,
    );
  });

  it('is left out when nobody wants it', () => {
    const { stack, hublease } = stackWith({ dashboard: false });
    expect(hublease.dashboard).toBeUndefined();
    templateOf(stack).resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    expect(stackWith().hublease.dashboard).toBeDefined();
  });
});

describe('the metrics', () => {
  it('are each offered for alarms of others', () => {
    const { hublease } = stackWith();
    for (const name of Object.keys(METRICS) as MetricName[]) {
      expect(hublease.metric(name)).toMatchObject({ namespace: hublease.metricsNamespace, metricName: name });
    }
  });

  it('take other periods and statistics', () => {
    const metric = stackWith().hublease.metric('LeasesMinted', { period: Duration.minutes(1), statistic: 'Average' });
    expect([metric.period.toSeconds(), metric.statistic]).toEqual([60, 'Average']);
  });
});
