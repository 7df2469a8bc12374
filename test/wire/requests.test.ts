import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { CALLER_LABEL_MAX_CHARACTERS } from '../../functions/core/hub/label.ts';
import { Failed } from '../../functions/core/model/failure.ts';
import { check } from '../../functions/wire/check.ts';
import { LeaseId, Name } from '../../functions/wire/fields.ts';
import type { OperationDefinition } from '../../functions/wire/operations/operation.ts';
import { OPERATIONS, type Operation } from '../../functions/wire/operations.ts';
import { mintOrder } from '../../functions/wire/requests/lease.ts';
import { listOrder } from '../../functions/wire/requests/list.ts';
import { attestation, selectorOf } from '../../functions/wire/requests/revocation.ts';
import { secretOrder } from '../../functions/wire/requests/secret.ts';
import { targetAction, targetOrder } from '../../functions/wire/requests/target.ts';

const CANARY = 'canary-hunter2-canary';
const ROLE = 'arn:aws:iam::111122223333:role/ci*';

function failureOf(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (error instanceof Failed && error.failure.tag === 'invalid_field') return error.failure;
    throw error;
  }
  return undefined;
}

const mintBody = (body: unknown) => mintOrder('ci/release', check(OPERATIONS.mintLease.body.schema, body, 'body'));

const TARGET = { kind: 'user', credential: { username: 'acmebot', password: 'correct horse' } };
const targetBody = (body: object, query: object = {}) =>
  targetOrder(
    'acme',
    check(OPERATIONS.putTarget.body.schema, { ...TARGET, ...body }, 'body'),
    check(OPERATIONS.putTarget.query, query, 'query'),
  );

const SECRET = { target: 'acme', scope: 'repo:write', defaultTtl: '15m', maxTtl: 3_600, allow: [ROLE] };
const RESOURCE = { type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] };
const secretBody = (body: object) =>
  secretOrder('ci/release', check(OPERATIONS.putSecret.body.schema, { ...SECRET, ...body }, 'body'));
const without = (body: object, ...names: string[]) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));

describe('the body of a mint', () => {
  it.each([
    [{}, {}],
    [{ ttl: 90 }, { ttlSeconds: 90 }],
    [{ ttl: '1h30m' }, { ttlSeconds: 5_400 }],
    [
      { label: 'release-build', reason: 'Release 2.4 – für alle' },
      { label: 'release-build', reason: 'Release 2.4 – für alle' },
    ],
    [{ scope: 'repo:read' }, { scope: 'repo:read' }],
    [{ scopes: 'repo:read, repo:write' }, { scope: 'repo:write' }],
    [{ scopes: ['repo:public_read'] }, { scope: 'repo:public_read' }],
    [{ resources: [RESOURCE] }, { resources: [RESOURCE] }],
    [{ label: 'x'.repeat(CALLER_LABEL_MAX_CHARACTERS) }, { label: 'x'.repeat(CALLER_LABEL_MAX_CHARACTERS) }],
    [{ reason: 'x'.repeat(256) }, { reason: 'x'.repeat(256) }],
  ])('%j is accepted', (body, order) => {
    expect(mintBody(body)).toEqual({ secret: 'ci/release', ...order });
  });

  it.each<[string, unknown]>([
    ['body', null],
    ['body', []],
    ['body', CANARY],
    ['ttl', { ttl: 0 }],
    ['ttl', { ttl: -1 }],
    ['ttl', { ttl: 1.5 }],
    ['ttl', { ttl: 1e300 }],
    ['ttl', { ttl: true }],
    ['ttl', { ttl: null }],
    ['ttl', { ttl: '' }],
    ['ttl', { ttl: '0s' }],
    ['ttl', { ttl: '30m1h' }],
    ['ttl', { ttl: CANARY }],
    ['ttl', { ttl: '999999999d' }],
    ['ttl', { ttl: ['15m'] }],
    ['label', { label: '' }],
    ['label', { label: 7 }],
    ['label', { label: 'x'.repeat(CALLER_LABEL_MAX_CHARACTERS + 1) }],
    ['label', { label: 'a\nb' }],
    ['label', { label: 'a\u001b[31mb' }],
    ['label', { label: 'ä' }],
    ['label', { label: ' a' }],
    ['label', { label: 'a ' }],
    ['reason', { reason: 'x'.repeat(257) }],
    ['reason', { reason: 'a\r\nb' }],
    ['reason', { reason: 'a\u2028b' }],
    ['reason', { reason: 'a\ud800' }],
    ['reason', { reason: 'a\u202eb' }],
    ['reason', { reason: '\ud800' }],
    ['reason', { reason: '' }],
    ['scope', { scope: 'repo:all' }],
    ['scopes', { scopes: '' }],
    ['scopes', { scopes: 'repo:read,repo:all' }],
    ['scopes', { scope: 'repo:read', scopes: 'repo:read' }],
    ['resources', { resources: [] }],
    ['resources.0.path', { resources: [{ ...RESOURCE, path: '*/*' }] }],
    ['namespace', { namespace: 'acme' }],
    ['Ttl', { Ttl: 5 }],
    ['body.*', { [CANARY]: 1 }],
    ['body.*', { dckr_pat_EXAMPLEhijklmnopqrstuvwxyz0: 1 }],
    ['body.*', JSON.parse('{"__proto__":{"ttl":5}}')],
  ])('fails at %s', (field, body) => {
    const failure = failureOf(() => mintBody(body));
    expect(failure?.field).toBe(field);
    expect(failure?.problem).not.toContain('canary');
  });
});

