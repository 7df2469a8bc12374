import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_TABLE, LEASE_TABLE } from '../../functions/adapters/dynamodb/tables.ts';
import { readSettings } from '../../functions/env.ts';
import { boundsOf } from '../../infra/bounds.ts';
import type { HubleaseProps } from '../../infra/hublease.ts';
import { type Resource, resourceOf, resourcesOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from './synthesized.ts';

let template: Template;

beforeAll(() => {
  template = templateOf(stackWith().stack);
}, SYNTH_TIMEOUT_MS);

function tableOf(name: 'LeaseTable' | 'CatalogTable'): Resource {
  return resourceOf(template, 'AWS::DynamoDB::Table', `HubleaseState${name}`);
}

describe('the tables', () => {
  it.each(['LeaseTable', 'CatalogTable'] as const)(
    '%s pays per request, can be restored, is protected, and encrypted under the customer key',
    (name) => {
      const table = tableOf(name);
      expect(table.Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      });
      expect(JSON.stringify(table.Properties.SSESpecification)).toContain('HubleaseStateKey');
      expect([table.DeletionPolicy, table.UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
    },
  );

  it.each([
    ['LeaseTable', LEASE_TABLE],
    ['CatalogTable', CATALOG_TABLE],
  ] as const)('%s has the keys, stream and time to live that the adapters expect', (name, shape) => {
    const { Properties } = tableOf(name);
    const keys = [
      { AttributeName: shape.partitionKey.name, KeyType: 'HASH' },
      { AttributeName: shape.sortKey.name, KeyType: 'RANGE' },
    ];
    expect(Properties.KeySchema).toEqual(keys);
    expect(Properties.StreamSpecification).toEqual(
      shape.stream === undefined ? undefined : { StreamViewType: shape.stream },
    );
    expect(Properties.TimeToLiveSpecification).toEqual(
      shape.ttlAttribute === undefined ? undefined : { AttributeName: shape.ttlAttribute, Enabled: true },
    );
  });

  it('have indexes that project keys only, all that the adapters ask and no other', () => {
    const indexes = tableOf('LeaseTable').Properties.GlobalSecondaryIndexes as {
      IndexName: string;
      Projection: unknown;
      KeySchema: { AttributeName: string }[];
    }[];
    expect(indexes.map(({ IndexName }) => IndexName)).toEqual(LEASE_TABLE.indexes.map(({ name }) => name));
    for (const [position, { Projection, KeySchema }] of indexes.entries()) {
      const index = LEASE_TABLE.indexes[position];
      expect(Projection).toEqual({ ProjectionType: 'KEYS_ONLY' });
      expect(KeySchema.map(({ AttributeName }) => AttributeName)).toEqual(
        [index?.partitionKey.name, index?.sortKey?.name].filter((name) => name !== undefined),
      );
    }
  });
});

describe('what must outlive the stack', () => {
  const STATE: readonly (readonly [type: string, idBegins: string])[] = [
    ['AWS::KMS::Key', 'HubleaseStateKey'],
    ['AWS::DynamoDB::Table', 'HubleaseStateLeaseTable'],
    ['AWS::DynamoDB::Table', 'HubleaseStateCatalogTable'],
    ['AWS::SecretsManager::Secret', 'HubleaseStateInstallationSecret'],
    ['AWS::Logs::LogGroup', 'HubleaseStateAuditLog'],
    ['AWS::Logs::LogGroup', 'HubleaseApiAccessLog'],
    ['AWS::Scheduler::ScheduleGroup', 'HubleaseStateScheduleGroup'],
  ];

  it.each(STATE)('%s %s is retained, but for what a failed first deployment leaves unprotected', (type, idBegins) => {
    const { DeletionPolicy, UpdateReplacePolicy } = resourceOf(template, type, idBegins);
    expect(UpdateReplacePolicy).toBe('Retain');
    // CloudFormation cannot delete a protected table, and a rollback that tries fails.
    expect(DeletionPolicy).toBe(type === 'AWS::DynamoDB::Table' ? 'Retain' : 'RetainExceptOnCreate');
  });

  it('goes with it, unprotected, only when that is asked for', () => {
    const destroyed = templateOf(stackWith({ removalPolicy: RemovalPolicy.DESTROY }).stack);
    for (const [type, idBegins] of STATE) {
      expect(resourceOf(destroyed, type, idBegins).DeletionPolicy).toBe('Delete');
    }
    for (const table of Object.values(resourcesOf(destroyed, 'AWS::DynamoDB::Table'))) {
      expect(table.Properties.DeletionProtectionEnabled).toBe(false);
    }
  });

  it('has no name of ours, so that what was retained does not stand in the way of a new stack', () => {
    for (const [type, idBegins] of STATE) {
      const { Properties } = resourceOf(template, type, idBegins);
      for (const name of ['Name', 'TableName', 'LogGroupName', 'AliasName']) {
        expect(Properties?.[name], `${idBegins} ${name}`).toBeUndefined();
      }
    }
  });
});

describe('the key', () => {
  it('is rotated', () => {
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  it('may be given', () => {
    const { stack, hublease } = stackWith();
    expect(hublease.leaseTable.encryptionKey).toBeDefined();
    const given = stackWith({
      encryptionKey: kms.Key.fromKeyArn(
        stack,
        'Given',
        'arn:aws:kms:eu-west-1:111122223333:key/00000000-1111-2222-3333-444444444444',
      ),
    });
    const own = templateOf(given.stack);
    own.resourceCountIs('AWS::KMS::Key', 0);
    own.allResourcesProperties('AWS::DynamoDB::Table', {
      SSESpecification: {
        KMSMasterKeyId: 'arn:aws:kms:eu-west-1:111122223333:key/00000000-1111-2222-3333-444444444444',
      },
    });
  });
});

describe('the installation secret', () => {
  it('is made once from 64 letters and digits, under the key, and never rotated', () => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: {
        GenerateStringKey: 'seed',
        SecretStringTemplate: '{}',
        PasswordLength: 64,
        ExcludePunctuation: true,
      },
      KmsKeyId: Match.anyValue(),
    });
    template.resourceCountIs('AWS::SecretsManager::RotationSchedule', 0);
  });
});

describe('the functions', () => {
  const FUNCTIONS = ['Broker', 'Admin', 'Revoker', 'Sweeper'] as const;

  it.each([
    ['Broker', 29],
    ['Admin', 29],
    ['Revoker', 60],
    ['Sweeper', 300],
  ] as const)('%s runs on Node 24 and arm64, and for %i s at most', (name, seconds) => {
    expect(resourceOf(template, 'AWS::Lambda::Function', `Hublease${name}`).Properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      MemorySize: 512,
      Timeout: seconds,
    });
  });

  it.each([
    ['Broker', 'broker'],
    ['Admin', 'admin'],
    ['Revoker', 'revoker'],
    ['Sweeper', 'sweeper'],
  ] as const)('%s is given the variables that it reads, and no other', (name, settings) => {
    const { Environment } = resourceOf(template, 'AWS::Lambda::Function', `Hublease${name}`).Properties;
    const { Variables } = Environment as { Variables: Record<string, unknown> };
    const read = new Set<string>();
    const deployed = new Proxy(Variables as Record<string, string>, {
      get: (variables, variable: string) => {
        read.add(variable);
        return typeof variables[variable] === 'string' ? variables[variable] : EXAMPLES[variable];
      },
    });
    readSettings(settings, deployed);
    expect(Object.keys(Variables).sort()).toEqual([...read].sort());
  });

  it('each have a log group of their own that forgets after a month', () => {
    for (const name of FUNCTIONS) {
      const { LoggingConfig } = resourceOf(template, 'AWS::Lambda::Function', `Hublease${name}`).Properties;
      expect(JSON.stringify(LoggingConfig)).toContain(`Hublease${name}Log`);
      const log = resourceOf(template, 'AWS::Logs::LogGroup', `Hublease${name}Log`);
      expect(log.Properties.RetentionInDays).toBe(30);
    }
  });

  it('share the concurrency of the account unless some is reserved', () => {
    for (const name of FUNCTIONS) {
      const { Properties } = resourceOf(template, 'AWS::Lambda::Function', `Hublease${name}`);
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined();
    }
    const reserved = templateOf(stackWith({ mintConcurrency: 7, revokeConcurrency: 9 }).stack);
    const concurrencyOf = (name: string) =>
      resourceOf(reserved, 'AWS::Lambda::Function', `Hublease${name}`).Properties.ReservedConcurrentExecutions;
    expect([concurrencyOf('Broker'), concurrencyOf('Revoker'), concurrencyOf('Admin')]).toEqual([7, 9, undefined]);
    reserved.hasResourceProperties('AWS::Lambda::EventSourceMapping', { ScalingConfig: { MaximumConcurrency: 4 } });
  });

  it('may not be stopped as a loop when they are the revoker, which sends itself what has to be tried again', () => {
    expect(resourceOf(template, 'AWS::Lambda::Function', 'HubleaseRevoker').Properties.RecursiveLoop).toBe('Allow');
    expect(resourceOf(template, 'AWS::Lambda::Function', 'HubleaseBroker').Properties.RecursiveLoop).toBeUndefined();
  });
});

