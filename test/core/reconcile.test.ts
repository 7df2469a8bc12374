import { describe, expect, it } from 'vitest';
import { noteWaiting } from '../../functions/core/hub/rate.ts';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Target } from '../../functions/core/model/target.ts';
import { reconcile } from '../../functions/core/sweeping/reconcile.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { type GivenToken, OUR_USER_AGENT } from './ports/hub.ts';
import { answers, appliesThenAnswers, followed, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { NOW_MS, ORG, QUIET_AFTER_MS, World } from './world.ts';

const OUT = refusal({ tag: 'fault', code: 'server_error' });
/** A lease whose create Docker Hub refused in its own words. */
const REFUSED = { status: 'revoking', createRefused: true, revokingSinceMs: NOW_MS, dueAtMs: NOW_MS + 1 } as const;
const PENDING = { leaseId: 'lease-v', tokenId: 'token-v', createdAtMs: NOW_MS };
const NOTHING = { ours: 0, orphans: 0, reopened: 0, strays: 0 };

function worldWithTarget(target: Partial<Target> = {}) {
  const world = new World();
  return { world, target: world.addTarget(target) };
}

describe('reconciling an account', () => {
  it('finds nothing amiss with tokens of open leases and of others', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    const minting = world.addMinting(target);
    world.addToken(target, minting);
    world.hub.give('acme-bot', 'laptop');
    world.hub.give('acme-bot', world.label(minting.id, 'acme-bot2'));
    const rows = world.leases.rows.all();
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 2, complete: true });
    expect(world.hub.tokens.size).toBe(4);
    expect(world.leases.rows.all()).toEqual(rows);
    expect(world.events).toEqual([]);
  });

  it('looks at an organization’s tokens for an organization, and at its labels', async () => {
    const { world, target } = worldWithTarget(ORG);
    world.addLease(target);
    expect(await reconcile(world.ports, target, [])).toMatchObject({ ours: 1, orphans: 0 });
    expect(world.steering.argsOf('hub.listTokens')[0]?.[1]).toEqual({ kind: 'oat', organization: 'acme' });
  });

  it('says when not every page could be read, and settles what was', async () => {
    const { world, target } = worldWithTarget();
    world.hub.pageSize = 1;
    world.addLease(target);
    world.addLease(target);
    world.steering.on('hub.listTokens', answers(OUT), { nth: 2 });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: false });
  });

  it('takes up no further page once its time is over, and settles what was read', async () => {
    const { world, target } = worldWithTarget();
    world.hub.pageSize = 1;
    world.addLease(target);
    world.addLease(target);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(1_000)),
    );
    expect(await reconcile(world.ports, target, [], NOW_MS + 1_000)).toMatchObject({
      complete: false,
      outOfTime: true,
    });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('takes up no further token once its time is over', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 3; count++) world.addToken(target, world.leaseOf(target));
    world.steering.on(
      'leases.create',
      followed(() => world.clock.advance(1_000)),
    );
    const report = await reconcile(world.ports, target, [], NOW_MS + 1_000);
    expect(report).toEqual({ ...NOTHING, ours: 1, orphans: 1, complete: false, outOfTime: true });
  });

  it('is not out of time where it came to its end a moment after', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(5_000)),
    );
    expect(await reconcile(world.ports, target, [], NOW_MS + 1_000)).toEqual({ ...NOTHING, complete: true });
  });

  it('names a listing that Docker Hub did not complete as that, also when its time is over', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.listTokens', async () => {
      world.clock.advance(5_000);
      return OUT;
    });
    expect(await reconcile(world.ports, target, [], NOW_MS + 1_000)).toEqual({ ...NOTHING, complete: false });
  });

  it('notes what a listing says of itself, and what its tokens say of their leases', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.hub.change(lease.tokenId, { lastUsedAtMs: NOW_MS - 5, expiresAtMs: NOW_MS + 77 });
    world.addFacts('acme-bot', { listing: { code: 'malformed', sinceMs: 1 } });
    await reconcile(world.ports, target, []);
    expect(world.factsOf('acme-bot')).toEqual({});
    expect(world.lease(lease.id)).toMatchObject({ lastUsedAtMs: NOW_MS - 5, hubReportedExpiresAtMs: NOW_MS + 77 });
  });

  it('goes on where a token’s use cannot be noted', async () => {
    const { world, target } = worldWithTarget();
    const { tokenId } = world.addLease(target);
    world.hub.change(tokenId, { lastUsedAtMs: NOW_MS - 5 });
    world.addToken(target, world.leaseOf(target));
    world.steering.on('leases.update', rejects);
    expect(await reconcile(world.ports, target, [])).toMatchObject({ ours: 2, orphans: 1 });
  });

  it('learns from a complete listing alone, and ends refused creates by it alone', async () => {
    const { world, target } = worldWithTarget();
    world.addFacts('acme-bot', { pendingVerification: PENDING });
    const refused = world.addMinting(target, REFUSED);
    const { tokenId } = world.hub.give('acme-bot', 'laptop');
    world.addFacts('acme-bot', { pendingVerification: { ...PENDING, tokenId } });
    world.clock.advance(QUIET_AFTER_MS);
    world.steering.on('hub.listTokens', answers({ ok: true, value: { tokens: [], total: 1, more: false }, meta: {} }));
    expect(await reconcile(world.ports, target, [refused])).toMatchObject({ complete: false });
    expect(world.lease(refused.id).status).toBe('revoking');
    expect(world.factsOf('acme-bot')).toHaveProperty('pendingVerification');
    // What is learned comes first: the list that is to prove something may lag.
    expect(await reconcile(world.ports, target, [refused])).toMatchObject({ complete: true });
    expect(world.factsOf('acme-bot')).toEqual({ listLagMs: QUIET_AFTER_MS });
    expect(world.lease(refused.id).status).toBe('revoking');
    world.clock.advance(3 * QUIET_AFTER_MS);
    await reconcile(world.ports, target, [refused]);
    expect(world.lease(refused.id)).toMatchObject({ status: 'revoked', evidence: { kind: 'absent' } });
  });

  it('lists a second time for refused creates unless revocations wait for requests', async () => {
    const { world, target } = worldWithTarget();
    const refused = world.addMinting(target, REFUSED);
    world.clock.advance(QUIET_AFTER_MS);
    world.steering.on(
      'hub.listTokens',
      async (apply) => {
        const reply = await apply();
        await noteWaiting(world.ports, target.name, world.clock.nowMs() + 60_000);
        return reply;
      },
      { times: 1 },
    );
    await reconcile(world.ports, target, [refused]);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
    expect(world.lease(refused.id)).toEqual(refused);
    world.clock.advance(60_000);
    await reconcile(world.ports, target, [refused]);
    expect(world.lease(refused.id).status).toBe('revoked');
  });

  it('waits while revocations wait for Docker Hub’s requests, and asks nothing', async () => {
    const { world, target } = worldWithTarget();
    world.sessions.rows.set('acme-bot', {
      target: 'acme-bot',
      version: 1,
      opId: 'op',
      revocationsUntilMs: NOW_MS + 60_000,
    });
    await expect(reconcile(world.ports, target, [])).rejects.toMatchObject({ failure: { tag: 'hub_throttled' } });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('leaves revocations the last requests of a minute, though the listing is not complete then', async () => {
    const { world, target } = worldWithTarget();
    world.hub.pageSize = 1;
    world.addLease(target);
    world.addLease(target);
    world.steering.on('hub.listTokens', async (apply) => {
      const reply = (await apply()) as { meta: object };
      return { ...reply, meta: { rateRemaining: 10, rateResetAtMs: NOW_MS + 60_000 } };
    });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: false });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('fails where no session can be had, and where the leases cannot be read', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    world.steering.on('leases.get', rejects);
    await expect(reconcile(world.ports, target, [])).rejects.toThrow();
    world.credentials.current.clear();
    world.sealer.loseKey();
    await expect(reconcile(world.ports, target, [])).rejects.toMatchObject({
      failure: { tag: 'credential_unavailable' },
    });
  });
});

