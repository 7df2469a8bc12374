import { describe, expect, it } from 'vitest';
import { lookLive } from '../../functions/core/live.ts';
import { answers, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, World } from './world.ts';

function worldWithLease(target: object = {}) {
  const world = new World();
  const kept = world.addTarget(target);
  return { world, target: kept, lease: world.addLease(kept) };
}

describe('Docker Hub’s own view of a lease', () => {
  it('says whether the token is active and when it was last used', async () => {
    const { world, lease } = worldWithLease();
    const token = world.hub.tokens.get(lease.tokenId) as never as object;
    world.hub.tokens.set(lease.tokenId, { ...token, isActive: false, lastUsedAtMs: NOW_MS - 5 } as never);
    expect(await lookLive(world.ports, lease)).toEqual({ found: true, isActive: false, lastUsedAtMs: NOW_MS - 5 });
    expect(world.steering.argsOf('hub.getToken')[0]?.slice(1)).toEqual([{ kind: 'pat' }, lease.tokenId]);
  });

  it.each([
    ['what it shows', NOW_MS + 77, NOW_MS + 77],
    ['none that it shows', null, undefined],
  ])('teaches the expiry that Docker Hub reports: %s', async (_, expiresAtMs, noted) => {
    const { world, lease } = worldWithLease();
    world.hub.change(lease.tokenId, { expiresAtMs });
    await lookLive(world.ports, lease);
    expect(world.lease(lease.id).hubReportedExpiresAtMs).toBe(noted);
  });

  it.each([
    ['as it is', NOW_MS + 900_000, {}],
    ['as none', null, { hubExpiresAtMs: null }],
  ])('writes nothing where the expiry is known %s, though the token was used', async (_, expiresAtMs, overrides) => {
    const { world, target } = worldWithLease();
    const lease = world.addLease(target, overrides);
    world.hub.change(lease.tokenId, { expiresAtMs, lastUsedAtMs: NOW_MS });
    expect(await lookLive(world.ports, lease)).toMatchObject({ found: true, lastUsedAtMs: NOW_MS });
    expect(world.steering.argsOf('leases.update')).toEqual([]);
  });

  it('is asked for in the organization that holds the token', async () => {
    const { world, lease } = worldWithLease(ORG);
    expect(await lookLive(world.ports, lease)).toEqual({ found: true, isActive: true, lastUsedAtMs: null });
  });

  it('says when there is no such token', async () => {
    const { world, lease } = worldWithLease();
    world.hub.tokens.clear();
    expect(await lookLive(world.ports, lease)).toEqual({ found: false });
  });

  it('is none while the token’s id is not known, and of a revoked lease', async () => {
    const { world, target } = worldWithLease();
    expect(await lookLive(world.ports, world.addMinting(target))).toBeUndefined();
    expect(await lookLive(world.ports, world.addRevoked(target, { tokenId: 'token-1' }))).toBeUndefined();
    expect(world.steering.calls).toEqual([]);
  });

  it('is none where the target is gone', async () => {
    const { world, lease } = worldWithLease();
    world.catalog.targets.set('acme-bot', undefined);
    expect(await lookLive(world.ports, lease)).toBeUndefined();
    expect(world.steering.hubCalls).toBe(0);
  });

  it.each([
    [
      'Docker Hub does not say',
      (world: World) => world.steering.on('hub.getToken', answers(refusal({ tag: 'forbidden' }))),
    ],
    ['no session can be had', (world: World) => world.credentials.current.clear()],
    ['the call rejects', (world: World) => world.steering.on('hub.getToken', rejects)],
  ])('is none where %s: the lease itself is worth showing', async (_, happen) => {
    const { world, lease } = worldWithLease();
    happen(world);
    expect(await lookLive(world.ports, lease)).toBeUndefined();
  });

  it('fails where the catalog is out', async () => {
    const { world, lease } = worldWithLease();
    world.steering.on('catalog.getTarget', rejects);
    expect(await failureOf(lookLive(world.ports, lease))).toEqual({ tag: 'store_unavailable', retryAfterSeconds: 2 });
  });
});