describe('revocation', () => {
  it('takes messages of the queue a few at a time, and gives back only those that failed', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('RevocationQueue'), 'Arn'] },
      BatchSize: 10,
      ScalingConfig: { MaximumConcurrency: 10 },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  it("takes DynamoDB's own deletions of timers from the stream, with bounds on retries and age, and a place for the rest", () => {
    const mapping = resourceOf(template, 'AWS::Lambda::EventSourceMapping', 'HubleaseRevocationTimerSource');
    expect(mapping.Properties).toMatchObject({
      MaximumRetryAttempts: 10,
      MaximumRecordAgeInSeconds: 21_600,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    expect(JSON.stringify(mapping.Properties.DestinationConfig)).toContain('TimerDeadLetters');
    const { Filters } = mapping.Properties.FilterCriteria as { Filters: { Pattern: string }[] };
    expect(Filters.map(({ Pattern }) => JSON.parse(Pattern))).toEqual([
      {
        eventName: ['REMOVE'],
        dynamodb: { Keys: { row: { S: ['timer'] } } },
      },
    ]);
  });

  it('waits for the role of the revoker before it makes the sources, for Lambda checks what the role may read', () => {
    for (const mapping of Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'))) {
      expect(mapping.DependsOn?.some((id) => id.startsWith('HubleaseRevokerRoleDefaultPolicy'))).toBe(true);
    }
  });

  it('keeps its queues encrypted, closed to plain HTTP, and what was set aside for two weeks', () => {
    const queues = resourcesOf(template, 'AWS::SQS::Queue');
    expect(Object.keys(queues)).toHaveLength(4);
    for (const [id, queue] of Object.entries(queues)) {
      expect(queue.Properties.SqsManagedSseEnabled).toBe(true);
      expect(queue.Properties.MessageRetentionPeriod).toBe(id.includes('DeadLetters') ? 1_209_600 : undefined);
    }
    const policies = Object.values(resourcesOf(template, 'AWS::SQS::QueuePolicy'));
    expect(policies).toHaveLength(4);
    for (const policy of policies) {
      expect(JSON.stringify(policy.Properties.PolicyDocument)).toContain('"aws:SecureTransport":"false"');
    }
  });

  it('hides a message for six times as long as the revoker may take', () => {
    const queue = queueWithRedrive();
    const revoker = resourceOf(template, 'AWS::Lambda::Function', 'HubleaseRevoker');
    expect(queue.Properties.VisibilityTimeout).toBe(6 * (revoker.Properties.Timeout as number));
    expect(queue.Properties.RedrivePolicy).toMatchObject({ maxReceiveCount: 20 });
  });
});

function queueWithRedrive(): Resource {
  const [queue] = Object.values(resourcesOf(template, 'AWS::SQS::Queue')).filter(
    ({ Properties }) => Properties.RedrivePolicy !== undefined,
  );
  if (queue === undefined) throw new Error('no queue has a dead-letter queue');
  return queue;
}

describe('the sweep', () => {
  it('runs every five minutes, or as often as asked, and is never started twice for one time', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(5 minutes)',
      Targets: [Match.objectLike({ RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } })],
    });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { MaximumRetryAttempts: 0 });
    const often = templateOf(stackWith({ sweepInterval: Duration.minutes(1) }).stack);
    often.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 minute)' });
  });
});