describe('an orphan: a token of ours whose lease was lost', () => {
  function worldWithOrphan(token: GivenToken = {}, target: Partial<Target> = {}) {
    const { world, target: kept } = worldWithTarget(target);
    const lost = world.leaseOf(kept);
    return { world, target: kept, lost, token: world.addToken(kept, lost, { ageMs: 70_000, ...token }) };
  }

  it('is recorded anew, as far as its token tells of it, and revoked', async () => {
    const { world, target, lost, token } = worldWithOrphan({ expiresAtMs: NOW_MS + 5_000 });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, orphans: 1, complete: true });
    const orphan: Lease = {
      schema: 1,
      id: lost.id,
      status: 'revoking',
      version: 1,
      opId: expect.any(String),
      secret: 'orphan',
      target: 'acme-bot',
      hubAccount: 'acme-bot',
      kind: 'pat',
      caller: 'unknown',
      hubLabel: lost.hubLabel,
      requestId: 'sweep',
      issuedAtMs: NOW_MS - 70_000,
      expiresAtMs: NOW_MS + 5_000,
      maxExpiresAtMs: NOW_MS + 5_000,
      hubExpiresAtMs: NOW_MS + 5_000,
      hubReportedExpiresAtMs: NOW_MS + 5_000,
      renewable: false,
      mintByMs: NOW_MS - 70_000,
      tokenId: token.tokenId,
      attempts: 0,
      dueAtMs: NOW_MS,
      revokeReason: 'orphan',
      revokingSinceMs: NOW_MS,
    };
    expect(world.steering.argsOf('leases.create')[0]?.[0]).toEqual(orphan);
    expect(world.lease(lost.id)).toMatchObject({
      status: 'revoked',
      revokeReason: 'orphan',
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.events).toMatchObject([
      { event: 'lease.orphan_adopted', atMs: NOW_MS, ...auditIds(orphan), tokenId: token.tokenId },
      { event: 'lease.revoked', detail: { reason: 'orphan', evidence: 'deleted', overdueMs: 0 } },
    ]);
  });

  it('without expiry counts as ended now, and Docker Hub’s clock never proves its end', async () => {
    const { world, target } = worldWithOrphan({ expiresAtMs: null });
    await reconcile(world.ports, target, []);
    expect(world.steering.argsOf('leases.create')[0]?.[0]).toMatchObject({
      expiresAtMs: NOW_MS,
      maxExpiresAtMs: NOW_MS,
      hubExpiresAtMs: null,
    });
    expect(world.steering.argsOf('leases.create')[0]?.[0]).not.toHaveProperty('hubReportedExpiresAtMs');
  });

  it('that does not say when it was made counts as made now', async () => {
    const { world, target } = worldWithOrphan({ createdAtMs: null });
    await reconcile(world.ports, target, []);
    expect(world.steering.argsOf('leases.create')[0]?.[0]).toMatchObject({ issuedAtMs: NOW_MS, mintByMs: NOW_MS });
  });

  it('of an organization is an organization’s token', async () => {
    const { world, target, lost } = worldWithOrphan({}, ORG);
    await reconcile(world.ports, target, []);
    expect(world.lease(lost.id)).toMatchObject({ kind: 'oat', hubAccount: 'acme', target: 'acme', status: 'revoked' });
  });

  it('is recorded before it is deleted', async () => {
    const { world, target } = worldWithOrphan();
    await reconcile(world.ports, target, []);
    expect(world.steering.order('leases.create', 'hub.deleteToken')).toEqual(['leases.create', 'hub.deleteToken']);
  });

  it('that cannot be deleted stays on record, and is tried again', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target, [])).toMatchObject({ orphans: 1 });
    expect(world.lease(lost.id)).toMatchObject({ status: 'revoking', attempts: 1, dueAtMs: NOW_MS + 5_000 });
    expect(world.steering.argsOf('queue.send')).toHaveLength(1);
  });

  it('that another sweep took up first, or whose lease was there after all, is left to that', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on(
      'leases.create',
      preceded(() => world.leases.rows.set(lost.id, lost)),
    );
    expect(await reconcile(world.ports, target, [])).toMatchObject({ orphans: 1 });
    expect(world.lease(lost.id)).toEqual(lost);
    expect(world.hub.tokens.size).toBe(1);
    expect(world.events).toEqual([]);
  });

  it('whose record got no reply is due, and covered the next time', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on('leases.create', losesReply);
    await expect(reconcile(world.ports, target, [])).rejects.toThrow();
    expect(world.lease(lost.id)).toMatchObject({ status: 'revoking', dueAtMs: NOW_MS });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: true });
  });

  it('is none when its lease was recorded after the listing began', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on(
      'hub.listTokens',
      followed(() => world.leases.rows.set(lost.id, lost)),
    );
    expect(await reconcile(world.ports, target, [])).toMatchObject({ orphans: 0 });
    expect(world.hub.tokens.size).toBe(1);
  });
});

