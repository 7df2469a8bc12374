import { describe, expect, it } from 'vitest';
import { type Verified, verifyByToken } from '../../functions/core/catalog/verify.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import { OUR_USER_AGENT } from './ports/hub.ts';
import {
  answers,
  appliesThenAnswers,
  type CallName,
  type Fault,
  followed,
  preceded,
  refusal,
  rejects,
} from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, ORIGIN, PASSWORD, World } from './world.ts';

const OUT = answers(refusal({ tag: 'fault', code: 'timeout' }));
const NOT_FOUND = answers(refusal({ tag: 'not_found' }, { httpStatus: 404, isJson: true }));
const ACCEPTED = answers({ ok: true, value: { httpStatus: 202 }, meta: {} });
/** From the create on, Docker Hub may take so long to show the token. */
const SHOW_MS = 7_000;
const BUDGET_MS = 11_000;

function worldWithTarget(target: Partial<Target> = {}) {
  const world = new World();
  return { world, target: world.addTarget(target) };
}

function verify(world: World, target: Target): Promise<Verified | undefined> {
  return verifyByToken(world.ports, ORIGIN, target);
}

/** Shows a token otherwise than it is. */
const shown =
  (change: Partial<HubToken>): Fault =>
  async (apply) => {
    const reply = (await apply()) as { value: object };
    return { ...reply, value: { ...reply.value, ...change } };
  };

/** Lists every token otherwise than it is. */
const listed =
  (change: Partial<HubToken>): Fault =>
  async (apply) => {
    const reply = (await apply()) as { value: { tokens: HubToken[] } };
    const tokens = reply.value.tokens.map((token) => ({ ...token, ...change }));
    return { ...reply, value: { ...reply.value, tokens } };
  };

/** Of those that were made, the token's lease. */
function lastLease(world: World) {
  return world.leases.rows.all().at(-1);
}

describe('a verification', () => {
  it('mints a token, reads it, waits for it in the list, deletes it, looks whether it is gone, and tells all it saw', async () => {
    const { world, target } = worldWithTarget();
    expect(await verify(world, target)).toStrictEqual({
      verification: {
        atMs: NOW_MS,
        account: 'acme-bot',
        loginRoute: 'auth-token',
        expiryGranularity: 'second',
        expirySlackSeconds: 0,
        labelMaxCharacters: 100,
        creatorUserAgentKept: true,
        listDelayMs: 0,
        deleteStatus: 204,
      },
    });
    expect(world.steering.order('minter.createToken', 'hub.getToken', 'hub.listTokens', 'hub.deleteToken')).toEqual([
      'minter.createToken',
      'hub.getToken',
      'hub.listTokens',
      'hub.deleteToken',
      'hub.getToken',
    ]);
    expect(world.hub.tokens.size).toBe(0);
    expect(lastLease(world)).toMatchObject({ status: 'revoked', revokeReason: 'verified' });
    expect(world.events).toMatchObject([
      { event: 'lease.granted' },
      { event: 'lease.revoke_requested', requestId: 'request-1', detail: { reason: 'verified' } },
      { event: 'lease.revoked' },
    ]);
    expect(world.factsOf('acme-bot')).toEqual({});
    world.expectNothingLeaked();
  });

  it('of an organization learns nothing of clients, for Docker Hub does not show them there', async () => {
    const { world, target } = worldWithTarget(ORG);
    const verified = await verify(world, target);
    expect(verified).toMatchObject({ verification: { account: 'acme-bot', deleteStatus: 204 } });
    expect(verified?.verification).not.toHaveProperty('creatorUserAgentKept');
  });

  it('works for a target that is not stored yet', async () => {
    const { world, target } = worldWithTarget();
    world.catalog.targets.set('acme-bot', undefined);
    expect(await verify(world, target)).toMatchObject({ verification: { deleteStatus: 204 } });
    expect(world.hub.tokens.size).toBe(0);
  });

  it.each([
    ['the staged credential where one is to be proven', { username: 'acme-bot', password: PASSWORD }, 'cred-9'],
    ['the credential in force otherwise', undefined, 'cred-0'],
  ])('whose session ends logs in again with %s', async (_, credential, version) => {
    const { world, target } = worldWithTarget();
    const staged = credential && { credential, version };
    if (staged !== undefined) world.credentials.current.clear();
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'x' });
    expect(await verifyByToken(world.ports, ORIGIN, target, staged)).toMatchObject({
      verification: { deleteStatus: 204 },
    });
    expect(world.sessions.rows.get('acme-bot')?.credentialVersion).toBe(version);
  });

  it('tells what is left of the requests, where Docker Hub says so', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', answers(refusal({ tag: 'not_found' }, { rateRemaining: 170 })), { nth: 2 });
    expect(await verify(world, target)).toMatchObject({ verification: { rateRemaining: 170 } });
  });

  it('tells what is left of the requests by a token that stays, inactive', async () => {
    const { world, target } = worldWithTarget();
    const inactive = { tokenId: 'token-2', label: '', isActive: false };
    world.steering.on('hub.getToken', answers({ ok: true, value: inactive, meta: { rateRemaining: 9 } }), { nth: 2 });
    expect(await verify(world, target)).toMatchObject({ verification: { rateRemaining: 9, deleteStatus: 204 } });
  });

  it('tells what it could make Docker Hub accept', async () => {
    const { world, target } = worldWithTarget();
    const refused = refusal({ tag: 'invalid', fields: ['expires_at'] }, { httpStatus: 400, isJson: true });
    world.steering.on('minter.createToken', answers(refused), { times: 5 });
    expect(await verify(world, target)).toMatchObject({
      verification: { expiryGranularity: 'second', expiryMinSeconds: 86_400, labelMaxCharacters: 100 },
    });
  });

  it('that had no time to make a token learned nothing', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('minter.createToken', async () => {
      world.clock.advance(BUDGET_MS);
      return refusal({ tag: 'invalid', fields: [] });
    });
    expect(await verify(world, target)).toBeUndefined();
  });

  it('that gets no token is a failure', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' })));
    expect(await failureOf(verify(world, target))).toMatchObject({ tag: 'hub_refused', code: 'forbidden' });
    expect(world.steering.argsOf('hub.getToken')).toEqual([]);
  });
});

