import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Call, Client } from '../client/client.ts';
import { matchRoute } from '../functions/wire/match-route.ts';
import type { Operation } from '../functions/wire/operations.ts';
import {
  ACCOUNT,
  CI_ARN,
  type Edition,
  type LeaseView,
  mayPull,
  openEdition,
  problemOf,
  until,
} from './local/harness.ts';

const TWO_FACTOR = { username: 'acme-2fa', password: 'another-password', totpSecret: 'JBSWY3DPEHPK3PXP' };
const ORGANIZATION = { name: 'acme', owners: [ACCOUNT.username], repositories: ['app'] };
const LIMITS = { defaultTtl: '10m', maxTtl: '1h', allow: [CI_ARN] };

/** A client that remembers which operations it was asked for. */
function watched(client: Client, operations: Set<Operation>): Client {
  return {
    call(operation, call) {
      operations.add(operation);
      return client.call(operation, call);
    },
  };
}

let edition: Edition;
const asked = new Set<Operation>();
let admin: Client;
let ci: Client;
let other: Client;

beforeAll(async () => {
  edition = await openEdition({ hub: { accounts: [ACCOUNT, TWO_FACTOR], organizations: [ORGANIZATION] } });
  admin = watched(edition.admin, asked);
  ci = watched(edition.ci, asked);
  other = watched(edition.other, asked);
  await edition.admin.call('putTarget', { name: 'user', body: { kind: 'user', credential: ACCOUNT } });
  const org = { kind: 'org', organization: 'acme', credential: ACCOUNT };
  await edition.admin.call('putTarget', { name: 'org', body: org });
  return () => edition.close();
});

/** Puts a secret on the user target, unless told otherwise. */
async function put(name: string, body: object = {}) {
  return admin.call('putSecret', { name, body: { target: 'user', scope: 'repo:write', ...LIMITS, ...body } });
}

/** Leases as the CI role. */
async function mint(name: string, body?: object) {
  const { lease, credential } = (await ci.call('mintLease', { name, ...(body && { body }) })).body;
  return { lease, credential, password: 'password' in credential ? credential.password : '' };
}

async function show(id: string, query: Call['query'] = {}): Promise<LeaseView> {
  return (await ci.call('getLease', { name: id, query })).body.lease;
}

const onHub = (id: string | undefined) => edition.hub.control.tokens().find((token) => token.id === id);
const secondsBetween = (one: string, other: string) => Math.round((Date.parse(other) - Date.parse(one)) / 1_000);

async function keyPair() {
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES+A256KW', { extractable: true });
  const { kty, crv, x, y } = await exportJWK(publicKey);
  return { jwk: { kty, crv, x, y }, privateKey };
}

/** Leases from a secret with a protection key, and opens what came. */
async function sealedLease(name: string) {
  const { jwk, privateKey } = await keyPair();
  await put(name, { protectionKey: { jwk } });
  const { lease, credential } = await mint(name);
  expect(credential).not.toHaveProperty('password');
  if (!('sealed' in credential)) throw new Error('expected a sealed token');
  const { plaintext } = await compactDecrypt(credential.sealed, privateKey);
  expect(await mayPull(edition.hub, ACCOUNT.username, new TextDecoder().decode(plaintext))).toBe(true);
  return lease;
}

