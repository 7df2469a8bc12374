import { parentPort, workerData } from 'node:worker_threads';
import { isInSource, removeFromSource } from './guards.ts';
import type { PairShare } from './pairs.ts';
import type { SeedShare } from './seeds.ts';
import type { Task, Work } from './worker.ts';

async function work({ simulates, share }: Task): Promise<Work[keyof Work]['result']> {
  const { ablation } = share;
  if (ablation !== undefined && isInSource(ablation)) removeFromSource(ablation);
  // Only now, so that core is loaded without its guard.
  if (simulates === 'seeds') return (await import('./seeds.ts')).runSeeds(share as SeedShare);
  if (simulates === 'pairs') return (await import('./pairs.ts')).runPairs(share as PairShare);
  const { trace } = share as Work['trace']['share'];
  const { runHistory } = await import('./history.ts');
  return (await runHistory(trace.plan, { faults: trace.faults, ...(ablation && { ablation }) })).violations;
}

parentPort?.postMessage(await work(workerData as Task));
