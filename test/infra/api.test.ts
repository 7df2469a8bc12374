import type { Template } from 'aws-cdk-lib/assertions';
import { ResponseType } from 'aws-cdk-lib/aws-apigateway';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../functions/wire/routes.ts';
import {
  apiPolicyOf,
  type Resource,
  resourceOf,
  resourcesOf,
  SYNTH_TIMEOUT_MS,
  stackWith,
  templateOf,
} from './synthesized.ts';

let template: Template;

beforeAll(() => {
  template = templateOf(stackWith().stack);
}, SYNTH_TIMEOUT_MS);

/** Path of an API resource, put together from its parents. */
function pathOf(resources: Record<string, Resource>, reference: unknown): string {
  const id = (reference as { Ref?: string }).Ref;
  const resource = id === undefined ? undefined : resources[id];
  if (resource === undefined) return '';
  return `${pathOf(resources, resource.Properties.ParentId)}/${String(resource.Properties.PathPart)}`;
}

function methods(): { route: string; properties: Record<string, unknown> }[] {
  const resources = resourcesOf(template, 'AWS::ApiGateway::Resource');
  return Object.values(resourcesOf(template, 'AWS::ApiGateway::Method')).map(({ Properties }) => ({
    route: `${String(Properties.HttpMethod)} ${pathOf(resources, Properties.ResourceId)}`,
    properties: Properties,
  }));
}

describe('the routes', () => {
  it('are those of the operations, all of them and no other', () => {
    const expected = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(
      methods()
        .map(({ route }) => route)
        .sort(),
    ).toEqual([...expected].sort());
  });

  it('each take IAM signatures only', () => {
    for (const { properties } of methods()) expect(properties.AuthorizationType).toBe('AWS_IAM');
  });

  it('each lead to the function that the table names', () => {
    for (const { method, path, function: fn } of ROUTES) {
      const found = methods().find(({ route }) => route === `${method} ${path}`);
      const owner = fn === 'broker' ? 'HubleaseBroker' : 'HubleaseAdmin';
      expect(JSON.stringify(found?.properties.Integration)).toContain(owner);
    }
  });

  it('may each be used by API Gateway on the stage alone, not from its test console', () => {
    const permissions = Object.values(resourcesOf(template, 'AWS::Lambda::Permission')).filter(
      ({ Properties }) => Properties.Principal === 'apigateway.amazonaws.com',
    );
    expect(permissions).toHaveLength(ROUTES.length);
    expect(JSON.stringify(permissions)).not.toContain('test-invoke-stage');
  });

  it('are served under the stage that every path begins with', () => {
    const stage = resourceOf(template, 'AWS::ApiGateway::Stage', 'HubleaseApi');
    expect(stage.Properties.StageName).toBe('v1');
    const { stack, hublease } = stackWith();
    expect(JSON.stringify(stack.resolve(hublease.endpointUrl))).toMatch(/https:\/\/.*\.execute-api\..*\/v1"\]\]\}$/);
  });
});

describe('the stage', () => {
  it('writes an access log that has no body, no query and no header', () => {
    const stage = resourceOf(template, 'AWS::ApiGateway::Stage', 'HubleaseApi');
    const { DestinationArn, Format } = stage.Properties.AccessLogSetting as {
      DestinationArn: unknown;
      Format: string;
    };
    expect(JSON.stringify(DestinationArn)).toContain('HubleaseApiAccessLog');
    expect(Object.values(JSON.parse(Format) as Record<string, string>).sort()).toEqual([
      '$context.error.responseType',
      '$context.httpMethod',
      '$context.identity.sourceIp',
      '$context.identity.userArn',
      '$context.path',
      '$context.requestId',
      '$context.requestTime',
      '$context.resourcePath',
      '$context.responseLatency',
      '$context.responseLength',
      '$context.status',
    ]);
  });

  it('traces no data, and limits the rate of all methods and of those that reach Docker Hub', () => {
    const stage = resourceOf(template, 'AWS::ApiGateway::Stage', 'HubleaseApi');
    const settings = stage.Properties.MethodSettings as Record<string, unknown>[];
    for (const setting of settings) expect(setting).toMatchObject({ DataTraceEnabled: false, LoggingLevel: 'OFF' });
    expect(
      settings.map((setting) => [
        setting.HttpMethod,
        setting.ResourcePath,
        setting.ThrottlingRateLimit,
        setting.ThrottlingBurstLimit,
      ]),
    ).toEqual([
      ['*', '/*', 100, 200],
      ['POST', '/~1lease~1{name+}', 20, 40],
      ['PUT', '/~1admin~1targets~1{name+}', 2, 5],
      ['POST', '/~1admin~1targets~1{name+}', 2, 5],
      ['PUT', '/~1admin~1secrets~1{name+}', 2, 5],
    ]);
  });
});

describe('the resource policy', () => {
  it('denies admin routes to everybody of another account, and allows nothing by itself', () => {
    expect(apiPolicyOf(template)).toEqual([
      {
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: 'execute-api:Invoke',
        Resource: ['execute-api:/*/*/admin', 'execute-api:/*/*/admin/*'],
        Condition: { StringNotEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } },
      },
    ]);
  });

  it("gives consumers the callers' routes and none of the others", () => {
    const consumers = { accounts: ['111122223333', '444455556666'], organizationId: 'o-a1b2c3d4e5' };
    const [deny, accounts, organization] = apiPolicyOf(templateOf(stackWith({ consumers }).stack));
    expect(deny?.Effect).toBe('Deny');
    const expected = ROUTES.filter(({ who }) => who === 'caller').map(
      ({ method, path }) => `execute-api:/v1/${method}${path.replace(/\{\w+\+?\}/, '*')}`,
    );
    expect(expected).toContain('execute-api:/v1/POST/lease/*');
    for (const statement of [accounts, organization]) {
      expect(statement).toMatchObject({ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: expected });
      expect(JSON.stringify(statement?.Resource)).not.toContain('admin');
    }
    expect(JSON.stringify(accounts?.Principal)).toContain(':iam::111122223333:root');
    expect(accounts?.Condition).toEqual({ StringNotEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } });
    expect(organization?.Principal).toEqual({ AWS: '*' });
    expect(organization?.Condition).toEqual({
      StringEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' },
      StringNotEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } },
    });
  });

  it('allows nothing to principals of its own account, whose IAM policies alone decide', () => {
    const consumers = { accounts: ['444455556666'], organizationId: 'o-a1b2c3d4e5' };
    const statements = apiPolicyOf(templateOf(stackWith({ consumers }).stack));
    const allowing = statements.filter(({ Effect }) => Effect === 'Allow');
    expect(allowing).toHaveLength(2);
    for (const { Condition } of allowing) {
      expect(Condition?.StringNotEquals).toEqual({ 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } });
    }
  });

  it('does not take its own account for a consumer', () => {
    const consumers = { accounts: ['444455556666', '111122223333'] };
    const env = { account: '111122223333', region: 'eu-west-1' };
    expect(() => stackWith({ consumers }, { env })).toThrow(
      'consumers.accounts: 111122223333 is the account of hublease itself. Remove it',
    );
    expect(() => stackWith({ consumers }, { env: { ...env, account: '777788889999' } })).not.toThrow();
  });

  it('takes effect by a new deployment whenever it changes', () => {
    const deploymentOf = (from: Template) => Object.keys(resourcesOf(from, 'AWS::ApiGateway::Deployment'));
    const other = templateOf(stackWith({ consumers: { accounts: ['111122223333'] } }).stack);
    expect(deploymentOf(other)).not.toEqual(deploymentOf(template));
  });
});

