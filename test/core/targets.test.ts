import { describe, expect, it } from 'vitest';
import type { TargetOrder } from '../../functions/core/catalog/target-order.ts';
import { deleteTarget, getTarget, listTargets, putTarget, verifyTarget } from '../../functions/core/catalog/targets.ts';
import { openSession } from '../../functions/core/hub/session.ts';
import type { Failure } from '../../functions/core/model/failure.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import { answers, type CallName, followed, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, ORIGIN, PASSWORD, TOTP_SECRET, World, type WorldOptions } from './world.ts';

const CREDENTIAL = { username: 'Acme-Bot', password: PASSWORD };
const NEW: TargetOrder = { name: 'acme-bot', kind: 'user', credential: CREDENTIAL, verify: false };
const NEW_ORG: TargetOrder = { ...NEW, name: 'acme', kind: 'org', organization: 'ACME' };
const SAME: TargetOrder = { name: 'acme-bot', kind: 'user', verify: false };
const CHANGED = {
  event: 'target.changed',
  atMs: NOW_MS,
  caller: ORIGIN.caller.arn,
  callerId: ORIGIN.caller.id,
  requestId: 'request-1',
};

/** A world in which Docker Hub knows the account, and hublease nothing. */
function newWorld(options: WorldOptions = {}): World {
  const world = new World(options);
  for (const name of ['Acme-Bot', 'acme-bot'])
    world.hub.accounts.set(name, { password: PASSWORD, secondFactor: false });
  return world;
}

function worldWithTarget(overrides: Partial<Target> = {}, options: WorldOptions = {}) {
  const world = newWorld(options);
  return { world, target: world.addTarget(overrides) };
}

