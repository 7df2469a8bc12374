import type { CreateResult } from './api.ts';
import type { Order, Place } from './place.ts';
import type { Run } from './run.ts';

const DAY_SECONDS = 86_400;
/** Asked for in turn where Docker Hub refuses one with a 400: an hour, more than a day, none. */
const LIVES_SECONDS: readonly (number | null)[] = [3_600, DAY_SECONDS + 3_600, null];
/** A create whose answer was lost is followed by another, under a label of its own. */
const MAX_LOST = 2;

export interface FirstCreate {
  readonly result: CreateResult;
  /** Refusals before it, as hublease reads them. */
  readonly refused: readonly CreateResult[];
}

/**
 * Makes the first token of a place, and learns which order Docker Hub takes: a scope that the plan allows, and an expiry. All
 * further creates ask for the same. The last answer where none was made.
 */
export async function makeFirst(run: Run, place: Place): Promise<FirstCreate> {
  const refused: CreateResult[] = [];
  let lost = 0;
  for (;;) {
    const result = await run.api.create(place, 'first');
    if (result.reply.ok) return { result, refused };
    refused.push(result);
    const { tag } = result.reply.problem;
    if (tag === 'fault' && lost < MAX_LOST) {
      lost++;
      continue;
    }
    const next = nextOrder(place.order, tag);
    if (next === undefined) return { result, refused };
    place.order = next;
  }
}

/** What to ask for after a refusal; undefined where nothing is left. */
function nextOrder(order: Order, problem: string): Order | undefined {
  // Plans once took no scope but this one. It is an account that nobody needs.
  if (problem === 'plan' && order.scope !== undefined && order.scope !== 'repo:admin') {
    return { ...order, scope: 'repo:admin' };
  }
  if (problem !== 'invalid') return undefined;
  const next = LIVES_SECONDS[LIVES_SECONDS.indexOf(order.lifeSeconds) + 1];
  return next === undefined ? undefined : { ...order, lifeSeconds: next };
}