describe('the body of a target', () => {
  it.each<[object, object]>([
    [{}, { kind: 'user', credential: { username: 'acmebot', password: 'correct horse' }, verify: true }],
    [
      { credential: { username: 'AcmeBot', password: ' ', totpSecret: 'jbswy3dpehpk3pxp' } },
      { credential: { username: 'acmebot', password: ' ', totpSecret: 'JBSWY3DPEHPK3PXP' } },
    ],
    [
      { kind: 'org', organization: 'acme', loginRoute: 'users-login' },
      { kind: 'org', organization: 'acme', loginRoute: 'users-login' },
    ],
    [
      { description: 'The release bot', tags: { team: 'release', 'cost center': '7' } },
      { description: 'The release bot', tags: { team: 'release', 'cost center': '7' } },
    ],
    [{ tags: { constructor: 'x', toString: 'y' } }, { tags: { constructor: 'x', toString: 'y' } }],
    [{ allowUnprovenExpiry: true }, { allowUnprovenExpiry: true }],
    [{ allowUnprovenExpiry: false }, { allowUnprovenExpiry: false }],
  ])('%j is accepted', (body, order) => {
    expect(targetBody(body)).toMatchObject({ name: 'acme', ...order });
  });

  it('may leave the credential out, to change the rest only', () => {
    expect(targetOrder('acme', check(OPERATIONS.putTarget.body.schema, { kind: 'user' }, 'body'), {})).toEqual({
      name: 'acme',
      kind: 'user',
      verify: true,
    });
  });

  it('is verified unless the query says verify=false', () => {
    expect(targetBody({}, { verify: 'true' }).verify).toBe(true);
    expect(targetBody({}, { verify: 'false' }).verify).toBe(false);
  });

  it.each<[string, object]>([
    ['kind', { kind: undefined }],
    ['kind', { kind: 'robot' }],
    ['kind', { kind: [CANARY] }],
    ['organization', { organization: 'Acme' }],
    ['organization', { organization: '../acme' }],
    ['organization', { organization: 'a' }],
    ['credential', { credential: CANARY }],
    ['credential', { credential: [] }],
    ['credential.username', { credential: { password: CANARY } }],
    ['credential.username', { credential: { username: 'me@example.com', password: CANARY } }],
    ['credential.username', { credential: { username: 'x'.repeat(65), password: CANARY } }],
    ['credential.password', { credential: { username: 'acmebot' } }],
    ['credential.password', { credential: { username: 'acmebot', password: '' } }],
    ['credential.password', { credential: { username: 'acmebot', password: [CANARY] } }],
    ['credential.password', { credential: { username: 'acmebot', password: CANARY.repeat(30) } }],
    ['credential.totpSecret', { credential: { username: 'acmebot', password: 'x', totpSecret: CANARY } }],
    ['credential.totpSecret', { credential: { username: 'acmebot', password: 'x', totpSecret: 'JBSWY3DP' } }],
    ['credential.totpSecret', { credential: { username: 'acmebot', password: 'x', totpSecret: 'A'.repeat(129) } }],
    ['credential.token', { credential: { username: 'acmebot', password: 'x', token: CANARY } }],
    ['credential.*', { credential: { username: 'acmebot', password: 'x', [CANARY]: 1 } }],
    ['loginRoute', { loginRoute: 'oauth' }],
    ['description', { description: 'x'.repeat(513) }],
    ['tags', { tags: [] }],
    ['tags', { tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`t${n}`, 'x'])) }],
    ['tags.*', { tags: { [`-${CANARY}`]: 'x' } }],
    ['tags.*', { tags: { ['x'.repeat(65)]: 'x' } }],
    ['tags.team', { tags: { team: 7 } }],
    ['tags.team', { tags: { team: 'x'.repeat(257) } }],
    ['managedBy', { managedBy: 'cdk' }],
    ['allowUnprovenExpiry', { allowUnprovenExpiry: 'true' }],
    ['dismissedTokenIds', { dismissedTokenIds: [] }],
  ])('fails at %s', (field, body) => {
    const failure = failureOf(() => targetBody(JSON.parse(JSON.stringify({ ...TARGET, ...body }))));
    const missing = 'kind' in body && body.kind === undefined;
    const same = missing
      ? failureOf(() => check(OPERATIONS.putTarget.body.schema, without(TARGET, 'kind'), 'body'))
      : failure;
    expect(same?.field).toBe(field);
    expect(JSON.stringify(same)).not.toContain('canary');
  });
});

