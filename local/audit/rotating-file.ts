import { appendFileSync, closeSync, existsSync, openSync, readSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** No line is as long. */
const TAIL_BYTES = 64 * 1024;

export interface RotatingFileOptions {
  /** A file this large is set aside; with the one kept, both take at most twice this. */
  readonly rotateAtBytes: number;
  /** Whether a line counts only once the disk has it. */
  readonly isSynced?: boolean;
}

/** Lines in `NAME.jsonl`, and those before them in `NAME.1.jsonl`. For their owner only. */
export interface RotatingFile {
  /** Adds one line. Says whether it is in the file; a file that cannot be written to is no error. */
  append(line: string): boolean;
}

export function rotatingFile(folder: string, name: string, options: RotatingFileOptions): RotatingFile {
  const { rotateAtBytes, isSynced = false } = options;
  const path = join(folder, `${name}.jsonl`);
  let bytes = wholeLinesBytes(path);
  dropTorn(path, bytes);
  return {
    append(text) {
      const line = `${text}\n`;
      try {
        if (bytes > rotateAtBytes) {
          renameSync(path, join(folder, `${name}.1.jsonl`));
          bytes = 0;
        }
        appendFileSync(path, line, { mode: 0o600, flush: isSynced });
        bytes += Buffer.byteLength(line);
        return true;
      } catch {
        dropTorn(path, bytes);
        return false;
      }
    },
  };
}

/** How much of the file is whole lines: the last may be torn where the process before was killed. */
function wholeLinesBytes(path: string): number {
  if (!existsSync(path)) return 0;
  const { size } = statSync(path);
  try {
    const tail = readTail(path, size);
    return size - tail.length + tail.lastIndexOf('\n') + 1;
  } catch {
    // What cannot be read is not cut; whether it can be written to is seen with the first event.
    return size;
  }
}

function readTail(path: string, size: number): Buffer {
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  const file = openSync(path, 'r');
  try {
    readSync(file, tail, 0, tail.length, size - tail.length);
    return tail;
  } finally {
    closeSync(file);
  }
}

/** A disk that fills up takes the beginning of a line, which the next line must not be added to. */
function dropTorn(path: string, bytes: number): void {
  try {
    if (statSync(path).size > bytes) truncateSync(path, bytes);
  } catch {
    // A disk that cannot be written to has nothing torn on it.
  }
}
