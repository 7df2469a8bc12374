import type { Happening, Plan } from './plan.ts';
import type { Dice } from './prng.ts';

/** How many histories have a caller who asks without a pause. */
export const HAMMERED = 0.08;
/** What Docker Hub takes of an account where it takes few. */
export const REQUESTS_PER_MINUTE = 60;
/** A look each, and a few ports' calls; more take long and show nothing more. */
const MAX_TIMES = 400;

/** One caller asks for views, lists and perhaps deletions without a pause, from a mint on. */
export function withHammer(dice: Dice, plan: Plan, requests: 'as drawn' | 'few requests'): Plan {
  const { mint, atMs } = dice.pick(plan.happenings.filter((happening) => happening.does === 'mint'));
  const everyMs = dice.whole(300, 3_000);
  const times = Math.min(MAX_TIMES, Math.floor(dice.whole(60_000, 900_000) / everyMs));
  const hammer: Happening = { atMs: atMs + 2_000, does: 'hammer', mint, everyMs, times, deletes: dice.chance(0.3) };
  const happenings = [...plan.happenings, hammer].sort((one, other) => one.atMs - other.atMs);
  // Where requests are few, pages are long: no account can be read to its end otherwise.
  const few = { requestsPerMinute: REQUESTS_PER_MINUTE, pageSize: 100 };
  return { ...plan, happenings, ...(requests === 'few requests' && few) };
}
