import { describe, expect, it } from 'vitest';
import { reconcile } from '../../functions/core/sweeping/reconcile.ts';
import { answers, refusal } from './ports/steering.ts';
import { NOW_MS, World } from './world.ts';

const MAX_LAG_MS = 900_000;

/** A target whose verification has left a token that no listing shows, a moment longer than a list may lag. */
function worldWithUnlisted() {
  const world = new World();
  const target = world.addTarget();
  const lease = world.addLease(target, { secret: 'verification' });
  const { id: leaseId, tokenId, issuedAtMs: createdAtMs } = lease;
  const pendingVerification = { leaseId, tokenId, createdAtMs };
  world.addFacts(target.name, { pendingVerification });
  world.clock.advance(MAX_LAG_MS + 1);
  const empty = { ok: true, value: { tokens: [], total: 0, more: false }, meta: { hubDateMs: NOW_MS } };
  world.steering.on('hub.listTokens', answers(empty), { times: 9 });
  return { world, target, lease, pendingVerification };
}

describe('a verification’s token that is not listed after 15 minutes', () => {
  it('shows that the list lags too far while it can be read', async () => {
    const { world, target } = worldWithUnlisted();
    await reconcile(world.ports, target, []);
    expect(world.factsOf(target.name).refusal).toMatchObject({ code: 'list_lags' });
    expect(world.factsOf(target.name)).not.toHaveProperty('pendingVerification');
    expect(world.eventNames).toContain('target.refused');
  });

  it('shows nothing once somebody has deleted it by hand, or made it inactive', async () => {
    for (const answer of [refusal({ tag: 'not_found' }), undefined]) {
      const { world, target, lease } = worldWithUnlisted();
      if (answer === undefined) world.hub.change(lease.tokenId, { isActive: false });
      else world.steering.on('hub.getToken', answers(answer));
      await reconcile(world.ports, target, []);
      expect(world.factsOf(target.name)).not.toHaveProperty('refusal');
      expect(world.factsOf(target.name)).not.toHaveProperty('pendingVerification');
      expect(world.eventNames).not.toContain('target.refused');
      expect(world.lease(lease.id).status).not.toBe('active');
    }
  });

  it('goes on waiting while Docker Hub does not say', async () => {
    const { world, target, lease, pendingVerification } = worldWithUnlisted();
    world.steering.on('hub.getToken', answers(refusal({ tag: 'fault', code: 'server_error' })));
    await reconcile(world.ports, target, []);
    expect(world.factsOf(target.name)).toMatchObject({ pendingVerification });
    expect(world.factsOf(target.name)).not.toHaveProperty('refusal');
    expect(world.lease(lease.id).status).toBe('active');
  });
});
