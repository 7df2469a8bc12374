import { describe, expect, it } from 'vitest';
import {
  listAllLeases,
  revokeAnyLease,
  revokeMatching,
  type Selector,
  showAnyLease,
} from '../../functions/core/leases/all-leases.ts';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import type { Lease, OpenLease } from '../../functions/core/model/lease.ts';
import { answers, followed, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, World } from './world.ts';

const ADMIN = {
  caller: { arn: 'arn:aws:iam::000000000000:role/admin', accountId: '000000000000' },
  requestId: 'request-9',
  sourceIp: '192.0.2.9',
};
const LATER = NOW_MS + 10_000;

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

/** The row of a lease that an admin has marked. */
function marked(lease: OpenLease): object {
  return {
    ...lease,
    status: 'revoking',
    version: lease.version + 1,
    opId: expect.any(String),
    revokeReason: 'admin',
    revokingSinceMs: NOW_MS,
    dueAtMs: NOW_MS,
  };
}

describe('everybody’s leases', () => {
  it('are listed and shown to an admin, whosever they are', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { caller: 'somebody' });
    expect(await listAllLeases(world.ports, {}, { limit: 5 })).toEqual({ items: [lease] });
    expect(await listAllLeases(world.ports, { status: 'revoked' }, { limit: 5 })).toEqual({ items: [] });
    expect(await showAnyLease(world.ports, lease.id)).toEqual(lease);
    expect(await failureOf(showAnyLease(world.ports, 'gone'))).toEqual({ tag: 'lease_not_found', leaseId: 'gone' });
  });

  it('cannot be read while the store is out', async () => {
    const { world } = worldWithTarget();
    world.steering.on('leases.list', rejects);
    world.steering.on('leases.get', rejects);
    const out = { tag: 'store_unavailable', retryAfterSeconds: 2 };
    expect(await failureOf(listAllLeases(world.ports, {}, { limit: 5 }))).toEqual(out);
    expect(await failureOf(showAnyLease(world.ports, 'x'))).toEqual(out);
  });
});

