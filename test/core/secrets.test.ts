import { describe, expect, it } from 'vitest';
import {
  deleteSecret,
  getSecret,
  listSecrets,
  putSecret,
  type SecretOrder,
} from '../../functions/core/catalog/secrets.ts';
import type { OatResource } from '../../functions/core/model/scope.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Target } from '../../functions/core/model/target.ts';
import { answers, type CallName, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, LABELS, NOW_MS, ORG, ORIGIN, PASSWORD, World, type WorldOptions } from './world.ts';

const ALLOW = ['arn:aws:iam::111122223333:role/ci*'];
const PULL: readonly OatResource[] = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }];
const NEW: SecretOrder = {
  name: 'ci/release',
  target: 'acme-bot',
  scope: 'repo:write',
  defaultTtlSeconds: 900,
  maxTtlSeconds: 3_600,
  allow: ALLOW,
};
const ORG_ORDER = { ...without(NEW, 'scope'), target: 'acme', resources: PULL };
const INLINE = {
  ...NEW,
  target: { kind: 'user', credential: { username: 'Acme-Bot', password: PASSWORD }, verify: false },
} as const;
const INLINE_NAME = `inline/${LABELS.sha256('ci/release').slice(0, 16)}`;
const CHANGED = {
  event: 'secret.changed',
  atMs: NOW_MS,
  caller: ORIGIN.caller.arn,
  callerId: ORIGIN.caller.id,
  requestId: 'request-1',
  secret: 'ci/release',
  sourceIp: '192.0.2.7',
};

/** What the audit log says of `NEW`, in which everything is new. */
const DETAIL = {
  changed: 'allow defaultTtlSeconds deleteProtection managedBy maxTtlSeconds name renewable scope status tags target',
  allowAfter: ALLOW[0],
  targetAfter: 'acme-bot',
  scopeAfter: 'repo:write',
  defaultTtlSecondsAfter: 900,
  maxTtlSecondsAfter: 3_600,
  renewableAfter: false,
};

function without<T extends object, K extends keyof T>(whole: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = whole;
  return rest;
}

function worldWithTarget(target: Partial<Target> = {}, options: WorldOptions = {}) {
  const world = new World(options);
  return { world, target: world.addTarget(target) };
}

describe('a changed secret', () => {
  it('is audited with the names of what changed, and with before and after of what decides who gets what', async () => {
    const { world } = worldWithTarget();
    await putSecret(world.ports, ORIGIN, NEW);
    const allow = [...ALLOW, { role: ORIGIN.caller.arn, id: 'AROADBQP57FF2AEXAMPLE' }];
    await putSecret(world.ports, ORIGIN, {
      ...NEW,
      allow,
      maxTtlSeconds: 7_200,
      description: 'not told',
      maxActive: 3,
    });
    expect(world.events[1]).toEqual({
      ...CHANGED,
      detail: {
        changed: 'allow description maxActive maxTtlSeconds',
        allowBefore: ALLOW[0],
        allowAfter: `${ALLOW[0]} ${ORIGIN.caller.arn}#AROADBQP57FF2AEXAMPLE`,
        maxTtlSecondsBefore: 3_600,
        maxTtlSecondsAfter: 7_200,
        maxActiveAfter: 3,
      },
    });
  });

  it('is audited with the paths and scopes of an organization’s resources', async () => {
    const { world } = worldWithTarget(ORG);
    await putSecret(world.ports, ORIGIN, ORG_ORDER);
    expect(world.events[0]?.detail).toMatchObject({ resourcesAfter: 'acme/app:scope-image-pull' });
  });

  it('is audited in bounds, however long its allow list', async () => {
    const { world } = worldWithTarget();
    const allow = Array.from({ length: 50 }, () => `arn:aws:iam::111122223333:role/${'a'.repeat(200)}`);
    await putSecret(world.ports, ORIGIN, { ...NEW, allow });
    expect(world.events[0]?.detail?.allowAfter).toHaveLength(8_001);
  });

  it('is audited without the credential that was given with it', async () => {
    const { world } = worldWithTarget();
    await putSecret(world.ports, ORIGIN, { ...INLINE, protectionJwk: { kty: 'EC', x: 'canary-of-a-key' } });
    expect(world.events.map(({ event }) => event)).toEqual(['target.changed', 'secret.changed']);
    expect(JSON.stringify(world.events)).not.toMatch(new RegExp(`${PASSWORD}|canary-of-a-key`));
  });
});

