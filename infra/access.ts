import { Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import { CATALOG_PARTITIONS, LEASE_INDEXES, RATE_PARTITION_PREFIX } from '../functions/adapters/dynamodb/tables.ts';
import type { FunctionName } from '../functions/env.ts';
import type { HubleaseFunction } from './function.ts';
import type { Revocation } from './revocation.ts';
import { serviceHostsIn } from './service-hosts.ts';
import type { State } from './state.ts';
import { acknowledgeWildcard } from './wildcards.ts';

/**
 * What each function may do, as IAM policies say it. The actions are those that the adapters' comments name; no action is a
 * bare `*`, and no resource but that of ListStreams.
 */

/** The indexes that each function asks: lists, counts of what is open, the lookup of a leaked token, what is due. */
const INDEXES_OF: Record<FunctionName, readonly string[]> = {
  // Callers list their own leases, of whichever secret.
  broker: [LEASE_INDEXES.byCaller, LEASE_INDEXES.due],
  admin: Object.values(LEASE_INDEXES),
  revoker: [],
  sweeper: [LEASE_INDEXES.due],
  catalogResource: [LEASE_INDEXES.due],
};

/** What admins decide: who may lease what, from which account. */
const ENTRIES = [CATALOG_PARTITIONS.secret, CATALOG_PARTITIONS.target] as const;
/** What the functions note for each other while they work. Only a mint writes replay records, and only a sweep its mark. */
const { session, counter, replay, sweep } = CATALOG_PARTITIONS;
const NOTES_OF: Record<FunctionName, readonly string[]> = {
  broker: [session, counter, replay],
  admin: [session, counter],
  revoker: [session, counter],
  sweeper: [session, counter, sweep],
  catalogResource: [session, counter],
};

/** As `Table.grantTableListStreams` of CDK has it. */
const ANY_STREAM = '*';

/** Gives one function what it needs, and says of each wildcard in it why it is there. */
export function giveAccess(to: HubleaseFunction, name: FunctionName, state: State, revocation: Revocation): void {
  const statements = accessOf(name, state, revocation);
  to.allow(...statements);
  const reasons = wildcardReasons(state, revocation);
  for (const resource of new Set(statements.flatMap((statement) => statement.resources))) {
    const reason = reasons[resource];
    if (reason !== undefined) acknowledgeWildcard(to.role, resource, reason);
  }
}

/** Every resource with a `*`, and why a narrower one cannot be named. */
function wildcardReasons(state: State, revocation: Revocation): Readonly<Record<string, string>> {
  return {
    [state.targetSecretArns]:
      'Secrets of targets are made while hublease runs. The prefix is of this installation and key alone.',
    ...Object.fromEntries(
      state.formerSecretArns.map((arns) => [arns, 'Secrets of targets that were made under a former key.']),
    ),
    [revocation.scheduleArns]:
      'There is one schedule for each lease. The group is of this installation, and holds nothing else.',
    [ANY_STREAM]:
      "Lambda asks for ListStreams, for which AWS' documents name different resources. CDK's own grant is this one, which names streams and shows no record.",
  };
}

function accessOf(name: FunctionName, state: State, revocation: Revocation): iam.PolicyStatement[] {
  const declaring = [
    ...leaseAccess(state.leaseTable, INDEXES_OF[name]),
    ...noteAccess(state.catalogTable, NOTES_OF[name]),
    seedReading(state),
    ...keyUse(state),
    auditing(state),
    sending(revocation),
  ];
  const revoking = [...declaring, credentialReading(state)];
  switch (name) {
    case 'broker':
      return [...revoking, ...arming(revocation), counting(state.catalogTable)];
    case 'admin':
      return [
        ...revoking,
        entryWriting(state.catalogTable),
        removal(state.catalogTable),
        credentialWriting(state),
        // What is under the current key, it may remove by the above.
        ...(state.formerSecretArns.length > 0 ? [credentialRemoval(state)] : []),
      ];
    case 'revoker':
      return [...revoking, ...triggers(state, revocation)];
    case 'sweeper':
      // Its mark goes once a sweep has come to its end.
      return [
        ...revoking,
        targetWriting(state.catalogTable),
        removal(state.catalogTable, [sweep]),
        credentialRemoval(state),
      ];
    case 'catalogResource':
      // Its targets' credentials are their owners' secrets, each of which is granted with its target. None is below our prefix.
      return [...declaring, entryWriting(state.catalogTable), removal(state.catalogTable)];
  }
}

/** Nobody deletes a lease: its row goes by its time to live. Nobody scans. */
function leaseAccess(table: dynamodb.Table, indexes: readonly string[]): iam.PolicyStatement[] {
  const rows = new iam.PolicyStatement({
    sid: 'ReadAndWriteLeases',
    actions: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:PutItem'],
    resources: [table.tableArn],
  });
  if (indexes.length === 0) return [rows];
  const lists = new iam.PolicyStatement({
    sid: 'ListLeases',
    actions: ['dynamodb:Query'],
    resources: indexes.map((index) => `${table.tableArn}/index/${index}`),
  });
  return [rows, lists];
}

function noteAccess(table: dynamodb.Table, notes: readonly string[]): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      sid: 'ReadCatalog',
      actions: ['dynamodb:GetItem', 'dynamodb:Query'],
      resources: [table.tableArn],
    }),
    rowsOf(table, 'WriteNotes', notes, ['dynamodb:PutItem', 'dynamodb:UpdateItem']),
  ];
}