describe('a revocation that waits', () => {
  const WAITING = { status: 'revoking', attempts: 7, dueAtMs: NOW_MS + 256_000, revokeReason: 'expired' } as const;

  it('because Docker Hub did not answer is taken up again when Docker Hub lists its token', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { ...WAITING, lastError: 'hub_unavailable:connection' });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', evidence: { kind: 'deleted' } });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('is found by its label when its row names no token', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { ...WAITING, lastError: 'hub_unavailable:timeout' });
    world.addToken(target, lease);
    await reconcile(world.ports, target, []);
    expect(world.hub.tokens.size).toBe(0);
  });

  it('waits longer when it fails again', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { ...WAITING, lastError: 'hub_unavailable:connection' });
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target, [])).toMatchObject({ complete: true });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', attempts: 8, dueAtMs: NOW_MS + 256_000 });
  });

  it.each([
    ['for Docker Hub’s requests', { ...WAITING, lastError: 'hub_throttled' }],
    ['for a credential', { ...WAITING, lastError: 'login_blocked' }],
    ['for its first attempt', WAITING],
  ])('%s goes on waiting', async (_, overrides) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, overrides);
    await reconcile(world.ports, target, []);
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.hub.tokens.size).toBe(1);
  });
});

describe('a stray: a second token of one lease', () => {
  function worldWithStray() {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    return { world, target, lease, stray: world.addToken(target, lease) };
  }

  it('is deleted, and the lease’s own stays', async () => {
    const { world, target, lease, stray } = worldWithStray();
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 2, strays: 1, complete: true });
    expect([...world.hub.tokens.keys()]).toEqual([lease.tokenId]);
    expect(world.lease(lease.id)).toEqual({ ...lease });
    expect(world.events).toEqual([
      { event: 'token.stray_deleted', atMs: NOW_MS, ...auditIds(lease), tokenId: stray.tokenId },
    ]);
  });

  it('that was gone when it was to be deleted counts as deleted', async () => {
    const { world, target } = worldWithStray();
    world.steering.on('hub.deleteToken', appliesThenAnswers(refusal({ tag: 'not_found' })));
    expect(await reconcile(world.ports, target, [])).toMatchObject({ strays: 1 });
  });

  it('that is inactive is left alone', async () => {
    const { world, target, stray } = worldWithStray();
    world.hub.change(stray.tokenId, { isActive: false });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 2, complete: true });
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
  });

  it('that cannot be deleted is left for the next sweep, and not told of', async () => {
    const { world, target } = worldWithStray();
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 2, complete: true });
    expect(world.events).toEqual([]);
  });
});

