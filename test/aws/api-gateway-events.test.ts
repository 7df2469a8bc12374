import type { APIGatewayProxyEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { broker } from '../../functions/broker.ts';
import { jsonLines } from '../../functions/log.ts';
import { aSecret, aTarget } from '../contract/builders.ts';
import { memoryPorts } from '../functions/memory-ports.ts';
import { federatedIdentity, OTHER_EVENTS, sampleEvent, sessionIdentity, userIdentity } from './api-gateway-samples.ts';

const SSO_ROLE = 'AWSReservedSSO_ReleaseEngineers_2b03e7d876722882';

let ports: ReturnType<typeof memoryPorts>;
let lines: string[];
beforeEach(() => {
  ports = memoryPorts();
  lines = [];
});

async function send(event: unknown) {
  const log = jsonLines({ write: (line) => lines.push(line) }, ports.clock);
  const { statusCode: status, headers, body } = await broker(ports, log)(event as APIGatewayProxyEvent);
  return { status, headers, body: JSON.parse(body) };
}

/** Puts secret `ci/release`, which these may lease from. */
async function allow(...patterns: string[]): Promise<void> {
  await ports.catalog.putTarget(aTarget({ name: 'bot' }));
  const version = await ports.credentials.stage('bot', { username: 'acme-bot', password: 'password-of-nobody' });
  await ports.credentials.promote('bot', version);
  await ports.catalog.putSecret(aSecret({ name: 'ci/release', target: 'bot', allow: patterns }));
}

describe('an event that API Gateway sends', () => {
  it.each([
    [
      'an IAM user, by its account',
      userIdentity('build/jenkins'),
      'arn:aws:iam::123456789012:root',
      'arn:aws:iam::123456789012:user/build/jenkins',
    ],
    [
      'an assumed role, by the role and whatever the session’s name',
      sessionIdentity('ci', 'GitHubActions'),
      'arn:aws:iam::123456789012:role/ci',
      'arn:aws:iam::123456789012:role/ci',
    ],
    [
      'a role of another account, by that account',
      sessionIdentity('release', 'i-0abcd1234efgh5678', '444455556666'),
      'arn:aws:iam::444455556666:role/release',
      'arn:aws:iam::444455556666:role/release',
    ],
    [
      'a person’s single sign-on, by the role of the permission set',
      sessionIdentity(SSO_ROLE, 'jane.doe@example.com'),
      'arn:aws:iam::123456789012:role/AWSReservedSSO_ReleaseEngineers_*',
      `arn:aws:iam::123456789012:role/${SSO_ROLE}`,
    ],
  ])('lets %s lease', async (_, identity, pattern, caller) => {
    await allow(pattern);
    const event = sampleEvent(identity);
    const minted = await send(event);
    expect(minted).toMatchObject({ status: 201, body: { lease: { caller, ttlSeconds: 600 } } });
    expect(minted.body.lease.id).toBeTypeOf('string');
    const audited = ports.events.find(({ event: name }) => name === 'lease.granted');
    expect(audited).toMatchObject({ caller, sourceIp: '52.255.255.12', requestId: event.requestContext.requestId });
    // A caller’s own session token and signature are in the headers.
    expect(`${lines.join()}${JSON.stringify(ports.events)}`).not.toContain('canary');
    expect(lines.join()).not.toContain('AWS4-HMAC-SHA256');
  });

  it.each([
    ['a user whose name is that of a role', userIdentity('ci')],
    ['a session whose name is that of the role', sessionIdentity('other', 'ci')],
    ['the role of that name in another account', sessionIdentity('ci', 'GitHubActions', '444455556666')],
    ['a role whose name goes on', sessionIdentity('ci-other', 'GitHubActions')],
  ])('does not take %s for a role that is listed', async (_, identity) => {
    await allow('arn:aws:iam::123456789012:role/ci');
    expect(await send(sampleEvent(identity))).toMatchObject({ status: 403, body: { code: 'caller_not_allowed' } });
    expect(ports.events.map(({ event }) => event)).toEqual(['lease.denied']);
  });

  it('goes by the caller’s account and not by that of the API', async () => {
    await allow('arn:aws:iam::123456789012:root');
    const answer = await send(sampleEvent(sessionIdentity('ci', 'GitHubActions', '444455556666')));
    expect(answer).toMatchObject({ status: 403, body: { code: 'caller_not_allowed' } });
  });

  it.each([
    ['no identity, as without IAM authorization', {}],
    ['an empty identity', { userArn: '' }],
    ['a user id alone', { user: 'AIDACKCEVSQ6C2EXAMPLE', caller: 'AIDACKCEVSQ6C2EXAMPLE', accountId: '123456789012' }],
    ['an API key alone', { apiKey: 'canary', apiKeyId: 'abc123' }],
    ['an ARN of no principal', { userArn: 'arn:aws:s3:::bucket' }],
    ['a principal of AWS’ own', { userArn: 'arn:aws:iam::aws:role/ci' }],
    ['an account of too few digits', { userArn: 'arn:aws:sts::12345:assumed-role/ci/session' }],
    ['more behind the session', { userArn: 'arn:aws:sts::123456789012:assumed-role/ci/session/canary' }],
    ['a role without a session', { userArn: 'arn:aws:sts::123456789012:assumed-role/ci' }],
    ['a second line', { userArn: 'arn:aws:sts::123456789012:assumed-role/ci/session\ncanary' }],
    ['a federated user, which has no unique id', federatedIdentity('ci')],
    ['a session without the id of its role', { ...sessionIdentity('ci', 'x'), caller: '123456789012:x' }],
    ['a session whose id is missing', { ...sessionIdentity('ci', 'x'), caller: null }],
    ['a pattern for a name', { userArn: 'arn:aws:sts::123456789012:assumed-role/*/session' }],
  ])('is refused with %s', async (_, identity) => {
    await allow('arn:aws:iam::123456789012:root', 'arn:aws:iam::123456789012:role/*');
    const answer = await send(sampleEvent(identity));
    expect(answer).toMatchObject({ status: 403, body: { code: 'caller_unknown' } });
    expect(`${JSON.stringify(answer)}${lines.join()}`).not.toContain('canary');
    expect(ports.events).toEqual([]);
  });

  it('may state its session’s name as it likes: it is in no answer, row or audit event', async () => {
    await allow('arn:aws:iam::123456789012:role/ci');
    const answer = await send(sampleEvent(sessionIdentity('ci', 'canary@example.com')));
    expect(answer.status).toBe(201);
    expect(`${JSON.stringify(answer)}${JSON.stringify(ports.events)}${lines.join()}`).not.toContain('canary@');
  });
});

describe('an event of any other form', () => {
  it.each(Object.entries(OTHER_EVENTS))('is refused: %s', async (_, event) => {
    await allow('arn:aws:iam::123456789012:role/ci', 'arn:aws:iam::123456789012:root');
    const answer = await send(event);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_field', field: 'event' } });
    expect(ports.events).toEqual([]);
  });

  it('is refused when it was made by the console’s “Test” button, which IAM never saw', async () => {
    await allow('arn:aws:iam::123456789012:root');
    const event = sampleEvent({
      ...userIdentity('john.doe'),
      apiKey: 'test-invoke-api-key',
      sourceIp: 'test-invoke-source-ip',
    });
    const context = { ...event.requestContext, stage: 'test-invoke-stage', path: '/lease/ci/release' };
    expect(await send({ ...event, requestContext: context })).toMatchObject({ status: 400, body: { field: 'event' } });
  });
});