describe('an admin who revokes one lease', () => {
  it('ends it now, whosever it is, in the admin’s name', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { caller: 'somebody' });
    expect(await revokeAnyLease(world.ports, ADMIN, lease.id)).toEqual({
      lease: world.lease(lease.id),
      pending: false,
    });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'admin' });
    expect(world.events[0]).toMatchObject({ requestId: 'request-9', caller: ADMIN.caller.arn });
  });

  it('hears that it is pending, that there is none, or that the store is out', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'timeout' })));
    expect(await revokeAnyLease(world.ports, ADMIN, lease.id)).toMatchObject({
      pending: true,
      lease: { status: 'revoking' },
    });
    const gone = await failureOf(revokeAnyLease(world.ports, ADMIN, 'gone'));
    expect(gone).toEqual({ tag: 'lease_not_found', leaseId: 'gone' });
    world.steering.on('leases.get', rejects);
    expect(await failureOf(revokeAnyLease(world.ports, ADMIN, lease.id))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('an admin who revokes all that match', () => {
  it('has each marked and handed to the revoker at once, without waiting for Docker Hub', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    const { leases, complete } = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(complete).toBe(true);
    expect(leases).toEqual([marked(lease)]);
    expect(world.lease(lease.id)).toEqual(marked(lease));
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 0]]);
    expect(world.steering.hubCalls).toBe(0);
    expect(world.events).toEqual([
      {
        event: 'lease.revoke_requested',
        atMs: NOW_MS,
        ...auditIds(lease),
        requestId: 'request-9',
        sourceIp: '192.0.2.9',
        detail: { reason: 'admin', by: ADMIN.caller.arn },
      },
    ]);
  });

  it('leaves a lease whose create was refused to the listings that end it', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { status: 'revoking', createRefused: true, dueAtMs: LATER });
    const { leases, complete } = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect({ leases, complete }).toEqual({ leases: [lease], complete: true });
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.steering.order('leases.update', 'queue.send')).toEqual([]);
    expect(world.events).toEqual([]);
  });

  it('names no address that is not known', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    const { sourceIp: _, ...origin } = ADMIN;
    await revokeMatching(world.ports, origin, { target: 'acme-bot' }, LATER);
    expect(world.events[0]).not.toHaveProperty('sourceIp');
  });

  it.each<[Selector, string[]]>([
    [{ prefix: 'team/a' }, ['exact', 'below']],
    [{ prefix: 'team' }, ['exact', 'below', 'beside']],
    [{ target: 'other' }, ['target']],
    [{ caller: 'somebody' }, ['caller']],
    [{ caller: 'nobody' }, []],
  ])('takes by %j exactly %j', async (selector, names) => {
    const { world, target } = worldWithTarget();
    const other = world.addTarget({ name: 'other' });
    const leases: Record<string, Lease> = {
      exact: world.addLease(target, { secret: 'team/a' }),
      below: world.addLease(target, { secret: 'team/a/x' }),
      beside: world.addLease(target, { secret: 'team/ab' }),
      target: world.addLease(other),
      caller: world.addLease(target, { caller: 'somebody' }),
      over: world.addRevoked(target, { secret: 'team/a', caller: 'somebody' }),
    };
    const answer = await revokeMatching(world.ports, ADMIN, selector, LATER);
    expect(answer.leases.map(({ id }) => id)).toEqual(names.map((name) => leases[name]?.id));
    expect(world.leases.rows.all().filter(({ status }) => status === 'revoking')).toHaveLength(names.length);
  });

  it('reaches leases past the first page', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 101; count++) world.addMinting(target);
    const { leases, complete } = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect([leases.length, complete]).toEqual([101, true]);
  });

  it('stops when its time is up and says so; repeating takes up what is left', async () => {
    const { world, target } = worldWithTarget();
    for (let count = 0; count < 3; count++) world.addLease(target);
    world.steering.on(
      'leases.update',
      followed(() => world.clock.advance(5_000)),
      { times: 2 },
    );
    const first = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect([first.leases.length, first.complete]).toEqual([2, false]);
    const second = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER + 1);
    expect([second.leases.length, second.complete]).toEqual([3, true]);
  });

  it('keeps the reason and the time of what is being revoked already, and has it tried again now', async () => {
    const { world, target } = worldWithTarget();
    const before = { status: 'revoking', revokeReason: 'expired', revokingSinceMs: NOW_MS - 7 } as const;
    const lease = world.addLease(target, { ...before, dueAtMs: NOW_MS + 800_000, attempts: 9 });
    await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(world.lease(lease.id)).toMatchObject({ ...before, dueAtMs: NOW_MS, attempts: 9 });
  });

  it('gets further by repeating: what is being revoked already is counted, and takes no time from the others', async () => {
    const { world, target } = worldWithTarget();
    const due = {
      status: 'revoking',
      revokeReason: 'admin',
      revokingSinceMs: NOW_MS - 7,
      dueAtMs: NOW_MS - 7,
    } as const;
    const asked = world.addLease(target, due);
    const postponed = world.addLease(target, { ...due, dueAtMs: NOW_MS + 60_000 });
    const untouched = world.addLease(target);
    world.steering.on(
      'leases.update',
      followed(() => world.clock.advance(10_000)),
    );
    const { leases, complete } = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(complete).toBe(true);
    expect(leases).toEqual([marked(untouched), asked, postponed]);
    expect(world.steering.argsOf('queue.send')).toEqual([[untouched.id, 0]]);
  });

  it('takes up what is not being revoked yet first, and leaves alone what is due anyway', async () => {
    const { world, target } = worldWithTarget();
    const before = { status: 'revoking', revokeReason: 'expired', revokingSinceMs: NOW_MS - 7 } as const;
    const waiting = world.addLease(target, { ...before, dueAtMs: NOW_MS + 1 });
    const due = world.addLease(target, { ...before, dueAtMs: NOW_MS });
    const active = world.addLease(target);
    const { leases, complete } = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(leases).toEqual([marked(active), { ...marked(waiting), ...before }, due]);
    expect(complete).toBe(true);
    expect(world.steering.argsOf('queue.send')).toEqual([
      [active.id, 0],
      [waiting.id, 0],
    ]);
    expect(world.lease(due.id)).toEqual(due);
  });

  it('leaves what waits for a later attempt to that, when time is up', async () => {
    const { world, target } = worldWithTarget();
    const waiting = world.addLease(target, { status: 'revoking', revokeReason: 'expired', dueAtMs: LATER + 1 });
    const active = world.addLease(target);
    world.steering.on(
      'leases.update',
      followed(() => world.clock.advance(LATER - NOW_MS)),
    );
    const answer = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(answer).toEqual({ leases: [marked(active), waiting], complete: true });
    expect(world.lease(waiting.id)).toEqual(waiting);
  });

  it.each([
    [4, true],
    [5, false],
  ])('outlasts %i writes in between: %s', async (times, complete) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, {})),
      { times },
    );
    expect((await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER)).complete).toBe(complete);
    expect(world.steering.argsOf('leases.update')).toHaveLength(5);
    expect(world.eventNames).toEqual(complete ? ['lease.revoke_requested'] : []);
  });

  it('is not stopped by one lease that cannot be marked, and hears that not all were reached', async () => {
    const { world, target } = worldWithTarget();
    const one = world.addLease(target);
    const two = world.addLease(target);
    world.steering.on('leases.update', rejects, { times: 1 });
    const answer = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(answer.leases).toEqual([one, marked(two)]);
    expect(answer.complete).toBe(false);
  });

  it('is not stopped by one lease that cannot be read, and hears that not all were reached', async () => {
    const { world, target } = worldWithTarget();
    const one = world.addLease(target);
    const two = world.addLease(target);
    world.steering.on('leases.get', rejects);
    const answer = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(answer.leases).toEqual([one, marked(two)]);
    expect(answer.complete).toBe(false);
  });

  it('is not evaded by a renewal or a note that comes in between: the lease is marked all the same', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { renewable: true });
    const expiresAtMs = NOW_MS + 999_000;
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { expiresAtMs, dueAtMs: expiresAtMs })),
    );
    const answer = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(answer).toMatchObject({ complete: true, leases: [{ status: 'revoking', version: 3 }] });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', expiresAtMs });
  });

  it('is told of a lease that was revoked or went in between as it is', async () => {
    const { world, target } = worldWithTarget();
    const one = world.addLease(target);
    const two = world.addLease(target);
    let over: Lease | undefined;
    world.steering.on(
      'leases.get',
      preceded(() => {
        over = world.addRevoked(target, { id: one.id });
        world.leases.rows.set(two.id, undefined);
      }),
    );
    const { leases, complete } = await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER);
    expect(leases).toEqual([over, two]);
    expect(complete).toBe(true);
    expect(world.steering.argsOf('leases.update')).toEqual([]);
  });

  it('needs no message: a marked lease is due', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on('queue.send', rejects);
    expect(await revokeMatching(world.ports, ADMIN, { target: 'acme-bot' }, LATER)).toMatchObject({ complete: true });
    expect(await world.leases.port.due(NOW_MS, { limit: 5 })).toEqual({ items: [lease.id] });
  });

  it('fails where the leases cannot be listed', async () => {
    const { world } = worldWithTarget();
    world.steering.on('leases.listOpen', rejects);
    expect(await failureOf(revokeMatching(world.ports, ADMIN, { target: 'x' }, LATER))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
  });
});

