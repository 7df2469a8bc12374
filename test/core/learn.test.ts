import { describe, expect, it } from 'vitest';
import type { Listing } from '../../functions/core/hub/listing.ts';
import { openSession } from '../../functions/core/hub/session.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubProblem, HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { HubFacts, SessionRecord } from '../../functions/core/ports/sessions.ts';
import { learnFromListing, noteListing } from '../../functions/core/sweeping/learn.ts';
import type { OpenOverrides } from '../contract/builders.ts';
import { answers, preceded, refusal, rejects } from './ports/steering.ts';
import { LIMITS, NOW_MS, ORG, World } from './world.ts';

const PAT = { kind: 'pat' } as const;
const LAG_MAX_MS = 900_000;

function worldWithTarget(overrides: Partial<Target> = {}, facts: HubFacts = {}) {
  const world = new World();
  const target = world.addTarget(overrides);
  // What is learned is kept in the record of a target's session.
  world.addFacts(target.name, facts);
  return { world, target, facts: () => world.factsOf(target.name) };
}

/** A complete listing that begins now. */
function aListing(world: World, tokens: readonly HubToken[] = [], change: Partial<Listing> = {}): Listing {
  const nowMs = world.clock.nowMs();
  return { startedAtMs: nowMs, tokens, complete: true, hubDateMs: nowMs, ...change };
}

describe('a listing that cannot be used', () => {
  const unusable = (problem?: HubProblem): Partial<Listing> => ({
    complete: false,
    ...(problem !== undefined && { problem }),
  });

  it.each<[HubProblem | undefined, string, string]>([
    [undefined, 'listing_incomplete', 'listing.unusable'],
    [{ tag: 'fault', code: 'malformed' }, 'malformed', 'listing.unusable'],
    [{ tag: 'plan' }, 'plan', 'listing.unusable'],
    [{ tag: 'not_found' }, 'account_unreachable', 'account.unreachable'],
    [{ tag: 'forbidden' }, 'account_unreachable', 'account.unreachable'],
  ])('because of %j is noted with since when, and told of at every sweep', async (problem, code, event) => {
    const { world, target, facts } = worldWithTarget();
    await noteListing(world.ports, target, aListing(world, [], unusable(problem)));
    world.clock.advance(300_000);
    await noteListing(world.ports, target, aListing(world, [], unusable(problem)));
    expect(facts()).toEqual({ listing: { code, sinceMs: NOW_MS } });
    expect(world.steering.argsOf('sessions.write')).toHaveLength(1);
    expect(world.events).toEqual([NOW_MS, NOW_MS + 300_000].map((atMs) => ({ event, atMs, target: 'acme-bot', code })));
  });

  it('for another reason than before is noted as that, since the first', async () => {
    const { world, target, facts } = worldWithTarget({}, { listing: { code: 'timeout', sinceMs: 7 } });
    await noteListing(world.ports, target, aListing(world, [], unusable({ tag: 'forbidden' })));
    expect(facts()).toEqual({ listing: { code: 'account_unreachable', sinceMs: 7 } });
  });

  it.each<[string, Partial<Listing>]>([
    ['gave way to revocations', { complete: false, interrupted: true }],
    ['found too few requests left', unusable({ tag: 'throttled', retryAtMs: NOW_MS })],
    ['lost its session', unusable({ tag: 'session_refused' })],
  ])('is no fault of the list where it %s: nothing is noted, and nothing forgotten', async (_, change) => {
    const { world, target, facts } = worldWithTarget({}, { listing: { code: 'timeout', sinceMs: 7 } });
    await noteListing(world.ports, target, aListing(world, [], change));
    expect(facts()).toEqual({ listing: { code: 'timeout', sinceMs: 7 } });
    expect(world.events).toEqual([]);
  });

  it('is forgotten with the next that can be', async () => {
    const { world, target, facts } = worldWithTarget({}, { listing: { code: 'timeout', sinceMs: 7 }, pageSize: 50 });
    await noteListing(world.ports, target, aListing(world));
    expect(facts()).toEqual({ pageSize: 50 });
    await noteListing(world.ports, target, aListing(world));
    expect(world.steering.argsOf('sessions.write')).toHaveLength(1);
    expect(world.events).toEqual([]);
  });
});

