import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DockerImage, type Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundle, ENTRY_FOLDER, type FunctionEntry, LAMBDA_HANDLER } from './bundle.ts';
import { serviceOfThisAccount } from './trust.ts';

/** Some 1.4 MB of JavaScript start in under 200 ms with a third of a CPU; with less it takes seconds. */
const MEMORY_MEBIBYTES = 512;
/** Long enough to look into last month's fault. What must be kept for longer is in the audit log. */
const LOG_RETENTION = logs.RetentionDays.ONE_MONTH;

export interface HubleaseFunctionProps {
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
    this.logGroup = functionLogGroup(this);
    this.role = functionRole(this, this.logGroup);
    this.lambda = new lambda.Function(this, 'Function', {
      description: props.description,
      code: codeOf(props.entry),
      handler: LAMBDA_HANDLER,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: MEMORY_MEBIBYTES,
      ephemeralStorageSize: Size.mebibytes(512),
      timeout: props.timeout,
      environment: props.environment,
      role: this.role,
      logGroup: this.logGroup,
      ...(props.reservedConcurrency !== undefined && { reservedConcurrentExecutions: props.reservedConcurrency }),
      ...(props.recursiveLoop !== undefined && { recursiveLoop: props.recursiveLoop }),
    });
  }

  /** Lets the function do what the statements say. */
  allow(...statements: readonly iam.PolicyStatement[]): void {
    for (const statement of statements) this.role.addToPrincipalPolicy(statement);
  }
}

/** A log group for one function. It goes with the stack: what must outlive that is in the audit log. */
export function functionLogGroup(scope: Construct): logs.LogGroup {
  return new logs.LogGroup(scope, 'Log', { retention: LOG_RETENTION, removalPolicy: RemovalPolicy.DESTROY });
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
