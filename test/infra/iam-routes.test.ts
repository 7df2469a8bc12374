import * as iam from 'aws-cdk-lib/aws-iam';
import { beforeAll, describe, expect, it } from 'vitest';
import { consumerPolicy } from '../../functions/wire/consumer-policy.ts';
import { ROUTES } from '../../functions/wire/routes.ts';
import { ACCOUNT, API_ID, deployed, REGION } from './deployed.ts';
import { type Principal, type Verdict, verdictOn } from './simulation.ts';
import { apiPolicyOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from './synthesized.ts';

const LISTED = '444455556666';
const MEMBER = '555566667777';
const GRANTED = '666677778888';
const STRANGER = '777788889999';
const ORGANIZATION = 'o-a1b2c3d4e5';
const GRANTED_ROLE = `arn:aws:iam::${GRANTED}:role/ci/release`;

const API_ARN = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${API_ID}`;
/** Of a role that its account lets do anything. */
const EVERYTHING = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
/** What `consumer-policy` prints for one secret. */
const READY = consumerPolicy({ partition: 'aws', region: REGION, accountId: ACCOUNT, apiId: API_ID }, ['ci/release']);

/** One request for each route, and a second mint from a secret that nobody was granted. */
const REQUESTS = [
  ...ROUTES.map(({ operation, who, method, path }) => ({
    name: operation as string,
    who,
    method,
    path: concrete(path),
  })),
  { name: 'mint from another secret', who: 'caller', method: 'POST', path: '/lease/ops/deploy' },
] as const;

function concrete(path: string): string {
  return path.replace('{name+}', 'ci/release').replace('{id}', '01M7Y3W704G7W0N30KXMHN6K7X');
}

let resourcePolicy: unknown;
let own: Record<'ci' | 'admin' | 'reader', Principal>;

beforeAll(() => {
  const { stack, hublease } = stackWith(
    { consumers: { accounts: [LISTED], organizationId: ORGANIZATION } },
    { env: { account: ACCOUNT, region: REGION } },
  );
  const role = (id: string) => new iam.Role(stack, id, { assumedBy: new iam.AccountRootPrincipal() });
  const secret = hublease.addDynamicSecret('ci/release', { target: 'acme-bot', scope: 'repo:write' });
  secret.grantLease(role('Ci'));
  secret.grantLease(iam.Role.fromRoleArn(stack, 'Granted', GRANTED_ROLE));
  hublease.grantAdmin(role('Ops'));
  hublease.grantReadLeases(role('Auditor'));
  const template = templateOf(stack);
  const at = deployed(template);
  // API Gateway puts its own ARN before what begins with "execute-api:/".
  const text = JSON.stringify(at.resolve({ Version: '2012-10-17', Statement: apiPolicyOf(template) }));
  resourcePolicy = JSON.parse(text.replaceAll('"execute-api:/', `"${API_ARN}/`));
  const principal = (idBegins: string): Principal => ({
    roleArn: at.arnOf('AWS::IAM::Role', idBegins),
    organizationId: ORGANIZATION,
    policies: at.policiesOf(idBegins),
  });
  own = { ci: principal('Ci'), admin: principal('Ops'), reader: principal('Auditor') };
}, SYNTH_TIMEOUT_MS);

function foreign(account: string, role: string, policies: readonly unknown[], organizationId?: string): Principal {
  const roleArn = `arn:aws:iam::${account}:role/${role}`;
  return { roleArn, policies, ...(organizationId !== undefined && { organizationId }) };
}

/** The names of the requests that end so. */
async function requestsThatAre(verdict: Verdict, principal: Principal): Promise<string[]> {
  const named: string[] = [];
  for (const { name, method, path } of REQUESTS) {
    const request = { action: 'execute-api:Invoke', resource: `${API_ARN}/v1/${method}${path}` };
    if ((await verdictOn(principal, request, resourcePolicy)) === verdict) named.push(name);
  }
  return named;
}

const namesOf = (isNamed: (request: (typeof REQUESTS)[number]) => boolean) =>
  REQUESTS.filter(isNamed).map(({ name }) => name);