describe('a token whose lease reads revoked', () => {
  function worldWithGhost(token: GivenToken = {}, lease: LeaseDetails = {}) {
    const { world, target } = worldWithTarget();
    const revoked = world.addRevoked(target, lease);
    const seen = world.addToken(target, revoked, { expiresAtMs: NOW_MS + 60_000, ...token });
    return { world, target, lease: revoked, token: seen };
  }

  it('and that lives is a lease reopened, with an alarm, and revoked again', async () => {
    const { world, target, lease, token } = worldWithGhost();
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, reopened: 1, complete: true });
    expect(world.lease(lease.id)).toMatchObject({
      status: 'revoked',
      reopened: 1,
      tokenId: token.tokenId,
      revokeReason: 'reopened',
      revokedAtMs: NOW_MS,
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.eventNames).toEqual(['lease.reopened', 'lease.revoked']);
  });

  it('on proof that is younger than the listing is believed, without a request', async () => {
    const evidence = { kind: 'deleted', atMs: NOW_MS + 1, httpStatus: 204 } as const;
    const { world, target } = worldWithGhost({}, { evidence });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.steering.argsOf('hub.getToken')).toEqual([]);
    world.clock.advance(1);
    expect(await reconcile(world.ports, target, [])).toMatchObject({ reopened: 1 });
  });

  it('and that cannot be deleted leaves the lease open', async () => {
    const { world, target, lease } = worldWithGhost();
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target, [])).toMatchObject({ reopened: 1 });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', attempts: 1 });
  });

  it('and that only a lagging list still shows is no matter: the token itself is asked for', async () => {
    const { world, target, lease, token } = worldWithGhost();
    world.hub.stillListed.push(world.hub.tokens.get(token.tokenId) as never);
    world.hub.tokens.clear();
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.steering.argsOf('hub.getToken')[0]?.slice(1)).toEqual([{ kind: 'pat' }, token.tokenId]);
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.events).toEqual([]);
  });

  it('and that is listed inactive is no matter: some deletes leave it there for good', async () => {
    const { world, target, lease } = worldWithGhost({ isActive: false });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.steering.order('hub.getToken', 'hub.deleteToken')).toEqual([]);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('and that is listed active, but reads inactive, is no matter either', async () => {
    const { world, target, lease, token } = worldWithGhost();
    world.steering.on(
      'hub.getToken',
      preceded(() => world.hub.change(token.tokenId, { isActive: false })),
    );
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it.each([
    ['what it is', NOW_MS + 60_000, NOW_MS + 60_000],
    ['none', null, undefined],
  ])('and that lives has its expiry noted as it reads: %s', async (_, expiresAtMs, noted) => {
    const { world, target, lease } = worldWithGhost({ expiresAtMs }, { hubReportedExpiresAtMs: NOW_MS - 1 });
    world.steering.on('hub.deleteToken', answers(OUT));
    await reconcile(world.ports, target, []);
    expect(world.lease(lease.id).hubReportedExpiresAtMs).toBe(noted);
  });

  it('and of which Docker Hub does not say whether it lives is left for the next sweep', async () => {
    const { world, target, lease } = worldWithGhost();
    world.steering.on('hub.getToken', answers(OUT));
    expect(await reconcile(world.ports, target, [])).toMatchObject({ ours: 1, reopened: 0, strays: 0 });
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.hub.tokens.size).toBe(1);
  });

  it.each<[string, number, number, boolean, object]>([
    ['was over by Docker Hub’s clock is deleted as a leftover', NOW_MS - 1, 0, true, { strays: 1, reopened: 0 }],
    ['ends now is alive', NOW_MS, 0, true, { strays: 0, reopened: 1 }],
    ['is over by our clock but not by Docker Hub’s is alive', NOW_MS - 1, -1, true, { strays: 0, reopened: 1 }],
    ['is over by Docker Hub’s clock but not by ours is a leftover', NOW_MS, 1, true, { strays: 1, reopened: 0 }],
    ['is over by ours, where Docker Hub does not say, is a leftover', NOW_MS - 1, 0, false, { strays: 1, reopened: 0 }],
    ['ends now by ours, where Docker Hub does not say, is alive', NOW_MS, 0, false, { strays: 0, reopened: 1 }],
  ])('and whose expiry %s', async (_, expiresAtMs, skewMs, dates, found) => {
    const { world, target, lease } = worldWithGhost({ expiresAtMs });
    world.hub.skewMs = skewMs;
    world.hub.datesAnswers = dates;
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 1, ...found, complete: true });
    expect(world.hub.tokens.size).toBe(0);
    if ('strays' in found && found.strays === 1) expect(world.lease(lease.id)).toEqual(lease);
  });

  function worldWithLeftovers(count: number) {
    const { world, target } = worldWithTarget();
    const tokens = Array.from({ length: count }, () =>
      world.addToken(target, world.addRevoked(target), { expiresAtMs: NOW_MS - 1 }),
    );
    return { world, target, tokenIds: tokens.map(({ tokenId }) => tokenId) };
  }
  const triedToDelete = (world: World) => world.steering.argsOf('hub.deleteToken').map(([, , tokenId]) => tokenId);

  it('and is over is left after two that could not be deleted, with all that a sweep finds besides', async () => {
    const { world, target } = worldWithLeftovers(5);
    const alive = world.addToken(target, world.addRevoked(target), { expiresAtMs: NOW_MS + 60_000 });
    world.steering.on('hub.deleteToken', answers(OUT), { nth: 2, times: 99 });
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 6, reopened: 1, complete: true });
    expect(triedToDelete(world)[0]).toBe(alive.tokenId);
    expect(triedToDelete(world)).toHaveLength(3);
  });

  it('and is over is never left for good: another comes first each time', async () => {
    const { world, target, tokenIds } = worldWithLeftovers(5);
    world.steering.on('hub.deleteToken', answers(OUT), { times: 99 });
    for (let sweeps = 0; sweeps < 20; sweeps++) {
      await reconcile(world.ports, target, []);
      world.clock.advance(300_000);
    }
    expect(new Set(triedToDelete(world))).toEqual(new Set(tokenIds));
    expect(triedToDelete(world)).toHaveLength(40);
  });

  it('and is over is deleted with all others where Docker Hub deletes', async () => {
    const { world, target } = worldWithLeftovers(5);
    expect(await reconcile(world.ports, target, [])).toEqual({ ...NOTHING, ours: 5, strays: 5, complete: true });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('and that has no expiry lives', async () => {
    const { world, target } = worldWithGhost({ expiresAtMs: null });
    expect(await reconcile(world.ports, target, [])).toMatchObject({ reopened: 1 });
  });

  it('and that another sweep reopened first is revoked once', async () => {
    const { world, target, lease, token } = worldWithGhost();
    world.steering.on(
      'leases.update',
      preceded(() =>
        world.leases.rows.set(lease.id, {
          ...world.leaseOf(target, { id: lease.id, status: 'revoking', dueAtMs: NOW_MS }),
          tokenId: token.tokenId,
          version: 2,
        }),
      ),
    );
    await reconcile(world.ports, target, []);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', version: 3 });
    expect(world.eventNames).toEqual(['lease.revoked']);
  });
});