function entryWriting(table: dynamodb.Table): iam.PolicyStatement {
  return rowsOf(table, 'WriteCatalog', ENTRIES, ['dynamodb:PutItem']);
}

/** What has drained is removed, a target with its session. */
function removal(table: dynamodb.Table, notes: readonly string[] = []): iam.PolicyStatement {
  return rowsOf(table, 'RemoveDrained', [...ENTRIES, session, ...notes], ['dynamodb:DeleteItem']);
}

/** A target that was given with a secret begins to drain when the secret has, and a verification is noted on its target. */
function targetWriting(table: dynamodb.Table): iam.PolicyStatement {
  return rowsOf(table, 'WriteTargets', [CATALOG_PARTITIONS.target], ['dynamodb:PutItem']);
}

/** Callers' rates have 256 partitions, which one pattern names. No other partition's name begins like them. */
function counting(table: dynamodb.Table): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'CountRequests',
    actions: ['dynamodb:UpdateItem'],
    resources: [table.tableArn],
    conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${RATE_PARTITION_PREFIX}*`] } },
  });
}

/** The partition key tells the kinds of rows apart. */
function rowsOf(
  table: dynamodb.Table,
  sid: string,
  partitions: readonly string[],
  actions: string[],
): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid,
    actions,
    resources: [table.tableArn],
    conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...partitions] } },
  });
}

/** Labels are made and verified with keys that are derived from the seed. */
function seedReading(state: State): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'ReadInstallationSecret',
    actions: ['secretsmanager:GetSecretValue'],
    resources: [state.installationSecret.secretArn],
  });
}

function credentialReading(state: State): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'ReadCredentials',
    actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
    resources: [state.targetSecretArns, ...state.formerSecretArns],
  });
}

function credentialWriting(state: State): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'WriteCredentials',
    actions: [
      'secretsmanager:CreateSecret',
      'secretsmanager:RestoreSecret',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
      'secretsmanager:DeleteSecret',
    ],
    resources: [state.targetSecretArns],
  });
}

/** Removing a credential makes the empty first version current again, so that a secret restored later does not bring it back. */
function credentialRemoval(state: State): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'RemoveCredentials',
    actions: ['secretsmanager:UpdateSecretVersionStage', 'secretsmanager:DeleteSecret'],
    resources: [state.targetSecretArns, ...state.formerSecretArns],
  });
}

/**
 * Sessions are sealed by the functions themselves, under a context of their own; all else is encrypted by the services that
 * keep it, which use the key in the name of the caller.
 */
function keyUse(state: State): iam.PolicyStatement[] {
  const keepers = serviceHostsIn(Stack.of(state).region, 'dynamodb', 'secretsmanager');
  return [
    new iam.PolicyStatement({
      sid: 'SealSessions',
      actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
      resources: [state.key.keyArn],
      conditions: { StringLike: { 'kms:EncryptionContext:hublease': 'session:*' } },
    }),
    new iam.PolicyStatement({
      sid: 'UseKeyThroughKeepers',
      actions: ['kms:GenerateDataKey', 'kms:Decrypt', 'kms:DescribeKey'],
      resources: [state.key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': keepers } },
    }),
    ...formerKeyUse(state, keepers),
  ];
}

/** What former keys encrypted is read, and nothing is encrypted with them any more. */
function formerKeyUse({ formerKeys }: State, keepers: readonly string[]): iam.PolicyStatement[] {
  if (formerKeys.length === 0) return [];
  const resources = formerKeys.map(({ keyArn }) => keyArn);
  return [
    new iam.PolicyStatement({
      sid: 'OpenFormerSessions',
      actions: ['kms:Decrypt'],
      resources,
      conditions: { StringLike: { 'kms:EncryptionContext:hublease': 'session:*' } },
    }),
    new iam.PolicyStatement({
      sid: 'UseFormerKeysThroughKeepers',
      actions: ['kms:Decrypt', 'kms:DescribeKey'],
      resources,
      conditions: { StringEquals: { 'kms:ViaService': [...keepers] } },
    }),
  ];
}

function auditing(state: State): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'WriteAuditLog',
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [state.auditLog.logGroupArn],
  });
}

function sending(revocation: Revocation): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'SendLeases',
    actions: ['sqs:SendMessage'],
    resources: [revocation.queue.queueArn],
  });
}

function arming(revocation: Revocation): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      sid: 'ArmBackstops',
      actions: ['scheduler:CreateSchedule', 'scheduler:UpdateSchedule'],
      resources: [revocation.scheduleArns],
    }),
    new iam.PolicyStatement({
      sid: 'PassScheduleRole',
      actions: ['iam:PassRole'],
      resources: [revocation.scheduleRole.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
    }),
  ];
}

function triggers(state: State, revocation: Revocation): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      sid: 'ReadQueue',
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
      resources: [revocation.queue.queueArn],
    }),
    new iam.PolicyStatement({
      sid: 'ReadTimers',
      actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
      resources: [state.leaseTable.tableStreamArn as string],
    }),
    new iam.PolicyStatement({
      sid: 'FindStream',
      actions: ['dynamodb:ListStreams'],
      resources: [ANY_STREAM],
    }),
    new iam.PolicyStatement({
      sid: 'SetTimersAside',
      actions: ['sqs:SendMessage'],
      resources: [revocation.timerDeadLetters.queueArn],
    }),
  ];
}
