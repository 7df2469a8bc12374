import { describe, expect, it } from 'vitest';
import { revokeLease } from '../../functions/core/ending/revoke.ts';
import { renewOwn } from '../../functions/core/leases/renew.ts';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { OpenOverrides } from '../contract/builders.ts';
import { answers, losesReply, preceded, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORIGIN, World } from './world.ts';

/** A renewable lease that ends in a minute, and in ten at the latest. */
function worldWithLease(lease: OpenOverrides = {}, secret: Partial<DynamicSecret> = {}) {
  const world = new World();
  const target = world.addTarget();
  world.addSecret({ renewable: true, defaultTtlSeconds: 300, ...secret });
  const ends = { expiresAtMs: NOW_MS + 60_000, dueAtMs: NOW_MS + 60_000, maxExpiresAtMs: NOW_MS + 600_000 };
  return { world, target, lease: world.addLease(target, { renewable: true, ...ends, ...lease }) };
}

describe('a renewal', () => {
  it('extends by the secret’s default TTL from now, and moves backstop and timer with it', async () => {
    const { world, lease } = worldWithLease();
    world.clock.advance(1_000);
    const expiresAtMs = NOW_MS + 301_000;
    const renewed: Lease = { ...lease, version: 2, opId: 'op-1', expiresAtMs, dueAtMs: expiresAtMs };
    expect(await renewOwn(world.ports, ORIGIN, lease.id)).toEqual({ lease: renewed, clipped: false });
    expect(world.lease(lease.id)).toEqual(renewed);
    expect(world.steering.argsOf('backstop.arm')).toEqual([[lease.id, expiresAtMs]]);
    expect(world.steering.argsOf('timer.arm')).toEqual([[lease.id, expiresAtMs]]);
    expect(world.steering.order('leases.update', 'backstop.arm')).toEqual(['leases.update', 'backstop.arm']);
    expect(world.events).toEqual([
      {
        event: 'lease.renewed',
        atMs: NOW_MS + 1_000,
        ...auditIds(lease),
        requestId: 'request-1',
        sourceIp: '192.0.2.7',
        detail: { expiresAtMs, byMs: 241_000 },
      },
    ]);
    expect(world.steering.hubCalls).toBe(0);
  });

  it.each([
    [599, NOW_MS + 599_000, false],
    [600, NOW_MS + 600_000, false],
    [601, NOW_MS + 600_000, true],
    [999_999, NOW_MS + 600_000, true],
  ])(
    'by %i s ends at %i, where Docker Hub itself ends the token at the latest; clipped: %s',
    async (ttlSeconds, expiresAtMs, clipped) => {
      const { world, lease } = worldWithLease();
      expect(await renewOwn(world.ports, ORIGIN, lease.id, ttlSeconds)).toMatchObject({
        lease: { expiresAtMs, dueAtMs: expiresAtMs },
        clipped,
      });
    },
  );

  it('never shortens, and writes nothing where it would not lengthen', async () => {
    const { world, lease } = worldWithLease({ expiresAtMs: NOW_MS + 120_000 });
    expect(await renewOwn(world.ports, ORIGIN, lease.id, 60)).toEqual({ lease, clipped: false });
    expect(await renewOwn(world.ports, ORIGIN, lease.id, 120)).toEqual({ lease, clipped: false });
    expect(world.steering.order('leases.update', 'backstop.arm', 'audit.record')).toEqual([]);
  });

  it('at its last end already says that it is clipped', async () => {
    const { world, lease } = worldWithLease({ expiresAtMs: NOW_MS + 600_000 });
    expect(await renewOwn(world.ports, ORIGIN, lease.id, 700)).toEqual({ lease, clipped: true });
  });

  it('needs no timer where the edition has none, and is not lost with it', async () => {
    const { world, lease } = worldWithLease();
    const { timer: _, ...ports } = world.ports;
    expect((await renewOwn(ports, ORIGIN, lease.id, 100)).lease.version).toBe(2);
    world.steering.on('timer.arm', rejects);
    expect((await renewOwn(world.ports, ORIGIN, lease.id, 200)).lease.version).toBe(3);
    expect(world.eventNames).toEqual(['lease.renewed', 'lease.renewed']);
  });

  it('names no address that is not known', async () => {
    const { world, lease } = worldWithLease();
    const { sourceIp: _, ...origin } = ORIGIN;
    await renewOwn(world.ports, origin, lease.id);
    expect(world.events[0]).not.toHaveProperty('sourceIp');
  });

  it('is possible until the moment before the end, and not at it: the revoker may be at it', async () => {
    const { world, lease } = worldWithLease();
    world.clock.advance(59_999);
    await renewOwn(world.ports, ORIGIN, lease.id, 60);
    world.clock.advance(60_000);
    expect(await failureOf(renewOwn(world.ports, ORIGIN, lease.id))).toEqual({
      tag: 'lease_not_active',
      leaseId: lease.id,
      status: 'active',
    });
  });
});

