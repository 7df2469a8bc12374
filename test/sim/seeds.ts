import type { Ablation } from './ablation.ts';
import { drawPlan, type Harshness } from './draw-plan.ts';
import type { Fault } from './faults.ts';
import { runHistory } from './history.ts';
import type { Violation } from './invariants.ts';
import type { Plan } from './plan.ts';
import { hashText } from './prng.ts';
import { stepOfKey } from './steps.ts';

/** A history that can be told again, whatever becomes of the code that drew it. */
export interface Trace {
  /** What it shows, in a sentence. */
  readonly shows?: string;
  /** The guard without which it breaks a promise; absent for what a change of core has put right. */
  readonly ablation?: Ablation;
  readonly plan: Plan;
  readonly faults: readonly Fault[];
}

/** Which seeds to run: every `step`th from `first`, `count` in all. */
export interface SeedShare {
  readonly first: number;
  readonly count: number;
  readonly step?: number;
  readonly ablation?: Ablation;
  readonly harshness?: Harshness;
  /** Stop after so many failures. */
  readonly mostFailures?: number;
}

/** What a run over many seeds came to. */
export interface Tally {
  readonly histories: number;
  readonly answered: number;
  readonly faults: number;
  readonly hash: number;
  /** How often each kind of thing came about; `cell STEP KIND` for each fault that struck. */
  readonly reached: ReadonlyMap<string, number>;
  readonly failures: readonly {
    readonly seed: number;
    readonly violation: Violation;
    readonly faults: readonly Fault[];
  }[];
}

/** Runs seeds one after the other. The hash does not depend on how seeds are shared out. */
export async function runSeeds(share: SeedShare): Promise<Tally> {
  const { first, count, step = 1, ablation = 'none', harshness = 'usual' } = share;
  const failures: Tally['failures'][number][] = [];
  const reached = new Map<string, number>();
  let [answered, faults, hash, histories] = [0, 0, 0, 0];
  for (let n = 0; n < count && failures.length < (share.mostFailures ?? Number.POSITIVE_INFINITY); n++) {
    const seed = first + n * step;
    const result = await runHistory(drawPlan(seed, harshness), { ablation });
    histories += 1;
    answered += result.answered;
    faults += result.faults.length;
    hash = (hash + hashText(result.hash, seed)) % 0x1_0000_0000;
    for (const [what, times] of result.reached) add(reached, what, times);
    for (const { key, kind } of result.faults) add(reached, `cell ${stepOfKey(key)} ${kind}`, 1);
    const violation = result.violations[0];
    if (violation !== undefined) failures.push({ seed, violation, faults: result.faults });
  }
  return { histories, answered, faults, hash, reached, failures };
}

/** Shares seeds out to so many jobs, as evenly as can be. */
export function shareOut(all: SeedShare, jobs: number): readonly SeedShare[] {
  return Array.from({ length: jobs }, (_, job) => {
    return { ...all, first: all.first + job, count: Math.floor((all.count - job + jobs - 1) / jobs), step: jobs };
  });
}

/** What shares of one run came to together. */
export function total(tallies: readonly Tally[]): Tally {
  const reached = new Map<string, number>();
  for (const tally of tallies) for (const [what, times] of tally.reached) add(reached, what, times);
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  return {
    reached,
    histories: sum((tally) => tally.histories),
    answered: sum((tally) => tally.answered),
    faults: sum((tally) => tally.faults),
    hash: sum((tally) => tally.hash) % 0x1_0000_0000,
    failures: tallies.flatMap((tally) => tally.failures).sort((one, other) => one.seed - other.seed),
  };
}

function add(to: Map<string, number>, what: string, times: number): void {
  to.set(what, (to.get(what) ?? 0) + times);
}
