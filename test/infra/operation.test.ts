import { Duration, Size, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { EndpointType } from 'aws-cdk-lib/aws-apigateway';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { ApiGatewayLogging } from '../../infra/api-gateway-logging.ts';
import { Hublease, type HubleaseProps } from '../../infra/hublease.ts';
import {
  actionsOf,
  apiPolicyOf,
  appOf,
  resourceOf,
  resourcesOf,
  SYNTH_TIMEOUT_MS,
  stackWith,
  statementsOf,
  templateOf,
} from './synthesized.ts';

const FUNCTIONS = ['Broker', 'Admin', 'Revoker', 'Sweeper'] as const;
const EVERY_FUNCTION = [...FUNCTIONS, 'CatalogResource'] as const;

/** The template of an installation with a target, whose properties may need others of the same stack. */
function templateWith(propsIn: (stack: Stack) => HubleaseProps): Template {
  const stack = new Stack(appOf(), 'Test');
  const hublease = new Hublease(stack, 'Hublease', propsIn(stack));
  hublease.addTarget('bot', { kind: 'user', credential: new secretsmanager.Secret(stack, 'Credential') });
  return Template.fromStack(stack);
}

const functionOf = (template: Template, name: string) =>
  resourceOf(template, 'AWS::Lambda::Function', `Hublease${name}Function`).Properties;
const apiOf = (template: Template) => resourceOf(template, 'AWS::ApiGateway::RestApi', 'HubleaseApi').Properties;
const queueSourceOf = (template: Template) =>
  resourceOf(template, 'AWS::Lambda::EventSourceMapping', 'HubleaseRevocationQueueSource').Properties;
/** The log groups of hublease's own functions. */
const functionLogsOf = (template: Template) =>
  Object.entries(resourcesOf(template, 'AWS::Logs::LogGroup')).filter(
    ([id]) => /Log[0-9A-F]{8}$/.test(id) && !/Audit|Access/.test(id),
  );

describe('endpointType and vpcEndpoints', { timeout: SYNTH_TIMEOUT_MS }, () => {
  const endpointIn = (stack: Stack) =>
    ec2.InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(stack, 'Endpoint', {
      vpcEndpointId: 'vpce-0a1b',
      port: 443,
    });

  it('are a regional API without a word', () => {
    expect(apiOf(templateOf(stackWith().stack)).EndpointConfiguration).toEqual({ Types: ['REGIONAL'] });
  });

  it('make the API private, and deny every other way to it', () => {
    const template = templateWith((stack) => ({
      endpointType: EndpointType.PRIVATE,
      vpcEndpoints: [endpointIn(stack)],
    }));
    expect(apiOf(template).EndpointConfiguration).toMatchObject({ Types: ['PRIVATE'], VpcEndpointIds: ['vpce-0a1b'] });
    expect(apiPolicyOf(template)).toContainEqual(
      expect.objectContaining({
        Effect: 'Deny',
        Resource: 'execute-api:/*',
        Condition: { StringNotEquals: { 'aws:SourceVpce': ['vpce-0a1b'] } },
      }),
    );
  });

  it('belong together', () => {
    expect(() => stackWith({ endpointType: EndpointType.PRIVATE })).toThrow('vpcEndpoints: expected at least one');
    expect(() => templateWith((stack) => ({ vpcEndpoints: [endpointIn(stack)] }))).toThrow(
      'vpcEndpoints: expected none',
    );
  });
});

describe('vpc, vpcSubnets and securityGroups', { timeout: SYNTH_TIMEOUT_MS }, () => {
  it('put every function of hublease into the subnets and groups, with the rights that it takes', () => {
    const template = templateWith((stack) => {
      const subnetConfiguration = ['Way', 'Functions'].map((name) => ({
        name,
        subnetType: name === 'Way' ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_ISOLATED,
      }));
      const vpc = new ec2.Vpc(stack, 'Vpc', { subnetConfiguration });
      const group = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0a1b');
      return { vpc, vpcSubnets: { subnetGroupName: 'Functions' }, securityGroups: [group] };
    });
    for (const name of EVERY_FUNCTION) {
      const { VpcConfig } = functionOf(template, name) as { VpcConfig: Record<string, unknown> };
      expect(VpcConfig.SecurityGroupIds).toEqual(['sg-0a1b']);
      expect(JSON.stringify(VpcConfig.SubnetIds)).toContain('VpcFunctionsSubnet1');
      expect(actionsOf(statementsOf(template, name))).toContain('ec2:CreateNetworkInterface');
    }
  });

  it('are its private subnets and a group for each function unless given', () => {
    const template = templateWith((stack) => ({ vpc: new ec2.Vpc(stack, 'Vpc') }));
    const { VpcConfig } = functionOf(template, 'Broker');
    expect(JSON.stringify(VpcConfig)).toContain('VpcPrivateSubnet1');
    expect(Object.keys(resourcesOf(template, 'AWS::EC2::SecurityGroup'))).toHaveLength(EVERY_FUNCTION.length);
  });

  it('need the VPC', () => {
    expect(() => stackWith({ vpcSubnets: {} })).toThrow('vpcSubnets: expected vpc');
    expect(() => stackWith({ securityGroups: [] })).toThrow('securityGroups: expected vpc');
  });

  it('give no rights on networks without one', () => {
    const template = templateOf(stackWith().stack);
    for (const name of FUNCTIONS) {
      expect(functionOf(template, name).VpcConfig).toBeUndefined();
      expect(actionsOf(statementsOf(template, name)).filter((action) => action.startsWith('ec2:'))).toEqual([]);
    }
  });
});

describe('memory', { timeout: SYNTH_TIMEOUT_MS }, () => {
  it('is that of every function, and 512 MiB unless given', () => {
    const template = templateWith(() => ({ memory: Size.gibibytes(1) }));
    for (const name of EVERY_FUNCTION) expect(functionOf(template, name).MemorySize).toBe(1_024);
    expect(functionOf(templateOf(stackWith().stack), 'Broker').MemorySize).toBe(512);
  });

  it.each([255, 10_241])('of %i MiB is refused', (mebibytes) => {
    expect(() => stackWith({ memory: Size.mebibytes(mebibytes) })).toThrow('memory: expected 256 to 10240 MiB');
  });
});

describe('logRetention and logKey', { timeout: SYNTH_TIMEOUT_MS }, () => {
  it('keep the logs of all functions for as long, and the audit log for its own time', () => {
    const template = templateWith(() => ({ logRetention: Duration.days(5), auditRetention: Duration.days(90) }));
    const logs = functionLogsOf(template);
    expect(logs).toHaveLength(EVERY_FUNCTION.length + 1);
    for (const [id, { Properties }] of logs) expect(Properties.RetentionInDays, id).toBe(5);
    const { Properties } = resourceOf(template, 'AWS::Logs::LogGroup', 'HubleaseStateAuditLog');
    expect(Properties.RetentionInDays).toBe(90);
  });

  it('keep the logs of functions for 30 days, under a key of CloudWatch, unless given', () => {
    for (const [, { Properties }] of functionLogsOf(templateWith(() => ({})))) {
      expect(Properties).toMatchObject({ RetentionInDays: 30 });
      expect(Properties.KmsKeyId).toBeUndefined();
    }
  });

  it('encrypt every log group under the key, which CloudWatch Logs may use for this account', () => {
    const template = templateWith((stack) => ({ logKey: new kms.Key(stack, 'LogKey') }));
    const groups = Object.entries(resourcesOf(template, 'AWS::Logs::LogGroup'));
    expect(groups).toHaveLength(EVERY_FUNCTION.length + 3);
    for (const [id, { Properties }] of groups) expect(JSON.stringify(Properties.KmsKeyId), id).toContain('LogKey');
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Sid: 'EncryptLogs',
            Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': Match.anyValue() } },
          }),
        ]),
      },
    });
  });
});

