import { Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match, type Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { check } from '../../functions/wire/check.ts';
import { SecretBody, secretOrder } from '../../functions/wire/requests/secret.ts';
import { apiPolicyOf, grantedPathsOf, type Resource, resourcesOf, stackWith, templateOf } from './synthesized.ts';

const ENV = { env: { account: '111122223333', region: 'eu-west-1' } };
const FOREIGN_ROLE = 'arn:aws:iam::444455556666:role/ci/release';

function entriesOf(template: Template): Record<string, Resource> {
  return resourcesOf(template, 'Custom::HubleaseCatalogEntry');
}

function entryOf(template: Template, entry: 'target' | 'secret'): Resource {
  const [found] = Object.values(entriesOf(template)).filter(({ Properties }) => Properties.entry === entry);
  if (found === undefined) throw new Error(`no ${entry}`);
  return found;
}

/** The JSON of a secret's admin PUT, with references filled in. */
function bodyOf(template: Template): Record<string, unknown> {
  const { body } = entryOf(template, 'secret').Properties;
  const text =
    typeof body === 'string'
      ? body
      : (body as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1]
          .map((part) => (typeof part === 'string' ? part : (FILLED_IN[JSON.stringify(part)] ?? 'ci')))
          .join('');
  return JSON.parse(text) as Record<string, unknown>;
}

const FILLED_IN: Record<string, string> = {
  '{"Ref":"AWS::Partition"}': 'aws',
  '{"Ref":"AWS::AccountId"}': '111122223333',
};

function warnings(stack: Stack): string[] {
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => String(entry.data));
}

describe('a stack without entries', () => {
  it('has neither the custom resource nor its function', () => {
    const template = templateOf(stackWith().stack);
    expect(entriesOf(template)).toEqual({});
    expect(Object.keys(resourcesOf(template, 'AWS::Lambda::Function'))).toHaveLength(4);
  });
});

describe('addTarget', () => {
  it("hands the catalog the owner's secret by ARN, never its value, and asks for a real login", () => {
    const { stack, hublease } = stackWith();
    const credential = new secretsmanager.Secret(stack, 'Credential');
    hublease.addTarget('team/acme-bot', { credential, kind: 'user', loginRoute: 'users-login', description: 'Bot' });
    const { ServiceToken, ServiceTimeout, ...properties } = entryOf(templateOf(stack), 'target').Properties;
    expect(ServiceToken).toBeDefined();
    expect(ServiceTimeout).toBe('300');
    expect(properties).toEqual({
      entry: 'target',
      name: 'team/acme-bot',
      kind: 'user',
      credentialArn: { Ref: expect.stringMatching(/^Credential/) },
      loginRoute: 'users-login',
      verify: 'true',
      description: 'Bot',
    });
  });

  it('says that an expiry need not be proven only where that is so', () => {
    const propertiesWith = (allowUnprovenExpiry: boolean) => {
      const { stack, hublease } = stackWith();
      const credential = new secretsmanager.Secret(stack, 'Credential');
      hublease.addTarget('acme-bot', { credential, kind: 'user', allowUnprovenExpiry });
      return entryOf(templateOf(stack), 'target').Properties;
    };
    expect(propertiesWith(true).allowUnprovenExpiry).toBe('true');
    expect(propertiesWith(false)).not.toHaveProperty('allowUnprovenExpiry');
  });

  it('takes the name of a target of kind org for its organization unless given another', () => {
    const { stack, hublease } = stackWith();
    const credential = secretsmanager.Secret.fromSecretNameV2(stack, 'Credential', 'docker/acme');
    hublease.addTarget('acme', { credential, kind: 'org', verify: false });
    expect(entryOf(templateOf(stack), 'target').Properties).toMatchObject({ organization: 'acme', verify: 'false' });
  });

  it('refuses a name that the API would, and an organization of a user', () => {
    const { stack, hublease } = stackWith();
    const credential = new secretsmanager.Secret(stack, 'Credential');
    expect(() => hublease.addTarget('Acme', { credential, kind: 'user' })).toThrow('target: expected a name');
    expect(() => hublease.addTarget('acme', { credential, kind: 'user', organization: 'acme' })).toThrow(
      'expected organization only with kind "org"',
    );
  });
});

