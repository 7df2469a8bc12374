import { describe, expect, it } from 'vitest';
import {
  doRevocationsWait,
  endWaiting,
  noteRate,
  noteWaiting,
  reservedUntilMs,
  waitForWindow,
  yieldToRevocation,
} from '../../functions/core/hub/rate.ts';
import type { HubMeta } from '../../functions/core/ports/docker-hub.ts';
import { answers, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, World } from './world.ts';

const RESET_MS = NOW_MS + 30_000;
const RECORD = { target: 'acme-bot', version: 3, opId: 'op', account: 'acme-bot', totpStep: 5 };

/** An answer that says no more than this of the rate. */
const answered = (meta: HubMeta) => ({ ok: true, value: null, meta }) as const;

function worldWithRecord(change: object = {}) {
  const world = new World();
  const target = world.addTarget();
  world.sessions.rows.set('acme-bot', { ...RECORD, ...change });
  return { world, target, record: () => world.sessions.rows.get('acme-bot') };
}

describe('requests that run low', () => {
  it.each([0, 10])('are noted for every process when %i are left', async (rateRemaining) => {
    const { world, record } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', answered({ rateRemaining, rateResetAtMs: RESET_MS }), 'revoke');
    expect(record()).toEqual({ ...RECORD, version: 4, opId: 'op-1', rateRemaining, rateResetAtMs: RESET_MS });
  });

  it('are noted with the limit that Docker Hub states', async () => {
    const { world, record } = worldWithRecord();
    await noteRate(
      world.ports,
      'acme-bot',
      answered({ rateLimit: 60, rateRemaining: 9, rateResetAtMs: RESET_MS }),
      'look',
    );
    expect(record()).toMatchObject({ version: 4, rateLimit: 60 });
  });

  it.each([
    ['enough are left', { rateRemaining: 11, rateResetAtMs: RESET_MS }],
    ['Docker Hub does not say how many', { rateResetAtMs: RESET_MS }],
    ['Docker Hub does not say until when', { rateRemaining: 0 }],
    ['Docker Hub says nothing', {}],
  ])('are not what it means when %s', async (_, meta) => {
    const { world } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', answered(meta), 'revoke');
    expect(world.steering.calls).toEqual([]);
  });

  it('are noted once per window', async () => {
    const { world, record } = worldWithRecord();
    for (const rateRemaining of [9, 8]) {
      await noteRate(world.ports, 'acme-bot', answered({ rateRemaining, rateResetAtMs: RESET_MS }), 'revoke');
    }
    expect(record()).toMatchObject({ version: 4, rateRemaining: 9 });
    await noteRate(world.ports, 'acme-bot', answered({ rateRemaining: 7, rateResetAtMs: RESET_MS + 1 }), 'revoke');
    expect(record()).toMatchObject({ version: 5, rateRemaining: 7 });
  });

  it('are noted nowhere where there was no login yet', async () => {
    const { world } = worldWithRecord();
    await noteRate(world.ports, 'other', answered({ rateRemaining: 0, rateResetAtMs: RESET_MS }), 'revoke');
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
  });

  it('are noted as far as can be, also over what others write', async () => {
    const { world, record } = worldWithRecord();
    const low = answered({ rateRemaining: 0, rateResetAtMs: RESET_MS });
    world.steering.on('sessions.read', rejects);
    await noteRate(world.ports, 'acme-bot', low, 'revoke');
    world.steering.on('sessions.write', rejects);
    await noteRate(world.ports, 'acme-bot', low, 'revoke');
    expect(record()).toEqual(RECORD);
    world.steering.on(
      'sessions.write',
      preceded(() => world.sessions.rows.set('acme-bot', { ...RECORD, version: 4 })),
    );
    await noteRate(world.ports, 'acme-bot', low, 'revoke');
    expect(record()).toMatchObject({ version: 5, rateRemaining: 0 });
  });
});