describe('a new secret', () => {
  it('is written with its limits, and falls back to the defaults for the rest', async () => {
    const { world } = worldWithTarget();
    const secret: DynamicSecret = {
      schema: 1,
      name: 'ci/release',
      version: 1,
      opId: 'op-1',
      target: 'acme-bot',
      scope: 'repo:write',
      defaultTtlSeconds: 900,
      maxTtlSeconds: 3_600,
      renewable: false,
      allow: ALLOW,
      tags: {},
      deleteProtection: false,
      status: 'ready',
      managedBy: 'api',
      createdAtMs: NOW_MS,
      updatedAtMs: NOW_MS,
    };
    const put = await putSecret(world.ports, ORIGIN, NEW);
    expect(put).toStrictEqual({ secret, created: true, changed: expect.any(Array) });
    expect(put.changed).toContain('allow');
    expect(world.catalog.secrets.all()).toStrictEqual([secret]);
    expect(world.events).toEqual([{ ...CHANGED, detail: DETAIL }]);
    expect(world.steering.hubCalls).toBe(0);
  });

  it('keeps everything that is given', async () => {
    const { world } = worldWithTarget();
    const given = {
      renewable: true,
      maxActive: 20,
      description: 'for releases',
      tags: { team: 'a' },
      deleteProtection: true,
      labelTemplate: '{secret}',
      protectionJwk: { kty: 'EC' },
      managedBy: 'cdk',
    } as const;
    const { secret } = await putSecret(world.ports, ORIGIN, { ...NEW, ...given });
    expect(secret).toMatchObject(given);
    expect(world.catalog.secrets.all()).toEqual([secret]);
  });

  it('of an organization has resources in place of a scope', async () => {
    const { world } = worldWithTarget(ORG);
    const { secret } = await putSecret(world.ports, ORIGIN, ORG_ORDER);
    expect(secret).toMatchObject({ target: 'acme', resources: PULL });
    expect(secret).not.toHaveProperty('scope');
  });

  it('names no address that is not known', async () => {
    const { world } = worldWithTarget();
    await putSecret(world.ports, without(ORIGIN, 'sourceIp'), NEW);
    expect(world.events).toEqual([{ ...without(CHANGED, 'sourceIp'), detail: DETAIL }]);
  });

  it('may have a default as long as its maximum, and as short as the installation allows', async () => {
    const { world } = worldWithTarget();
    const order = { ...NEW, defaultTtlSeconds: 60, maxTtlSeconds: 60 };
    expect((await putSecret(world.ports, ORIGIN, order)).secret).toMatchObject(order);
  });
});