describe('retention', () => {
  it.each([
    [30, 30],
    [45, 60],
    [400, 400],
    [3_650, 3_653],
  ])('of %i days keeps audit and access logs for at least as long', (days, kept) => {
    const kept30 = templateOf(stackWith({ auditRetention: Duration.days(days) }).stack);
    for (const id of ['HubleaseStateAuditLog', 'HubleaseApiAccessLog']) {
      expect(resourceOf(kept30, 'AWS::Logs::LogGroup', id).Properties.RetentionInDays).toBe(kept);
    }
    const revoker = resourceOf(kept30, 'AWS::Lambda::Function', 'HubleaseRevoker');
    const { Variables } = revoker.Properties.Environment as { Variables: Record<string, string> };
    expect(Variables.HUBLEASE_AUDIT_RETENTION_SECONDS).toBe(String(days * 86_400));
  });
});

describe('auditRequired', () => {
  it.each([
    ['false', {}],
    ['true', { auditRequired: true }],
  ])('is %s for the broker with %j', (expected, props) => {
    const broker = resourceOf(templateOf(stackWith(props).stack), 'AWS::Lambda::Function', 'HubleaseBroker');
    const { Variables } = broker.Properties.Environment as { Variables: Record<string, string> };
    expect(Variables.HUBLEASE_AUDIT_REQUIRED).toBe(expected);
  });
});

