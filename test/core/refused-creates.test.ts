import { describe, expect, it } from 'vitest';
import { type Listing, listAll } from '../../functions/core/hub/listing.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import { endRefusedCreates } from '../../functions/core/sweeping/refused-creates.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { OUR_USER_AGENT } from './ports/hub.ts';
import { answers, followed, preceded, refusal, rejects } from './ports/steering.ts';
import { NOW_MS, ORG, QUIET_AFTER_MS, World } from './world.ts';

const DAY_MS = 86_400_000;
const PAT = { kind: 'pat' } as const;

/** A lease whose create was refused, and so much time later the sweep's listing. */
function worldWithRefused(overrides: LeaseDetails = {}, waitMs = QUIET_AFTER_MS) {
  const world = new World();
  const target = world.addTarget();
  const refuse = (change: LeaseDetails = {}) =>
    world.addMinting(target, {
      status: 'revoking',
      createRefused: true,
      revokeReason: 'mint_failed',
      revokingSinceMs: NOW_MS,
      lastError: 'create_refused',
      dueAtMs: NOW_MS + DAY_MS,
      ...change,
    });
  const lease = refuse(overrides);
  world.clock.advance(waitMs);
  return { world, target, lease, refuse };
}

async function end(world: World, target: Target, open: readonly Lease[]): Promise<number> {
  const first = await listAll(world.ports, target, PAT, 'look');
  return endRefusedCreates(world.ports, target, first, open);
}

