import { beforeEach, describe, expect, it } from 'vitest';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import { type Answered, Api, expectContract, refusal, TARGET } from './api.ts';
import { NOW_MS, TOKEN } from './memory-ports.ts';
import { ROLE_ARN } from './proxy-event.ts';

const ADMIN = 'arn:aws:iam::111122223333:role/admin';
const REASON = 'The account is closed';
const ID = '0b9f6c2e-5d1a-4f7e-8a3c-2d4e6f8a0b1c';
const OTHER_ID = '1b9f6c2e-5d1a-4f7e-8a3c-2d4e6f8a0b1c';
/** The life of a lease that asks for no TTL, and five minutes. */
const ATTESTED_FROM_MS = 900_000 + 300_000;

let api: Api;
beforeEach(async () => {
  api = await new Api().seed();
});

const idOf = ({ body }: Answered): string => body.lease.id;
const etag = ({ result }: Answered) => String(result.headers?.etag);

function attest(id: string, query: Record<string, string[]> = { attest: ['true'], reason: [REASON] }) {
  return api.send({ method: 'DELETE', path: `/v1/admin/leases/${id}`, query, userArn: ADMIN });
}

/** Changes the row of a lease as if core had written it. */
async function rewrite(id: string, change: object): Promise<void> {
  const lease = await api.ports.leases.get(id);
  if (lease === undefined) throw new Error('the lease is there');
  await api.ports.leases.update({ ...lease, ...change, version: lease.version + 1 });
}

async function learn(facts: HubFacts): Promise<void> {
  const record = await api.ports.sessions.read('acme');
  if (record === undefined) throw new Error('the verification logged nobody in');
  await api.ports.sessions.write({ ...record, version: record.version + 1, opId: 'learned', facts });
}

describe('an attestation', () => {
  it('closes a lease that Docker Hub proves nothing of, with who said so and why, and asks Docker Hub nothing', async () => {
    const id = idOf(await api.lease());
    const silent = refusal({ tag: 'fault', code: 'timeout' });
    api.ports = { ...api.ports, hub: { ...api.ports.hub, deleteToken: silent } };
    expect(await attest(id, {})).toMatchObject({ status: 202, body: { lease: { status: 'revoking' } } });
    await api.ports.clock.sleep(ATTESTED_FROM_MS + 1);
    const asked = () => Promise.reject(new Error('Docker Hub was asked'));
    const { hub } = api.ports;
    api.ports = { ...api.ports, hub: { ...hub, deleteToken: asked, getToken: asked, listTokens: asked } };
    const answer = await attest(id);
    expectContract('revokeAnyLease', answer);
    const at = new Date(api.ports.clock.nowMs()).toISOString();
    expect(answer).toMatchObject({
      status: 200,
      body: { lease: { status: 'revoked', evidence: { kind: 'attested', at, by: ADMIN, reason: REASON } } },
    });
    const { events } = api.ports as unknown as { events: { event: string; leaseId: string }[] };
    const told = events.filter(({ event }) => ['lease.attested', 'lease.revoked'].includes(event));
    expect(told.filter(({ leaseId }) => leaseId === id)).toMatchObject([
      { event: 'lease.attested', detail: { evidence: 'attested', by: ADMIN, words: REASON } },
    ]);
  });

  it('is refused until five minutes after the expiry that Docker Hub was asked for', async () => {
    const id = idOf(await api.lease());
    await api.ports.clock.sleep(ATTESTED_FROM_MS);
    const early = await attest(id);
    expectProblem(early, 409, 'attest_too_early');
    expect(early.body.detail).toContain(new Date(NOW_MS + ATTESTED_FROM_MS).toISOString());
    expect((await api.send({ path: `/v1/admin/leases/${id}` })).body.lease.status).toBe('active');
    await api.ports.clock.sleep(1);
    expect(await attest(id)).toMatchObject({ status: 200, body: { lease: { status: 'revoked' } } });
  });

  it('leaves a lease that is proven to be over as it is', async () => {
    const id = idOf(await api.lease());
    await attest(id, {});
    const before = await api.ports.leases.get(id);
    const answer = await attest(id);
    expect(answer).toMatchObject({ status: 200, body: { lease: { evidence: { kind: 'deleted', httpStatus: 204 } } } });
    expect(await api.ports.leases.get(id)).toEqual(before);
  });

  it.each<[string, Record<string, string[]>]>([
    ['reason', { attest: ['true'] }],
    ['reason', { reason: [REASON] }],
    ['reason', { attest: ['true'], reason: [' '] }],
    ['reason', { attest: ['true'], reason: ['x'.repeat(201)] }],
    ['query', { attest: ['true', 'true'], reason: [REASON] }],
  ])('that is not whole fails at %s for %j, and revokes nothing', async (field, query) => {
    const id = idOf(await api.lease());
    await api.ports.clock.sleep(ATTESTED_FROM_MS + 1);
    expect(await attest(id, query)).toMatchObject({ status: 400, body: { field } });
    expect((await api.ports.leases.get(id))?.status).toBe('active');
  });

  it('is not for the callers’ own route, and not of a lease that is not there', async () => {
    const id = idOf(await api.lease());
    await api.ports.clock.sleep(ATTESTED_FROM_MS + 1);
    const query = { attest: ['true'], reason: [REASON] };
    const own = await api.send({ method: 'DELETE', path: `/v1/leases/${id}`, query });
    expect(own).toMatchObject({ status: 400, body: { field: 'attest' } });
    expectProblem(await attest('01K9ZC3V7M8Q2R4T6W8Y0A1B2C'), 404, 'lease_not_found');
  });
});

