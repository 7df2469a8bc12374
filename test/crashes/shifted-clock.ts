// Loaded into a process before all else (`--import`): shifts its clock by as many milliseconds as the file says whose path is the
// query of this module's URL, from the moment that it says so. Timers and the steady clock go on as they are, as they do
// when a system's clock is set.
import { readFileSync } from 'node:fs';

const path = decodeURIComponent(new URL(import.meta.url).search.slice(1));
const SystemDate = Date;

function nowMs(): number {
  return SystemDate.now() + Number(readFileSync(path, 'utf8'));
}

globalThis.Date = class extends SystemDate {
  static override now(): number {
    return nowMs();
  }

  constructor(...given: [] | ConstructorParameters<DateConstructor>) {
    if (given.length === 0) super(nowMs());
    else super(...given);
  }
} as DateConstructor;
