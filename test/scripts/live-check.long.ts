import { describe, expect, it } from 'vitest';
import { type FakeFault, seededRandom } from '../../fake-hub/faults.ts';
import { expectNamed, expectPromise, FORMS, type VariationForm } from './live-check-promise.ts';
import { runLiveCheck, type WorldOptions } from './live-check-world.ts';

const MOMENTS = 10;
const STORMS = 200;
const MAX_PROBABILITY = 0.2;

describe('interrupted at ten moments', () => {
  it.concurrent.each(FORMS)(
    'leaves no token where DELETE works, and names each elsewhere: $name',
    async ({ name, ...form }) => {
      for (const hasOrganization of [false, true]) {
        const world: WorldOptions = { ...form, ...(hasOrganization && { hasOrganization }) };
        const { requests } = await runLiveCheck(world);
        const random = seededRandom(1_000 + FORMS.findIndex((each) => each.name === name));
        for (let moment = 0; moment < MOMENTS; moment++) {
          const stopAt = 1 + Math.floor(random() * requests);
          expectPromise(form.variation, await runLiveCheck({ ...world, stopAt }));
        }
      }
    },
  );
});

describe('in a storm of lost answers', () => {
  it('leaves no token, or names each', async () => {
    const random = seededRandom(5);
    let survivors = 0;
    for (let storm = 1; storm <= STORMS; storm++) {
      const kinds = ['reset-before', 'reset-after', 'truncated', 'html-challenge'] as const;
      const probability = (random() * MAX_PROBABILITY) / kinds.length;
      const faults = kinds.map((kind): FakeFault => ({ route: '*', kind, probability }));
      const form = FORMS[Math.floor(random() * FORMS.length)] as VariationForm;
      const stopAt = random() < 0.5 ? { stopAt: 1 + Math.floor(random() * 90) } : {};
      const outcome = await runLiveCheck({ ...form, ...stopAt, faults, seed: storm });
      expectNamed(outcome);
      if (outcome.live.length === 0 && outcome.control.calls().creates > 0) survivors++;
    }
    // Else the storms were such that no question was asked.
    expect(survivors).toBeGreaterThan(STORMS / 4);
  });
});
