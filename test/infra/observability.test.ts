import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import * as sns from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../functions/adapters/metric-names.ts';
import { resourceOf, resourcesOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from './synthesized.ts';

let template: Template;

beforeAll(() => {
  template = templateOf(stackWith().stack);
}, SYNTH_TIMEOUT_MS);

/** The properties of the alarm of that name. */
function alarmOf(name: string, from: Template = template): Record<string, unknown> {
  return resourceOf(from, 'AWS::CloudWatch::Alarm', `HubleaseObservability${name}`).Properties;
}

/** Name, the metric or expression it watches, comparison and threshold, and its section of the runbook. */
const ALARMS = [
  ['OverdueLeases', 'OverdueSeconds', 'GreaterThanThreshold', 120, 'overdue-leases'],
  ['StuckRevocations', 'StuckRevocations', 'GreaterThanThreshold', 0, 'stuck-revocations'],
  ['ReopenedLeases', 'LeasesReopened', 'GreaterThanThreshold', 0, 'reopened-leases'],
  ['BlockedLeases', 'LeasesBlocked', 'GreaterThanThreshold', 0, 'blocked-leases'],
  ['AttestedLeases', 'LeasesAttested', 'GreaterThanThreshold', 0, 'attested-leases'],
  ['QueueDeadLetters', 'ApproximateNumberOfMessagesVisible', 'GreaterThanThreshold', 0, 'dead-letters'],
  ['ScheduleDeadLetters', 'ApproximateNumberOfMessagesVisible', 'GreaterThanThreshold', 0, 'dead-letters'],
  ['TimerDeadLetters', 'ApproximateNumberOfMessagesVisible', 'GreaterThanThreshold', 0, 'dead-letters'],
  ['LoginBreakerOpen', 'LoginBreakerOpen', 'GreaterThanThreshold', 0, 'login-breaker-open'],
  ['RefusedTargets', 'TargetsRefused', 'GreaterThanThreshold', 0, 'refused-targets'],
  ['UnreachableAccounts', 'AccountsUnreachable', 'GreaterThanThreshold', 0, 'unreachable-accounts'],
  ['UnusableListings', 'ListingsUnusable', 'GreaterThanThreshold', 0, 'unusable-listings'],
  ['IteratorAge', 'IteratorAge', 'GreaterThanThreshold', 3_600_000, 'iterator-age'],
  ['Throttles', undefined, 'GreaterThanThreshold', 0, 'throttles'],
  ['ClockSkew', 'ClockSkewSeconds', 'GreaterThanThreshold', 5, 'clock-skew'],
  ['SweepNotRun', 'SweepCompleted', 'LessThanThreshold', 1, 'sweep-not-run'],
] as const;

describe('the alarms', () => {
  it('are these', () => {
    expect(Object.keys(resourcesOf(template, 'AWS::CloudWatch::Alarm'))).toHaveLength(ALARMS.length);
  });

  it.each(ALARMS)(
    '%s watches %s and points to its section of the runbook',
    (name, metric, comparison, threshold, section) => {
      const alarm = alarmOf(name);
      expect(alarm).toMatchObject({ ComparisonOperator: comparison, Threshold: threshold });
      expect(alarm.MetricName).toBe(metric);
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
    for (const [name, metric] of ALARMS) {
      if (metric === undefined || !(metric in METRICS)) continue;
      expect(alarmOf(name).Namespace).toBe(Variables.HUBLEASE_METRICS_NAMESPACE);
      expect(alarmOf(name).Dimensions).toBeUndefined();
    }
  });

  it('take silence for good news, except of the sweep', () => {
    for (const [name] of ALARMS) {
      expect(alarmOf(name).TreatMissingData).toBe(name === 'SweepNotRun' ? 'breaching' : 'notBreaching');
    }
    expect(alarmOf('SweepNotRun')).toMatchObject({ Period: 300, EvaluationPeriods: 3 });
  });

  it('keep step with the interval of the sweep', () => {
    const slow = templateOf(stackWith({ sweepInterval: Duration.minutes(30) }).stack);
    const perSweep = ['OverdueLeases', 'StuckRevocations', 'UnreachableAccounts', 'UnusableListings', 'SweepNotRun'];
    for (const name of perSweep) expect(alarmOf(name, slow).Period).toBe(1_800);
  });

  it('ring for a list that cannot be used in two sweeps of three, so that one outage rings nothing', () => {
    expect(alarmOf('UnusableListings')).toMatchObject({ Period: 300, EvaluationPeriods: 3, DatapointsToAlarm: 2 });
  });

  it('go on for longer than the pauses between two signs of the same trouble', () => {
    expect(alarmOf('BlockedLeases').Period).toBe(1_800);
    expect(alarmOf('RefusedTargets').Period).toBe(3_600);
  });

  it('count what Lambda refused of all functions together', () => {
    const metrics = alarmOf('Throttles').Metrics as {
      Expression?: string;
      MetricStat?: { Metric: { MetricName: string } };
    }[];
    expect(metrics[0]?.Expression).toBe('SUM(METRICS())');
    expect(metrics.slice(1).map(({ MetricStat }) => MetricStat?.Metric.MetricName)).toEqual(Array(4).fill('Throttles'));
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
    const offered = [
      hublease.metricMinted(),
      hublease.metricRevoked(),
      hublease.metricTimeToRevokeSeconds(),
      hublease.metricOverdueSeconds(),
      hublease.metricRevokeFailures(),
      hublease.metricRecordFailures(),
      hublease.metricStuckRevocations(),
      hublease.metricBlocked(),
      hublease.metricAttested(),
      hublease.metricReopened(),
      hublease.metricOpen(),
      hublease.metricHubLatency(),
      hublease.metricHubErrors(),
      hublease.metricHubRemainingRate(),
      hublease.metricLoginBreakerOpen(),
      hublease.metricTargetsRefused(),
      hublease.metricAccountsUnreachable(),
      hublease.metricListingsUnusable(),
      hublease.metricClockSkewSeconds(),
      hublease.metricAuditEventsLost(),
      hublease.metricSweepCompleted(),
    ];
    expect(offered.map(({ metricName }) => metricName).sort()).toEqual(Object.keys(METRICS).sort());
  });

  it('take other periods and statistics', () => {
    const metric = stackWith().hublease.metricMinted({ period: Duration.minutes(1), statistic: 'Average' });
    expect([metric.period.toSeconds(), metric.statistic]).toEqual([60, 'Average']);
  });
});
