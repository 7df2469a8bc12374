import { describe, expect, test } from 'vitest';
import { bearerOf, call, NOON_MS, openFake } from './client.ts';

const PATH = '/v2/orgs/acme/access-tokens';
const PULL_APP = { type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] };

describe('organization access tokens of the fake Docker Hub', () => {
  test('a create answers 201 with the value, the resources and the description, and without created_by', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const body = { label: 'build', description: 'CI', resources: [PULL_APP], expires_at: '2030-05-01T12:10:00Z' };
    const created = await call(hub, 'POST', PATH, { bearer, body });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      label: 'build',
      is_active: true,
      created_at: '2030-05-01T12:00:00.000000Z',
      expires_at: '2030-05-01T12:10:00Z',
      last_used_at: null,
      token: expect.stringMatching(/^dckr_oat_[A-Za-z0-9_-]{27,32}$/),
      resources: [PULL_APP],
      description: 'CI',
    });
    const { token: _, description: __, resources, ...read } = created.body;
    const one = await call(hub, 'GET', `${PATH}/${created.body.id}`, { bearer });
    expect(one.body).toEqual({ ...read, created_by: 'ann', resources });
    const list = await call(hub, 'GET', PATH, { bearer });
    expect(list.body).toEqual({ total: 1, next: null, previous: null, results: [{ ...read, created_by: 'ann' }] });
  });

  test('the list is paged with `total`', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    for (const label of ['a', 'b']) await call(hub, 'POST', PATH, { bearer, body: { label } });
    const { body } = await call(hub, 'GET', `${PATH}?page_size=1`, { bearer });
    expect(body).toMatchObject({ total: 2, next: `${hub.url}${PATH}?page=2&page_size=1`, results: [{ label: 'b' }] });
    expect(body).not.toHaveProperty('count');
  });

  test.each([
    ['an unknown type', { ...PULL_APP, type: 'TYPE_TEAM' }],
    ['a repository that does not exist', { ...PULL_APP, path: 'acme/none' }],
    ["another organization's repositories", { ...PULL_APP, path: 'other/*' }],
    ['a scope without its prefix', { ...PULL_APP, scopes: ['repo-pull'] }],
    ['no scopes', { type: 'TYPE_REPO', path: 'acme/app' }],
    ['no path', { type: 'TYPE_REPO', scopes: ['scope-image-pull'] }],
    ['another organization', { type: 'TYPE_ORG', path: 'other', scopes: ['scope-member-read'] }],
    ["a repository's scope on an organization", { type: 'TYPE_ORG', path: 'acme', scopes: ['scope-image-pull'] }],
    ['nothing', null],
  ])('a resource with %s gets 400 that names resources', async (_, resource) => {
    const hub = await openFake();
    const body = { label: 'one', resources: [resource] };
    const reply = await call(hub, 'POST', PATH, { bearer: await bearerOf(hub), body });
    expect([reply.status, Object.keys(reply.body.fields)]).toEqual([400, ['resources']]);
  });

  test('resources may be a repository, all of the organization, everything public, and the organization itself', async () => {
    const hub = await openFake();
    const resources = [
      PULL_APP,
      { ...PULL_APP, path: 'acme/*' },
      { ...PULL_APP, path: '*/*/public' },
      { type: 'TYPE_ORG', path: 'acme', scopes: ['scope-repository-list'] },
    ];
    const bearer = await bearerOf(hub);
    expect((await call(hub, 'POST', PATH, { bearer, body: { label: 'one', resources } })).status).toBe(201);
    const tooMany = { label: 'one', resources: Array(51).fill(PULL_APP) };
    expect((await call(hub, 'POST', PATH, { bearer, body: tooMany })).status).toBe(400);
  });

  test('a missing label, a long description and a past expiry are each named', async () => {
    const hub = await openFake();
    const body = { description: 'x'.repeat(201), expires_at: '2020-01-01T00:00:00Z' };
    const reply = await call(hub, 'POST', PATH, { bearer: await bearerOf(hub), body });
    expect(Object.keys(reply.body.fields).sort()).toEqual(['description', 'expires_at', 'label']);
  });

  test('expired and inactive tokens count towards the cap until they are deleted', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const create = (more = {}) => call(hub, 'POST', PATH, { bearer, body: { label: 'one', ...more } });
    await create({ expires_at: '2030-05-01T12:00:01Z' });
    const { id } = (await create()).body;
    await call(hub, 'PATCH', `${PATH}/${id}`, { bearer, body: { is_active: false } });
    await create();
    hub.advance(60_000);
    expect((await create()).status).toBe(403);
    expect((await call(hub, 'DELETE', `${PATH}/${id}`, { bearer })).status).toBe(204);
    expect((await create()).status).toBe(201);
  });

  test('only an owner manages them, and an unknown organization is 404', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub, 'bob');
    expect((await call(hub, 'GET', PATH, { bearer })).status).toBe(403);
    expect((await call(hub, 'POST', PATH, { bearer, body: { label: 'one' } })).status).toBe(403);
    expect((await call(hub, 'GET', '/v2/orgs/none/access-tokens', { bearer })).status).toBe(404);
    expect((await call(hub, 'GET', PATH)).status).toBe(401);
  });

  test('a patch changes label, description, resources and activity, and a second delete is 404', async () => {
    const hub = await openFake();
    const bearer = await bearerOf(hub);
    const { id } = (await call(hub, 'POST', PATH, { bearer, body: { label: 'one' } })).body;
    const body = { label: 'two', description: 'new', resources: [PULL_APP], is_active: false };
    const patched = await call(hub, 'PATCH', `${PATH}/${id}`, { bearer, body });
    expect([patched.status, patched.body.label, patched.body.is_active]).toEqual([200, 'two', false]);
    expect(patched.body.resources).toEqual([PULL_APP]);
    for (const wrong of [{ label: '' }, { description: 1 }, { is_active: 1 }, { resources: {} }]) {
      expect((await call(hub, 'PATCH', `${PATH}/${id}`, { bearer, body: wrong })).status).toBe(400);
    }
    expect(hub.control.patches()).toEqual([
      { id, account: 'acme', atMs: NOON_MS, by: 'ann', fields: ['label', 'description', 'resources', 'isActive'] },
    ]);
    await call(hub, 'DELETE', `${PATH}/${id}`, { bearer });
    expect((await call(hub, 'DELETE', `${PATH}/${id}`, { bearer })).status).toBe(404);
  });
});
