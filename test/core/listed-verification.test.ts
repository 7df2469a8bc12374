import { describe, expect, it } from 'vitest';
import { judgeListed } from '../../functions/core/catalog/listed-verification.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import { reconcile } from '../../functions/core/sweeping/reconcile.ts';
import { NOW_MS, World } from './world.ts';

const DAY_MS = 86_400_000;

/** A verification waits for its token, which is listed by now. */
function worldWithVerification(change: Partial<HubToken> = {}, target: Partial<Target> = {}) {
  const world = new World();
  const added = world.addTarget(target);
  const lease = world.addLease(added, { secret: 'verification' });
  world.hub.change(lease.tokenId, change);
  const pendingVerification = { leaseId: lease.id, tokenId: lease.tokenId, createdAtMs: NOW_MS };
  world.addFacts('acme-bot', { pendingVerification });
  const token = world.hub.tokens.get(lease.tokenId) as HubToken;
  return { world, target: added, lease, token };
}

describe('the token of a verification that is listed at last', () => {
  it.each<[string, Partial<HubToken>, Partial<Target>]>([
    ['as it was asked for', {}, {}],
    ['and ends a day later', { expiresAtMs: NOW_MS + 900_000 + DAY_MS }, {}],
    ['and never ends, which its owner allows', { expiresAtMs: null }, { allowUnprovenExpiry: true }],
  ])('%s lets mints go on', async (_, change, settings) => {
    const { world, target, lease, token } = worldWithVerification(change, settings);
    await judgeListed(world.ports, target, lease.id, token);
    expect(world.factsOf('acme-bot')).not.toHaveProperty('refusal');
    expect(world.events).toEqual([]);
  });

  it.each<[string, Partial<HubToken>, string]>([
    ['with another label', { label: 'cut' }, 'label_refused'],
    ['without an end', { expiresAtMs: null }, 'expiry_refused'],
    ['and ends more than a day later', { expiresAtMs: NOW_MS + 900_000 + DAY_MS + 1 }, 'expiry_refused'],
    ['with another label and without an end', { label: 'cut', expiresAtMs: null }, 'label_refused'],
  ])('%s has mints refused', async (_, change, code) => {
    const { world, target, lease, token } = worldWithVerification(change);
    await judgeListed(world.ports, target, lease.id, token);
    expect(world.factsOf('acme-bot').refusal).toEqual({ code, sinceMs: NOW_MS, triedAtMs: NOW_MS });
    expect(world.events).toMatchObject([{ event: 'target.refused', code }]);
  });

  it('says nothing once its lease is gone', async () => {
    const { world, target, lease, token } = worldWithVerification({ label: 'cut' });
    world.leases.rows.set(lease.id, undefined);
    await judgeListed(world.ports, target, lease.id, token);
    expect(world.factsOf('acme-bot')).not.toHaveProperty('refusal');
  });

  it('is judged by the sweep that finds it, and deleted', async () => {
    const { world, target, lease } = worldWithVerification({ expiresAtMs: null });
    await reconcile(world.ports, target, [lease]);
    expect(world.factsOf('acme-bot')).toMatchObject({ listLagMs: 0, refusal: { code: 'expiry_refused' } });
    expect(world.factsOf('acme-bot')).not.toHaveProperty('pendingVerification');
    expect(world.hub.tokens.size).toBe(0);
  });

  it('ends the refusal of a list that lags, and not the one that it causes itself', async () => {
    const { world, target, lease } = worldWithVerification({ label: `${'x'.repeat(9)}` });
    world.addFacts('acme-bot', { refusal: { code: 'list_lags', sinceMs: 1, triedAtMs: 1 } });
    await reconcile(world.ports, target, [lease]);
    expect(world.factsOf('acme-bot').refusal).toMatchObject({ code: 'label_refused' });
  });
});
