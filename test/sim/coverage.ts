import type { Tally } from './seeds.ts';
import { CELLS, TOO_RARE } from './steps.ts';

/** How often each cell is to be hit in 100,000 histories, and which share of the cells must be. */
const HITS = 100;
const HISTORIES = 100_000;
const SHARE = 0.95;

/** How often each fault struck at each step. */
export interface Coverage {
  readonly cells: number;
  /** The hits that are asked for, by the number of histories. */
  readonly wanted: number;
  readonly below: readonly { readonly cell: string; readonly hits: number }[];
}

export function coverageOf({ reached, histories }: Pick<Tally, 'reached' | 'histories'>): Coverage {
  const wanted = Math.max(1, Math.round((HITS * histories) / HISTORIES));
  const hits = CELLS.map(({ step, kind }) => {
    const cell = `${step} ${kind}`;
    return { cell, hits: reached.get(`cell ${cell}`) ?? 0 };
  });
  return { cells: CELLS.length, wanted, below: hits.filter((cell) => cell.hits < wanted) };
}

/** Prints the cells that were hit too seldom, and says whether enough were hit often enough. */
export function printCoverage(tally: Tally): boolean {
  const { cells, wanted, below } = coverageOf(tally);
  for (const { cell, hits } of below) console.log(`${String(hits).padStart(8)} ${cell}`);
  for (const [step, reason] of TOO_RARE) console.log(`not counted: ${step}, as ${reason}`);
  const share = 1 - below.length / cells;
  const percent = (share * 100).toFixed(1);
  console.log(`${cells} cells, ${cells - below.length} hit at least ${wanted} times: ${percent} %`);
  return share >= SHARE;
}
