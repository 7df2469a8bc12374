import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ABLATIONS, type Ablation, type Sighting, seenInPairs, seenInSeeds, seenInTrace } from './ablation.ts';
import { runHistory } from './history.ts';
import { whole } from './numbers.ts';
import type { Trace } from './seeds.ts';

/** Random histories within which the lack of a guard is looked for first. */
const MAX_SEEDS = 20_000;
const TRACES = new URL('./traces/', import.meta.url);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { seeds: { type: 'string', default: String(MAX_SEEDS) }, jobs: { type: 'string', default: '2' } },
  });
  const seeds = whole(values.seeds, 'seeds');
  const left = [...ABLATIONS];
  let missed = 0;
  console.log('| guard taken away | seen by | histories until then | what broke |');
  console.log('| --- | --- | --- | --- |');
  const work = async () => {
    for (let ablation = left.shift(); ablation !== undefined; ablation = left.shift()) {
      const sighting = await lookFor(ablation, seeds);
      if (sighting === undefined) missed += 1;
      console.log(rowOf(ablation, sighting));
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, whole(values.jobs, 'jobs')) }, work));
  console.log(`${ABLATIONS.length} guards, the lack of ${missed} unseen`);
  return missed === 0 ? 0 : 1;
}

/** By random histories, else by a committed trace, else by every pair of faults; and only without the guard. */
async function lookFor(ablation: Ablation, seeds: number): Promise<Sighting | undefined> {
  const searches = [() => seenInSeeds(ablation, 1, seeds), () => seenInTraces(ablation), () => seenInPairs(ablation)];
  for (const search of searches) {
    const sighting = await search();
    if (sighting === undefined) continue;
    const { plan, faults } = sighting.trace;
    if ((await runHistory(plan, { faults })).violations.length === 0) return sighting;
  }
  return undefined;
}

async function seenInTraces(ablation: Ablation): Promise<Sighting | undefined> {
  for (const file of readdirSync(TRACES)) {
    const trace = JSON.parse(readFileSync(new URL(file, TRACES), 'utf8')) as Trace;
    const sighting = trace.ablation === ablation ? await seenInTrace(trace, ablation) : undefined;
    if (sighting !== undefined) return sighting;
  }
  return undefined;
}

function rowOf(ablation: Ablation, sighting: Sighting | undefined): string {
  if (sighting === undefined) return `| ${ablation} | not at all | | |`;
  const { by, histories, violation, trace } = sighting;
  const which = by === 'random seed' ? `${by} ${trace.plan.seed}` : by;
  return `| ${ablation} | ${which} | ${histories} | ${violation.invariant} |`;
}

process.exitCode = await main();
