import { createHash, generateKeyPairSync } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Answered, Api, expectContract, ORG, refusal, SECRET, TARGET } from './api.ts';
import { NOW_MS, TOKEN } from './memory-ports.ts';
import { ROLE_ARN } from './proxy-event.ts';

const OTHER_ARN = 'arn:aws:sts::444455556666:assumed-role/other/s';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let api: Api;

beforeEach(async () => {
  api = new Api();
});

const idOf = (answer: Answered): string => answer.body.lease.id;

describe('a lease narrower than its secret', () => {
  it('has the scope that was asked for, as text, list or one', async () => {
    await api.seed();
    for (const body of [{ scope: 'repo:read' }, { scopes: 'repo:public_read,repo:read' }, { scopes: ['repo:read'] }]) {
      const answer = await api.lease(body);
      expectContract('mintLease', answer);
      expect(answer.body.lease.scope).toBe('repo:read');
    }
  });

  it('has the resources that were asked for, and 422 names both sides of what is too wide', async () => {
    const resource = (path: string, scope: string) => ({ type: 'TYPE_REPO', path, scopes: [scope] });
    await api.seed({ scope: undefined, resources: [resource('acme/*', 'scope-image-push')] }, ORG);
    const narrow = [resource('acme/app', 'scope-image-pull')];
    const answer = await api.lease({ resources: narrow });
    expectContract('mintLease', answer);
    expect(answer.body.lease).toMatchObject({ kind: 'oat', resources: narrow });
    const wide = await api.lease({ resources: [resource('acme/app', 'scope-image-delete')] });
    expect(wide).toMatchObject({ status: 422, body: { code: 'scope_too_wide' } });
    expect(wide.body.detail).toContain('scope-image-delete');
    expect(wide.body.detail).toContain('acme/* (scope-image-push)');
  });
});

describe('an Idempotency-Key', () => {
  it('ends what the first request got before the repeated one gets another token', async () => {
    await api.seed();
    const first = await api.lease({}, 'job-7');
    const second = await api.lease({}, 'job-7');
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(idOf(second)).not.toBe(idOf(first));
    const shown = await api.send({ path: `/v1/leases/${idOf(first)}` });
    expectContract('getLease', shown);
    expect(shown.body.lease).toMatchObject({ status: 'revoked', revokeReason: 'replayed' });
  });

  it.each<[string, Record<string, string>]>([
    ['empty', { 'Idempotency-Key': '' }],
    ['too long', { 'Idempotency-Key': 'x'.repeat(256) }],
    ['with a space', { 'Idempotency-Key': 'canary key' }],
    ['sent twice in two cases', { 'Idempotency-Key': 'a', 'idempotency-key': 'b' }],
  ])('that is %s gets 400 that names it', async (_, headers) => {
    await api.seed();
    const answer = await api.json('POST', 'lease/ci/release', {}, { headers });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_field', field: 'idempotency-key' } });
    expect(answer.result.body + api.lines.join()).not.toContain('canary');
  });

  it('tells when to come back while the first request is in flight', async () => {
    await api.seed();
    api.ports = { ...api.ports, minter: { createToken: refusal({ tag: 'fault', code: 'timeout' }) } };
    await api.lease({}, 'job-7');
    const answer = await api.lease({}, 'job-7');
    expect(answer).toMatchObject({ status: 409, body: { code: 'in_flight' } });
    expect(Number(answer.result.headers?.['retry-after'])).toBeGreaterThan(0);
  });
});

describe('a protection key', () => {
  it('answers the token sealed for its owner, and nowhere in the clear', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'release-2026' };
    await api.seed({ protectionKey: { jwk } });
    const answer = await api.lease();
    expectContract('mintLease', answer);
    const { credential } = answer.body;
    expect(Object.keys(credential)).toEqual(['registry', 'username', 'sealed']);
    expect(answer.result.body).not.toContain(TOKEN);
    const { plaintext, protectedHeader } = await compactDecrypt(credential.sealed, privateKey);
    expect(new TextDecoder().decode(plaintext)).toBe(TOKEN);
    expect(protectedHeader.kid).toBe('release-2026');
    const secret = await api.send({ path: '/v1/admin/secrets/ci/release' });
    expectContract('getSecret', secret);
    expect(secret.body.secret.protectionKey).toEqual({ jwk });
  });

  it('is refused when it is private, and nothing of it is kept or logged', async () => {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const answer = await api.put('secrets/ci/release', { ...SECRET, protectionKey: { jwk } });
    expect(answer).toMatchObject({ status: 400, body: { field: 'protectionKey.jwk' } });
    expect(answer.body.detail).toContain('private key');
    expect(answer.result.body + api.lines.join()).not.toContain(jwk.d);
  });

  it('is refused when nothing can be sealed for it', async () => {
    await api.seed();
    const jwk = { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) };
    const answer = await api.put('secrets/ci/release', { ...SECRET, protectionKey: { jwk } });
    expect(answer).toMatchObject({ status: 400, body: { field: 'protectionKey.jwk' } });
  });
});

