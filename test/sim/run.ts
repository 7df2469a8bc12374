import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Ablation } from './ablation.ts';
import type { Fault } from './faults.ts';
import { runHistory } from './history.ts';
import type { Violation } from './invariants.ts';
import { drawPlan, type Harshness, type Plan } from './plan.ts';
import { hashText } from './prng.ts';
import { shrink } from './shrink.ts';

/** A history that can be told again, whatever becomes of the code that drew it. */
export interface Trace {
  /** What it shows, in a sentence. */
  readonly shows?: string;
  /** The guard without which it breaks a promise; absent for what a change of core has put right. */
  readonly ablation?: Ablation;
  readonly plan: Plan;
  readonly faults: readonly Fault[];
}

/** What a run over many seeds came to. */
export interface Tally {
  readonly histories: number;
  readonly answered: number;
  readonly faults: number;
  readonly hash: number;
  readonly reached: ReadonlyMap<string, number>;
  readonly failures: readonly {
    readonly seed: number;
    readonly violation: Violation;
    readonly faults: readonly Fault[];
  }[];
}

/** Runs every `step`th seed from `first`, `count` in all. The hash does not depend on how seeds are shared out. */
export async function runSeeds(
  first: number,
  count: number,
  options: {
    readonly step?: number;
    readonly ablation?: Ablation;
    readonly harshness?: Harshness;
    readonly mostFailures?: number;
  } = {},
): Promise<Tally> {
  const { step = 1, ablation = 'none', harshness = 'usual', mostFailures = Number.POSITIVE_INFINITY } = options;
  const failures: Tally['failures'][number][] = [];
  const reached = new Map<string, number>();
  let [answered, faults, hash, histories] = [0, 0, 0, 0];
  for (let n = 0; n < count && failures.length < mostFailures; n++) {
    const seed = first + n * step;
    const result = await runHistory(drawPlan(seed, harshness), { ablation });
    histories += 1;
    answered += result.answered;
    faults += result.faults.length;
    hash = (hash + hashText(result.hash, seed)) % 0x1_0000_0000;
    add(reached, result.reached);
    for (const { kind } of result.faults) add(reached, new Map([[`fault ${kind}`, 1]]));
    const violation = result.violations[0];
    if (violation !== undefined) failures.push({ seed, violation, faults: result.faults });
  }
  return { histories, answered, faults, hash, reached, failures };
}

function add(to: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [what, count] of more) to.set(what, (to.get(what) ?? 0) + count);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      'first-seed': { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      replay: { type: 'string' },
      ablation: { type: 'string', default: 'none' },
      harsh: { type: 'boolean', default: false },
      reached: { type: 'boolean', default: false },
      save: { type: 'string' },
    },
  });
  const ablation = values.ablation as Ablation;
  if (values.replay !== undefined) return replay(values.replay, ablation);
  const harshness = values.harsh ? 'harsh' : 'usual';
  const first = whole(values['first-seed'], 'first-seed');
  const count = whole(values.seeds, 'seeds');
  const jobs = Math.max(1, whole(values.jobs, 'jobs'));
  const startedMs = performance.now();
  const tally =
    jobs === 1
      ? await runSeeds(first, count, { ablation, harshness })
      : await inWorkers(jobs, { first, count, step: jobs, ablation, harshness });
  const seconds = (performance.now() - startedMs) / 1_000;
  for (const { seed, violation } of tally.failures) {
    console.log(`seed ${seed}: ${violation.invariant} at +${violation.atMs / 1_000} s: ${violation.detail}`);
  }
  const worst = tally.failures[0];
  if (worst !== undefined)
    await explain({ plan: drawPlan(worst.seed, harshness), faults: worst.faults }, ablation, values.save);
  if (values.reached) {
    for (const [what, count] of [...tally.reached].sort()) console.log(`${String(count).padStart(8)} ${what}`);
  }
  const rate = (tally.histories / seconds).toFixed(0);
  const hash = tally.hash.toString(16).padStart(8, '0');
  console.log(`${tally.answered} tokens answered, ${tally.faults} faults`);
  console.log(`${tally.histories} histories, ${tally.failures.length} violations, ${rate} histories/s, hash ${hash}`);
  return tally.failures.length === 0 ? 0 : 1;
}

function whole(text: string, name: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} takes a whole number`);
}

async function replay(file: string, ablation: Ablation): Promise<number> {
  const trace = JSON.parse(readFileSync(file, 'utf8')) as Trace;
  const result = await runHistory(trace.plan, { faults: trace.faults, ablation, keepsLog: true });
  for (const line of result.log) console.log(line);
  console.log(`1 histories, ${result.violations.length} violations, hash ${result.hash}`);
  return result.violations.length === 0 ? 0 : 1;
}

/** Shrinks a failing history and prints what is left of it. */
async function explain(failing: Trace, ablation: Ablation, save: string | undefined): Promise<void> {
  const trace = await shrink(failing, ablation);
  const { happenings, intensities: _, ...rest } = trace.plan;
  console.log(`\nseed ${rest.seed}, shrunk: ${JSON.stringify(rest)}`);
  for (const happening of happenings) console.log(`  ${JSON.stringify(happening)}`);
  for (const fault of trace.faults) console.log(`  fault ${fault.kind} ${fault.ms} at ${fault.key}`);
  const { log } = await runHistory(trace.plan, { faults: trace.faults, ablation, keepsLog: true });
  for (const line of log) console.log(`    ${line}`);
  if (save !== undefined) writeFileSync(save, `${JSON.stringify(trace, undefined, 1)}\n`);
}

interface Share {
  readonly first: number;
  readonly count: number;
  readonly step: number;
  readonly ablation: Ablation;
  readonly harshness: Harshness;
}

async function inWorkers(jobs: number, all: Share): Promise<Tally> {
  const shares = Array.from({ length: jobs }, (_, job): Share => {
    return { ...all, first: all.first + job, count: Math.floor((all.count - job + jobs - 1) / jobs) };
  });
  const tallies = await Promise.all(
    shares.map(
      (share) =>
        new Promise<Tally>((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: share });
          worker.once('message', resolve).once('error', reject);
        }),
    ),
  );
  const reached = new Map<string, number>();
  for (const tally of tallies) add(reached, tally.reached);
  return {
    reached,
    histories: sum(tallies.map((tally) => tally.histories)),
    answered: sum(tallies.map((tally) => tally.answered)),
    faults: sum(tallies.map((tally) => tally.faults)),
    hash: sum(tallies.map((tally) => tally.hash)) % 0x1_0000_0000,
    failures: tallies.flatMap((tally) => tally.failures).sort((one, other) => one.seed - other.seed),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

if (!isMainThread && isShare(workerData)) {
  const { first, count, ...options } = workerData;
  parentPort?.postMessage(await runSeeds(first, count, options));
} else if (import.meta.main) {
  process.exitCode = await main();
}

function isShare(data: unknown): data is Share {
  return typeof data === 'object' && data !== null && 'step' in data && 'first' in data;
}
