import { describe, expect, it } from 'vitest';
import type { Lease } from '../../functions/core/lease.ts';
import type { HubToken } from '../../functions/core/ports.ts';
import { auditIds } from '../../functions/core/revoke.ts';
import { reconcile, type SweepReport, sweep, sweepDue } from '../../functions/core/sweep.ts';
import type { Target } from '../../functions/core/target.ts';
import { answers, appliesThenAnswers, followed, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { NOW_MS, ORG, World, type WorldOptions } from './world.ts';

const OUT = refusal({ tag: 'fault', code: 'server_error' });
const NOTHING = { ours: 0, orphans: 0, reopened: 0, strays: 0 };

function worldWithTarget(target: Partial<Target> = {}, options: WorldOptions = {}) {
  const world = new World(options);
  return { world, target: world.addTarget(target) };
}

describe('a sweep of due leases', () => {
  it('hands each to the revoker, the most overdue first, and no lease that is not due', async () => {
    const { world, target } = worldWithTarget();
    const now = world.addLease(target, { dueAtMs: NOW_MS });
    const overdue = world.addMinting(target, { dueAtMs: NOW_MS - 9 });
    world.addLease(target, { dueAtMs: NOW_MS + 1 });
    world.addRevoked(target);
    expect(await sweepDue(world.ports, 100)).toBe(2);
    expect(world.steering.argsOf('queue.send')).toEqual([
      [overdue.id, 0],
      [now.id, 0],
    ]);
    expect(world.steering.hubCalls).toBe(0);
  });

  it('goes through all pages', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 205; count++) world.addMinting(target, { dueAtMs: NOW_MS });
    expect(await sweepDue(world.ports, 1_000)).toBe(205);
    expect(new Set(world.steering.argsOf('queue.send').map(([leaseId]) => leaseId)).size).toBe(205);
  });

  it.each([
    [1, 1],
    [100, 100],
    [101, 101],
    [205, 205],
    [206, 205],
  ])('stops after %i', async (most, sent) => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 205; count++) world.addMinting(target, { dueAtMs: NOW_MS });
    expect(await sweepDue(world.ports, most)).toBe(sent);
    expect(world.steering.argsOf('queue.send')).toHaveLength(sent);
  });

  it('finds nothing where nothing is due', async () => {
    const { world } = worldWithTarget();
    expect(await sweepDue(world.ports, 100)).toBe(0);
  });

  it('hands on those behind one that the queue refuses, and says that it did', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 3; count++) world.addLease(target, { dueAtMs: NOW_MS });
    world.steering.on('queue.send', rejects);
    await expect(sweepDue(world.ports, 100)).rejects.toThrow();
    expect(world.steering.argsOf('queue.send')).toHaveLength(3);
  });
});

describe('reconciling an account', () => {
  it('finds nothing amiss with tokens of open leases and of others', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    const minting = world.addMinting(target);
    world.addToken(target, minting);
    world.hub.give('acme-bot', 'laptop');
    world.hub.give('acme-bot', world.label(minting.id, 'acme-bot2'));
    const rows = world.leases.rows.all();
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 2, complete: true });
    expect(world.hub.tokens.size).toBe(4);
    expect(world.leases.rows.all()).toEqual(rows);
    expect(world.events).toEqual([]);
  });

  it('looks at an organization’s tokens for an organization, and at its labels', async () => {
    const { world, target } = worldWithTarget(ORG);
    world.addLease(target);
    expect(await reconcile(world.ports, target)).toMatchObject({ ours: 1, orphans: 0 });
    expect(world.steering.argsOf('hub.listTokens')[0]?.[1]).toEqual({ kind: 'oat', organization: 'acme' });
  });

  it('says when not every page could be read, and settles what was', async () => {
    const { world, target } = worldWithTarget();
    world.hub.pageSize = 1;
    world.addLease(target);
    world.addLease(target);
    world.steering.on('hub.listTokens', answers(OUT), { nth: 2 });
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, complete: false });
  });

  it('waits while revocations wait for Docker Hub’s requests, and asks nothing', async () => {
    const { world, target } = worldWithTarget();
    world.sessions.rows.set('acme-bot', {
      target: 'acme-bot',
      version: 1,
      opId: 'op',
      revocationsUntilMs: NOW_MS + 60_000,
    });
    await expect(reconcile(world.ports, target)).rejects.toMatchObject({ failure: { tag: 'hub_throttled' } });
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
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, complete: false });
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('fails where no session can be had, and where the leases cannot be read', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    world.steering.on('leases.get', rejects);
    await expect(reconcile(world.ports, target)).rejects.toThrow();
    world.credentials.current.clear();
    world.sealer.loseKey();
    await expect(reconcile(world.ports, target)).rejects.toMatchObject({ failure: { tag: 'credential_unavailable' } });
  });
});

