import { describe, expect, it } from 'vitest';
import { followClock } from '../../local/clockwork/follow-clock.ts';
import { steadyTime } from '../../local/clockwork/steady-time.ts';
import type { Time } from '../../local/clockwork/time.ts';
import { openData } from '../../local/sqlite/data.ts';
import { aLease, aSessionRecord } from '../contract/builders.ts';
import { untilTestEnds } from './harness.ts';
import { dataFolder } from './sqlite-folder.ts';

const HOUR_MS = 3_600_000;
const START_MS = 1_795_000_000_000;

/** A system's clock beside a steady one, and looks that come when they are asked for. */
function clocks() {
  let steadyMs = 5_000;
  let offsetMs = START_MS - steadyMs;
  const looks = new Set<() => void>();
  const system: Time = {
    nowMs: () => offsetMs + steadyMs,
    sleep: async () => undefined,
    after(_ms, act) {
      looks.add(act);
      return () => looks.delete(act);
    },
  };
  return {
    time: steadyTime(system, () => steadyMs),
    system,
    pass(ms: number) {
      steadyMs += ms;
    },
    set(byMs: number) {
      offsetMs += byMs;
    },
    look() {
      for (const act of [...looks]) {
        looks.delete(act);
        act();
      }
    },
    looks,
  };
}

describe('steady time', () => {
  it('goes with the system’s clock, forward too', () => {
    const { time, pass, set } = clocks();
    pass(10);
    expect(time.nowMs()).toBe(START_MS + 10);
    set(HOUR_MS);
    expect([time.nowMs(), time.behindMs()]).toEqual([START_MS + 10 + HOUR_MS, 0]);
  });

  it('goes on as before when that is set back, until it is told to follow', () => {
    const { time, system, pass, set } = clocks();
    set(-HOUR_MS);
    pass(10);
    expect([time.nowMs(), time.behindMs()]).toEqual([START_MS + 10, HOUR_MS]);
    time.goBack(HOUR_MS);
    expect([time.nowMs(), time.behindMs()]).toEqual([system.nowMs(), 0]);
  });

  it('goes back only as far as it is told, when that is set back again meanwhile', () => {
    const { time, system, set } = clocks();
    set(-HOUR_MS);
    const byMs = time.behindMs();
    set(-HOUR_MS);
    time.goBack(byMs);
    expect(time.behindMs()).toBe(HOUR_MS);
    expect(time.nowMs()).toBe(system.nowMs() + HOUR_MS);
  });

  it('follows a second by itself, and more than that in small steps too', () => {
    const { time, system, set } = clocks();
    set(-1_000);
    expect([time.nowMs(), time.behindMs()]).toEqual([system.nowMs(), 0]);
    set(-1);
    expect(time.behindMs()).toBe(1_001);
  });

  it('needs not go back for a clock that was set forward again', () => {
    const { time, set } = clocks();
    set(-HOUR_MS);
    expect(time.behindMs()).toBe(HOUR_MS);
    set(2 * HOUR_MS);
    expect([time.nowMs(), time.behindMs()]).toEqual([START_MS + HOUR_MS, 0]);
  });
});

