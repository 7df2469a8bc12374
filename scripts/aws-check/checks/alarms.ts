import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { Alarm } from '../aws.ts';
import { type Finding, failed, notShown, passed } from '../catalog.ts';
import type { Run } from '../run.ts';
import { NO_STACK } from './on-time.ts';

const ALARM_TYPES = ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm'];
/** A new or changed alarm has no data until it was evaluated for the first time. */
const SETTLED_AFTER_MS = 15 * 60_000;
/** With these, an alarm that has no data keeps or has that state on purpose. Source: CloudWatch User Guide, "treat missing data". */
const MAY_LACK_DATA: readonly (string | undefined)[] = ['missing', 'ignore', undefined];
const MAX_NAMED = 5;

/** Whether each alarm of the stack would reach somebody, can be evaluated, and is quiet now. */
export async function alarmsWired({ aws, clock }: Run): Promise<Finding> {
  if (aws === undefined) return notShown(NO_STACK);
  const resources = (await aws.resources()).filter(({ type }) => ALARM_TYPES.includes(type));
  if (resources.length === 0) return failed('The stack has no alarms.');
  const nameOf = new Map(resources.map(({ physicalId, logicalId }) => [physicalId, shortName(logicalId)]));
  const alarms = await aws.alarms([...nameOf.keys()]);
  const named = (those: readonly Alarm[]) =>
    list(those.map(({ AlarmName = '' }) => nameOf.get(AlarmName) ?? AlarmName));
  const found = new Set(alarms.map(({ AlarmName }) => AlarmName));
  const missing = [...nameOf].filter(([physicalId]) => !found.has(physicalId)).map(([, name]) => name);
  const silent = alarms.filter((alarm) => !isHeard(alarm));
  const blind = alarms.filter((alarm) => isBlind(alarm, clock.nowMs()));
  const ringing = alarms.filter(({ StateValue }) => StateValue === 'ALARM');
  const problems = [
    ...(missing.length > 0 ? [`no longer there: ${list(missing)}`] : []),
    ...(silent.length > 0 ? [`${silent.length} of ${alarms.length} notify nobody: ${named(silent)}`] : []),
    ...(blind.length > 0 ? [`without data: ${named(blind)}`] : []),
    ...(ringing.length > 0 ? [`in state ALARM: ${named(ringing)}`] : []),
  ];
  return problems.length > 0
    ? failed(`Alarms ${problems.join('; ')}.`)
    : passed(`${alarms.length} alarms have an action, have data, and none is in state ALARM.`);
}

function isHeard({ ActionsEnabled, AlarmActions = [] }: Alarm): boolean {
  return ActionsEnabled !== false && AlarmActions.length > 0;
}

function isBlind(alarm: Alarm, nowMs: number): boolean {
  if (alarm.StateValue !== 'INSUFFICIENT_DATA') return false;
  const mayLackData = !('AlarmRule' in alarm) && MAY_LACK_DATA.includes((alarm as MetricAlarm).TreatMissingData);
  const changedAtMs = alarm.AlarmConfigurationUpdatedTimestamp?.getTime() ?? 0;
  return !mayLackData && nowMs - changedAtMs > SETTLED_AFTER_MS;
}

/** A logical id without the construct before it and the hash behind it. */
function shortName(logicalId: string): string {
  return logicalId.replace(/^.*Observability/, '').replace(/[0-9A-F]{8}$/, '');
}

function list(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return more > 0 ? `${names.slice(0, MAX_NAMED).join(', ')} and ${more} more` : names.join(', ');
}
