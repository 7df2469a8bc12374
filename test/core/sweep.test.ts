import { describe, expect, it } from 'vitest';
import type { Target } from '../../functions/core/model/target.ts';
import type { SessionRecord } from '../../functions/core/ports/sessions.ts';
import { type SweepReport, sweep, sweepDue } from '../../functions/core/sweeping/sweep.ts';
import { TURN_MS } from '../../functions/core/sweeping/sweep-turns.ts';
import type { LeaseDetails } from '../contract/builders.ts';
import { answers, followed, preceded, refusal, rejects } from './ports/steering.ts';
import { NOW_MS, QUIET_AFTER_MS, World, type WorldOptions } from './world.ts';

const OUT = refusal({ tag: 'fault', code: 'server_error' });
const NOTHING = { ours: 0, orphans: 0, reopened: 0, strays: 0 };

function worldWithTarget(target: Partial<Target> = {}, options: WorldOptions = {}) {
  const world = new World(options);
  return { world, target: world.addTarget(target) };
}

/** Ids that the queue was given, also in vain. */
function handedOn(world: World): string[] {
  return world.steering.argsOf('queue.sendAll').flatMap(([leaseIds]) => leaseIds as string[]);
}

describe('a sweep of due leases', () => {
  it('hands each to the revoker, the most overdue first, and no lease that is not due', async () => {
    const { world, target } = worldWithTarget();
    const now = world.addLease(target, { dueAtMs: NOW_MS });
    const overdue = world.addMinting(target, { dueAtMs: NOW_MS - 9 });
    world.addLease(target, { dueAtMs: NOW_MS + 1 });
    world.addRevoked(target);
    expect(await sweepDue(world.ports, 100)).toBe(2);
    expect(world.steering.argsOf('queue.sendAll')).toEqual([[[overdue.id, now.id]]]);
    expect(world.steering.hubCalls).toBe(0);
  });

  it('goes through all pages', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 205; count++) world.addMinting(target, { dueAtMs: NOW_MS });
    expect(await sweepDue(world.ports, 1_000)).toBe(205);
    expect(new Set(handedOn(world)).size).toBe(205);
    expect(world.steering.argsOf('queue.sendAll').map(([leaseIds]) => (leaseIds as string[]).length)).toEqual([
      100, 100, 5,
    ]);
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
    expect(handedOn(world)).toHaveLength(sent);
  });

  it('finds nothing where nothing is due', async () => {
    const { world } = worldWithTarget();
    expect(await sweepDue(world.ports, 100)).toBe(0);
    expect(world.steering.argsOf('queue.sendAll')).toEqual([]);
  });

  it('hands on the pages behind one that the queue refuses, and says that it did', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 205; count++) world.addLease(target, { dueAtMs: NOW_MS });
    world.steering.on('queue.sendAll', rejects);
    await expect(sweepDue(world.ports, 1_000)).rejects.toThrow();
    expect(handedOn(world)).toHaveLength(205);
  });
});

