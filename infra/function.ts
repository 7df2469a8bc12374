import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage, Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundle, ENTRY_FOLDER, type FunctionEntry, LAMBDA_HANDLER } from './bundle.ts';
import { retentionOf } from './retention.ts';
import { serviceOfThisAccount } from './trust.ts';
import { acknowledgeWildcard } from './wildcards.ts';

/** Some 1.4 MB of JavaScript start in under 200 ms with a third of a CPU; with less it takes seconds. */
const MEMORY_MEBIBYTES = 512;
/** Long enough to look into last month's fault. What must be kept for longer is in the audit log. */
const LOG_RETENTION = Duration.days(30);

/** What an installation's functions have in common. */
export interface FunctionOptions {
  /** A VPC that they run in. */
  readonly network?: {
    readonly vpc: ec2.IVpc;
    readonly vpcSubnets?: ec2.SubnetSelection | undefined;
    readonly securityGroups?: readonly ec2.ISecurityGroup[] | undefined;
  };
  readonly memoryMebibytes?: number;
  readonly logRetention?: Duration;
  readonly logKey?: kms.IKey;
  readonly tracing: boolean;
}

export interface HubleaseFunctionProps {
  readonly options: FunctionOptions;
  readonly entry: FunctionEntry;
  readonly description: string;
  readonly environment: Record<string, string>;
  readonly timeout: Duration;
  /** Unset, the function shares the account's concurrency. */
  readonly reservedConcurrency?: number | undefined;
  /** Only for a function that means to be called by what it sends. */
  readonly recursiveLoop?: lambda.RecursiveLoop;
}

/** One of hublease's Lambda functions, with a log group and a role of its own that may at first only write that log. */
export class HubleaseFunction extends Construct {
  readonly lambda: lambda.Function;
  readonly role: iam.Role;
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: HubleaseFunctionProps) {
    super(scope, id);
    const { options } = props;
    const { vpc, vpcSubnets, securityGroups } = options.network ?? {};
    this.logGroup = functionLogGroup(this, options);
    this.role = functionRole(this, this.logGroup);
    if (vpc !== undefined) joinNetwork(this.role);
    this.lambda = new lambda.Function(this, 'Function', {
      description: props.description,
      code: codeOf(props.entry),
      handler: LAMBDA_HANDLER,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: options.memoryMebibytes ?? MEMORY_MEBIBYTES,
      ephemeralStorageSize: Size.mebibytes(512),
      timeout: props.timeout,
      environment: props.environment,
      role: this.role,
      logGroup: this.logGroup,
      ...(vpc !== undefined && { vpc }),
      ...(vpcSubnets !== undefined && { vpcSubnets }),
      ...(securityGroups !== undefined && { securityGroups: [...securityGroups] }),
      ...(options.tracing && { tracing: lambda.Tracing.ACTIVE }),
      ...(props.reservedConcurrency !== undefined && { reservedConcurrentExecutions: props.reservedConcurrency }),
      ...(props.recursiveLoop !== undefined && { recursiveLoop: props.recursiveLoop }),
    });
    if (options.tracing)
      acknowledgeWildcard(this.role, ANYTHING, 'Traces of X-Ray belong to no resource that could be named.');
  }

  /** Lets the function do what the statements say. */
  allow(...statements: readonly iam.PolicyStatement[]): void {
    for (const statement of statements) this.role.addToPrincipalPolicy(statement);
  }
}

/** A log group for one function. It goes with the stack: what must outlive that is in the audit log. */
export function functionLogGroup(
  scope: Construct,
  { logRetention = LOG_RETENTION, logKey }: Pick<FunctionOptions, 'logRetention' | 'logKey'>,
): logs.LogGroup {
  return new logs.LogGroup(scope, 'Log', {
    retention: retentionOf(logRetention),
    removalPolicy: RemovalPolicy.DESTROY,
    ...(logKey !== undefined && { encryptionKey: logKey }),
  });
}

const ANYTHING = '*';

/**
 * Lets Lambda give the function network interfaces in a VPC.
 * Source: AWS managed policy AWSLambdaVPCAccessExecutionRole, without its logs.
 */
function joinNetwork(role: iam.Role): void {
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      sid: 'JoinNetwork',
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: [ANYTHING],
    }),
  );
  acknowledgeWildcard(role, ANYTHING, 'Lambda checks these rights on all network interfaces before there is one.');
}

/** A role that Lambda may take for functions of this account, and that may write one log group. */
export function functionRole(scope: Construct, logGroup: logs.ILogGroup): iam.Role {
  const role = new iam.Role(scope, 'Role', {
    assumedBy: serviceOfThisAccount('lambda.amazonaws.com'),
  });
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      sid: 'WriteOwnLog',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
  return role;
}

/**
 * In this repository the function is bundled from its source. A built package has no sources and brings its functions
 * prebuilt, in `functions/NAME` beside the folder of this file, so that its users need neither esbuild nor the network.
 */
function codeOf(entry: FunctionEntry): lambda.Code {
  if (!existsSync(join(ENTRY_FOLDER, `${entry}.ts`))) {
    return lambda.Code.fromAsset(join(import.meta.dirname, '..', 'functions', entry));
  }
  return lambda.Code.fromAsset(ENTRY_FOLDER, {
    // By what is deployed. By its source, a change outside the folder of entries would not be uploaded.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // CDK bundles a folder once for all that ask for it in the same words, and `tryBundle` is no word to it.
      command: [entry],
      // Asked for by the type and never used: bundling here either succeeds or throws.
      image: DockerImage.fromRegistry('none'),
      local: {
        tryBundle(outputFolder) {
          bundle(entry, outputFolder);
          return true;
        },
      },
    },
  });
}
