import { join } from 'node:path';
import { type App, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiGatewayLogging } from '../../infra/api-gateway-logging.ts';
import { contextOf } from '../../infra/context.ts';
import { Hublease } from '../../infra/hublease.ts';
import { cfnLint } from './cfn-lint.ts';
import { appOf, SYNTH_TIMEOUT_MS } from './synthesized.ts';

let folder: string;
let template: Template;

/** All that there is: every option, a target, a secret. */
function wholeStack(app: App): { stack: Stack; hublease: Hublease } {
  const stack = new Stack(app, 'Whole');
  const hublease = new Hublease(stack, 'Hublease', {
    defaultTtl: Duration.minutes(15),
    maxTtl: Duration.hours(1),
    auditRetention: Duration.days(90),
    mintConcurrency: 10,
    revokeConcurrency: 10,
  });
  const credential = new secretsmanager.Secret(stack, 'Credential');
  Validations.of(credential).acknowledge({ id: 'AwsSolutions-SMG4', reason: 'An example of what its owner keeps' });
  const target = hublease.addTarget('acme-bot', { credential, kind: 'user' });
  hublease.addDynamicSecret('ci/release', {
    target,
    scope: 'repo:write',
    allow: ['arn:aws:iam::111122223333:role/ci*'],
  });
  hublease.node.addDependency(new ApiGatewayLogging(stack, 'ApiGatewayLogging'));
  return { stack, hublease };
}

beforeAll(() => {
  const app = appOf();
  const { stack } = wholeStack(app);
  // An error of cdk-nag that nobody has acknowledged stops the synth.
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  folder = app.synth().directory;
  template = Template.fromStack(stack);
}, SYNTH_TIMEOUT_MS);

/** Made one by one from the routes, against which `api.test.ts` holds them. */
const OF_ROUTES = ['AWS::ApiGateway::Resource', 'AWS::ApiGateway::Method', 'AWS::ApiGateway::Deployment'];

function isOfRoutes({ Type, Properties }: { Type: string; Properties?: { Principal?: string } }): boolean {
  return OF_ROUTES.includes(Type) || Properties?.Principal === 'apigateway.amazonaws.com';
}

describe('the template', () => {
  it('is this, but for the hashes of assets and what is made from the routes', () => {
    const { Resources } = template.toJSON() as {
      Resources: Record<string, { Type: string; Properties?: { Principal?: string } }>;
    };
    const kept = Object.fromEntries(Object.entries(Resources).filter(([, resource]) => !isOfRoutes(resource)));
    const text = JSON.stringify(kept, null, 1)
      .replaceAll(/[0-9a-f]{64}/g, 'ASSET')
      .replaceAll(/(RestApiDeployment[0-9A-F]{8})[0-9a-f]{32}/g, '$1HASH');
    expect(text).toMatchSnapshot();
  });

  it(
    'has no error that cfn-lint finds',
    ({ skip }) => {
      const lint = cfnLint(join(folder, 'Whole.template.json'));
      if (lint === undefined) return skip();
      expect(lint).toEqual({ findings: [], status: 0, stderr: '' });
    },
    SYNTH_TIMEOUT_MS,
  );
});

describe('cdk-nag', () => {
  it(
    'still finds what nobody has acknowledged',
    () => {
      const app = appOf();
      const { stack } = wholeStack(app);
      const role = new iam.Role(stack, 'Wide', { assumedBy: new iam.AccountRootPrincipal() });
      role.addToPolicy(new iam.PolicyStatement({ actions: ['sqs:*'], resources: ['*'] }));
      Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
      const formerExitCode = process.exitCode;
      const refusal = refusalOf(() => app.synth());
      process.exitCode = formerExitCode;
      expect(refusal).toMatch(/IAM5|[Vv]alidation/);
    },
    SYNTH_TIMEOUT_MS,
  );
});

describe('the context of the app', () => {
  it('may come from cdk.json as JSON, or from the command line as text', () => {
    const json: Record<string, unknown> = {
      'hublease:consumerAccounts': ['111122223333'],
      'hublease:maxTtlSeconds': 3_600,
      'hublease:dashboard': false,
    };
    const line: Record<string, unknown> = {
      'hublease:consumerAccounts': '111122223333, 444455556666',
      'hublease:maxTtlSeconds': '3600',
      'hublease:dashboard': 'false',
      'hublease:removalPolicy': 'destroy',
      'hublease:runbook': '',
    };
    expect(contextOf((key) => json[key])).toEqual({
      consumerAccounts: ['111122223333'],
      maxTtlSeconds: 3_600,
      dashboard: false,
    });
    expect(contextOf((key) => line[key])).toEqual({
      consumerAccounts: ['111122223333', '444455556666'],
      maxTtlSeconds: 3_600,
      dashboard: false,
      removalPolicy: 'destroy',
    });
  });

  it.each([
    ['removalPolicy', 'snapshot'],
    ['maxTtlSeconds', '1h'],
    ['dashboard', 'maybe'],
    ['consumerAccounts', 111122223333],
  ])('hublease:%s of another form is named', (name, value) => {
    expect(() => contextOf((key) => (key === `hublease:${name}` ? value : undefined))).toThrow(`hublease:${name}`);
  });
});

function refusalOf(synth: () => unknown): string {
  try {
    synth();
  } catch (error) {
    return String(error);
  }
  return process.exitCode === 1 ? 'validation set the exit code' : 'none';
}
