import { App, CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { ApiGatewayLogging } from './api-gateway-logging.ts';
import { contextOf } from './context.ts';
import { Hublease } from './hublease.ts';

const app = new App();
const context = contextOf((key) => app.node.tryGetContext(key));

/** Deploys one installation, as the context of `cdk.json` and `-c hublease:NAME=VALUE` say. */
class HubleaseStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id, { description: 'hublease: just-in-time Docker Hub tokens' });
    const hublease = new Hublease(this, 'Hublease', {
      consumers: { accounts: context.consumerAccounts, organizationId: context.organizationId },
      defaultTtl: seconds(context.defaultTtlSeconds),
      maxTtl: seconds(context.maxTtlSeconds),
      minTtl: seconds(context.minTtlSeconds),
      sweepInterval: seconds(context.sweepIntervalSeconds),
      auditRetention: context.auditRetentionDays === undefined ? undefined : Duration.days(context.auditRetentionDays),
      auditRequired: context.auditRequired ?? false,
      dashboard: context.dashboard ?? true,
      removalPolicy:
        context.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      ...(context.encryptionKeyArn !== undefined && {
        encryptionKey: kms.Key.fromKeyArn(this, 'EncryptionKey', context.encryptionKeyArn),
      }),
      formerEncryptionKeys: (context.formerEncryptionKeyArns ?? []).map((arn, index) =>
        kms.Key.fromKeyArn(this, `FormerEncryptionKey${index}`, arn),
      ),
      ...(context.alarmTopicArn !== undefined && {
        alarmTopic: sns.Topic.fromTopicArn(this, 'AlarmTopic', context.alarmTopicArn),
      }),
      ...(context.mintConcurrency !== undefined && { mintConcurrency: context.mintConcurrency }),
      ...(context.revokeConcurrency !== undefined && { revokeConcurrency: context.revokeConcurrency }),
      ...(context.runbook !== undefined && { runbook: context.runbook }),
    });
    if (context.apiGatewayLogging ?? true) {
      hublease.node.addDependency(new ApiGatewayLogging(this, 'ApiGatewayLogging'));
    }
    new CfnOutput(this, 'EndpointUrl', { value: hublease.endpointUrl, description: 'Set HUBLEASE_ENDPOINT to this' });
    new CfnOutput(this, 'ConsumerPolicy', {
      value: hublease.consumerPolicy(),
      description: 'Identity policy for a role that leases. Put the name of a secret in the place of lease/*',
    });
    new CfnOutput(this, 'LeaseTable', { value: hublease.leaseTable.tableName });
  }
}

function seconds(value: number | undefined): Duration | undefined {
  return value === undefined ? undefined : Duration.seconds(value);
}

new HubleaseStack(app, context.stackName ?? 'Hublease');
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
