import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../fake-hub/faults.ts';
import { VARIATION_NAMES } from '../../fake-hub/variations.ts';
import { expectPromise, FORMS } from './live-check-promise.ts';
import { runLiveCheck } from './live-check-world.ts';

/** Every so many-th variation is also interrupted, at one moment. `npm run live-check:prove` takes all, at ten. */
const INTERRUPTED_EVERY = 3;

describe('on every variation of a Docker Hub, the live check', () => {
  it.concurrent.each(FORMS)('leaves no token where DELETE works, and names each elsewhere: $name', async (all) => {
    const { name: _, ...form } = all;
    const outcome = await runLiveCheck(form);
    expectPromise(form.variation, outcome);
    const index = FORMS.indexOf(all);
    if (index % INTERRUPTED_EVERY !== 0) return;
    const stopAt = 1 + Math.floor(seededRandom(index)() * outcome.requests);
    expectPromise(form.variation, await runLiveCheck({ ...form, stopAt }));
  });

  it('is tried on all of them', () => {
    expect(new Set(FORMS.map(({ variation }) => variation)).size).toBe(VARIATION_NAMES.length);
  });
});
