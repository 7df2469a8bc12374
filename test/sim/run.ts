import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Ablation } from './ablation.ts';
import { printCoverage } from './coverage.ts';
import { drawPlan } from './draw-plan.ts';
import { runHistory } from './history.ts';
import { whole } from './numbers.ts';
import { runSeeds, shareOut, type Tally, type Trace, total } from './seeds.ts';
import { shrink } from './shrink.ts';
import { inWorker } from './worker.ts';

/** Where a failing history goes when nobody says. */
const SAVED = join(tmpdir(), 'hublease-sim-failure.json');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      'first-seed': { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      replay: { type: 'string' },
      harsh: { type: 'boolean', default: false },
      reached: { type: 'boolean', default: false },
      coverage: { type: 'boolean', default: false },
      save: { type: 'string', default: SAVED },
    },
  });
  if (values.replay !== undefined) return replay(values.replay);
  const harshness = values.harsh ? 'harsh' : 'usual';
  const all = {
    first: whole(values['first-seed'], 'first-seed'),
    count: whole(values.seeds, 'seeds'),
    harshness,
  } as const;
  const jobs = Math.max(1, whole(values.jobs, 'jobs'));
  const startedMs = performance.now();
  const tally =
    jobs === 1
      ? await runSeeds(all)
      : total(await Promise.all(shareOut(all, jobs).map((share) => inWorker('seeds', share))));
  const seconds = (performance.now() - startedMs) / 1_000;
  for (const { seed, violation } of tally.failures) {
    console.log(`seed ${seed}: ${violation.invariant} at +${violation.atMs / 1_000} s: ${violation.detail}`);
  }
  const worst = tally.failures[0];
  if (worst !== undefined) {
    await explain({ plan: drawPlan(worst.seed, harshness), faults: worst.faults }, values.save);
  }
  if (values.reached) {
    for (const [what, times] of [...tally.reached].sort()) console.log(`${String(times).padStart(8)} ${what}`);
  }
  const covered = values.coverage ? printCoverage(tally) : true;
  printSum(tally, seconds);
  return tally.failures.length === 0 && covered ? 0 : 1;
}

function printSum({ histories, answered, faults, failures, hash }: Tally, seconds: number): void {
  console.log(`${answered} tokens answered, ${faults} faults`);
  const rate = (histories / seconds).toFixed(0);
  const digits = hash.toString(16).padStart(8, '0');
  console.log(`${histories} histories, ${failures.length} violations, ${rate} histories/s, hash ${digits}`);
}

/** Tells a saved history again, without the guard that it names where it does so. */
async function replay(file: string): Promise<number> {
  const { plan, faults, ablation, shows } = JSON.parse(readFileSync(file, 'utf8')) as Trace;
  const result = await runHistory(plan, { faults, keepsLog: true });
  for (const line of result.log) console.log(line);
  if (shows !== undefined) console.log(`Shows: ${shows}.`);
  if (ablation !== undefined) await replayWithout({ plan, faults }, ablation);
  console.log(`1 histories, ${result.violations.length} violations, hash ${result.hash}`);
  return result.violations.length === 0 ? 0 : 1;
}

async function replayWithout(trace: Trace, ablation: Ablation): Promise<void> {
  const [violation] = await inWorker('trace', { trace, ablation });
  console.log(`Without ${ablation}: ${violation === undefined ? 'no violation' : violation.detail}.`);
}

/** Shrinks a failing history, prints what is left of it and keeps it. */
async function explain(failing: Trace, file: string): Promise<void> {
  const trace = await shrink(failing);
  const { happenings, intensities: _, aims: __, ...rest } = trace.plan;
  console.log(`\nseed ${rest.seed}, shrunk: ${JSON.stringify(rest)}`);
  for (const happening of happenings) console.log(`  ${JSON.stringify(happening)}`);
  for (const fault of trace.faults) console.log(`  fault ${fault.kind} ${fault.ms} at ${fault.key}`);
  const { log } = await runHistory(trace.plan, { faults: trace.faults, keepsLog: true });
  for (const line of log) console.log(`    ${line}`);
  writeFileSync(file, `${JSON.stringify(trace, undefined, 1)}\n`);
  console.log(`\nTell it again: npm run sim -- --replay ${file}`);
}

process.exitCode = await main();