describe('a token whose create Docker Hub had refused', () => {
  function worldWithRefused(token: GivenToken = {}) {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, REFUSED);
    return { world, target, lease, token: world.addToken(target, lease, token) };
  }

  it('is taken on record with its expiry, and revoked at once', async () => {
    const { world, target, lease, token } = worldWithRefused({ expiresAtMs: NOW_MS + 77 });
    expect(await reconcile(world.ports, target, [lease])).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.lease(lease.id)).toMatchObject({
      status: 'revoked',
      revokeReason: 'mint_failed',
      tokenId: token.tokenId,
      hubReportedExpiresAtMs: NOW_MS + 77,
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('is one of the lease’s like any other: what was made besides is a stray', async () => {
    const { world, target, lease } = worldWithRefused();
    world.addToken(target, lease);
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target, [lease])).toMatchObject({ ours: 2, strays: 1 });
  });

  it('is left to the listings while it is inactive', async () => {
    const { world, target, lease } = worldWithRefused({ isActive: false });
    await reconcile(world.ports, target, [lease]);
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
  });

  it('is left to its own attempts once the lease names it', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { ...REFUSED, dueAtMs: NOW_MS + 9 });
    await reconcile(world.ports, target, [lease]);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('blocks its lease where its label was changed, and stays', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, REFUSED);
    const { tokenId } = world.hub.give('acme-bot', lease.hubLabel.slice(0, 50), { creatorUserAgent: OUR_USER_AGENT });
    world.clock.advance(QUIET_AFTER_MS);
    await reconcile(world.ports, target, [lease]);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', blockedBy: [tokenId] });
    expect(world.hub.tokens.has(tokenId)).toBe(true);
  });
});
