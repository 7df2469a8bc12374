import { describe, expect, it } from 'vitest';
import {
  deleteToken,
  EXPIRY_MARGIN_MS,
  expiredEvidence,
  findEvidence,
  placeOf,
  quietUntilMs,
} from '../../functions/core/evidence.ts';
import type { Lease } from '../../functions/core/lease.ts';
import type { HubProblem } from '../../functions/core/ports.ts';
import type { Target } from '../../functions/core/target.ts';
import { answers, appliesThenAnswers, followed, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, LIMITS, NOW_MS, ORG, QUIET_AFTER_MS, World } from './world.ts';

const PAT = { kind: 'pat' } as const;
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

describe('where a token stands', () => {
  it('is the account itself for a personal one, and the organization for its own', () => {
    expect(placeOf({ kind: 'pat', hubAccount: 'acme-bot' })).toEqual(PAT);
    expect(placeOf({ kind: 'oat', hubAccount: 'acme' })).toEqual({ kind: 'oat', organization: 'acme' });
  });
});

describe('evidence for a lease whose token is known', () => {
  it('is the delete that Docker Hub answered', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    const bystander = world.hub.give('acme-bot', 'laptop');
    world.clock.advance(5);
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'deleted',
      evidence: { kind: 'deleted', atMs: NOW_MS + 5, httpStatus: 204 },
      removedTokenIds: [],
    });
    expect([...world.hub.tokens.keys()]).toEqual([bystander.tokenId]);
    expect(world.steering.order('hub.listTokens', 'hub.getToken')).toEqual([]);
  });

  it.each([200, 202, 204])('is any success: %i', async (httpStatus) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on('hub.deleteToken', appliesThenAnswers({ ok: true, value: { httpStatus }, meta: {} }));
    expect((await findEvidence(world.ports, lease)).evidence).toEqual({ kind: 'deleted', atMs: NOW_MS, httpStatus });
  });

  it('is 404 when the token was gone already', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.hub.tokens.clear();
    expect((await findEvidence(world.ports, lease)).evidence).toEqual({
      kind: 'deleted',
      atMs: NOW_MS,
      httpStatus: 404,
    });
  });

  it('of an organization is asked for in the organization', async () => {
    const world = new World();
    const target = world.addTarget(ORG);
    const lease = world.addLease(target);
    expect((await findEvidence(world.ports, lease)).code).toBe('deleted');
    const [, place, tokenId] = world.steering.argsOf('hub.deleteToken')[0] as unknown[];
    expect([place, tokenId]).toEqual([{ kind: 'oat', organization: 'acme' }, lease.tokenId]);
  });

  it('keeps what was found by label before', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds: ['token-0'] });
    expect((await findEvidence(world.ports, lease)).removedTokenIds).toEqual(['token-0']);
  });

  it.each<[HubProblem, object]>([
    [
      { tag: 'throttled', retryAtMs: NOW_MS + 42_000 },
      { code: 'hub_throttled', retryAtMs: NOW_MS + 42_000, waiting: true },
    ],
    [
      { tag: 'fault', code: 'timeout' },
      { code: 'hub_unavailable:timeout', retryAtMs: NOW_MS + 5_000 },
    ],
    [
      { tag: 'fault', code: 'edge' },
      { code: 'hub_unavailable:edge', retryAtMs: NOW_MS + 5_000 },
    ],
    [{ tag: 'forbidden' }, { code: 'hub_refused:forbidden' }],
    [{ tag: 'invalid', fields: [] }, { code: 'hub_refused:bad_request' }],
  ])('is not %j', async (problem, finding) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds: ['token-0'] });
    world.steering.on('hub.deleteToken', answers(refusal(problem)));
    expect(await findEvidence(world.ports, lease)).toEqual({ ...finding, removedTokenIds: ['token-0'] });
  });

  it('is not had while the session is refused twice, and one delete is tried with each', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'session_refused' })), { times: 2 });
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'hub_unavailable:session_refused',
      retryAtMs: NOW_MS + 5_000,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(2);
    expect(world.hub.tokens.size).toBe(1);
  });
});