describe('a refused request', () => {
  const throttled = (inMs: number, meta: HubMeta = {}) => refusal({ tag: 'throttled', retryAtMs: NOW_MS + inMs }, meta);
  const closed = (world: World) => failureOf(wait(world));
  const wait = async (world: World) =>
    waitForWindow(world.sessions.rows.get('acme-bot'), 'revoke', world.clock.nowMs());

  it('closes the account to everybody for as long as Docker Hub asks', async () => {
    const { world, record } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', throttled(40_000), 'revoke');
    expect(record()).toEqual({ ...RECORD, version: 4, opId: 'op-1', throttledUntilMs: NOW_MS + 40_000 });
    world.clock.advance(39_999);
    expect(await closed(world)).toEqual({ tag: 'hub_throttled', retryAfterSeconds: 1 });
    world.clock.advance(1);
    await expect(wait(world)).resolves.toBeUndefined();
  });

  it.each(['look', 'mint'] as const)('for a %s closes it to looks and mints only', async (hubClass) => {
    const { world, record } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', throttled(40_000), hubClass);
    expect(record()).toEqual({ ...RECORD, version: 4, opId: 'op-1', mintsThrottledUntilMs: NOW_MS + 40_000 });
    await expect(wait(world)).resolves.toBeUndefined();
    for (const other of ['look', 'mint'] as const) {
      expect(() => waitForWindow(record(), other, NOW_MS + 39_999)).toThrow('hub_throttled');
      expect(waitForWindow(record(), other, NOW_MS + 40_000)).toBeUndefined();
    }
  });

  it('for a look leaves the window of a refused revocation as it is, and the later end counts', async () => {
    const { world, record } = worldWithRecord({ throttledUntilMs: NOW_MS + 30_000 });
    await noteRate(world.ports, 'acme-bot', throttled(40_000), 'look');
    expect(record()).toMatchObject({ version: 3 });
    const both = { ...RECORD, throttledUntilMs: NOW_MS + 30_000, mintsThrottledUntilMs: NOW_MS + 40_000 };
    expect(() => waitForWindow(both, 'look', NOW_MS + 35_000)).toThrow('hub_throttled');
    expect(waitForWindow(both, 'revoke', NOW_MS + 35_000)).toBeUndefined();
  });

  it('for a revocation closes it to all, though it was closed to looks and mints', async () => {
    const { world, record } = worldWithRecord({ mintsThrottledUntilMs: NOW_MS + 30_000 });
    await noteRate(world.ports, 'acme-bot', throttled(30_000), 'revoke');
    expect(record()).toMatchObject({ version: 4, throttledUntilMs: NOW_MS + 30_000 });
  });

  it('closes it for two minutes at most: it may have meant that one request', async () => {
    const { world } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', throttled(900_000), 'revoke');
    expect(await closed(world)).toEqual({ tag: 'hub_throttled', retryAfterSeconds: 120 });
  });

  it('is noted once, however many are refused at the same time', async () => {
    const { world, record } = worldWithRecord();
    for (const inMs of [40_000, 40_500, 39_000]) await noteRate(world.ports, 'acme-bot', throttled(inMs), 'revoke');
    expect(record()).toMatchObject({ version: 4, throttledUntilMs: NOW_MS + 40_000 });
  });

  it('is noted with the rate that it speaks of', async () => {
    const { world, record } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', throttled(30_000, { rateRemaining: 0, rateResetAtMs: RESET_MS }), 'revoke');
    expect(record()).toMatchObject({
      version: 4,
      throttledUntilMs: RESET_MS,
      rateRemaining: 0,
      rateResetAtMs: RESET_MS,
    });
  });

  it.each([
    ['is over', NOW_MS],
    ['is further away than any window', NOW_MS + 120_001],
  ])('closes nothing when its time %s', async (_, throttledUntilMs) => {
    const { world } = worldWithRecord({ throttledUntilMs });
    await expect(wait(world)).resolves.toBeUndefined();
  });

  it('closes nothing where there was no login yet', async () => {
    expect(waitForWindow(undefined, 'look', NOW_MS)).toBeUndefined();
  });

  it.each([refusal({ tag: 'fault', code: 'timeout' }), refusal({ tag: 'not_found' })])('is not %j', async (reply) => {
    const { world } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', reply, 'revoke');
    expect(world.steering.calls).toEqual([]);
  });
});

describe('a revocation that waits for requests', () => {
  it('is noted by the second, so that a crowd of them writes little', async () => {
    const { world, record } = worldWithRecord();
    for (const inMs of [9_001, 9_500, 10_000, 3_000]) await noteWaiting(world.ports, 'acme-bot', NOW_MS + inMs);
    expect(record()).toEqual({ ...RECORD, version: 4, opId: 'op-1', revocationsUntilMs: NOW_MS + 10_000 });
    await noteWaiting(world.ports, 'acme-bot', NOW_MS + 10_001);
    expect(record()).toMatchObject({ version: 5, revocationsUntilMs: NOW_MS + 11_000 });
  });

  it('keeps mints off for no longer than it waits, and not to the end of the minute', async () => {
    const { world, target } = worldWithRecord();
    await noteWaiting(world.ports, 'acme-bot', NOW_MS + 5_000);
    world.clock.advance(4_999);
    expect(await failureOf(yieldToRevocation(world.ports, target))).toMatchObject({ retryAfterSeconds: 1 });
    world.clock.advance(1);
    await expect(yieldToRevocation(world.ports, target)).resolves.toBeDefined();
  });

  it('and was the last to wait ends the reservation when it ends', async () => {
    const { world, target, record } = worldWithRecord();
    await noteWaiting(world.ports, 'acme-bot', NOW_MS + 9_500);
    await endWaiting(world.ports, 'acme-bot', NOW_MS + 9_500);
    expect(record()).toStrictEqual({ ...RECORD, version: 5, opId: 'op-2' });
    await expect(yieldToRevocation(world.ports, target)).resolves.toBeDefined();
  });

  it.each([
    ['sooner', 8_000],
    ['longer', 11_000],
  ])('%s than the last one leaves the reservation as it is', async (_, inMs) => {
    const { world, record } = worldWithRecord();
    await noteWaiting(world.ports, 'acme-bot', NOW_MS + 9_500);
    await endWaiting(world.ports, 'acme-bot', NOW_MS + inMs);
    expect(record()).toMatchObject({ version: 4, revocationsUntilMs: NOW_MS + 10_000 });
  });

  it('is noted as far as can be', async () => {
    const { world } = worldWithRecord();
    world.steering.on('sessions.write', rejects);
    await noteWaiting(world.ports, 'acme-bot', NOW_MS);
    await noteWaiting(world.ports, 'other', NOW_MS);
    expect(world.sessions.rows.get('other')).toBeUndefined();
  });
});