describe('tracing', { timeout: SYNTH_TIMEOUT_MS }, () => {
  it('is of the API and every function, and off unless asked for', () => {
    const traced = templateWith(() => ({ tracing: true }));
    for (const name of EVERY_FUNCTION) {
      expect(functionOf(traced, name).TracingConfig).toEqual({ Mode: 'Active' });
      expect(actionsOf(statementsOf(traced, name))).toContain('xray:PutTraceSegments');
    }
    traced.hasResourceProperties('AWS::ApiGateway::Stage', { TracingEnabled: true });
    expect(functionOf(templateOf(stackWith().stack), 'Broker').TracingConfig).toBeUndefined();
  });
});

describe('maxRevokers', { timeout: SYNTH_TIMEOUT_MS }, () => {
  it.each([
    [{}, 10],
    [{ maxRevokers: 50 }, 50],
    [{ revokeConcurrency: 30 }, 15],
    [{ revokeConcurrency: 30, maxRevokers: 25 }, 25],
  ])('with %o lets %i revokers work on the queue', (props, concurrency) => {
    const { ScalingConfig } = queueSourceOf(templateOf(stackWith(props).stack));
    expect(ScalingConfig).toEqual({ MaximumConcurrency: concurrency });
  });

  it('leaves a reserved revoker to the timers', () => {
    expect(() => stackWith({ revokeConcurrency: 20, maxRevokers: 20 })).toThrow('less than revokeConcurrency');
  });

  it.each([1, 1_001, 2.5])('of %d is refused', (maxRevokers) => {
    expect(() => stackWith({ maxRevokers })).toThrow('maxRevokers: expected');
  });
});

