import { describe, expect, it } from 'vitest';
import { LOST_FIRST } from './pairs.ts';
import { play } from './scenario.ts';
import { DISTINCT_NAMES } from './variations.ts';

describe('on a Docker Hub that was as documented and then differs, no lease reads revoked while its token logs in', () => {
  it.concurrent.each(DISTINCT_NAMES)('%s', async (name) => {
    const { faults } = await play({
      isVerified: true,
      steps: LOST_FIRST,
      turns: [{ after: 'kept', variations: [name] }],
    });
    expect(faults).toEqual([]);
  });
});