describe('a renewal', () => {
  it('extends the lease, and says when it was clipped', async () => {
    await api.seed({ renewable: true });
    const id = idOf(await api.lease());
    const renewed = await api.json('POST', `leases/${id}/renew`, { ttl: '30m' });
    expectContract('renewLease', renewed);
    expect(renewed).toMatchObject({ status: 200, body: { clipped: false, lease: { id, ttlSeconds: 1_800 } } });
    const clipped = await api.json('POST', `leases/${id}/renew`, { ttl: '1d' });
    expect(clipped.body).toMatchObject({ clipped: true, lease: { ttlSeconds: 3_600 } });
    expect(clipped.body.lease.expiresAt).toBe(clipped.body.lease.maxExpiresAt);
  });

  it('needs no body, and is hidden from another role', async () => {
    await api.seed({ renewable: true });
    const path = `/v1/leases/${idOf(await api.lease())}/renew`;
    expect(await api.send({ method: 'POST', path })).toMatchObject({ status: 200 });
    expect(await api.send({ method: 'POST', path, userArn: OTHER_ARN })).toMatchObject({ status: 404 });
  });
});

describe('the live view', () => {
  const used = { isActive: true, lastUsedAtMs: NOW_MS - 60_000 };

  it('adds what Docker Hub says of one lease', async () => {
    await api.seed();
    const id = idOf(await api.lease());
    const answer = await api.send({ path: `/v1/leases/${id}`, query: { live: ['true'] } });
    expectContract('getLease', answer);
    expect(answer.body.lease).toMatchObject({
      live: { found: true, isActive: true, lastUsedAt: null },
      neverUsed: true,
    });
    expect((await api.send({ path: `/v1/leases/${id}`, query: { live: ['false'] } })).body.lease).not.toHaveProperty(
      'live',
    );
  });

  it('tells a used token, and one that is gone', async () => {
    await api.seed();
    const path = `/v1/admin/leases/${idOf(await api.lease())}`;
    const { hub } = api.ports;
    const getToken: typeof hub.getToken = async (...args) => {
      const reply = await hub.getToken(...args);
      return reply.ok ? { ...reply, value: { ...reply.value, ...used } } : reply;
    };
    api.ports = { ...api.ports, hub: { ...hub, getToken } };
    const answer = await api.send({ path, query: { live: ['true'] } });
    expectContract('getAnyLease', answer);
    expect(answer.body.lease.live).toEqual({
      found: true,
      isActive: true,
      lastUsedAt: '2026-11-21T08:59:00.000Z',
      asOf: '2026-11-21T09:00:00.000Z',
    });
    expect(answer.body.lease).not.toHaveProperty('neverUsed');
    api.ports = { ...api.ports, hub: { ...hub, getToken: refusal({ tag: 'not_found' }) } };
    // For half a minute the view that was kept is shown.
    expect((await api.send({ path, query: { live: ['true'] } })).body.lease.live).toMatchObject({ found: true });
    const laterMs = NOW_MS + 30_000;
    api.ports = { ...api.ports, clock: { ...api.ports.clock, nowMs: () => laterMs } };
    expect((await api.send({ path, query: { live: ['true'] } })).body.lease.live).toEqual({
      found: false,
      asOf: '2026-11-21T09:00:30.000Z',
    });
  });

  it('shows the lease all the same when Docker Hub cannot say', async () => {
    await api.seed();
    const id = idOf(await api.lease());
    api.ports = { ...api.ports, hub: { ...api.ports.hub, getToken: refusal({ tag: 'fault', code: 'timeout' }) } };
    const answer = await api.send({ path: `/v1/leases/${id}`, query: { live: ['true'] } });
    expect(answer.status).toBe(200);
    expect(answer.body.lease).not.toHaveProperty('live');
  });

  it('marks the never used in a list, and asks for active leases only, one after the other', async () => {
    await api.seed();
    const ids = await Promise.all(Array.from({ length: 12 }, async () => idOf(await api.lease())));
    await api.send({ method: 'DELETE', path: `/v1/leases/${ids[0]}` });
    const { hub } = api.ports;
    let [asked, atOnce, most] = [0, 0, 0];
    const getToken: typeof hub.getToken = async (...args) => {
      asked += 1;
      most = Math.max(most, ++atOnce);
      await new Promise(setImmediate);
      atOnce -= 1;
      const reply = await hub.getToken(...args);
      return { ...reply, meta: { ...reply.meta, rateLimit: 60_000 } };
    };
    api.ports = { ...api.ports, hub: { ...hub, getToken } };
    const list = () => api.send({ path: '/v1/leases', query: { live: ['true'] } });
    // The limit that Docker Hub states is not known yet, so one look has to do.
    const first = await list();
    expectContract('listLeases', first);
    expect(first.body.items.filter((lease: object) => 'live' in lease)).toHaveLength(1);
    api.ports = { ...api.ports, clock: { ...api.ports.clock, nowMs: () => NOW_MS + 30_000 } };
    asked = 0;
    const answer = await list();
    expectContract('listLeases', answer);
    expect([asked, most]).toEqual([11, 1]);
    const marked = answer.body.items.filter((lease: { neverUsed?: true }) => lease.neverUsed === true);
    expect(marked.map((lease: { id: string }) => lease.id).sort()).toEqual(ids.slice(1).sort());
  });

  it('stops asking when its time is up', async () => {
    await api.seed();
    for (let count = 0; count < 10; count++) await api.lease();
    const { hub } = api.ports;
    let nowMs = NOW_MS;
    let asked = 0;
    const getToken: typeof hub.getToken = async (...args) => {
      asked += 1;
      nowMs += 2_000;
      const reply = await hub.getToken(...args);
      return { ...reply, meta: { ...reply.meta, rateLimit: 60_000 } };
    };
    const record = { target: 'acme-bot', version: 1, opId: 'op', rateLimit: 60_000 };
    const known = (await api.ports.sessions.read('acme-bot')) ?? record;
    await api.ports.sessions.write({ ...known, version: known.version + 1, opId: 'limit', rateLimit: 60_000 });
    api.ports = { ...api.ports, clock: { ...api.ports.clock, nowMs: () => nowMs }, hub: { ...hub, getToken } };
    const answer = await api.send({ path: '/v1/admin/leases', query: { live: ['true'], status: ['active'] } });
    expectContract('listAllLeases', answer);
    expect(answer.body.items).toHaveLength(10);
    expect(asked).toBe(3);
  });
});