describe('an order for a secret is refused', () => {
  it.each<[string, Partial<Target>, SecretOrder, object]>([
    [
      'with a scope for an organization: only a user’s token has one',
      ORG,
      { ...ORG_ORDER, scope: 'repo:read' },
      { tag: 'scope_needs_user_target', target: 'acme' },
    ],
    [
      'with resources for a user: a personal token cannot be narrowed',
      {},
      { ...NEW, resources: PULL },
      { tag: 'resources_need_org_target', target: 'acme-bot' },
    ],
    [
      'without a scope for a user',
      {},
      without(NEW, 'scope'),
      { tag: 'invalid_field', field: 'scope', problem: 'required for a target of kind "user"' },
    ],
    [
      'without resources for an organization',
      ORG,
      without(ORG_ORDER, 'resources'),
      {
        tag: 'invalid_field',
        field: 'resources',
        problem: 'required for a target of kind "org", or namespace in its place',
      },
    ],
    [
      'with resources of another organization',
      ORG,
      { ...ORG_ORDER, resources: [{ ...(PULL[0] as OatResource), path: 'other/app' }] },
      {
        tag: 'invalid_field',
        field: 'resources.0.path',
        problem: 'expected "acme/NAME", "acme/*" or "*/*/public"',
      },
    ],
    [
      'with a default TTL under the least',
      {},
      { ...NEW, defaultTtlSeconds: 59 },
      { tag: 'ttl_too_short', ttlSeconds: 59, minTtlSeconds: 60 },
    ],
    [
      'with a default TTL over its maximum',
      {},
      { ...NEW, defaultTtlSeconds: 901, maxTtlSeconds: 900 },
      { tag: 'invalid_field', field: 'defaultTtl', problem: 'may not exceed maxTtl' },
    ],
    ['for a target that there is not', {}, { ...NEW, target: 'gone' }, { tag: 'target_not_found', target: 'gone' }],
    ['for a draining target', { status: 'draining' }, NEW, { tag: 'draining', name: 'acme-bot' }],
    [
      'under the name that verifications are recorded by',
      {},
      { ...NEW, name: 'verification' },
      { tag: 'invalid_field', field: 'name', problem: 'kept for verifications of targets' },
    ],
  ])('%s', async (_, target, order, failure) => {
    const { world } = worldWithTarget(target);
    expect(await failureOf(putSecret(world.ports, ORIGIN, order))).toEqual(failure);
    expect(world.catalog.secrets.all()).toEqual([]);
    expect(world.events).toEqual([]);
  });

  it('of a draining one', async () => {
    const { world } = worldWithTarget();
    world.addSecret({ status: 'draining' });
    expect(await failureOf(putSecret(world.ports, ORIGIN, NEW))).toEqual({ tag: 'draining', name: 'ci/release' });
  });

  it.each([
    ['cdk', 'api'],
    ['api', 'cdk'],
  ] as const)('of an existing one managed by %s, from %s', async (managedBy, from) => {
    const { world } = worldWithTarget();
    const secret = world.addSecret({ managedBy });
    expect(await failureOf(putSecret(world.ports, ORIGIN, { ...NEW, managedBy: from }))).toEqual({
      tag: 'managed_by_cdk',
      name: 'ci/release',
    });
    expect(world.catalog.secrets.all()).toEqual([secret]);
  });

  it.each([
    [2, 1],
    [0, 'any'],
  ] as const)('when the version is %i and not %s', async (version, ifVersion) => {
    const { world } = worldWithTarget();
    if (version > 0) world.addSecret({ version });
    expect(await failureOf(putSecret(world.ports, ORIGIN, { ...NEW, ifVersion }))).toEqual({
      tag: 'precondition_failed',
      name: 'ci/release',
      version,
    });
  });

  it('that lost the race for its row', async () => {
    const { world } = worldWithTarget();
    world.steering.on(
      'catalog.putSecret',
      preceded(() => world.addSecret({ description: 'theirs' })),
    );
    expect(await failureOf(putSecret(world.ports, ORIGIN, NEW))).toEqual({
      tag: 'version_conflict',
      name: 'ci/release',
    });
    expect(world.catalog.secrets.all()).toMatchObject([{ description: 'theirs' }]);
    expect(world.events).toEqual([]);
  });

  it.each<CallName>(['catalog.getSecret', 'catalog.getTarget', 'catalog.putSecret'])(
    'while %s is out',
    async (call) => {
      const { world } = worldWithTarget();
      world.steering.on(call, rejects);
      expect(await failureOf(putSecret(world.ports, ORIGIN, NEW))).toEqual({
        tag: 'store_unavailable',
        retryAfterSeconds: 2,
      });
      expect(world.catalog.secrets.all()).toEqual([]);
    },
  );
});