describe('no evidence', () => {
  const removedTokenIds = ['token-0'];

  it('is had where the target is gone', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.catalog.targets.set('acme-bot', undefined);
    expect(await findEvidence(world.ports, lease)).toEqual({ code: 'target_not_found', removedTokenIds });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('is had from an account other than the one that the token was minted on: its 404 means nothing', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.addTarget({ username: 'acme-bot2' });
    expect(await findEvidence(world.ports, lease)).toEqual({ code: 'wrong_account', removedTokenIds });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('is had from a credential that logs in to another account', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.hub.logsInAs = 'acme-bot2';
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'hub_refused:wrong_account',
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
  });

  it('is had while the credential is refused, and the login is not repeated before its time', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.hub.accounts.clear();
    const finding = { code: 'login_blocked', retryAtMs: NOW_MS + 600_000, removedTokenIds };
    expect(await findEvidence(world.ports, lease)).toEqual(finding);
    expect(await findEvidence(world.ports, lease)).toEqual(finding);
    expect(world.steering.argsOf('hub.login')).toHaveLength(1);
  });

  it('is had while the catalog is out', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.steering.on('catalog.getTarget', rejects);
    expect(await findEvidence(world.ports, lease)).toEqual({ code: 'store_unavailable', removedTokenIds });
  });

  it('is had while the credential cannot be read, but a cached session goes on revoking', async () => {
    const { world, target } = worldWithTarget();
    const [first, second] = [world.addLease(target), world.addLease(target)];
    world.steering.on('credentials.read', rejects);
    expect(await findEvidence(world.ports, first)).toEqual({
      code: 'credential_unavailable',
      retryAtMs: NOW_MS + 5_000,
      removedTokenIds: [],
    });
    await findEvidence(world.ports, first);
    world.steering.on('credentials.read', rejects, { times: 9 });
    expect((await findEvidence(world.ports, second)).code).toBe('deleted');
  });
});

describe('evidence for a lease whose create got no answer', () => {
  it('needs the quiet period: mint window, the longest call, and how late a create may land', () => {
    const lease = new World().leaseOf({ kind: 'user', username: 'x' } as never);
    expect(quietUntilMs(lease, LIMITS)).toBe(NOW_MS + 20_000 + 8_000 + 60_000);
  });

  it('is not had a moment before its end, and waiting for it is no failure', async () => {
    const { world, lease } = worldPastQuiet();
    world.clock.advance(-1);
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'quiet_period',
      waiting: true,
      retryAtMs: NOW_MS + QUIET_AFTER_MS,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('is not had when the first listing began before its end, however long it took', async () => {
    const { world, lease } = worldPastQuiet();
    world.clock.advance(-1);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(60_000)),
    );
    expect((await findEvidence(world.ports, lease)).code).toBe('quiet_period');
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
      expect(await findEvidence(world.ports, lease)).toEqual({ code, ...retryAtMs, removedTokenIds: [] });
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
    const atMs = NOW_MS + QUIET_AFTER_MS;
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'absent',
      removedTokenIds: [],
      evidence: {
        kind: 'absent',
        atMs: atMs + 400,
        quietUntilMs: atMs,
        firstListingAtMs: atMs,
        secondListingAtMs: atMs + 400,
        tokensListed: 1,
        removedTokenIds: [],
      },
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(2);
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
    expect(finding.code).toBe('absent');
    expect(finding.removedTokenIds).toEqual([one.tokenId, other.tokenId]);
    expect(finding.evidence).toMatchObject({ removedTokenIds: [one.tokenId, other.tokenId], tokensListed: 5 });
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
      code: 'quiet_period',
      waiting: true,
      retryAtMs: NOW_MS + QUIET_AFTER_MS,
      removedTokenIds: ['token-0', token.tokenId],
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('remembers a token that it deletes twice only once', async () => {
    const { world, target, lease } = worldPastQuiet();
    const { tokenId } = world.addToken(target, lease);
    const finding = await findEvidence(world.ports, { ...lease, removedTokenIds: [tokenId] });
    expect(finding.removedTokenIds).toEqual([tokenId]);
  });

  it('is not had when a delete fails; what was deleted before is remembered', async () => {
    const { world, target, lease } = worldPastQuiet();
    const one = world.addToken(target, lease);
    const other = world.addToken(target, lease);
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'server_error' })), { nth: 2 });
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'hub_unavailable:server_error',
      retryAtMs: NOW_MS + QUIET_AFTER_MS + 5_000,
      removedTokenIds: [one.tokenId],
    });
    expect([...world.hub.tokens.keys()]).toEqual([other.tokenId]);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it.each([1, 2])('is not had when listing %i meets a problem', async (nth) => {
    const { world, lease } = worldPastQuiet();
    const problem = { tag: 'throttled', retryAtMs: NOW_MS + QUIET_AFTER_MS + 30_000 } as const;
    world.steering.on('hub.listTokens', answers(refusal(problem)), { nth });
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'hub_throttled',
      retryAtMs: NOW_MS + QUIET_AFTER_MS + 30_000,
      waiting: true,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(nth);
  });

  it.each([1, 2])('is not had when listing %i is not complete', async (nth) => {
    const { world, lease } = worldPastQuiet();
    world.hub.give('acme-bot', 'laptop');
    world.steering.on('hub.listTokens', answers(INCOMPLETE), { nth });
    expect(await findEvidence(world.ports, lease)).toEqual({ code: 'listing_incomplete', removedTokenIds: [] });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(nth);
  });

  it('is not had while the list still shows what was just deleted', async () => {
    const { world, target, lease } = worldPastQuiet();
    const { tokenId } = world.addToken(target, lease);
    const token = world.hub.tokens.get(tokenId) as never;
    world.steering.on(
      'hub.deleteToken',
      followed(() => world.hub.stillListed.push(token)),
    );
    expect(await findEvidence(world.ports, lease)).toEqual({
      code: 'label_still_listed',
      removedTokenIds: [tokenId],
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(2);
  });

  it('is not had when its label comes up in the second listing', async () => {
    const { world, target, lease } = worldPastQuiet();
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.addToken(target, lease)),
      { nth: 2 },
    );
    expect(await findEvidence(world.ports, lease)).toEqual({ code: 'label_still_listed', removedTokenIds: [] });
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
  });
});