describe('a new target', () => {
  it('is written with its credential beside it, its account in lower case', async () => {
    const world = newWorld();
    const put = await putTarget(world.ports, ORIGIN, { ...NEW, description: 'for CI', tags: { team: 'a' } });
    const target: Target = {
      schema: 1,
      name: 'acme-bot',
      version: 1,
      opId: expect.any(String),
      kind: 'user',
      username: 'acme-bot',
      loginRoute: 'auth-token',
      expiryGranularity: 'second',
      description: 'for CI',
      tags: { team: 'a' },
      status: 'ready',
      managedBy: 'api',
      createdAtMs: NOW_MS,
      updatedAtMs: NOW_MS,
    };
    expect(put).toStrictEqual({ target, created: true, changed: expect.any(Array) });
    expect(put.changed).toContain('credential');
    expect(world.catalog.targets.all()).toStrictEqual([target]);
    expect(world.credentials.current.get('acme-bot')).toEqual({ credential: CREDENTIAL, version: 'cred-1' });
    expect(world.steering.hubCalls).toBe(0);
    expect(world.events).toEqual([
      { ...CHANGED, target: 'acme-bot', sourceIp: '192.0.2.7', detail: expect.any(Object) },
    ]);
    world.expectNothingLeaked(put);
  });

  it('that is changed later is audited with before and after, and of a new credential with its name alone', async () => {
    const { world } = worldWithTarget();
    const order = { ...SAME, credential: { ...CREDENTIAL, password: `${PASSWORD}-2` }, allowUnprovenExpiry: true };
    await putTarget(world.ports, ORIGIN, { ...order, maxActive: 4, credentialRef: 'arn:of-a-secret' });
    expect(world.events[0]?.detail).toEqual({
      changed: 'allowUnprovenExpiry credential credentialRef maxActive',
      maxActiveAfter: 4,
      allowUnprovenExpiryAfter: true,
    });
    expect(JSON.stringify(world.events)).not.toContain(PASSWORD);
  });

  it('has no tags and no description unless given, and names no address that is not known', async () => {
    const world = newWorld();
    const { sourceIp: _, ...origin } = ORIGIN;
    const { target } = await putTarget(world.ports, origin, NEW);
    expect(target.tags).toEqual({});
    expect(target).not.toHaveProperty('description');
    expect(target).not.toHaveProperty('maxActive');
    const detail = {
      changed: 'credential kind loginRoute managedBy name status tags username',
      kindAfter: 'user',
      usernameAfter: 'acme-bot',
      loginRouteAfter: 'auth-token',
    };
    expect(world.events).toEqual([{ ...CHANGED, target: 'acme-bot', detail }]);
  });

  it('of an organization has its name in lower case, and Docker’s cap of tokens', async () => {
    const world = newWorld();
    const { target } = await putTarget(world.ports, ORIGIN, NEW_ORG);
    expect(target).toMatchObject({ kind: 'org', organization: 'acme', username: 'acme-bot', maxActive: 100 });
  });

  it('may have a cap of its own', async () => {
    const world = newWorld();
    expect((await putTarget(world.ports, ORIGIN, { ...NEW_ORG, maxActive: 10 })).target.maxActive).toBe(10);
    expect((await putTarget(world.ports, ORIGIN, { ...NEW, maxActive: 3 })).target.maxActive).toBe(3);
  });

  it.each<[Partial<TargetOrder>, string]>([
    [{}, 'auth-token'],
    [{ credential: { ...CREDENTIAL, totpSecret: TOTP_SECRET } }, 'users-login'],
    [{ loginRoute: 'users-login' }, 'users-login'],
    [{ loginRoute: 'auth-token', credential: { ...CREDENTIAL, totpSecret: TOTP_SECRET } }, 'auth-token'],
  ])('takes the login route that its credential needs, or that was asked for (%#)', async (order, route) => {
    const world = newWorld();
    expect((await putTarget(world.ports, ORIGIN, { ...NEW, ...order })).target.loginRoute).toBe(route);
  });

  it('managed by a stack says so', async () => {
    const world = newWorld();
    expect((await putTarget(world.ports, ORIGIN, { ...NEW, managedBy: 'cdk' })).target.managedBy).toBe('cdk');
  });

  it('whose owner keeps the credential has only the place on record, and nothing is stored', async () => {
    const world = newWorld();
    const { target } = await putTarget(world.ports, ORIGIN, { ...NEW, credentialRef: 'arn:of-a-secret' });
    expect(target.credentialRef).toBe('arn:of-a-secret');
    expect(world.steering.order('credentials.stage', 'credentials.promote')).toEqual([]);
  });

  it('stages its credential, wins its row, and only then makes the credential current', async () => {
    const world = newWorld();
    await putTarget(world.ports, ORIGIN, NEW);
    const order = world.steering.order('credentials.stage', 'catalog.putTarget', 'credentials.promote', 'audit.record');
    expect(order).toEqual(['credentials.stage', 'catalog.putTarget', 'credentials.promote', 'audit.record']);
  });
});

