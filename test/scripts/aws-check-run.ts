import type { Ask, Reply } from '../../scripts/aws-check/ask.ts';
import { type AwsClients, awsReads } from '../../scripts/aws-check/aws.ts';
import { clockUntil } from '../../scripts/aws-check/pause.ts';
import type { Run } from '../../scripts/aws-check/run.ts';
import { Secrets } from '../../scripts/live-check/secrets.ts';

/**
 * Answers of hublease and of AWS for the checks to judge. Those of AWS are written after its documents, named beside each, and were
 * not recorded in an account.
 */

export const NOW_MS = Date.parse('2026-11-28T12:00:00Z');
export const SECRET = 'aws-check/k3x9q2ab';

export function reply(status: number, body?: unknown): Reply {
  return { status, body };
}

/** API Gateway Developer Guide, "Gateway response types": ACCESS_DENIED, in the form that infra/gateway-problems.ts gives it. */
export const ACCESS_DENIED = reply(403, { code: 'access_denied', status: 403, detail: 'IAM', title: 'IAM' });

/** A principal whose requests are answered by `METHOD path`; what is not listed is 404. */
export function asks(answers: Readonly<Record<string, Reply | (() => Reply)>>): Ask & { readonly asked: string[] } {
  const asked: string[] = [];
  const ask: Ask = async (method, path) => {
    asked.push(`${method} ${path}`);
    const answer = answers[`${method} ${path}`] ?? answers[method] ?? reply(404, { code: 'route_not_found' });
    return typeof answer === 'function' ? answer() : answer;
  };
  return Object.assign(ask, { asked });
}

export interface RunOptions extends Partial<Pick<Run, 'admin' | 'consumer' | 'foreign' | 'patienceMs'>> {
  readonly clients?: AwsClients;
}

/** A run on a clock that only waiting moves. */
export function runWith({ clients, ...options }: RunOptions = {}): Run & { readonly waitedMs: () => number } {
  let nowMs = NOW_MS;
  const sleep = async (ms: number) => {
    nowMs += ms;
  };
  return {
    admin: asks({}),
    clock: clockUntil(new AbortController().signal, () => nowMs, sleep),
    secrets: new Secrets(),
    secret: SECRET,
    target: 'acme-bot',
    ttl: '1m',
    patienceMs: 60_000,
    ...(clients !== undefined && { aws: awsReads('Hublease', clients) }),
    ...options,
    waitedMs: () => nowMs - NOW_MS,
  };
}

type Answers = Readonly<Record<string, unknown | ((input: Record<string, unknown>) => unknown)>>;

/** Clients whose commands are answered by their name. */
export function clientsOf(answers: Answers): AwsClients {
  const send = async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
    const answer = answers[command.constructor.name.replace('Command', '')];
    if (answer === undefined) throw Object.assign(new Error('not granted'), { name: 'AccessDenied' });
    return typeof answer === 'function' ? answer(command.input) : answer;
  };
  return { cloudFormation: { send }, cloudWatch: { send }, streams: { send } } as unknown as AwsClients;
}

/** CloudFormation API reference, ListStackResources, in two pages. */
export const STACK = ({ NextToken }: Record<string, unknown>) =>
  NextToken === undefined
    ? {
        StackResourceSummaries: [
          resource('AWS::DynamoDB::Table', 'HubleaseStateLeaseTable2C986653', 'Hublease-LeaseTable-1A2B'),
          resource('AWS::DynamoDB::Table', 'HubleaseStateCatalogTable0729A985', 'Hublease-CatalogTable-3C4D'),
          resource('AWS::Lambda::Function', 'HubleaseRevokerFunction95239ED0', 'Hublease-Revoker-5E6F'),
          resource('AWS::Scheduler::ScheduleGroup', 'HubleaseStateScheduleGroup5A3A7CBB', 'Hublease-group'),
        ],
        NextToken: 'second',
      }
    : {
        StackResourceSummaries: [
          resource('AWS::CloudWatch::Alarm', 'HubleaseObservabilityOverdueLeases9BA0F498', 'Hublease-Overdue-7A8B'),
          resource('AWS::CloudWatch::Alarm', 'HubleaseObservabilitySweepNotRun90EB95AF', 'Hublease-Sweep-9C0D'),
          {
            ...resource('AWS::CloudWatch::Alarm', 'HubleaseObservabilityOldAAAAAAAA', 'gone'),
            ResourceStatus: 'DELETE_COMPLETE',
          },
        ],
      };

function resource(ResourceType: string, LogicalResourceId: string, PhysicalResourceId: string) {
  const LastUpdatedTimestamp = new Date(NOW_MS - 86_400_000);
  return {
    ResourceType,
    LogicalResourceId,
    PhysicalResourceId,
    LastUpdatedTimestamp,
    ResourceStatus: 'CREATE_COMPLETE',
  };
}

/** CloudWatch API reference, MetricAlarm. */
export function alarm(AlarmName: string, changes: Readonly<Record<string, unknown>> = {}) {
  return {
    AlarmName,
    AlarmArn: `arn:aws:cloudwatch:us-east-1:111122223333:alarm:${AlarmName}`,
    AlarmConfigurationUpdatedTimestamp: new Date(NOW_MS - 86_400_000),
    ActionsEnabled: true,
    AlarmActions: ['arn:aws:sns:us-east-1:111122223333:on-call'],
    OKActions: ['arn:aws:sns:us-east-1:111122223333:on-call'],
    InsufficientDataActions: [],
    StateValue: 'OK',
    StateReason: 'Threshold Crossed: no datapoints were received',
    StateUpdatedTimestamp: new Date(NOW_MS - 86_000_000),
    MetricName: 'OverdueSeconds',
    Namespace: 'hublease/Hublease',
    Statistic: 'Maximum',
    Dimensions: [],
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: 120,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
    ...changes,
  };
}
