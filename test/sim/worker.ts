import { Worker } from 'node:worker_threads';
import type { Ablation } from './ablation.ts';
import type { Violation } from './invariants.ts';
import type { PairShare, PairTally } from './pairs.ts';
import type { SeedShare, Tally, Trace } from './seeds.ts';

/** What a worker can be given to do. */
export interface Work {
  readonly seeds: { readonly share: SeedShare; readonly result: Tally };
  readonly pairs: { readonly share: PairShare; readonly result: PairTally };
  readonly trace: {
    readonly share: { readonly trace: Trace; readonly ablation: Ablation };
    readonly result: readonly Violation[];
  };
}

/** What a worker is started with. */
export interface Task {
  readonly simulates: keyof Work;
  readonly share: Work[keyof Work]['share'];
}

/**
 * Does something in a worker with a core of its own, from which the guard that `share` takes away is gone before anything
 * else is loaded, where it stands in core's source.
 */
export function inWorker<K extends keyof Work>(simulates: K, share: Work[K]['share']): Promise<Work[K]['result']> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker-main.ts', import.meta.url), {
      workerData: { simulates, share } satisfies Task,
    });
    worker.once('message', resolve).once('error', reject);
  });
}