describe('the body of a dynamic secret', () => {
  it.each<[object, object]>([
    [SECRET, { scope: 'repo:write', defaultTtlSeconds: 900, maxTtlSeconds: 3_600, allow: [ROLE] }],
    [{ ...without(SECRET, 'scope'), scopes: 'repo:read, repo:write' }, { scope: 'repo:write' }],
    [{ ...without(SECRET, 'scope'), scopes: ['repo:read', 'repo:public_read'] }, { scope: 'repo:read' }],
    [{ ...without(SECRET, 'scope'), resources: [RESOURCE] }, { resources: [RESOURCE] }],
    [{ ...without(SECRET, 'scope'), resources: [{ ...RESOURCE, path: '*/*/public' }] }, {}],
    [{ ...without(SECRET, 'scope'), resources: [{ ...RESOURCE, path: 'acme/*' }] }, {}],
    [
      {
        ...without(SECRET, 'scope'),
        resources: [{ type: 'TYPE_ORG', path: 'acme', scopes: ['scope-siem_credentials-read'] }],
      },
      {},
    ],
    [
      { ...SECRET, renewable: true, maxActive: 20, deleteProtection: true, description: 'd', tags: {} },
      { renewable: true, maxActive: 20, deleteProtection: true, description: 'd', tags: {} },
    ],
  ])('%j is accepted', (body, order) => {
    expect(secretOrder('ci/release', check(OPERATIONS.putSecret.body.schema, body, 'body'))).toMatchObject(order);
  });

  it.each(['defaultTtl', 'maxTtl', 'allow'])('needs %s', (name) => {
    const failure = failureOf(() => check(OPERATIONS.putSecret.body.schema, without(SECRET, name), 'body'));
    expect(failure).toMatchObject({ field: name, problem: 'is required' });
  });

  it.each<[string, object]>([
    ['target', { target: 'Acme' }],
    ['target', { target: 'a/b/c/d/e' }],
    ['target', { target: '' }],
    ['scope', { scope: 'repo:everything' }],
    ['scopes', { scopes: 'repo:read' }],
    ['defaultTtl', { defaultTtl: 'soon' }],
    ['maxTtl', { maxTtl: '0m' }],
    ['renewable', { renewable: 'true' }],
    ['maxActive', { maxActive: 0 }],
    ['maxActive', { maxActive: 10_001 }],
    ['maxActive', { maxActive: 1.5 }],
    ['allow', { allow: [] }],
    ['allow', { allow: ROLE }],
    ['allow', { allow: Array.from({ length: 51 }, () => ROLE) }],
    ['allow.0', { allow: ['*'] }],
    ['allow.1', { allow: [ROLE, 'arn:aws:iam::111122223333:role/path/ci'] }],
    ['allow.1', { allow: [ROLE, 'x'.repeat(129)] }],
    ['allow.0', { allow: [7] }],
    ['resources', { resources: [] }],
    ['resources', { resources: Array.from({ length: 51 }, () => RESOURCE) }],
    ['resources.0.type', { resources: [{ ...RESOURCE, type: 'TYPE_ALL' }] }],
    ['resources.0.path', { resources: [{ ...RESOURCE, path: 'acme/../other' }] }],
    ['resources.0.path', { resources: [{ ...RESOURCE, path: 'acme/..' }] }],
    ['resources.0.path', { resources: [{ ...RESOURCE, path: '*/*' }] }],
    ['resources.0.path', { resources: [without(RESOURCE, 'path')] }],
    ['resources.1.scopes', { resources: [RESOURCE, { ...RESOURCE, scopes: [] }] }],
    ['resources.0.scopes.0', { resources: [{ ...RESOURCE, scopes: ['repo-pull'] }] }],
    ['resources.0.extra', { resources: [{ ...RESOURCE, extra: 1 }] }],
    ['deleteProtection', { deleteProtection: 1 }],
    ['status', { status: 'draining' }],
    ['managedBy', { managedBy: 'cdk' }],
    ['version', { version: 7 }],
  ])('fails at %s', (field, body) => {
    expect(failureOf(() => secretBody(body))?.field).toBe(field);
  });

  it.each<[unknown]>([[''], ['repo:all'], [[]], [['repo:all']], [7], ['x'.repeat(200)]])(
    'fails at scopes %j',
    (scopes) => {
      const body = { ...without(SECRET, 'scope'), scopes };
      const failure = failureOf(() => secretOrder('ci/release', check(OPERATIONS.putSecret.body.schema, body, 'body')));
      expect(failure?.field).toMatch(/^scopes/);
    },
  );
});

