import { beforeEach, describe, expect, it } from 'vitest';
import { type Answered, Api, expectContract, ORG, PASSWORD, refusal, SECRET, TARGET } from './api.ts';

const INLINE = { ...SECRET, target: undefined, credential: TARGET.credential };

let api: Api;

beforeEach(() => {
  api = new Api();
});

const etag = ({ result }: Answered) => String(result.headers?.etag);

describe('versions', () => {
  it('are told by the ETag of what was put or shown, and If-Match changes only the one it names', async () => {
    await api.seed();
    for (const [path, body] of [
      ['targets/acme', { ...TARGET, description: 'changed' }],
      ['secrets/ci/release', { ...SECRET, description: 'changed' }],
    ] as const) {
      const shown = await api.send({ path: `/v1/admin/${path}` });
      const put = await api.put(path, body, { headers: { 'If-Match': etag(shown) } });
      expect([path, put.status]).toEqual([path, 200]);
      expect(etag(put)).not.toBe(etag(shown));
      expect(etag(put)).toBe(etag(await api.send({ path: `/v1/admin/${path}` })));
      const late = await api.put(path, body, { headers: { 'If-Match': etag(shown) } });
      expect(late).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    }
  });

  it('of anything are required by *, which creates nothing', async () => {
    const headers = { 'if-match': '*' };
    expect(await api.put('targets/acme', TARGET, { headers })).toMatchObject({ status: 412 });
    await api.seed();
    expect(await api.put('targets/acme', { ...TARGET, tags: { team: 'a' } }, { headers })).toMatchObject({
      status: 200,
    });
  });

  it.each(['W/"1"', '"1", "2"', '1', ''])('are not read from %j', async (value) => {
    const answer = await api.put('targets/acme', TARGET, { headers: { 'if-match': value } });
    expect(answer).toMatchObject({ status: 400, body: { field: 'if-match' } });
  });
});

describe('a PUT', () => {
  it('says what changed in the words of its answer, and nothing when nothing did', async () => {
    const key = { kty: 'OKP', crv: 'X25519', x: '3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08' };
    const first = await api.put('targets/acme', TARGET);
    expectContract('putTarget', first);
    expect(first.body.changed).toEqual(expect.arrayContaining(['credential', 'kind', 'name', 'username']));
    expect(first.body.changed).not.toContain('schema');
    await api.put('secrets/ci/release', SECRET);
    const same = await api.put('secrets/ci/release', SECRET);
    expectContract('putSecret', same);
    expect([same.status, same.body.changed]).toEqual([200, []]);
    const changed = await api.put('secrets/ci/release', { ...SECRET, maxTtl: '2h', protectionKey: { jwk: key } });
    expectContract('putSecret', changed);
    expect(changed.body.changed).toEqual(['maxTtlSeconds', 'protectionKey']);
    const kept = await api.put('targets/acme', { kind: 'user' });
    expect([kept.status, kept.body.changed]).toEqual([200, []]);
  });

  it('of a target takes a quota, and an organization’s is what Docker allows unless given', async () => {
    expect((await api.put('targets/acme', { ...TARGET, maxActive: 5 })).body.target.maxActive).toBe(5);
    expect((await api.put('targets/org', ORG)).body.target.maxActive).toBe(100);
    expect(await api.put('targets/acme', { ...TARGET, maxActive: 0 })).toMatchObject({ status: 400 });
  });
});

describe('a verification', () => {
  const learned = { account: 'acmebot', loginRoute: 'auth-token', expiryGranularity: 'second', deleteStatus: 204 };

  it('says what it learned, with the PUT and whenever it is asked for', async () => {
    const put = await api.put('targets/acme', TARGET);
    expectContract('putTarget', put);
    expect(put.body.target.verification).toMatchObject({ at: '2026-11-21T09:00:00.000Z', ...learned, listDelayMs: 0 });
    const again = await api.json('POST', 'admin/targets/acme', { action: 'verify' });
    expectContract('actOnTarget', again);
    expect(again).toMatchObject({ status: 200, body: { target: { verification: learned } } });
    expect(etag(again)).not.toBe(etag(put));
  });

  it('answers 202 and pending when its time runs out', async () => {
    await api.seed();
    const { hub } = api.ports;
    const deleteToken = refusal({ tag: 'fault', code: 'timeout' });
    api.ports = { ...api.ports, hub: { ...hub, deleteToken } };
    const again = await api.json('POST', 'admin/targets/acme', { action: 'verify' });
    expectContract('actOnTarget', again);
    expect(again).toMatchObject({ status: 202, body: { target: { verification: 'pending' } } });
    const put = await api.put('targets/acme', TARGET);
    expectContract('putTarget', put);
    expect(put).toMatchObject({ status: 202, body: { target: { verification: 'pending' } } });
  });

  it.each<[object, string]>([
    [{}, 'action'],
    [{ action: 'delete' }, 'action'],
    [{ action: 'verify', force: true }, 'force'],
  ])('is the only action: %j fails at %s', async (body, field) => {
    await api.seed();
    expect(await api.json('POST', 'admin/targets/acme', body)).toMatchObject({ status: 400, body: { field } });
  });
});