describe('how far the list lags', () => {
  /** A lease of that age whose token is not listed. */
  function worldWithUnlisted(ageMs = 100_000, facts: HubFacts = {}) {
    const made = worldWithTarget({}, facts);
    const lease = made.world.addLease(made.target, { issuedAtMs: NOW_MS - ageMs });
    return { ...made, lease };
  }

  function learn(world: World, target: Target, open: readonly Lease[], tokens: readonly HubToken[] = []) {
    return learnFromListing(world.ports, target, PAT, aListing(world, tokens), open);
  }

  it('is further than the age of a token that lives and is not listed', async () => {
    const { world, target, lease, facts } = worldWithUnlisted();
    await learn(world, target, [lease]);
    expect(facts()).toEqual({ listLagsBeyondMs: 100_000 });
    expect(world.steering.argsOf('hub.getToken')[0]?.slice(1)).toEqual([PAT, lease.tokenId]);
  });

  it.each([
    [100_000, 100_000, 0],
    [99_999, 100_000, 1],
    [100_001, 100_001, 0],
  ])('is remembered at its largest: %i before', async (beforeMs, afterMs, writes) => {
    const { world, target, lease, facts } = worldWithUnlisted(100_000, { listLagsBeyondMs: beforeMs });
    await learn(world, target, [lease]);
    expect(facts()).toEqual({ listLagsBeyondMs: afterMs });
    // The first two are the login's.
    expect(world.steering.argsOf('sessions.write').slice(2)).toHaveLength(writes);
  });

  it.each<[string, OpenOverrides, boolean]>([
    ['is older than any lag that is believed', { issuedAtMs: NOW_MS - LAG_MAX_MS }, false],
    ['is a moment younger than that', { issuedAtMs: NOW_MS - LAG_MAX_MS + 1 }, true],
    ['may still be on its way', { mintByMs: NOW_MS }, false],
    ['can be on its way no more', { mintByMs: NOW_MS - 1 }, true],
    ['is being revoked', { status: 'revoking' }, false],
    ['is not known by its id', { status: 'minting' }, false],
  ])('is asked of a token that %s, or not', async (_, overrides, asked) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, {
      issuedAtMs: NOW_MS - 100_000,
      mintByMs: NOW_MS - 80_000,
      ...overrides,
    });
    await learn(world, target, [lease]);
    expect(world.steering.argsOf('hub.getToken')).toHaveLength(asked ? 1 : 0);
  });

  it('is not asked of a token that is listed', async () => {
    const { world, target, lease, facts } = worldWithUnlisted();
    await learn(world, target, [lease], [...world.hub.tokens.values()]);
    expect(world.steering.argsOf('hub.getToken')).toEqual([]);
    expect(facts()).toEqual({});
  });

  it.each<[string, (world: World, tokenId: string) => void]>([
    ['is gone', (world) => world.hub.tokens.clear()],
    ['is inactive', (world, tokenId) => world.hub.change(tokenId, { isActive: false })],
    ['cannot be read', (world) => world.steering.on('hub.getToken', answers(refusal({ tag: 'forbidden' })))],
  ])('is not told by a token that %s; the others tell', async (_, happen) => {
    const { world, target, lease, facts } = worldWithUnlisted();
    happen(world, lease.tokenId);
    const other = world.addLease(target, { issuedAtMs: NOW_MS - 50_000 });
    await learn(world, target, [lease, other]);
    expect(facts()).toEqual({ listLagsBeyondMs: 50_000 });
  });

  it('is asked of five tokens at most', async () => {
    const { world, target } = worldWithTarget();
    const leases = Array.from({ length: 6 }, () => world.addLease(target, { issuedAtMs: NOW_MS - 50_000 }));
    await learn(world, target, leases);
    const asked = world.steering.argsOf('hub.getToken').map(([, , tokenId]) => tokenId);
    expect(asked).toEqual(leases.slice(0, 5).map(({ tokenId }) => tokenId));
  });
});