describe('queries', () => {
  it.each<[Operation, object, object]>([
    ['listLeases', {}, { filter: {}, page: { limit: 50 }, live: false }],
    ['listLeases', { live: 'true' }, { filter: {}, page: { limit: 50 }, live: true }],
    ['listAllLeases', { caller: ROLE, live: 'false' }, { filter: { caller: ROLE }, page: { limit: 50 }, live: false }],
    [
      'listLeases',
      { secret: 'ci/release', status: 'active', limit: '100', nextToken: 'abc' },
      { filter: { secret: 'ci/release', status: 'active' }, page: { limit: 100, nextToken: 'abc' }, live: false },
    ],
    [
      'listTargets',
      { prefix: 'team/a', limit: '1' },
      { filter: { prefix: 'team/a' }, page: { limit: 1 }, live: false },
    ],
    [
      'listSecrets',
      { prefix: 'team', target: 'acme' },
      { filter: { prefix: 'team', target: 'acme' }, page: { limit: 50 }, live: false },
    ],
  ])('%s %j is accepted', (operation, query, order) => {
    expect(listOrder(check(OPERATIONS[operation].query, query, 'query') as object)).toEqual(order);
  });

  it.each<[Operation, string, Record<string, string>]>([
    ['listLeases', 'limit', { limit: '0' }],
    ['listLeases', 'limit', { limit: '101' }],
    ['listLeases', 'limit', { limit: '1e1' }],
    ['listLeases', 'limit', { limit: ' 5' }],
    ['listLeases', 'limit', { limit: '' }],
    ['listLeases', 'limit', { limit: '05' }],
    ['listLeases', 'nextToken', { nextToken: '' }],
    ['listLeases', 'nextToken', { nextToken: 'a b' }],
    ['listLeases', 'nextToken', { nextToken: 'x'.repeat(1_025) }],
    ['listLeases', 'status', { status: 'open' }],
    ['listLeases', 'secret', { secret: 'CI' }],
    ['listLeases', 'caller', { caller: 'arn:aws:iam::111122223333:role/other' }],
    ['listTargets', 'prefix', { prefix: 'a/' }],
    ['listTargets', 'status', { status: 'ready' }],
    ['listSecrets', 'target', { target: '*' }],
    ['putTarget', 'verify', { verify: 'no' }],
    ['putTarget', 'force', { force: 'true' }],
    ['deleteTarget', 'force', { force: '1' }],
    ['deleteSecret', 'force', { force: 'TRUE' }],
    ['mintLease', 'ttl', { ttl: '15m' }],
    ['getLease', 'live', { live: 'yes' }],
    ['listAllLeases', 'prefix', { prefix: 'ci' }],
    ['listAllLeases', 'caller', { caller: '' }],
    ['revokeLease', 'live', { live: 'true' }],
    ['whoami', 'query.*', { 'x-y': '1' }],
    ['getOpenapi', 'query.*', JSON.parse('{"__proto__":"1"}')],
  ])('%s fails at %s for %j', (operation, field, query) => {
    expect(failureOf(() => check(OPERATIONS[operation].query as z.ZodType, query, 'query'))?.field).toBe(field);
  });
});