const CALLERS_ROUTES = namesOf(({ who }) => who === 'caller');
const ADMIN_ROUTES = namesOf(({ who }) => who === 'admin');
const OF_ONE_SECRET = CALLERS_ROUTES.filter((name) => name !== 'mint from another secret');
const ALL = namesOf(() => true);

describe('a role of the own account', () => {
  it('with a grant for one secret may mint from it and look after its leases, and nothing else', async () => {
    expect(await requestsThatAre('allowed', own.ci)).toEqual(OF_ONE_SECRET);
  });

  it('without any permission may do nothing, though its organization is a consumer', async () => {
    expect(await requestsThatAre('allowed', { ...own.ci, policies: [] })).toEqual([]);
  });

  it('with grantAdmin may administer, and lease nothing', async () => {
    expect(await requestsThatAre('allowed', own.admin)).toEqual(ADMIN_ROUTES);
  });

  it('with grantReadLeases may look at leases, and change nothing', async () => {
    expect(await requestsThatAre('allowed', own.reader)).toEqual([
      'listLeases',
      'getLease',
      'listAllLeases',
      'getAnyLease',
    ]);
  });

  it('that may do anything in its account may call every route', async () => {
    expect(await requestsThatAre('allowed', { ...own.ci, policies: [EVERYTHING] })).toEqual(ALL);
  });
});

describe.each([
  ['a listed account', LISTED, undefined],
  ['an account of the organization', MEMBER, ORGANIZATION],
  ['an account of the organization that is listed, too', LISTED, ORGANIZATION],
])('a role of %s', (_, account, organizationId) => {
  it('with the ready policy for one secret may mint from it and look after its leases, and nothing else', async () => {
    expect(await requestsThatAre('allowed', foreign(account, 'ci', [READY], organizationId))).toEqual(OF_ONE_SECRET);
  });

  it('without any permission in its own account may do nothing', async () => {
    expect(await requestsThatAre('allowed', foreign(account, 'ci', [], organizationId))).toEqual([]);
  });

  it('that may do anything in its account may call no admin route', async () => {
    const principal = foreign(account, 'admin', [EVERYTHING], organizationId);
    expect(await requestsThatAre('allowed', principal)).toEqual(CALLERS_ROUTES);
    expect(await requestsThatAre('denied explicitly', principal)).toEqual(ADMIN_ROUTES);
  });
});

describe('a role of another account that was granted one secret', () => {
  it('with the ready policy may mint from it and look after its leases, and nothing else', async () => {
    expect(await requestsThatAre('allowed', foreign(GRANTED, 'ci/release', [READY]))).toEqual(OF_ONE_SECRET);
  });

  it('without any permission in its own account may do nothing', async () => {
    expect(await requestsThatAre('allowed', foreign(GRANTED, 'ci/release', []))).toEqual([]);
  });

  it('passes the gateway for other secrets if its own policies let it, and never for admin routes', async () => {
    const principal = foreign(GRANTED, 'ci/release', [EVERYTHING]);
    expect(await requestsThatAre('allowed', principal)).toEqual(CALLERS_ROUTES);
    expect(await requestsThatAre('denied explicitly', principal)).toEqual(ADMIN_ROUTES);
  });
});

describe('a role that nobody admitted may do nothing, whatever its own policies say', () => {
  it.each([
    ['of an account that is not listed', STRANGER, 'ci', undefined],
    ['of an account of another organization', STRANGER, 'ci', 'o-zzzzzzzzzz'],
    ['of the account of a granted role', GRANTED, 'ci/deploy', undefined],
    ['whose name begins like that of a granted role', GRANTED, 'ci/release-2', undefined],
    ['that has the name of a granted role and another path', GRANTED, 'release', undefined],
    ['that has the name of a granted role in another account', STRANGER, 'ci/release', undefined],
  ])('%s', async (_, account, role, organizationId) => {
    expect(await requestsThatAre('allowed', foreign(account, role, [EVERYTHING], organizationId))).toEqual([]);
  });

  it('nor may a request without a signature', async () => {
    expect(await requestsThatAre('allowed', { policies: [] })).toEqual([]);
  });
});
