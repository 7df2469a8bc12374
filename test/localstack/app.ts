import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { ApiGatewayLogging } from '../../infra/api-gateway-logging.ts';
import { Hublease } from '../../infra/hublease.ts';

/** The names of the target and the secret that the stack declares. */
export const DECLARED = { target: 'declared', secret: 'declared/release' };
export const STACK_NAME = 'Hublease';

export interface AppOptions {
  /** ARN of the secret that holds the credential of the declared target. */
  readonly credentialArn: string;
  /** Default TTL of the declared secret. */
  readonly defaultTtlSeconds: number;
}

/** The result of a synth. */
export interface Synthesized {
  readonly templateText: string;
  readonly template: Template;
  /** The folder of each asset, by the asset's key in the bucket. */
  readonly assets: Readonly<Record<string, string>>;
}

export interface Template {
  readonly Resources: Readonly<Record<string, object>>;
}

// CDK's own validation takes 4 s of CPU. `npm run synth` has it on.
process.env.CDK_VALIDATION = 'false';

/**
 * Synthesizes a stack like that of `infra/app.ts`, and declares a target and a secret in it, which a role of the stack may lease
 * from. Bundles the functions.
 */
export function synthesize(folder: string, options: AppOptions): Synthesized {
  const app = new App({ outdir: folder });
  const stack = new Stack(app, STACK_NAME);
  const hublease = new Hublease(stack, 'Hublease');
  hublease.node.addDependency(new ApiGatewayLogging(stack, 'ApiGatewayLogging'));
  const credential = secretsmanager.Secret.fromSecretCompleteArn(stack, 'Credential', options.credentialArn);
  const target = hublease.addTarget(DECLARED.target, { credential, kind: 'user' });
  const secret = hublease.addDynamicSecret(DECLARED.secret, {
    target,
    scope: 'repo:write',
    defaultTtl: Duration.seconds(options.defaultTtlSeconds),
  });
  const [build, platform] = ['Build', 'Platform'].map(
    (id) => new iam.Role(stack, id, { assumedBy: new iam.AccountRootPrincipal() }),
  ) as [iam.Role, iam.Role];
  secret.grantLease(build);
  hublease.grantAdmin(platform);
  new CfnOutput(stack, 'EndpointUrl', { value: hublease.endpointUrl });
  new CfnOutput(stack, 'LeaseTable', { value: hublease.leaseTable.tableName });
  new CfnOutput(stack, 'BuildRole', { value: build.roleName });
  app.synth();
  const templateText = readFileSync(join(folder, `${STACK_NAME}.template.json`), 'utf8');
  const assets = readdirSync(folder).filter((name) => name.startsWith('asset.'));
  return {
    templateText,
    template: JSON.parse(templateText),
    assets: Object.fromEntries(assets.map((name) => [`${name.slice('asset.'.length)}.zip`, join(folder, name)])),
  };
}