describe('an order for a target is refused', () => {
  const KEPT_NAME = { field: 'name', problem: expect.stringContaining('kept for credentials') };

  it.each<[string, Partial<TargetOrder>, object]>([
    ['without an organization', { kind: 'org' }, { field: 'organization', problem: 'required when kind is "org"' }],
    [
      'with an organization of a user',
      { organization: 'acme' },
      { field: 'organization', problem: 'only allowed when kind is "org"' },
    ],
    ['below the names kept for inline credentials', { name: 'inline/x' }, KEPT_NAME],
    ['with that name itself', { name: 'inline' }, KEPT_NAME],
    ['as an inline credential’s, but not below their name', { ownTarget: true }, KEPT_NAME],
  ])('%s', async (_, order, failure) => {
    const world = newWorld();
    expect(await failureOf(putTarget(world.ports, ORIGIN, { ...NEW, ...order }))).toMatchObject({
      tag: 'invalid_field',
      ...failure,
    });
    expect(world.steering.calls.map(({ name }) => name)).toEqual(['catalog.getTarget']);
  });

  it('new and without a credential', async () => {
    const world = newWorld();
    expect(await failureOf(putTarget(world.ports, ORIGIN, SAME))).toEqual({
      tag: 'invalid_field',
      field: 'credential',
      problem: 'required for a new target',
    });
  });

  it.each(['dckr_pat_abc', 'dckr_oat_abc'])('with an access token for a password: %s', async (password) => {
    const world = newWorld();
    const order = { ...NEW, credential: { username: 'acme-bot', password } };
    expect(await failureOf(putTarget(world.ports, ORIGIN, order))).toEqual({ tag: 'access_token_as_credential' });
    expect(world.credentials.staged.size).toBe(0);
  });

  it.each([
    ['cdk', 'api'],
    ['api', 'cdk'],
  ] as const)('of an existing one managed by %s, from %s', async (managedBy, from) => {
    const { world, target } = worldWithTarget({ managedBy });
    const order = { ...SAME, description: 'x', managedBy: from };
    expect(await failureOf(putTarget(world.ports, ORIGIN, order))).toEqual({ tag: 'managed_by_cdk', name: 'acme-bot' });
    expect(world.catalog.targets.all()).toEqual([target]);
  });

  it('of a draining one, but for its credential', async () => {
    const { world } = worldWithTarget({ status: 'draining' });
    expect(await failureOf(putTarget(world.ports, ORIGIN, { ...SAME, description: 'x' }))).toEqual({
      tag: 'draining',
      name: 'acme-bot',
    });
    const { target, verificationPending } = await putTarget(world.ports, ORIGIN, { ...NEW, verify: true });
    expect(target).toMatchObject({ status: 'draining', version: 2, verification: { account: 'acme-bot' } });
    expect(verificationPending).toBeUndefined();
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-1');
  });

  it.each([
    [1, 'any', 1],
    [0, 'any', undefined],
    [3, 2, undefined],
    [0, 1, undefined],
    [3, 3, 3],
    [0, 0, 0],
  ] as const)('when the version is %i and not %s', async (version, ifVersion, taken) => {
    const world = newWorld();
    if (version > 0) world.addTarget({ version });
    const work = putTarget(world.ports, ORIGIN, { ...NEW, ifVersion });
    if (taken !== undefined) expect((await work).target.version).toBe(taken + 1);
    else expect(await failureOf(work)).toEqual({ tag: 'precondition_failed', name: 'acme-bot', version });
  });

  it.each<[string, Partial<TargetOrder>, string, string]>([
    ['another user', { credential: { ...CREDENTIAL, username: 'acme-bot2' } }, 'acme-bot', 'acme-bot2'],
    ['an organization', { kind: 'org', organization: 'acme' }, 'acme-bot', 'acme'],
  ])('that would move it to %s: its leases could not be revoked any more', async (_, order, expected, got) => {
    const { world, target } = worldWithTarget();
    expect(await failureOf(putTarget(world.ports, ORIGIN, { ...NEW, ...order }))).toEqual({
      tag: 'wrong_account',
      expected,
      got,
    });
    expect(world.catalog.targets.all()).toEqual([target]);
    expect(world.credentials.staged.size).toBe(0);
  });

  it('that would move it to another organization', async () => {
    const { world } = worldWithTarget(ORG);
    const order = { ...NEW_ORG, organization: 'other' };
    expect(await failureOf(putTarget(world.ports, ORIGIN, order))).toEqual({
      tag: 'wrong_account',
      expected: 'acme',
      got: 'other',
    });
  });

  it.each<[CallName, Partial<TargetOrder>]>([
    ['catalog.getTarget', {}],
    ['credentials.stage', {}],
    ['catalog.putTarget', {}],
    ['credentials.promote', {}],
    ['sessions.read', { verify: true }],
  ])('while %s is out', async (call, order) => {
    const { world } = worldWithTarget();
    world.steering.on(call, rejects);
    expect(await failureOf(putTarget(world.ports, ORIGIN, { ...NEW, ...order }))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-0');
    expect(world.events).toEqual([]);
  });

  it('that lost the race for its row, and the winner’s credential stays current', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'catalog.putTarget',
      preceded(() => world.catalog.targets.set('acme-bot', { ...target, version: 2, description: 'theirs' })),
    );
    expect(await failureOf(putTarget(world.ports, ORIGIN, NEW))).toEqual({ tag: 'version_conflict', name: 'acme-bot' });
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-0');
    expect(world.catalog.targets.get('acme-bot')?.description).toBe('theirs');
    expect(world.events).toEqual([]);
  });
});

