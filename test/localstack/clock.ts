import { renameSync, writeFileSync } from 'node:fs';

/** The clock of the fake Docker Hub and of all functions. The emulator itself uses the machine's clock. */
export interface SharedClock {
  /** The functions read this file before each invocation. */
  readonly file: string;
  readonly nowMs: () => number;
  advance(ms: number): void;
}

/** @param startAheadMs how far the clock is ahead of the machine's at the start. */
export function sharedClock(file: string, startAheadMs: number): SharedClock {
  let aheadMs = startAheadMs;
  const set = (ms: number) => {
    aheadMs = ms;
    // A rename is atomic: a process may be reading the file.
    writeFileSync(`${file}.new`, String(ms));
    renameSync(`${file}.new`, file);
  };
  set(startAheadMs);
  return { file, nowMs: () => Date.now() + aheadMs, advance: (ms) => set(aheadMs + ms) };
}
