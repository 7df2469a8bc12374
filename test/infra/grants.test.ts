import type { Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { CALLER_ROUTES, openEnded } from '../../functions/wire/consumer-policy.ts';
import type { Consumers, Hublease } from '../../infra/hublease.ts';
import { charactersOf } from '../../infra/policy-size.ts';
import {
  apiPolicyOf,
  grantedPathsOf,
  resourceOf,
  resourcesOf,
  SYNTH_TIMEOUT_MS,
  stackWith,
  templateOf,
} from './synthesized.ts';

const ENV = { env: { account: '111122223333', region: 'eu-west-1' } };
const FIRST_ACCOUNT = 444455556000;

function foreignRole(stack: Stack, n: number, name = `role-${n}`): iam.IRole {
  return iam.Role.fromRoleArn(stack, `Imported${n}`, `arn:aws:iam::${FIRST_ACCOUNT + n}:role/${name}`);
}

function secretOf(hublease: Hublease, name: string) {
  return hublease.addDynamicSecret(name, {
    target: 'acme-bot',
    scope: 'repo:read',
    allow: ['arn:aws:iam::111122223333:role/ci'],
  });
}

/** A stack whose one secret is granted to roles of so many other accounts. */
function withForeignRoles(count: number, consumers: Consumers = {}, name?: (n: number) => string) {
  const made = stackWith({ consumers }, ENV);
  const secret = secretOf(made.hublease, 'ci/release');
  for (let n = 0; n < count; n++) secret.grantLease(foreignRole(made.stack, n, name?.(n)));
  return made;
}

/** As long as a role of a deployment pipeline. */
const longName = (n: number) => `deployment-pipelines/product-${n}-release-build-and-push`;

function warnings(stack: Stack): string[] {
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => String(entry.data));
}

/** Of a policy with the ids of APIs at their length. */
function sizeOf(policy: unknown): number {
  return charactersOf(JSON.parse(JSON.stringify(policy).replaceAll(/\{"Ref":"HubleaseApi\w*"\}/g, '"a1b2c3d4e5"')));
}

function sizeWarnings(stack: Stack): string[] {
  return warnings(stack).filter((text) => text.includes('resource policy has'));
}

