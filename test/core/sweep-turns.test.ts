import { describe, expect, it } from 'vitest';
import { giveTurns, type SweepPlace, TURN_MS } from '../../functions/core/sweeping/sweep-turns.ts';
import { rejects } from './ports/steering.ts';
import { NOW_MS, World } from './world.ts';

const SWEEP_MS = 240_000;

/** A world with these targets, each of which takes so long unless its turn ends before. */
function worldOf(takesMs: Readonly<Record<string, number>>) {
  const world = new World();
  for (const name of Object.keys(takesMs)) world.addTarget({ name, username: name });
  const looked: [name: string, turnMs: number][] = [];
  const sweep = (from: SweepPlace = {}, sweepMs = SWEEP_MS) => {
    looked.length = 0;
    return giveTurns(world.ports, { untilMs: world.clock.nowMs() + sweepMs, from }, async ({ name }, untilMs) => {
      const turnMs = untilMs - world.clock.nowMs();
      looked.push([name, turnMs]);
      const neededMs = takesMs[name] ?? 0;
      world.clock.advance(Math.min(neededMs, turnMs));
      return neededMs <= turnMs ? 'done' : 'left over';
    });
  };
  return { world, sweep, looked };
}

describe('the turns of a sweep', () => {
  it('are by name, and of one length', async () => {
    const { sweep, looked } = worldOf({ b: 1, a: 1, c: 1 });
    expect(await sweep()).toEqual({ targets: 3 });
    expect(looked).toEqual([
      ['a', TURN_MS],
      ['b', TURN_MS],
      ['c', TURN_MS],
    ]);
  });

  it('reach every other target though one takes for ever', async () => {
    const { sweep, looked } = worldOf({ a: Number.POSITIVE_INFINITY, b: 1, c: 1 });
    expect(await sweep()).toEqual({ targets: 3, leftOver: ['a'] });
    expect(looked.map(([name]) => name)).toEqual(['a', 'b', 'c']);
  });

  it('begin with what was left over, which may take half of the time', async () => {
    const { sweep, looked } = worldOf({ a: 1, b: 100_000, c: 1 });
    const first = await sweep();
    expect(first).toEqual({ targets: 3, leftOver: ['b'] });
    expect(await sweep(first)).toEqual({ targets: 3 });
    expect(looked).toEqual([
      ['b', SWEEP_MS / 2],
      ['a', TURN_MS],
      ['c', TURN_MS],
    ]);
  });

  it('leave what one that was left over did not need to the next of them', async () => {
    const { sweep, looked } = worldOf({ a: 50_000, b: 60_000, c: 70_000, d: 1 });
    const place = await sweep({ leftOver: ['a', 'b', 'c'] });
    expect(looked).toEqual([
      ['a', 120_000],
      ['b', 70_000],
      // It begins within the half, and so has no less than any other turn.
      ['c', TURN_MS],
      ['d', TURN_MS],
    ]);
    expect(place).toEqual({ targets: 4, leftOver: ['c'] });
  });

  it('go beyond the end of the sweep by 20 s at most, and are never shorter than that', async () => {
    const { sweep, looked } = worldOf({ a: 1, b: 1 });
    await sweep({ leftOver: ['b'] }, 2_000);
    expect(looked).toEqual([
      ['b', 22_000],
      ['a', 21_999],
    ]);
  });

  it('give the first place to each of several slow targets in time, and reach the others all the same', async () => {
    const forEver = Number.POSITIVE_INFINITY;
    const { sweep, looked } = worldOf({ a: forEver, b: forEver, c: forEver, d: 1 });
    let place: SweepPlace = await sweep();
    expect(place).toMatchObject({ leftOver: ['a', 'b', 'c'] });
    const firsts: (string | undefined)[] = [];
    for (let count = 0; count < 4; count++) {
      place = await sweep(place);
      firsts.push(looked[0]?.[0]);
      expect(looked.map(([name]) => name)).toContain('d');
    }
    expect(firsts).toEqual(['a', 'b', 'c', 'a']);
  });

  it('go on by name behind the last one, once the time is over', async () => {
    const { sweep, looked } = worldOf({ a: TURN_MS, b: TURN_MS, c: TURN_MS, d: TURN_MS });
    const first = await sweep({}, 2 * TURN_MS);
    expect(first).toEqual({ targets: 2, resumeAfter: 'b' });
    expect(await sweep(first, 2 * TURN_MS)).toEqual({ targets: 2 });
    expect(looked.map(([name]) => name)).toEqual(['c', 'd']);
  });

  it('keep those that were left over and not reached before those that are new', async () => {
    const { sweep } = worldOf({ a: Number.POSITIVE_INFINITY, b: 1, c: Number.POSITIVE_INFINITY, d: 1 });
    const place = await sweep({ leftOver: ['c', 'd', 'b'] });
    expect(place).toEqual({ targets: 2, leftOver: ['d', 'b', 'a', 'c'] });
  });

  it('are one for each target: what was left over has no second one by its name', async () => {
    const { sweep, looked } = worldOf({ a: 1, b: 1, c: TURN_MS });
    expect(await sweep({ leftOver: ['b'] }, TURN_MS)).toEqual({ targets: 3 });
    expect(looked.map(([name]) => name)).toEqual(['b', 'a', 'c']);
  });

  it('leave out a target that is gone', async () => {
    const { sweep } = worldOf({ a: 1 });
    expect(await sweep({ leftOver: ['gone'] })).toEqual({ targets: 1 });
  });

  it('keep at most a hundred names', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `t${100 + index}`);
    const { sweep } = worldOf(Object.fromEntries(names.map((name) => [name, Number.POSITIVE_INFINITY])));
    const { leftOver = [] } = await sweep({}, 9_999_999);
    expect(leftOver).toEqual(names.slice(0, 100));
  });

  it('end with the error of a catalog that cannot be read', async () => {
    const { world, sweep } = worldOf({ a: 1 });
    world.steering.on('catalog.getTarget', rejects);
    await expect(sweep({ leftOver: ['a'] })).rejects.toThrow();
    expect(world.clock.nowMs()).toBe(NOW_MS);
  });
});