describe('who made a token', () => {
  it.each([
    ['hublease/0.1', true],
    ['hublease/', true],
    ['hublease', false],
    ['proxy hublease/0.1', false],
  ])('is read as %s: kept, %s', async (creatorUserAgent, creatorUserAgentKept) => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', shown({ creatorUserAgent }));
    expect(await verify(world, target)).toMatchObject({ verification: { creatorUserAgentKept } });
  });

  it('is changed where only the list shows it so: that is where hublease looks', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.listTokens', listed({ creatorUserAgent: 'a proxy' }));
    expect(await verify(world, target)).toMatchObject({ verification: { creatorUserAgentKept: false } });
  });

  it('is learned by the list where the token itself does not tell', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', async (apply) => {
      const { value, ...reply } = (await apply()) as { value: HubToken };
      const { creatorUserAgent, ...bare } = value;
      expect(creatorUserAgent).toBe(OUR_USER_AGENT);
      return { ...reply, value: bare };
    });
    world.steering.on('hub.listTokens', listed({ creatorUserAgent: 'a proxy' }));
    expect(await verify(world, target)).toMatchObject({ verification: { creatorUserAgentKept: false } });
  });
});

describe('who made an organization’s token', () => {
  it.each<[string, string, string, boolean | undefined]>([
    ['is the target’s user in another case', 'Acme-Bot', 'acme-bot', undefined],
    ['is somebody else by the list', 'acme-bot', 'Acme Bot', false],
    ['is somebody else by the token itself', 'Acme Bot', 'acme-bot', false],
  ])('%s', async (_, byToken, byList, kept) => {
    const { world, target } = worldWithTarget(ORG);
    world.steering.on('hub.getToken', shown({ createdBy: byToken }));
    world.steering.on('hub.listTokens', listed({ createdBy: byList }));
    const verified = await verify(world, target);
    expect(verified?.verification.creatorUserAgentKept).toBe(kept);
  });

  it('is nobody where Docker Hub does not say, which says nothing', async () => {
    const { world, target } = worldWithTarget(ORG);
    world.steering.on('hub.getToken', shown({ createdBy: undefined as never }));
    world.steering.on('hub.listTokens', listed({ createdBy: undefined as never }));
    expect((await verify(world, target))?.verification).not.toHaveProperty('creatorUserAgentKept');
  });
});