describe('throttling', { timeout: SYNTH_TIMEOUT_MS }, () => {
  it('reaches the stage and the mints', () => {
    const stage = { ratePerSecond: 7, burst: 9 };
    const template = templateOf(stackWith({ throttling: { stage, mints: { ratePerSecond: 3, burst: 4 } } }).stack);
    const { MethodSettings } = resourceOf(template, 'AWS::ApiGateway::Stage', 'HubleaseApi').Properties;
    expect(MethodSettings).toContainEqual(
      expect.objectContaining({ ResourcePath: '/*', ThrottlingRateLimit: 7, ThrottlingBurstLimit: 9 }),
    );
    expect(MethodSettings).toContainEqual(
      expect.objectContaining({ ThrottlingRateLimit: 3, ThrottlingBurstLimit: 4, MetricsEnabled: false }),
    );
  });
});

describe('every option together', { timeout: SYNTH_TIMEOUT_MS }, () => {
  /** An installation with all of them, looked at by cdk-nag. */
  function synthesize(role: 'as it is' | 'with a wildcard more'): void {
    const app = appOf();
    const stack = new Stack(app, 'Test');
    const keyOf = (id: string) => kms.Key.fromKeyArn(stack, id, `arn:aws:kms:eu-west-1:111122223333:key/${id}`);
    const hublease = new Hublease(stack, 'Hublease', {
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-0a1b',
        availabilityZones: ['eu-west-1a'],
        privateSubnetIds: ['subnet-0a1b'],
      }),
      tracing: true,
      logKey: keyOf('logs'),
      encryptionKey: keyOf('given'),
      formerEncryptionKeys: [keyOf('former')],
    });
    const credential = secretsmanager.Secret.fromSecretNameV2(stack, 'Credential', 'acme/docker-hub');
    hublease.addTarget('bot', { kind: 'user', credential, credentialKey: keyOf('credential') });
    hublease.node.addDependency(new ApiGatewayLogging(stack, 'ApiGatewayLogging'));
    if (role === 'with a wildcard more') {
      const anything = new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::bucket/*'] });
      hublease.functions.broker.addToRolePolicy(anything);
    }
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    app.synth();
  }

  it('leave cdk-nag nothing to find', () => {
    expect(() => synthesize('as it is')).not.toThrow();
    expect(() => synthesize('with a wildcard more')).toThrow();
  });
});

describe('what users of the construct reach', () => {
  it('are the API, functions, alarms, queues, key, tables and logs that it made', () => {
    const { stack, hublease } = stackWith();
    const idOf = (value: string) => JSON.stringify(stack.resolve(value));
    expect(idOf(hublease.restApi.restApiId)).toContain('HubleaseApiRestApi');
    expect(Object.values(hublease.functions).map((fn) => idOf(fn.functionArn))).toEqual(
      FUNCTIONS.map((name) => expect.stringContaining(`Hublease${name}Function`)),
    );
    expect(Object.keys(hublease.alarms)).toHaveLength(
      Object.keys(resourcesOf(templateOf(stack), 'AWS::CloudWatch::Alarm')).length,
    );
    expect(idOf(hublease.alarms.OverdueLeases?.alarmArn ?? '')).toContain('HubleaseObservabilityOverdueLeases');
    expect(Object.values(hublease.queues).map((queue) => idOf(queue.queueArn))).toEqual(
      ['Queue', 'QueueDeadLetters', 'ScheduleDeadLetters', 'TimerDeadLetters'].map((name) =>
        expect.stringMatching(new RegExp(`HubleaseRevocation${name}[0-9A-F]{8}`)),
      ),
    );
    expect(idOf(hublease.key.keyArn)).toContain('HubleaseStateKey');
    expect(idOf(hublease.catalogTable.tableArn)).toContain('HubleaseStateCatalogTable');
    expect(idOf(hublease.auditLog.logGroupArn)).toContain('HubleaseStateAuditLog');
    expect(idOf(hublease.accessLog.logGroupArn)).toContain('HubleaseApiAccessLog');
  });
});

describe('credentialKey', { timeout: SYNTH_TIMEOUT_MS }, () => {
  const ENV = { env: { account: '111122223333', region: 'eu-west-1' } };
  const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/0a1b';
  const secretOf = (account: string) => `arn:aws:secretsmanager:eu-west-1:${account}:secret:docker-hub-AbCdEf`;

  /** A stack with a target whose credential was imported. */
  function target(account: string, keyArn: string | undefined): Stack {
    const { stack, hublease } = stackWith({}, ENV);
    hublease.addTarget('bot', {
      kind: 'user',
      credential: secretsmanager.Secret.fromSecretCompleteArn(stack, 'Credential', secretOf(account)),
      ...(keyArn !== undefined && { credentialKey: kms.Key.fromKeyArn(stack, 'CredentialKey', keyArn) }),
    });
    return stack;
  }

  it('lets every function that logs in decrypt with it, through Secrets Manager only', () => {
    const template = templateOf(target('111122223333', KEY));
    for (const name of EVERY_FUNCTION) {
      expect(statementsOf(template, name).filter(({ Resource }) => Resource === KEY)).toEqual([
        {
          Action: 'kms:Decrypt',
          Effect: 'Allow',
          Resource: KEY,
          Condition: {
            StringEquals: {
              'kms:ViaService': ['secretsmanager.eu-west-1.amazonaws.com', 'secretsmanager.eu-west-1.amazonaws.com.cn'],
            },
          },
        },
      ]);
    }
  });

  it('must be given for a secret of another account', () => {
    expect(() => target('444455556666', undefined)).toThrow(
      /^target "bot": its credential is a secret of account 444455556666,.* give that key as credentialKey$/,
    );
    expect(() => target('444455556666', 'arn:aws:kms:eu-west-1:444455556666:key/0a1b')).not.toThrow();
  });

  it('need not be given for a secret of this account, nor for one that tells its key', () => {
    expect(() => target('111122223333', undefined)).not.toThrow();
    const { stack, hublease } = stackWith({}, ENV);
    const encryptionKey = new kms.Key(stack, 'Own');
    const credential = new secretsmanager.Secret(stack, 'Credential', { encryptionKey });
    hublease.addTarget('bot', { kind: 'user', credential, credentialKey: encryptionKey });
    const other = kms.Key.fromKeyArn(stack, 'Other', KEY);
    expect(() => hublease.addTarget('other', { kind: 'user', credential, credentialKey: other })).toThrow(
      'target "other": expected credentialKey to be the key of its credential',
    );
  });
});