describe('replacing a secret', () => {
  it('puts what is left out back to its default, and keeps when it was made', async () => {
    const { world } = worldWithTarget();
    const former = world.addSecret({
      renewable: true,
      maxActive: 3,
      description: 'old',
      tags: { a: 'b' },
      deleteProtection: true,
      labelTemplate: 'x',
      version: 4,
    });
    const put = await putSecret(world.ports, ORIGIN, { ...NEW, ifVersion: 4 });
    expect(put).toMatchObject({
      created: false,
      changed: ['deleteProtection', 'description', 'labelTemplate', 'maxActive', 'renewable', 'tags'],
      secret: { version: 5, renewable: false, tags: {}, createdAtMs: former.createdAtMs, updatedAtMs: NOW_MS },
    });
    for (const field of ['maxActive', 'description', 'labelTemplate']) expect(put.secret).not.toHaveProperty(field);
    expect(world.catalog.secrets.all()).toEqual([put.secret]);
  });

  it('by what it is already writes nothing', async () => {
    const { world } = worldWithTarget();
    const secret = world.addSecret();
    expect(await putSecret(world.ports, ORIGIN, NEW)).toEqual({ secret, created: false, changed: [] });
    expect(world.steering.argsOf('catalog.putSecret')).toEqual([]);
    expect(world.events).toEqual([]);
  });

  it('may move it to another target: leases are revoked by way of the one they were taken from', async () => {
    const { world } = worldWithTarget();
    world.addSecret();
    world.addTarget({ name: 'other', username: 'other' });
    const { secret, changed } = await putSecret(world.ports, ORIGIN, { ...NEW, target: 'other' });
    expect([secret.target, changed]).toEqual(['other', ['target']]);
  });
});

