import { describe, expect, it } from 'vitest';
import { survey } from '../../functions/core/sweeping/survey.ts';
import { preceded, rejects } from './ports/steering.ts';
import { LIMITS, NOW_MS, World } from './world.ts';

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

describe('a survey', () => {
  it('of nothing finds nothing', async () => {
    const { world } = worldWithTarget();
    expect(await survey(world.ports, 100)).toEqual({ open: 0, overdueSeconds: 0, stuck: 0 });
  });

  it('counts open leases over all pages, however far away they are due', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 130; count++) world.addMinting(target, { dueAtMs: NOW_MS + count * 86_400_000 });
    world.addRevoked(target);
    expect(await survey(world.ports, 1)).toMatchObject({ open: 130 });
  });

  it('says in whole seconds how far the most overdue one is past its expiry', async () => {
    const { world, target } = worldWithTarget();
    for (const agoMs of [5_000, 61_999, 30_000]) {
      world.addMinting(target, { status: 'revoking', expiresAtMs: NOW_MS - agoMs, dueAtMs: NOW_MS + agoMs });
    }
    expect(await survey(world.ports, 100)).toMatchObject({ overdueSeconds: 61, stuck: 0 });
  });

  it('finds none overdue where all have time left', async () => {
    const { world, target } = worldWithTarget();
    world.addMinting(target, { dueAtMs: NOW_MS });
    expect(await survey(world.ports, 100)).toMatchObject({ overdueSeconds: 0 });
  });

  it.each([
    [7, 0],
    [8, 1],
    [9, 1],
  ])('counts a revocation that failed %i times as stuck: %i', async (attempts, stuck) => {
    const { world, target } = worldWithTarget();
    world.addMinting(target, { status: 'revoking', attempts, dueAtMs: NOW_MS });
    expect(await survey(world.ports, 100)).toMatchObject({ stuck });
  });

  it('counts a refused create as open, but neither overdue nor stuck: it waits for a listing, and for nobody', async () => {
    const { world, target } = worldWithTarget();
    const refused = { createRefused: true, attempts: 9, expiresAtMs: NOW_MS - 9_000, dueAtMs: NOW_MS } as const;
    world.addMinting(target, { status: 'revoking', ...refused });
    expect(await survey(world.ports, 100)).toEqual({ open: 1, overdueSeconds: 0, stuck: 0 });
    world.addLease(target, { status: 'revoking', ...refused });
    expect(await survey(world.ports, 100)).toEqual({ open: 2, overdueSeconds: 9, stuck: 1 });
  });

  it('looks as far ahead as a revocation is put off at most', async () => {
    const { world, target } = worldWithTarget();
    const late = { status: 'revoking', attempts: 8 } as const;
    world.addMinting(target, { ...late, dueAtMs: NOW_MS + LIMITS.maxRetryMs });
    world.addMinting(target, { ...late, dueAtMs: NOW_MS + LIMITS.maxRetryMs + 1 });
    expect(await survey(world.ports, 100)).toEqual({ open: 2, overdueSeconds: 0, stuck: 1 });
  });

  it('reads no more leases than it may', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 5; count++) {
      world.addMinting(target, { status: 'revoking', attempts: 8, dueAtMs: NOW_MS + count });
    }
    expect(await survey(world.ports, 3)).toMatchObject({ open: 5, stuck: 3 });
    expect(world.steering.argsOf('leases.get')).toHaveLength(3);
  });

  it.each([
    ['gone', false],
    ['revoked', true],
  ])('passes over a lease that the index still shows but that is %s', async (_, revoked) => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { expiresAtMs: NOW_MS - 9_000, attempts: 9, dueAtMs: NOW_MS });
    world.steering.on(
      'leases.get',
      preceded(() => {
        const row = world.addRevoked(target, { id: lease.id, expiresAtMs: NOW_MS - 9_000, attempts: 9 });
        world.leases.rows.set(lease.id, revoked ? row : undefined);
      }),
    );
    expect(await survey(world.ports, 100)).toMatchObject({ overdueSeconds: 0, stuck: 0 });
  });

  it('fails while the store is out', async () => {
    const { world } = worldWithTarget();
    world.steering.on('leases.due', rejects);
    await expect(survey(world.ports, 100)).rejects.toThrow();
  });
});
