import { describe, expect, it } from 'vitest';
import { revokeAnyLease } from '../../functions/core/leases/all-leases.ts';
import { listOwn, revokeOwn, showOwn, whoami } from '../../functions/core/leases/own-leases.ts';
import { fail } from '../../functions/core/model/failure.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import { answers, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORIGIN, World } from './world.ts';

const OTHER = 'arn:aws:iam::111122223333:role/ci-other';
/** Of a role that had the caller's ARN before. */
const FORMER_ID = 'AROACKCEVSQ6C2EXAMPLE';

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

describe('a caller’s own leases', () => {
  it('are listed newest first, and nobody else’s', async () => {
    const { world, target } = worldWithTarget();
    const older = world.addLease(target, { issuedAtMs: NOW_MS - 5 });
    const newer = world.addLease(target);
    world.addLease(target, { caller: OTHER });
    expect(await listOwn(world.ports, ORIGIN, {}, { limit: 50 })).toEqual({ items: [newer, older] });
  });

  it('are not those of an earlier role of the same ARN', async () => {
    const { world, target } = worldWithTarget();
    const own = world.addLease(target, { issuedAtMs: NOW_MS - 5 });
    const former = world.addLease(target, { callerId: FORMER_ID });
    const { callerId: _, ...old } = world.leaseOf(target, { issuedAtMs: NOW_MS - 9 });
    world.leases.rows.set(old.id, old);
    expect(await listOwn(world.ports, ORIGIN, {}, { limit: 50 })).toEqual({ items: [own, old] });
    expect(await showOwn(world.ports, ORIGIN, old.id)).toEqual(old);
    const failure = { tag: 'lease_not_found', leaseId: former.id };
    expect(await failureOf(showOwn(world.ports, ORIGIN, former.id))).toEqual(failure);
    expect(await failureOf(revokeOwn(world.ports, ORIGIN, former.id))).toEqual(failure);
  });

  it('are listed by secret and status, page by page', async () => {
    const { world } = worldWithTarget();
    const filter = { secret: 'ci/release', status: 'active' } as const;
    await listOwn(world.ports, ORIGIN, filter, { limit: 7, nextToken: '3' });
    expect(world.steering.argsOf('leases.list')).toEqual([
      [
        { ...filter, caller: ORIGIN.caller.arn },
        { limit: 7, nextToken: '3' },
      ],
    ]);
  });

  it('cannot be asked for in another’s name', async () => {
    const { world, target } = worldWithTarget();
    world.addLease(target, { caller: OTHER });
    const filter = { caller: OTHER } as object;
    expect(await listOwn(world.ports, ORIGIN, filter, { limit: 50 })).toEqual({ items: [] });
  });

  it('cannot be listed by a token that the store did not give', async () => {
    const { world } = worldWithTarget();
    const failure = { tag: 'invalid_field', field: 'nextToken', problem: 'unknown' } as const;
    world.steering.on('leases.list', () => Promise.reject(fail(failure)));
    expect(await failureOf(listOwn(world.ports, ORIGIN, {}, { limit: 1, nextToken: 'x' }))).toEqual(failure);
  });
});

