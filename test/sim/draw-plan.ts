import { HOST_SKEW_MS } from './bounds.ts';
import { drawFacts, drawHabits, drawListLagMs, drawRefusal } from './draw-habits.ts';
import { drawHappenings } from './draw-happenings.ts';
import type { Aim, FaultKind, Intensities } from './faults.ts';
import type { Habits } from './habits.ts';
import { HAMMERED, withHammer } from './hammer.ts';
import type { InstallationName, Plan, PlannedTarget } from './plan.ts';
import { Dice } from './prng.ts';
import { CELLS } from './steps.ts';
import { isRare, type Want, wayTo } from './wants.ts';

const TARGETS: readonly PlannedTarget[] = [
  { name: 'bot', username: 'acme-bot', secret: 'ci/push' },
  { name: 'acme', username: 'acme-owner', organization: 'acme', secret: 'ci/pull' },
];

/** How strong each kind may be. `duplicate` is rare: nobody repeats a create. */
const STRENGTHS: readonly (readonly [FaultKind, readonly number[]])[] = [
  ['fail', [0.01, 0.04, 0.15]],
  ['lose', [0.01, 0.04, 0.15]],
  ['late', [0.01, 0.04, 0.1, 0.4]],
  ['twice', [0.01, 0.05, 0.2]],
  ['stall', [0.01, 0.05]],
  ['freeze', [0.005, 0.03]],
  ['crash_before', [0.005, 0.03]],
  ['crash_after', [0.005, 0.03]],
  ['throttle', [0.02, 0.1]],
  ['refuse', [0.01, 0.05]],
  ['decline', [0.02, 0.1]],
  ['reject', [0.02, 0.1]],
  ['repeat', [0.02, 0.1]],
  ['drop', [0.1, 0.5, 1]],
  ['delay', [0.1, 0.5]],
];

/** Where these are wanted, Docker Hub must end tokens by itself when it was asked to. */
const MUST_END: readonly Want[] = ['deletion', 'removal', 'expiry'];

/**
 * How hard a history is drawn. `harsh` adds careless admins (who change accounts under open leases, change passwords while a
 * target drains, and share one second factor between installations) and coincidences that chance alone hardly ever makes.
 */
export type Harshness = 'usual' | 'harsh';

/** Lays out a history from its seed. */
export function drawPlan(seed: number, harshness: Harshness = 'usual'): Plan {
  const dice = new Dice(seed);
  const faulty = !dice.chance(0.1);
  const aims = faulty && dice.chance(0.7) ? drawAims(dice) : [];
  const wants = new Set(aims.flatMap(({ step }) => wayTo(step).wants));
  const chosen = dice.chance(0.3)
    ? TARGETS
    : ([dice.chance(0.7) ? TARGETS[0] : TARGETS[1]] as readonly PlannedTarget[]);
  const mustEnd = MUST_END.some((want) => wants.has(want));
  const { expiry, ...others } = drawHabits(dice, wants);
  const habits: Habits = { ...others, ...(expiry !== undefined && !mustEnd && { expiry }) };
  const listLagMs = drawListLagMs(dice);
  const targets = chosen.map((target) => ({
    ...target,
    ...drawFacts(dice, habits, listLagMs, target),
    ...drawRefusal(dice, wants),
    ...((dice.chance(0.3) || wants.has('renewal')) && { renewable: true }),
    ...((dice.chance(0.2) || wants.has('quota')) && { maxActive: dice.whole(1, 2) }),
  }));
  const installations: readonly InstallationName[] = dice.chance(0.25) ? ['a', 'b'] : ['a'];
  const faultsEndMs = dice.whole(wants.size === 0 ? 600_000 : 1_200_000, 1_800_000);
  const hubExpires = dice.chance(0.5) || mustEnd;
  const startMs = 1_798_761_600_000 + dice.whole(0, 86_400_000);
  const hubEnds = hubExpires && (habits.expiry === undefined || habits.expiry === 'minute_start');
  const harsh = harshness === 'harsh';
  const secondFactor = dice.chance(0.3) && (harsh || installations.length === 1) ? ['acme-bot'] : [];
  const frame = {
    seed,
    wants,
    harsh,
    startMs,
    secondFactor,
    faulty,
    targets,
    installations,
    faultsEndMs,
    hubExpires,
    hubEnds,
  };
  const happenings = drawHappenings(dice, frame);
  const requestsPerMinute = dice.chance(0.1) ? dice.whole(12, 60) : undefined;
  const plan: Plan = {
    seed,
    startMs,
    installations,
    targets,
    secondFactor,
    // Where requests are few, pages are long: no account can be read to its end otherwise.
    pageSize: requestsPerMinute === undefined ? dice.pick([7, 10, 20, 100]) : 100,
    listLagMs,
    settleMs: dice.chance(0.4) || wants.has('removal') ? 0 : 5_000,
    hubSkewMs: dice.chance(0.7) ? 0 : dice.whole(-8_000, 8_000),
    hubExpires,
    listsExpired: dice.chance(0.5),
    schedulerWindowMs: dice.chance(0.5) ? 60_000 : 20,
    intensities: faulty ? drawIntensities(dice) : {},
    faultPlace: dice.pick(['everywhere', 'everywhere', 'hub', 'stores']),
    faultsEndMs,
    ...(aims.length > 0 && { aims }),
    ...(Object.keys(habits).length > 0 && { habits }),
    happenings,
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(dice.chance(0.3) && { hostSkewMs: dice.whole(500, HOST_SKEW_MS) }),
    listOrder: dice.pick(['newest_first', 'oldest_first']),
  };
  return dice.chance(HAMMERED) ? withHammer(dice, plan, faulty ? 'as drawn' : 'few requests') : plan;
}

function drawIntensities(dice: Dice): Intensities {
  const drawn: Partial<Record<FaultKind, number>> = {};
  for (const [kind, strengths] of STRENGTHS) if (dice.chance(0.3)) drawn[kind] = dice.pick(strengths);
  if (dice.chance(0.04)) drawn.duplicate = 0.5;
  return drawn;
}

const RARE_CELLS = CELLS.filter(({ step }) => isRare(step));

/** One fault anywhere, and one where histories seldom come, with what brings this one there. */
function drawAims(dice: Dice): readonly Aim[] {
  const rare = dice.pick(RARE_CELLS);
  return [
    ...(wayTo(rare.step).after ?? []),
    { ...rare, nth: 0 },
    { ...dice.pick(CELLS), nth: dice.pick([0, 0, 0, 1, 2]) },
  ];
}