describe('leases whose creates Docker Hub refused', () => {
  it('all end with one pair of listings, the first of which the sweep has made', async () => {
    const { world, target, lease, refuse } = worldWithRefused();
    const other = refuse({ mintByMs: lease.mintByMs, issuedAtMs: NOW_MS });
    world.hub.give('acme-bot', 'laptop');
    world.clock.advance(5);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(400)),
    );
    expect(await end(world, target, [lease, other])).toBe(2);
    for (const { id } of [lease, other]) {
      expect(world.lease(id)).toMatchObject({
        status: 'revoked',
        revokeReason: 'mint_failed',
        evidence: {
          kind: 'absent',
          quietUntilMs: NOW_MS + QUIET_AFTER_MS,
          firstListingAtMs: NOW_MS + QUIET_AFTER_MS + 5,
          secondListingAtMs: NOW_MS + QUIET_AFTER_MS + 405,
          tokensListed: 1,
          removedTokenIds: [],
        },
      });
    }
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(2);
    expect(world.eventNames).toEqual(['lease.revoked', 'lease.revoked']);
    expect(world.steering.argsOf('queue.send')).toEqual([]);
    expect(world.steering.argsOf('leases.update').map(([, count]) => count)).toEqual([undefined, undefined]);
  });

  it('of an organization are looked for in the organization', async () => {
    const world = new World();
    const target = world.addTarget(ORG);
    const lease = world.addMinting(target, { status: 'revoking', createRefused: true });
    world.clock.advance(QUIET_AFTER_MS);
    expect(lease).not.toHaveProperty('revokeReason');
    const place = { kind: 'oat', organization: 'acme' } as const;
    const first = await listAll(world.ports, target, place, 'look');
    expect(await endRefusedCreates(world.ports, target, first, [lease])).toBe(1);
    expect(world.steering.argsOf('hub.listTokens')[1]?.[1]).toEqual(place);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'mint_failed' });
    expect(world.lease(lease.id)).not.toHaveProperty('removedTokenIds');
  });

  it('keep what was removed for them', async () => {
    const { world, target, lease } = worldWithRefused({ removedTokenIds: ['token-r'] });
    await end(world, target, [lease]);
    expect(world.lease(lease.id)).toMatchObject({
      removedTokenIds: ['token-r'],
      evidence: { removedTokenIds: ['token-r'] },
    });
  });

  it.each<[string, LeaseDetails, number, HubFacts]>([
    ['whose quiet period is over only a moment after the listing', {}, QUIET_AFTER_MS - 1, {}],
    ['whose quiet period is longer, for the list lags', {}, QUIET_AFTER_MS, { listLagMs: 60_000 }],
    ['that name a token', { tokenId: 'token-9' }, QUIET_AFTER_MS, {}],
    ['whose account is another than the target’s now', { hubAccount: 'acme-bot2' }, QUIET_AFTER_MS, {}],
  ])('%s are left alone, and nothing is listed for them', async (_, overrides, waitMs, facts) => {
    const { world, target, lease } = worldWithRefused(overrides, waitMs);
    world.addFacts('acme-bot', facts);
    expect(await end(world, target, [lease])).toBe(0);
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('wait while it is in doubt how far the list lags', async () => {
    const { world, target, lease } = worldWithRefused();
    world.addFacts('acme-bot', { refusal: { code: 'list_lags', sinceMs: 1, triedAtMs: 1 }, listLagMs: 1 });
    expect(await end(world, target, [lease])).toBe(0);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('are none of the leases that are open for another reason', async () => {
    const { world, target } = worldWithRefused();
    const others = [
      world.addLease(target, { issuedAtMs: NOW_MS }),
      world.addMinting(target, { mintByMs: NOW_MS }),
      world.addMinting(target, { mintByMs: NOW_MS, status: 'revoking', revokingSinceMs: NOW_MS }),
    ];
    expect(await end(world, target, others)).toBe(0);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
    for (const other of others) expect(world.lease(other.id).status).toBe(other.status);
  });

  it('end though others of them have to wait', async () => {
    const { world, target, lease, refuse } = worldWithRefused();
    const young = refuse({ mintByMs: NOW_MS + QUIET_AFTER_MS });
    expect(await end(world, target, [young, lease])).toBe(1);
    expect(world.lease(young.id)).toEqual(young);
    expect(world.lease(lease.id).status).toBe('revoked');
  });

  it.each([
    ['meets a problem', answers(refusal({ tag: 'forbidden' }))],
    ['is not complete', answers({ ok: true, value: { tokens: [], total: 1, more: false }, meta: {} })],
  ])('wait where the second listing %s', async (_, fault) => {
    const { world, target, lease } = worldWithRefused();
    world.steering.on('hub.listTokens', fault, { nth: 2 });
    expect(await end(world, target, [lease])).toBe(0);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('wait where revocations need the requests that the second listing would take', async () => {
    const { world, target, lease } = worldWithRefused();
    const first: Listing = { startedAtMs: NOW_MS + QUIET_AFTER_MS, tokens: [], complete: true };
    expect(await endRefusedCreates(world.ports, target, first, [lease], async () => false)).toBe(0);
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
  });

  it('wait where the listings differ by an old token of somebody else', async () => {
    const { world, target, lease } = worldWithRefused();
    const { tokenId } = world.hub.give('acme-bot', 'laptop', { ageMs: 60_001 });
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.tokens.delete(tokenId)),
      { nth: 2 },
    );
    expect(await end(world, target, [lease])).toBe(0);
  });

  it('wait, and say for what, where a listed token may be theirs; the others end', async () => {
    const { world, target, lease, refuse } = worldWithRefused({}, 900_000);
    const early = refuse({ issuedAtMs: NOW_MS - DAY_MS, mintByMs: NOW_MS - DAY_MS });
    const made = { createdAtMs: NOW_MS, creatorUserAgent: OUR_USER_AGENT };
    const { tokenId } = world.hub.give('acme-bot', 'cut', made);
    expect(await end(world, target, [lease, early])).toBe(1);
    expect(world.lease(lease.id)).toEqual({
      ...lease,
      version: 2,
      opId: expect.any(String),
      blockedBy: [tokenId],
    });
    expect(world.eventNames).toEqual(['lease.blocked', 'lease.revoked']);
    expect(world.hub.tokens.has(tokenId)).toBe(true);
  });

  it('wait, and name nothing, where a token of theirs is listed', async () => {
    const { world, target, lease } = worldWithRefused();
    world.addToken(target, lease);
    expect(await end(world, target, [lease])).toBe(0);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it.each<[string, (world: World, lease: Lease) => void]>([
    ['has come to name a token', (world, { id }) => world.rewrite(id, { tokenId: 'token-9' })],
    ['is gone', (world, { id }) => world.leases.rows.set(id, undefined)],
  ])('are read again behind the listings: one that %s is left alone', async (_, happen) => {
    const { world, target, lease } = worldWithRefused();
    world.steering.on(
      'hub.listTokens',
      followed(() => happen(world, lease)),
      { nth: 2 },
    );
    expect(await end(world, target, [lease])).toBe(0);
    expect(world.events).toEqual([]);
  });

  it('cannot end while the stores are out', async () => {
    const { world, target, lease } = worldWithRefused();
    world.steering.on('leases.get', rejects);
    await expect(end(world, target, [lease])).rejects.toThrow();
  });
});