describe('minting', () => {
  it.each([
    [1, 1],
    [30_000, 30],
    [120_000, 120],
  ])('gives way for the %i ms until requests are replenished', async (inMs, retryAfterSeconds) => {
    const { world, target } = worldWithRecord({ rateResetAtMs: NOW_MS + inMs });
    expect(await failureOf(yieldToRevocation(world.ports, target))).toEqual({
      tag: 'hub_throttled',
      retryAfterSeconds,
    });
    expect(await reservedUntilMs(world.ports, target)).toBe(NOW_MS + inMs);
  });

  it.each([
    ['waits for them, to the longest pause and a second', { revocationsUntilMs: NOW_MS + 901_000 }, 901],
    ['waits, though requests come sooner', { rateResetAtMs: NOW_MS + 5_000, revocationsUntilMs: NOW_MS + 60_000 }, 60],
    ['may ask after a look or mint was refused', { mintsThrottledUntilMs: NOW_MS + 120_000 }, 120],
    ['was refused', { throttledUntilMs: NOW_MS + 120_000, rateResetAtMs: NOW_MS + 5_000 }, 120],
  ])('gives way while a revocation %s', async (_, change, retryAfterSeconds) => {
    const { world, target } = worldWithRecord(change);
    expect(await failureOf(yieldToRevocation(world.ports, target))).toEqual({
      tag: 'hub_throttled',
      retryAfterSeconds,
    });
  });

  it.each([
    ['a revocation is said to wait longer than any does', { revocationsUntilMs: NOW_MS + 901_001 }],
    ['the waiting is over', { revocationsUntilMs: NOW_MS, throttledUntilMs: NOW_MS }],
    ['the refusal is further away than any window', { throttledUntilMs: NOW_MS + 120_001 }],
    ['that time has come', { rateResetAtMs: NOW_MS }],
    ['the time is further than Docker Hub’s window', { rateResetAtMs: NOW_MS + 120_001 }],
    ['nothing was noted', {}],
  ])('does not when %s', async (_, change) => {
    const { world, target } = worldWithRecord(change);
    expect(await yieldToRevocation(world.ports, target)).toEqual({ ...RECORD, ...change });
    expect(await reservedUntilMs(world.ports, target)).toBeUndefined();
  });

  it('does not where there was no login yet', async () => {
    const { world, target } = worldWithRecord();
    world.steering.on('sessions.read', answers(undefined));
    await expect(yieldToRevocation(world.ports, target)).resolves.toBeUndefined();
  });

  it('cannot while the store is out', async () => {
    const { world, target } = worldWithRecord();
    world.steering.on('sessions.read', rejects);
    expect(await failureOf(yieldToRevocation(world.ports, target))).toMatchObject({ tag: 'store_unavailable' });
    world.steering.on('sessions.read', rejects);
    expect(await failureOf(reservedUntilMs(world.ports, target))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('revocations', () => {
  it.each([
    ['wait while they are said to, to the longest pause and a second', { revocationsUntilMs: NOW_MS + 901_000 }, true],
    ['do not wait when that time has come', { revocationsUntilMs: NOW_MS }, false],
    ['do not wait longer than any does', { revocationsUntilMs: NOW_MS + 901_001 }, false],
    ['do not wait where requests only run low', { rateResetAtMs: NOW_MS + 5_000 }, false],
    ['wait where Docker Hub refuses them', { throttledUntilMs: NOW_MS + 5_000 }, true],
    ['go first where it refuses what is less urgent', { mintsThrottledUntilMs: NOW_MS + 5_000 }, true],
  ])('%s', async (_, change, wait) => {
    const { world, target } = worldWithRecord(change);
    expect(await doRevocationsWait(world.ports, target)).toBe(wait);
  });
});
