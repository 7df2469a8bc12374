import { describe, expect, it } from 'vitest';
import type { Target } from '../../functions/core/target.ts';
import { VERIFICATION_SECRET, verifyByToken } from '../../functions/core/verify.ts';
import { answers, appliesThenAnswers, followed, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, ORIGIN, PASSWORD, World } from './world.ts';

const EXPIRY_REFUSED = answers(refusal({ tag: 'invalid', fields: ['expires_at'] }));
const OUT = answers(refusal({ tag: 'fault', code: 'timeout' }));

function worldWithTarget(target: Partial<Target> = {}) {
  const world = new World();
  return { world, target: world.addTarget(target) };
}

describe('a verification', () => {
  it('mints the least token, reads it back, deletes it, looks whether it is gone, and tells what it learned', async () => {
    const { world, target } = worldWithTarget();
    expect(await verifyByToken(world.ports, ORIGIN, target)).toStrictEqual({
      atMs: NOW_MS,
      account: 'acme-bot',
      loginRoute: 'auth-token',
      expiryGranularity: 'second',
      deleteStatus: 204,
      listDelayMs: 0,
    });
    expect(world.steering.order('minter.createToken', 'hub.getToken', 'hub.listTokens', 'hub.deleteToken')).toEqual([
      'minter.createToken',
      'hub.getToken',
      'hub.listTokens',
      'hub.deleteToken',
      'hub.getToken',
    ]);
    const [, place, order] = world.steering.argsOf('minter.createToken')[0] as unknown[];
    expect(place).toEqual({ kind: 'pat' });
    expect(order).toMatchObject({ scope: 'repo:public_read', expiresAtMs: NOW_MS + 120_000 });
    expect(world.hub.tokens.size).toBe(0);
    world.expectNothingLeaked();
  });

  it('goes by a recorded lease like any other, whose backstop is a message', async () => {
    const { world, target } = worldWithTarget();
    await verifyByToken(world.ports, ORIGIN, target);
    const [lease] = world.leases.rows.all();
    expect(lease).toMatchObject({
      secret: VERIFICATION_SECRET,
      label: 'verification',
      status: 'revoked',
      revokeReason: 'verified',
      renewable: false,
      expiresAtMs: NOW_MS + 120_000,
      maxExpiresAtMs: NOW_MS + 120_000,
    });
    expect(lease).not.toHaveProperty('counters');
    expect(world.steering.argsOf('backstop.arm')).toEqual([]);
    expect(world.steering.argsOf('queue.send')).toEqual([[lease?.id, 120_000]]);
    expect(world.eventNames).toEqual(['lease.granted', 'lease.revoke_requested', 'lease.revoked']);
  });

  it('of an organization mints a token that can pull what is public', async () => {
    const { world, target } = worldWithTarget(ORG);
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ account: 'acme-bot', deleteStatus: 204 });
    const [, place, order] = world.steering.argsOf('minter.createToken')[0] as unknown[];
    expect(place).toEqual({ kind: 'oat', organization: 'acme' });
    expect(order).toMatchObject({
      resources: [{ type: 'TYPE_REPO', path: '*/*/public', scopes: ['scope-image-pull'] }],
    });
    expect(order).not.toHaveProperty('scope');
  });

  it('works for a target that is not stored yet', async () => {
    const { world, target } = worldWithTarget();
    world.catalog.targets.set('acme-bot', undefined);
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ deleteStatus: 204 });
    expect(world.hub.tokens.size).toBe(0);
  });

  it.each([
    ['the staged credential where one is to be proven', { username: 'acme-bot', password: PASSWORD }, 'cred-9'],
    ['the credential in force otherwise', undefined, 'cred-0'],
  ])('whose session ends logs in again with %s', async (_, credential, version) => {
    const { world, target } = worldWithTarget();
    const staged = credential && { credential, version };
    if (staged !== undefined) world.credentials.current.clear();
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'x' });
    expect(await verifyByToken(world.ports, ORIGIN, target, staged)).toMatchObject({ deleteStatus: 204 });
    expect(world.sessions.rows.get('acme-bot')?.credentialVersion).toBe(version);
  });

  it('tells what is left of the requests, where Docker Hub says so', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', answers(refusal({ tag: 'not_found' }, { rateRemaining: 170 })), { nth: 2 });
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ rateRemaining: 170 });
  });
});

describe('the ladder of expiries', () => {
  it.each([
    [1, 'minute', NOW_MS + 120_000 + 60_000 - 1],
    [2, 'hour', NOW_MS + 3_600_000],
    [3, 'day', Date.UTC(2026, 10, 22)],
  ] as const)('after %i refusals comes to the %s', async (times, expiryGranularity, atMostMs) => {
    const { world, target } = worldWithTarget();
    world.steering.on('minter.createToken', EXPIRY_REFUSED, { times });
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ expiryGranularity });
    const [, , order] = world.steering.argsOf('minter.createToken').at(-1) as [
      unknown,
      unknown,
      { expiresAtMs: number },
    ];
    expect(order.expiresAtMs).toBeLessThanOrEqual(atMostMs);
    expect(order.expiresAtMs).toBeGreaterThanOrEqual(NOW_MS + 120_000);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(times + 1);
    expect(world.leases.rows.all().filter(({ status }) => status === 'revoking')).toHaveLength(times);
  });

  it('is walked from its finest step, whatever was learned before', async () => {
    const { world, target } = worldWithTarget({ expiryGranularity: 'day' });
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ expiryGranularity: 'second' });
  });

  it('ends with the refusal of its coarsest step', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('minter.createToken', EXPIRY_REFUSED, { times: 9 });
    expect(await failureOf(verifyByToken(world.ports, ORIGIN, target))).toEqual({
      tag: 'expiry_refused',
      target: 'acme-bot',
    });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(4);
  });

  it('is left at once for anything else', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' })));
    expect(await failureOf(verifyByToken(world.ports, ORIGIN, target))).toMatchObject({ tag: 'hub_refused' });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
  });

  it('is left when time is up', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'minter.createToken',
      async () => {
        world.clock.advance(5_500);
        return refusal({ tag: 'invalid', fields: ['expires_at'] });
      },
      { times: 9 },
    );
    expect(await verifyByToken(world.ports, ORIGIN, target)).toBeUndefined();
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(2);
  });
});

