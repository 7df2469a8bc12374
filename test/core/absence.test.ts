import { describe, expect, it } from 'vitest';
import {
  aliveTokensOf,
  EXPIRY_MARGIN_MS,
  gapIn,
  judgeAbsence,
  lagDoubt,
  listedByMs,
  MAX_LIST_LAG_MS,
  quietMs,
  quietUntilMs,
  tokensOf,
} from '../../functions/core/ending/absence.ts';
import type { Listing } from '../../functions/core/hub/listing.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { OUR_USER_AGENT } from './ports/hub.ts';
import { rejects } from './ports/steering.ts';
import { failureOf, LABELS, LIMITS, NOW_MS, QUIET_AFTER_MS, TARGET, VERIFICATION, World } from './world.ts';

const LEASE = new World().leaseOf(TARGET);
/** From a lease's record until no create of it is on its way any more. */
const SENT_AFTER_MS = LIMITS.mintWindowMs + LIMITS.hubTimeoutMs;
const PENDING = { leaseId: 'lease-v', tokenId: 'token-v', createdAtMs: NOW_MS };
const LAGS = { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS } as const;
const { verification: _, ...UNVERIFIED } = TARGET;

function verifiedWith(listDelayMs: number | undefined): Target {
  const { listDelayMs: _, ...verification } = VERIFICATION;
  return { ...TARGET, verification: listDelayMs === undefined ? verification : { ...verification, listDelayMs } };
}

function aToken(change: Partial<HubToken> = {}): HubToken {
  return {
    tokenId: 'token-1',
    label: LEASE.hubLabel,
    createdAtMs: NOW_MS,
    isActive: true,
    expiresAtMs: null,
    lastUsedAtMs: null,
    ...change,
  };
}

function aListing(tokens: readonly HubToken[], change: Partial<Listing> = {}): Listing {
  return { startedAtMs: NOW_MS, tokens, complete: true, hubDateMs: NOW_MS, ...change };
}

describe('the quiet period', () => {
  it.each<[string, Target, HubFacts, number]>([
    ['a minute where the list does not lag', verifiedWith(0), {}, 60_000],
    ['a minute while three times the lag is no more', verifiedWith(20_000), {}, 60_000],
    ['three times the lag from there on', verifiedWith(20_001), {}, 60_003],
    ['three times the lag that a sweep measured', verifiedWith(0), { listLagMs: 300_000 }, 900_000],
    ['three times the larger of both', verifiedWith(400_000), { listLagMs: 300_000 }, 1_200_000],
    ['15 minutes where none was measured', verifiedWith(undefined), {}, 900_000],
    ['15 minutes where nothing was verified', UNVERIFIED, {}, 900_000],
    ['what a sweep measured where no verification did', verifiedWith(undefined), { listLagMs: 1 }, 60_000],
    ['15 minutes, too, where none was measured and it lags', UNVERIFIED, { listLagsBeyondMs: 25_000 }, 900_000],
    ['15 minutes where it lags beyond what was measured', verifiedWith(24_999), { listLagsBeyondMs: 25_000 }, 900_000],
    ['as measured where it lags no further', verifiedWith(25_000), { listLagsBeyondMs: 25_000 }, 75_000],
    ['three times as far as it is known to lag', verifiedWith(0), { listLagsBeyondMs: 300_001 }, 900_003],
  ])('is %s', (_, target, facts, ms) => {
    expect(quietMs(LIMITS, target, facts)).toBe(ms);
  });

  it('begins when no create of the lease is on its way any more', () => {
    const lease = { ...LEASE, mintByMs: NOW_MS + 7 };
    expect(quietUntilMs(lease, LIMITS, TARGET, {})).toBe(NOW_MS + 7 + 8_000 + 60_000);
    expect(quietUntilMs(lease, LIMITS, TARGET, { listLagMs: 100_000 })).toBe(NOW_MS + 7 + 8_000 + 300_000);
    expect(NOW_MS + QUIET_AFTER_MS).toBe(quietUntilMs(LEASE, LIMITS, TARGET, {}));
    expect([EXPIRY_MARGIN_MS, MAX_LIST_LAG_MS]).toEqual([300_000, 900_000]);
  });
});