describe('addDynamicSecret', () => {
  it('writes what the admin PUT takes, with the limits of the installation where it has none', () => {
    const { stack, hublease } = stackWith({ defaultTtl: Duration.minutes(20), maxTtl: Duration.hours(2) });
    hublease.addDynamicSecret('ci/release', {
      target: 'acme-bot',
      scope: 'repo:write',
      renewable: true,
      maxActive: 20,
      allow: ['arn:aws:iam::111122223333:role/ci*'],
      tags: { team: 'build' },
    });
    const body = bodyOf(templateOf(stack));
    expect(body).toEqual({
      target: 'acme-bot',
      scope: 'repo:write',
      renewable: true,
      maxActive: 20,
      tags: { team: 'build' },
      defaultTtl: 1_200,
      maxTtl: 7_200,
      allow: ['arn:aws:iam::111122223333:role/ci*'],
    });
    expect(secretOrder('ci/release', check(SecretBody, body, 'body'))).toMatchObject({
      defaultTtlSeconds: 1_200,
      maxTtlSeconds: 7_200,
    });
  });

  it('comes after its target, and goes before it', () => {
    const { stack, hublease } = stackWith();
    const credential = new secretsmanager.Secret(stack, 'Credential');
    const target = hublease.addTarget('acme', { credential, kind: 'org' });
    const resources = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }] as const;
    hublease.addDynamicSecret('ci/pull', { target, resources, allow: ['arn:aws:iam::111122223333:root'] });
    const template = templateOf(stack);
    const targetIds = Object.entries(entriesOf(template)).flatMap(([id, { Properties }]) =>
      Properties.entry === 'target' ? [id] : [],
    );
    expect(entryOf(template, 'secret').DependsOn).toEqual(expect.arrayContaining(targetIds));
    expect(bodyOf(template).target).toBe('acme');
  });

  it('waits until the function may do what it is about to', () => {
    const { stack, hublease } = stackWith();
    hublease.addTarget('acme-bot', { credential: new secretsmanager.Secret(stack, 'Credential'), kind: 'user' });
    const { DependsOn = [] } = entryOf(templateOf(stack), 'target');
    expect(DependsOn.some((id) => id.startsWith('HubleaseCatalogResourceRoleDefaultPolicy'))).toBe(true);
  });

  it('refuses both or neither of scope and resources, and what its target cannot give', () => {
    const { stack, hublease } = stackWith();
    const credential = new secretsmanager.Secret(stack, 'Credential');
    const user = hublease.addTarget('acme-bot', { credential, kind: 'user' });
    const resources = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }] as const;
    const exactlyOne = 'expected exactly one of scope and resources';
    expect(() => hublease.addDynamicSecret('a', { target: user })).toThrow(exactlyOne);
    expect(() => hublease.addDynamicSecret('b', { target: user, scope: 'repo:read', resources })).toThrow(exactlyOne);
    expect(() => hublease.addDynamicSecret('c', { target: user, resources })).toThrow('expected scope');
  });

  it('that would allow nobody stops the synth', () => {
    const { app, hublease } = stackWith();
    hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write' });
    expect(() => app.synth()).toThrow('dynamic secret "ci/release" allows nobody');
  });
});

describe('grantLease', () => {
  it("lists a role of the stack in the secret, and lets it call that one secret and the callers' other routes", () => {
    const { stack, hublease } = stackWith();
    const role = new iam.Role(stack, 'Ci', { path: '/build/', assumedBy: new iam.AccountRootPrincipal() });
    const secret = hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write' });
    expect(secret.grantLease(role).success).toBe(true);
    const template = templateOf(stack);
    expect(bodyOf(template).allow).toEqual(['arn:aws:iam::111122223333:role/ci']);
    const paths = grantedPathsOf(template, 'CiDefaultPolicy');
    expect(paths).toEqual(
      expect.arrayContaining([
        '/v1/POST/lease/ci/release',
        '/v1/GET/leases',
        '/v1/GET/leases/*',
        '/v1/DELETE/leases/*',
        '/v1/GET/whoami',
      ]),
    );
    expect(paths.filter((path) => path.includes('admin') || path.endsWith('/lease/*'))).toEqual([]);
    expect(apiPolicyOf(template)).toHaveLength(1);
    expect(warnings(stack)).toEqual([]);
  });

  it('writes its own half for a role of another account, and shows the statement that is missing there', () => {
    const { stack, hublease } = stackWith({}, ENV);
    const role = iam.Role.fromRoleArn(stack, 'Imported', FOREIGN_ROLE);
    const secret = hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write' });
    expect(secret.grantLease(role).success).toBe(false);
    const template = templateOf(stack);
    expect(bodyOf(template).allow).toEqual(['arn:aws:iam::444455556666:role/release']);
    const [, admitted] = apiPolicyOf(template);
    expect(admitted).toMatchObject({
      Effect: 'Allow',
      Condition: { ArnEquals: { 'aws:PrincipalArn': [FOREIGN_ROLE] } },
      Resource: expect.arrayContaining(['execute-api:/v1/POST/lease/*', 'execute-api:/v1/GET/leases']),
    });
    expect(admitted?.Principal).toEqual({ AWS: '*' });
    const [warning = ''] = warnings(stack);
    expect(warning).toContain('account 444455556666');
    expect(warning).toContain('arn:aws:execute-api:eu-west-1:111122223333:API_ID/v1/POST/lease/ci/release');
    expect(warning).not.toContain('TOKEN');
  });

  it('takes an imported role for foreign where the stack does not know its own account', () => {
    const { stack, hublease } = stackWith();
    const role = iam.Role.fromRoleArn(stack, 'Imported', FOREIGN_ROLE);
    hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write' }).grantLease(role);
    const template = templateOf(stack);
    expect(apiPolicyOf(template)).toHaveLength(2);
    expect(Object.keys(resourcesOf(template, 'AWS::IAM::Policy')).filter((id) => id.startsWith('Imported'))).toEqual(
      [],
    );
    expect(warnings(stack)[0]).toContain('arn:aws:execute-api:REGION:ACCOUNT:API_ID/v1/POST/lease/ci/release');
  });

  it('adds a policy to an imported role of the same account', () => {
    const { stack, hublease } = stackWith({}, ENV);
    const role = iam.Role.fromRoleArn(stack, 'Imported', 'arn:aws:iam::111122223333:role/ci');
    const secret = hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write' });
    expect(secret.grantLease(role).success).toBe(true);
    const template = templateOf(stack);
    expect(Object.keys(resourcesOf(template, 'AWS::IAM::Policy')).some((id) => id.startsWith('Imported'))).toBe(true);
    expect(warnings(stack)).toEqual([]);
  });

  it('says when a role of another stack has to be listed by hand', () => {
    const { app, stack, hublease } = stackWith();
    const role = new iam.Role(new Stack(app, 'Consumer'), 'Ci', { assumedBy: new iam.AccountRootPrincipal() });
    const allow = ['arn:aws:iam::111122223333:role/ci*'];
    hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write', allow }).grantLease(role);
    expect(() => app.synth()).not.toThrow();
    expect(warnings(stack).join()).toContain('list it in "allow" of the dynamic secret "ci/release"');
  });
});

