import { describe, expect, it } from 'vitest';
import { concludeLease } from '../../functions/core/ending/conclude.ts';
import { type RevokeOrder, revokeLease } from '../../functions/core/ending/revoke.ts';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import type { Evidence, OpenLease } from '../../functions/core/model/lease.ts';
import type { OpenOverrides } from '../contract/builders.ts';
import { preceded } from './ports/steering.ts';
import { NOW_MS, QUIET_AFTER_MS, World } from './world.ts';

const DUE: RevokeOrder = { trigger: 'due', reason: 'expired' };

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

/** A lease that expires now. */
function worldWithDue(overrides: OpenOverrides = {}) {
  const { world, target } = worldWithTarget();
  const lease = world.addLease(target, { expiresAtMs: NOW_MS, dueAtMs: NOW_MS, ...overrides });
  return { world, target, lease };
}

describe('other writers of a lease that is proven over', () => {
  it('that took the row away leave nothing to be said of it', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on(
      'leases.update',
      preceded(() => world.leases.rows.set(lease.id, undefined)),
    );
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'unknown' });
    expect(world.events).toEqual([]);
  });

  it('that only changed it do not undo the proof: it is written over their row', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on(
      'leases.update',
      preceded(() =>
        world.rewrite(lease.id, {
          status: 'revoking',
          revokeReason: 'admin',
          attempts: 4,
          expiresAtMs: NOW_MS - 500,
        }),
      ),
    );
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({
      version: 3,
      status: 'revoked',
      revokeReason: 'admin',
      attempts: 4,
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(world.events).toMatchObject([{ detail: { reason: 'admin', overdueMs: 500 } }]);
  });

  it('that came with a token make the proof of none worthless', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    world.clock.advance(QUIET_AFTER_MS);
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { tokenId: 'token-9' })),
      { nth: 2 },
    );
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'pending', lease: world.lease(lease.id) });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', tokenId: 'token-9', version: 3 });
    expect(world.eventNames).toEqual(['lease.revoke_requested']);
  });

  it('that keep changing it end the attempt after eight conflicts, with the lease still due', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, {})),
      { times: 8 },
    );
    await expect(revokeLease(world.ports, lease.id, DUE)).rejects.toThrow('too many writers');
    expect(world.steering.argsOf('leases.update')).toHaveLength(8);
    expect(world.openLeases).toHaveLength(1);
  });

  it('may conflict seven times', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, {})),
      { times: 7 },
    );
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('revoked');
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
  });
});

describe('a proof', () => {
  const DELETED: Evidence = { kind: 'deleted', atMs: NOW_MS, httpStatus: 204 };
  const COUNTER = 'secret:ci/release';

  function conclude(world: World, lease: OpenLease, evidence: Evidence = DELETED, found: object = {}) {
    return concludeLease(world.ports, lease, 'expired', { evidence, removedTokenIds: [], ...found });
  }

  it('takes the lease off its counters', async () => {
    const { world, lease } = worldWithDue({ counters: [COUNTER] });
    world.leases.counters.set(COUNTER, { open: 3, version: 1, changedAtMs: 0 });
    await conclude(world, lease);
    expect(world.leases.counters.get(COUNTER)?.open).toBe(2);
  });

  it('leaves the counters of a refused create alone: its places were given back before', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { status: 'revoking', createRefused: true, counters: [COUNTER] });
    world.leases.counters.set(COUNTER, { open: 3, version: 1, changedAtMs: 0 });
    await conclude(world, lease);
    expect(world.leases.counters.get(COUNTER)?.open).toBe(3);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', createRefused: true });
  });

  it('leaves nothing of what kept the lease open, and keeps what was found', async () => {
    const { world, lease } = worldWithDue({
      status: 'revoking',
      revokeReason: 'admin',
      lastError: 'unclear_token',
      blockedBy: ['token-s'],
    });
    await conclude(world, lease, DELETED, { removedTokenIds: ['token-r'], reportedExpiresAtMs: NOW_MS + 8 });
    const row = world.lease(lease.id);
    expect(row).toMatchObject({ revokeReason: 'admin', removedTokenIds: ['token-r'] });
    expect(row.hubReportedExpiresAtMs).toBe(NOW_MS + 8);
    for (const key of ['lastError', 'blockedBy', 'dueAtMs']) expect(row).not.toHaveProperty(key);
  });

  it('that an admin gave is told of as that, with who gave it and why', async () => {
    const { world, lease } = worldWithDue();
    const evidence = { kind: 'attested', atMs: NOW_MS, by: 'arn:admin', reason: 'account closed' } as const;
    world.clock.advance(70);
    await conclude(world, lease, evidence);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', evidence, ttlAtMs: NOW_MS + 70 + 2_592_000_000 });
    expect(world.events).toEqual([
      {
        event: 'lease.attested',
        atMs: NOW_MS + 70,
        ...auditIds(lease),
        detail: { reason: 'expired', evidence: 'attested', overdueMs: 70, by: 'arn:admin', words: 'account closed' },
      },
    ]);
  });

  it('that Docker Hub gave is told of without anybody’s name', async () => {
    const { world, lease } = worldWithDue();
    await conclude(world, lease);
    expect(world.events[0]?.detail).toStrictEqual({ reason: 'expired', evidence: 'deleted', overdueMs: 0 });
  });

  it('of a lease that somebody else revoked meanwhile changes nothing', async () => {
    const { world, lease } = worldWithDue();
    const revoked = world.addRevoked(world.addTarget(), { id: lease.id, version: 2 });
    expect(await conclude(world, lease)).toEqual({ outcome: 'revoked', lease: revoked });
    expect(world.events).toEqual([]);
  });

  describe('while the account’s requests are kept for revocations', () => {
    function worldWithWaiting(lease: OpenOverrides, revocationsUntilMs: number) {
      const made = worldWithDue({ status: 'revoking', revokeReason: 'expired', ...lease });
      made.world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'op', revocationsUntilMs });
      return { ...made, reservedUntilMs: () => made.world.sessions.rows.get('acme-bot')?.revocationsUntilMs };
    }

    it.each<[string, OpenOverrides, number, boolean]>([
      ['ends that where its lease was the last to wait', { dueAtMs: NOW_MS + 4_500 }, NOW_MS + 5_000, true],
      ['leaves that to one that waits longer', { dueAtMs: NOW_MS + 4_500 }, NOW_MS + 6_000, false],
      ['leaves that where its lease’s turn has come', { dueAtMs: NOW_MS }, NOW_MS, false],
      ['ends that a moment before its turn', { dueAtMs: NOW_MS + 1 }, NOW_MS + 1_000, true],
      ['leaves that where its lease waited for something else', { lastError: 'x' }, NOW_MS + 5_000, false],
    ])('%s', async (_, change, untilMs, ended) => {
      const waiting = { lastError: 'hub_throttled', dueAtMs: NOW_MS + 4_500, ...change };
      const { world, lease, reservedUntilMs } = worldWithWaiting(waiting, untilMs);
      await conclude(world, lease);
      expect(reservedUntilMs()).toBe(ended ? undefined : untilMs);
    });
  });
});
