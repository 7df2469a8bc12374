import { describe, expect, it } from 'vitest';
import { noteRate, yieldToRevocation } from '../../functions/core/rate.ts';
import { answers, preceded, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, World } from './world.ts';

const RESET_MS = NOW_MS + 30_000;
const RECORD = { target: 'acme-bot', version: 3, opId: 'op', account: 'acme-bot', totpStep: 5 };

function worldWithRecord(change: object = {}) {
  const world = new World();
  const target = world.addTarget();
  world.sessions.rows.set('acme-bot', { ...RECORD, ...change });
  return { world, target, record: () => world.sessions.rows.get('acme-bot') };
}

describe('requests that run low', () => {
  it.each([0, 10])('are noted for every process when %i are left', async (rateRemaining) => {
    const { world, record } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', { rateRemaining, rateResetAtMs: RESET_MS });
    expect(record()).toEqual({ ...RECORD, version: 4, opId: 'op-1', rateRemaining, rateResetAtMs: RESET_MS });
  });

  it.each([
    ['enough are left', { rateRemaining: 11, rateResetAtMs: RESET_MS }],
    ['Docker Hub does not say how many', { rateResetAtMs: RESET_MS }],
    ['Docker Hub does not say until when', { rateRemaining: 0 }],
    ['Docker Hub says nothing', {}],
  ])('are not what it means when %s', async (_, meta) => {
    const { world } = worldWithRecord();
    await noteRate(world.ports, 'acme-bot', meta);
    expect(world.steering.calls).toEqual([]);
  });

  it('are noted once per window', async () => {
    const { world, record } = worldWithRecord();
    for (const rateRemaining of [9, 8]) {
      await noteRate(world.ports, 'acme-bot', { rateRemaining, rateResetAtMs: RESET_MS });
    }
    expect(record()).toMatchObject({ version: 4, rateRemaining: 9 });
    await noteRate(world.ports, 'acme-bot', { rateRemaining: 7, rateResetAtMs: RESET_MS + 1 });
    expect(record()).toMatchObject({ version: 5, rateRemaining: 7 });
  });

  it('are noted nowhere where there was no login yet', async () => {
    const { world } = worldWithRecord();
    await noteRate(world.ports, 'other', { rateRemaining: 0, rateResetAtMs: RESET_MS });
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
  });

  it('are noted as far as can be: neither an outage nor another writer matters', async () => {
    const { world, record } = worldWithRecord();
    const low = { rateRemaining: 0, rateResetAtMs: RESET_MS };
    world.steering.on('sessions.read', rejects);
    await noteRate(world.ports, 'acme-bot', low);
    world.steering.on('sessions.write', rejects);
    await noteRate(world.ports, 'acme-bot', low);
    world.steering.on(
      'sessions.write',
      preceded(() => world.sessions.rows.set('acme-bot', { ...RECORD, version: 4 })),
    );
    await noteRate(world.ports, 'acme-bot', low);
    expect(record()).toEqual({ ...RECORD, version: 4 });
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
  });

  it.each([
    ['that time has come', { rateResetAtMs: NOW_MS }],
    ['the time is further than Docker Hub’s window', { rateResetAtMs: NOW_MS + 120_001 }],
    ['nothing was noted', {}],
  ])('does not when %s', async (_, change) => {
    const { world, target } = worldWithRecord(change);
    await expect(yieldToRevocation(world.ports, target)).resolves.toBeUndefined();
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
  });
});