describe('an expiry that Docker Hub does not keep', () => {
  const DAY_MS = 86_400_000;

  it.each([
    [1_000, 60],
    [DAY_MS, 86_400],
  ])('but moves by %i ms is learned as a slack of %i s', async (laterMs, expirySlackSeconds) => {
    const { world, target } = worldWithTarget();
    world.hub.keepsExpiry = (askedMs) => (askedMs as number) + laterMs;
    expect(await verify(world, target)).toMatchObject({ verification: { expirySlackSeconds } });
  });

  const forms: [string, CallName, (expiresAtMs: number | null) => Fault][] = [
    ['by the token itself', 'hub.getToken', (expiresAtMs) => shown({ expiresAtMs })],
    ['by the list', 'hub.listTokens', (expiresAtMs) => listed({ expiresAtMs })],
    [
      'by the answer to the create',
      'minter.createToken',
      (expiresAtMs) => async (apply) => {
        const reply = (await apply()) as { value: object };
        return { ...reply, value: { ...reply.value, expiresAtMs } };
      },
    ],
  ];

  it.each(forms)('is refused when it is missing %s, and the token is deleted', async (_, call, spoil) => {
    const { world, target } = worldWithTarget();
    world.steering.on(call, spoil(null));
    expect(await failureOf(verify(world, target))).toEqual({ tag: 'expiry_refused', target: 'acme-bot' });
    expect(world.hub.tokens.size).toBe(0);
    expect(lastLease(world)).toMatchObject({ status: 'revoked', revokeReason: 'verified' });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
  });

  it.each(forms)('is refused when it is more than a day later %s', async (_, call, spoil) => {
    const { world, target } = worldWithTarget();
    world.steering.on(call, spoil(NOW_MS + 1_800_000 + DAY_MS + 1));
    expect(await failureOf(verify(world, target))).toEqual({ tag: 'expiry_refused', target: 'acme-bot' });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('is known as unproven where the owner allows that', async () => {
    const { world, target } = worldWithTarget({ allowUnprovenExpiry: true });
    world.hub.keepsExpiry = () => null;
    const verified = await verify(world, target);
    expect(verified).toMatchObject({ verification: { expiryUnproven: true, deleteStatus: 204 } });
    expect(verified?.verification).not.toHaveProperty('expirySlackSeconds');
  });
});

describe('a label that Docker Hub does not keep', () => {
  const cut: Fault = async (apply) => {
    const reply = (await apply()) as { value: HubToken };
    return { ...reply, value: { ...reply.value, label: reply.value.label.slice(0, 64) } };
  };

  it('as the token shows, though the create said otherwise, is tried again with our mark alone', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', cut);
    expect(await verify(world, target)).toMatchObject({ verification: { labelMaxCharacters: 59, deleteStatus: 204 } });
    expect(world.leases.rows.all().map(({ status }) => status)).toEqual(['revoked', 'revoked']);
    expect(world.hub.tokens.size).toBe(0);
  });

  it('as only the list shows is tried again with our mark alone', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.listTokens', listed({ label: 'cut' }));
    expect(await verify(world, target)).toMatchObject({ verification: { labelMaxCharacters: 59 } });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('as the create says is tried again with our mark alone', async () => {
    const { world, target } = worldWithTarget();
    world.hub.keepsLabel = (label) => label.slice(0, 64);
    expect(await verify(world, target)).toMatchObject({ verification: { labelMaxCharacters: 59 } });
  });

  it('of our mark alone is refused, and no token is left', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', shown({ label: '' }), { times: 9 });
    expect(await failureOf(verify(world, target))).toEqual({ tag: 'label_refused', target: 'acme-bot' });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(2);
    expect(world.hub.tokens.size).toBe(0);
  });

  it('of our mark alone is refused, also where a longer one was refused before', async () => {
    const { world, target } = worldWithTarget();
    world.hub.keepsLabel = (label) => (label.length > 59 ? '' : label);
    world.steering.on('hub.getToken', shown({ label: '' }), { times: 9 });
    expect(await failureOf(verify(world, target))).toMatchObject({ tag: 'label_refused' });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(2);
  });
});

describe('a token that Docker Hub shows late', () => {
  it('is read again every half second, and the verification goes on', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', NOT_FOUND, { times: 6 });
    expect(await verify(world, target)).toMatchObject({ verification: { listDelayMs: 3_000, deleteStatus: 204 } });
    expect(world.clock.slept).toEqual(Array(6).fill(500));
  });

  it('and not in time is left to the sweep, with what the create told of it', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', NOT_FOUND, { times: 99 });
    expect(await verify(world, target)).toStrictEqual({
      verification: {
        atMs: NOW_MS + SHOW_MS,
        account: 'acme-bot',
        loginRoute: 'auth-token',
        expiryGranularity: 'second',
        expirySlackSeconds: 0,
        labelMaxCharacters: 100,
      },
      pending: 'read',
    });
    const { id: leaseId, tokenId, status } = lastLease(world) ?? {};
    expect(status).toBe('active');
    expect(world.factsOf('acme-bot')).toEqual({ pendingVerification: { leaseId, tokenId, createdAtMs: NOW_MS } });
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
  });

  it('for any other reason is a failure, and is deleted', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', OUT);
    expect(await failureOf(verify(world, target))).toMatchObject({ tag: 'hub_unavailable', code: 'timeout' });
    expect(world.hub.tokens.size).toBe(0);
    expect(lastLease(world)).toMatchObject({ status: 'revoked', revokeReason: 'verified' });
  });
});

