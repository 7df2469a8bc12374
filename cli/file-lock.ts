import { closeSync, openSync, truncateSync } from 'node:fs';

/** A lock that this process holds until it releases the lock or ends, even if killed. */
export interface FileLock {
  release(): void;
}

/** SQLite's primary result codes. Source: SQLite, "Result and Error Codes". */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/**
 * Locks a file, if nobody else has. Node offers the operating system's lock only through SQLite: the write lock of an empty database.
 * The system releases it when the process ends, even if killed, and never before, even if the process is slow. So no lock expires by
 * age, and no process id can be reused.
 *
 * @param path made when missing, for this user alone. The file stays, and must be opened by nothing else in this process: closing it
 *   would drop the lock (SQLite, "How To Corrupt", 2.2). What somebody wrote into it is removed.
 * @returns undefined while another process, or another lock of this one, has it.
 * @throws the system's or SQLite's error when the file cannot be made or locked.
 */
export function tryLock(path: string): FileLock | undefined {
  make(path);
  try {
    return lockDatabase(path);
  } catch (error) {
    if (![SQLITE_CORRUPT, SQLITE_NOTADB].includes(codeOf(error))) throw error;
    truncateSync(path);
    return lockDatabase(path);
  }
}

function lockDatabase(path: string): FileLock | undefined {
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // No journal on disk: nothing is ever written.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE');
  } catch (error) {
    database.close();
    if (codeOf(error) === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

function codeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

function make(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Node 22 prints a warning that it is experimental, which docker and people would read. The parts used here are stable. */
function sqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
