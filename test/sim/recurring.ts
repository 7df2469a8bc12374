import { SWEEP_EVERY_MS } from './bounds.ts';
import { unitOf } from './prng.ts';

/** The TTL's delay, as measured by others; "within two days" is what is promised. */
const TTL_LAG_MS: readonly [number, number] = [600_000, 1_680_000];

/** When an installation's first sweep is, after the start. */
export function firstSweepMs(seed: number, installation: string): number {
  return Math.floor(unitOf(seed, `sweep ${installation}`) * SWEEP_EVERY_MS);
}

/** How late a timer's row is deleted. `name` is the timer's: `ttl a m1.0` for the first of the first mint. */
export function ttlLagMs(seed: number, name: string): number {
  const [least, most] = TTL_LAG_MS;
  return least + Math.floor(unitOf(seed, name) * (most - least));
}