describe('changing a target', () => {
  const KEPT: Partial<Target> = {
    description: 'for CI',
    tags: { team: 'a' },
    loginRoute: 'users-login',
    expiryGranularity: 'hour',
    maxActive: 7,
    verification: { atMs: 1, account: 'acme-bot', loginRoute: 'users-login', deleteStatus: 204 },
  };

  it('keeps what is left out', async () => {
    const { world, target } = worldWithTarget(KEPT);
    world.clock.advance(5);
    const put = await putTarget(world.ports, ORIGIN, { ...SAME, tags: { team: 'b' } });
    expect(put).toStrictEqual({
      target: { ...target, version: 2, opId: expect.any(String), tags: { team: 'b' }, updatedAtMs: NOW_MS + 5 },
      created: false,
      changed: ['tags'],
    });
    expect(world.catalog.targets.all()).toEqual([put.target]);
    expect(world.steering.order('credentials.stage', 'credentials.promote')).toEqual([]);
  });

  it('without a new credential proves nothing, though it is told to', async () => {
    const { world, target } = worldWithTarget();
    const put = await putTarget(world.ports, ORIGIN, { ...SAME, tags: { team: 'b' }, verify: true });
    expect(put).toMatchObject({ changed: ['tags'] });
    expect(put.target.verification).toEqual(target.verification);
    expect(world.steering.hubCalls).toBe(0);
  });

  it('keeps where its owner keeps the credential', async () => {
    const { world } = worldWithTarget({ credentialRef: 'arn:of-a-secret' });
    const { target, changed } = await putTarget(world.ports, ORIGIN, { ...SAME, description: 'x' });
    expect(target.credentialRef).toBe('arn:of-a-secret');
    expect(changed).toEqual(['description']);
  });

  it('to a credential of hublease’s own forgets where its owner kept it', async () => {
    const { world } = worldWithTarget({ credentialRef: 'arn:of-a-secret' });
    const { target } = await putTarget(world.ports, ORIGIN, NEW);
    expect(target).not.toHaveProperty('credentialRef');
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-1');
  });

  it('to what it is already writes nothing', async () => {
    const { world, target } = worldWithTarget(KEPT);
    const put = await putTarget(world.ports, ORIGIN, { ...SAME, description: 'for CI', verify: true });
    expect(put).toEqual({ target, created: false, changed: [] });
    expect(world.steering.calls.map(({ name }) => name)).toEqual(['catalog.getTarget']);
  });

  it('to the same tags in another order writes nothing: not every store keeps their order', async () => {
    const { world } = worldWithTarget({ tags: { a: '1', b: '2' } });
    expect((await putTarget(world.ports, ORIGIN, { ...SAME, tags: { b: '2', a: '1' } })).changed).toEqual([]);
  });

  it('to another credential of the same account forgets what was learned with the former one', async () => {
    const { world } = worldWithTarget(KEPT);
    const { target, changed } = await putTarget(world.ports, ORIGIN, NEW);
    expect(target).not.toHaveProperty('verification');
    expect(target).toMatchObject({ loginRoute: 'auth-token', expiryGranularity: 'hour', maxActive: 7 });
    expect(changed).toEqual(['credential', 'loginRoute']);
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-1');
  });

  it('may give an organization another user to log in with', async () => {
    const { world } = worldWithTarget(ORG);
    world.addLease(world.catalog.targets.get('acme') as Target);
    const order = { ...NEW_ORG, credential: { username: 'acme-bot2', password: PASSWORD } };
    expect((await putTarget(world.ports, ORIGIN, order)).target).toMatchObject({ username: 'acme-bot2', version: 2 });
  });

  it('whose credential was not made current is repeated, and then it is', async () => {
    const { world } = worldWithTarget();
    world.steering.on('credentials.promote', rejects);
    await failureOf(putTarget(world.ports, ORIGIN, NEW));
    await putTarget(world.ports, ORIGIN, NEW);
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-2');
  });
});

