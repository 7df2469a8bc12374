import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tempFolder } from '../local/harness.ts';

const SHIFTED_CLOCK = pathToFileURL(join(import.meta.dirname, 'shifted-clock.ts')).href;

/** The clock of a process, which can be set. */
export interface Clock {
  /** For the Node of the process. */
  readonly nodeFlags: readonly string[];
  /** Sets it to so much from the right time. */
  set(offsetMs: number): void;
  close(): void;
}

/** A clock that is right until it is set. */
export function makeClock(): Clock {
  const folder = tempFolder();
  const path = join(folder.path, 'offset-ms');
  const set = (offsetMs: number) => {
    // Never seen half written.
    writeFileSync(`${path}.new`, String(offsetMs));
    renameSync(`${path}.new`, path);
  };
  set(0);
  return { nodeFlags: ['--import', `${SHIFTED_CLOCK}?${encodeURIComponent(path)}`], set, close: folder.close };
}
