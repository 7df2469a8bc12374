/**
 * Runs a check of what a store may show late. A store with one truth runs it once; one whose indexes lag repeats it until it
 * passes or the bound is reached.
 */
export type Settled = (check: () => Promise<void>) => Promise<void>;

/** For stores with one truth: nothing may lag. */
export const atOnce: Settled = (check) => check();

/** For stores that may lag: repeats the check every `everyMs` until it passes, and after `withinMs` lets its failure through. */
export function within(withinMs: number, everyMs: number): Settled {
  return async (check) => {
    const attempts = Math.max(1, Math.ceil(withinMs / everyMs));
    for (let attempt = 1; attempt < attempts; attempt++) {
      try {
        return await check();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    }
    return check();
  };
}
