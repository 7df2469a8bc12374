import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../local/fake-hub/faults.ts';
import { VARIATION_NAMES } from '../../local/fake-hub/variations.ts';
import { expectPromise, FORMS } from './live-check-promise.ts';
import { runLiveCheck } from './live-check-world.ts';

/** `npm run live-check:prove` takes ten. */
const MOMENTS = 1;

describe('on every variation of a Docker Hub, the live check', () => {
  it.concurrent.each(FORMS)(
    'leaves no token where DELETE works, and names each elsewhere: $name',
    async ({ name, ...form }) => {
      const outcome = await runLiveCheck(form);
      expectPromise(form.variation, outcome);
      const random = seededRandom(FORMS.findIndex((each) => each.name === name) + 1);
      for (let moment = 0; moment < MOMENTS; moment++) {
        const stopAt = 1 + Math.floor(random() * outcome.requests);
        expectPromise(form.variation, await runLiveCheck({ ...form, stopAt }));
      }
    },
  );

  it('is tried on all of them', () => {
    expect(new Set(FORMS.map(({ variation }) => variation)).size).toBe(VARIATION_NAMES.length);
  });
});