describe('one of a caller’s own leases', () => {
  it('is shown', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    expect(await showOwn(world.ports, ORIGIN, lease.id)).toEqual(lease);
  });

  it.each(['of somebody else', 'that there is not'])('%s is not found', async (which) => {
    const { world, target } = worldWithTarget();
    const theirs = world.addLease(target, { caller: OTHER });
    const leaseId = which === 'of somebody else' ? theirs.id : 'nobody';
    expect(await failureOf(showOwn(world.ports, ORIGIN, leaseId))).toEqual({ tag: 'lease_not_found', leaseId });
    expect(await failureOf(revokeOwn(world.ports, ORIGIN, leaseId))).toEqual({ tag: 'lease_not_found', leaseId });
    expect(world.lease(theirs.id)).toEqual(theirs);
    expect(world.steering.hubCalls).toBe(0);
  });

  it('cannot be shown while the store is out', async () => {
    const { world } = worldWithTarget();
    world.steering.on('leases.get', rejects);
    expect(await failureOf(showOwn(world.ports, ORIGIN, 'x'))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
  });

  it('is revoked now, in its caller’s name', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    const answer = await revokeOwn(world.ports, ORIGIN, lease.id);
    expect(answer).toEqual({ lease: world.lease(lease.id), pending: false });
    expect(answer.lease).toMatchObject({ status: 'revoked', revokeReason: 'caller' });
    expect(world.events[0]).toMatchObject({ event: 'lease.revoke_requested', requestId: 'request-1' });
  });

  it('that is revoked already is a success', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target);
    expect(await revokeOwn(world.ports, ORIGIN, lease.id)).toEqual({ lease, pending: false });
  });

  it('is pending while Docker Hub cannot be reached', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'timeout' })));
    const answer = await revokeOwn(world.ports, ORIGIN, lease.id);
    expect(answer).toEqual({ lease: world.lease(lease.id), pending: true });
    expect(answer.lease).toMatchObject({ status: 'revoking', attempts: 1 });
  });

  describe('that is being revoked', () => {
    const OUT = answers(refusal({ tag: 'fault', code: 'timeout' }));

    async function pending() {
      const { world, target } = worldWithTarget();
      const { id } = world.addLease(target);
      world.steering.on('hub.deleteToken', OUT);
      await revokeOwn(world.ports, ORIGIN, id);
      const ask = async () => (await revokeOwn(world.ports, ORIGIN, id)).pending;
      return { world, id, ask, attempts: () => world.steering.argsOf('hub.deleteToken').length };
    }

    it('is tried again by its caller at its due time, however often it is asked for before', async () => {
      const { world, ask, attempts } = await pending();
      world.clock.advance(4_999);
      for (let times = 0; times < 5; times++) expect(await ask()).toBe(true);
      expect(attempts()).toBe(1);
      world.clock.advance(1);
      expect(await ask()).toBe(false);
      expect(attempts()).toBe(2);
    });

    it('is tried again 30 s after the last attempt where it is due only later, and stays due then', async () => {
      const { world, id, ask, attempts } = await pending();
      const dueAtMs = NOW_MS + 600_000;
      world.rewrite(id, { dueAtMs });
      world.clock.advance(29_999);
      await ask();
      expect(attempts()).toBe(1);
      world.clock.advance(1);
      let marked: Lease | undefined;
      world.steering.on(
        'hub.deleteToken',
        preceded(() => {
          marked = world.lease(id);
        }),
      );
      expect(await ask()).toBe(false);
      expect(marked).toMatchObject({ dueAtMs, attemptedAtMs: NOW_MS + 30_000 });
    });

    it('is tried once by a crowd that asks at the same time', async () => {
      const { world, ask, attempts } = await pending();
      world.clock.advance(5_000);
      world.steering.on('hub.deleteToken', OUT);
      await Promise.all(Array.from({ length: 8 }, ask));
      expect(attempts()).toBe(2);
    });

    it('is tried again where its row does not say when it was last tried', async () => {
      const { world, id, ask } = await pending();
      world.rewrite(id, { attemptedAtMs: undefined, dueAtMs: NOW_MS + 600_000 } as never);
      expect(await ask()).toBe(false);
    });

    it('is tried again where that was in the future: the clock was set back', async () => {
      const { world, id, ask } = await pending();
      world.rewrite(id, { attemptedAtMs: NOW_MS + 1, dueAtMs: NOW_MS + 600_000 });
      expect(await ask()).toBe(false);
    });

    it('is tried by an admin at once, as often as one asks', async () => {
      const { world, id, attempts } = await pending();
      world.steering.on('hub.deleteToken', OUT, { times: 2 });
      for (let times = 0; times < 2; times++) await revokeAnyLease(world.ports, ORIGIN, id);
      expect(attempts()).toBe(3);
    });
  });

  it('whose row goes while it is being revoked is not found', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on(
      'leases.get',
      preceded(() => world.leases.rows.set(lease.id, undefined)),
      { nth: 2 },
    );
    expect(await failureOf(revokeOwn(world.ports, ORIGIN, lease.id))).toEqual({
      tag: 'lease_not_found',
      leaseId: lease.id,
    });
  });

  it('cannot be revoked while the store is out, and is marked all the same where that was written', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on('leases.update', losesReply);
    expect(await failureOf(revokeOwn(world.ports, ORIGIN, lease.id))).toMatchObject({ tag: 'store_unavailable' });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', dueAtMs: NOW_MS });
  });
});

describe('who a caller is', () => {
  it('is said with the secrets that list the caller, by name, over all pages', async () => {
    const { world } = worldWithTarget();
    for (let index = 0; index < 150; index++) {
      const allow = index % 50 === 0 ? ['arn:aws:iam::111122223333:root'] : [OTHER];
      world.addSecret({ name: `s${String(index).padStart(3, '0')}`, allow });
    }
    const { caller, secrets } = await whoami(world.ports, ORIGIN);
    expect(caller).toEqual(ORIGIN.caller);
    expect(secrets.map(({ name }) => name)).toEqual(['s000', 's050', 's100']);
    expect(world.steering.argsOf('catalog.listSecrets')).toEqual([
      [{}, { limit: 100 }],
      [{}, { limit: 100, nextToken: 's099' }],
    ]);
  });

  it('cannot be said while the catalog is out', async () => {
    const { world } = worldWithTarget();
    world.steering.on('catalog.listSecrets', rejects);
    expect(await failureOf(whoami(world.ports, ORIGIN))).toEqual({ tag: 'store_unavailable', retryAfterSeconds: 2 });
  });
});