describe('a verification that waits to be listed', () => {
  /** One whose token was made so long ago. */
  function worldWithPending(ageMs: number, facts: HubFacts = {}, overrides: OpenOverrides = {}) {
    const made = worldWithTarget();
    const issuedAtMs = NOW_MS - ageMs;
    const lease = made.world.addLease(made.target, { issuedAtMs, expiresAtMs: NOW_MS + 999, ...overrides });
    const { id: leaseId, tokenId } = lease;
    made.world.addFacts('acme-bot', { ...facts, pendingVerification: { leaseId, tokenId, createdAtMs: issuedAtMs } });
    const token = made.world.hub.tokens.get(tokenId) as HubToken;
    const learn = (tokens: readonly HubToken[] = []) =>
      learnFromListing(made.world.ports, made.target, PAT, aListing(made.world, tokens), []);
    return { ...made, lease, token, learn };
  }

  it('measures the lag when it is listed, and ends', async () => {
    const { world, lease, token, learn, facts } = worldWithPending(123_000);
    await learn([token]);
    expect(facts()).toEqual({ listLagMs: 123_000 });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'verified' });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('and was seen in the list is over as soon as the list lacks it', async () => {
    const { world, lease, token, learn } = worldWithPending(1_000);
    world.steering.on(
      'hub.deleteToken',
      preceded(() => world.hub.tokens.clear()),
    );
    await learn([token]);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', evidence: { confirmedBy: 'gone' } });
  });

  it('never makes a lag smaller than it was, and takes one by a clock that is behind for none', async () => {
    const first = worldWithPending(5_000, { listLagMs: 6_000 });
    await first.learn([first.token]);
    expect(first.facts()).toEqual({ listLagMs: 6_000 });
    const second = worldWithPending(-5_000);
    await second.learn([second.token]);
    expect(second.facts()).toEqual({ listLagMs: 0 });
  });

  it('goes on waiting for 15 minutes', async () => {
    const { world, lease, learn, facts } = worldWithPending(LAG_MAX_MS);
    await learn([world.hub.give('acme-bot', 'laptop')]);
    expect(facts()).toMatchObject({ pendingVerification: { leaseId: lease.id } });
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.events).toEqual([]);
  });

  it('has mints refused after that: the list lags too far', async () => {
    const { world, lease, learn, facts } = worldWithPending(LAG_MAX_MS + 1);
    await learn();
    expect(facts()).toEqual({ refusal: { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS } });
    expect(world.events[0]).toEqual({ event: 'target.refused', atMs: NOW_MS, target: 'acme-bot', code: 'list_lags' });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'verified' });
  });

  it('ends a refusal for a list that lags when it is listed, and none for another reason', async () => {
    const refused = { sinceMs: 1, triedAtMs: 2 };
    const lagging = worldWithPending(5_000, { refusal: { code: 'list_lags', ...refused } });
    await lagging.learn([lagging.token]);
    expect(lagging.facts()).toEqual({ listLagMs: 5_000 });
    const other = worldWithPending(5_000, { refusal: { code: 'expiry_refused', ...refused } });
    await other.learn([other.token]);
    expect(other.facts()).toEqual({ listLagMs: 5_000, refusal: { code: 'expiry_refused', ...refused } });
  });

  it.each<[string, number, (world: World, lease: Lease) => void]>([
    ['whose token has reached its end', 1_800_001, () => {}],
    ['whose lease is revoked', LAG_MAX_MS + 1, (world, { id }) => world.addRevoked(world.addTarget(), { id })],
    ['whose lease is gone', LAG_MAX_MS + 1, (world, { id }) => world.leases.rows.set(id, undefined)],
  ])('%s says nothing of the list, and ends', async (_, ageMs, happen) => {
    const { world, lease, learn, facts } = worldWithPending(ageMs);
    happen(world, lease);
    await learn();
    expect(facts()).toEqual({});
    expect(world.eventNames).not.toContain('target.refused');
  });

  it('has mints refused at the last moment of its token', async () => {
    const { learn, facts } = worldWithPending(1_800_000);
    await learn();
    expect(facts()).toMatchObject({ refusal: { code: 'list_lags' } });
  });

  it('goes on waiting where the refusal could not be noted', async () => {
    const { world, target, lease, learn, facts } = worldWithPending(LAG_MAX_MS + 1);
    await openSession(world.ports, target, 'mint');
    world.steering.on('sessions.write', rejects);
    await learn();
    expect(facts()).toEqual({ pendingVerification: expect.objectContaining({ leaseId: lease.id }) });
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('that another has taken the place of is left to that', async () => {
    const { world, token, learn, facts } = worldWithPending(5_000);
    const another = { leaseId: 'lease-w', tokenId: 'token-w', createdAtMs: NOW_MS };
    world.steering.on(
      'sessions.read',
      preceded(() => world.addFacts('acme-bot', { pendingVerification: another })),
      { nth: 2 },
    );
    await learn([token]);
    expect(facts()).toEqual({ pendingVerification: another });
  });

  it('keeps the list from serving a proof until all that it shows is noted', async () => {
    const { world, token, learn } = worldWithPending(5_000, {
      refusal: { code: 'list_lags', sinceMs: 1, triedAtMs: 2 },
    });
    world.hub.change(token.tokenId, { label: 'cut' });
    await learn([{ ...token, label: 'cut' }]);
    const rows = world.steering.argsOf('sessions.write').map(([row]) => (row as SessionRecord).facts ?? {});
    expect(rows.slice(0, 3).map(({ refusal, pendingVerification }) => [refusal?.code, !!pendingVerification])).toEqual([
      [undefined, true],
      ['label_refused', true],
      ['label_refused', false],
    ]);
  });

  it('that nobody waits for any more is left alone', async () => {
    const { world, token, learn, facts } = worldWithPending(5_000);
    const { facts: _, ...record } = world.sessions.rows.get('acme-bot') as SessionRecord;
    world.steering.on(
      'sessions.read',
      preceded(() => world.sessions.rows.set('acme-bot', record)),
      { nth: 2 },
    );
    await learn([token]);
    expect(facts()).toEqual({});
  });

  it('costs nothing where there is none', async () => {
    const { world, target } = worldWithTarget();
    await learnFromListing(world.ports, target, PAT, aListing(world), []);
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
    expect(world.steering.order('leases.get', 'leases.update')).toEqual([]);
  });
});