describe('a secret with a credential of its own', () => {
  it('is leased from, shows that it has one, and never shows it', async () => {
    const put = await api.put('secrets/ci/release', INLINE);
    expectContract('putSecret', put);
    expect(put).toMatchObject({ status: 201, body: { secret: { ownTarget: true } } });
    expect(put.body.changed).toContain('credential');
    expect(put.body.secret).not.toHaveProperty('credential');
    const minted = await api.lease();
    expect(minted).toMatchObject({ status: 201, body: { credential: { username: 'acmebot' } } });
    const shown = await api.send({ path: '/v1/admin/secrets/ci/release' });
    expectContract('getSecret', shown);
    expect([put, minted, shown].map(({ result }) => result.body).join() + api.lines.join()).not.toContain(PASSWORD);
  });

  it('says so when only the credential changed', async () => {
    await api.put('secrets/ci/release', INLINE);
    const credential = { ...TARGET.credential, password: 'another-canary' };
    const again = await api.put('secrets/ci/release', { ...INLINE, credential });
    expect([again.status, again.body.changed]).toEqual([200, ['credential']]);
  });

  it('keeps it through a change that gives none, and a secret that has none to keep is refused', async () => {
    await api.put('secrets/ci/release', INLINE);
    const kept = { ...INLINE, credential: undefined, maxTtl: '2h' };
    const again = await api.put('secrets/ci/release', kept);
    expectContract('putSecret', again);
    expect([again.status, again.body.changed, again.body.secret.ownTarget]).toEqual([200, ['maxTtlSeconds'], true]);
    expect(await api.lease()).toMatchObject({ status: 201, body: { credential: { username: 'acmebot' } } });
    const fresh = await api.put('secrets/ci/other', kept);
    expect(fresh).toMatchObject({ status: 400, body: { field: 'target' } });
  });

  it('answers 202 when the time of its verification runs out, and may be verified again by its target', async () => {
    const { hub } = api.ports;
    api.ports = { ...api.ports, hub: { ...hub, deleteToken: refusal({ tag: 'fault', code: 'timeout' }) } };
    const put = await api.put('secrets/ci/release', INLINE);
    expectContract('putSecret', put);
    expect(put.status).toBe(202);
    api.ports = { ...api.ports, hub };
    const verified = await api.json('POST', `admin/targets/${put.body.secret.target}`, { action: 'verify' });
    expect(verified).toMatchObject({ status: 200, body: { target: { verification: { deleteStatus: 204 } } } });
  });

  it('is proven by a login unless told verify=false', async () => {
    api.ports = { ...api.ports, hub: { ...api.ports.hub, login: refusal({ tag: 'credential_refused' }) } };
    const refused = await api.put('secrets/ci/release', INLINE);
    expect(refused).toMatchObject({ status: 422, body: { code: 'credential_refused' } });
    expect(await api.put('secrets/ci/release', INLINE, { query: { verify: ['false'] } })).toMatchObject({
      status: 201,
    });
  });

  it('may be of an organization, by its namespace', async () => {
    const put = await api.put('secrets/ci/pull', {
      ...INLINE,
      scope: undefined,
      kind: 'org',
      organization: 'acme',
      namespace: 'acme',
    });
    expectContract('putSecret', put);
    expect(put.body.secret.resources).toEqual([{ type: 'TYPE_REPO', path: 'acme/*', scopes: ['scope-image-pull'] }]);
  });
});

describe('a namespace', () => {
  it('is refused on a user, whose tokens cannot be narrowed', async () => {
    await api.seed();
    for (const scope of [undefined, 'repo:read']) {
      const answer = await api.put('secrets/ci/pull', { ...SECRET, scope, namespace: 'acme' });
      expect(answer).toMatchObject({ status: 422, body: { code: 'resources_need_org_target' } });
    }
  });

  it('of another organization is refused by its own name', async () => {
    await api.put('targets/acme', ORG);
    const answer = await api.put('secrets/ci/pull', { ...SECRET, scope: undefined, namespace: 'other' });
    expect(answer).toMatchObject({ status: 400, body: { field: 'namespace' } });
  });
});

describe('a label template', () => {
  it('labels the leases that give no label', async () => {
    await api.seed({ labelTemplate: '{secret} for {role}' });
    expect((await api.lease()).body.lease.label).toBe('ci/release for ci');
    expect((await api.lease({ label: 'mine' })).body.lease.label).toBe('mine');
  });
});