describe('a target that is to be proven', () => {
  const PROVEN = { ...NEW, verify: true };

  it('logs in, makes a throwaway token, deletes it, and notes what it learned', async () => {
    const world = newWorld();
    world.steering.on(
      'hub.login',
      followed(() => world.clock.advance(300)),
    );
    const put = await putTarget(world.ports, ORIGIN, PROVEN);
    expect(put).toMatchObject({ created: true });
    expect(put).not.toHaveProperty('verificationPending');
    expect(put.target.verification).toEqual({
      atMs: NOW_MS + 300,
      account: 'acme-bot',
      loginRoute: 'auth-token',
      expiryGranularity: 'second',
      expirySlackSeconds: 0,
      labelMaxCharacters: 100,
      creatorUserAgentKept: true,
      deleteStatus: 204,
      listDelayMs: 0,
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.steering.argsOf('hub.login')).toHaveLength(1);
    expect(world.openLeases).toEqual([]);
    world.expectNothingLeaked(put);
  });

  it('remembers the finest expiry that was accepted', async () => {
    const world = newWorld();
    const refused = answers(refusal({ tag: 'invalid', fields: ['expires_at'] }));
    world.steering.on('minter.createToken', refused);
    const { target } = await putTarget(world.ports, ORIGIN, PROVEN);
    expect(target).toMatchObject({ expiryGranularity: 'minute', verification: { expiryGranularity: 'minute' } });
  });

  it('is pending, with its login proven, when time ran out before a token was made', async () => {
    const world = newWorld();
    world.steering.on('minter.createToken', async () => {
      world.clock.advance(11_000);
      return refusal({ tag: 'invalid', fields: [] });
    });
    const { target, verificationPending } = await putTarget(world.ports, ORIGIN, PROVEN);
    expect(verificationPending).toBe('login');
    expect(target.verification).toEqual({ atMs: NOW_MS, account: 'acme-bot', loginRoute: 'auth-token' });
    expect(target.expiryGranularity).toBe('second');
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-1');
  });

  it('is pending, with what its token showed, when that is not gone in time', async () => {
    const world = newWorld();
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'timeout' })), { times: 9 });
    const { target, verificationPending } = await putTarget(world.ports, ORIGIN, PROVEN);
    expect(verificationPending).toBe('delete');
    expect(target.verification).toMatchObject({ expirySlackSeconds: 0, labelMaxCharacters: 100, listDelayMs: 0 });
    expect(target.verification).not.toHaveProperty('deleteStatus');
  });

  it.each<[string, (world: World) => void, Failure]>([
    [
      'is refused',
      (world) => world.hub.accounts.clear(),
      { tag: 'credential_refused', username: 'Acme-Bot', secondFactor: 'possible' },
    ],
    [
      'needs a second factor',
      (world) => world.hub.accounts.set('Acme-Bot', { password: PASSWORD, secondFactor: true }),
      { tag: 'credential_refused', username: 'Acme-Bot', secondFactor: 'needed' },
    ],
    [
      'is another account’s',
      (world) => {
        world.hub.logsInAs = 'acme-bot2';
      },
      { tag: 'wrong_account', expected: 'acme-bot', got: 'acme-bot2' },
    ],
    [
      'cannot be tried',
      (world) => world.steering.on('hub.login', answers(refusal({ tag: 'fault', code: 'timeout' }))),
      { tag: 'hub_unavailable', code: 'timeout', retryAfterSeconds: 5 },
    ],
  ])('whose credential %s keeps the one it has', async (_, happen, failure) => {
    const { world, target } = worldWithTarget();
    happen(world);
    expect(await failureOf(putTarget(world.ports, ORIGIN, PROVEN))).toEqual(failure);
    expect(world.catalog.targets.all()).toEqual([target]);
    expect(world.credentials.current.get('acme-bot')?.version).toBe('cred-0');
    expect(world.events).toEqual([]);
    world.expectNothingLeaked(failure);
  });

  it('proves a credential kept by its owner under the name of its place', async () => {
    const world = newWorld();
    await putTarget(world.ports, ORIGIN, { ...PROVEN, credentialRef: 'arn:of-a-secret' });
    expect(world.sessions.rows.get('acme-bot')?.credentialVersion).toBe('arn:of-a-secret');
  });

  it('can be verified again with the credential in force', async () => {
    const { world } = worldWithTarget();
    const verified = await verifyTarget(world.ports, ORIGIN, 'acme-bot');
    expect(verified).toMatchObject({ target: { version: 2, verification: { atMs: NOW_MS, deleteStatus: 204 } } });
    expect(world.catalog.targets.all()).toEqual([verified.target]);
    expect(world.events.at(-1)).toMatchObject({ event: 'target.verified', target: 'acme-bot', requestId: 'request-1' });
  });

  it.each([
    ['changes its label', 'label_refused', { keepsLabel: () => 'another' }],
    ['drops its expiry', 'expiry_refused', { keepsExpiry: () => null }],
  ])('by a Docker Hub that %s is not written, and no token is left', async (_, tag, spoilt) => {
    const world = newWorld();
    Object.assign(world.hub, spoilt);
    expect(await failureOf(putTarget(world.ports, ORIGIN, PROVEN))).toEqual({ tag, target: 'acme-bot' });
    expect(world.catalog.targets.all()).toEqual([]);
    expect(world.hub.tokens.size).toBe(0);
  });

  it('cannot be verified again when it is gone or changed meanwhile', async () => {
    const { world, target } = worldWithTarget();
    const verify = (name = 'acme-bot') => failureOf(verifyTarget(world.ports, ORIGIN, name));
    expect(await verify('gone')).toEqual({ tag: 'target_not_found', target: 'gone' });
    world.steering.on(
      'catalog.putTarget',
      preceded(() => world.catalog.targets.set('acme-bot', { ...target, version: 2 })),
    );
    expect(await verify()).toEqual({ tag: 'version_conflict', name: 'acme-bot' });
  });

  it('cannot be verified again while it drains, and no lease is recorded for trying', async () => {
    const { world } = worldWithTarget({ status: 'draining' });
    expect(await failureOf(verifyTarget(world.ports, ORIGIN, 'acme-bot'))).toEqual({
      tag: 'draining',
      name: 'acme-bot',
    });
    expect(world.leases.rows.all()).toEqual([]);
  });
});

