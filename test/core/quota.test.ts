import { describe, expect, it } from 'vitest';
import { revokeLease } from '../../functions/core/ending/revoke.ts';
import { mint } from '../../functions/core/leases/mint.ts';
import { quotaCounters, quotaReached, recount } from '../../functions/core/leases/quota.ts';
import { answers, followed, preceded, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, ORIGIN, SECRET, World, type WorldOptions } from './world.ts';

const ORDER = { secret: 'ci/release' } as const;
const OURS = 'secret:ci/release';
const MAX_TWO = [{ counter: OURS, most: 2 }];

function worldWithTarget(options: WorldOptions = {}) {
  const world = new World(options);
  return { world, target: world.addTarget() };
}

describe('a quota', () => {
  it('of a secret and its target both count a lease, with the lease, while it is open', async () => {
    const { world } = worldWithTarget();
    world.addTarget({ maxActive: 9 });
    world.addSecret({ maxActive: 2 });
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease.counters).toEqual([OURS, 'target:acme-bot']);
    expect(world.steering.argsOf('leases.create')[0]?.[1]).toEqual({
      quotas: [
        { counter: OURS, most: 2 },
        { counter: 'target:acme-bot', most: 9 },
      ],
    });
    expect([...world.leases.counters.values()].map(({ open }) => open)).toEqual([1, 1]);
    await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'caller' });
    expect([...world.leases.counters.values()].map(({ open }) => open)).toEqual([0, 0]);
  });

  it('that is full refuses the next lease with who holds it, and sends nothing', async () => {
    const { world } = worldWithTarget();
    world.addSecret({ maxActive: 2 });
    await mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds: 120 });
    world.clock.advance(500);
    await mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds: 60 });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'quota_reached',
      counter: OURS,
      most: 2,
      holders: [ORIGIN.caller.arn],
      retryAfterSeconds: 60,
    });
    expect(world.leases.rows.all()).toHaveLength(2);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(2);
    expect(world.events.at(-1)).toMatchObject({ event: 'lease.mint_failed', code: 'quota_reached' });
  });

  it('that a caller of another account fills names nobody, and says when to ask again', async () => {
    const { world, target } = worldWithTarget();
    world.addSecret({ maxActive: 0 });
    const holder = 'arn:aws:iam::444455556666:role/payments';
    world.addLease(target, { counters: [OURS], caller: holder, expiresAtMs: NOW_MS + 30_000 });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({
      tag: 'quota_reached',
      holders: [],
      retryAfterSeconds: 30,
    });
  });

  it('is exact for any number who ask at once', async () => {
    const { world } = worldWithTarget();
    world.addSecret({ maxActive: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => mint(world.ports, ORIGIN, ORDER)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(world.hub.tokens.size).toBe(3);
  });

  it('is not set where there is none', async () => {
    const { world } = worldWithTarget();
    world.addSecret();
    await mint(world.ports, ORIGIN, ORDER);
    expect(world.steering.argsOf('leases.create')[0]?.[1]).toEqual({});
  });

  it('that is full, while its holders cannot be read, is a failure of the store', async () => {
    const { world } = worldWithTarget();
    world.addSecret({ maxActive: 0 });
    world.steering.on('leases.listOpen', rejects);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('a refusal for a full quota', () => {
  it('names ten holders of it at most, each once, and nobody who does not hold it', async () => {
    const { world, target } = worldWithTarget();
    for (let index = 0; index < 12; index++) {
      world.addLease(target, { counters: [OURS], caller: `caller-${index}` });
      world.addLease(target, { counters: [OURS], caller: `caller-${index}` });
    }
    world.addLease(target, { counters: ['secret:other'], caller: 'other', expiresAtMs: NOW_MS + 1 });
    world.addLease(target, { caller: 'without', expiresAtMs: NOW_MS + 1 });
    const refused = { status: 'revoking', createRefused: true, counters: [OURS] } as const;
    world.addMinting(target, { ...refused, caller: 'refused', expiresAtMs: NOW_MS + 1 });
    const { failure } = await quotaReached(world.ports, MAX_TWO, OURS, 'admin');
    expect(failure).toMatchObject({
      tag: 'quota_reached',
      most: 2,
      retryAfterSeconds: 900,
      holders: Array.from({ length: 10 }, (_, index) => `caller-${index}`),
    });
  });

  it('names to a caller only holders of their own account, however many others there are, and to an admin all', async () => {
    const { world, target } = worldWithTarget();
    const own = 'arn:aws:iam::111122223333:role/ci';
    const others = Array.from({ length: 11 }, (_, index) => `arn:aws:iam::444455556666:role/111122223333-${index}`);
    for (const caller of others) world.addLease(target, { counters: [OURS], caller, expiresAtMs: NOW_MS + 60_000 });
    world.addLease(target, { counters: [OURS], caller: own, expiresAtMs: NOW_MS + 90_000 });
    const holdersFor = async (asker: Parameters<typeof quotaReached>[3]) =>
      (await quotaReached(world.ports, MAX_TWO, OURS, asker)).failure;
    expect(await holdersFor({ accountId: '111122223333' })).toMatchObject({ holders: [own], retryAfterSeconds: 60 });
    expect(await holdersFor({ accountId: '777788889999' })).toMatchObject({ holders: [], retryAfterSeconds: 60 });
    expect(await holdersFor('admin')).toMatchObject({ holders: others.slice(0, 10) });
  });

  it.each([
    [-5_000, 1],
    [0, 1],
    [1_000, 1],
    [1_001, 2],
  ])('whose next lease ends in %i ms says to wait %i s', async (inMs, retryAfterSeconds) => {
    const { world, target } = worldWithTarget();
    world.addLease(target, { counters: [OURS], expiresAtMs: NOW_MS + inMs });
    world.addLease(target, { counters: [OURS], expiresAtMs: NOW_MS + 99_000 });
    expect((await quotaReached(world.ports, MAX_TWO, OURS, 'admin')).failure).toMatchObject({ retryAfterSeconds });
  });

  it('of which no holder is found says to try again', async () => {
    const { world } = worldWithTarget();
    expect((await quotaReached(world.ports, [{ counter: 'x', most: 9 }, ...MAX_TWO], OURS, 'admin')).failure).toEqual({
      tag: 'quota_reached',
      counter: OURS,
      most: 2,
      holders: [],
      retryAfterSeconds: 1,
    });
  });

  it('looks at a thousand leases at most', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.leaseOf(target, { counters: [OURS], caller: 'early' });
    const late = world.leaseOf(target, { counters: [OURS], caller: 'late' });
    const all = [...Array(999).fill(lease), late, { ...late, caller: 'too late' }];
    const ports = { ...world.ports, leases: { ...world.ports.leases, listOpen: async () => ({ items: all }) } };
    expect((await quotaReached(ports, MAX_TWO, OURS, 'admin')).failure).toMatchObject({ holders: ['early', 'late'] });
  });
});

describe('recounting', () => {
  function worldWithCounter(open: number, held: number, options: WorldOptions = {}) {
    const { world, target } = worldWithTarget(options);
    for (let index = 0; index < held; index++) world.addLease(target, { counters: [OURS] });
    world.leases.counters.set(OURS, { open, version: 7, changedAtMs: NOW_MS });
    return { world, target };
  }
  const count = (world: World) => recount(world.ports, new Set([OURS]));

  it.each([
    [3, 2],
    [0, 2],
    [5, 0],
  ])('corrects a counter of %i where %i leases hold it', async (open, held) => {
    const { world } = worldWithCounter(open, held);
    expect(await count(world)).toBe(1);
    expect(world.steering.argsOf('leases.correctCounter')).toEqual([[OURS, held, 7]]);
    expect(world.leases.counters.get(OURS)).toMatchObject({ open: held, version: 8 });
  });

  it('leaves a counter that is right, and does not count revoked leases', async () => {
    const { world, target } = worldWithCounter(2, 2);
    world.addRevoked(target, { counters: [OURS] });
    expect(await count(world)).toBe(0);
    expect(world.steering.argsOf('leases.correctCounter')).toEqual([]);
    expect(world.steering.argsOf('leases.listOpen')).toHaveLength(1);
  });

  it('does not count leases whose creates were refused: they have given their places back', async () => {
    const { world, target } = worldWithCounter(2, 2);
    world.addMinting(target, { status: 'revoking', createRefused: true, counters: [OURS] });
    expect(await count(world)).toBe(0);
  });

  it('looks at nothing where there is no quota', async () => {
    const { world } = worldWithCounter(3, 2);
    expect(await recount(world.ports, new Set())).toBe(0);
    expect(world.steering.calls).toEqual([]);
  });

  it('leaves a counter that never counted anything', async () => {
    const { world } = worldWithTarget();
    expect(await count(world)).toBe(0);
    expect(world.steering.argsOf('leases.correctCounter')).toEqual([]);
  });

  it('leaves a counter that changed so lately that the leases may lag behind it', async () => {
    const { world } = worldWithCounter(3, 2, { settleMs: 30_000 });
    world.clock.advance(29_999);
    expect(await count(world)).toBe(0);
    world.clock.advance(1);
    expect(await count(world)).toBe(1);
  });

  it('does not count a correction that another change came before', async () => {
    const { world } = worldWithCounter(3, 2);
    world.steering.on(
      'leases.correctCounter',
      preceded(() => world.leases.counters.set(OURS, { open: 4, version: 8, changedAtMs: NOW_MS })),
    );
    expect(await count(world)).toBe(0);
    expect(world.leases.counters.get(OURS)?.open).toBe(4);
  });

  it('counts twice before it lowers a counter, and believes the larger count: a walk may miss a lease', async () => {
    const { world } = worldWithCounter(3, 3);
    world.steering.on('leases.listOpen', answers({ items: world.openLeases.slice(1) }));
    expect(await count(world)).toBe(0);
    expect(world.steering.argsOf('leases.listOpen')).toHaveLength(2);
    world.steering.on('leases.listOpen', answers({ items: world.openLeases.slice(1) }), { nth: 2 });
    expect(await count(world)).toBe(0);
  });

  it('counts twice though only one of the counters seems too high', async () => {
    const { world, target } = worldWithCounter(3, 3);
    world.addLease(target, { counters: ['target:acme-bot'] });
    world.leases.counters.set('target:acme-bot', { open: 1, version: 1, changedAtMs: NOW_MS });
    world.steering.on('leases.listOpen', answers({ items: world.openLeases.slice(1) }));
    expect(await recount(world.ports, new Set([OURS, 'target:acme-bot']))).toBe(0);
    expect(world.leases.counters.get(OURS)?.open).toBe(3);
  });

  it.each([
    ['first', 2, 3],
    ['second', 3, 2],
  ])('believes the larger count where it is the %s', async (_, passedOver, thenPassedOver) => {
    const { world } = worldWithCounter(9, 5);
    for (const most of [passedOver, thenPassedOver]) {
      world.steering.on('leases.listOpen', answers({ items: world.openLeases.slice(most) }));
    }
    expect(await count(world)).toBe(1);
    expect(world.leases.counters.get(OURS)?.open).toBe(3);
  });

  it('believes what both counts lack', async () => {
    const { world } = worldWithCounter(4, 1);
    world.steering.on(
      'leases.listOpen',
      followed(() => world.clock.advance(10)),
    );
    expect(await count(world)).toBe(1);
    expect(world.leases.counters.get(OURS)?.open).toBe(1);
  });

  it('corrects each counter by itself', async () => {
    const { world, target } = worldWithCounter(1, 1);
    world.addLease(target, { counters: ['target:acme-bot', 'secret:x'] });
    world.leases.counters.set('target:acme-bot', { open: 0, version: 1, changedAtMs: 0 });
    expect(await recount(world.ports, new Set([OURS, 'target:acme-bot']))).toBe(1);
    expect(world.leases.counters.get('target:acme-bot')?.open).toBe(1);
    expect(world.leases.counters.has('secret:x')).toBe(false);
  });
});

describe('the counters of quotas in force', () => {
  it('are of the secrets and targets that have one', async () => {
    const { world } = worldWithTarget();
    world.addTarget({ ...ORG, maxActive: 100 });
    world.addSecret({ maxActive: 0 });
    world.addSecret({ ...SECRET, name: 'without' });
    expect(await quotaCounters(world.ports)).toEqual(new Set([OURS, 'target:acme']));
  });
});
