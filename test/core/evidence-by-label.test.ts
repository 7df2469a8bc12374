import { describe, expect, it } from 'vitest';
import { findEvidence } from '../../functions/core/ending/evidence.ts';
import { OUR_USER_AGENT } from './ports/hub.ts';
import { answers, followed, preceded, refusal, rejects } from './ports/steering.ts';
import { NOW_MS, ORG, QUIET_AFTER_MS, World } from './world.ts';

const PAT = { kind: 'pat' } as const;
const PAST_QUIET_MS = NOW_MS + QUIET_AFTER_MS;
/** An answer that shows fewer tokens than it counts. */
const INCOMPLETE = { ok: true, value: { tokens: [], total: 1, more: false }, meta: {} };

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

/** A lease whose create got no answer, at the end of its quiet period. */
function worldPastQuiet() {
  const { world, target } = worldWithTarget();
  const lease = world.addMinting(target);
  world.clock.advance(QUIET_AFTER_MS);
  return { world, target, lease };
}

describe('evidence for a lease whose create got no answer', () => {
  it('is not had a moment before the end of its quiet period, and waiting for it is no failure', async () => {
    const { world, lease } = worldPastQuiet();
    world.clock.advance(-1);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'quiet_period',
      waiting: true,
      retryAtMs: PAST_QUIET_MS,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('waits longer where the list lags, and longest where nobody knows how far', async () => {
    const { world, lease } = worldPastQuiet();
    world.addFacts('acme-bot', { listLagMs: 90_000 });
    expect(await findEvidence(world.ports, lease)).toMatchObject({ retryAtMs: NOW_MS + 28_000 + 270_000 });
    const unverified = new World();
    const { verification: _, ...target } = unverified.addTarget();
    unverified.catalog.targets.set('acme-bot', target);
    const minting = unverified.addMinting(target);
    expect(await findEvidence(unverified.ports, minting)).toMatchObject({ retryAtMs: NOW_MS + 28_000 + 900_000 });
  });

  it('is not had when the first listing began before its end, however long it took', async () => {
    const { world, lease } = worldPastQuiet();
    world.clock.advance(-1);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(60_000)),
    );
    expect(await findEvidence(world.ports, lease)).toMatchObject({ tag: 'unproven', code: 'quiet_period' });
  });

  it.each([
    ['met a problem', answers(refusal({ tag: 'fault', code: 'timeout' })), 'hub_unavailable:timeout', 5_000],
    ['was not complete', answers(INCOMPLETE), 'listing_incomplete', undefined],
  ])(
    'is looked for again soon, not only at the end of the quiet period, where the listing %s',
    async (_, fault, code, waitMs) => {
      const { world, lease } = worldPastQuiet();
      world.clock.advance(-1);
      const retryAtMs = waitMs === undefined ? {} : { retryAtMs: world.clock.nowMs() + waitMs };
      world.steering.on('hub.listTokens', fault);
      expect(await findEvidence(world.ports, lease)).toEqual({
        tag: 'unproven',
        code,
        ...retryAtMs,
        removedTokenIds: [],
      });
      expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
    },
  );

  it('is two complete listings without its label, at its very end', async () => {
    const { world, lease } = worldPastQuiet();
    world.hub.give('acme-bot', 'laptop');
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(400)),
    );
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'proven',
      removedTokenIds: [],
      evidence: {
        kind: 'absent',
        atMs: PAST_QUIET_MS + 400,
        quietUntilMs: PAST_QUIET_MS,
        firstListingAtMs: PAST_QUIET_MS,
        secondListingAtMs: PAST_QUIET_MS + 400,
        tokensListed: 1,
        removedTokenIds: [],
      },
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(2);
  });

  it('of an organization’s lease is looked for in the organization', async () => {
    const world = new World();
    const lease = world.addMinting(world.addTarget(ORG));
    world.clock.advance(QUIET_AFTER_MS);
    expect(await findEvidence(world.ports, lease)).toMatchObject({ tag: 'proven', evidence: { kind: 'absent' } });
    const places = world.steering.argsOf('hub.listTokens').map(([, place]) => place);
    expect(places).toEqual([1, 2].map(() => ({ kind: 'oat', organization: 'acme' })));
  });

  it('is not had while it is in doubt how far the list lags, and nothing more is listed', async () => {
    const { world, lease } = worldPastQuiet();
    world.addFacts('acme-bot', {
      pendingVerification: { leaseId: 'lease-v', tokenId: 'token-v', createdAtMs: NOW_MS },
    });
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'list_lag_unknown',
      waiting: true,
      retryAtMs: PAST_QUIET_MS + 60_000,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('names, while that is in doubt, what is listed and may be the lease’s', async () => {
    const { world, lease } = worldPastQuiet();
    const listed = { ageMs: QUIET_AFTER_MS, creatorUserAgent: OUR_USER_AGENT };
    const removed = world.hub.give('acme-bot', 'cut', listed);
    const { tokenId } = world.hub.give('acme-bot', 'cut', listed);
    world.addFacts('acme-bot', { refusal: { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS } });
    const finding = await findEvidence(world.ports, { ...lease, removedTokenIds: [removed.tokenId] });
    expect(finding).toMatchObject({ code: 'list_lag_unknown', blockedBy: [tokenId] });
  });

  it('is had though its target’s record cannot be read only after that can be again', async () => {
    const { world, lease } = worldPastQuiet();
    world.steering.on('sessions.read', rejects);
    expect(await findEvidence(world.ports, lease)).toMatchObject({ code: 'store_unavailable' });
    expect(await findEvidence(world.ports, lease)).toMatchObject({ tag: 'proven', evidence: { kind: 'absent' } });
  });

  it('is not had while a listed token may be the lease’s, and that token is left alone', async () => {
    const { world, lease } = worldPastQuiet();
    const cut = { ageMs: QUIET_AFTER_MS, creatorUserAgent: OUR_USER_AGENT };
    const { tokenId } = world.hub.give('acme-bot', lease.hubLabel.slice(0, 50), cut);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'unclear_token',
      blockedBy: [tokenId],
      removedTokenIds: [],
    });
    expect(world.hub.tokens.has(tokenId)).toBe(true);
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
  });

  it('takes every token with its label from Docker Hub, and nobody else’s', async () => {
    const { world, target, lease } = worldPastQuiet();
    const one = world.addToken(target, lease);
    const other = world.addToken(target, lease);
    const foreign = [
      world.hub.give('acme-bot', 'laptop'),
      world.hub.give('acme-bot', `${lease.hubLabel.slice(0, -1)}${lease.hubLabel.endsWith('A') ? 'B' : 'A'}`),
      world.hub.give('acme-bot', world.label(lease.id, 'acme-bot2')),
      world.addToken(target, world.addLease(target)),
    ];
    const finding = await findEvidence(world.ports, lease);
    expect(finding.removedTokenIds).toEqual([one.tokenId, other.tokenId]);
    const evidence = { kind: 'absent', removedTokenIds: [one.tokenId, other.tokenId], tokensListed: 5 };
    expect(finding).toMatchObject({ tag: 'proven', evidence });
    expect(world.steering.argsOf('hub.deleteToken').map(([, place, id]) => [place, id])).toEqual([
      [PAT, one.tokenId],
      [PAT, other.tokenId],
    ]);
    for (const { tokenId } of foreign) expect(world.hub.tokens.has(tokenId)).toBe(true);
    // One in which the token stood, and then the two that must lack it.
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(3);
  });

  it('takes what has landed even before the quiet period is over, and remembers it', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { removedTokenIds: ['token-0'] });
    const token = world.addToken(target, lease);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'quiet_period',
      waiting: true,
      retryAtMs: PAST_QUIET_MS,
      reportedExpiresAtMs: lease.hubExpiresAtMs,
      removedTokenIds: ['token-0', token.tokenId],
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('believes at once that a token is gone which its list showed a moment before', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    const { tokenId } = world.addToken(target, lease);
    world.steering.on(
      'hub.deleteToken',
      preceded(() => world.hub.tokens.clear()),
    );
    expect((await findEvidence(world.ports, lease)).removedTokenIds).toEqual([tokenId]);
  });

  it.each<[string, (number | null)[], number | null]>([
    ['the last of several', [NOW_MS + 5, NOW_MS + 7, NOW_MS + 6], NOW_MS + 7],
    ['none where one of them never ends', [NOW_MS + 5, null], null],
  ])('says when its tokens end: %s', async (_, expiries, reportedExpiresAtMs) => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    for (const expiresAtMs of expiries) world.addToken(target, lease, { expiresAtMs });
    expect(await findEvidence(world.ports, lease)).toMatchObject({ reportedExpiresAtMs });
  });

  it('says nothing of an end where no token of the lease is listed', async () => {
    const { world, target } = worldWithTarget();
    world.hub.give('acme-bot', 'laptop', { expiresAtMs: NOW_MS + 5 });
    expect(await findEvidence(world.ports, world.addMinting(target))).not.toHaveProperty('reportedExpiresAtMs');
  });

  it('does not delete a token that is dead already, and is had while it stays listed', async () => {
    const { world, target, lease } = worldPastQuiet();
    world.addToken(target, lease, { isActive: false });
    const removed = world.addToken(target, lease);
    const finding = await findEvidence(world.ports, { ...lease, removedTokenIds: [removed.tokenId] });
    expect(finding).toMatchObject({ tag: 'proven', removedTokenIds: [removed.tokenId] });
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(2);
  });

  it('is not had when a delete fails; what was deleted before is remembered', async () => {
    const { world, target, lease } = worldPastQuiet();
    const one = world.addToken(target, lease);
    const other = world.addToken(target, lease);
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'server_error' })), { nth: 2 });
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'hub_unavailable:server_error',
      retryAtMs: PAST_QUIET_MS + 5_000,
      reportedExpiresAtMs: lease.hubExpiresAtMs,
      removedTokenIds: [one.tokenId],
    });
    expect([...world.hub.tokens.keys()]).toEqual([other.tokenId]);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('is not had while a delete is only accepted, and is waited for', async () => {
    const { world, target, lease } = worldPastQuiet();
    world.addToken(target, lease);
    world.steering.on('hub.deleteToken', answers({ ok: true, value: { httpStatus: 202 }, meta: {} }));
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'delete_pending',
      waiting: true,
      reportedExpiresAtMs: lease.hubExpiresAtMs,
      removedTokenIds: [],
    });
  });

  it.each([1, 2])('is not had when listing %i meets a problem', async (nth) => {
    const { world, lease } = worldPastQuiet();
    const problem = { tag: 'throttled', retryAtMs: PAST_QUIET_MS + 30_000 } as const;
    world.steering.on('hub.listTokens', answers(refusal(problem)), { nth });
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'hub_throttled',
      retryAtMs: PAST_QUIET_MS + 30_000,
      waiting: true,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(nth);
  });

  it.each([1, 2])('is not had when listing %i is not complete', async (nth) => {
    const { world, lease } = worldPastQuiet();
    world.hub.give('acme-bot', 'laptop');
    world.steering.on('hub.listTokens', answers(INCOMPLETE), { nth });
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'listing_incomplete',
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(nth);
  });

  it.each([2, 3])('is not had when listing %i after a delete is not complete', async (nth) => {
    const { world, target, lease } = worldPastQuiet();
    world.addToken(target, lease);
    world.steering.on('hub.listTokens', answers(INCOMPLETE), { nth });
    expect(await findEvidence(world.ports, lease)).toMatchObject({ code: 'listing_incomplete' });
  });

  it('is had though the list still shows what Docker Hub said was deleted', async () => {
    const { world, target, lease } = worldPastQuiet();
    const { tokenId } = world.addToken(target, lease);
    const token = world.hub.tokens.get(tokenId) as never;
    world.steering.on(
      'hub.deleteToken',
      followed(() => world.hub.stillListed.push(token)),
    );
    const finding = await findEvidence(world.ports, lease);
    expect(finding).toMatchObject({ tag: 'proven', removedTokenIds: [tokenId], evidence: { tokensListed: 1 } });
  });

  it('is not had when its label comes up in the second listing', async () => {
    const { world, target, lease } = worldPastQuiet();
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.addToken(target, lease)),
      { nth: 2 },
    );
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'label_still_listed',
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
  });

  it('is not had from two listings that differ by an old token of somebody else', async () => {
    const { world, lease } = worldPastQuiet();
    const { tokenId } = world.hub.give('acme-bot', 'laptop', { ageMs: 60_001 });
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.tokens.delete(tokenId)),
      { nth: 2 },
    );
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'listings_differ',
      removedTokenIds: [],
    });
  });

  it('is not had while a lease that would account for the difference of two listings cannot be read', async () => {
    const { world, target, lease } = worldPastQuiet();
    const { tokenId } = world.addToken(target, world.addRevoked(target), { ageMs: 90_000 });
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.tokens.delete(tokenId)),
      { nth: 2 },
    );
    world.steering.on('leases.get', rejects);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'store_unavailable',
      removedTokenIds: [],
    });
  });
});
