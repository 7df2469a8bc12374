import type { APIGatewayProxyResult } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { admin } from '../../functions/admin.ts';
import { broker } from '../../functions/broker.ts';
import { jsonLines } from '../../functions/log.ts';
import type { Operation } from '../../functions/wire/operations.ts';
import { ROUTES } from '../../functions/wire/routes.ts';
import { expectContract, SECRET, TARGET } from './api.ts';
import { memoryPorts, TOKEN } from './memory-ports.ts';
import { principalIdOf, proxyEvent, ROLE_ARN, type Sent } from './proxy-event.ts';

const ROLE_ID = principalIdOf('arn:aws:sts::111122223333:assumed-role/ci/build-7').split(':')[0];

let ports: ReturnType<typeof memoryPorts>;
let lines: string[];

beforeEach(() => {
  ports = memoryPorts();
  lines = [];
});

async function send(
  sent: Sent,
): Promise<{ status: number; body: Record<string, never>; result: APIGatewayProxyResult }> {
  const log = jsonLines({ write: (line) => lines.push(line) }, ports.clock);
  const handler = sent.path?.startsWith('/v1/admin') === true ? admin(ports, log) : broker(ports, log);
  const result = await handler(proxyEvent(sent));
  return { status: result.statusCode, body: JSON.parse(result.body), result };
}

const put = (path: string, body: object) =>
  send({ method: 'PUT', path: `/v1/admin/${path}`, body: JSON.stringify(body) });

async function seed(): Promise<void> {
  expect(await put('targets/acme', TARGET)).toMatchObject({ status: 201 });
  expect(await put('secrets/ci/release', SECRET)).toMatchObject({ status: 201 });
}

