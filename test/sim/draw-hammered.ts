import { drawPlan } from './draw-plan.ts';
import { REQUESTS_PER_MINUTE } from './hammer.ts';
import type { Happening, Plan } from './plan.ts';
import { Dice } from './prng.ts';

/**
 * A history in which nothing fails, Docker Hub takes 60 requests a minute, and one caller hammers while leases of others end: all within
 * the minutes in which it does.
 */
export function drawHammered(seed: number): Plan {
  const { aims: _, habits: __, hostSkewMs: ___, ...plan } = drawPlan(seed);
  const dice = new Dice(seed);
  const [installation = 'a'] = plan.installations;
  const { secret } = dice.pick(plan.targets);
  const targets = plan.targets.map(({ name, username, secret: own, organization }) => ({
    ...{ name, username, secret: own },
    ...(organization !== undefined && { organization }),
  }));
  const mint = { does: 'mint', installation, secret } as const;
  const happenings: Happening[] = [{ ...mint, atMs: 1_000, mint: 'm0', ttlSeconds: 3_000 }];
  for (let n = 1; n <= 12; n++) {
    const ttlSeconds = dice.pick([60, 90, 120]);
    happenings.push({ ...mint, atMs: 2_000 + dice.whole(0, 300_000), mint: `m${n}`, ttlSeconds });
  }
  const storm: Happening = { atMs: 3_000, does: 'hammer', mint: 'm0', everyMs: 250, times: 2_000, deletes: false };
  return {
    ...plan,
    targets,
    happenings: [...happenings, storm].sort((one, other) => one.atMs - other.atMs),
    intensities: {},
    listLagMs: 0,
    faultsEndMs: 600_000,
    requestsPerMinute: REQUESTS_PER_MINUTE,
    pageSize: 100,
  };
}