describe('props that cannot work', () => {
  const REFUSED: readonly (readonly [string, HubleaseProps, string])[] = [
    ['a least TTL under a minute', { minTtl: Duration.seconds(59) }, 'minTtl: expected whole seconds from 60 to 86400'],
    ['a default TTL over the maximum', { defaultTtl: Duration.hours(2) }, 'defaultTtl: expected whole seconds from 60'],
    ['a maximum under the least TTL', { minTtl: Duration.hours(2) }, 'maxTtl: expected whole seconds from 7200'],
    ['parts of a second', { defaultTtl: Duration.millis(90_500) }, 'got 90.5'],
    ['a sweep every 90 seconds', { sweepInterval: Duration.seconds(90) }, 'sweepInterval: expected whole minutes'],
    ['a sweep every two hours', { sweepInterval: Duration.hours(2) }, 'sweepInterval: expected whole seconds from 60'],
    ['audit retention of an hour', { auditRetention: Duration.hours(1) }, 'auditRetention: expected whole seconds'],
    [
      'too little for the revoker',
      { revokeConcurrency: 3 },
      'revokeConcurrency: expected a whole number of at least 4',
    ],
    ['nothing for the broker', { mintConcurrency: 0 }, 'mintConcurrency: expected a whole number of at least 1'],
    ['a consumer that is no account', { consumers: { accounts: ['*'] } }, 'consumers.accounts: expected account ids'],
    [
      'an organization that is none',
      { consumers: { organizationId: '*' } },
      'consumers.organizationId: expected an id',
    ],
  ];

  it.each(REFUSED)('%s: synth says so', (_, props, message) => {
    expect(() => stackWith(props)).toThrow(message);
  });

  it('a low maximum lowers the default TTL that nobody gave', () => {
    expect(boundsOf({ maxTtl: Duration.minutes(5) }).defaultTtl.toSeconds()).toBe(300);
  });
});

/** What references become once deployed. */
const EXAMPLES: Record<string, string> = {
  HUBLEASE_LEASE_TABLE: 'Test-LeaseTable-1ABC',
  HUBLEASE_CATALOG_TABLE: 'Test-CatalogTable-1ABC',
  HUBLEASE_TARGET_SECRET_PREFIX: 'hublease/TestHublease0A1B2C3D/00000000-1111-2222-3333-444444444444',
  HUBLEASE_INSTALLATION_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:Installation-AbCdEf',
  HUBLEASE_KEY_ARN: 'arn:aws:kms:eu-west-1:111122223333:key/00000000-1111-2222-3333-444444444444',
  HUBLEASE_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/111122223333/Test-Queue-1ABC',
  HUBLEASE_QUEUE_ARN: 'arn:aws:sqs:eu-west-1:111122223333:Test-Queue-1ABC',
  HUBLEASE_SCHEDULE_GROUP: 'Test-ScheduleGroup-1ABC',
  HUBLEASE_SCHEDULE_ROLE_ARN: 'arn:aws:iam::111122223333:role/Test-ScheduleRole-1ABC',
  HUBLEASE_SCHEDULE_DLQ_ARN: 'arn:aws:sqs:eu-west-1:111122223333:Test-ScheduleDeadLetters-1ABC',
  HUBLEASE_AUDIT_LOG_GROUP: 'Test-AuditLog-1ABC',
};