describe('everybody’s leases', () => {
  it('are listed by secret, caller and status, shown and revoked for admins', async () => {
    await api.seed({ allow: [ROLE_ARN, 'arn:aws:iam::444455556666:root'] });
    const own = idOf(await api.lease());
    const sent = { method: 'POST', path: '/v1/lease/ci/release', userArn: OTHER_ARN };
    const others = idOf(await api.send(sent));
    const list = (query: Record<string, string[]>) => api.send({ path: '/v1/admin/leases', query });
    const all = await list({});
    expectContract('listAllLeases', all);
    // The third is that of the target's verification.
    expect(all.body.items.map((lease: { secret: string }) => lease.secret).sort()).toEqual([
      'ci/release',
      'ci/release',
      'verification',
    ]);
    // A caller may be given as its session is written too.
    expect((await list({ caller: [OTHER_ARN] })).body.items).toMatchObject([{ id: others }]);
    expect((await list({ secret: ['ci/none'] })).body.items).toEqual([]);
    expect(await list({ caller: ['nobody'] })).toMatchObject({ status: 400, body: { field: 'caller' } });

    const path = `/v1/admin/leases/${own}`;
    expect((await api.send({ path })).body.lease).toMatchObject({ id: own, caller: ROLE_ARN });
    const revoked = await api.send({ method: 'DELETE', path });
    expectContract('revokeAnyLease', revoked);
    expect(revoked).toMatchObject({ status: 200, body: { lease: { status: 'revoked', revokeReason: 'admin' } } });
    expect((await list({ status: ['active'] })).body.items).toMatchObject([{ id: others }]);
  });

  it('show when a token was last used, where a sweep has seen it', async () => {
    await api.seed();
    const id = idOf(await api.lease());
    const lease = await api.ports.leases.get(id);
    if (lease === undefined) throw new Error('the lease is there');
    await api.ports.leases.update({ ...lease, version: lease.version + 1, lastUsedAtMs: NOW_MS });
    const answer = await api.send({ path: `/v1/admin/leases/${id}` });
    expectContract('getAnyLease', answer);
    expect(answer.body.lease.lastUsedAt).toBe('2026-11-21T09:00:00.000Z');
  });
});

