import { describe, expect, it } from 'vitest';
import { VARIATION_NAMES } from '../../fake-hub/variations.ts';
import { play, type Story } from './scenario.ts';
import { readTable } from './table.ts';
import { DISTINCT_NAMES, judgedStep, scenariosOf } from './variations.ts';
import { endWords, verificationWords } from './words.ts';

describe('on a Docker Hub that differs from the beginning, no lease reads revoked while its token logs in', () => {
  const rows = new Map(readTable().map((row) => [row.name, row.cells]));

  it.concurrent.each(VARIATION_NAMES)('%s', async (name) => {
    const [, says, ends] = rows.get(name) ?? [];
    for (const scenario of scenariosOf(name, true)) {
      const story = await play(scenario);
      expect(story.faults).toEqual([]);
      if (scenario.settings !== undefined && Object.keys(scenario.settings).length > 0) continue;
      // The table of docs/docker-hub.md tells of the variation's first form.
      expect(says).toBe(verificationWords(story));
      expect(ends).toBe(judgedWords(story, name));
    }
  });
});

describe('on such a Docker Hub whose target was not verified, no lease reads revoked while its token logs in', () => {
  it.concurrent.each(DISTINCT_NAMES)('%s', async (name) => {
    for (const scenario of scenariosOf(name, false)) expect((await play(scenario)).faults).toEqual([]);
  });
});

function judgedWords({ world, steps }: Story, name: (typeof VARIATION_NAMES)[number]): string {
  const step = steps.find((taken) => taken.name === judgedStep(name));
  return step === undefined ? 'nothing was tried' : endWords(world, step);
}