describe('what holds an organization’s places', () => {
  const PLACES = { tokens: 5, foreign: 3, expired: 2 };

  function worldWithPlaces(facts: HubFacts = {}) {
    const made = worldWithTarget(ORG, facts);
    const { world, target } = made;
    world.addLease(target);
    world.addToken(target, world.leaseOf(target), { expiresAtMs: NOW_MS });
    world.hub.give('acme', 'laptop');
    world.hub.give('acme', 'desktop');
    world.hub.give('acme', world.label('01K9ZC3V7M8Q2R4T6W8Y0ZZZZZ', 'acme2'), { isActive: false });
    const place = { kind: 'oat', organization: 'acme' } as const;
    const tokens = [...world.hub.tokens.values()];
    const learn = () => learnFromListing(world.ports, target, place, aListing(world, tokens), []);
    return { ...made, learn };
  }

  it('is counted: all, those of others, and those that are over', async () => {
    const { learn, facts } = worldWithPlaces();
    await learn();
    expect(facts()).toEqual({ places: { atMs: NOW_MS, ...PLACES } });
  });

  it('is not written again while it is the same', async () => {
    const { world, learn, facts } = worldWithPlaces({ places: { atMs: 5, ...PLACES } });
    await learn();
    expect(facts()).toEqual({ places: { atMs: 5, ...PLACES } });
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
  });

  it.each(['tokens', 'foreign', 'expired'] as const)('is written when the number of %s changed', async (key) => {
    const { learn, facts } = worldWithPlaces({ places: { atMs: 5, ...PLACES, [key]: 9 } });
    await learn();
    expect(facts()).toEqual({ places: { atMs: NOW_MS, ...PLACES } });
  });

  it('disproves a cap that it is beyond, and no other', async () => {
    const beyond = worldWithPlaces({ places: { atMs: 5, ...PLACES }, cap: { tokens: 4, atMs: 5 } });
    await beyond.learn();
    expect(beyond.facts()).toEqual({ places: { atMs: NOW_MS, ...PLACES } });
    const reached = worldWithPlaces({ cap: { tokens: 5, atMs: 5 } });
    await reached.learn();
    expect(reached.facts()).toEqual({ places: { atMs: NOW_MS, ...PLACES }, cap: { tokens: 5, atMs: 5 } });
  });

  it('is not counted for a user, whose tokens have no such bound', async () => {
    const { world, target, facts } = worldWithTarget();
    await learnFromListing(world.ports, target, PAT, aListing(world, [world.hub.give('acme-bot', 'x')]), []);
    expect(facts()).toEqual({});
  });
});

describe('a lease that is minting as the list is read', () => {
  it('says nothing of the list before no create of it is on its way', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.clock.advance(LIMITS.mintWindowMs);
    await learnFromListing(world.ports, target, PAT, aListing(world), [lease]);
    expect(world.steering.argsOf('hub.getToken')).toEqual([]);
  });
});