describe('grants to roles of other accounts', () => {
  it("share one statement, which admits each role by its full ARN to the callers' routes and to every secret", () => {
    const { stack, hublease } = stackWith({}, ENV);
    const roles = [2, 0, 1].map((n) => foreignRole(stack, n, `ci/deep/role-${n}`));
    const secrets = ['ci/release', 'ci/pull'].map((name) => secretOf(hublease, name));
    for (const role of roles) for (const secret of secrets) secret.grantLease(role);
    const policy = apiPolicyOf(templateOf(stack));
    expect(policy).toHaveLength(2);
    expect(policy[1]).toMatchObject({
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: 'execute-api:Invoke',
      Resource: CALLER_ROUTES.map(({ method, path }) => `execute-api:/v1/${method}${openEnded(path)}`),
      Condition: {
        ArnEquals: {
          'aws:PrincipalArn': [0, 1, 2].map((n) => `arn:aws:iam::${FIRST_ACCOUNT + n}:role/ci/deep/role-${n}`),
        },
      },
    });
  });

  it('do not make the policy longer by their secrets', () => {
    const sizeWith = (secrets: number) => {
      const { stack, hublease } = stackWith({}, ENV);
      const role = foreignRole(stack, 0);
      for (let n = 0; n < secrets; n++) secretOf(hublease, `ci/app-${n}`).grantLease(role);
      return charactersOf(apiPolicyOf(templateOf(stack)));
    };
    expect(sizeWith(20)).toBe(sizeWith(1));
  });

  it('need no room for roles of accounts that are consumers', () => {
    const { stack } = withForeignRoles(2, { accounts: [String(FIRST_ACCOUNT)] });
    const policy = apiPolicyOf(templateOf(stack));
    const named = policy.flatMap(({ Condition }) => Condition?.ArnEquals?.['aws:PrincipalArn'] ?? []);
    expect(named).toEqual([`arn:aws:iam::${FIRST_ACCOUNT + 1}:role/role-1`]);
  });

  it('change the deployment when they change, and not when only their order does', () => {
    const deploymentOf = (order: readonly number[]) => {
      const { stack, hublease } = stackWith({}, ENV);
      const secret = secretOf(hublease, 'ci/release');
      for (const n of order) secret.grantLease(foreignRole(stack, n));
      return Object.keys(resourcesOf(templateOf(stack), 'AWS::ApiGateway::Deployment'));
    };
    expect(deploymentOf([0, 1])).not.toEqual(deploymentOf([0]));
    expect(deploymentOf([0, 1])).toEqual(deploymentOf([1, 0]));
  });

  it('warn once for each role, with the statement for all of its secrets', () => {
    const { stack, hublease } = stackWith({}, ENV);
    const role = foreignRole(stack, 0);
    for (const name of ['ci/release', 'ci/pull']) secretOf(hublease, name).grantLease(role);
    const [text = '', ...more] = warnings(stack);
    expect(more).toEqual([]);
    const arn = 'arn:aws:execute-api:eu-west-1:111122223333:API_ID/v1';
    for (const path of ['/POST/lease/ci/release', '/POST/lease/ci/pull']) expect(text).toContain(`"${arn}${path}"`);
    expect(text.match(/\/v1\/GET\/whoami"/g)).toHaveLength(1);
  });
});

describe('a role whose ARN has a wildcard', () => {
  it('is refused, for it would admit every role that matches', () => {
    const { stack, hublease } = stackWith({}, ENV);
    const secret = secretOf(hublease, 'ci/release');
    expect(() => secret.grantLease(foreignRole(stack, 0, '*'))).toThrow(
      'grantLease: expected the ARN of one role, got "arn:aws:iam::444455556000:role/*"',
    );
  });
});

describe('the size of the resource policy', () => {
  it('is no subject for seventeen roles in seventeen accounts', () => {
    const { stack } = withForeignRoles(17);
    expect(sizeWarnings(stack)).toEqual([]);
    expect(charactersOf(apiPolicyOf(templateOf(stack)))).toBeLessThan(2_500);
  });

  it('is warned about from 6,000 characters, with the ways out', () => {
    const { stack } = withForeignRoles(70, {}, longName);
    const characters = charactersOf({ Version: '2012-10-17', Statement: apiPolicyOf(templateOf(stack)) });
    expect(characters).toBeGreaterThan(6_000);
    const [text = '', ...more] = sizeWarnings(stack);
    expect(more).toEqual([]);
    expect(text).toContain(`has ${characters} characters, and API Gateway takes 8192. It names 70 roles`);
    expect(text).toContain('consumers.accounts');
    expect(text).toContain('consumers.organizationId');
  });

  it('stops the synth above 8,192 characters, with the ways out', () => {
    const { app } = withForeignRoles(100, {}, longName);
    expect(() => app.synth()).toThrow(/resource policy has \d+ characters.*consumers\.accounts.*organizationId/s);
  });

  it('is small again once the accounts of the roles are consumers', () => {
    const accounts = Array.from({ length: 100 }, (_, n) => String(FIRST_ACCOUNT + n));
    const { app, stack } = withForeignRoles(100, { accounts }, longName);
    expect(() => app.synth()).not.toThrow();
    expect(sizeWarnings(stack)).toEqual([]);
  });

  it('counts what a reference stands for, at its longest', () => {
    const join = (...parts: unknown[]) => ({ 'Fn::Join': ['', parts] });
    expect(charactersOf(join('arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }))).toBe(
      JSON.stringify('arn:aws-us-gov:iam::111122223333').length,
    );
    expect(charactersOf([{ 'Fn::ImportValue': 'Other' }])).toBe(2 + 2 + 64);
  });
});

describe('grants to roles of the own account', () => {
  const rolesPolicies = (secrets: number) => {
    const { stack, hublease } = stackWith();
    const role = new iam.Role(stack, 'Ci', { assumedBy: new iam.AccountRootPrincipal() });
    for (let n = 0; n < secrets; n++) secretOf(hublease, `team-${n}/application-${n}/release`).grantLease(role);
    hublease.grantReadLeases(role);
    return templateOf(stack);
  };

  it("over 40 secrets are one statement that names each resource once, in no policy but the role's own", () => {
    const template = rolesPolicies(40);
    expect(resourcesOf(template, 'AWS::IAM::ManagedPolicy')).toEqual({});
    const { PolicyDocument } = resourceOf(template, 'AWS::IAM::Policy', 'CiDefaultPolicy').Properties;
    expect((PolicyDocument as { Statement: unknown[] }).Statement).toHaveLength(1);
    const paths = grantedPathsOf(template, 'CiDefaultPolicy');
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.filter((path) => path.startsWith('/v1/POST/lease/'))).toHaveLength(40);
    expect(paths).toContain('/v1/GET/admin/leases');
  });

  it(
    'over 200 secrets still fit into the policies that CDK makes of them',
    () => {
      const template = rolesPolicies(200);
      const managed = Object.values(resourcesOf(template, 'AWS::IAM::ManagedPolicy'));
      expect(managed.length).toBeGreaterThan(0);
      for (const { Properties } of managed) expect(sizeOf(Properties.PolicyDocument)).toBeLessThan(6_144);
      const own = resourceOf(template, 'AWS::IAM::Policy', 'CiDefaultPolicy').Properties.PolicyDocument;
      expect(sizeOf(own)).toBeLessThan(10_240);
    },
    SYNTH_TIMEOUT_MS,
  );
});