describe('a whole sweep', () => {
  const LATER = { untilMs: NOW_MS + 60_000, mostDue: 100 };
  const FAR_MS = NOW_MS + 86_400_000;

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
    expect(handedOn(world)).toEqual([due.id]);
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

  it('reaches the other targets though one does not come to its end, and begins with that one next time', async () => {
    const { world, targets } = worldWithTargets('a', 'b');
    const [slow, quick] = targets as [Target, Target];
    for (let count = 0; count < 3; count++) world.addToken(slow, world.leaseOf(slow));
    world.addToken(quick, world.leaseOf(quick));
    // Each orphan of the first target takes longer than a turn.
    world.steering.on(
      'leases.create',
      followed(() => world.clock.advance(TURN_MS)),
      { times: 3 },
    );
    const bounds = { untilMs: NOW_MS + 240_000, mostDue: 9 };
    const first = await sweep(world.ports, bounds);
    expect(first).toMatchObject({
      targets: 2,
      found: { orphans: 2 },
      failures: [{ step: 'reconcile', target: 'a', code: 'out_of_time' }],
      leftOver: ['a'],
    });
    const second = await sweep(world.ports, { ...bounds, from: first });
    expect(second).toMatchObject({ targets: 2, found: { orphans: 2 }, failures: [] });
    expect(second).not.toHaveProperty('leftOver');
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
      const bounds = { untilMs: world.clock.nowMs() + 60_000, mostDue: 9, from: { resumeAfter: 'b' } };
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
      const report = await sweep(world.ports, { untilMs: NOW_MS, mostDue: 9, from: { resumeAfter: 'b' } });
      expect(strip(report)).toEqual({ targets: 0, resumeAfter: 'b' });
    });
  });

  it.each([
    ['the queue', 'due', 'queue.sendAll'],
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

  it('shows each target its own leases: those that wait for a listing, and those whose tokens live', async () => {
    const { world, targets } = worldWithTargets('one', 'two');
    const [one, two] = targets as [Target, Target];
    const refuse = (target: Target) =>
      world.addMinting(target, { status: 'revoking', createRefused: true, revokingSinceMs: NOW_MS, dueAtMs: FAR_MS });
    const refused = [refuse(one), refuse(one), refuse(two)];
    const open = world.addMinting(one, { status: 'revoking', revokingSinceMs: NOW_MS, dueAtMs: FAR_MS });
    const unlisted = world.addLease(two, { dueAtMs: FAR_MS });
    world.hub.unlisted.add(unlisted.tokenId);
    world.clock.advance(QUIET_AFTER_MS);
    expect(await sweep(world.ports, { ...LATER, untilMs: FAR_MS })).toMatchObject({ failures: [] });
    expect(refused.map(({ id }) => world.lease(id).status)).toEqual(['revoked', 'revoked', 'revoking']);
    expect(world.lease(open.id)).toEqual(open);
    expect(world.factsOf('two')).toMatchObject({ listLagsBeyondMs: QUIET_AFTER_MS });
    expect(world.factsOf('one')).toEqual({});
  });

  it('says that the open leases cannot be read, and still does the rest', async () => {
    const { world, targets } = worldWithTargets('one');
    world.addToken(targets[0] as Target, world.leaseOf(targets[0] as Target));
    world.steering.on('leases.listOpen', rejects);
    expect(await sweep(world.ports, LATER)).toMatchObject({
      found: { orphans: 1 },
      failures: [{ step: 'leases', code: 'store_unavailable' }],
    });
  });

  it('fails where the targets cannot be listed', async () => {
    const { world } = worldWithTargets('one');
    world.steering.on('catalog.listTargets', rejects, { nth: 2 });
    await expect(sweep(world.ports, LATER)).rejects.toThrow();
  });
});