describe('the mints of a target that are refused', () => {
  const REFUSED = { refusal: { code: 'expiry_refused', sinceMs: NOW_MS - 9, triedAtMs: NOW_MS - 9 } } as const;

  function refusedTarget(target: Partial<Target> = {}, facts: HubFacts = REFUSED) {
    const { world } = worldWithTarget(target);
    world.addFacts('acme-bot', facts);
    return { world, facts: () => world.factsOf('acme-bot') };
  }

  it('are not let through by a change that verifies nothing', async () => {
    const { world, facts } = refusedTarget();
    await putTarget(world.ports, ORIGIN, { ...SAME, description: 'another' });
    expect(facts()).toEqual(REFUSED);
    await putTarget(world.ports, ORIGIN, NEW);
    expect(facts()).toEqual(REFUSED);
  });

  it('are let through by another credential that is verified', async () => {
    const { world, facts } = refusedTarget();
    await putTarget(world.ports, ORIGIN, { ...NEW, verify: true });
    expect(facts()).toEqual({});
  });

  it('are let through when the owner allows expiries that are not proven', async () => {
    const { world, facts } = refusedTarget();
    const { target } = await putTarget(world.ports, ORIGIN, { ...SAME, allowUnprovenExpiry: true });
    expect(target.allowUnprovenExpiry).toBe(true);
    expect(facts()).toEqual({});
  });

  it('stay refused while a verification waits for its token to be shown', async () => {
    const { world, facts } = refusedTarget();
    world.steering.on('hub.getToken', answers(refusal({ tag: 'not_found' })), { times: 99 });
    const put = await putTarget(world.ports, ORIGIN, { ...NEW, verify: true });
    expect(put.verificationPending).toBe('read');
    expect(facts()).toMatchObject(REFUSED);
  });
});