/** What each row of the page promises. */
const ROWS: Readonly<Record<string, () => Promise<void>>> = {
  'ak-target-create': async () => {
    const body = { kind: 'user', credential: TWO_FACTOR };
    const { target } = (await admin.call('putTarget', { name: 'team/two-factor', body })).body;
    expect(target).toMatchObject({ username: 'acme-2fa', verification: { deleteStatus: 204 } });
    expect(JSON.stringify(target)).not.toContain(TWO_FACTOR.password);
    await put('ak/two-factor', { target: 'team/two-factor' });
    const { password } = await mint('ak/two-factor');
    expect(await mayPull(edition.hub, 'acme-2fa', password)).toBe(true);
  },
  'ak-target-update': async () => {
    const name = 'ak-updated';
    await admin.call('putTarget', { name, body: { kind: 'user', credential: ACCOUNT, description: 'kept' } });
    const changed = await admin.call('putTarget', { name, body: { kind: 'user', credential: ACCOUNT } });
    expect(changed.body).toMatchObject({ changed: ['credential'], target: { description: 'kept' } });
    const wrong = { kind: 'user', credential: { ...TWO_FACTOR } };
    expect(await problemOf(admin.call('putTarget', { name, body: wrong }))).toMatchObject({ code: 'wrong_account' });
  },
  'ak-target-delete': async () => {
    const name = 'ak-deleted';
    await admin.call('putTarget', { name, body: { kind: 'user', credential: ACCOUNT } });
    await put('ak/of-deleted', { target: name });
    expect(await problemOf(admin.call('deleteTarget', { name }))).toMatchObject({ code: 'target_in_use' });
    const { lease } = await mint('ak/of-deleted', { ttl: '1s' });
    await admin.call('deleteSecret', { name: 'ak/of-deleted', query: { force: 'true' } });
    expect(await admin.call('deleteTarget', { name, query: { force: 'true' } })).toMatchObject({ status: 202 });
    await until('the lease has ended', async () => (await show(lease.id)).status === 'revoked');
  },
  'ak-create': async () => {
    const { status, body } = await put('ak/team/ci/create');
    expect([status, body.secret.name]).toEqual([201, 'ak/team/ci/create']);
  },
  'ak-inline': async () => {
    const inline = { target: undefined, credential: ACCOUNT };
    const { secret } = (await put('ak/inline', inline)).body;
    expect(secret).toMatchObject({ ownTarget: true });
    expect(JSON.stringify(secret)).not.toContain(ACCOUNT.password);
    expect((await put('ak/inline', { target: undefined, maxActive: 2 })).body.changed).toEqual(['maxActive']);
    const { password } = await mint('ak/inline');
    expect(await mayPull(edition.hub, ACCOUNT.username, password)).toBe(true);
  },
  'ak-scopes': async () => {
    for (const scopes of ['repo:public_read,repo:write,repo:read', ['repo:read', 'repo:write']]) {
      const { secret } = (await put('ak/scopes', { scope: undefined, scopes })).body;
      expect(secret.scope).toBe('repo:write');
    }
    const { lease } = await mint('ak/scopes');
    expect(onHub(lease.tokenId)?.scopes).toEqual(['repo:write']);
  },
  'ak-user-ttl': async () => {
    await put('ak/ttl', { defaultTtl: '60m', maxTtl: '1h30m' });
    expect((await mint('ak/ttl')).lease.ttlSeconds).toBe(3_600);
    expect((await mint('ak/ttl', { ttl: '90s' })).lease.ttlSeconds).toBe(90);
    expect(await problemOf(mint('ak/ttl', { ttl: '2h' }))).toMatchObject({ code: 'ttl_too_long' });
  },
  'ak-tags': async () => {
    expect((await put('ak/tags', { tags: { team: 'release' } })).body.secret.tags).toEqual({ team: 'release' });
  },
  'ak-description': async () => {
    expect((await put('ak/description', { description: 'Pushes' })).body.secret.description).toBe('Pushes');
  },
  'ak-delete-protection': async () => {
    const name = 'ak/protected';
    await put(name, { deleteProtection: true });
    expect(await problemOf(admin.call('deleteSecret', { name }))).toMatchObject({ code: 'delete_protected' });
    await put(name);
    expect((await admin.call('deleteSecret', { name })).body.removed).toBe(true);
  },
  'ak-encryption-key': async () => {
    await sealedLease('ak/sealed');
  },
  'ak-update': async () => {
    await put('ak/update', { description: 'before' });
    const { status, body } = await put('ak/update', { maxTtl: '2h' });
    expect([status, body.changed]).toEqual([200, ['description', 'maxTtlSeconds']]);
  },
  'ak-list': async () => {
    for (const name of ['ak-list/a', 'ak-list/b/c', 'ak-listed']) await put(name);
    const { items } = (await admin.call('listSecrets', { query: { prefix: 'ak-list' } })).body;
    expect(items.map(({ name }) => name)).toEqual(['ak-list/a', 'ak-list/b/c']);
  },
  'ak-get-value': async () => {
    await put('ak/value');
    const { lease, credential, password } = await mint('ak/value');
    expect([lease.status, credential.username]).toEqual(['active', ACCOUNT.username]);
    expect(await mayPull(edition.hub, ACCOUNT.username, password)).toBe(true);
  },
  'ak-tmp-get': async () => {
    await put('ak/listed');
    const { lease } = await mint('ak/listed');
    const { items } = (await admin.call('listAllLeases', { query: { secret: 'ak/listed' } })).body;
    expect(items.map(({ id }) => id)).toEqual([lease.id]);
    expect((await ci.call('listLeases', { query: { secret: 'ak/listed' } })).body.items).toHaveLength(1);
  },
  'ak-tmp-update': async () => {
    await put('ak/renewed', { renewable: true });
    const { lease } = await mint('ak/renewed', { ttl: '1m' });
    const renewed = (await ci.call('renewLease', { name: lease.id, body: { ttl: '30m' } })).body.lease;
    expect(renewed.ttlSeconds).toBeGreaterThanOrEqual(1_800);
    const foreign = other.call('renewLease', { name: lease.id, body: {} });
    expect(await problemOf(foreign)).toMatchObject({ code: 'lease_not_found' });
  },
  'ak-tmp-delete': async () => {
    await put('ak/ended');
    const { lease, password } = await mint('ak/ended');
    const ended = (await admin.call('revokeAnyLease', { name: lease.id })).body.lease;
    expect(ended).toMatchObject({ status: 'revoked', evidence: { kind: 'deleted' } });
    expect(await mayPull(edition.hub, ACCOUNT.username, password)).toBe(false);
  },
  'ak-tmp-delete-all': async () => {
    await put('ak/all');
    const leases = [await mint('ak/all'), await mint('ak/all')];
    expect((await admin.call('revokeMatching', { body: { prefix: 'ak/all' } })).body.count).toBe(2);
    for (const { lease } of leases) {
      await until('it has ended', async () => (await show(lease.id)).status === 'revoked');
      expect(onHub(lease.tokenId)?.live).toBe(false);
    }
  },
  'ak-delete': async () => {
    const name = 'ak/deleted';
    await put(name);
    const { lease } = await mint(name, { ttl: '1s' });
    expect(await problemOf(admin.call('deleteSecret', { name }))).toMatchObject({ code: 'open_leases' });
    expect(await admin.call('deleteSecret', { name, query: { force: 'true' } })).toMatchObject({ status: 202 });
    await until('the lease has ended', async () => (await show(lease.id)).status === 'revoked');
  },

  'plugin-config': async () => {
    const body = { kind: 'user', credential: ACCOUNT };
    expect(await admin.call('putTarget', { name: 'plugin-config', body })).toMatchObject({ status: 201 });
  },
  'plugin-namespaces': async () => {
    const { secret } = (await put('plugin/org', { target: 'org', scope: undefined, namespace: 'acme' })).body;
    expect(secret.resources).toEqual([{ type: 'TYPE_REPO', path: 'acme/*', scopes: ['scope-image-pull'] }]);
    const { lease } = await mint('plugin/org');
    expect(onHub(lease.tokenId)).toMatchObject({ kind: 'oat', account: 'acme', resources: secret.resources });
    const onUser = put('plugin/user', { namespace: 'acme' });
    expect(await problemOf(onUser)).toMatchObject({ code: 'resources_need_org_target' });
  },
  'plugin-ttl': async () => {
    for (const defaultTtl of [300, '5m']) await put('plugin/ttl', { defaultTtl });
    expect((await mint('plugin/ttl')).lease.ttlSeconds).toBe(300);
  },
  'plugin-label': async () => {
    await put('plugin/label');
    const { lease } = await mint('plugin/label', { label: 'build-17' });
    expect(lease.label).toBe('build-17');
    expect(onHub(lease.tokenId)?.label).toMatch(/^hl1:.* build-17$/);
  },
  'plugin-policy': async () => {
    await put('plugin/policy');
    const refused = other.call('mintLease', { name: 'plugin/policy' });
    expect(await problemOf(refused)).toMatchObject({ status: 403, code: 'caller_not_allowed' });
    expect((await mint('plugin/policy')).lease.caller).toBe(CI_ARN);
  },
  'plugin-token': async () => {
    await put('plugin/token', { renewable: true });
    const { lease, password } = await mint('plugin/token');
    expect(lease).toMatchObject({ id: expect.any(String), ttlSeconds: 600, renewable: true });
    expect(onHub(lease.tokenId)?.live).toBe(true);
    expect(password).toMatch(/^dckr_pat_/);
  },
  'vault-lookup': async () => {
    await put('vault/lookup');
    const { lease } = await mint('vault/lookup');
    expect(await show(lease.id)).toMatchObject({ id: lease.id, status: 'active', expiresAt: lease.expiresAt });
    await ci.call('revokeLease', { name: lease.id });
    expect(await show(lease.id)).toMatchObject({ status: 'revoked', evidence: { kind: 'deleted' } });
  },
  'vault-list': async () => {
    await put('vault/list/one');
    const { lease } = await mint('vault/list/one');
    const list = async (query: Record<string, string>) => (await admin.call('listAllLeases', { query })).body.items;
    const query = { secret: 'vault/list/one', status: 'active', caller: CI_ARN };
    expect((await list(query)).map(({ id }) => id)).toEqual([lease.id]);
    expect(await list({ secret: 'vault/list' })).toEqual([]);
    expect(await problemOf(list({ prefix: 'vault/list' }))).toMatchObject({ code: 'invalid_field' });
  },
  'vault-renew': async () => {
    await put('vault/renew', { renewable: true, maxTtl: '15m' });
    const { lease } = await mint('vault/renew', { ttl: '1m' });
    const renewed = (await ci.call('renewLease', { name: lease.id, body: { ttl: 600 } })).body;
    expect(renewed.clipped).toBe(false);
    expect(secondsBetween(lease.issuedAt, renewed.lease.expiresAt)).toBeGreaterThanOrEqual(600);
    const cut = (await ci.call('renewLease', { name: lease.id, body: { ttl: '1h' } })).body;
    expect([cut.clipped, cut.lease.expiresAt]).toEqual([true, lease.maxExpiresAt]);
  },
  'vault-revoke': async () => {
    await put('vault/revoke');
    const { lease } = await mint('vault/revoke');
    expect(await ci.call('revokeLease', { name: lease.id })).toMatchObject({ status: 200 });
    const late = await mint('vault/revoke');
    edition.hub.control.setFaults([{ route: 'pat-delete', kind: 'server-error', count: 1 }]);
    expect(await ci.call('revokeLease', { name: late.lease.id })).toMatchObject({ status: 202 });
    await until('it goes on by itself', async () => (await show(late.lease.id)).status === 'revoked');
  },
  'vault-revoke-prefix': async () => {
    await put('vault/prefix/a');
    await put('vault/prefix-not');
    const { lease, password } = await mint('vault/prefix/a');
    const beside = await mint('vault/prefix-not');
    const { leases } = (await admin.call('revokeMatching', { body: { prefix: 'vault/prefix' } })).body;
    expect(leases.map(({ id }) => id)).toEqual([lease.id]);
    expect((await show(beside.lease.id)).status).toBe('active');
    const tokenSha256 = createHash('sha256').update(password).digest('hex');
    const leaked = (await admin.call('revokeMatching', { body: { tokenSha256 } })).body.leases;
    expect(leaked).toMatchObject([{ id: lease.id, secret: 'vault/prefix/a', caller: CI_ARN }]);
    for (const [selector, from] of [
      [{ target: 'vault-prefix' }, 'vault/prefix/of-target'],
      [{ caller: CI_ARN }, 'vault/prefix/of-caller'],
    ] as const) {
      const body = { kind: 'user', credential: ACCOUNT };
      await admin.call('putTarget', { name: 'vault-prefix', body, query: { verify: 'false' } });
      await put(from, { target: 'vault-prefix' });
      const { lease } = await mint(from);
      const { leases } = (await admin.call('revokeMatching', { body: selector })).body;
      expect(leases.map(({ id }) => id)).toContain(lease.id);
    }
  },
  'vault-force': async () => {
    const name = 'vault/force';
    await put(name);
    const { lease } = await mint(name, { ttl: '2s' });
    expect(await admin.call('deleteSecret', { name, query: { force: 'true' } })).toMatchObject({ status: 202 });
    expect(await problemOf(mint(name))).toMatchObject({ code: 'draining' });
    await until('the lease has ended', async () => (await show(lease.id)).status === 'revoked');
    expect(onHub(lease.tokenId)?.deleted).toBe(true);
  },
  'vault-count': async () => {
    await put('vault/count');
    for (let count = 0; count < 3; count++) await mint('vault/count');
    const query = { secret: 'vault/count', status: 'active', limit: '2' };
    const first = (await admin.call('listAllLeases', { query })).body;
    const rest = await admin.call('listAllLeases', { query: { ...query, nextToken: String(first.nextToken) } });
    expect(first.items.length + rest.body.items.length).toBe(3);
    expect((await admin.call('revokeMatching', { body: { prefix: 'vault/count' } })).body.count).toBe(3);
  },
  'vault-quotas': async () => {
    await put('vault/quota', { maxActive: 1 });
    await mint('vault/quota');
    const refused = await problemOf(mint('vault/quota'));
    expect(refused).toMatchObject({ status: 429, code: 'quota_reached', holders: [CI_ARN] });
    expect(refused.retryAfterSeconds).toBeGreaterThan(500);
  },
  'vault-wrapping': async () => {
    await sealedLease('vault/wrapping');
  },
  'docker-create': async () => {
    await put('docker/create');
    const { lease } = await mint('docker/create');
    const token = onHub(lease.tokenId);
    expect(token).toMatchObject({ account: ACCOUNT.username, scopes: ['repo:write'] });
    expect(token?.expiresAtMs).not.toBeNull();
  },
  'docker-modify': async () => {
    await put('docker/modify');
    const before = await mint('docker/modify', { label: 'before' });
    await ci.call('revokeLease', { name: before.lease.id });
    const after = await mint('docker/modify', { label: 'after', scope: 'repo:read' });
    expect(onHub(before.lease.tokenId)?.deleted).toBe(true);
    expect(onHub(after.lease.tokenId)).toMatchObject({ scopes: ['repo:read'], live: true });
    expect(edition.hub.control.patches()).toEqual([]);
  },
  'docker-delete': async () => {
    await put('docker/delete');
    const { lease } = await mint('docker/delete');
    await ci.call('revokeLease', { name: lease.id });
    expect(onHub(lease.tokenId)?.deleted).toBe(true);
  },
  'docker-last-used': async () => {
    await put('docker/used');
    const unused = await mint('docker/used');
    expect(await show(unused.lease.id, { live: 'true' })).toMatchObject({
      neverUsed: true,
      live: { isActive: true, lastUsedAt: null },
    });
    // Of one lease the same view is shown for half a minute.
    const { lease, password } = await mint('docker/used');
    await mayPull(edition.hub, ACCOUNT.username, password);
    const used = await show(lease.id, { live: 'true' });
    expect(used).toMatchObject({ live: { isActive: true, lastUsedAt: expect.any(String) } });
    expect(used).not.toHaveProperty('neverUsed');
  },
};

const PAGE = readFileSync(resolve(import.meta.dirname, '../docs/migrating.md'), 'utf8');
/** Id and request of each row. */
const TABLE = [...PAGE.matchAll(/^\| `([\w-]+)` \|.*\| `([A-Z]+) (\/v1[^`?]*)` \|$/gm)].map(
  ([, id = '', method = '', path = '']) => ({ id, method, path }),
);

describe('the page of those who come from Akeyless or Vault', () => {
  it('has a test of the same id for each row, and a row for each test', () => {
    const rows = [...PAGE.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, id]) => id);
    expect(TABLE.map(({ id }) => id)).toEqual(rows);
    expect(rows).toEqual(Object.keys(ROWS));
  });

  it.each(TABLE)('$id: $method $path does what the row says', async ({ id, method, path }) => {
    asked.clear();
    await ROWS[id]?.();
    const example = path.replace('{name}', 'name').replace('{id}', '01KAJQXY00000000000000ZZZZ');
    const operation = matchRoute(method, example)?.route.operation;
    expect([...asked]).toContain(operation);
  });
});