describe('a dismissal', () => {
  const act = (body: object) => api.json('POST', 'admin/targets/acme', body, { userArn: ADMIN });

  it('is kept on the target, and each token is told of in the audit log', async () => {
    const before = etag(await api.send({ path: '/v1/admin/targets/acme' }));
    const answer = await act({ action: 'dismiss', tokenIds: [ID, OTHER_ID, ID] });
    expectContract('actOnTarget', answer);
    expect(answer).toMatchObject({ status: 200, body: { target: { dismissedTokenIds: [ID, OTHER_ID] } } });
    expect(etag(answer)).not.toBe(before);
    const shown = await api.send({ path: '/v1/admin/targets/acme' });
    expect(shown.body.target.dismissedTokenIds).toEqual([ID, OTHER_ID]);
    expect(etag(shown)).toBe(etag(answer));
    const { events } = api.ports as unknown as { events: { event: string }[] };
    expect(events.filter(({ event }) => event === 'token.dismissed')).toMatchObject([
      { tokenId: ID, target: 'acme', caller: ADMIN, sourceIp: '203.0.113.7' },
      { tokenId: OTHER_ID, target: 'acme', caller: ADMIN },
    ]);
  });

  it('of what is dismissed already changes nothing, and a PUT keeps it', async () => {
    const first = await act({ action: 'dismiss', tokenIds: [ID] });
    expect(etag(await act({ action: 'dismiss', tokenIds: [ID] }))).toBe(etag(first));
    const put = await api.put('targets/acme', { kind: 'user', description: 'changed' });
    expect(put.body.target.dismissedTokenIds).toEqual([ID]);
  });

  it('deletes nothing and asks Docker Hub nothing', async () => {
    const asked = () => Promise.reject(new Error('Docker Hub was asked'));
    api.ports = {
      ...api.ports,
      hub: { login: asked, listTokens: asked, getToken: asked, deleteToken: asked, readDate: asked },
    };
    expect(await act({ action: 'dismiss', tokenIds: [ID] })).toMatchObject({ status: 200 });
  });

  it('never takes the token itself for its id', async () => {
    const answer = await act({ action: 'dismiss', tokenIds: [TOKEN] });
    expect(answer).toMatchObject({ status: 400, body: { field: 'tokenIds.0' } });
    expect(answer.result.body + api.lines.join()).not.toContain(TOKEN);
  });

  it('of an unknown target gets 404', async () => {
    const body = { action: 'dismiss', tokenIds: [ID] };
    expectProblem(await api.json('POST', 'admin/targets/none', body), 404, 'target_not_found');
  });
});

describe('a lease that something keeps open', () => {
  it('shows admins what blocks it, and its owner only why', async () => {
    const id = idOf(await api.lease());
    await rewrite(id, {
      status: 'revoking',
      lastError: 'unclear_token',
      blockedBy: [ID],
      revokingSinceMs: NOW_MS,
      hubReportedExpiresAtMs: NOW_MS + 1_000,
    });
    const own = await api.send({ path: `/v1/leases/${id}` });
    const ownPage = await api.send({ path: '/v1/leases' });
    const shown = await api.send({ path: `/v1/admin/leases/${id}` });
    const page = await api.send({ path: '/v1/admin/leases', query: { status: ['revoking'] } });
    expectContract('getLease', own);
    expectContract('listLeases', ownPage);
    expectContract('getAnyLease', shown);
    expectContract('listAllLeases', page);
    const admins = {
      blockedBy: [ID],
      revokingSince: '2026-11-21T09:00:00.000Z',
      hubExpiresAt: '2026-11-21T09:00:01.000Z',
    };
    expect(shown.body.lease).toEqual({ ...own.body.lease, ...admins });
    expect(page.body.items).toEqual([shown.body.lease]);
    expect(own.body.lease.lastError).toBe('unclear_token');
    for (const name of Object.keys(admins)) {
      expect(own.body.lease).not.toHaveProperty(name);
      expect(ownPage.body.items[0]).not.toHaveProperty(name);
    }
  });

  it('says that its create was refused', async () => {
    const { minter } = api.ports;
    const clean = async () => ({
      ok: false as const,
      problem: { tag: 'throttled', retryAtMs: NOW_MS + 5_000 } as const,
      meta: { httpStatus: 429, isJson: true } as const,
    });
    api.ports = { ...api.ports, minter: { createToken: clean } };
    expectProblem(await api.lease(), 503, 'hub_throttled');
    api.ports = { ...api.ports, minter };
    const page = await api.send({ path: '/v1/leases', query: { status: ['revoking'] } });
    expectContract('listLeases', page);
    expect(page.body.items).toMatchObject([{ status: 'revoking', createRefused: true, caller: ROLE_ARN }]);
  });
});

