import { type Duration, type Size, Stack } from 'aws-cdk-lib';
import { EndpointType } from 'aws-cdk-lib/aws-apigateway';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { FunctionOptions } from './function.ts';

/** Settings for running an installation. Most installations need none of them. */
export interface OperationProps {
  /** Type of the API. PRIVATE admits only requests through `vpcEndpoints`. @default EndpointType.REGIONAL */
  readonly endpointType?: EndpointType;
  /** Interface endpoints for execute-api. Required with `endpointType` PRIVATE, which denies all other requests. @default none */
  readonly vpcEndpoints?: readonly ec2.IVpcEndpoint[];
  /** VPC for all functions. From there, they must reach Docker Hub and the AWS services. @default no VPC */
  // With `exactOptionalPropertyTypes`, TypeScript does not accept CDK's `Vpc` as an `IVpc`.
  readonly vpc?: ec2.IVpc | ec2.Vpc;
  /** Subnets of `vpc` for the functions. @default its private subnets with egress */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** Security groups for all functions in `vpc`. @default one for each function, which allows all outbound traffic */
  readonly securityGroups?: readonly ec2.ISecurityGroup[];
  /** Memory of each function, 256 to 10,240 MiB. More memory also gives more CPU. @default 512 MiB */
  readonly memory?: Size;
  /** How long the functions' logs are kept. `auditRetention` is for the audit log and the access log. @default 30 days */
  readonly logRetention?: Duration;
  /**
   * Encrypts the functions' logs, the audit log and the access log. If the key is imported, its policy must let CloudWatch Logs use
   * it. For a key of the same app, hublease adds this. @default a key of CloudWatch Logs
   */
  readonly logKey?: kms.IKey;
  /** Turns on AWS X-Ray for the API and the functions. @default false */
  readonly tracing?: boolean;
  /** Max concurrency of revokers on the queue, 2 to 1,000. @default half of `revokeConcurrency`, or 10 if that is not set */
  readonly maxRevokers?: number;
}

/** How callers reach the API. */
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

/** Lets CloudWatch Logs use the key for log groups of this account. This has no effect on imported keys. */
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