describe('an orphan: a token of ours whose lease was lost', () => {
  function worldWithOrphan(token: { ageMs?: number; expiresAtMs?: number | null } = {}, target: Partial<Target> = {}) {
    const { world, target: kept } = worldWithTarget(target);
    const lost = world.leaseOf(kept);
    return { world, target: kept, lost, token: world.addToken(kept, lost, { ageMs: 70_000, ...token }) };
  }

  it('is recorded anew, as far as its token tells of it, and revoked', async () => {
    const { world, target, lost, token } = worldWithOrphan({ expiresAtMs: NOW_MS + 5_000 });
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, orphans: 1, complete: true });
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
    await reconcile(world.ports, target);
    expect(world.steering.argsOf('leases.create')[0]?.[0]).toMatchObject({
      expiresAtMs: NOW_MS,
      maxExpiresAtMs: NOW_MS,
      hubExpiresAtMs: null,
    });
  });

  it('of an organization is an organization’s token', async () => {
    const { world, target, lost } = worldWithOrphan({}, ORG);
    await reconcile(world.ports, target);
    expect(world.lease(lost.id)).toMatchObject({ kind: 'oat', hubAccount: 'acme', target: 'acme', status: 'revoked' });
  });

  it('is recorded before it is deleted', async () => {
    const { world, target } = worldWithOrphan();
    await reconcile(world.ports, target);
    expect(world.steering.order('leases.create', 'hub.deleteToken')).toEqual(['leases.create', 'hub.deleteToken']);
  });

  it('that cannot be deleted stays on record, and is tried again', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target)).toMatchObject({ orphans: 1 });
    expect(world.lease(lost.id)).toMatchObject({ status: 'revoking', attempts: 1, dueAtMs: NOW_MS + 5_000 });
    expect(world.steering.argsOf('queue.send')).toHaveLength(1);
  });

  it('that another sweep took up first, or whose lease was there after all, is left to that', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on(
      'leases.create',
      preceded(() => world.leases.rows.set(lost.id, lost)),
    );
    expect(await reconcile(world.ports, target)).toMatchObject({ orphans: 1 });
    expect(world.lease(lost.id)).toEqual(lost);
    expect(world.hub.tokens.size).toBe(1);
    expect(world.events).toEqual([]);
  });

  it('whose record got no reply is due, and covered the next time', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on('leases.create', losesReply);
    await expect(reconcile(world.ports, target)).rejects.toThrow();
    expect(world.lease(lost.id)).toMatchObject({ status: 'revoking', dueAtMs: NOW_MS });
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, complete: true });
  });

  it('is none when its lease was recorded after the listing began', async () => {
    const { world, target, lost } = worldWithOrphan();
    world.steering.on(
      'hub.listTokens',
      followed(() => world.leases.rows.set(lost.id, lost)),
    );
    expect(await reconcile(world.ports, target)).toMatchObject({ orphans: 0 });
    expect(world.hub.tokens.size).toBe(1);
  });
});

describe('a revocation that waits', () => {
  const WAITING = { status: 'revoking', attempts: 7, dueAtMs: NOW_MS + 256_000, revokeReason: 'expired' } as const;

  it('because Docker Hub did not answer is taken up again when Docker Hub lists its token', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { ...WAITING, lastError: 'hub_unavailable:connection' });
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', evidence: { kind: 'deleted' } });
    expect(world.hub.tokens.size).toBe(0);
  });

  it('is found by its label when its row names no token', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { ...WAITING, lastError: 'hub_unavailable:timeout' });
    world.addToken(target, lease);
    await reconcile(world.ports, target);
    expect(world.hub.tokens.size).toBe(0);
  });

  it('waits longer when it fails again', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { ...WAITING, lastError: 'hub_unavailable:connection' });
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target)).toMatchObject({ complete: true });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', attempts: 8, dueAtMs: NOW_MS + 256_000 });
  });

  it.each([
    ['for Docker Hub’s requests', { ...WAITING, lastError: 'hub_throttled' }],
    ['for a credential', { ...WAITING, lastError: 'login_blocked' }],
    ['for its first attempt', WAITING],
  ])('%s goes on waiting', async (_, overrides) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, overrides);
    await reconcile(world.ports, target);
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
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 2, strays: 1, complete: true });
    expect([...world.hub.tokens.keys()]).toEqual([lease.tokenId]);
    expect(world.lease(lease.id)).toEqual({ ...lease });
    expect(world.events).toEqual([
      { event: 'token.stray_deleted', atMs: NOW_MS, ...auditIds(lease), tokenId: stray.tokenId },
    ]);
  });

  it('that was gone when it was to be deleted counts as deleted', async () => {
    const { world, target } = worldWithStray();
    world.steering.on('hub.deleteToken', appliesThenAnswers(refusal({ tag: 'not_found' })));
    expect(await reconcile(world.ports, target)).toMatchObject({ strays: 1 });
  });

  it('that cannot be deleted is left for the next sweep, and not told of', async () => {
    const { world, target } = worldWithStray();
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 2, complete: true });
    expect(world.events).toEqual([]);
  });
});