describe('whether a target’s expiries need be proven', () => {
  it('is yes unless its owner says otherwise', async () => {
    const world = newWorld();
    expect((await putTarget(world.ports, ORIGIN, NEW)).target).not.toHaveProperty('allowUnprovenExpiry');
    const { target, changed } = await putTarget(world.ports, ORIGIN, { ...SAME, allowUnprovenExpiry: true });
    expect(target.allowUnprovenExpiry).toBe(true);
    expect(changed).toEqual(['allowUnprovenExpiry']);
  });

  it('is kept where it is left out, and can be taken back', async () => {
    const { world } = worldWithTarget({ allowUnprovenExpiry: true });
    const kept = await putTarget(world.ports, ORIGIN, { ...SAME, description: 'x' });
    expect(kept.target.allowUnprovenExpiry).toBe(true);
    const { target } = await putTarget(world.ports, ORIGIN, { ...SAME, allowUnprovenExpiry: false });
    expect(target).not.toHaveProperty('allowUnprovenExpiry');
  });
});

describe('tokens that were dismissed on a target', () => {
  it('stay so whatever is changed', async () => {
    const { world } = worldWithTarget({ dismissedTokenIds: ['token-7'] });
    const { target, changed } = await putTarget(world.ports, ORIGIN, { ...SAME, description: 'x' });
    expect(target.dismissedTokenIds).toEqual(['token-7']);
    expect(changed).toEqual(['description']);
  });
});