describe('the body of what is done with a target', () => {
  const action = (body: unknown) => targetAction(check(OPERATIONS.actOnTarget.body.schema, body, 'body'));
  const UUID = '6f6d7a56-0c1e-4c1b-9d3b-0a4f5e6d7c8b';

  it.each<[object, object]>([
    [{ action: 'verify' }, { action: 'verify' }],
    [
      { action: 'dismiss', tokenIds: [UUID] },
      { action: 'dismiss', tokenIds: [UUID] },
    ],
    [
      { action: 'dismiss', tokenIds: ['4', 'a'.repeat(64)] },
      { action: 'dismiss', tokenIds: ['4', 'a'.repeat(64)] },
    ],
    [
      { action: 'dismiss', tokenIds: Array.from({ length: 100 }, () => UUID) },
      { action: 'dismiss', tokenIds: Array.from({ length: 100 }, () => UUID) },
    ],
  ])('%j is accepted', (body, order) => {
    expect(action(body)).toEqual(order);
  });

  it.each<[string, object]>([
    ['action', {}],
    ['action', { action: 'forget' }],
    ['tokenIds', { action: 'dismiss' }],
    ['tokenIds', { action: 'dismiss', tokenIds: [] }],
    ['tokenIds', { action: 'dismiss', tokenIds: UUID }],
    ['tokenIds', { action: 'dismiss', tokenIds: Array.from({ length: 101 }, () => UUID) }],
    ['tokenIds', { action: 'verify', tokenIds: [UUID] }],
    ['tokenIds.0', { action: 'dismiss', tokenIds: ['../x'] }],
    ['tokenIds.0', { action: 'dismiss', tokenIds: ['a'.repeat(65)] }],
    ['tokenIds.1', { action: 'dismiss', tokenIds: [UUID, ''] }],
    ['tokenIds.0', { action: 'dismiss', tokenIds: ['dckr_pat_canary-hunter2'] }],
    ['tokens', { action: 'dismiss', tokens: [UUID] }],
  ])('fails at %s for %j', (field, body) => {
    const failure = failureOf(() => action(body));
    expect(failure?.field).toBe(field);
    expect(JSON.stringify(failure)).not.toContain('canary');
  });
});

describe('the query of an attestation', () => {
  const attest = (query: object) => attestation(check(OPERATIONS.revokeAnyLease.query, query, 'query'));

  it('is none where nothing is attested', () => {
    expect(attest({})).toBeUndefined();
    expect(attest({ attest: 'false' })).toBeUndefined();
  });

  it.each(['x', 'The account is closed', 'Konto gelöscht – siehe #7', 'a'.repeat(200), 'a\u00a0b'])(
    'takes the reason %j',
    (reason) => {
      expect(attest({ attest: 'true', reason })).toBe(reason);
    },
  );

  it.each<[string, Record<string, string>]>([
    ['reason', { attest: 'true' }],
    ['reason', { reason: 'canary' }],
    ['reason', { attest: 'false', reason: 'canary' }],
    ['reason', { attest: 'true', reason: '' }],
    ['reason', { attest: 'true', reason: ' ' }],
    ['reason', { attest: 'true', reason: ' canary' }],
    ['reason', { attest: 'true', reason: 'canary\u00a0' }],
    ['reason', { attest: 'true', reason: 'a\nb' }],
    ['reason', { attest: 'true', reason: 'a\u202eb' }],
    ['reason', { attest: 'true', reason: 'a\u2028b' }],
    ['reason', { attest: 'true', reason: 'a'.repeat(201) }],
    ['attest', { attest: 'yes', reason: 'canary' }],
    ['why', { attest: 'true', why: 'canary' }],
  ])('fails at %s for %j', (field, query) => {
    const failure = failureOf(() => attest(query));
    expect(failure?.field).toBe(field);
    expect(JSON.stringify(failure)).not.toContain('canary');
  });
});

