import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Evidence, Lease } from '../../functions/core/model/lease.ts';
import type { LeaseMembers } from '../contract/builders.ts';
import { overspent } from './budget.ts';
import { verifiedWorld } from './callers.ts';
import { order } from './orders.ts';
import { take } from './steps.ts';
import { HOUR_MS, type MatrixWorld, MINUTE_MS, START_MS } from './world.ts';

const EXPIRED: Evidence = { kind: 'expired', atMs: START_MS, hubDateMs: START_MS, hubExpiresAtMs: START_MS };
const ATTESTED: Evidence = { kind: 'attested', atMs: START_MS, by: 'admin', reason: 'gone' };

describe('the rule of the matrix', () => {
  let world: MatrixWorld;
  beforeEach(async () => {
    world = await verifiedWorld();
  });
  afterEach(() => world.close());

  /** A lease whose token lives, with its row changed behind core's back. */
  async function leaseThatReads(change: LeaseMembers): Promise<Lease> {
    const { leaseId = '' } = await order(world, 3_600);
    const lease = { ...(world.leases.rows.get(leaseId) as Lease), ...change } as Lease;
    world.leases.rows.set(leaseId, lease);
    world.rule.check();
    return lease;
  }

  it('is kept by a lease that is open, and by one that an admin attested', async () => {
    await leaseThatReads({});
    await leaseThatReads({ status: 'revoked', evidence: ATTESTED });
    expect(world.rule.violations).toEqual([]);
  });

  it('is broken by a lease that reads revoked while its token lives', async () => {
    const { id } = await leaseThatReads({ status: 'revoked', evidence: EXPIRED });
    expect(world.rule.violations).toEqual([expect.stringContaining(`lease ${id} of ci/release reads revoked`)]);
  });

  it('is broken also where the token bears its label in lower case, and cut', async () => {
    world.hub.control.set({ labelCase: 'lower', maxLabelCharacters: 50, labelTooLong: 'cut' });
    const { leaseId = '' } = await take(world, 'lost');
    const lease = world.leases.rows.get(leaseId) as Lease;
    world.leases.rows.set(leaseId, { ...lease, status: 'revoked', evidence: EXPIRED } as unknown as Lease);
    world.rule.check();
    expect(world.rule.violations).toEqual([expect.stringContaining(`lease ${leaseId} of ci/release reads revoked`)]);
  });

  it('is broken by a token that auth.docker.io still takes once its lag is over', async () => {
    world.hub.control.set({ registryGoneLagMs: 20_000 });
    const { leaseId = '' } = await order(world, 3_600);
    await world.revoke(leaseId);
    await world.run(world.exchanges.again());
    expect(world.rule.violations).toEqual([]);
    world.hub.control.set({ registryGoneLagMs: 0 });
    const { leaseId: other = '' } = await order(world, 3_600);
    const lease = world.leases.rows.get(other) as Lease;
    const ended = { status: 'revoked', evidence: EXPIRED, revokedAtMs: world.time.nowMs() };
    world.leases.rows.set(other, { ...lease, ...ended } as unknown as Lease);
    await world.run(world.exchanges.again());
    expect(world.rule.violations).toContain(`the token of lease ${other} is still taken`);
  });

  it('is broken by a token without a lease', async () => {
    const { id } = await leaseThatReads({});
    world.leases.rows.set(id, undefined);
    world.rule.check();
    expect(world.rule.violations).toEqual([expect.stringContaining('a token has no lease')]);
  });

  it("is broken by the deletion of somebody else's token", async () => {
    const { id } = world.hub.control.createForeignToken({ ...world.place, label: 'laptop' });
    const { hub } = world.portsOf('owner');
    const remove = async () => {
      const login = await hub.login(world.credential, 'auth-token', world.time.nowMs());
      if (login.ok) await hub.deleteToken(login.value, { kind: 'pat' }, id);
    };
    await world.run(remove());
    expect(world.rule.violations).toEqual(["somebody else's token was deleted: laptop"]);
  });
});

describe('the budget of the matrix', () => {
  const spent = async (spend: (world: MatrixWorld) => void) => {
    const world = await verifiedWorld();
    try {
      expect(overspent(world)).toEqual([]);
      spend(world);
      return overspent(world);
    } finally {
      await world.close();
    }
  };
  const note = (world: MatrixWorld, count: number, everyMs: number, request: object) => {
    for (let sent = 0; sent < count; sent++) {
      world.requests.note({ atMs: START_MS + sent * everyMs, who: 'mint', kind: 'login', outcome: 'ok', ...request });
    }
  };

  it('allows eight failed logins in ten minutes, and no ninth', async () => {
    const failed = { outcome: 'fault' };
    expect(await spent((world) => note(world, 80, 75_000, failed))).toEqual([]);
    expect(await spent((world) => note(world, 9, 74_000, failed))).toEqual([
      'failed logins in ten minutes: 9, at most 8',
    ]);
  });

  it('allows two logins in half the life of a session, and no third', async () => {
    expect(await spent((world) => note(world, 20, 2.5 * MINUTE_MS, {}))).toEqual([]);
    expect(await spent((world) => note(world, 3, MINUTE_MS, {}))).toEqual([
      'logins in half the life of a session: 3, at most 2',
    ]);
  });

  it('allows so many requests an hour for one lease and for the sweeps', async () => {
    const get = { kind: 'getToken' };
    expect(await spent((world) => note(world, 999, HOUR_MS / 75, { ...get, who: 'lease-1' }))).toEqual([]);
    expect(await spent((world) => note(world, 76, 1_000, { ...get, who: 'lease-1' }))).toHaveLength(1);
    expect(await spent((world) => note(world, 127, 1_000, { ...get, who: 'sweep' }))).toHaveLength(1);
  });

  it('counts the tokens of verifications that live at once, and their creates', async () => {
    const creates = { who: 'verify', kind: 'createToken' };
    // The verification of the world itself has sent one.
    expect(await spent((world) => note(world, 13, 0, creates))).toEqual([]);
    expect(await spent((world) => note(world, 14, 0, creates))).toEqual([
      'creates of one verification: 15, at most 14',
    ]);
    const piled = (world: MatrixWorld) => {
      world.rule.mostThrowaways = 4;
    };
    expect(await spent(piled)).toEqual(['living tokens of verifications: 4, at most 3']);
  });
});