describe("API Gateway's own answers", () => {
  const everyType = Object.values(ResponseType)
    .filter((value): value is ResponseType => value instanceof ResponseType)
    .map(({ responseType }) => responseType);

  it('are set for every type that there is', () => {
    const set = Object.values(resourcesOf(template, 'AWS::ApiGateway::GatewayResponse'));
    expect(everyType.length).toBeGreaterThan(20);
    expect(set.map(({ Properties }) => Properties.ResponseType).sort()).toEqual([...everyType].sort());
  });

  it('are problems of the same form as the functions give, and quote nothing of the request', () => {
    for (const { Properties } of Object.values(resourcesOf(template, 'AWS::ApiGateway::GatewayResponse'))) {
      const templates = Properties.ResponseTemplates as Record<string, string>;
      expect(Object.keys(templates)).toEqual(['application/json']);
      const problem = JSON.parse(templates['application/json'] ?? '') as Record<string, unknown>;
      expect(Object.keys(problem)).toEqual(['type', 'title', 'status', 'detail', 'code', 'requestId']);
      expect(problem.type).toBe(`urn:hublease:problem:${String(problem.code)}`);
      expect(String(problem.status)).toBe(Properties.StatusCode);
      expect(problem.requestId).toBe('$context.requestId');
      expect(JSON.stringify({ ...problem, requestId: '' })).not.toContain('$');
      expect(Properties.ResponseParameters).toMatchObject({
        'gatewayresponse.header.content-type': "'application/problem+json'",
        'gatewayresponse.header.cache-control': "'no-store'",
      });
    }
  });

  it('say when to come again where that helps', () => {
    const ofType = (type: string) =>
      Object.values(
        template.findResources('AWS::ApiGateway::GatewayResponse', { Properties: { ResponseType: type } }),
      )[0]?.Properties.ResponseParameters['gatewayresponse.header.retry-after'];
    expect([ofType('THROTTLED'), ofType('INTEGRATION_TIMEOUT'), ofType('ACCESS_DENIED')]).toEqual([
      "'1'",
      "'5'",
      undefined,
    ]);
  });
});
