import { describe, expect, it } from 'vitest';
import { noteLimit, takeLook } from '../../functions/core/hub/looks.ts';
import type { SessionRecord } from '../../functions/core/ports/sessions.ts';
import { answers, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, World } from './world.ts';

const RECORD = { target: 'acme-bot', version: 3, opId: 'op', account: 'acme-bot' };

function worldWithRecord(change: Partial<SessionRecord> = {}) {
  const world = new World();
  const target = world.addTarget();
  world.sessions.rows.set('acme-bot', { ...RECORD, ...change });
  return { world, target, record: () => world.sessions.rows.get('acme-bot') };
}

/** How many of the looks that are tried every `stepMs` for a minute are taken. */
async function takenInAMinute(rateLimit: number | undefined, stepMs: number): Promise<number> {
  const { world, target } = worldWithRecord(rateLimit === undefined ? {} : { rateLimit });
  let taken = 0;
  for (let ms = 0; ms < 60_000; ms += stepMs) {
    if ((await takeLook(world.ports, target)) !== undefined) taken += 1;
    world.clock.advance(stepMs);
  }
  return taken;
}

describe('a look', () => {
  it('is written down with the time of the next before it is taken', async () => {
    const { world, target, record } = worldWithRecord();
    expect(await takeLook(world.ports, target)).toEqual({ rateLimit: undefined });
    expect(record()).toEqual({ ...RECORD, version: 4, opId: 'op-1', nextLookAtMs: NOW_MS + 10_000 });
  });

  it('may be the first to write of a target', async () => {
    const { world, target, record } = worldWithRecord();
    world.sessions.rows.set('acme-bot', undefined);
    expect(await takeLook(world.ports, target)).toBeDefined();
    expect(record()).toEqual({ target: 'acme-bot', version: 1, opId: 'op-1', nextLookAtMs: NOW_MS + 10_000 });
  });

  it.each([
    ['6 a minute where no limit is stated', undefined, 6],
    ['6 a minute of 60', 60, 6],
    ['18 a minute of 180, and 2 ahead of their pace', 180, 20],
    ['60 a minute of 600, and 9 ahead of their pace', 600, 69],
    ['one a minute of 10', 10, 1],
  ])('is one of %s', async (_, rateLimit, taken) => {
    expect(await takenInAMinute(rateLimit, 250)).toBe(taken);
  });

  it('is one of ten minutes at the fewest', async () => {
    const { world, target } = worldWithRecord({ rateLimit: 1 });
    await takeLook(world.ports, target);
    world.clock.advance(599_999);
    expect(await takeLook(world.ports, target)).toBeUndefined();
    world.clock.advance(1);
    expect(await takeLook(world.ports, target)).toBeDefined();
  });

  it.each<[string, Partial<SessionRecord>]>([
    ['revocations wait', { revocationsUntilMs: NOW_MS + 1 }],
    ['requests run low', { rateResetAtMs: NOW_MS + 1 }],
    ['Docker Hub refuses revocations', { throttledUntilMs: NOW_MS + 1 }],
    ['Docker Hub refuses mints', { mintsThrottledUntilMs: NOW_MS + 1 }],
    ['it is too early', { nextLookAtMs: NOW_MS + 1 }],
  ])('is not taken while %s, and nothing is written', async (_, change) => {
    const { world, target, record } = worldWithRecord(change);
    expect(await takeLook(world.ports, target)).toBeUndefined();
    expect(record()).toEqual({ ...RECORD, ...change });
    world.clock.advance(1);
    expect(await takeLook(world.ports, target)).toBeDefined();
  });

  it('is taken where the next is said to be further away than any is', async () => {
    const { world, target } = worldWithRecord({ nextLookAtMs: NOW_MS + 610_001 });
    expect(await takeLook(world.ports, target)).toBeDefined();
  });

  it('is not taken where another write comes first', async () => {
    const { world, target } = worldWithRecord();
    world.steering.on('sessions.write', answers('conflict'));
    expect(await takeLook(world.ports, target)).toBeUndefined();
  });

  it.each(['sessions.read', 'sessions.write'] as const)('cannot be taken where %s fails', async (call) => {
    const { world, target } = worldWithRecord();
    world.steering.on(call, rejects);
    expect(await failureOf(takeLook(world.ports, target))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('the limit that Docker Hub states with a look', () => {
  it.each([
    ['is noted where none was', undefined, { rateLimit: 60 }, { version: 4, rateLimit: 60 }],
    ['is noted where it was another', 180, { rateLimit: 60 }, { version: 4, rateLimit: 60 }],
    ['is not written again', 60, { rateLimit: 60 }, { version: 3, rateLimit: 60 }],
    ['stays where none is stated', 60, {}, { version: 3, rateLimit: 60 }],
  ])('%s', async (_, rateLimit, meta, expected) => {
    const { world, record } = worldWithRecord(rateLimit === undefined ? {} : { rateLimit });
    await noteLimit(world.ports, 'acme-bot', { rateLimit }, meta);
    expect(record()).toMatchObject(expected);
  });

  it('is written once, though several looks saw it', async () => {
    const { world, record } = worldWithRecord({ rateLimit: 60 });
    await noteLimit(world.ports, 'acme-bot', { rateLimit: undefined }, { rateLimit: 60 });
    expect(record()).toMatchObject({ version: 3 });
  });
});
