import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DescribeKeyCommand, ListKeysCommand } from '@aws-sdk/client-kms';
import { ListScheduleGroupsCommand } from '@aws-sdk/client-scheduler';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import type { World } from './world.ts';

type Names = readonly (string | undefined)[];
type Rows = readonly Readonly<Record<string, string>>[];

/** Asks the service of each type of resource for the physical ids of all its resources, of this stack and others. */
const INVENTORIES: Readonly<Record<string, (world: World) => Promise<Names>>> = {
  'AWS::ApiGateway::RestApi': async ({ requests }) => {
    const { item } = (await requests.rest('apigateway', 'GET', '/restapis')) as { item: Rows };
    return item.map(({ id }) => id);
  },
  'AWS::CloudWatch::Alarm': async ({ requests }) => {
    const answer = await requests.query('monitoring', '2010-08-01', 'DescribeAlarms', {});
    return namesIn(answer, 'AlarmName');
  },
  'AWS::DynamoDB::Table': async ({ clients }) =>
    (await clients.dynamodb.send(new ListTablesCommand())).TableNames ?? [],
  'AWS::Events::Rule': async ({ requests }) =>
    namesIn(await requests.json('events', 'AWSEvents.ListRules', {}), 'Name'),
  'AWS::IAM::Role': async ({ requests }) =>
    namesIn(await requests.query('iam', '2010-05-08', 'ListRoles', {}), 'RoleName'),
  'AWS::KMS::Key': async ({ clients: { kms } }) => {
    const { Keys = [] } = await kms.send(new ListKeysCommand());
    const all = await Promise.all(Keys.map(({ KeyId }) => kms.send(new DescribeKeyCommand({ KeyId }))));
    return all.flatMap(({ KeyMetadata }) => (KeyMetadata?.KeyState === 'Enabled' ? [KeyMetadata.KeyId] : []));
  },
  'AWS::Lambda::EventSourceMapping': async ({ requests }) =>
    namesIn(await requests.rest('lambda', 'GET', '/2015-03-31/event-source-mappings'), 'UUID'),
  'AWS::Lambda::Function': async ({ requests }) =>
    namesIn(await requests.rest('lambda', 'GET', '/2015-03-31/functions'), 'FunctionName'),
  'AWS::Logs::LogGroup': async ({ clients }) =>
    ((await clients.logs.send(new DescribeLogGroupsCommand())).logGroups ?? []).map((group) => group.logGroupName),
  'AWS::SQS::Queue': async ({ clients }) => (await clients.sqs.send(new ListQueuesCommand())).QueueUrls ?? [],
  'AWS::Scheduler::ScheduleGroup': async ({ clients }) =>
    ((await clients.scheduler.send(new ListScheduleGroupsCommand())).ScheduleGroups ?? []).map(({ Name }) => Name),
  'AWS::SecretsManager::Secret': async ({ clients }) =>
    ((await clients.secrets.send(new ListSecretsCommand())).SecretList ?? []).map(({ ARN }) => ARN),
};

/** The types that `inventoryOf` knows. */
export const INVENTORIED = Object.keys(INVENTORIES);

/** The physical ids of all existing resources of a type. */
export async function inventoryOf(type: string, world: World): Promise<Names> {
  return (await INVENTORIES[type]?.(world)) ?? [];
}

/** All texts with a name, at any depth. */
function namesIn(answer: unknown, name: string): string[] {
  if (typeof answer !== 'object' || answer === null) return [];
  return Object.entries(answer).flatMap(([key, value]) =>
    key === name && typeof value === 'string' ? [value] : namesIn(value, name),
  );
}