describe('an admin who revokes by a leaked token', () => {
  const tokenSha256 = 'ab'.repeat(32);

  it('has its lease marked', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.addMinting(target);
    const answer = await revokeMatching(world.ports, ADMIN, { tokenSha256 }, LATER);
    expect(answer).toEqual({ leases: [marked(lease)], complete: true });
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 0]]);
  });

  it('is told whose it was when that is revoked already', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target, { tokenSha256 });
    expect(await revokeMatching(world.ports, ADMIN, { tokenSha256 }, LATER)).toEqual({
      leases: [lease],
      complete: true,
    });
    expect(world.steering.argsOf('leases.update')).toEqual([]);
  });

  it('is told that it is none of ours, and no lease is asked for', async () => {
    const { world } = worldWithTarget();
    expect(await revokeMatching(world.ports, ADMIN, { tokenSha256 }, LATER)).toEqual({ leases: [], complete: true });
    expect(world.steering.argsOf('leases.get')).toEqual([]);
    world.steering.on('leases.findByToken', answers('a-lease-that-is-gone'));
    expect(await revokeMatching(world.ports, ADMIN, { tokenSha256 }, LATER)).toEqual({ leases: [], complete: true });
  });

  it('hears that it was not reached when it could not be marked', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    world.steering.on('leases.update', losesReply);
    expect(await revokeMatching(world.ports, ADMIN, { tokenSha256 }, LATER)).toMatchObject({ complete: false });
  });

  it.each(['leases.findByToken', 'leases.get'] as const)('hears of the store when %s is out', async (call) => {
    const { world, target } = worldWithTarget();
    world.addLease(target);
    world.steering.on(call, rejects);
    expect(await failureOf(revokeMatching(world.ports, ADMIN, { tokenSha256 }, LATER))).toMatchObject({
      tag: 'store_unavailable',
    });
  });
});
