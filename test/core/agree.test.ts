import { describe, expect, it } from 'vitest';
import { agree } from '../../functions/core/ending/absence.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { rejects } from './ports/steering.ts';
import { NOW_MS, World } from './world.ts';

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

/** Whether two listings agree that begin now. */
function compare(world: World, first: readonly HubToken[], second: readonly HubToken[]): Promise<boolean> {
  const listing = (tokens: readonly HubToken[], startedAtMs: number) => ({ startedAtMs, tokens, complete: true });
  return agree(world.ports, 'acme-bot', listing(first, NOW_MS), listing(second, NOW_MS + 900_000));
}

/** Whether listings agree that differ by tokens that only the first shows. */
async function without(make: (world: World, target: Target) => HubToken | HubToken[]): Promise<boolean> {
  const { world, target } = worldWithTarget();
  return compare(world, [make(world, target)].flat(), []);
}

describe('two listings', () => {
  it.each([
    ['older than the quiet period is doubt: a page may have slipped away', 60_001, false],
    ['as old as the quiet period is none: accounts are busy', 60_000, true],
    ['younger is none', 1, true],
  ])('that differ by somebody else’s token that is %s', async (_, ageMs, agreed) => {
    expect(await without((world) => world.hub.give('acme-bot', 'laptop', { ageMs }))).toBe(agreed);
  });

  it('that differ by a token that does not say when it was made are doubt: it counts as old', async () => {
    expect(await without((world) => world.hub.give('acme-bot', 'laptop', { createdAtMs: null }))).toBe(false);
  });

  it('that show the same old tokens of somebody else agree', async () => {
    const { world } = worldWithTarget();
    const tokens = ['laptop', 'desktop'].map((label) => world.hub.give('acme-bot', label, { ageMs: 90_000 }));
    expect(await compare(world, tokens, tokens.toReversed())).toBe(true);
  });

  it('that differ by somebody else’s token ask for no lease: its label names none', async () => {
    const { world } = worldWithTarget();
    const token = world.hub.give('acme-bot', 'laptop', { ageMs: 90_000 });
    expect(await compare(world, [token], [])).toBe(false);
    expect(world.steering.argsOf('leases.get')).toEqual([]);
  });

  it('that differ by a token that came in between agree', async () => {
    const { world } = worldWithTarget();
    expect(await compare(world, [], [world.hub.give('acme-bot', 'laptop', { ageMs: 90_000 })])).toBe(true);
  });

  it.each<[Lease['status'], boolean]>([
    ['revoking', true],
    ['revoked', true],
    ['minting', false],
    ['active', false],
  ])('that differ by the token of a lease of ours that is %s agree: %s', async (status, agreed) => {
    const agreement = await without((world, target) => {
      const owner = world.addLease(target);
      world.rewrite(owner.id, { status });
      const token = world.addToken(target, owner, { ageMs: 90_000 });
      world.rewrite(owner.id, { tokenId: token.tokenId });
      return token;
    });
    expect(agreement).toBe(agreed);
  });

  it('that differ by a token of ours found by label and deleted agree', async () => {
    const agreement = await without((world, target) => {
      const owner = world.addRevoked(target);
      const token = world.addToken(target, owner, { ageMs: 90_000 });
      world.rewrite(owner.id, { removedTokenIds: ['token-x', token.tokenId] });
      return token;
    });
    expect(agreement).toBe(true);
  });

  it.each<[string, LeaseDetails]>([
    ['a revoked lease that knows others', { tokenId: 'token-x', removedTokenIds: ['token-y'] }],
    ['a revoked lease that knows none', {}],
  ])('that differ by a token with the label of %s are doubt', async (_, overrides) => {
    const agreement = await without((world, target) =>
      world.addToken(target, world.addRevoked(target, overrides), { ageMs: 90_000 }),
    );
    expect(agreement).toBe(false);
  });

  it('that differ by a token whose lease nobody knows are doubt', async () => {
    const agreement = await without((world, target) =>
      world.addToken(target, world.leaseOf(target), { ageMs: 90_000 }),
    );
    expect(agreement).toBe(false);
  });

  it('that differ by one token that is accounted for and one that is not are doubt', async () => {
    const agreement = await without((world, target) => {
      const owner = world.addRevoked(target);
      const accounted = world.addToken(target, owner, { ageMs: 90_000 });
      world.rewrite(owner.id, { tokenId: accounted.tokenId });
      return [accounted, world.hub.give('acme-bot', 'laptop', { ageMs: 90_000 })];
    });
    expect(agreement).toBe(false);
  });

  it('cannot be compared while the lease that would account for a token cannot be read', async () => {
    const { world, target } = worldWithTarget();
    const token = world.addToken(target, world.addRevoked(target), { ageMs: 90_000 });
    world.steering.on('leases.get', rejects);
    await expect(compare(world, [token], [])).rejects.toThrow();
  });
});