describe('reading targets', () => {
  it('gives one by name, or says that there is none', async () => {
    const { world, target } = worldWithTarget();
    expect(await getTarget(world.ports, 'acme-bot')).toEqual(target);
    expect(await failureOf(getTarget(world.ports, 'gone'))).toEqual({ tag: 'target_not_found', target: 'gone' });
    world.steering.on('catalog.getTarget', rejects);
    expect(await failureOf(getTarget(world.ports, 'acme-bot'))).toMatchObject({ tag: 'store_unavailable' });
  });

  it('gives a page of those below a prefix', async () => {
    const { world } = worldWithTarget();
    const inside = world.addTarget({ name: 'team/a' });
    world.addTarget({ name: 'team-b' });
    expect(await listTargets(world.ports, { prefix: 'team' }, { limit: 5 })).toEqual({ items: [inside] });
    world.steering.on('catalog.listTargets', rejects);
    expect(await failureOf(listTargets(world.ports, {}, { limit: 5 }))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('deleting a target', () => {
  const KIND = { force: false };
  const FORCED = { force: true };

  it('removes it with its credential and session when no lease is open', async () => {
    const { world, target } = worldWithTarget();
    await openSession(world.ports, target, 'mint');
    expect(await deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND)).toEqual({
      removed: true,
      openLeases: 0,
      target: { ...target, status: 'draining', version: 2, opId: expect.any(String), updatedAtMs: NOW_MS },
    });
    expect(world.catalog.targets.all()).toEqual([]);
    expect(world.credentials.current.size).toBe(0);
    expect(world.sessions.rows.all()).toEqual([]);
    const detail = expect.objectContaining({ usernameBefore: 'acme-bot' });
    expect(world.events).toEqual([
      { ...CHANGED, event: 'target.deleted', target: 'acme-bot', sourceIp: '192.0.2.7', detail },
    ]);
  });

  it('marks it draining before leases are counted: a mint either is counted or sees the mark', async () => {
    const { world } = worldWithTarget();
    await deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND);
    expect(world.steering.order('catalog.putTarget', 'leases.countOpen', 'credentials.remove')).toEqual([
      'catalog.putTarget',
      'leases.countOpen',
      'leases.countOpen',
      'credentials.remove',
    ]);
  });

  it('is refused with open leases, and it is ready as before', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    world.addMinting(target);
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND))).toEqual({
      tag: 'open_leases',
      name: 'acme-bot',
      count: 2,
    });
    expect(world.catalog.targets.get('acme-bot')).toMatchObject({ status: 'ready', version: 3 });
    expect(world.credentials.current.size).toBe(1);
    expect(world.events).toEqual([]);
  });

  it('with force leaves it draining, with its credential, until its leases are gone', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    const answer = await deleteTarget(world.ports, ORIGIN, 'acme-bot', FORCED);
    expect(answer).toMatchObject({ removed: false, openLeases: 1, target: { status: 'draining', version: 2 } });
    expect(world.catalog.targets.all()).toEqual([answer.target]);
    expect(world.credentials.current.size).toBe(1);
    expect(world.eventNames).toEqual(['target.deleted']);
  });

  it('that drains since a forced deletion, and is then deleted without force, goes on draining', async () => {
    const { world, target } = worldWithTarget({ status: 'draining' });
    world.addLease(target);
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND))).toMatchObject({ tag: 'open_leases' });
    expect(world.catalog.targets.get('acme-bot')?.status).toBe('draining');
  });

  it('waits until every lease is certain to be counted', async () => {
    const { world } = worldWithTarget({}, { settleMs: 30_000 });
    const answer = await deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND);
    expect(answer).toMatchObject({ removed: false, openLeases: 0 });
    expect(world.credentials.current.size).toBe(1);
  });

  it('is refused while secrets name it, with the first ten of them', async () => {
    const { world, target } = worldWithTarget();
    const names = Array.from({ length: 12 }, (_, index) => `s${10 + index}`);
    for (const name of names) world.addSecret({ name });
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', FORCED))).toEqual({
      tag: 'target_in_use',
      target: 'acme-bot',
      secrets: names.slice(0, 10),
    });
    expect(world.catalog.targets.all()).toEqual([target]);
  });

  it('is refused though the secret that names it comes after a hundred that drain', async () => {
    const { world } = worldWithTarget();
    for (let index = 100; index < 200; index++) world.addSecret({ name: `s${index}`, status: 'draining' });
    world.addSecret({ name: 'zzz' });
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND))).toEqual({
      tag: 'target_in_use',
      target: 'acme-bot',
      secrets: ['zzz'],
    });
  });

  it('is not kept by secrets that drain, or that name another', async () => {
    const { world } = worldWithTarget();
    world.addSecret({ status: 'draining' });
    world.addSecret({ name: 'other', target: 'other' });
    expect((await deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND)).removed).toBe(true);
  });

  it.each([
    ['cdk', undefined],
    ['api', 'cdk'],
  ] as const)('managed by %s is not for %s', async (managedBy, by) => {
    const { world, target } = worldWithTarget({ managedBy });
    const options = { force: true, ...(by !== undefined && { managedBy: by }) };
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', options))).toEqual({
      tag: 'managed_by_cdk',
      name: 'acme-bot',
    });
    expect(world.catalog.targets.all()).toEqual([target]);
  });

  it('managed by a stack is for that stack', async () => {
    const { world } = worldWithTarget({ managedBy: 'cdk' });
    const options = { force: true, managedBy: 'cdk' } as const;
    expect((await deleteTarget(world.ports, ORIGIN, 'acme-bot', options)).removed).toBe(true);
  });

  it('that there is not, is said', async () => {
    const world = newWorld();
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND))).toEqual({
      tag: 'target_not_found',
      target: 'acme-bot',
    });
  });

  it.each([1, 2])('loses the race for mark %i to another change', async (nth) => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    world.steering.on(
      'catalog.putTarget',
      preceded(() => world.catalog.targets.set('acme-bot', { ...target, version: 9 })),
      { nth },
    );
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND))).toEqual({
      tag: 'version_conflict',
      name: 'acme-bot',
    });
    expect(world.catalog.targets.get('acme-bot')?.version).toBe(9);
  });

  it.each<CallName>([
    'catalog.getTarget',
    'catalog.listSecrets',
    'catalog.putTarget',
    'leases.countOpen',
    'credentials.remove',
    'catalog.deleteTarget',
  ])('fails while %s is out, and can be repeated', async (call) => {
    const { world } = worldWithTarget();
    world.steering.on(call, losesReply);
    expect(await failureOf(deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
    expect(world.events).toEqual([]);
    if (call === 'catalog.deleteTarget') expect(world.catalog.targets.all()).toEqual([]);
    else expect((await deleteTarget(world.ports, ORIGIN, 'acme-bot', KIND)).removed).toBe(true);
  });
});
