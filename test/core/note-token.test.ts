import { describe, expect, it } from 'vitest';
import { noteToken } from '../../functions/core/leases/note-token.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { OpenOverrides } from '../contract/builders.ts';
import { rejects } from './ports/steering.ts';
import { NOW_MS, World } from './world.ts';

function worldWithLease(token: Partial<HubToken> = {}, overrides: OpenOverrides = {}) {
  const world = new World();
  const lease = world.addLease(world.addTarget(), overrides);
  world.hub.change(lease.tokenId, token);
  const shown = world.hub.tokens.get(lease.tokenId) as HubToken;
  return { world, lease, note: (seen: HubToken = shown) => noteToken(world.ports, lease, seen), shown };
}

const USED: Partial<HubToken> = { lastUsedAtMs: NOW_MS - 5 };

describe('what Docker Hub shows of a lease’s token', () => {
  it('is noted: when it was last used, and when it ends', async () => {
    const { world, lease, note } = worldWithLease({ ...USED, expiresAtMs: NOW_MS + 77 });
    await note();
    expect(world.lease(lease.id)).toEqual({
      ...lease,
      version: 2,
      opId: expect.any(String),
      lastUsedAtMs: NOW_MS - 5,
      hubReportedExpiresAtMs: NOW_MS + 77,
    });
    expect(world.events).toEqual([]);
  });

  it.each<[string, Partial<HubToken>, OpenOverrides]>([
    ['it was never used', {}, {}],
    ['its use is known', USED, { lastUsedAtMs: NOW_MS - 5 }],
    ['Docker Hub has forgotten its use, which is known', {}, { lastUsedAtMs: NOW_MS - 5 }],
    ['it was used and the lease is being revoked', USED, { status: 'revoking' }],
    ['it has no expiry, and none is known', { expiresAtMs: null }, { hubExpiresAtMs: null }],
  ])('is not written where %s', async (_, token, overrides) => {
    const { world, lease, note } = worldWithLease(token, overrides);
    await note();
    expect(world.steering.argsOf('leases.update')).toEqual([]);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('takes the place of what was known of its use', async () => {
    const { world, lease, note } = worldWithLease(USED, { lastUsedAtMs: NOW_MS - 9 });
    await note();
    expect(world.lease(lease.id).lastUsedAtMs).toBe(NOW_MS - 5);
  });

  it('takes away an expiry that Docker Hub does not report any more', async () => {
    const { world, lease, note } = worldWithLease({ expiresAtMs: null });
    await note();
    expect(world.lease(lease.id)).not.toHaveProperty('hubReportedExpiresAtMs');
  });

  it('says when it ends also while the lease is being revoked, and keeps its last use', async () => {
    const { world, lease, note } = worldWithLease(
      { ...USED, expiresAtMs: NOW_MS + 77 },
      { status: 'revoking', lastUsedAtMs: NOW_MS - 9 },
    );
    await note();
    expect(world.lease(lease.id)).toMatchObject({
      hubReportedExpiresAtMs: NOW_MS + 77,
      lastUsedAtMs: NOW_MS - 9,
    });
  });

  it('is no matter where it is another token', async () => {
    const { world, note, shown } = worldWithLease(USED);
    await note({ ...shown, tokenId: 'token-9' });
    expect(world.steering.calls).toEqual([]);
  });

  it('is a courtesy that may be lost', async () => {
    const { world, lease, note } = worldWithLease(USED);
    world.steering.on('leases.update', rejects);
    await note();
    expect(world.lease(lease.id)).toEqual(lease);
  });
});