describe('the callers’ routes', () => {
  it('lease a token, answered once, and show the lease without it', async () => {
    await seed();
    const minted = await send({ method: 'POST', path: '/v1/lease/ci/release', body: '{"ttl":"10m","label":"build"}' });
    expectContract('mintLease', minted);
    expect(minted.status).toBe(201);
    expect(minted.body).toMatchObject({
      lease: {
        secret: 'ci/release',
        target: 'acme',
        status: 'active',
        ttlSeconds: 600,
        caller: ROLE_ARN,
        label: 'build',
      },
      credential: { registry: 'docker.io', username: 'acmebot', password: TOKEN },
    });

    const { id } = (minted.body as unknown as { lease: { id: string } }).lease;
    const shown = await send({ path: `/v1/leases/${id}` });
    expectContract('getLease', shown);
    const listed = await send({ path: '/v1/leases', query: { secret: ['ci/release'], limit: ['10'] } });
    expectContract('listLeases', listed);
    expect(listed.body.items).toHaveLength(1);

    const revoked = await send({ method: 'DELETE', path: `/v1/leases/${id}` });
    expectContract('revokeLease', revoked);
    expect(revoked).toMatchObject({
      status: 200,
      body: { lease: { status: 'revoked', evidence: { kind: 'deleted' } } },
    });

    expect([shown, listed, revoked].map((answer) => answer.result.body).join()).not.toContain(TOKEN);
    expect(lines.join()).not.toContain(TOKEN);
  });

  it('need no body to lease with the defaults', async () => {
    await seed();
    expect(await send({ method: 'POST', path: '/v1/lease/ci/release' })).toMatchObject({
      status: 201,
      body: { lease: { ttlSeconds: 900 } },
    });
  });

  it('answer 202 when Docker Hub cannot be reached for a revocation', async () => {
    await seed();
    const minted = await send({ method: 'POST', path: '/v1/lease/ci/release' });
    const { id } = (minted.body as unknown as { lease: { id: string } }).lease;
    const fault = { ok: false, problem: { tag: 'fault', code: 'timeout' }, meta: {} } as const;
    ports = { ...ports, hub: { ...ports.hub, deleteToken: async () => fault } };
    const revoked = await send({ method: 'DELETE', path: `/v1/leases/${id}` });
    expectContract('revokeLease', revoked);
    expect(revoked).toMatchObject({ status: 202, body: { lease: { status: 'revoking' } } });
  });

  it('tell the caller who it is and what it may lease from', async () => {
    await seed();
    await put('secrets/ci/other', { ...SECRET, allow: ['arn:aws:iam::444455556666:root'] });
    const answer = await send({ path: '/v1/whoami' });
    expectContract('whoami', answer);
    expect(answer.body).toMatchObject({
      caller: { arn: ROLE_ARN, accountId: '111122223333', id: ROLE_ID },
      secrets: [{ name: 'ci/release' }],
    });
    expect(answer.body.secrets).toHaveLength(1);
    expect(answer.result.body).not.toContain('allow');
  });

  it('describe the API', async () => {
    const answer = await send({ path: '/v1/openapi.json' });
    expectContract('getOpenapi', answer);
    expect(answer.body.openapi).toBe('3.1.1');
  });

  it('hide the lease of another role as if it were not there', async () => {
    await seed();
    const minted = await send({ method: 'POST', path: '/v1/lease/ci/release' });
    const { id } = (minted.body as unknown as { lease: { id: string } }).lease;
    const other = 'arn:aws:sts::444455556666:assumed-role/other/s';
    for (const method of ['GET', 'DELETE']) {
      const answer = await send({ method, path: `/v1/leases/${id}`, userArn: other });
      expect(answer).toMatchObject({ status: 404, body: { code: 'lease_not_found' } });
    }
  });

  it('hide the lease of a role from one that was made later under the same name', async () => {
    await seed();
    const minted = await send({ method: 'POST', path: '/v1/lease/ci/release' });
    const { id, callerId } = (minted.body as unknown as { lease: { id: string; callerId: string } }).lease;
    expect(callerId).toBe(ROLE_ID);
    const caller = 'AROACKCEVSQ6C2EXAMPLE:build-7';
    for (const method of ['GET', 'DELETE']) {
      const answer = await send({ method, path: `/v1/leases/${id}`, caller });
      expect(answer).toMatchObject({ status: 404, body: { code: 'lease_not_found' } });
    }
    expect((await send({ path: '/v1/leases', caller })).body).toEqual({ items: [] });
  });

  it('lease to a pinned role and not to one that was made later under the same name', async () => {
    await seed();
    await put('secrets/ci/pinned', { ...SECRET, allow: [{ role: ROLE_ARN, id: ROLE_ID }] });
    const order = { method: 'POST', path: '/v1/lease/ci/pinned' } as const;
    expect(await send(order)).toMatchObject({ status: 201 });
    const later = await send({ ...order, caller: 'AROACKCEVSQ6C2EXAMPLE:build-7' });
    expect(later).toMatchObject({ status: 403, body: { code: 'caller_not_allowed' } });
  });

  it('name the caller as seen to one whom the secret does not list', async () => {
    await seed();
    const userArn = 'arn:aws:sts::444455556666:assumed-role/other/session-name';
    const answer = await send({ method: 'POST', path: '/v1/lease/ci/release', userArn });
    expect(answer).toMatchObject({ status: 403, body: { code: 'caller_not_allowed' } });
    expect(answer.body.detail).toContain('arn:aws:iam::444455556666:role/other');
    expect(answer.result.body).not.toContain('session-name');
  });

  it.each([null, '', 'arn:aws:iam::111122223333:group/x', 'nobody'])('refuse a caller seen as %j', async (userArn) => {
    expect(await send({ path: '/v1/whoami', userArn })).toMatchObject({
      status: 403,
      body: { code: 'caller_unknown' },
    });
  });
});

describe('the PUT of a dynamic secret', () => {
  it('warns of roles that are listed by a pattern', async () => {
    await seed();
    const allow = [ROLE_ARN, 'arn:aws:iam::111122223333:role/ci-*', { role: ROLE_ARN, id: ROLE_ID }];
    const answer = await put('secrets/ci/patterns', { ...SECRET, allow });
    expectContract('putSecret', answer);
    expect(answer.body.secret).toMatchObject({ allow });
    expect(answer.body.warnings).toEqual([
      expect.stringMatching(/^allow: arn:aws:iam::111122223333:role\/ci-\* also lists roles that are made later/),
    ]);
  });

  it('says nothing of full names', async () => {
    await seed();
    expect((await put('secrets/ci/full', { ...SECRET, allow: [ROLE_ARN] })).body).not.toHaveProperty('warnings');
  });
});

