import { appendFileSync, closeSync, existsSync, openSync, readSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Audit, AuditEvent } from '../functions/core/ports.ts';

/** A file this large is set aside; with the one kept, audit takes at most twice this. */
const ROTATE_AT_BYTES = 16 * 1024 * 1024;

/** No line is as long. */
const TAIL_BYTES = 64 * 1024;

/**
 * The audit log as JSON lines in `audit.jsonl`, the file before it in `audit.1.jsonl`. An event holds ids and names only.
 * Never rejects: an audit log that cannot be written must not stop a revocation; `onLost` hears of it.
 */
export function auditFile(dataFolder: string, onLost: () => void): Audit {
  const path = join(dataFolder, 'audit.jsonl');
  let bytes = wholeLinesBytes(path);
  dropTorn(path, bytes);
  return {
    async record(event: AuditEvent): Promise<void> {
      const line = `${JSON.stringify({ ...event, at: new Date(event.atMs).toISOString() })}\n`;
      try {
        if (bytes > ROTATE_AT_BYTES) {
          renameSync(path, join(dataFolder, 'audit.1.jsonl'));
          bytes = 0;
        }
        appendFileSync(path, line, { mode: 0o600 });
        bytes += Buffer.byteLength(line);
      } catch {
        onLost();
        dropTorn(path, bytes);
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
