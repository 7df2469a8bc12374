import { readFileSync } from 'node:fs';

/** The clock's own file, which the tests write: how far it is ahead of the machine's, in milliseconds. */
const FILE = process.env.HUBLEASE_TEST_CLOCK ?? '';

const RealDate = Date;
let aheadMs = 0;

/** A `Date` whose present is the tests'. Whatever else it does is unchanged. */
class ShiftedDate extends RealDate {
  constructor(...given: [] | ConstructorParameters<typeof Date>) {
    if (given.length === 0) super(ShiftedDate.now());
    else super(...given);
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

/** Makes the tests' clock this process's own. Before anything else is loaded, which may keep `Date.now` for itself. */
export function takeClock(): void {
  globalThis.Date = ShiftedDate as DateConstructor;
  lookAtClock();
}

/** Takes up what the tests have set meanwhile. */
export function lookAtClock(): void {
  aheadMs = Number(readFileSync(FILE, 'utf8'));
}
