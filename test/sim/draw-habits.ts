import type { Verification } from '../../functions/core/model/target.ts';
import type { MintRefusal } from '../../functions/core/ports/sessions.ts';
import { leastLagMs, MAX_LIST_LAG_MS, MAX_USUAL_LAG_MS } from './bounds.ts';
import type { DeleteHabit, ExpiryHabit, Habits, LabelHabit } from './habits.ts';
import type { PlannedTarget } from './plan.ts';
import type { Dice } from './prng.ts';
import type { Want } from './wants.ts';

const DAY_SECONDS = 86_400;
/** Characters of our mark: a label cut to fewer cannot be told to be ours. */
const MARK_CHARACTERS = 59;
const LABEL_LENGTHS = [20, 39, 40, 50, 58, 59, 64, 99] as const;
const REFUSALS: readonly MintRefusal[] = ['expiry_refused', 'label_refused', 'list_lags'];

/** Draws how a Docker Hub differs from the documented one; most do not. */
export function drawHabits(dice: Dice, wants: ReadonlySet<Want>): Habits {
  const slow = wants.has('slow_delete') ? { deletes: drawDeletes(dice) } : {};
  if (!dice.chance(0.4)) return slow;
  return {
    ...(dice.chance(0.3) && { expiry: dice.pick<ExpiryHabit>(['ignored', 'raised', 'day_end', 'minute_start']) }),
    ...(dice.chance(0.3) && { label: drawLabel(dice) }),
    ...(dice.chance(0.25) && { creator: dice.pick(['missing', 'proxy'] as const) }),
    ...(dice.chance(0.1) && { times: 'missing' as const }),
    ...(dice.chance(0.35) && { deletes: drawDeletes(dice) }),
    ...(dice.chance(0.08) && { hiddenTokens: dice.whole(1, 3) }),
    ...(dice.chance(0.15) && { largestPage: 50 }),
    ...(dice.chance(0.15) && { getLagMs: dice.whole(500, 3_000) }),
    ...slow,
  };
}

function drawLabel(dice: Dice): LabelHabit {
  return dice.chance(0.3) ? { lowerCase: true } : { maxCharacters: dice.pick(LABEL_LENGTHS) };
}

function drawDeletes(dice: Dice): DeleteHabit {
  const soft = dice.chance(0.3) ? { soft: true as const } : {};
  if (soft.soft === true && dice.chance(0.5)) return { answers: 204, takesMs: 0, ...soft };
  if (dice.chance(0.3)) return { answers: 202, ...soft };
  return { answers: 202, takesMs: dice.magnitude(500, 300_000), ...soft };
}

/** How far a list lags at most: not at all, as usual, or far. */
export function drawListLagMs(dice: Dice): number {
  if (dice.chance(0.5)) return 0;
  return dice.chance(0.75) ? dice.whole(100, MAX_USUAL_LAG_MS) : dice.whole(MAX_USUAL_LAG_MS, MAX_LIST_LAG_MS);
}

/**
 * Draws what hublease knows of a target: what a verification would learn of these habits, what one learned before labels and expiries
 * changed, or nothing. What it knows of lists and creators is always right: it relies on that when it believes a list.
 */
export function drawFacts(
  dice: Dice,
  habits: Habits,
  listLagMs: number,
  { organization }: PlannedTarget,
): Pick<PlannedTarget, 'verified' | 'measuredLagMs' | 'allowUnprovenExpiry'> {
  const { expiry, label } = habits;
  const allows = expiry === 'ignored' && dice.chance(0.5);
  const allowed = allows ? { allowUnprovenExpiry: true as const } : {};
  const isKept = label === undefined || (label.lowerCase !== true && (label.maxCharacters ?? 100) >= MARK_CHARACTERS);
  const isProven = expiry !== 'ignored' || allows;
  const knowledge = dice.pick(['now', 'now', 'now', 'before', 'nothing'] as const);
  if (knowledge === 'nothing') {
    const measured = dice.chance(0.3) ? { measuredLagMs: drawListDelayMs(dice, listLagMs) } : {};
    return { verified: null, ...measured, ...allowed };
  }
  const seen: Partial<Verification> = {
    listDelayMs: drawListDelayMs(dice, listLagMs),
    ...(habits.creator === 'proxy' && organization === undefined && { creatorUserAgentKept: false }),
    ...(habits.deletes !== undefined && { deleteStatus: habits.deletes.answers }),
  };
  if (knowledge === 'before' || !isKept || !isProven) return { verified: seen, ...allowed };
  return {
    verified: {
      ...seen,
      ...((expiry === 'raised' || expiry === 'day_end') && { expirySlackSeconds: DAY_SECONDS }),
      ...(label !== undefined && { labelMaxCharacters: MARK_CHARACTERS }),
    },
    ...allowed,
  };
}

function drawListDelayMs(dice: Dice, listLagMs: number): number {
  const least = listLagMs > MAX_USUAL_LAG_MS ? leastLagMs(listLagMs) : 0;
  return dice.whole(least, listLagMs);
}

/** Why mints of a target are refused when the history begins, if they are. */
export function drawRefusal(dice: Dice, wants: ReadonlySet<Want>): Pick<PlannedTarget, 'refusedFor'> {
  return dice.chance(0.05) || wants.has('reverify') ? { refusedFor: dice.pick(REFUSALS) } : {};
}
