import { readFileSync } from 'node:fs';

/** The tests write this file. It says how many milliseconds the clock is ahead of the machine's. */
const FILE = process.env.HUBLEASE_TEST_CLOCK ?? '';

const RealDate = Date;
let aheadMs = 0;

/** A `Date` that takes the current time from the shared clock. */
class ShiftedDate extends RealDate {
  constructor(...given: [] | ConstructorParameters<typeof Date>) {
    if (given.length === 0) super(ShiftedDate.now());
    else super(...given);
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

/** Replaces `Date`. To be called before other modules are loaded: they may keep a reference to `Date.now`. */
export function replaceDate(): void {
  globalThis.Date = ShiftedDate as DateConstructor;
  readClock();
}

/** Reads the clock again. */
export function readClock(): void {
  aheadMs = Number(readFileSync(FILE, 'utf8'));
}
