import { type Duration, type Size, Stack } from 'aws-cdk-lib';
import { EndpointType } from 'aws-cdk-lib/aws-apigateway';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { FunctionOptions } from './function.ts';

/** How an installation is run, where the defaults do not suit. */
export interface OperationProps {
  /** PRIVATE is reached through `vpcEndpoints` alone. @default EndpointType.REGIONAL */
  readonly endpointType?: EndpointType;
  /** Interface endpoints for execute-api, with `endpointType` PRIVATE. Requests by any other way are denied. @default none */
  readonly vpcEndpoints?: readonly ec2.IVpcEndpoint[];
  /** All functions run in it. They need a way from there to Docker Hub and to AWS' services. @default no VPC */
  // CDK's own `Vpc` is no `IVpc` to a project that tells missing from undefined.
  readonly vpc?: ec2.IVpc | ec2.Vpc;
  /** With `vpc`. @default its private subnets with a way out */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** With `vpc`, for all functions. @default one for each function, which lets everything out */
  readonly securityGroups?: readonly ec2.ISecurityGroup[];
  /** Of every function, 256 to 10,240 MiB. More of it brings more CPU. @default 512 MiB */
  readonly memory?: Size;
  /** How long the functions' logs are kept. Audit and access log have `auditRetention`. @default 30 days */
  readonly logRetention?: Duration;
  /**
   * Encrypts the functions' logs, the audit log and the access log. A key of the same app is told to let CloudWatch Logs use it; the
   * policy of another must do so. @default a key of CloudWatch Logs
   */
  readonly logKey?: kms.IKey;
  /** AWS X-Ray of the API and the functions. @default false */
  readonly tracing?: boolean;
  /** Revokers at work on the queue at a time, 2 to 1,000. @default half of `revokeConcurrency`, else 10 */
  readonly maxRevokers?: number;
}

/** How the API is reached. */
export interface Endpoint {
  readonly type: EndpointType;
  readonly vpcEndpoints: readonly ec2.IVpcEndpoint[];
}

const MIN_MEMORY_MEBIBYTES = 256;
/** Source: Lambda Developer Guide, "Lambda quotas". */
const MAX_MEMORY_MEBIBYTES = 10_240;

/** @throws Error that names the property, what it got and what it expected. */
export function endpointOf({ endpointType = EndpointType.REGIONAL, vpcEndpoints = [] }: OperationProps): Endpoint {
  const isPrivate = endpointType === EndpointType.PRIVATE;
  if (isPrivate && vpcEndpoints.length === 0) {
    throw new Error('vpcEndpoints: expected at least one with endpointType PRIVATE, got none');
  }
  if (!isPrivate && vpcEndpoints.length > 0) {
    throw new Error(`vpcEndpoints: expected none with endpointType ${endpointType}, got ${vpcEndpoints.length}`);
  }
  return { type: endpointType, vpcEndpoints };
}

/** @throws Error that names the property, what it got and what it expected. */
export function functionOptionsOf(props: OperationProps): FunctionOptions {
  const { vpc, vpcSubnets, securityGroups, memory, logRetention, logKey, tracing } = props;
  if (vpc === undefined && vpcSubnets !== undefined) throw new Error('vpcSubnets: expected vpc with it, got none');
  if (vpc === undefined && securityGroups !== undefined) {
    throw new Error('securityGroups: expected vpc with it, got none');
  }
  const mebibytes = memory?.toMebibytes({});
  if (mebibytes !== undefined && (mebibytes < MIN_MEMORY_MEBIBYTES || mebibytes > MAX_MEMORY_MEBIBYTES)) {
    throw new Error(`memory: expected ${MIN_MEMORY_MEBIBYTES} to ${MAX_MEMORY_MEBIBYTES} MiB, got ${mebibytes} MiB`);
  }
  return {
    ...(vpc !== undefined && { network: { vpc: vpc as ec2.IVpc, vpcSubnets, securityGroups } }),
    ...(mebibytes !== undefined && { memoryMebibytes: mebibytes }),
    ...(logRetention !== undefined && { logRetention }),
    ...(logKey !== undefined && { logKey }),
    tracing: tracing ?? false,
  };
}

/** Lets CloudWatch Logs use the key for log groups of this account, where the key's policy is this app's to change. */
export function allowLogs(key: kms.IKey, scope: Construct): void {
  const { partition, region, account } = Stack.of(scope);
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'EncryptLogs',
      principals: [new iam.ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
      },
    }),
    true,
  );
}