describe('two listings', () => {
  /** Tokens that stand in the first listing and are missing from the second. */
  async function missing(make: (world: World, target: Target) => string | string[]) {
    const { world, target, lease } = worldPastQuiet();
    const tokenIds = [make(world, target)].flat();
    world.steering.on(
      'hub.listTokens',
      preceded(() => tokenIds.map((tokenId) => world.hub.tokens.delete(tokenId))),
      { nth: 2 },
    );
    return findEvidence(world.ports, lease);
  }

  it.each([
    ['older than the quiet period is doubt: a page may have slipped away', 60_001, 'listings_differ'],
    ['as old as the quiet period is none: accounts are busy', 60_000, 'absent'],
    ['younger is none', 1, 'absent'],
  ])('that differ by somebody else’s token that is %s', async (_, ageMs, code) => {
    expect((await missing((world) => world.hub.give('acme-bot', 'laptop', { ageMs }).tokenId)).code).toBe(code);
  });

  it('that both show old tokens of somebody else are no doubt', async () => {
    const { world, lease } = worldPastQuiet();
    for (const label of ['laptop', 'desktop']) world.hub.give('acme-bot', label, { ageMs: 90_000 });
    const { evidence } = await findEvidence(world.ports, lease);
    expect(evidence).toMatchObject({ kind: 'absent', tokensListed: 2 });
  });

  it('that differ by somebody else’s token ask for no lease: its label names none', async () => {
    const { world, lease } = worldPastQuiet();
    const { tokenId } = world.hub.give('acme-bot', 'laptop', { ageMs: 90_000 });
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.tokens.delete(tokenId)),
      { nth: 2 },
    );
    expect((await findEvidence(world.ports, lease)).code).toBe('listings_differ');
    expect(world.steering.argsOf('leases.get')).toEqual([]);
  });

  it('that differ by a token that came in between are no doubt', async () => {
    const { world, lease } = worldPastQuiet();
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.give('acme-bot', 'laptop', { ageMs: 90_000 })),
      { nth: 2 },
    );
    const { evidence } = await findEvidence(world.ports, lease);
    expect(evidence).toMatchObject({ kind: 'absent', tokensListed: 1 });
  });

  it.each(['revoking', 'revoked'] as const)(
    'that differ by a token of a lease of ours that is %s are no doubt',
    async (status) => {
      const finding = await missing((world, target) => {
        const owner = status === 'revoking' ? world.addLease(target, { status }) : world.addRevoked(target);
        world.hub.tokens.clear();
        const { tokenId } = world.addToken(target, owner, { ageMs: 90_000 });
        world.rewrite(owner.id, { tokenId });
        return tokenId;
      });
      expect(finding.code).toBe('absent');
    },
  );

  it('that differ by a token of ours found by label and deleted are no doubt', async () => {
    const finding = await missing((world, target) => {
      const owner = world.addRevoked(target);
      const { tokenId } = world.addToken(target, owner, { ageMs: 90_000 });
      world.rewrite(owner.id, { removedTokenIds: ['token-x', tokenId] });
      return tokenId;
    });
    expect(finding.code).toBe('absent');
  });

  it.each(['minting', 'active'] as const)(
    'that differ by the token of a lease of ours that is %s are doubt',
    async (status) => {
      const finding = await missing((world, target) => {
        const owner = world.addLease(target, { status });
        world.hub.tokens.clear();
        const { tokenId } = world.addToken(target, owner, { ageMs: 90_000 });
        world.rewrite(owner.id, { tokenId });
        return tokenId;
      });
      expect(finding.code).toBe('listings_differ');
    },
  );

  it.each<[string, Partial<Lease>]>([
    ['a revoked lease that knows others', { tokenId: 'token-x', removedTokenIds: ['token-y'] }],
    ['a revoked lease that knows none', {}],
  ])('that differ by a token with the label of %s are doubt', async (_, overrides) => {
    const finding = await missing((world, target) => {
      const owner = world.addRevoked(target, overrides);
      return world.addToken(target, owner, { ageMs: 90_000 }).tokenId;
    });
    expect(finding).toEqual({ code: 'listings_differ', removedTokenIds: [] });
  });

  it('that differ by a token whose lease nobody knows are doubt', async () => {
    const finding = await missing((world, target) => {
      return world.addToken(target, world.leaseOf(target), { ageMs: 90_000 }).tokenId;
    });
    expect(finding.code).toBe('listings_differ');
  });

  it('that differ by one token that is accounted for and one that is not are doubt', async () => {
    const finding = await missing((world, target) => {
      const owner = world.addRevoked(target);
      const accounted = world.addToken(target, owner, { ageMs: 90_000 });
      world.rewrite(owner.id, { tokenId: accounted.tokenId });
      return [accounted.tokenId, world.hub.give('acme-bot', 'laptop', { ageMs: 90_000 }).tokenId];
    });
    expect(finding.code).toBe('listings_differ');
  });

  it('that differ are no evidence while the lease that would account for it cannot be read', async () => {
    const { world, target, lease } = worldPastQuiet();
    const owner = world.addRevoked(target);
    const { tokenId } = world.addToken(target, owner, { ageMs: 90_000 });
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.tokens.delete(tokenId)),
      { nth: 2 },
    );
    world.steering.on('leases.get', rejects);
    expect(await findEvidence(world.ports, lease)).toEqual({ code: 'store_unavailable', removedTokenIds: [] });
  });
});

