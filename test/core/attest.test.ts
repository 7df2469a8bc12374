import { describe, expect, it } from 'vitest';
import { attestLease } from '../../functions/core/ending/attest.ts';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { preceded, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORIGIN, World } from './world.ts';

const WHY = 'the account was closed';
const MARGIN_MS = 300_000;

/** A lease that nothing can prove, five minutes and a moment after the expiry that Docker Hub was asked for. */
function worldWithUnproven(overrides: LeaseDetails = {}, lateMs = MARGIN_MS + 1) {
  const world = new World();
  const lease = world.addLease(world.addTarget(), {
    status: 'revoking',
    revokingSinceMs: NOW_MS,
    hubExpiresAtMs: NOW_MS,
    ...overrides,
  });
  world.clock.advance(lateMs);
  return { world, lease, attest: () => attestLease(world.ports, ORIGIN, lease.id, WHY) };
}

describe('an admin who attests a lease', () => {
  it('closes it in their own name, with their reason, and nothing is asked of Docker Hub', async () => {
    const { world, lease, attest } = worldWithUnproven({ removedTokenIds: ['token-r'], lastError: 'login_blocked' });
    const closed = await attest();
    expect(closed).toEqual(world.lease(lease.id));
    expect(closed).toMatchObject({
      status: 'revoked',
      revokeReason: 'admin',
      revokedAtMs: NOW_MS + MARGIN_MS + 1,
      removedTokenIds: ['token-r'],
    });
    expect(closed.evidence).toEqual({
      kind: 'attested',
      atMs: NOW_MS + MARGIN_MS + 1,
      by: ORIGIN.caller.arn,
      reason: WHY,
    });
    expect(closed).not.toHaveProperty('lastError');
    expect(world.events).toMatchObject([
      { event: 'lease.attested', ...auditIds(lease), detail: { evidence: 'attested', words: WHY } },
    ]);
    expect(world.steering.hubCalls).toBe(0);
  });

  it('leaves no trace of removed tokens where there were none', async () => {
    expect(await worldWithUnproven().attest()).not.toHaveProperty('removedTokenIds');
  });

  it('has to wait until five minutes after the expiry that Docker Hub was asked for', async () => {
    const { world, lease, attest } = worldWithUnproven({ hubReportedExpiresAtMs: NOW_MS - 999_999 }, MARGIN_MS);
    expect(await failureOf(attest())).toEqual({
      tag: 'attest_too_early',
      leaseId: lease.id,
      allowedAtMs: NOW_MS + MARGIN_MS,
    });
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.events).toEqual([]);
  });

  it('has to wait until five minutes after its latest end where no expiry was asked for', async () => {
    const token = { hubExpiresAtMs: null, maxExpiresAtMs: NOW_MS + 1 };
    expect(await failureOf(worldWithUnproven(token).attest())).toMatchObject({ tag: 'attest_too_early' });
    expect(await worldWithUnproven({ ...token, maxExpiresAtMs: NOW_MS }).attest()).toMatchObject({ status: 'revoked' });
  });

  it('changes nothing of one that is revoked already', async () => {
    const { world } = worldWithUnproven();
    const lease = world.addRevoked(world.addTarget());
    expect(await attestLease(world.ports, ORIGIN, lease.id, WHY)).toEqual(lease);
    expect(world.events).toEqual([]);
  });

  it('leaves a lease open that has come to name another token meanwhile', async () => {
    const { world, lease, attest } = worldWithUnproven();
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { tokenId: 'token-9' })),
    );
    expect(await attest()).toMatchObject({ status: 'revoking', tokenId: 'token-9' });
  });

  it('hears that there is none, before the attestation or behind it', async () => {
    const { world, lease, attest } = worldWithUnproven();
    const gone = { tag: 'lease_not_found', leaseId: lease.id };
    world.steering.on(
      'leases.update',
      preceded(() => world.leases.rows.set(lease.id, undefined)),
    );
    expect(await failureOf(attest())).toEqual(gone);
    expect(await failureOf(attest())).toEqual(gone);
  });

  it.each(['leases.get', 'leases.update'] as const)('hears that the store is out (%s)', async (call) => {
    const { world, attest } = worldWithUnproven();
    world.steering.on(call, rejects);
    expect(await failureOf(attest())).toMatchObject({ tag: 'store_unavailable' });
  });
});
