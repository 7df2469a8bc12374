import type { FakeHubSettings } from '../../fake-hub/server.ts';
import { VARIATIONS, type Variation, type VariationName } from '../../fake-hub/variations.ts';
import { overspent } from './budget.ts';
import { addNeighbours } from './neighbours.ts';
import { addSecret, putUnverified, putVerified, type TargetSettings } from './orders.ts';
import { prepare } from './prepare.ts';
import { STEPS, type Step, type StepName, take } from './steps.ts';
import { HOUR_MS, MatrixWorld, MINUTE_MS } from './world.ts';

/** A Docker Hub: variations that hold at the same time, and what is set besides. */
export interface Differs {
  readonly variations?: readonly VariationName[];
  readonly settings?: Partial<FakeHubSettings>;
}

/** Docker Hub changes once this step was taken. */
export interface Turn extends Differs {
  readonly after: StepName;
}

export interface Scenario extends Differs {
  /** Whether the target is verified at first. One that is refused is put unverified. */
  readonly isVerified: boolean;
  readonly target?: TargetSettings;
  readonly needs?: Variation['needs'];
  /** All, as they stand in `STEPS`, unless given. */
  readonly steps?: readonly StepName[];
  readonly turns?: readonly Turn[];
  /** What an admin does once the steps are taken. */
  readonly afterwards?: (world: MatrixWorld, steps: readonly Step[]) => Promise<void>;
}

/** How a scenario went. */
export interface Story {
  /** As `putVerified` says; absent where the target was not verified. */
  readonly verification?: string;
  readonly steps: readonly Step[];
  readonly world: MatrixWorld;
  /** How the rule was broken, what was overspent, and what a trigger threw. Nothing, where all is well. */
  readonly faults: readonly string[];
}

const WHOLE_MS = 26 * HOUR_MS;
/** Plays a scenario over 26 hours, and ends the world. */
export async function play(scenario: Scenario): Promise<Story> {
  const { needs } = { ...needsOf(scenario), ...scenario };
  const world = await MatrixWorld.open(needs === undefined ? {} : { needs });
  try {
    addNeighbours(world.hub.control, world.place, world.time.nowMs());
    addSecret(world);
    await change(world, scenario);
    world.startSweeps();
    const verification = scenario.isVerified ? await putVerified(world, scenario.target) : undefined;
    if (world.catalog.targets.all().length === 0) await putUnverified(world, scenario.target);
    const steps: Step[] = [];
    for (const name of scenario.steps ?? STEPS) {
      steps.push(await take(world, name));
      for (const turn of scenario.turns ?? []) if (turn.after === name) await change(world, turn);
      await world.pass(MINUTE_MS);
    }
    await scenario.afterwards?.(world, steps);
    await world.pass(WHOLE_MS);
    const faults = [...world.rule.violations, ...overspent(world), ...world.errors];
    return { steps, world, faults, ...(verification !== undefined && { verification }) };
  } finally {
    await world.close();
  }
}

/** Makes Docker Hub differ from now on. */
export async function change(world: MatrixWorld, { variations = [], settings = {} }: Differs): Promise<void> {
  for (const name of variations) {
    world.hub.control.applyVariation(name, world.place);
    await prepare(world, name);
  }
  world.hub.control.set(settings);
}

function needsOf({ variations = [], turns = [] }: Scenario): Pick<Scenario, 'needs'> {
  const names = [variations, ...turns.map((turn) => turn.variations ?? [])].flat();
  const needs = names.map((name) => (VARIATIONS[name] as Variation).needs).find((need) => need !== undefined);
  return needs === undefined ? {} : { needs };
}
