import { readdirSync, readFileSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FunctionName } from '../../functions/env.ts';
import { withoutBatch } from '../aws/function-calls.ts';
import { ACCOUNT, type Deployed, deployed, REGION } from './deployed.ts';
import { type IamRequest, verdictOn } from './simulation.ts';
import { resourceOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from './synthesized.ts';

/**
 * What each function asks of AWS, recorded by `test/aws/handlers.test.ts` from what the adapters send while the handlers' tests
 * run. Those tests fail when a function makes a call that is not listed.
 */
const CALLS = JSON.parse(readFileSync(new URL('./function-calls.json', import.meta.url), 'utf8')) as Record<
  FunctionName,
  readonly string[]
>;
const FUNCTIONS = Object.keys(CALLS) as FunctionName[];
const EVERY_CALL = [...new Set(Object.values(CALLS).flat())].sort();

let at: Deployed;
let keyPolicy: unknown;
let prefix: string;
let formerPrefix: string;

beforeAll(() => {
  const former = kms.Key.fromKeyArn(new Stack(new App(), 'Keys'), 'Former', inRegion('kms', 'key/0f'));
  const { stack, hublease } = stackWith({ formerEncryptionKeys: [former] });
  const credential = new secretsmanager.Secret(stack, 'Credential');
  hublease.addTarget('acme-bot', { credential, kind: 'user' });
  const template = templateOf(stack);
  at = deployed(template);
  keyPolicy = at.resolve(resourceOf(template, 'AWS::KMS::Key', 'HubleaseStateKey').Properties.KeyPolicy);
  const { Environment } = resourceOf(template, 'AWS::Lambda::Function', 'HubleaseBroker').Properties;
  const { Variables } = at.resolve(Environment) as { Variables: Record<string, string> };
  prefix = Variables.HUBLEASE_TARGET_SECRET_PREFIX as string;
  formerPrefix = Variables.HUBLEASE_FORMER_SECRET_PREFIXES as string;
}, SYNTH_TIMEOUT_MS);

function inRegion(service: string, rest: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
}

/** The ARN of what a recorded call names. */
function arnOf(name: string): string {
  const [thing = '', ...below] = name.split('/');
  const table = { leaseTable: 'HubleaseStateLeaseTable', catalogTable: 'HubleaseStateCatalogTable' }[thing];
  if (table !== undefined) return [at.arnOf('AWS::DynamoDB::Table', table), ...below].join('/');
  const named: Readonly<Record<string, () => string>> = {
    installationSecret: () => at.arnOf('AWS::SecretsManager::Secret', 'HubleaseStateInstallationSecret'),
    targetSecret: () => inRegion('secretsmanager', `secret:${prefix}/team/bot-AbCdEf`),
    formerSecret: () => inRegion('secretsmanager', `secret:${formerPrefix}/team/bot-AbCdEf`),
    ownersSecret: () => at.arnOf('AWS::SecretsManager::Secret', 'Credential'),
    key: () => at.arnOf('AWS::KMS::Key', 'HubleaseStateKey'),
    queue: () => at.arnOf('AWS::SQS::Queue', 'HubleaseRevocationQueue'),
    timerDeadLetters: () => at.arnOf('AWS::SQS::Queue', 'HubleaseRevocationTimerDeadLetters'),
    schedule: () =>
      at
        .arnOf('AWS::Scheduler::ScheduleGroup', 'HubleaseStateScheduleGroup')
        .replace('-group/', '/')
        .concat('/lease-01M7Y3W704'),
    scheduleRole: () => at.arnOf('AWS::IAM::Role', 'HubleaseRevocationScheduleRole'),
    auditLogGroup: () =>
      at.arnOf('AWS::Logs::LogGroup', 'HubleaseStateAuditLog').replace(/\*$/, 'log-stream:2026/11/28/a'),
    stream: () => `${arnOf('leaseTable')}/stream/2026-01-01T00:00:00.000`,
    anything: () => '*',
  };
  const arn = named[thing]?.();
  if (arn === undefined) throw new Error(`nothing is called ${name}`);
  return arn;
}

/** A recorded call, `ACTION RESOURCE` and what IAM goes by besides, as a request. */
function requestOf(call: string): IamRequest {
  const [action = '', name = '', detail] = call.split(' ');
  const request = { action, resource: arnOf(name) };
  if (name === 'catalogTable' && detail !== undefined) {
    return { ...request, context: { 'dynamodb:LeadingKeys': detail.split(',') } };
  }
  if (action === 'iam:PassRole') {
    return { ...request, context: { 'iam:PassedToService': detail ?? 'scheduler.amazonaws.com' } };
  }
  if (detail?.startsWith('via:') === true) {
    return { ...request, context: { 'kms:ViaService': `${detail.slice(4)}.${REGION}.amazonaws.com` } };
  }
  return detail === undefined ? request : { ...request, context: { 'kms:EncryptionContext:hublease': `${detail}bot` } };
}

async function isAllowed(name: FunctionName, call: string): Promise<boolean> {
  const owner = `Hublease${name[0]?.toUpperCase()}${name.slice(1)}Role`;
  const principal = { roleArn: at.arnOf('AWS::IAM::Role', owner), policies: at.policiesOf(owner) };
  const resourcePolicy = call.startsWith('kms:') ? keyPolicy : undefined;
  return (await verdictOn(principal, requestOf(call), resourcePolicy)) === 'allowed';
}

async function callsThatAre(allowed: boolean, name: FunctionName, calls: readonly string[]): Promise<string[]> {
  const verdicts = await Promise.all(calls.map((call) => isAllowed(name, call)));
  return calls.filter((_, index) => verdicts[index] === allowed);
}

/** What services do with the key for a function. Source: KMS Developer Guide, "How DynamoDB" and "How Secrets Manager uses KMS". */
const THROUGH_KEEPERS = ['dynamodb', 'secretsmanager'].flatMap((service) =>
  ['kms:Decrypt', 'kms:GenerateDataKey'].map((action) => `${action} key via:${service}`),
);

/** What Lambda does as the revoker. Source: Lambda Developer Guide, execution roles for SQS and for DynamoDB streams. */
const OF_TRIGGERS = [
  'sqs:ReceiveMessage queue',
  'sqs:DeleteMessage queue',
  'sqs:GetQueueAttributes queue',
  'dynamodb:DescribeStream stream',
  'dynamodb:GetRecords stream',
  'dynamodb:GetShardIterator stream',
  'dynamodb:ListStreams anything',
  'sqs:SendMessage timerDeadLetters',
];

/** What a function may do and does not, or not in the tests that are recorded. */
const SPARE: Record<FunctionName, readonly string[]> = {
  // An owner's secret is read at a login, and every function that logs in is granted to read it with DescribeSecret, as CDK does.
  broker: [
    'secretsmanager:DescribeSecret formerSecret',
    'secretsmanager:DescribeSecret targetSecret',
    'secretsmanager:GetSecretValue ownersSecret',
  ],
  // An admin removes what it deletes at once only from a store that settles at once, which DynamoDB does not.
  admin: [
    'dynamodb:DeleteItem catalogTable secret',
    'dynamodb:DeleteItem catalogTable session',
    'dynamodb:DeleteItem catalogTable target',
    'secretsmanager:DeleteSecret formerSecret',
    'secretsmanager:DeleteSecret targetSecret',
    'secretsmanager:GetSecretValue formerSecret',
    'secretsmanager:GetSecretValue ownersSecret',
    'secretsmanager:UpdateSecretVersionStage formerSecret',
  ],
  revoker: [
    'dynamodb:BatchGetItem leaseTable',
    'dynamodb:Query catalogTable',
    'secretsmanager:DescribeSecret formerSecret',
    'secretsmanager:DescribeSecret targetSecret',
    'secretsmanager:GetSecretValue formerSecret',
    'secretsmanager:GetSecretValue ownersSecret',
  ],
  // A sweep corrects a counter that is wrong.
  sweeper: ['dynamodb:UpdateItem catalogTable counter'],
  catalogResource: [
    'dynamodb:DeleteItem catalogTable secret',
    'dynamodb:DeleteItem catalogTable session',
    'dynamodb:DeleteItem catalogTable target',
    'dynamodb:UpdateItem catalogTable counter',
  ],
};

/** Every function may read the whole catalog, in which there is no secret. */
const isCatalogRead = (call: string) => call.startsWith('dynamodb:GetItem catalogTable ');

/** Nobody's work. */
const NEVER = [
  'dynamodb:Scan leaseTable',
  'dynamodb:Scan catalogTable',
  'dynamodb:DeleteItem leaseTable',
  'dynamodb:UpdateItem leaseTable',
  'dynamodb:UpdateItem catalogTable secret',
  'dynamodb:UpdateItem catalogTable target',
  'dynamodb:PutItem catalogTable rate#00',
  'dynamodb:DeleteItem catalogTable counter',
  'dynamodb:DeleteItem catalogTable replay',
  'dynamodb:DeleteTable leaseTable',
  'secretsmanager:PutSecretValue installationSecret',
  'secretsmanager:DeleteSecret installationSecret',
  'secretsmanager:PutSecretValue ownersSecret',
  'secretsmanager:DeleteSecret ownersSecret',
  'kms:Decrypt key other:',
  'kms:Decrypt key via:s3',
  'kms:ScheduleKeyDeletion key',
  'scheduler:DeleteSchedule schedule',
  'iam:PassRole scheduleRole lambda.amazonaws.com',
  'logs:DeleteLogStream auditLogGroup',
  'sqs:PurgeQueue queue',
];

describe('the recorded calls', () => {
  /** The document client's commands, by what IAM calls them. A transaction is asked for by its parts. */
  const ITEM_COMMANDS = ['Get', 'Put', 'Update', 'Delete', 'BatchGet'];

  it('hold each command that an adapter sends', () => {
    const folder = new URL('../../functions/adapters/', import.meta.url);
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(new URL(file, folder), 'utf8'));
    const commands = sources.flatMap((text) =>
      [...text.matchAll(/new (\w+)Command\(/g)].map((match) => match[1] ?? ''),
    );
    const operations = commands
      .filter((command) => command !== 'TransactWrite')
      .map((command) => (ITEM_COMMANDS.includes(command) ? `${command}Item` : command));
    expect(operations.length).toBeGreaterThan(20);
    const recorded = EVERY_CALL.map((call) => /:(\w+) /.exec(call)?.[1]);
    expect(operations.map(withoutBatch).filter((operation) => !recorded.includes(operation))).toEqual([]);
  });
});

describe.each(FUNCTIONS)('%s', (name) => {
  it('may make each call that it makes', async () => {
    expect(CALLS[name].length).toBeGreaterThan(10);
    expect(await callsThatAre(false, name, [...CALLS[name], ...THROUGH_KEEPERS])).toEqual([]);
  });

  it("may make the others' calls only where that is known", async () => {
    const others = EVERY_CALL.filter((call) => !CALLS[name].includes(call) && !isCatalogRead(call));
    expect(others.length).toBeGreaterThan(5);
    expect(await callsThatAre(true, name, others)).toEqual(SPARE[name]);
  });

  it('may do nothing that is not the work of any function', async () => {
    expect(await callsThatAre(true, name, NEVER)).toEqual([]);
  });

  it('may be served by the triggers of the revoker if it is the revoker', async () => {
    expect(await callsThatAre(true, name, OF_TRIGGERS)).toEqual(name === 'revoker' ? OF_TRIGGERS : []);
  });

  it('may write no row of a kind that it does not write beside one that it does', async () => {
    expect(await callsThatAre(true, name, ['dynamodb:PutItem catalogTable session,foreign'])).toEqual([]);
  });
});