describe('an end that Docker Hub moved', () => {
  it('is answered with the token, as the lease’s own end', async () => {
    const { minter } = api.ports;
    api.ports = {
      ...api.ports,
      minter: {
        createToken: async (...args) => {
          const reply = await minter.createToken(...args);
          return reply.ok ? { ...reply, value: { ...reply.value, expiresAtMs: NOW_MS + 600_000 } } : reply;
        },
      },
    };
    const answer = await api.lease({ ttl: '15m' });
    expectContract('mintLease', answer);
    expect(answer).toMatchObject({
      status: 201,
      body: { lease: { expiresAt: '2026-11-21T09:10:00.000Z', ttlSeconds: 600, expiryClipped: true } },
    });
  });
});

describe('how a target stands', () => {
  it('is shown of one target, by name, and never with its session', async () => {
    await learn({
      refusal: { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS },
      listing: { code: 'malformed', sinceMs: NOW_MS },
      listLagMs: 90_000,
      pageSize: 10,
    });
    const at = '2026-11-21T09:00:00.000Z';
    const shown = await api.send({ path: '/v1/admin/targets/acme' });
    expectContract('getTarget', shown);
    expect(shown.body.target.state).toEqual({
      mintsRefused: { code: 'list_lags', since: at, triedAt: at },
      listingProblem: { code: 'malformed', since: at },
      listLagSeconds: 90,
    });
    expect(shown.result.body).not.toContain('bearer');
    const list = await api.send({ path: '/v1/admin/targets' });
    const put = await api.put('targets/acme', { kind: 'user', description: 'changed' });
    for (const target of [...list.body.items, put.body.target]) expect(target).not.toHaveProperty('state');
  });

  it('is empty for a target that nobody has used', async () => {
    await api.put('targets/idle', TARGET, { query: { verify: ['false'] } });
    const shown = await api.send({ path: '/v1/admin/targets/idle' });
    expectContract('getTarget', shown);
    expect(shown.body.target.state).toEqual({});
  });
});

describe('the setting that lets a target do without a proven expiry', () => {
  it('is put, shown, kept and taken back', async () => {
    const put = (body: object) => api.put('targets/acme', { kind: 'user', ...body });
    expect((await api.send({ path: '/v1/admin/targets/acme' })).body.target.allowUnprovenExpiry).toBe(false);
    const allowed = await put({ allowUnprovenExpiry: true });
    expectContract('putTarget', allowed);
    expect(allowed.body).toMatchObject({ target: { allowUnprovenExpiry: true }, changed: ['allowUnprovenExpiry'] });
    expect((await put({ description: 'd' })).body.target.allowUnprovenExpiry).toBe(true);
    expect((await put({ allowUnprovenExpiry: false })).body.target.allowUnprovenExpiry).toBe(false);
  });

  it('comes with a credential that is given with a secret', async () => {
    const secret = { scope: 'repo:read', defaultTtl: '15m', maxTtl: '1h', allow: [ROLE_ARN] };
    const inline = { ...secret, credential: TARGET.credential, allowUnprovenExpiry: true };
    const put = await api.put('secrets/ci/own', inline);
    expect(put.status).toBe(201);
    const shown = await api.send({ path: `/v1/admin/targets/${put.body.secret.target}` });
    expect(shown.body.target.allowUnprovenExpiry).toBe(true);
  });
});

describe('a verification that Docker Hub is slow to let finish', () => {
  it('says what it waits for', async () => {
    const { hub } = api.ports;
    api.ports = { ...api.ports, hub: { ...hub, deleteToken: refusal({ tag: 'fault', code: 'timeout' }) } };
    const answer = await api.json('POST', 'admin/targets/acme', { action: 'verify' });
    expectContract('actOnTarget', answer);
    expect(answer).toMatchObject({
      status: 202,
      body: { target: { verification: 'pending', verificationPending: { step: 'delete' } } },
    });
  });
});

function expectProblem(answer: Answered, status: number, code: string): void {
  expect(answer).toMatchObject({ status, body: { status, code } });
}
