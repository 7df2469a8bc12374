import { describe, expect, it } from 'vitest';
import { noteBlocked, recordBlocked } from '../../functions/core/ending/blocked.ts';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { preceded, rejects } from './ports/steering.ts';
import { NOW_MS, World } from './world.ts';

const TEN_MINUTES_MS = 600_000;

function worldWithLease(overrides: LeaseDetails = {}) {
  const world = new World();
  const revoking = { status: 'revoking', revokingSinceMs: NOW_MS - TEN_MINUTES_MS } as const;
  const lease = world.addMinting(world.addTarget(), { ...revoking, ...overrides });
  return { world, lease };
}

describe('tokens that may be a lease’s', () => {
  it('are told of once they have kept it open for ten minutes', async () => {
    const { world, lease } = worldWithLease();
    await recordBlocked(world.ports, lease, ['token-a', 'token-b']);
    expect(world.events).toEqual([
      {
        event: 'lease.blocked',
        atMs: NOW_MS,
        ...auditIds(lease),
        code: 'unclear_token',
        detail: { tokenIds: 'token-a token-b' },
      },
    ]);
  });

  it('are not told of before', async () => {
    const { world, lease } = worldWithLease({ revokingSinceMs: NOW_MS - TEN_MINUTES_MS + 1 });
    await recordBlocked(world.ports, lease, ['token-a']);
    expect(world.events).toEqual([]);
  });

  it('are noted in it, and told of', async () => {
    const { world, lease } = worldWithLease({ blockedBy: ['token-a'] });
    await noteBlocked(world.ports, lease, ['token-a', 'token-b']);
    expect(world.lease(lease.id)).toEqual({
      ...lease,
      version: 2,
      opId: expect.any(String),
      blockedBy: ['token-a', 'token-b'],
    });
    expect(world.eventNames).toEqual(['lease.blocked']);
  });

  it('are told of again where they are noted already, and nothing is written', async () => {
    const { world, lease } = worldWithLease({ blockedBy: ['token-a', 'token-b'] });
    await noteBlocked(world.ports, lease, ['token-a', 'token-b']);
    expect(world.steering.argsOf('leases.update')).toEqual([]);
    expect(world.eventNames).toEqual(['lease.blocked']);
  });

  it('are a note that may be lost', async () => {
    const { world, lease } = worldWithLease();
    world.steering.on('leases.update', rejects);
    await noteBlocked(world.ports, lease, ['token-a']);
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { attempts: 4 })),
    );
    await noteBlocked(world.ports, lease, ['token-a']);
    expect(world.lease(lease.id)).not.toHaveProperty('blockedBy');
  });
});
