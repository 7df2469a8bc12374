import { renameSync, writeFileSync } from 'node:fs';

/** The clock of the fake Docker Hub and of all functions. The emulator itself keeps to the machine's. */
export interface SharedClock {
  /** Which the functions' processes read before each invocation. */
  readonly file: string;
  readonly nowMs: () => number;
  advance(ms: number): void;
  /** Sets how far it is ahead of the machine's clock. Negative: behind. */
  set(aheadMs: number): void;
}

/** A clock that shows the machine's time until it is told otherwise. */
export function sharedClock(file: string): SharedClock {
  let aheadMs = 0;
  const set = (ms: number) => {
    aheadMs = ms;
    // In one step, for a process may be reading it.
    writeFileSync(`${file}.new`, String(ms));
    renameSync(`${file}.new`, file);
  };
  set(0);
  return { file, nowMs: () => Date.now() + aheadMs, advance: (ms) => set(aheadMs + ms), set };
}
