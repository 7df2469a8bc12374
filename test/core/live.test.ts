import { describe, expect, it } from 'vitest';
import { lookLive } from '../../functions/core/leases/live.ts';
import type { SessionRecord } from '../../functions/core/ports/sessions.ts';
import { answers, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, World } from './world.ts';

/** What is on record of the account. */
function record(world: World, change: Partial<SessionRecord>): void {
  world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'op', ...change });
}

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
    expect(await lookLive(world.ports, lease)).toEqual({
      atMs: NOW_MS,
      found: true,
      isActive: false,
      lastUsedAtMs: NOW_MS - 5,
    });
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

  it('is kept in the lease, with when the token was last used', async () => {
    const { world, lease } = worldWithLease();
    world.hub.change(lease.tokenId, { lastUsedAtMs: NOW_MS - 5 });
    const seen = { atMs: NOW_MS, found: true, isActive: true, lastUsedAtMs: NOW_MS - 5 };
    expect(await lookLive(world.ports, lease)).toEqual(seen);
    expect(world.lease(lease.id)).toMatchObject({ version: 2, seen, lastUsedAtMs: NOW_MS - 5 });
  });

  it('is shown for 30 s without asking anybody, and then asked for again', async () => {
    const { world, lease } = worldWithLease();
    const view = await lookLive(world.ports, lease);
    const { length } = world.steering.calls;
    world.clock.advance(29_999);
    expect(await lookLive(world.ports, world.lease(lease.id))).toEqual(view);
    expect(world.steering.calls).toHaveLength(length);
    world.clock.advance(1);
    expect(await lookLive(world.ports, world.lease(lease.id))).toMatchObject({ atMs: NOW_MS + 30_000 });
  });

  it('is asked for again where the last one is of the future: the clock was set back', async () => {
    const { world, target } = worldWithLease();
    const lease = world.addLease(target, { seen: { atMs: NOW_MS + 1, found: false } });
    expect(await lookLive(world.ports, lease)).toMatchObject({ atMs: NOW_MS, found: true });
  });

  describe('that is older than that', () => {
    const seen = { atMs: NOW_MS - 30_000, found: true, isActive: true, lastUsedAtMs: null } as const;

    it.each<[string, (world: World) => void]>([
      ['it is too early for another look', (world) => record(world, { nextLookAtMs: NOW_MS + 1 })],
      ['another look is first', (world) => world.steering.on('sessions.write', answers('conflict'))],
      ['revocations wait', (world) => record(world, { revocationsUntilMs: NOW_MS + 1 })],
      ['requests run low', (world) => record(world, { rateResetAtMs: NOW_MS + 1 })],
      ['Docker Hub refuses looks', (world) => record(world, { mintsThrottledUntilMs: NOW_MS + 1 })],
    ])('is shown with its time where %s, and Docker Hub is not asked', async (_, happen) => {
      const { world, target } = worldWithLease();
      const lease = world.addLease(target, { seen });
      happen(world);
      expect(await lookLive(world.ports, lease)).toEqual(seen);
      expect(world.steering.hubCalls).toBe(0);
      expect(world.lease(lease.id)).toEqual(lease);
    });

    it.each<[string, (world: World) => void]>([
      ['Docker Hub does not say', (world) => world.steering.on('hub.getToken', answers(refusal({ tag: 'forbidden' })))],
      ['no session can be had', (world) => world.credentials.current.clear()],
      ['the target is gone', (world) => world.catalog.targets.set('acme-bot', undefined)],
    ])('is shown where %s', async (_, happen) => {
      const { world, target } = worldWithLease();
      const lease = world.addLease(target, { seen });
      happen(world);
      expect(await lookLive(world.ports, lease)).toEqual(seen);
    });
  });

  it('teaches the limit that Docker Hub states, once', async () => {
    const { world, target, lease } = worldWithLease();
    const shown = { ok: true, value: world.hub.tokens.get(lease.tokenId), meta: { rateLimit: 600 } };
    world.steering.on('hub.getToken', answers(shown), { times: 2 });
    await lookLive(world.ports, lease);
    expect(world.sessions.rows.get('acme-bot')).toMatchObject({ rateLimit: 600 });
    const { version } = world.sessions.rows.get('acme-bot') as SessionRecord;
    world.clock.advance(10_000);
    await lookLive(world.ports, world.addLease(target));
    expect(world.sessions.rows.get('acme-bot')).toMatchObject({ version: version + 1 });
  });

  it('costs no request of others: a hundred who ask at once ask Docker Hub once', async () => {
    const { world, lease } = worldWithLease();
    await Promise.all(Array.from({ length: 100 }, () => lookLive(world.ports, lease)));
    expect(world.steering.argsOf('hub.getToken')).toHaveLength(1);
  });

  it('is asked for in the organization that holds the token', async () => {
    const { world, lease } = worldWithLease(ORG);
    expect(await lookLive(world.ports, lease)).toEqual({
      atMs: NOW_MS,
      found: true,
      isActive: true,
      lastUsedAtMs: null,
    });
  });

  it('says when there is no such token', async () => {
    const { world, lease } = worldWithLease();
    world.hub.tokens.clear();
    expect(await lookLive(world.ports, lease)).toEqual({ atMs: NOW_MS, found: false });
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
