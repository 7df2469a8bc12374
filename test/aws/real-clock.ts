import type { Clock } from '../../functions/core/ports/environment.ts';

/** The machine's clock, for tests against servers that keep their own. */
export const realClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
