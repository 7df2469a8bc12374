import type { MadeToken } from './ledger.ts';
import type { Place } from './place.ts';
import type { Run } from './run.ts';

/** The next token may lag longer than the one that was measured. */
const LAG_FACTOR = 1.5;

/**
 * Waits until GET and the list can be expected to show what was made last, by the lags that were measured.
 *
 * @returns whether they can at all: a list that never showed the first token in time is not waited for.
 */
export async function settle({ line }: Run, place: Place, made: readonly MadeToken[]): Promise<boolean> {
  const { listLagMs, getLagMs } = place;
  if (listLagMs === undefined || getLagMs === undefined) return false;
  const lastMs = Math.max(0, ...made.map(({ endedAtMs }) => endedAtMs));
  await line.sleep(lastMs + LAG_FACTOR * Math.max(listLagMs, getLagMs) - line.nowMs());
  return true;
}
