import { describe, expect, it } from 'vitest';
import { VARIATION_NAMES, VARIATIONS } from '../../local/fake-hub/variations.ts';
import { LOST_FIRST } from './pairs.ts';
import { play } from './scenario.ts';

/** Variations whose settings are the same differ only in what is done to the lease, and here all is done. */
const DISTINCT = VARIATION_NAMES.filter((name, index) => {
  const settings = JSON.stringify(VARIATIONS[name].settings);
  return VARIATION_NAMES.findIndex((other) => JSON.stringify(VARIATIONS[other].settings) === settings) === index;
});

describe('on a Docker Hub that was as documented and then differs, no lease reads revoked while its token logs in', () => {
  it.concurrent.each(DISTINCT)('%s', async (name) => {
    const { faults } = await play({
      isVerified: true,
      steps: LOST_FIRST,
      turns: [{ after: 'kept', variations: [name] }],
    });
    expect(faults).toEqual([]);
  });
});