describe('the body of a revocation', () => {
  const order = (body: object) => selectorOf(check(OPERATIONS.revokeMatching.body.schema, body, 'body'));

  it.each<[object, object]>([
    [{ prefix: 'team/a' }, { prefix: 'team/a' }],
    [{ target: 'acme' }, { target: 'acme' }],
    [{ caller: 'arn:aws:iam::111122223333:role/ci' }, { caller: 'arn:aws:iam::111122223333:role/ci' }],
    [{ caller: 'arn:aws:sts::111122223333:assumed-role/ci/session' }, { caller: 'arn:aws:iam::111122223333:role/ci' }],
    [{ tokenSha256: 'A'.repeat(64) }, { tokenSha256: 'a'.repeat(64) }],
  ])('%j is accepted', (body, selector) => {
    expect(order(body)).toEqual(selector);
  });

  it.each<[string, object]>([
    ['body', {}],
    ['body', { prefix: 'ci', target: 'acme' }],
    ['prefix', { prefix: '' }],
    ['prefix', { prefix: 'ci/' }],
    ['prefix', { prefix: 'ci*' }],
    ['target', { target: null }],
    ['caller', { caller: '*' }],
    ['caller', { caller: 'arn:aws:iam::111122223333:role/ci*' }],
    ['caller', { caller: 'ci' }],
    ['tokenSha256', { tokenSha256: 'a'.repeat(63) }],
    ['tokenSha256', { tokenSha256: `dckr_pat_${'a'.repeat(55)}` }],
    ['token', { token: `dckr_pat_${CANARY}` }],
  ])('fails at %s for %j', (field, body) => {
    const failure = failureOf(() => order(body));
    expect(failure?.field).toBe(field);
    expect(JSON.stringify(failure)).not.toContain('dckr_pat_');
  });
});

describe('headers', () => {
  it.each<[Operation, string, string]>([
    ['mintLease', 'idempotency-key', 'k'],
    ['mintLease', 'idempotency-key', `!~${'x'.repeat(253)}`],
    ['putTarget', 'if-match', '"1"'],
    ['putSecret', 'if-match', '*'],
  ])('%s takes %s: %s', (operation, name, value) => {
    expect(check(headerOf(operation, name), value, name)).toBe(value);
  });

  it.each<[Operation, string, string]>([
    ['mintLease', 'idempotency-key', ''],
    ['mintLease', 'idempotency-key', 'x'.repeat(256)],
    ['mintLease', 'idempotency-key', 'a b'],
    ['mintLease', 'idempotency-key', 'ä'],
    ['putTarget', 'if-match', 'W/"3"'],
    ['putTarget', 'if-match', '"1", "2"'],
    ['putTarget', 'if-match', '3'],
    ['putTarget', 'if-match', '"03"'],
    ['putTarget', 'if-match', '"0"'],
    ['putSecret', 'if-match', '""'],
    ['putSecret', 'if-match', '* '],
  ])('%s refuses %s: %s', (operation, name, value) => {
    expect(failureOf(() => check(headerOf(operation, name), value, name))?.field).toBe(name);
  });

  it('name the version that is to be replaced', () => {
    const body = check(OPERATIONS.putTarget.body.schema, TARGET, 'body');
    expect(targetOrder('acme', body, {}, { 'if-match': '"37"' }).ifVersion).toBe(37);
    expect(targetOrder('acme', body, {}, { 'if-match': '*' }).ifVersion).toBe('any');
    expect(targetOrder('acme', body, {})).not.toHaveProperty('ifVersion');
  });

  function headerOf(operation: Operation, name: string): z.ZodType {
    const { headers = {} }: OperationDefinition = OPERATIONS[operation];
    const schema = headers[name]?.schema;
    if (schema === undefined) throw new Error('no such header');
    return schema;
  }
});

describe('names and ids in paths', () => {
  it.each(['a', 'ci/release', 'a-b/0/c/d', `${'a'.repeat(32)}`])('%s is a name', (name) => {
    expect(check(Name, name, 'name')).toBe(name);
  });

  it.each(['', '/', 'a/', '-a', 'a//b', 'a.b', 'a_b', 'a/b/c/d/e', 'a'.repeat(33), 'a\n'])('%j is no name', (name) => {
    expect(failureOf(() => check(Name, name, 'name'))?.field).toBe('name');
  });

  it.each(['', '8'.repeat(26), 'O'.repeat(26), '01K9ZC3V7M8Q2R4T6W8Y0A1B2', '01K9ZC3V7M8Q2R4T6W8Y0A1B2CC'])(
    '%j is no lease id',
    (id) => {
      expect(failureOf(() => check(LeaseId, id, 'id'))?.field).toBe('id');
    },
  );
});