describe('an allow list', () => {
  it('may pin a role of the stack to its unique id', () => {
    const { stack, hublease } = stackWith();
    const role = new iam.Role(stack, 'Ci', { assumedBy: new iam.AccountRootPrincipal(), roleName: 'ci' });
    const pinned = { role: 'arn:aws:iam::111122223333:role/ci', id: role.roleId };
    hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write', allow: [pinned] });
    const { body } = entryOf(templateOf(stack), 'secret').Properties;
    expect(JSON.stringify(body)).toMatch(/\{"Fn::GetAtt":\["Ci[0-9A-F]{8}","RoleId"\]\}/);
    expect(warnings(stack)).toEqual([]);
  });

  it('that names roles by a pattern is warned of, and one that names them in full is not', () => {
    const { stack, hublease } = stackWith();
    const allow = ['arn:aws:iam::111122223333:role/ci-*', 'arn:aws:iam::111122223333:role/ci'];
    hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write', allow });
    templateOf(stack);
    expect(warnings(stack)).toEqual([
      expect.stringContaining('allows arn:aws:iam::111122223333:role/ci-*, which also lists roles that are made later'),
    ]);
  });
});

describe('grantAdmin and grantReadLeases', () => {
  it('grantAdmin gives the admin routes and no lease', () => {
    const { stack, hublease } = stackWith();
    hublease.grantAdmin(new iam.Role(stack, 'Ops', { assumedBy: new iam.AccountRootPrincipal() }));
    const paths = grantedPathsOf(templateOf(stack), 'OpsDefaultPolicy');
    expect(paths).toContain('/v1/PUT/admin/targets/*');
    expect(paths.every((path) => /^\/v1\/[A-Z]+\/admin\//.test(path))).toBe(true);
  });

  it('grantReadLeases lets look and change nothing', () => {
    const { stack, hublease } = stackWith();
    hublease.grantReadLeases(new iam.Role(stack, 'Ops', { assumedBy: new iam.AccountRootPrincipal() }));
    const paths = grantedPathsOf(templateOf(stack), 'OpsDefaultPolicy');
    expect(paths).toContain('/v1/GET/leases');
    expect(paths.every((path) => /^\/v1\/GET\/(?:admin\/)?leases(?:\/\*)?$/.test(path))).toBe(true);
  });

  it('are refused to a role of another account, which the API denies them anyway', () => {
    const { stack, hublease } = stackWith({}, ENV);
    const role = iam.Role.fromRoleArn(stack, 'Imported', FOREIGN_ROLE);
    expect(() => hublease.grantAdmin(role)).toThrow('grantAdmin: expected a role of account 111122223333');
    expect(() => hublease.grantReadLeases(role)).toThrow('of account 444455556666');
  });
});