describe('evidence of expiry', () => {
  function expiring(hubExpiresAtMs: number | null) {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { hubExpiresAtMs });
    return { world, lease };
  }
  const DEADLINE_MS = NOW_MS + EXPIRY_MARGIN_MS;

  it('is five minutes past the expiry that Docker Hub was given, by its own clock', async () => {
    expect(EXPIRY_MARGIN_MS).toBe(300_000);
    const { world, lease } = expiring(NOW_MS);
    world.clock.advance(EXPIRY_MARGIN_MS + 1);
    expect(await expiredEvidence(world.ports, lease)).toEqual({
      kind: 'expired',
      atMs: DEADLINE_MS + 1,
      hubDateMs: DEADLINE_MS + 1,
      hubExpiresAtMs: NOW_MS,
    });
  });

  it('is not asked for before our own clock says so', async () => {
    const { world, lease } = expiring(NOW_MS);
    world.clock.advance(EXPIRY_MARGIN_MS);
    world.hub.skewMs = 60_000;
    expect(await expiredEvidence(world.ports, lease)).toBeUndefined();
    expect(world.steering.hubCalls).toBe(0);
  });

  it('is not had at the deadline by Docker Hub’s clock, though ours is past it', async () => {
    const { world, lease } = expiring(NOW_MS);
    world.clock.advance(EXPIRY_MARGIN_MS + 7);
    world.hub.skewMs = -7;
    expect(await expiredEvidence(world.ports, lease)).toBeUndefined();
    world.hub.skewMs = -6;
    expect(await expiredEvidence(world.ports, lease)).toMatchObject({ hubDateMs: DEADLINE_MS + 1 });
  });

  it('is not had when Docker Hub does not say what time it is', async () => {
    const { world, lease } = expiring(NOW_MS);
    world.clock.advance(EXPIRY_MARGIN_MS + 1);
    world.hub.datesAnswers = false;
    expect(await expiredEvidence(world.ports, lease)).toBeUndefined();
  });

  it('is never had for a token without expiry', async () => {
    const { world, lease } = expiring(null);
    world.clock.advance(10 * 365 * 86_400_000);
    expect(await expiredEvidence(world.ports, lease)).toBeUndefined();
    expect(world.steering.hubCalls).toBe(0);
  });
});

describe('deleting a token', () => {
  it('that is there or gone says how Docker Hub answered', async () => {
    const { world, target } = worldWithTarget();
    const { tokenId } = world.hub.give('acme-bot', 'x');
    expect(await deleteToken(world.ports, target, PAT, tokenId)).toBe(204);
    expect(await deleteToken(world.ports, target, PAT, tokenId)).toBe(404);
  });

  it('that could not be done says why', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'forbidden' })));
    expect(await deleteToken(world.ports, target, PAT, 'token-1')).toEqual({ tag: 'forbidden' });
  });

  it('fails where no session can be had', async () => {
    const { world, target } = worldWithTarget();
    world.credentials.current.clear();
    const failure = await failureOf(deleteToken(world.ports, target, PAT, 'token-1'));
    expect(failure.tag).toBe('credential_unavailable');
  });
});