describe('a secret with a credential of its own', () => {
  function newWorld() {
    const world = new World();
    world.hub.accounts.set('Acme-Bot', { password: PASSWORD, secondFactor: false });
    return world;
  }

  it('is written behind a target of its own, under a name that nobody else can have', async () => {
    const world = newWorld();
    const { secret } = await putSecret(world.ports, ORIGIN, INLINE);
    expect(secret).toMatchObject({ target: INLINE_NAME, ownTarget: true, scope: 'repo:write' });
    expect(world.catalog.targets.all()).toMatchObject([{ name: INLINE_NAME, username: 'acme-bot', managedBy: 'api' }]);
    expect(world.credentials.current.get(INLINE_NAME)?.credential).toEqual(INLINE.target.credential);
    expect(world.steering.order('catalog.putTarget', 'catalog.putSecret')).toEqual([
      'catalog.putTarget',
      'catalog.putSecret',
    ]);
    expect(world.eventNames).toEqual(['target.changed', 'secret.changed']);
    world.expectNothingLeaked(secret);
  });

  it('of a stack is that stack’s, target and all', async () => {
    const world = newWorld();
    await putSecret(world.ports, ORIGIN, { ...INLINE, managedBy: 'cdk' });
    expect(world.catalog.targets.all()).toMatchObject([{ managedBy: 'cdk' }]);
    expect(world.catalog.secrets.all()).toMatchObject([{ managedBy: 'cdk' }]);
  });

  it('can be given another credential, or none where it stays as it is', async () => {
    const world = newWorld();
    await putSecret(world.ports, ORIGIN, INLINE);
    const again = await putSecret(world.ports, ORIGIN, { ...INLINE, target: without(INLINE.target, 'credential') });
    expect(again).toMatchObject({ created: false, changed: [] });
    await putSecret(world.ports, ORIGIN, INLINE);
    expect(world.credentials.current.get(INLINE_NAME)?.version).toBe('cred-2');
  });

  it('keeps it through a change that gives neither credential nor target', async () => {
    const world = newWorld();
    const { secret } = await putSecret(world.ports, ORIGIN, INLINE);
    const change = { ...without(NEW, 'target'), maxActive: 3 };
    expect(await putSecret(world.ports, ORIGIN, change)).toMatchObject({
      created: false,
      changed: ['maxActive'],
      secret: { target: secret.target, ownTarget: true },
    });
    expect(world.credentials.current.get(INLINE_NAME)?.version).toBe('cred-1');
  });

  it.each([
    ['there is none yet', false],
    ['it has a target by name', true],
  ])('must be given where %s', async (_, exists) => {
    const { world } = worldWithTarget();
    if (exists) world.addSecret();
    const problem = 'give a target, or a credential in its place';
    expect(await failureOf(putSecret(world.ports, ORIGIN, without(NEW, 'target')))).toEqual({
      tag: 'invalid_field',
      field: 'target',
      problem,
    });
  });

  it('of an organization must name it, before anything is stored', async () => {
    const world = newWorld();
    const order = { ...ORG_ORDER, target: { ...INLINE.target, kind: 'org' } } as const;
    expect(await failureOf(putSecret(world.ports, ORIGIN, order))).toMatchObject({ field: 'organization' });
    expect(world.catalog.targets.all()).toEqual([]);
  });

  it('keeps it when neither a target nor a credential is sent again', async () => {
    const world = newWorld();
    await putSecret(world.ports, ORIGIN, INLINE);
    const put = await putSecret(world.ports, ORIGIN, { ...without(INLINE, 'target'), description: 'x' });
    expect(put).toMatchObject({
      changed: ['description'],
      secret: { target: INLINE_NAME, ownTarget: true, version: 2 },
    });
    expect(world.credentials.current.get(INLINE_NAME)?.version).toBe('cred-1');
  });

  it.each([
    ['new', false],
    ['of a named target', true],
  ])('cannot be %s when neither is sent', async (_, existing) => {
    const world = newWorld();
    world.addTarget();
    if (existing) world.addSecret();
    expect(await failureOf(putSecret(world.ports, ORIGIN, without(NEW, 'target')))).toEqual({
      tag: 'invalid_field',
      field: 'target',
      problem: 'give a target, or a credential in its place',
    });
  });

  it('of an organization is checked against that, in lower case', async () => {
    const world = newWorld();
    const target = { ...INLINE.target, kind: 'org', organization: 'ACME' } as const;
    const order = { ...without(INLINE, 'scope'), target, resources: PULL };
    const { secret } = await putSecret(world.ports, ORIGIN, order);
    expect(secret).toMatchObject({ target: INLINE_NAME, resources: PULL });
    expect(world.catalog.targets.all()).toMatchObject([{ kind: 'org', organization: 'acme' }]);
  });

  it('says when its verification ran out of time, and nothing of it otherwise', async () => {
    const world = newWorld();
    const order = { ...INLINE, target: { ...INLINE.target, verify: true } };
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'timeout' })), { times: 9 });
    expect(await putSecret(world.ports, ORIGIN, order)).toMatchObject({ created: true, verificationPending: true });
    const again = await putSecret(world.ports, ORIGIN, order);
    expect(again).toMatchObject({ changed: [], verificationPending: true });
    expect(await putSecret(world.ports, ORIGIN, INLINE)).not.toHaveProperty('verificationPending');
  });

  it('is not written when its credential is refused', async () => {
    const world = newWorld();
    world.steering.on('hub.login', answers(refusal({ tag: 'credential_refused' })));
    const order = { ...INLINE, target: { ...INLINE.target, verify: true } };
    expect(await failureOf(putSecret(world.ports, ORIGIN, order))).toMatchObject({ tag: 'credential_refused' });
    expect(world.catalog.secrets.all()).toEqual([]);
    expect(world.catalog.targets.all()).toEqual([]);
  });

  it.each<[string, SecretOrder, object]>([
    [
      'with resources for a user',
      { ...without(INLINE, 'scope'), resources: PULL },
      { tag: 'resources_need_org_target', target: INLINE_NAME },
    ],
    ['without a scope', without(INLINE, 'scope'), { tag: 'invalid_field', field: 'scope' }],
    [
      'of an organization without its name',
      { ...INLINE, target: { ...INLINE.target, kind: 'org' } },
      { tag: 'invalid_field', field: 'organization' },
    ],
    [
      'of an organization with another’s resources',
      {
        ...without(INLINE, 'scope'),
        target: { ...INLINE.target, kind: 'org', organization: 'other' },
        resources: PULL,
      },
      { tag: 'invalid_field', field: 'resources.0.path' },
    ],
  ])('that is refused %s leaves no target and no credential behind', async (_, order, failure) => {
    const world = newWorld();
    expect(await failureOf(putSecret(world.ports, ORIGIN, order))).toMatchObject(failure);
    expect(world.catalog.targets.all()).toEqual([]);
    expect([world.credentials.current.size, world.credentials.staged.size]).toEqual([0, 0]);
  });

  it('cannot become one of a named target', async () => {
    const world = newWorld();
    world.addTarget();
    await putSecret(world.ports, ORIGIN, INLINE);
    expect(await failureOf(putSecret(world.ports, ORIGIN, NEW))).toEqual({
      tag: 'invalid_field',
      field: 'target',
      problem: 'a secret cannot change between a target and a credential of its own: delete it and make it anew',
    });
  });

  it('cannot be made of one with a named target', async () => {
    const { world } = worldWithTarget();
    world.addSecret();
    expect(await failureOf(putSecret(world.ports, ORIGIN, INLINE))).toMatchObject({ field: 'credential' });
    expect(world.catalog.targets.all()).toMatchObject([{ name: 'acme-bot' }]);
  });

  it('takes its target and credential with it when it is deleted', async () => {
    const world = newWorld();
    await putSecret(world.ports, ORIGIN, INLINE);
    expect((await deleteSecret(world.ports, ORIGIN, 'ci/release', { force: false })).removed).toBe(true);
    expect([world.catalog.secrets.all(), world.catalog.targets.all()]).toEqual([[], []]);
    expect([...world.credentials.current.keys(), ...world.credentials.staged.keys()]).toEqual([]);
  });
});