describe('a token whose lease reads revoked', () => {
  function worldWithGhost(token: { expiresAtMs?: number | null } = {}, lease: Partial<Lease> = {}) {
    const { world, target } = worldWithTarget();
    const revoked = world.addRevoked(target, lease);
    const seen = world.addToken(target, revoked, { expiresAtMs: NOW_MS + 60_000, ...token });
    return { world, target, lease: revoked, token: seen };
  }

  it('and that lives is a lease reopened, with an alarm, and revoked again', async () => {
    const { world, target, lease, token } = worldWithGhost();
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, reopened: 1, complete: true });
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

  it('and that cannot be deleted leaves the lease open', async () => {
    const { world, target, lease } = worldWithGhost();
    world.steering.on('hub.deleteToken', answers(OUT));
    expect(await reconcile(world.ports, target)).toMatchObject({ reopened: 1 });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', attempts: 1 });
  });

  it('and that only a lagging list still shows is no matter: the token itself is asked for', async () => {
    const { world, target, lease, token } = worldWithGhost();
    world.hub.stillListed.push(world.hub.tokens.get(token.tokenId) as never);
    world.hub.tokens.clear();
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, complete: true });
    expect(world.steering.argsOf('hub.getToken')[0]?.slice(1)).toEqual([{ kind: 'pat' }, token.tokenId]);
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.events).toEqual([]);
  });

  it('and of which Docker Hub does not say whether it lives is left for the next sweep', async () => {
    const { world, target, lease } = worldWithGhost();
    world.steering.on('hub.getToken', answers(OUT));
    expect(await reconcile(world.ports, target)).toMatchObject({ ours: 1, reopened: 0, strays: 0 });
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
    expect(await reconcile(world.ports, target)).toEqual({ ...NOTHING, ours: 1, ...found, complete: true });
    expect(world.hub.tokens.size).toBe(0);
    if ('strays' in found && found.strays === 1) expect(world.lease(lease.id)).toEqual(lease);
  });

  it('and that has no expiry lives', async () => {
    const { world, target } = worldWithGhost({ expiresAtMs: null });
    expect(await reconcile(world.ports, target)).toMatchObject({ reopened: 1 });
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
    await reconcile(world.ports, target);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', version: 3 });
    expect(world.eventNames).toEqual(['lease.revoked']);
  });
});