describe('a target whose mints are refused', () => {
  const HOUR_MS = 3_600_000;
  const LATER = { untilMs: NOW_MS + 99 * HOUR_MS, mostDue: 100 };
  const REFUSAL = { code: 'expiry_refused', sinceMs: NOW_MS, triedAtMs: NOW_MS } as const;

  function worldWithRefused(waitMs = HOUR_MS, overrides: Partial<Target> = {}) {
    const { world, target } = worldWithTarget(overrides);
    world.addFacts('acme-bot', { refusal: REFUSAL });
    world.clock.advance(waitMs);
    return { world, target };
  }

  it('is verified an hour after it was last tried, in the sweep’s name, and gives mints again when that passes', async () => {
    const { world } = worldWithRefused();
    expect(await sweep(world.ports, LATER)).toMatchObject({ targets: 1, failures: [] });
    expect(world.factsOf('acme-bot')).not.toHaveProperty('refusal');
    expect(world.catalog.targets.get('acme-bot')?.verification?.atMs).toBe(world.clock.nowMs());
    expect(world.leases.rows.all()).toMatchObject([
      { caller: 'hublease:sweep', requestId: 'sweep', status: 'revoked' },
    ]);
    expect(world.events.at(-1)).toMatchObject({
      event: 'target.verified',
      caller: 'hublease:sweep',
      requestId: 'sweep',
    });
  });

  it.each<[string, number, Partial<Target>]>([
    ['within an hour of the last try', HOUR_MS - 1, {}],
    ['while it is draining', HOUR_MS, { status: 'draining', updatedAtMs: NOW_MS + HOUR_MS + 1 }],
  ])('is not verified %s', async (_, waitMs, overrides) => {
    const { world } = worldWithRefused(waitMs, overrides);
    await sweep(world.ports, LATER);
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
    expect(world.factsOf('acme-bot')).toEqual({ refusal: REFUSAL });
  });

  it('is not tried again for an hour where that fails, and the failure is named', async () => {
    const { world } = worldWithRefused();
    world.hub.keepsExpiry = () => null;
    expect(await sweep(world.ports, LATER)).toMatchObject({
      failures: [{ step: 'verify', target: 'acme-bot', code: 'expiry_refused' }],
    });
    expect(world.factsOf('acme-bot')).toEqual({ refusal: { ...REFUSAL, triedAtMs: NOW_MS + HOUR_MS } });
    const made = world.steering.argsOf('minter.createToken').length;
    expect(made).toBeGreaterThan(0);
    expect(await sweep(world.ports, LATER)).toMatchObject({ failures: [] });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(made);
  });

  it('is not tried again while the token of a former try may live', async () => {
    const { world } = worldWithRefused();
    world.hub.keepsExpiry = () => null;
    world.steering.on('hub.deleteToken', answers(OUT), { times: 99 });
    await sweep(world.ports, LATER);
    const made = world.steering.argsOf('minter.createToken').length;
    world.clock.advance(HOUR_MS);
    expect(await sweep(world.ports, LATER)).toMatchObject({ failures: [] });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(made);
    expect(world.factsOf('acme-bot')).toEqual({ refusal: { ...REFUSAL, triedAtMs: NOW_MS + HOUR_MS } });
  });

  it.each<[string, LeaseDetails, number]>([
    ['is tried again though a former create was refused, which left no token', { createRefused: true }, 1],
    ['is tried again though other leases are open', { secret: 'ci/release' }, 1],
    ['is not tried again while nobody knows whether a former create made a token', {}, 0],
  ])('%s', async (_, overrides, tries) => {
    const { world, target } = worldWithTarget();
    world.addFacts('acme-bot', { refusal: REFUSAL });
    const waiting = { status: 'revoking', revokingSinceMs: NOW_MS, dueAtMs: NOW_MS + 99 * HOUR_MS } as const;
    world.addMinting(target, { secret: 'verification', mintByMs: NOW_MS + 50 * HOUR_MS, ...waiting, ...overrides });
    world.clock.advance(HOUR_MS);
    await sweep(world.ports, LATER);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(tries);
  });

  it('is not refused anew by the note of a try, where somebody ended that meanwhile', async () => {
    const { world } = worldWithRefused();
    world.steering.on('minter.createToken', answers(OUT));
    // The write that notes the try comes behind those of the login.
    world.steering.on(
      'sessions.write',
      preceded(() => {
        const row = world.sessions.rows.get('acme-bot') as SessionRecord;
        world.sessions.rows.set('acme-bot', { ...row, version: row.version + 1, facts: { pageSize: 50 } });
      }),
      { nth: 3 },
    );
    await sweep(world.ports, LATER);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
    expect(world.factsOf('acme-bot')).toEqual({ pageSize: 50 });
  });

  it('is none that was never refused', async () => {
    const { world } = worldWithTarget();
    world.clock.advance(HOUR_MS);
    await sweep(world.ports, LATER);
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
  });
});
