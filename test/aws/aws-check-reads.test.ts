import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, PutMetricAlarmCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CreateTableCommand, DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsReads, awsReads } from '../../scripts/aws-check/aws.ts';
import { unique } from '../contract/builders.ts';
import { findMotoPython, MOTO_CLIENT, type Moto, startMoto } from './moto.ts';

const python = findMotoPython();
const ACTION = 'arn:aws:sns:us-east-1:111122223333:on-call';

describe.skipIf(python === undefined)('what aws-check reads of AWS, over moto', () => {
  let moto: Moto;
  let reads: AwsReads;
  let cloudFormation: CloudFormationClient;
  let cloudWatch: CloudWatchClient;
  let streams: DynamoDBStreamsClient;
  const stack = unique('stack');

  beforeAll(async () => {
    moto = await startMoto(python as string);
    const config = { ...MOTO_CLIENT, endpoint: moto.endpoint };
    cloudFormation = new CloudFormationClient(config);
    cloudWatch = new CloudWatchClient(config);
    streams = new DynamoDBStreamsClient(config);
    reads = awsReads(stack, { cloudFormation, cloudWatch, streams });
  }, 60_000);
  afterAll(async () => {
    for (const client of [cloudFormation, cloudWatch, streams]) client?.destroy();
    await moto?.close();
  });

  it("lists a stack's resources", async () => {
    // Of an alarm moto names neither logical id nor type.
    const template = JSON.stringify({ Resources: { Jobs00000000: { Type: 'AWS::SQS::Queue' } } });
    await cloudFormation.send(new CreateStackCommand({ StackName: stack, TemplateBody: template }));
    expect(await reads.resources()).toEqual([
      { logicalId: 'Jobs00000000', type: 'AWS::SQS::Queue', physicalId: expect.stringContaining(stack) },
    ]);
  });

  it('reads how alarms are wired', async () => {
    const names = Array.from({ length: 3 }, () => unique('alarm'));
    for (const AlarmName of names) {
      await cloudWatch.send(
        new PutMetricAlarmCommand({
          AlarmName,
          Namespace: 'hublease',
          MetricName: 'OverdueSeconds',
          Statistic: 'Maximum',
          Period: 300,
          EvaluationPeriods: 1,
          Threshold: 120,
          ComparisonOperator: 'GreaterThanThreshold',
          TreatMissingData: 'notBreaching',
          AlarmActions: [ACTION],
        }),
      );
    }
    const alarms = await reads.alarms(names.slice(0, 2));
    expect(alarms.map(({ AlarmName }) => AlarmName).sort()).toEqual(names.slice(0, 2).sort());
    expect(alarms[0]).toMatchObject({
      AlarmActions: [ACTION],
      ActionsEnabled: true,
      TreatMissingData: 'notBreaching',
      AlarmConfigurationUpdatedTimestamp: expect.any(Date),
    });
  });

  it("sums a metric's values, and counts them", async () => {
    const atMs = Date.now() - 120_000;
    const Dimensions = [{ Name: 'ScheduleGroup', Value: stack }];
    const data = (Value: number) => ({ MetricName: 'Runs', Dimensions, Value, Timestamp: new Date(atMs) });
    await cloudWatch.send(new PutMetricDataCommand({ Namespace: stack, MetricData: [data(3), data(4)] }));
    const of = { namespace: stack, name: 'Runs', dimensions: { ScheduleGroup: stack } };
    expect(await reads.metric({ ...of, statistic: 'Sum' }, atMs, Date.now())).toBe(7);
    expect(await reads.metric({ ...of, statistic: 'SampleCount' }, atMs, Date.now())).toBe(2);
    expect(await reads.metric({ ...of, name: 'None', statistic: 'Sum' }, atMs, Date.now())).toBe(0);
  });

  it("gives each record of a table's stream once", async () => {
    const dynamodb = new DynamoDBClient({ ...MOTO_CLIENT, endpoint: moto.endpoint });
    const TableName = unique('leases');
    await dynamodb.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'leaseId', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'leaseId', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    );
    const Key = { leaseId: { S: 'one' } };
    await dynamodb.send(new PutItemCommand({ TableName, Item: Key }));
    expect((await reads.newRecords(TableName)).map(({ eventName }) => eventName)).toEqual(['INSERT']);
    await dynamodb.send(new DeleteItemCommand({ TableName, Key }));
    const [record, ...more] = await reads.newRecords(TableName);
    expect(more).toEqual([]);
    expect(record).toMatchObject({ eventName: 'REMOVE', dynamodb: { Keys: Key } });
    dynamodb.destroy();
  });
});
