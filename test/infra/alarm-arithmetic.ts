import type { Template } from 'aws-cdk-lib/assertions';
import { type Point, workOut } from './metric-math.ts';
import { resourcesOf } from './synthesized.ts';

/** One value that was written to a metric. */
export interface Sample {
  readonly metric: string;
  /** Part of a logical id or a value among the metric's dimensions; none for the installation's own metrics. */
  readonly of?: string;
  readonly atSeconds: number;
  readonly value: number;
}

export type State = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** When an alarm rang, in whole minutes: the first minute, and the first after it. */
export interface Ring {
  readonly fromMinute: number;
  readonly untilMinute: number;
}

interface Stat {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: string;
  readonly periodMinutes: number;
  readonly statistic: string;
}

/** An alarm, read from the template and not from the code that makes it. */
export interface AlarmRules {
  readonly name: string;
  readonly expression: string;
  readonly stats: readonly Stat[];
  readonly periods: number;
  readonly toAlarm: number;
  readonly threshold: number;
  readonly comparison: string;
  readonly missing: string;
  readonly tellsOfSilence: boolean;
}

/** Whatever else is missing in a period, so many older ones are looked at. */
const MORE_PERIODS = 2;

/** Every alarm of the template, by its name. */
export function alarmRulesOf(template: Template, idBegins: string): readonly AlarmRules[] {
  // biome-ignore lint/suspicious/noExplicitAny: the template's own form, whose parts the test compares.
  const alarms = Object.entries(resourcesOf(template, 'AWS::CloudWatch::Alarm')) as [string, any][];
  return alarms.map(([id, { Properties: alarm }]) => {
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    const metrics: any[] = alarm.Metrics;
    const [expression] = metrics.filter((metric) => metric.Expression !== undefined);
    const stats = metrics
      .filter((metric) => metric.MetricStat !== undefined)
      .map(({ Id, MetricStat }) => ({
        id: Id,
        namespace: JSON.stringify(MetricStat.Metric.Namespace),
        name: MetricStat.Metric.MetricName,
        dimensions: JSON.stringify(MetricStat.Metric.Dimensions ?? []),
        periodMinutes: MetricStat.Period / 60,
        statistic: MetricStat.Stat,
      }));
    return {
      name: id.slice(idBegins.length, -8),
      expression: expression.Expression,
      stats,
      periods: alarm.EvaluationPeriods,
      toAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
      threshold: alarm.Threshold,
      comparison: alarm.ComparisonOperator,
      missing: alarm.TreatMissingData,
      tellsOfSilence: alarm.InsufficientDataActions !== undefined,
    };
  });
}

/**
 * When the alarm rings. It is looked at every minute, with periods that end at that minute: a change of alignment shows as a flicker.
 *
 * @param minutes from the creation of the alarm on.
 */
export function ringsOf(alarm: AlarmRules, samples: readonly Sample[], minutes: number): readonly Ring[] {
  const binned = new Map(alarm.stats.map((stat) => [stat.id, binnedByMinute(stat, samples)]));
  const [{ periodMinutes = 1 } = {}] = alarm.stats;
  const points = Array.from({ length: minutes + 1 }, (_, minute) => pointAt(alarm, binned, minute));
  const rings: Ring[] = [];
  let state: State = 'INSUFFICIENT_DATA';
  let wasOk = false;
  let fromMinute: number | undefined;
  for (let minute = 1; minute <= minutes; minute++) {
    state = nextState(alarm, state, (age) => points[minute - age * periodMinutes] ?? pointAt(alarm, binned, -1));
    wasOk ||= state !== 'INSUFFICIENT_DATA';
    const isRinging = state === 'ALARM' || (state === 'INSUFFICIENT_DATA' && alarm.tellsOfSilence && wasOk);
    if (isRinging) fromMinute ??= minute;
    else if (fromMinute !== undefined) {
      rings.push({ fromMinute, untilMinute: minute });
      fromMinute = undefined;
    }
  }
  if (fromMinute !== undefined) rings.push({ fromMinute, untilMinute: minutes + 1 });
  return rings;
}

/**
 * Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data", and of DynamoDB's metrics
 * PutMetricAlarm, `TreatMissingData`.
 *
 * @param pointAt the value of a period, by how many are newer.
 */
function nextState(alarm: AlarmRules, state: State, pointAt: (age: number) => Point): State {
  const points = Array.from({ length: alarm.periods + MORE_PERIODS }, (_, age) => pointAt(age));
  const newest = points.slice(0, alarm.periods);
  const missing = alarm.stats.some(({ namespace }) => namespace === '"AWS/DynamoDB"') ? 'ignore' : alarm.missing;
  if (newest.includes(undefined)) {
    if (missing === 'ignore') return state;
    if (missing !== 'missing') {
      throw new Error(`${alarm.name}: what an alarm makes of gaps depends on how far it looks back; fill them in`);
    }
  }
  const found = points.filter((point) => point !== undefined);
  if (found.length === 0) return 'INSUFFICIENT_DATA';
  const isBad = (point: Point) => point !== undefined && isBreaching(alarm, point);
  if (found.slice(0, alarm.periods).filter(isBad).length >= alarm.toAlarm) return 'ALARM';
  // A value that is old enough and after which nothing good came is enough by itself.
  const goodAt = points.findIndex((point) => point !== undefined && !isBad(point));
  const unbroken = goodAt === -1 ? points : points.slice(0, goodAt);
  return unbroken.slice(alarm.toAlarm - 1).some(isBad) ? 'ALARM' : 'OK';
}

function isBreaching({ comparison, threshold }: AlarmRules, value: number): boolean {
  if (comparison === 'GreaterThanThreshold') return value > threshold;
  if (comparison === 'LessThanThreshold') return value < threshold;
  throw new Error(`unknown comparison ${comparison}`);
}

type Bins = ReadonlyMap<number, readonly number[]>;

function binnedByMinute({ name, dimensions }: Stat, samples: readonly Sample[]): Bins {
  const bins = new Map<number, number[]>();
  for (const { metric, of, atSeconds, value } of samples) {
    const isOwn = of === undefined && dimensions === '[]';
    if (metric !== name || !(isOwn || (of !== undefined && dimensions.includes(of)))) continue;
    const minute = Math.floor(atSeconds / 60);
    bins.set(minute, [...(bins.get(minute) ?? []), value]);
  }
  return bins;
}

/** What the expression comes to in the period that ends with that minute. */
function pointAt({ stats, expression }: AlarmRules, binned: ReadonlyMap<string, Bins>, untilMinute: number): Point {
  const points = stats.map(({ id, statistic, periodMinutes }) => {
    const values = Array.from({ length: periodMinutes }, (_, index) => untilMinute - periodMinutes + index).flatMap(
      (minute) => binned.get(id)?.get(minute) ?? [],
    );
    return [id, statisticOf(statistic, values)] as const;
  });
  return workOut(expression, Object.fromEntries(points));
}

function statisticOf(statistic: string, values: readonly number[]): Point {
  if (values.length === 0) return undefined;
  const sum = values.reduce((total, value) => total + value, 0);
  if (statistic === 'Sum') return sum;
  if (statistic === 'Average') return sum / values.length;
  if (statistic === 'SampleCount') return values.length;
  if (statistic === 'Maximum') return Math.max(...values);
  throw new Error(`unknown statistic ${statistic}`);
}