describe('a clock that is set back', () => {
  function started() {
    const world = clocks();
    const data = untilTestEnds(openData(dataFolder()));
    const logged: unknown[] = [];
    const log = { info: () => undefined, error: (event: string, fields: object) => logged.push({ event, ...fields }) };
    return { ...world, data, logged, start: () => untilTestEnds({ close: followClock(world.time, data, log) }) };
  }

  it('takes open leases along, with every instant of our own, and none of Docker Hub’s', async () => {
    const { data, set, look, start, time, logged } = started();
    const lease = aLease({ issuedAtMs: START_MS, renewable: true, lastUsedAtMs: START_MS, revokingSinceMs: START_MS });
    await data.leases.create(lease);
    start();
    set(-HOUR_MS);
    look();
    expect(time.nowMs()).toBe(START_MS - HOUR_MS);
    const moved = await data.leases.get(lease.id);
    expect(moved).toEqual({
      ...lease,
      version: 2,
      opId: moved?.opId,
      issuedAtMs: lease.issuedAtMs - HOUR_MS,
      expiresAtMs: lease.expiresAtMs - HOUR_MS,
      maxExpiresAtMs: lease.maxExpiresAtMs - HOUR_MS,
      mintByMs: lease.mintByMs - HOUR_MS,
      dueAtMs: (lease.dueAtMs as number) - HOUR_MS,
      revokingSinceMs: START_MS - HOUR_MS,
    });
    expect(moved?.opId).not.toBe(lease.opId);
    const dueAtMs = moved?.dueAtMs as number;
    expect((await data.leases.due(dueAtMs - 1, { limit: 1 })).items).toEqual([]);
    expect((await data.leases.due(dueAtMs, { limit: 1 })).items).toEqual([lease.id]);
    expect(logged).toEqual([{ event: 'clock_set_back', durationMs: HOUR_MS }]);
  });

  it('is not undone by a write that was under way', async () => {
    const { data, set, look, start } = started();
    const lease = aLease({ issuedAtMs: START_MS });
    await data.leases.create(lease);
    const late = aLease({ issuedAtMs: START_MS });
    start();
    const created = data.leases.create(late);
    set(-HOUR_MS);
    look();
    await created;
    expect((await data.leases.get(late.id))?.expiresAtMs).toBe(late.expiresAtMs - HOUR_MS);
    expect(await data.leases.update({ ...lease, version: 2, opId: 'renewed' })).toBe('conflict');
  });

  it('leaves revoked leases as they were', async () => {
    const { data, set, look, start } = started();
    const lease = aLease({ issuedAtMs: START_MS, status: 'revoked' });
    await data.leases.create(lease);
    start();
    set(-HOUR_MS);
    look();
    expect(await data.leases.get(lease.id)).toEqual(lease);
  });

  it('takes sessions, breakers and spent codes along', async () => {
    const { data, set, look, start } = started();
    const session = aSessionRecord({
      expiresAtMs: START_MS,
      breakerUntilMs: START_MS,
      claimUntilMs: START_MS,
      rateResetAtMs: START_MS,
      throttledUntilMs: START_MS,
      revocationsUntilMs: START_MS,
      loginAfterMs: START_MS,
      totpStep: 1_000,
    });
    await data.sessions.write(session);
    const bare = { target: 'bare', version: 1, opId: 'one' };
    await data.sessions.write(bare);
    start();
    set(-HOUR_MS - 29_999);
    look();
    const movedMs = START_MS - HOUR_MS - 29_999;
    expect(await data.sessions.read(session.target)).toMatchObject({
      version: session.version + 1,
      expiresAtMs: movedMs,
      breakerUntilMs: movedMs,
      rateResetAtMs: movedMs,
      throttledUntilMs: movedMs,
      revocationsUntilMs: movedMs,
      loginAfterMs: movedMs,
      // A code is spent for as long as its step lasts: rather one too many.
      totpStep: 880,
    });
    // The login that held it would not find it again.
    expect(await data.sessions.read(session.target)).not.toHaveProperty('claimUntilMs');
    expect(Object.keys((await data.sessions.read(bare.target)) as object).sort()).toEqual(Object.keys(bare).sort());
  });

  it('takes along when something was found out about a target, and no time span', async () => {
    const { data, set, look, start } = started();
    const facts = (atMs: number) =>
      ({
        refusal: { code: 'list_lags', sinceMs: atMs, triedAtMs: atMs },
        pendingVerification: { leaseId: 'lease', tokenId: 'token', createdAtMs: atMs },
        listLagMs: 5_000,
        listLagsBeyondMs: 6_000,
        pageSize: 50,
        listing: { code: 'malformed', sinceMs: atMs },
        cap: { tokens: 10, atMs },
        places: { atMs, tokens: 10, foreign: 1, expired: 2 },
      }) as const;
    const session = aSessionRecord({ facts: facts(START_MS) });
    await data.sessions.write(session);
    const other = aSessionRecord({ facts: { pageSize: 10 } });
    await data.sessions.write(other);
    start();
    set(-HOUR_MS);
    look();
    expect((await data.sessions.read(session.target))?.facts).toEqual(facts(START_MS - HOUR_MS));
    expect((await data.sessions.read(other.target))?.facts).toEqual({ pageSize: 10 });
  });

  it('is not followed while leases cannot be moved, and is as soon as they can', async () => {
    const { data, set, look, time, logged } = started();
    let isFull = true;
    const log = { info: () => undefined, error: (event: string) => logged.push(event) };
    const full = {
      lastIssuedAtMs: () => undefined,
      setBack(byMs: number) {
        if (isFull) throw new Error('full');
        data.setBack(byMs);
      },
    };
    untilTestEnds({ close: followClock(time, full, log) });
    set(-HOUR_MS);
    look();
    look();
    expect([time.nowMs(), logged]).toEqual([START_MS, ['clock_not_followed']]);
    isFull = false;
    look();
    expect([time.nowMs(), logged.at(-1)]).toEqual([START_MS - HOUR_MS, 'clock_set_back']);
  });

  it('is seen by a start from a lease that is open and was issued later than now', async () => {
    const { data, start } = started();
    const open = aLease({ issuedAtMs: START_MS + HOUR_MS });
    const revoked = aLease({ issuedAtMs: START_MS + 2 * HOUR_MS, status: 'revoked' });
    const found = aLease({ issuedAtMs: START_MS + 2 * HOUR_MS, caller: 'unknown' });
    for (const each of [open, revoked, found]) await data.leases.create(each);
    start();
    expect((await data.leases.get(open.id))?.expiresAtMs).toBe(open.expiresAtMs - HOUR_MS);
    expect((await data.leases.get(revoked.id))?.expiresAtMs).toBe(revoked.expiresAtMs);
  });

  it('is not seen by a start when the last lease was issued a second from now', async () => {
    const { data, start, logged } = started();
    await data.leases.create(aLease({ issuedAtMs: START_MS + 1_000 }));
    start();
    expect(logged).toEqual([]);
  });
});
