import { describe, expect, it } from 'vitest';
import { readTargetState } from '../../functions/core/hub/target-state.ts';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import { World } from './world.ts';

const DAY_MS = 86_400_000;

function knowing(world: World, facts: HubFacts): void {
  world.sessions.rows.set('acme', {
    target: 'acme',
    version: 1,
    opId: 'op',
    sealedBearer: 'canary',
    credentialVersion: 'canary',
    facts,
  });
}

describe('the state of a target', () => {
  it('is empty where nothing was learned, or nobody has logged in', async () => {
    const world = new World();
    expect(await readTargetState(world.ports, 'acme')).toEqual({});
    knowing(world, {});
    expect(await readTargetState(world.ports, 'acme')).toEqual({});
  });

  it('has every fact, and nothing of the session', async () => {
    const world = new World();
    const atMs = world.clock.nowMs();
    const facts = {
      refusal: { code: 'expiry_refused', sinceMs: atMs, triedAtMs: atMs },
      pendingVerification: { leaseId: 'lease', tokenId: 'token', createdAtMs: atMs },
      listLagMs: 0,
      listLagsBeyondMs: 1,
      listing: { code: 'listing_incomplete', sinceMs: atMs },
      cap: { tokens: 10, atMs },
      places: { atMs, tokens: 10, foreign: 1, expired: 2 },
    } as const;
    knowing(world, { ...facts, pageSize: 50 });
    const state = await readTargetState(world.ports, 'acme');
    expect(state).toEqual(facts);
    expect(JSON.stringify(state)).not.toContain('canary');
  });

  it('has a cap for as long as it is believed', async () => {
    const world = new World();
    const cap = { tokens: 10, atMs: world.clock.nowMs() };
    knowing(world, { cap });
    world.clock.advance(DAY_MS - 1);
    expect(await readTargetState(world.ports, 'acme')).toEqual({ cap });
    world.clock.advance(1);
    expect(await readTargetState(world.ports, 'acme')).toEqual({});
  });

  it('is store_unavailable where it cannot be read', async () => {
    const world = new World();
    const sessions = { ...world.ports.sessions, read: () => Promise.reject(new Error('canary')) };
    await expect(readTargetState({ ...world.ports, sessions }, 'acme')).rejects.toMatchObject({
      failure: { tag: 'store_unavailable' },
    });
  });
});
