import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CfnOutput, CfnParameter, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { consumerPolicy } from '../../functions/wire/consumer-policy.ts';
import { ROUTES } from '../../functions/wire/routes.ts';
import { ConsumerRole, type ConsumerRoleProps } from '../../infra/hublease.ts';
import { cfnLint } from './cfn-lint.ts';
import { ACCOUNT, API_ID, type Deployed, deployed, REGION } from './deployed.ts';
import { apiPolicyOf, appOf, resourceOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from './synthesized.ts';

const CONSUMER = '444455556666';
const ENDPOINT = `https://${API_ID}.execute-api.${REGION}.amazonaws.com/v1`;
const PROPS: ConsumerRoleProps = {
  endpointUrl: ENDPOINT,
  hubleaseAccount: ACCOUNT,
  secrets: ['ci/release'],
  roleName: 'ci-release',
  assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com'),
};
const READY = consumerPolicy({ partition: 'aws', region: REGION, accountId: ACCOUNT, apiId: API_ID }, ['ci/release']);

const FILE = resolve(import.meta.dirname, '../../examples/consumer-role.yaml');
const PARAMETERS = {
  Endpoint: ENDPOINT,
  HubleaseAccount: ACCOUNT,
  Secret: 'ci/release',
  RoleName: 'ci-release',
  ExistingRole: '',
  GitHubSubject: '',
  TrustedPrincipalArn: '',
};

function roleWith(props: Partial<ConsumerRoleProps> = {}) {
  const stack = new Stack(appOf(), 'Consumer', { env: { account: CONSUMER, region: 'us-east-1' } });
  return { stack, role: new ConsumerRole(stack, 'Release', { ...PROPS, ...props }) };
}

function inTemplate(parameters: Partial<Record<keyof typeof PARAMETERS, string>>): Deployed {
  const template = Template.fromJSON(parse(readFileSync(FILE, 'utf8')) as object);
  return deployed(template, { ...PARAMETERS, ...parameters });
}

/** A part of the template's resources, by its path. */
function partOf(at: Deployed, resource: string, property: string): unknown {
  const { Resources } = parse(readFileSync(FILE, 'utf8')) as {
    Resources: Record<string, { Properties: Record<string, unknown> }>;
  };
  return at.resolve(Resources[resource]?.Properties[property]);
}

describe('the ready policy', () => {
  it("names the callers' routes and no other, and only the secrets that it is for", () => {
    const resources = READY.Statement.flatMap(({ Resource }) => Resource);
    expect(resources).toHaveLength(ROUTES.filter(({ who }) => who === 'caller').length);
    expect(resources.filter((arn) => arn.includes('admin'))).toEqual([]);
    expect(resources.filter((arn) => arn.includes('/POST/lease/'))).toEqual([
      `arn:aws:execute-api:${REGION}:${ACCOUNT}:${API_ID}/v1/POST/lease/ci/release`,
    ]);
  });

  it('is what the installation gives for an output', () => {
    const { stack, hublease } = stackWith();
    new CfnOutput(stack, 'One', { value: hublease.consumerPolicy(['ci/release']) });
    new CfnOutput(stack, 'All', { value: hublease.consumerPolicy() });
    const template = templateOf(stack);
    const outputOf = (id: string) => deployed(template).resolve(template.findOutputs(id)[id]?.Value) as string;
    expect(JSON.parse(outputOf('One'))).toEqual(READY);
    expect(outputOf('All')).toBe(outputOf('One').replace('/lease/ci/release', '/lease/*'));
  });
});

describe('ConsumerRole', () => {
  it('has the ready policy, its name and its trust', () => {
    const { stack, role } = roleWith();
    const template = templateOf(stack);
    expect(deployed(template).policiesOf('Release')).toEqual([READY]);
    const { Properties } = resourceOf(template, 'AWS::IAM::Role', 'Release');
    expect(Properties.RoleName).toBe('ci-release');
    expect(JSON.stringify(Properties.AssumeRolePolicyDocument)).toContain('codebuild.amazonaws.com');
    expect(stack.resolve(role.allowEntry)).toEqual({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::${CONSUMER}:role/ci-release`]],
    });
  });

  it('takes an endpoint that is known at deployment only', () => {
    const stack = new Stack(appOf(), 'Consumer');
    const endpoint = new CfnParameter(stack, 'Endpoint');
    new ConsumerRole(stack, 'Release', { ...PROPS, endpointUrl: endpoint.valueAsString });
    expect(deployed(templateOf(stack), { Endpoint: ENDPOINT }).policiesOf('Release')).toEqual([READY]);
  });

  it.each([
    ['endpointUrl', { endpointUrl: 'https://hublease.example.com/v1' }, 'endpointUrl: expected https://API_ID.'],
    [
      'hubleaseAccount',
      { hubleaseAccount: '1234' },
      'hubleaseAccount: expected an account id of 12 digits, got "1234"',
    ],
    ['no secrets', { secrets: [] }, 'secrets: expected the name of at least one secret'],
    ['secrets', { secrets: ['../admin/targets'] }, 'secrets: expected names such as ci/release'],
  ])('refuses malformed props: %s', (_, props, message) => {
    expect(() => roleWith(props)).toThrow(message);
  });

  it('needs no statement by hand when grantLease is given it', () => {
    const { app, stack, hublease } = stackWith({}, { env: { account: ACCOUNT, region: REGION } });
    const consumer = new Stack(app, 'Consumer', { env: { account: CONSUMER, region: REGION } });
    const role = new ConsumerRole(consumer, 'Release', PROPS);
    hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write' }).grantLease(role);
    const template = templateOf(stack);
    const [, admitted] = apiPolicyOf(template);
    const resolved = deployed(template).resolve(admitted) as { Condition: unknown };
    expect(resolved.Condition).toEqual({
      ArnEquals: { 'aws:PrincipalArn': [`arn:aws:iam::${CONSUMER}:role/ci-release`] },
    });
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });
});

describe('examples/consumer-role.yaml', () => {
  it('has the policy of the construct', () => {
    const construct = deployed(templateOf(roleWith().stack)).policiesOf('Release');
    expect(partOf(inTemplate({}), 'Policy', 'PolicyDocument')).toEqual(construct[0]);
  });

  it('makes a role for one subject of GitHub Actions', () => {
    const at = inTemplate({ GitHubSubject: 'repo:acme/app:environment:release' });
    expect(partOf(at, 'Role', 'AssumeRolePolicyDocument')).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/token.actions.githubusercontent.com` },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: {
            StringEquals: {
              'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
              'token.actions.githubusercontent.com:sub': 'repo:acme/app:environment:release',
            },
          },
        },
      ],
    });
    expect(partOf(at, 'Policy', 'Roles')).toEqual(['Role']);
  });

  it('makes a role for another principal', () => {
    const at = inTemplate({ TrustedPrincipalArn: `arn:aws:iam::${CONSUMER}:role/runner` });
    expect(partOf(at, 'Role', 'AssumeRolePolicyDocument')).toMatchObject({
      Statement: [{ Principal: { AWS: `arn:aws:iam::${CONSUMER}:role/runner` }, Action: 'sts:AssumeRole' }],
    });
  });

  it('adds the policy to a role that exists', () => {
    expect(partOf(inTemplate({ ExistingRole: 'runner' }), 'Policy', 'Roles')).toEqual(['runner']);
  });

  it.each([
    'repo:acme/app:pull_request',
    'repo:acme/*:environment:release',
    'repo:acme/app:ref:refs/heads/*',
    'repo:acme/app:*',
  ])('takes no subject that many jobs have: %s', (subject) => {
    expect(new RegExp(patternOf('GitHubSubject')).test(subject)).toBe(false);
  });

  it.each(['repo:acme/app:environment:release', 'repo:acme/app:ref:refs/heads/main', ''])(
    'takes a subject that names repository and environment or branch, or none: "%s"',
    (subject) => {
      expect(new RegExp(patternOf('GitHubSubject')).test(subject)).toBe(true);
    },
  );

  it.each([
    ['TrustedPrincipalArn', '*'],
    ['TrustedPrincipalArn', `arn:aws:iam::${CONSUMER}:role/*`],
    ['Endpoint', 'https://hublease.example.com/v1'],
    ['Secret', '../admin/targets'],
    ['ExistingRole', 'path/role'],
  ])('refuses what would admit others or lead elsewhere: %s %s', (parameter, value) => {
    expect(new RegExp(patternOf(parameter)).test(value)).toBe(false);
  });

  it('takes the values that it is tested with', () => {
    const given = {
      ...PARAMETERS,
      TrustedPrincipalArn: `arn:aws:iam::${CONSUMER}:role/ci/runner`,
      ExistingRole: 'runner',
    };
    for (const [parameter, value] of Object.entries(given)) expect(value).toMatch(new RegExp(patternOf(parameter)));
  });

  it(
    'has no error and no warning that cfn-lint finds',
    ({ skip }) => {
      const lint = cfnLint(FILE, { warnings: true });
      if (lint === undefined) return skip();
      expect(lint).toEqual({ findings: [], status: 0, stderr: '' });
    },
    SYNTH_TIMEOUT_MS,
  );
});

function patternOf(parameter: string): string {
  const { Parameters } = parse(readFileSync(FILE, 'utf8')) as {
    Parameters: Record<string, { AllowedPattern: string }>;
  };
  return Parameters[parameter]?.AllowedPattern ?? '';
}

describe('docs/deploy.md', () => {
  it('shows the ready policy', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/deploy.md'), 'utf8');
    const api = { partition: 'aws', region: 'us-east-1', accountId: ACCOUNT, apiId: 'API_ID' };
    expect(page).toContain(JSON.stringify(consumerPolicy(api, ['ci/release']), null, 2));
  });
});
