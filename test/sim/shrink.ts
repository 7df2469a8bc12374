import type { Ablation } from './ablation.ts';
import { runHistory } from './history.ts';
import type { Trace } from './seeds.ts';

/** Runs that shrinking may take in all. */
const MAX_RUNS = 2_000;

/**
 * The same violation with fewer faults and happenings: delta debugging (ddmin) over the list of fault decisions, then over
 * what happens from outside, in turn until neither gets shorter.
 */
export async function shrink(trace: Trace, ablation: Ablation = 'none'): Promise<Trace> {
  const wanted = await verdict(trace, ablation);
  if (wanted === undefined) return trace;
  let runs = 0;
  const fails = async (candidate: Trace) => {
    if (++runs > MAX_RUNS) return false;
    return (await verdict(candidate, ablation)) === wanted;
  };
  let current = trace;
  for (let length = Number.POSITIVE_INFINITY; lengthOf(current) < length; ) {
    length = lengthOf(current);
    const faults = await ddmin(current.faults, (some) => fails({ ...current, faults: some }));
    current = { ...current, faults };
    const { plan } = current;
    const happenings = await ddmin(plan.happenings, (some) =>
      fails({ ...current, plan: { ...plan, happenings: some } }),
    );
    current = { ...current, plan: { ...plan, happenings } };
  }
  return current;
}

function lengthOf(trace: Trace): number {
  return trace.faults.length + trace.plan.happenings.length;
}

/** Which invariant breaks first; undefined when none does. */
async function verdict(trace: Trace, ablation: Ablation): Promise<string | undefined> {
  const { violations } = await runHistory(trace.plan, { faults: trace.faults, ablation });
  return violations[0]?.invariant;
}

/** Zeller's delta debugging: a smallest part of `all` that still `fails`, in that no single one can be left out. */
async function ddmin<T>(all: readonly T[], fails: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let current = all;
  let parts = 2;
  while (current.length > 0) {
    const size = Math.ceil(current.length / parts);
    let reduced: readonly T[] | undefined;
    for (let from = 0; from < current.length && reduced === undefined; from += size) {
      const rest = [...current.slice(0, from), ...current.slice(from + size)];
      if (await fails(rest)) reduced = rest;
    }
    if (reduced !== undefined) {
      current = reduced;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) {
      return current;
    } else {
      parts = Math.min(current.length, parts * 2);
    }
  }
  return current;
}
