import { parseArgs } from 'node:util';
import type { Ablation } from './ablation.ts';
import { RecordedFaults } from './fault-sources.ts';
import type { Fault, FaultKind, Spans } from './faults.ts';
import { runHistory } from './history.ts';
import type { Violation } from './invariants.ts';
import { LIVES, type LifeName } from './life.ts';
import { whole } from './numbers.ts';
import type { Plan } from './plan.ts';
import { hashText } from './prng.ts';
import { inWorker } from './worker.ts';

/** How long each kind lasts here: longer than what core waits for by itself, where there is such a thing. */
const LASTS_MS: Readonly<Partial<Record<FaultKind, number>>> = {
  lose: 4_000,
  late: 15_000,
  twice: 1_000,
  stall: 12_000,
  freeze: 100_000,
  throttle: 30_000,
  repeat: 0,
  delay: 120_000,
};

/** A part of all pairs: those whose first fault is the `share`th of every `of`. */
export interface PairShare {
  readonly share: number;
  readonly of: number;
  readonly ablation?: Ablation;
  /** Absent: the usual one. */
  readonly life?: LifeName;
  /** First faults whose pairs are left out; the singles are run all the same. */
  readonly onlySinglesUnless?: RegExp;
  /** Stop after so many failures. */
  readonly mostFailures?: number;
}

export interface PairTally {
  readonly singles: number;
  readonly pairs: number;
  readonly hash: number;
  readonly failures: readonly { readonly faults: readonly Fault[]; readonly violation: Violation }[];
}

/**
 * Runs one lease's life with every single fault that can strike it, and with every pair: after a first fault, each fault at
 * each call that then comes. None is sampled.
 */
export async function runPairs(part: PairShare): Promise<PairTally> {
  const { share, of, ablation = 'none', life = 'usual', mostFailures = Number.POSITIVE_INFINITY } = part;
  const plan = LIVES[life];
  const failures: PairTally['failures'][number][] = [];
  let [singles, pairs, hash] = [0, 0, 0];
  const run = async (...chosen: Fault[]) => {
    const source = new WatchedFaults(chosen, plan);
    const result = await runHistory(plan, { source, ablation });
    const violation = result.violations[0];
    if (violation !== undefined) failures.push({ faults: chosen, violation });
    hash = (hash + hashText(result.hash, chosen.length)) % 0x1_0000_0000;
    return source;
  };
  const firsts = (await run()).possibleAfter(undefined);
  for (const [at, first] of firsts.entries()) {
    if (at % of !== share) continue;
    if (failures.length >= mostFailures) break;
    singles += 1;
    const source = await run(first);
    if (part.onlySinglesUnless?.test(`${first.key} ${first.kind}`) === false) continue;
    for (const second of source.possibleAfter(first)) {
      if (failures.length >= mostFailures) break;
      pairs += 1;
      await run(first, second);
    }
  }
  return { singles, pairs, hash, failures };
}

/** Knows what else could have gone wrong. */
class WatchedFaults extends RecordedFaults {
  readonly #possible: Fault[] = [];
  readonly #firstOf = new Map<string, number>();
  readonly #untilMs: number;

  constructor(faults: readonly Fault[], { startMs, faultsEndMs }: Plan) {
    super(faults);
    this.#untilMs = startMs + faultsEndMs;
  }

  override at(key: string, kinds: readonly FaultKind[], nowMs = 0, spans: Spans = {}): Fault | undefined {
    if (nowMs < this.#untilMs) {
      for (const kind of kinds) this.#possible.push({ key, kind, ms: spans[kind]?.[1] ?? LASTS_MS[kind] ?? 0 });
      this.#firstOf.set(key, this.#possible.length);
    }
    return super.at(key, kinds);
  }

  /** Every fault at every call after that of a fault. */
  possibleAfter(first: Fault | undefined): readonly Fault[] {
    return this.#possible.slice(first === undefined ? 0 : this.#firstOf.get(first.key));
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { jobs: { type: 'string', default: '2' } } });
  const jobs = Math.max(1, whole(values.jobs, 'jobs'));
  let violations = 0;
  for (const life of Object.keys(LIVES) as LifeName[]) violations += await meet(life, jobs);
  return violations === 0 ? 0 : 1;
}

/** Runs all pairs of one life in so many workers, prints what they came to, and returns the number of violations. */
async function meet(life: LifeName, of: number): Promise<number> {
  const startedMs = performance.now();
  const parts = Array.from({ length: of }, (_, share) => inWorker('pairs', { share, of, life }));
  const tallies = await Promise.all(parts);
  const seconds = (performance.now() - startedMs) / 1_000;
  const sum = (count: (tally: PairTally) => number) => tallies.reduce((total, tally) => total + count(tally), 0);
  for (const { faults, violation } of tallies.flatMap((tally) => tally.failures).slice(0, 20)) {
    console.log(`${violation.invariant}: ${violation.detail}`);
    for (const fault of faults) console.log(`  ${fault.kind} ${fault.ms} at ${fault.key}`);
  }
  const [singles, pairs] = [sum((tally) => tally.singles), sum((tally) => tally.pairs)];
  const violations = sum((tally) => tally.failures.length);
  const rate = ((singles + pairs) / seconds).toFixed(0);
  console.log(`${life}: ${singles} single faults, ${pairs} pairs, ${violations} violations, ${rate} histories/s`);
  return violations;
}

if (import.meta.main) process.exitCode = await main();