describe('the admin routes', () => {
  it('create, change, show, list and delete targets and secrets, without ever giving the credential back', async () => {
    await seed();
    const answers: [Operation, Awaited<ReturnType<typeof send>>][] = [
      ['putTarget', await put('targets/acme', { ...TARGET, description: 'changed' })],
      ['getTarget', await send({ path: '/v1/admin/targets/acme' })],
      ['listTargets', await send({ path: '/v1/admin/targets', query: { prefix: ['acme'] } })],
      ['putSecret', await put('secrets/ci/release', { ...SECRET, maxActive: 3 })],
      ['getSecret', await send({ path: '/v1/admin/secrets/ci/release' })],
      ['listSecrets', await send({ path: '/v1/admin/secrets' })],
      ['deleteSecret', await send({ method: 'DELETE', path: '/v1/admin/secrets/ci/release' })],
      ['deleteTarget', await send({ method: 'DELETE', path: '/v1/admin/targets/acme' })],
    ];
    for (const [operation, answer] of answers) {
      expect([operation, answer.status]).toEqual([operation, 200]);
      expectContract(operation, answer);
      expect(answer.result.body).not.toContain('canary');
    }
    expect(lines.join()).not.toContain('canary');
    expect(await send({ path: '/v1/admin/targets/acme' })).toMatchObject({ status: 404 });
  });

  it('answer 202 to a forced delete that has to wait for open leases', async () => {
    await seed();
    await send({ method: 'POST', path: '/v1/lease/ci/release' });
    const sent = { method: 'DELETE', path: '/v1/admin/secrets/ci/release' };
    expect(await send(sent)).toMatchObject({ status: 409, body: { code: 'open_leases' } });
    const answer = await send({ ...sent, query: { force: ['true'] } });
    expectContract('deleteSecret', answer);
    expect(answer).toMatchObject({
      status: 202,
      body: { removed: false, openLeases: 1, secret: { status: 'draining' } },
    });
  });

  it('store a credential without a login only when told verify=false', async () => {
    const refused = { ok: false, problem: { tag: 'credential_refused' }, meta: {} } as const;
    ports = { ...ports, hub: { ...ports.hub, login: async () => refused } };
    const sent = { method: 'PUT', path: '/v1/admin/targets/acme', body: JSON.stringify(TARGET) };
    expect(await send(sent)).toMatchObject({ status: 422, body: { code: 'credential_refused' } });
    expect(await send({ ...sent, query: { verify: ['false'] } })).toMatchObject({ status: 201 });
  });

  it('are not answered by the broker, nor the callers’ routes by admin', async () => {
    const log = jsonLines({ write: () => {} }, ports.clock, 'silent');
    for (const route of ROUTES) {
      const path = `/v1${route.path.replace('{name+}', 'ci/release').replace('{id}', '01K9ZC3V7M8Q2R4T6W8Y0A1B2C')}`;
      const wrong = route.function === 'admin' ? broker(ports, log) : admin(ports, log);
      const result = await wrong(proxyEvent({ method: route.method, path }));
      expect([path, result.statusCode]).toEqual([path, 404]);
    }
  });
});

describe('every answer', () => {
  it('carries the headers that keep it out of caches, and the request id', async () => {
    const headers = {
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
    };
    const good = await send({ path: '/v1/whoami' });
    expect(good.result.headers).toEqual({ ...headers, 'content-type': 'application/json' });
    const bad = await send({ path: '/v1/nothing' });
    expect(bad.result.headers).toEqual({ ...headers, 'content-type': 'application/problem+json' });
    expect(bad.body.requestId).toBe(headers['x-request-id']);
  });

  it('leaves one line in the log, with names and without values', async () => {
    await seed();
    lines = [];
    await send({ method: 'POST', path: '/v1/lease/ci/release', body: '{"reason":"because-canary"}' });
    await send({ method: 'POST', path: '/v1/lease/ci/nothing' });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        event: 'request',
        route: 'mintLease',
        secret: 'ci/release',
        status: 201,
        durationMs: 0,
      }),
      expect.objectContaining({ event: 'request', route: 'mintLease', status: 404, code: 'secret_not_found' }),
    ]);
    expect(lines.join()).not.toContain('canary');
  });
});