describe('when a token was last used', () => {
  function worldWithUse(lastUsedAtMs: number | null, lease: Partial<Lease> = {}) {
    const { world, target } = worldWithTarget();
    const kept = world.addLease(target, lease);
    const token = world.hub.tokens.get(kept.tokenId) as HubToken & { holder: string };
    world.hub.tokens.set(kept.tokenId, { ...token, lastUsedAtMs });
    return { world, target, lease: kept };
  }

  it('is noted on its active lease', async () => {
    const { world, target, lease } = worldWithUse(NOW_MS - 5);
    await reconcile(world.ports, target);
    expect(world.lease(lease.id)).toEqual({
      ...lease,
      version: 2,
      opId: expect.any(String),
      lastUsedAtMs: NOW_MS - 5,
    });
    expect(world.events).toEqual([]);
  });

  it.each<[string, number | null, Partial<Lease>]>([
    ['it never was', null, {}],
    ['that is known', NOW_MS - 5, { lastUsedAtMs: NOW_MS - 5 }],
    ['Docker Hub has forgotten it, and what is known stays', null, { lastUsedAtMs: NOW_MS - 5 }],
    ['the lease is being revoked', NOW_MS - 5, { status: 'revoking' }],
  ])('is not noted when %s', async (_, lastUsedAtMs, overrides) => {
    const { world, target, lease } = worldWithUse(lastUsedAtMs, overrides);
    await reconcile(world.ports, target);
    expect(world.steering.argsOf('leases.update')).toEqual([]);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('is a courtesy: that it cannot be noted does not keep the sweep from the tokens behind', async () => {
    const { world, target } = worldWithUse(NOW_MS - 5);
    world.addToken(target, world.leaseOf(target));
    world.steering.on('leases.update', rejects);
    expect(await reconcile(world.ports, target)).toMatchObject({ ours: 2, orphans: 1 });
    expect(world.hub.tokens.size).toBe(1);
  });
});

describe('a whole sweep', () => {
  const LATER = { untilMs: NOW_MS + 60_000, mostDue: 100 };

  function worldWithTargets(...names: string[]) {
    const world = new World();
    return { world, targets: names.map((name) => world.addTarget({ name, username: name })) };
  }

  it('hands on what is due, looks at every target, and adds up what it found', async () => {
    const { world, targets } = worldWithTargets('one', 'two');
    const [one, two] = targets as [Target, Target];
    const due = world.addLease(one, { dueAtMs: NOW_MS });
    world.addToken(one, due);
    world.addToken(one, world.leaseOf(one));
    world.addToken(two, world.leaseOf(two));
    world.addToken(two, world.addRevoked(two), { expiresAtMs: null });
    expect(await sweep(world.ports, LATER)).toEqual({
      due: 1,
      targets: 2,
      found: { ours: 5, orphans: 2, reopened: 1, strays: 1 },
      removed: 0,
      recounted: 0,
      failures: [],
    });
    expect(world.steering.argsOf('queue.send')).toEqual([[due.id, 0]]);
  });

  it('hands on no more than it is bound to', async () => {
    const { world, targets } = worldWithTargets('one');
    world.addMinting(targets[0] as Target, { dueAtMs: NOW_MS });
    world.addMinting(targets[0] as Target, { dueAtMs: NOW_MS });
    expect(await sweep(world.ports, { ...LATER, mostDue: 1 })).toMatchObject({ due: 1 });
  });

  it('looks at every target past the first page', async () => {
    const world = new World();
    const names = Array.from({ length: 101 }, (_, index) => `t${1000 + index}`);
    for (const name of names) world.addTarget({ name, username: name });
    expect(await sweep(world.ports, LATER)).toMatchObject({ targets: 101, failures: [] });
  });

  it('removes drained secrets and targets, and counts them', async () => {
    const { world } = worldWithTargets('one');
    world.addTarget({ name: 'old', username: 'old', status: 'draining' });
    world.addSecret({ target: 'one', status: 'draining' });
    expect(await sweep(world.ports, LATER)).toMatchObject({ removed: 2, targets: 2, failures: [] });
    expect(world.catalog.targets.all()).toMatchObject([{ name: 'one' }]);
    expect(world.catalog.secrets.all()).toEqual([]);
  });

  it('removes a drained target whose credential is gone and that can no longer be looked at', async () => {
    const { world } = worldWithTargets('one');
    world.addTarget({ name: 'old', username: 'old', status: 'draining' });
    world.credentials.current.delete('old');
    const report = await sweep(world.ports, LATER);
    expect(report).toMatchObject({
      removed: 1,
      failures: [{ step: 'reconcile', target: 'old', code: 'credential_unavailable' }],
    });
    expect(world.catalog.targets.all()).toMatchObject([{ name: 'one' }]);
  });

  it('goes on with the next target where one fails, and says which and why', async () => {
    const { world } = worldWithTargets('one', 'three', 'two');
    world.credentials.current.delete('one');
    world.steering.on('hub.listTokens', answers(OUT));
    world.steering.on('leases.countOpen', rejects);
    world.addTarget({ name: 'zzz', username: 'zzz', status: 'draining' });
    expect(await sweep(world.ports, LATER)).toEqual({
      due: 0,
      targets: 4,
      found: NOTHING,
      removed: 0,
      recounted: 0,
      failures: [
        { step: 'reconcile', target: 'one', code: 'credential_unavailable' },
        { step: 'reconcile', target: 'three', code: 'listing_incomplete' },
        { step: 'remove', target: 'zzz', code: 'store_unavailable' },
      ],
    });
  });

  it('names a store that is out as that', async () => {
    const { world, targets } = worldWithTargets('one');
    world.addLease(targets[0] as Target);
    world.steering.on('leases.get', rejects);
    const { failures } = await sweep(world.ports, LATER);
    expect(failures).toEqual([{ step: 'reconcile', target: 'one', code: 'store_unavailable' }]);
  });

  it('corrects a quota’s counter that is wrong, once it has settled', async () => {
    const { world, targets } = worldWithTargets('one');
    world.addSecret({ target: 'one', maxActive: 5 });
    world.addLease(targets[0] as Target, { counters: ['secret:ci/release'] });
    world.leases.counters.set('secret:ci/release', { open: 4, version: 7, changedAtMs: NOW_MS });
    expect(await sweep(world.ports, LATER)).toMatchObject({ recounted: 1 });
    expect(world.leases.counters.get('secret:ci/release')).toMatchObject({ open: 1, version: 8 });
  });

  describe('that runs out of time', () => {
    /** Looking at any target takes a second. */
    function slow(world: World) {
      world.steering.on(
        'hub.listTokens',
        followed(() => world.clock.advance(1_000)),
        { times: 99 },
      );
    }
    const strip = ({ targets, resumeAfter }: SweepReport) => ({ targets, resumeAfter });

    it('stops before the next target and says where to go on; the next sweep looks at the others', async () => {
      const { world } = worldWithTargets('a', 'b', 'c', 'd');
      slow(world);
      const first = await sweep(world.ports, { untilMs: NOW_MS + 2_000, mostDue: 9 });
      expect(strip(first)).toEqual({ targets: 2, resumeAfter: 'b' });
      const bounds = { untilMs: world.clock.nowMs() + 60_000, mostDue: 9, after: 'b' };
      const second = await sweep(world.ports, bounds);
      expect(strip(second)).toEqual({ targets: 2, resumeAfter: undefined });
      const looked = world.steering.argsOf('hub.login').map(([credential]) => credential);
      expect(looked).toMatchObject([{ username: 'a' }, { username: 'b' }, { username: 'c' }, { username: 'd' }]);
    });

    it('takes up one more target a moment before the time is over', async () => {
      const { world } = worldWithTargets('a', 'b', 'c');
      slow(world);
      const report = await sweep(world.ports, { untilMs: NOW_MS + 1_001, mostDue: 9 });
      expect(strip(report)).toEqual({ targets: 2, resumeAfter: 'b' });
    });

    it('just as its last target is done has looked at all', async () => {
      const { world } = worldWithTargets('a', 'b');
      slow(world);
      const report = await sweep(world.ports, { untilMs: NOW_MS + 2_000, mostDue: 9 });
      expect(strip(report)).toEqual({ targets: 2, resumeAfter: undefined });
    });

    it('before its first target begins there again', async () => {
      const { world } = worldWithTargets('a', 'b');
      const report = await sweep(world.ports, { untilMs: NOW_MS, mostDue: 9 });
      expect(report.targets).toBe(0);
      expect(report).not.toHaveProperty('resumeAfter');
      expect(world.steering.hubCalls).toBe(0);
    });

    it('before its first target does not lose where the last sweep had come to', async () => {
      const { world } = worldWithTargets('a', 'b', 'c');
      const report = await sweep(world.ports, { untilMs: NOW_MS, mostDue: 9, after: 'b' });
      expect(strip(report)).toEqual({ targets: 0, resumeAfter: 'b' });
    });
  });

  it.each([
    ['the queue', 'due', 'queue.send'],
    ['the removal of a secret', 'secrets', 'catalog.deleteSecret'],
    ['the counting of quotas', 'quotas', 'leases.readCounter'],
  ] as const)('with %s out says so, and still does the rest', async (_, step, call) => {
    const { world, targets } = worldWithTargets('one');
    const target = targets[0] as Target;
    const due = world.addMinting(target, { dueAtMs: NOW_MS });
    world.addSecret({ status: 'draining', updatedAtMs: NOW_MS });
    world.addSecret({ name: 'quota', target: 'one', maxActive: 5 });
    world.leases.rows.set(due.id, { ...due, secret: 'quota' });
    world.leases.counters.set('secret:quota', { open: 4, version: 7, changedAtMs: NOW_MS });
    world.addToken(target, world.leaseOf(target));
    world.steering.on(call, rejects);
    expect(await sweep(world.ports, LATER)).toEqual({
      due: step === 'due' ? 0 : 1,
      targets: 1,
      found: { ...NOTHING, ours: 1, orphans: 1 },
      removed: step === 'secrets' ? 0 : 1,
      recounted: step === 'quotas' ? 0 : 1,
      failures: [{ step, code: 'store_unavailable' }],
    });
  });

  it('fails where the targets cannot be listed', async () => {
    const { world } = worldWithTargets('one');
    world.steering.on('catalog.listTargets', rejects, { nth: 2 });
    await expect(sweep(world.ports, LATER)).rejects.toThrow();
  });
});
