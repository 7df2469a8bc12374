import type { CloudFormationClient, StackResourceSummary } from '@aws-sdk/client-cloudformation';
import { ListStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import type { CloudWatchClient, CompositeAlarm, MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { DescribeAlarmsCommand, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import type { DynamoDBStreamsClient, _Record as StreamRecord } from '@aws-sdk/client-dynamodb-streams';
import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';

/** What the checks read of AWS besides the API: nothing here writes. */
export interface AwsReads {
  /** All resources of the stack. */
  resources(): Promise<readonly StackResource[]>;
  alarms(names: readonly string[]): Promise<readonly Alarm[]>;
  /** Sum of a metric, or how many values it had, from `fromMs` to `toMs`; 0 where it has no value. */
  metric(of: MetricOf, fromMs: number, toMs: number): Promise<number>;
  /** Records of a table's stream that no former call gave, oldest first within each shard. */
  newRecords(tableName: string): Promise<readonly StreamRecord[]>;
}

export interface StackResource {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId: string;
}

export type Alarm = MetricAlarm | CompositeAlarm;

export interface MetricOf {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Sum' | 'SampleCount';
}

export interface AwsClients {
  readonly cloudFormation: Pick<CloudFormationClient, 'send'>;
  readonly cloudWatch: Pick<CloudWatchClient, 'send'>;
  readonly streams: Pick<DynamoDBStreamsClient, 'send'>;
}

/** Most names that DescribeAlarms takes. Source: CloudWatch API reference, DescribeAlarms. */
const MAX_ALARM_NAMES = 100;
const PERIOD_SECONDS = 60;
/** Pages of one shard that are read in one look. An open shard never ends, and gives empty pages where it has no records. */
const MAX_PAGES = 200;
/** Empty pages in a row after which a shard is taken to have no more for now. */
const MAX_EMPTY_PAGES = 5;

/** IAM actions: cloudformation:ListStackResources, cloudwatch:DescribeAlarms and GetMetricStatistics, and the four of streams. */
export function awsReads(stack: string, clients: AwsClients): AwsReads {
  /** Where each shard is read on; null behind the end of a closed one. */
  const iterators = new Map<string, string | null>();
  return {
    resources: () => stackResources(stack, clients.cloudFormation),
    alarms: (names) => alarmsNamed(names, clients.cloudWatch),
    metric: (of, fromMs, toMs) => metricValue(of, fromMs, toMs, clients.cloudWatch),
    newRecords: (tableName) => newRecords(tableName, iterators, clients.streams),
  };
}

async function stackResources(stack: string, client: AwsClients['cloudFormation']): Promise<StackResource[]> {
  const resources: StackResource[] = [];
  let next: string | undefined;
  do {
    const page = await client.send(new ListStackResourcesCommand({ StackName: stack, NextToken: next }));
    resources.push(...(page.StackResourceSummaries ?? []).flatMap(resourceIn));
    next = page.NextToken;
  } while (next !== undefined);
  return resources;
}

function resourceIn(summary: StackResourceSummary): StackResource[] {
  const { LogicalResourceId: logicalId, ResourceType: type, PhysicalResourceId: physicalId, ResourceStatus } = summary;
  const isThere = logicalId !== undefined && type !== undefined && physicalId !== undefined;
  return isThere && ResourceStatus !== 'DELETE_COMPLETE' ? [{ logicalId, type, physicalId }] : [];
}

async function alarmsNamed(names: readonly string[], client: AwsClients['cloudWatch']): Promise<Alarm[]> {
  const alarms: Alarm[] = [];
  for (let first = 0; first < names.length; first += MAX_ALARM_NAMES) {
    const answer = await client.send(
      new DescribeAlarmsCommand({
        AlarmNames: names.slice(first, first + MAX_ALARM_NAMES),
        AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
        MaxRecords: MAX_ALARM_NAMES,
      }),
    );
    alarms.push(...(answer.MetricAlarms ?? []), ...(answer.CompositeAlarms ?? []));
  }
  return alarms;
}

async function metricValue(
  { namespace, name, dimensions, statistic }: MetricOf,
  fromMs: number,
  toMs: number,
  client: AwsClients['cloudWatch'],
): Promise<number> {
  const { Datapoints: points = [] } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      // CloudWatch keeps values by the minute.
      StartTime: new Date(Math.floor(fromMs / 60_000) * 60_000),
      EndTime: new Date(Math.ceil(toMs / 60_000) * 60_000),
      Period: PERIOD_SECONDS,
      Statistics: [statistic],
    }),
  );
  return points.reduce((sum, point) => sum + (point[statistic] ?? 0), 0);
}

async function newRecords(
  tableName: string,
  iterators: Map<string, string | null>,
  client: AwsClients['streams'],
): Promise<StreamRecord[]> {
  const { Streams: streams = [] } = await client.send(new ListStreamsCommand({ TableName: tableName }));
  const records: StreamRecord[] = [];
  for (const { StreamArn } of streams) {
    for (const ShardId of await shardIds(StreamArn, client)) {
      const key = `${StreamArn} ${ShardId}`;
      if (!iterators.has(key)) {
        const start = new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
        iterators.set(key, (await client.send(start)).ShardIterator ?? null);
      }
      iterators.set(key, await readOn(iterators.get(key) ?? null, records, client));
    }
  }
  return records;
}

async function shardIds(StreamArn: string | undefined, client: AwsClients['streams']): Promise<string[]> {
  const ids: string[] = [];
  let last: string | undefined;
  do {
    const command = new DescribeStreamCommand({ StreamArn, ExclusiveStartShardId: last });
    const { StreamDescription: description } = await client.send(command);
    ids.push(...(description?.Shards ?? []).flatMap(({ ShardId }) => ShardId ?? []));
    last = description?.LastEvaluatedShardId;
  } while (last !== undefined);
  return ids;
}

/** Adds what there is to `records`. Returns where to go on. */
async function readOn(
  from: string | null,
  records: StreamRecord[],
  client: AwsClients['streams'],
): Promise<string | null> {
  let iterator = from;
  let empty = 0;
  for (let page = 0; page < MAX_PAGES && empty < MAX_EMPTY_PAGES && iterator !== null; page++) {
    const answer = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
    records.push(...(answer.Records ?? []));
    empty = (answer.Records ?? []).length === 0 ? empty + 1 : 0;
    iterator = answer.NextShardIterator ?? null;
  }
  return iterator;
}
