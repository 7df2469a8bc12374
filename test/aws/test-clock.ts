import type { Clock } from '../../functions/core/ports/environment.ts';

/** The machine's clock, ahead by as much as a test says. */
export interface TestClock extends Clock {
  /** Moves on without waiting. */
  advance(ms: number): void;
}

/** A clock on which nobody waits: a sleep moves it on. Starts at the machine's time, which the servers beside it go by. */
export function testClock(): TestClock {
  let aheadMs = 0;
  const advance = (ms: number) => {
    aheadMs += ms;
  };
  return { nowMs: () => Date.now() + aheadMs, sleep: async (ms) => advance(ms), advance };
}