describe('a revocation of many', () => {
  const revoke = (body: object) => api.json('POST', 'admin/revoke', body);

  beforeEach(async () => {
    // Unverified, so that there is one token of this text alone.
    await api.put('targets/acme', TARGET, { query: { verify: ['false'] } });
    await api.put('secrets/ci/release', SECRET);
    await api.put('secrets/ci/releases', SECRET);
  });

  it.each<[string, object]>([
    ['folder', { prefix: 'ci' }],
    ['secret', { prefix: 'ci/release' }],
    ['target', { target: 'acme' }],
    ['caller', { caller: ROLE_ARN }],
  ])('by %s answers 202 with whose leases they are', async (_, selector) => {
    const id = idOf(await api.lease());
    const answer = await revoke(selector);
    expectContract('revokeMatching', answer);
    expect(answer).toMatchObject({ status: 202, body: { count: 1, complete: true } });
    expect(answer.body.leases).toEqual([
      { id, secret: 'ci/release', caller: ROLE_ARN, issuedAt: '2026-11-21T09:00:00.000Z', status: 'revoking' },
    ]);
  });

  it('takes whole segments of a name, and nothing that does not match', async () => {
    await api.json('POST', 'lease/ci/releases', {});
    for (const selector of [{ prefix: 'ci/release' }, { target: 'other' }, { caller: OTHER_ARN }]) {
      expect((await revoke(selector)).body).toEqual({ count: 0, complete: true, leases: [] });
    }
  });

  it('by a leaked token takes only its hash, and traces it even when its lease is over', async () => {
    const id = idOf(await api.lease());
    await api.send({ method: 'DELETE', path: `/v1/leases/${id}` });
    const answer = await revoke({ tokenSha256: sha256(TOKEN).toUpperCase() });
    expectContract('revokeMatching', answer);
    expect(answer.body).toMatchObject({ count: 1, leases: [{ id, caller: ROLE_ARN, status: 'revoked' }] });
    expect((await revoke({ tokenSha256: sha256('another') })).body.count).toBe(0);
    const leaked = await revoke({ token: TOKEN });
    expect(leaked).toMatchObject({ status: 400, body: { field: 'token' } });
    expect(leaked.result.body + api.lines.join()).not.toContain(TOKEN);
  });

  it.each<[object]>([[{}], [{ prefix: 'ci', target: 'acme' }]])('by %j gets 400', async (body) => {
    expect(await revoke(body)).toMatchObject({ status: 400, body: { field: 'body' } });
  });

  it('stops after 15 s and says that it is not complete', async () => {
    await api.lease();
    let nowMs = NOW_MS;
    const { leases } = api.ports;
    const listOpen: typeof leases.listOpen = async (page) => {
      nowMs += 15_000;
      return leases.listOpen(page);
    };
    api.ports = {
      ...api.ports,
      clock: { ...api.ports.clock, nowMs: () => nowMs },
      leases: { ...leases, listOpen },
    };
    expect((await revoke({ prefix: 'ci' })).body).toEqual({ count: 0, complete: false, leases: [] });
  });
});

describe('a full quota', () => {
  it('says who holds it, and when the next lease ends', async () => {
    await api.seed({ maxActive: 2 });
    await api.lease({ ttl: '10m' });
    await api.lease({ ttl: '20m' });
    const answer = await api.lease();
    expect(answer).toMatchObject({ status: 429, body: { code: 'quota_reached', holders: [ROLE_ARN] } });
    expect(answer.result.headers?.['retry-after']).toBe('600');
  });
});