describe('a renewal is refused', () => {
  it.each<[string, OpenOverrides, Partial<DynamicSecret>, object]>([
    ['of a lease that cannot be renewed', { renewable: false }, {}, { tag: 'not_renewable' }],
    ['of one that is being revoked', { status: 'revoking' }, {}, { tag: 'lease_not_active', status: 'revoking' }],
    ['of one that is still minting', { status: 'minting' }, {}, { tag: 'lease_not_active', status: 'minting' }],
    ['of another’s lease', { caller: 'arn:aws:iam::111122223333:role/ci2' }, {}, { tag: 'lease_not_found' }],
    ['of a secret that lists the caller no more', {}, { allow: [] }, { tag: 'caller_not_allowed' }],
    ['of a secret that drains', {}, { status: 'draining' }, { tag: 'draining', name: 'ci/release' }],
    ['of a secret that is gone', { secret: 'gone' }, {}, { tag: 'secret_not_found', secret: 'gone' }],
  ])('%s', async (_, lease, secret, failure) => {
    const { world, lease: kept } = worldWithLease(lease, secret);
    expect(await failureOf(renewOwn(world.ports, ORIGIN, kept.id))).toMatchObject(failure);
    expect(world.lease(kept.id)).toEqual(kept);
  });

  it('for less than the installation allows', async () => {
    const { world, lease } = worldWithLease();
    expect(await failureOf(renewOwn(world.ports, ORIGIN, lease.id, 59))).toEqual({
      tag: 'ttl_too_short',
      ttlSeconds: 59,
      minTtlSeconds: 60,
    });
  });

  it('while the store is out', async () => {
    const { world, lease } = worldWithLease();
    world.steering.on('leases.update', rejects);
    expect(await failureOf(renewOwn(world.ports, ORIGIN, lease.id))).toMatchObject({ tag: 'store_unavailable' });
    expect(world.steering.argsOf('backstop.arm')).toEqual([]);
  });
});

describe('a renewal whose backstop cannot be armed', () => {
  it.each([
    ['not armed', rejects],
    ['armed as far as nobody knows', losesReply],
  ])('(%s) is taken back: the lease keeps the end that its job is at', async (_, fault) => {
    const { world, lease } = worldWithLease();
    world.steering.on('backstop.arm', fault);
    expect(await failureOf(renewOwn(world.ports, ORIGIN, lease.id))).toEqual({
      tag: 'not_recorded',
      leaseId: lease.id,
      retryAfterSeconds: 2,
    });
    expect(world.lease(lease.id)).toEqual({ ...lease, version: 3, opId: 'op-2' });
    expect(world.events).toEqual([]);
    expect(world.steering.argsOf('timer.arm')).toEqual([]);
  });

  it('and that cannot be taken back is ended by the due sweep', async () => {
    const { world, lease } = worldWithLease();
    world.steering.on('backstop.arm', rejects);
    world.steering.on('leases.update', rejects, { nth: 2 });
    expect(await failureOf(renewOwn(world.ports, ORIGIN, lease.id))).toMatchObject({ tag: 'not_recorded' });
    expect(await world.leases.port.due(NOW_MS + 300_000, { limit: 9 })).toEqual({ items: [lease.id] });
  });
});

describe('a renewal that meets another writer', () => {
  it('who revokes the lease is told that it is not active', async () => {
    const { world, lease } = worldWithLease();
    world.steering.on(
      'leases.update',
      preceded(() =>
        revokeLease({ ...world.ports, leases: world.leases.port }, lease.id, { trigger: 'asked', reason: 'admin' }),
      ),
    );
    expect(await failureOf(renewOwn(world.ports, ORIGIN, lease.id))).toEqual({
      tag: 'lease_not_active',
      leaseId: lease.id,
      status: 'revoked',
    });
    expect(world.steering.argsOf('backstop.arm')).toEqual([]);
  });

  it('who notes a use is repeated over that', async () => {
    const { world, lease } = worldWithLease();
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { lastUsedAtMs: NOW_MS })),
    );
    const { lease: renewed } = await renewOwn(world.ports, ORIGIN, lease.id);
    expect(renewed).toMatchObject({ version: 3, lastUsedAtMs: NOW_MS, expiresAtMs: NOW_MS + 300_000 });
    expect(world.lease(lease.id)).toEqual(renewed);
  });

  it('again and again gives up after four', async () => {
    const { world, lease } = worldWithLease();
    world.steering.on('leases.update', answers('conflict'), { times: 4 });
    expect(await failureOf(renewOwn(world.ports, ORIGIN, lease.id))).toEqual({ tag: 'busy', retryAfterSeconds: 1 });
    expect(world.steering.argsOf('leases.update')).toHaveLength(4);
    world.steering.on('leases.update', answers('conflict'), { times: 3 });
    expect((await renewOwn(world.ports, ORIGIN, lease.id)).lease.version).toBe(2);
  });
});