describe('the list’s delay behind a create', () => {
  /** The list shows no token for so many looks. */
  function hide(world: World, looks: number) {
    world.steering.on(
      'hub.listTokens',
      async (apply) => {
        const reply = (await apply()) as { value: object };
        return { ...reply, value: { ...reply.value, tokens: [], total: 0 } };
      },
      { times: looks },
    );
  }

  it.each([
    [1, 500],
    [4, 2_000],
    [14, 7_000],
  ])('of %i looks is learned: %i ms', async (looks, listDelayMs) => {
    const { world, target } = worldWithTarget();
    hide(world, looks);
    expect(await verify(world, target)).toMatchObject({ verification: { listDelayMs, deleteStatus: 204 } });
    expect(world.clock.slept).toEqual(Array(looks).fill(500));
  });

  it('counts from when the lease was recorded', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'hub.login',
      followed(() => world.clock.advance(900)),
    );
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.clock.advance(70)),
    );
    expect(await verify(world, target)).toMatchObject({ verification: { listDelayMs: 70 } });
  });

  it('that takes longer than there is time for is left to the sweep, with all that was learned', async () => {
    const { world, target } = worldWithTarget();
    hide(world, 99);
    const verified = await verify(world, target);
    expect(verified).toMatchObject({
      verification: { atMs: NOW_MS, expirySlackSeconds: 0, labelMaxCharacters: 100, creatorUserAgentKept: true },
      pending: 'list',
    });
    expect(verified?.verification).not.toHaveProperty('listDelayMs');
    expect(verified?.verification).not.toHaveProperty('deleteStatus');
    expect(world.clock.nowMs()).toBe(NOW_MS + SHOW_MS);
    const { id: leaseId, tokenId, status } = lastLease(world) ?? {};
    expect(status).toBe('active');
    expect(world.factsOf('acme-bot')).toEqual({ pendingVerification: { leaseId, tokenId, createdAtMs: NOW_MS } });
  });

  it('is not waited for where the token shows too little already', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.getToken', shown({ expiresAtMs: null }));
    expect(await failureOf(verify(world, target))).toMatchObject({ tag: 'expiry_refused' });
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
  });

  it('is looked for by the token itself, among others', async () => {
    const { world, target } = worldWithTarget();
    world.hub.give('acme-bot', 'laptop');
    world.steering.on(
      'hub.listTokens',
      preceded(() => {
        for (const tokenId of world.hub.tokens.keys()) if (tokenId !== 'token-1') world.hub.unlisted.add(tokenId);
      }),
    );
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.hub.unlisted.clear()),
      { nth: 2 },
    );
    expect(await verify(world, target)).toMatchObject({ verification: { listDelayMs: 500 } });
  });

  it('that cannot be looked for is a failure, and the token is deleted', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.listTokens', rejects);
    await expect(verify(world, target)).rejects.toThrow();
    expect(world.hub.tokens.size).toBe(0);
  });
});