describe('a verification whose token', () => {
  it('has no expiry ends in a refusal, and the token is deleted: nothing else would end it', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', async (apply) => {
      const reply = (await apply()) as { value: object };
      return { ...reply, value: { ...reply.value, expiresAtMs: null } };
    });
    expect(await failureOf(verifyByToken(world.ports, ORIGIN, target))).toEqual({
      tag: 'expiry_refused',
      target: 'acme-bot',
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.leases.rows.all()).toMatchObject([{ status: 'revoked', revokeReason: 'verified' }]);
  });

  it('cannot be read back ends in a failure, and the token is deleted', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', OUT);
    expect(await failureOf(verifyByToken(world.ports, ORIGIN, target))).toEqual({
      tag: 'hub_unavailable',
      code: 'malformed',
      retryAfterSeconds: 5,
    });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('outlives its delete ends in a failure', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', answers({ ok: true, value: { httpStatus: 204 }, meta: {} }));
    expect(await failureOf(verifyByToken(world.ports, ORIGIN, target))).toMatchObject({
      tag: 'hub_unavailable',
      code: 'malformed',
    });
  });

  it('was gone when it was deleted says so', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', appliesThenAnswers(refusal({ tag: 'not_found' })));
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ deleteStatus: 404 });
  });

  it('cannot be deleted is left to the revoker, and nothing is learned', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', OUT);
    expect(await verifyByToken(world.ports, ORIGIN, target)).toBeUndefined();
    expect(world.openLeases).toMatchObject([{ status: 'revoking', revokeReason: 'verified', attempts: 1 }]);
  });

  it('is proven gone only by its expiry teaches nothing', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', async () => {
      world.clock.advance(600_000);
      return refusal({ tag: 'fault', code: 'timeout' });
    });
    expect(await verifyByToken(world.ports, ORIGIN, target)).toBeUndefined();
    expect(world.leases.rows.all()).toMatchObject([{ status: 'revoked', evidence: { kind: 'expired' } }]);
  });

  it('lost its lease, as to a restored table, teaches nothing', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('leases.get', answers(undefined));
    expect(await verifyByToken(world.ports, ORIGIN, target)).toBeUndefined();
  });

  it('has no backstop is given up', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('queue.send', rejects);
    expect(await failureOf(verifyByToken(world.ports, ORIGIN, target))).toMatchObject({ tag: 'not_recorded' });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('is revoked while the store is out ends in its failure, not in its words', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('leases.update', rejects, { nth: 2 });
    expect(await failureOf(verifyByToken(world.ports, ORIGIN, target))).toMatchObject({ tag: 'store_unavailable' });
    const other = worldWithTarget();
    other.world.steering.on('hub.getToken', OUT);
    other.world.steering.on('leases.update', rejects, { nth: 2 });
    expect(await failureOf(verifyByToken(other.world.ports, ORIGIN, other.target))).toMatchObject({
      tag: 'store_unavailable',
    });
  });
});

describe('the list’s delay behind a create', () => {
  /** The list shows no token for so many looks. */
  function hide(world: World, looks: number) {
    world.steering.on(
      'hub.listTokens',
      async (apply) => {
        const reply = (await apply()) as { value: object };
        return { ...reply, value: { ...reply.value, tokens: [], total: 0 } };
      },
      { times: looks },
    );
  }

  it.each([
    [1, 500],
    [4, 2_000],
  ])('of %i looks is learned: %i ms', async (looks, listDelayMs) => {
    const { world, target } = worldWithTarget();
    hide(world, looks);
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ listDelayMs });
    expect(world.clock.slept).toEqual(Array(looks).fill(500));
  });

  it('counts from when the token was made', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'hub.login',
      followed(() => world.clock.advance(900)),
    );
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.clock.advance(70)),
    );
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ listDelayMs: 70 });
  });

  it('that takes longer than there is time for stays unknown, and the token is deleted all the same', async () => {
    const { world, target } = worldWithTarget();
    hide(world, 99);
    const verification = await verifyByToken(world.ports, ORIGIN, target);
    expect(verification).toMatchObject({ deleteStatus: 204 });
    expect(verification).not.toHaveProperty('listDelayMs');
    expect(world.clock.nowMs()).toBe(NOW_MS + 11_000);
    expect(world.hub.tokens.size).toBe(0);
  });

  it('is looked for by the token itself, among others', async () => {
    const { world, target } = worldWithTarget();
    world.hub.give('acme-bot', 'laptop');
    world.steering.on(
      'hub.listTokens',
      preceded(() => {
        for (const tokenId of world.hub.tokens.keys()) if (tokenId !== 'token-1') world.hub.unlisted.add(tokenId);
      }),
    );
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.unlisted.clear()),
      { nth: 2 },
    );
    expect(await verifyByToken(world.ports, ORIGIN, target)).toMatchObject({ listDelayMs: 500 });
  });
});
