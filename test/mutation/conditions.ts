import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { canRunDynamodbLocal, SHARED_DYNAMODB, startDynamodbLocal } from '../aws/dynamodb-local.ts';
import { findMotoPython, SHARED_MOTO, startMoto } from '../aws/moto.ts';
import { whyHarmless } from './harmless.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { type MutantRunner, mutantRunner, type Run } from './run-mutant.ts';
import { type Backing, type StoreSuites, storeSources, suitesOf } from './store-suites.ts';

/*
 * Takes away, or moves by a hair, each condition of the stores in turn, in code, DynamoDB expressions and SQL, and expects the
 * stores' suites to fail each time. `npm run mutate:conditions`; with `PATH` or `PATH:LINE:` behind `--`, those alone; `--jobs 2` runs
 * two at a time; `--verbose` prints what killed each; `--harmless` runs those that are listed to change nothing, and expects
 * the suites to pass.
 */

/** Longest run of suites over the sources as they are. */
const MAX_RUN_MS = 600_000;

/** Tests of one source that are tried first. */
const MAX_KILLERS = 12;

/** A run with a mutant is endless when it takes as many times as long as one without, and this besides. */
const ENDLESS_TIMES = 3;
const ENDLESS_BESIDES_MS = 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '1' }, verbose: { type: 'boolean' }, harmless: { type: 'boolean' } },
});

interface Tally {
  conditions: number;
  killed: number;
  survived: number;
  harmless: number;
}

process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  const jobs = Math.min(availableParallelism(), Math.max(1, Math.floor(Number(values.jobs)) || 1));
  const wanted = (name: string) => positionals.length === 0 || positionals.some((each) => name.startsWith(each));
  const sources = storeSources().filter(
    (file) => wanted(file) || positionals.some((each) => each.startsWith(`${file}:`)),
  );
  const backings = new Set(sources.map((file) => (suitesOf(file) as StoreSuites).backing));
  // So that what was started ends with this process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const { running, close } = await startBackings(backings);
  const runners = Array.from({ length: jobs }, mutantRunner);
  try {
    const tested = sources.filter((file) => running.has((suitesOf(file) as StoreSuites).backing));
    const total: Tally = { conditions: 0, killed: 0, survived: 0, harmless: 0 };
    const mostMs = new Map<StoreSuites, number>();
    for (const file of tested) {
      const suites = suitesOf(file) as StoreSuites;
      const mutants = mutantsOf(file, sourceOf(file)).filter(({ line }) => wanted(`${file}:${line}:`));
      if (mutants.length === 0) continue;
      if (!mostMs.has(suites)) mostMs.set(suites, await longestOf(runners[0] as MutantRunner, suites));
      const tally = await tryAll(runners, mutants, suites, mostMs.get(suites) as number);
      for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key];
      const counts = `${tally.conditions} conditions, ${tally.killed} killed, ${tally.harmless} harmless`;
      if (values.harmless !== true) print(`${file}: ${counts}`);
    }
    if (values.harmless === true) {
      print(`${total.survived} changes are harmless, ${total.killed} are not`);
      return total.killed === 0;
    }
    if (total.harmless > 0) print(`${total.harmless} more changes are listed as harmless in test/mutation/harmless.ts`);
    print(`${total.conditions} conditions, ${total.killed} killed, ${total.survived} survived`);
    return total.survived === 0;
  } finally {
    for (const runner of runners) runner.close();
    await close();
  }
}

/** Runs the suites over the sources as they are, and says how long a run with a mutant may take. */
async function longestOf(runner: MutantRunner, suites: StoreSuites): Promise<number> {
  const fromMs = performance.now();
  const run = await runner.run(suites, undefined, MAX_RUN_MS);
  if (run.outcome !== 'passed') throw new Error(`the suites fail as it is: ${JSON.stringify(run)}`);
  return (performance.now() - fromMs) * ENDLESS_TIMES + ENDLESS_BESIDES_MS;
}

async function tryAll(
  runners: readonly MutantRunner[],
  mutants: readonly Mutant[],
  suites: StoreSuites,
  mostMs: number,
): Promise<Tally> {
  const tally: Tally = { conditions: 0, killed: 0, survived: 0, harmless: 0 };
  const queue = [...mutants];
  const killers: string[] = [];
  async function work(runner: MutantRunner): Promise<void> {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const why = whyHarmless(mutant, sourceOf(mutant.file));
      if (why !== undefined) tally.harmless += 1;
      if ((why !== undefined) !== (values.harmless === true)) continue;
      tally.conditions += 1;
      const run = await runWithKillers(runner, killers, mutant, suites, mostMs);
      const isKilled = run.outcome === 'failed' || run.outcome === 'endless';
      tally[isKilled ? 'killed' : 'survived'] += 1;
      if (values.harmless === true) print(`${isKilled ? 'NOT HARMLESS' : 'harmless'}: ${shown(mutant)} (${why})`);
      else if (!isKilled) print(`${run.outcome === 'unread' ? `UNREAD (${run.why})` : 'SURVIVED'} ${shown(mutant)}`);
      else if (values.verbose === true) {
        print(`killed ${shown(mutant)} by ${run.outcome === 'failed' ? `${run.by}: ${run.why}` : 'never ending'}`);
      }
    }
  }
  await Promise.all(runners.map(work));
  return tally;
}

/** Begins with the tests that killed the mutants beside it, for they often kill this one too; then runs all. */
async function runWithKillers(
  runner: MutantRunner,
  killers: string[],
  mutant: Mutant,
  suites: StoreSuites,
  mostMs: number,
): Promise<Run> {
  const first = killers.length === 0 ? undefined : await runner.run(suites, mutant, mostMs, killers);
  if (first !== undefined && first.outcome !== 'passed' && first.outcome !== 'empty') return first;
  const run = await runner.run(suites, mutant, mostMs);
  if (run.outcome === 'failed' && run.isTest) {
    killers.unshift(run.by);
    killers.splice(MAX_KILLERS);
  }
  return run;
}

/** Starts what the suites need once for all mutants. What this machine cannot run is left out, after a line that says so. */
async function startBackings(wanted: ReadonlySet<Backing>) {
  const running = new Set<Backing>(['none']);
  const ends: (() => Promise<void>)[] = [];
  if (wanted.has('dynamodb') && canRunDynamodbLocal()) {
    const local = await startDynamodbLocal();
    process.env[SHARED_DYNAMODB] = local.endpoint;
    ends.push(() => local.stop());
    running.add('dynamodb');
  }
  const python = wanted.has('moto') ? findMotoPython() : undefined;
  if (python !== undefined) {
    const moto = await startMoto(python);
    process.env[SHARED_MOTO] = moto.endpoint;
    ends.push(() => moto.close());
    running.add('moto');
  }
  return { running, close: async () => void (await Promise.all(ends.map((end) => end()))) };
}

function sourceOf(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
}

function shown({ file, line, original, replacement }: Mutant): string {
  const text = (code: string) => JSON.stringify(code.replace(/\s+/g, ' '));
  return `${file}:${line} ${text(original)} became ${text(replacement)}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