describe('doubt about how far a list lags', () => {
  it.each<[string, HubFacts]>([
    ['a verification waits to be listed', { pendingVerification: PENDING }],
    ['the list lags too far', { refusal: LAGS }],
  ])('is there while %s, and is looked at again in a minute', async (_, facts) => {
    const world = new World();
    world.addFacts('acme-bot', facts);
    const doubt = { code: 'list_lag_unknown', waiting: true, retryAtMs: NOW_MS + 60_000 };
    expect(await lagDoubt(world.ports, world.addTarget())).toEqual(doubt);
  });

  it.each<[string, HubFacts | undefined]>([
    ['nothing is known', undefined],
    ['mints are refused for another reason', { refusal: { ...LAGS, code: 'label_refused' } }],
    ['its lag is known', { listLagMs: 5 }],
  ])('is not there where %s', async (_, facts) => {
    const world = new World();
    if (facts !== undefined) world.addFacts('acme-bot', facts);
    expect(await lagDoubt(world.ports, world.addTarget())).toBeUndefined();
  });

  it('cannot be told while the store is out', async () => {
    const world = new World();
    world.steering.on('sessions.read', rejects, { times: 2 });
    expect(await failureOf(lagDoubt(world.ports, TARGET))).toMatchObject({ tag: 'store_unavailable' });
    expect(await failureOf(listedByMs(world.ports, TARGET, LEASE))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('when a token must be listed', () => {
  it.each<[string, HubFacts, number]>([
    ['at the end of the quiet period', {}, 60_000],
    ['later where the list lags', { listLagMs: 100_000 }, 300_000],
    ['after 15 minutes while the lag is in doubt', { pendingVerification: PENDING }, 900_000],
    ['after 15 minutes, too, where it lags too far', { refusal: LAGS }, 900_000],
    ['later while in doubt, where it is known to lag further', { refusal: LAGS, listLagMs: 400_000 }, 1_200_000],
  ])('is %s', async (_, facts, ms) => {
    const world = new World();
    world.addFacts('acme-bot', facts);
    expect(await listedByMs(world.ports, TARGET, LEASE)).toBe(NOW_MS + SENT_AFTER_MS + ms);
  });
});

describe('the tokens of a lease in a listing', () => {
  const others = [
    aToken({ tokenId: 'b', label: 'laptop' }),
    aToken({ tokenId: 'c', label: new World().label(LEASE.id, 'acme-bot2') }),
    aToken({ tokenId: 'd', label: new World().leaseOf(TARGET).hubLabel }),
  ];

  it('are those that bear its label for this account, dead ones included', () => {
    const own = [aToken(), aToken({ tokenId: 'token-2', isActive: false })];
    expect(tokensOf({ labels: LABELS }, aListing([...others, ...own]), LEASE)).toEqual(own);
  });

  it.each<[string, Partial<HubToken>, LeaseDetails, number | undefined, boolean]>([
    ['active, without an end', {}, {}, NOW_MS, true],
    ['inactive', { isActive: false }, {}, NOW_MS, false],
    ['at five minutes past its end by Docker Hub’s clock', { expiresAtMs: NOW_MS - 300_000 }, {}, NOW_MS, false],
    ['a moment less than that past its end', { expiresAtMs: NOW_MS - 299_999 }, {}, NOW_MS, true],
    ['long past its end, where Docker Hub does not say what time it is', { expiresAtMs: 1 }, {}, undefined, true],
    ['removed before', {}, { removedTokenIds: ['token-0', 'token-1'] }, NOW_MS, false],
    ['not the one that was removed before', {}, { removedTokenIds: ['token-0'] }, NOW_MS, true],
  ])('may be alive, or not: one that is %s', (_, token, lease, hubDateMs, alive) => {
    const { hubDateMs: __, ...listing } = aListing([...others, aToken(token)]);
    const dated = hubDateMs === undefined ? listing : { ...listing, hubDateMs };
    const found = aliveTokensOf({ labels: LABELS }, dated, new World().leaseOf(TARGET, { ...LEASE, ...lease }));
    expect(found.map(({ tokenId }) => tokenId)).toEqual(alive ? ['token-1'] : []);
  });
});

describe('a gap in a listing', () => {
  const gap = (change: Partial<Listing>) => gapIn(new World().ports, TARGET, aListing([], change));

  it('is none where it is complete', () => {
    expect(gap({})).toBeUndefined();
  });

  it.each(['not_found', 'forbidden'] as const)('is an account that cannot be reached where the list is %s', (tag) => {
    expect(gap({ complete: false, problem: { tag } })).toEqual({ code: 'account_unreachable' });
  });

  it('is its problem, and says when to come again', () => {
    const problem = { tag: 'throttled', retryAtMs: NOW_MS + 9_000 } as const;
    expect(gap({ complete: false, problem })).toEqual({
      code: 'hub_throttled',
      waiting: true,
      retryAtMs: NOW_MS + 9_000,
    });
    expect(gap({ complete: false, problem: { tag: 'invalid', fields: [] } })).toEqual({
      code: 'hub_refused:bad_request',
    });
  });

  it('is what it lacks where there was no problem', () => {
    expect(gap({ complete: false })).toEqual({ code: 'listing_incomplete' });
  });
});

describe('two listings without a lease’s label', () => {
  const suspect = (tokenId: string, change: Partial<HubToken> = {}) =>
    aToken({ tokenId, label: 'cut', creatorUserAgent: OUR_USER_AGENT, ...change });

  function judge(first: readonly HubToken[], second: readonly HubToken[], lease: LeaseDetails = {}) {
    const world = new World();
    world.clock.advance(9);
    const pair = {
      first: aListing(first, { startedAtMs: NOW_MS + 5 }),
      second: aListing(second, { startedAtMs: NOW_MS + 7 }),
      quietUntilMs: NOW_MS + 3,
    };
    return judgeAbsence(world.ports, TARGET, world.leaseOf(TARGET, { ...LEASE, ...lease }), pair);
  }

  it('are the evidence', () => {
    const others = [aToken({ tokenId: 'a', label: 'laptop', creatorUserAgent: 'Mozilla' })];
    expect(judge([], others, { removedTokenIds: ['token-r'] })).toEqual({
      tag: 'proven',
      evidence: {
        kind: 'absent',
        atMs: NOW_MS + 9,
        quietUntilMs: NOW_MS + 3,
        firstListingAtMs: NOW_MS + 5,
        secondListingAtMs: NOW_MS + 7,
        tokensListed: 1,
        removedTokenIds: ['token-r'],
      },
    });
    expect(judge([], [])).toMatchObject({ evidence: { tokensListed: 0, removedTokenIds: [] } });
  });

  it('are none where one shows the label alive', () => {
    expect(judge([aToken()], [])).toEqual({ tag: 'unproven', code: 'label_still_listed' });
    expect(judge([], [aToken()])).toEqual({ tag: 'unproven', code: 'label_still_listed' });
  });

  it('are evidence where its own tokens are dead, or were removed', () => {
    const dead = [aToken({ isActive: false }), aToken({ tokenId: 'token-r' })];
    expect(judge(dead, dead, { removedTokenIds: ['token-r'] })).toMatchObject({ evidence: { tokensListed: 2 } });
  });

  it('are none while one shows tokens that may be its own, and names each once', () => {
    const found = { tag: 'unproven', code: 'unclear_token', blockedBy: ['a', 'b', 'c'] };
    expect(judge([suspect('a'), suspect('b')], [suspect('b'), suspect('c')])).toEqual(found);
    expect(judge([suspect('a')], [])).toEqual({ ...found, blockedBy: ['a'] });
    expect(judge([], [suspect('c')])).toEqual({ ...found, blockedBy: ['c'] });
  });

  it('name a hundred of them at most', () => {
    const many = Array.from({ length: 101 }, (_, index) => suspect(`s${index}`));
    const found = judge(many, many);
    expect('blockedBy' in found && found.blockedBy).toEqual(many.slice(0, 100).map(({ tokenId }) => tokenId));
  });

  it('look for those that were created until the end of the quiet period', () => {
    const late = suspect('late', { createdAtMs: NOW_MS + 3 + 60_000 });
    expect(judge([], [late])).toMatchObject({ blockedBy: ['late'] });
    expect(judge([], [{ ...late, createdAtMs: NOW_MS + 3 + 60_001 }])).toHaveProperty('evidence');
  });
});