describe('reading secrets', () => {
  it('gives one by name, or says that there is none', async () => {
    const { world } = worldWithTarget();
    const secret = world.addSecret();
    expect(await getSecret(world.ports, 'ci/release')).toEqual(secret);
    expect(await failureOf(getSecret(world.ports, 'gone'))).toEqual({ tag: 'secret_not_found', secret: 'gone' });
    world.steering.on('catalog.getSecret', rejects);
    expect(await failureOf(getSecret(world.ports, 'ci/release'))).toMatchObject({ tag: 'store_unavailable' });
  });

  it('gives a page of those below a prefix, or of a target', async () => {
    const { world } = worldWithTarget();
    const secret = world.addSecret();
    const other = world.addSecret({ name: 'cix', target: 'other' });
    expect(await listSecrets(world.ports, { prefix: 'ci' }, { limit: 5 })).toEqual({ items: [secret] });
    expect(await listSecrets(world.ports, { target: 'other' }, { limit: 5 })).toEqual({ items: [other] });
    world.steering.on('catalog.listSecrets', rejects);
    expect(await failureOf(listSecrets(world.ports, {}, { limit: 5 }))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('deleting a secret', () => {
  const KIND = { force: false };

  function worldWithSecret(secret: Partial<DynamicSecret> = {}, options: WorldOptions = {}) {
    const { world, target } = worldWithTarget({}, options);
    return { world, target, secret: world.addSecret(secret) };
  }

  it('removes it when no lease of it is open', async () => {
    const { world, secret } = worldWithSecret();
    expect(await deleteSecret(world.ports, ORIGIN, 'ci/release', KIND)).toEqual({
      removed: true,
      openLeases: 0,
      secret: { ...secret, status: 'draining', version: 2, opId: 'op-1', updatedAtMs: NOW_MS },
    });
    expect(world.catalog.secrets.all()).toEqual([]);
    expect(world.catalog.targets.all()).toHaveLength(1);
    expect(world.events).toEqual([
      { ...CHANGED, event: 'secret.deleted', detail: expect.objectContaining({ allowBefore: ALLOW[0] }) },
    ]);
  });

  it('marks it draining before leases are counted', async () => {
    const { world } = worldWithSecret();
    await deleteSecret(world.ports, ORIGIN, 'ci/release', KIND);
    expect(world.steering.order('catalog.putSecret', 'leases.countOpen')[0]).toBe('catalog.putSecret');
  });

  it('is refused with open leases, and it is ready as before', async () => {
    const { world, target } = worldWithSecret();
    world.addLease(target);
    expect(await failureOf(deleteSecret(world.ports, ORIGIN, 'ci/release', KIND))).toEqual({
      tag: 'open_leases',
      name: 'ci/release',
      count: 1,
    });
    expect(world.catalog.secrets.all()).toMatchObject([{ status: 'ready', version: 3 }]);
    expect(world.events).toEqual([]);
  });

  it('with force leaves it draining until its leases are gone', async () => {
    const { world, target } = worldWithSecret();
    world.addLease(target);
    const answer = await deleteSecret(world.ports, ORIGIN, 'ci/release', { force: true });
    expect(answer).toMatchObject({ removed: false, openLeases: 1, secret: { status: 'draining', version: 2 } });
    expect(world.catalog.secrets.all()).toEqual([answer.secret]);
  });

  it('that drains since a forced deletion, and is then deleted without force, goes on draining', async () => {
    const { world, target } = worldWithSecret({ status: 'draining' });
    world.addLease(target);
    expect(await failureOf(deleteSecret(world.ports, ORIGIN, 'ci/release', KIND))).toMatchObject({
      tag: 'open_leases',
    });
    expect(world.catalog.secrets.all()).toMatchObject([{ status: 'draining' }]);
  });

  it('waits until every lease is certain to be counted', async () => {
    const { world } = worldWithSecret({}, { settleMs: 30_000 });
    const answer = await deleteSecret(world.ports, ORIGIN, 'ci/release', KIND);
    expect(answer).toMatchObject({ removed: false, openLeases: 0 });
    expect(world.catalog.secrets.all()).toMatchObject([{ status: 'draining' }]);
  });

  it('is refused while it is protected, with force too', async () => {
    const { world, secret } = worldWithSecret({ deleteProtection: true });
    for (const force of [false, true]) {
      expect(await failureOf(deleteSecret(world.ports, ORIGIN, 'ci/release', { force }))).toEqual({
        tag: 'delete_protected',
        secret: 'ci/release',
      });
    }
    expect(world.catalog.secrets.all()).toEqual([secret]);
  });

  it.each([
    ['cdk', undefined],
    ['api', 'cdk'],
  ] as const)('managed by %s is not for %s', async (managedBy, by) => {
    const { world, secret } = worldWithSecret({ managedBy });
    const options = { force: true, ...(by !== undefined && { managedBy: by }) };
    expect(await failureOf(deleteSecret(world.ports, ORIGIN, 'ci/release', options))).toEqual({
      tag: 'managed_by_cdk',
      name: 'ci/release',
    });
    expect(world.catalog.secrets.all()).toEqual([secret]);
  });

  it('managed by a stack is for that stack', async () => {
    const { world } = worldWithSecret({ managedBy: 'cdk' });
    const options = { force: false, managedBy: 'cdk' } as const;
    expect((await deleteSecret(world.ports, ORIGIN, 'ci/release', options)).removed).toBe(true);
  });

  it('that there is not, is said', async () => {
    const { world } = worldWithTarget();
    expect(await failureOf(deleteSecret(world.ports, ORIGIN, 'gone', KIND))).toEqual({
      tag: 'secret_not_found',
      secret: 'gone',
    });
  });

  it.each([1, 2])('loses the race for mark %i to another change', async (nth) => {
    const { world, target, secret } = worldWithSecret();
    world.addLease(target);
    world.steering.on(
      'catalog.putSecret',
      preceded(() => world.catalog.secrets.set(secret.name, { ...secret, version: 9 })),
      { nth },
    );
    expect(await failureOf(deleteSecret(world.ports, ORIGIN, 'ci/release', KIND))).toEqual({
      tag: 'version_conflict',
      name: 'ci/release',
    });
    expect(world.catalog.secrets.all()).toMatchObject([{ version: 9 }]);
  });

  it.each<CallName>(['catalog.getSecret', 'catalog.putSecret', 'leases.countOpen'])(
    'fails while %s is out, and can be repeated',
    async (call) => {
      const { world } = worldWithSecret();
      world.steering.on(call, losesReply);
      expect(await failureOf(deleteSecret(world.ports, ORIGIN, 'ci/release', KIND))).toEqual({
        tag: 'store_unavailable',
        retryAfterSeconds: 2,
      });
      expect((await deleteSecret(world.ports, ORIGIN, 'ci/release', KIND)).removed).toBe(true);
    },
  );

  it('whose removal got no reply is gone, and says to try again', async () => {
    const { world } = worldWithSecret();
    world.steering.on('catalog.deleteSecret', losesReply);
    const failure = await failureOf(deleteSecret(world.ports, ORIGIN, 'ci/release', KIND));
    expect(failure).toEqual({ tag: 'store_unavailable', retryAfterSeconds: 2 });
    expect(world.catalog.secrets.all()).toEqual([]);
  });
});