describe('the delete of a verification’s token', () => {
  it('that is only accepted is waited for', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', ACCEPTED);
    const verified = await verify(world, target);
    expect(verified).toMatchObject({ verification: { deleteStatus: 204 } });
    expect(verified).not.toHaveProperty('pending');
    // The revoker looks again after 2 s, and comes again 5 s later.
    expect(world.clock.slept).toEqual([2_000, 5_000]);
  });

  it('that is only accepted and done soon after needs no second one', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', appliesThenAnswers({ ok: true, value: { httpStatus: 202 }, meta: {} }));
    expect(await verify(world, target)).toMatchObject({ verification: { deleteStatus: 202 } });
    expect(world.clock.slept).toEqual([]);
  });

  it('that is only ever accepted is left to the revoker, with all that was learned', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', ACCEPTED, { times: 99 });
    const verified = await verify(world, target);
    expect(verified).toMatchObject({ verification: { listDelayMs: 0, labelMaxCharacters: 100 }, pending: 'delete' });
    expect(verified?.verification).not.toHaveProperty('deleteStatus');
    expect(world.openLeases).toMatchObject([{ status: 'revoking', lastError: 'delete_pending', attempts: 0 }]);
    expect(world.clock.nowMs()).toBeLessThanOrEqual(NOW_MS + BUDGET_MS);
  });

  it('that fails is tried when the revoker would try it, so that no alarm rings for it', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', OUT, { times: 99 });
    expect(await verify(world, target)).toMatchObject({ pending: 'delete' });
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(3);
    expect(world.openLeases).toMatchObject([{ status: 'revoking', revokeReason: 'verified', attempts: 3 }]);
    expect(world.eventNames).not.toContain('lease.stuck');
  });

  it('that comes too late for another try is left to the revoker at once', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', async () => {
      world.clock.advance(BUDGET_MS - 4_999);
      return refusal({ tag: 'fault', code: 'timeout' });
    });
    expect(await verify(world, target)).toMatchObject({ pending: 'delete' });
    expect(world.clock.slept).toEqual([]);
  });

  it('that may be tried again in the last millisecond is', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', async () => {
      world.clock.advance(BUDGET_MS - 5_000);
      return refusal({ tag: 'fault', code: 'timeout' });
    });
    expect(await verify(world, target)).toMatchObject({ verification: { deleteStatus: 204 } });
    expect(world.clock.slept).toEqual([5_000]);
  });

  it('of a token that was gone by then says so', async () => {
    const { world, target } = worldWithTarget();
    const gone = refusal({ tag: 'not_found' }, { httpStatus: 404, isJson: true });
    world.steering.on('hub.deleteToken', appliesThenAnswers(gone));
    expect(await verify(world, target)).toMatchObject({ verification: { deleteStatus: 404 } });
  });

  it('that was said to be done while the token lived on is looked at again, every half second', async () => {
    const { world, target } = worldWithTarget();
    const token = { tokenId: 'token-2', label: '', isActive: true };
    world.steering.on('hub.getToken', answers({ ok: true, value: token, meta: {} }), { nth: 2, times: 3 });
    expect(await verify(world, target)).toMatchObject({ verification: { deleteStatus: 204 } });
    expect(world.clock.slept).toEqual([500, 500, 500]);
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
  });

  it('that was said to be done, and is not, is a failure', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', answers({ ok: true, value: { httpStatus: 204 }, meta: {} }));
    expect(await failureOf(verify(world, target))).toEqual({
      tag: 'hub_unavailable',
      code: 'malformed',
      retryAfterSeconds: 5,
    });
    expect(world.clock.nowMs()).toBe(NOW_MS + BUDGET_MS);
  });

  it('is not known by the token’s expiry', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.deleteToken', async () => {
      world.clock.advance(1_800_000 + 300_001);
      return refusal({ tag: 'fault', code: 'timeout' });
    });
    expect(await verify(world, target)).toMatchObject({ pending: 'delete' });
    expect(lastLease(world)).toMatchObject({ status: 'revoked', evidence: { kind: 'expired' } });
  });

  it('is not known where the lease is lost, as to a restored table', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('leases.get', answers(undefined), { times: 99 });
    expect(await verify(world, target)).toMatchObject({ pending: 'delete' });
    expect(world.clock.nowMs()).toBe(NOW_MS + BUDGET_MS);
  });

  it('that the store cannot record is the store’s failure, in its own words', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('leases.update', rejects, { nth: 2 });
    expect(await failureOf(verify(world, target))).toMatchObject({ tag: 'store_unavailable' });
    const other = worldWithTarget();
    other.world.steering.on('hub.getToken', OUT);
    other.world.steering.on('leases.update', rejects, { nth: 2 });
    expect(await failureOf(verify(other.world, other.target))).toMatchObject({ tag: 'hub_unavailable' });
  });
});
