import { describe, expect, it } from 'vitest';
import { PAIRS } from './pairs.ts';
import { play } from './scenario.ts';
import { endWords } from './words.ts';

describe('on a Docker Hub that differs in several respects, no lease reads revoked while its token logs in', () => {
  it.concurrent.each(PAIRS)('$title', async (pair) => {
    const { world, steps, faults } = await play(pair);
    expect(faults).toEqual([]);
    for (const step of steps) {
      const expected = pair.ends?.[step.name];
      if (expected !== undefined) expect(endWords(world, step)).toMatch(expected);
    }
  });
});
