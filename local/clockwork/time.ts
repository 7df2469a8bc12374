import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../functions/core/ports/environment.ts';

/** Time as the embedded edition's clockwork lives by it: the system's, unless somebody else lets it pass. */
export interface Time extends Clock {
  /** Calls `act` once, `ms` from now. Returns how to call it off, which is safe to repeat. */
  after(ms: number, act: () => void): () => void;
}

export const SYSTEM_TIME: Time = {
  nowMs: Date.now,
  sleep: (ms) => wait(ms),
  after(ms, act) {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};
