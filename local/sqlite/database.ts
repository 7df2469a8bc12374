import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS, migrate } from './migrations.ts';

/** The database inside a data folder. Beside it, while it is open, stands SQLite's own `-wal` file. */
export const DATABASE_FILE = 'hublease.sqlite';

/** The key inside a data folder. */
export const KEY_FILE = 'key';

/** How long opening waits for another process to let go: long enough for one that is just ending, short enough to sit out. */
const LOCK_WAIT_MS = 1_000;

/** `hub1`, by which hublease's databases are told from those of other programs. Source: SQLite, "PRAGMA application_id". */
const APPLICATION_ID = 0x68756231;

/** Why a data folder cannot be used. */
export type DataProblem =
  | 'locked'
  | 'unwritable'
  | 'shared_folder'
  | 'damaged'
  | 'foreign'
  | 'newer'
  | 'key_missing'
  | 'key_damaged'
  | 'key_exposed'
  | 'other_hub'
  | 'hub_unknown'
  | 'hub_damaged';

/** A data folder cannot be used, and nothing in it was lost or replaced. The message is one line for the operator. */
export class CannotOpenData extends Error {
  readonly problem: DataProblem;

  constructor(dir: string, problem: DataProblem, explanation: string) {
    super(`cannot use the data folder ${JSON.stringify(dir)}: ${explanation}`);
    this.name = 'CannotOpenData';
    this.problem = problem;
  }
}

/**
 * Opens the database of a data folder, making both when they are missing, and brings its tables up to date. Every commit is on
 * disk before it returns. The folder is closed to other users (0700, files 0600) and belongs to one process at a time: SQLite
 * holds an operating system lock on the file, which ends with the process however it ends. The file must not be opened for
 * reading elsewhere in this process, because closing it there would drop that lock (SQLite, "How To Corrupt", 2.2).
 *
 * @throws CannotOpenData `locked`, `unwritable`, `shared_folder`, `damaged`, `foreign` or `newer`.
 */
export function openDatabase(dataDir: string): DatabaseSync {
  const dir = resolve(dataDir);
  const path = join(dir, DATABASE_FILE);
  try {
    closeFolder(dir);
    closeFile(dir, path);
  } catch (error) {
    if (error instanceof CannotOpenData) throw error;
    throw new CannotOpenData(dir, 'unwritable', 'it cannot be made, or hublease may not write to it');
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS, enableForeignKeyConstraints: true });
    prepare(dir, database);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw error instanceof CannotOpenData ? error : explain(dir, error);
  }
}

/** Makes the folder, or closes it to other users when it is empty or hublease's own. Never changes one with foreign files. */
function closeFolder(dir: string): void {
  makeFolder(dir);
  if ((statSync(dir).mode & 0o077) === 0 || process.platform === 'win32') return;
  const files = readdirSync(dir);
  if (files.length > 0 && !files.includes(DATABASE_FILE) && !files.includes(KEY_FILE)) {
    throw new CannotOpenData(
      dir,
      'shared_folder',
      'other users may enter it and it holds files that are not hublease’s; name a folder of its own, or close it with chmod 700',
    );
  }
  chmodSync(dir, 0o700);
}

/** One folder at a time: Node's own recursion never ends below a folder such as /proc, which says that what it refuses is missing. */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return;
  makeFolder(dirname(dir));
  mkdirSync(dir, { mode: 0o700 });
}

/** Makes the database file before SQLite does, so that it is never readable by others; `-wal` takes over its mode. */
function closeFile(dir: string, path: string): void {
  const size = sizeOf(path);
  if ((size ?? 0) === 0 && (sizeOf(`${path}-wal`) ?? 0) > 0) {
    // SQLite would throw away the log of a database that is empty, and with it what may be all that is left.
    throw new CannotOpenData(
      dir,
      'damaged',
      `${DATABASE_FILE} is missing or empty, but its ${DATABASE_FILE}-wal is there`,
    );
  }
  if (size === undefined) closeSync(openSync(path, 'wx', 0o600));
  else chmodSync(path, 0o600);
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function prepare(dir: string, database: DatabaseSync): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  const version = numberOf(database, 'user_version');
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number };
  if (numberOf(database, 'application_id') !== APPLICATION_ID && (version !== 0 || tables.count > 0)) {
    throw new CannotOpenData(dir, 'foreign', `${DATABASE_FILE} is a database of another program`);
  }
  if (version > MIGRATIONS.length) {
    const versions = `its version is ${version} and the newest known is ${MIGRATIONS.length}`;
    throw new CannotOpenData(dir, 'newer', `a newer hublease wrote it (${versions}); use that one`);
  }
  const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
  if (check?.quick_check !== 'ok') throw damaged(dir);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
  migrate(database, MIGRATIONS, `PRAGMA application_id = ${APPLICATION_ID}`);
}

function numberOf(database: DatabaseSync, pragma: 'user_version' | 'application_id'): number {
  return (database.prepare(`PRAGMA ${pragma}`).get() as Record<string, number>)[pragma] as number;
}

function damaged(dir: string): CannotOpenData {
  return new CannotOpenData(
    dir,
    'damaged',
    `${DATABASE_FILE} is damaged; put back a copy, or move it away to begin anew`,
  );
}

/** SQLite's primary result codes are the low byte. Source: SQLite, "Result and Error Codes". */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function explain(dir: string, error: unknown): CannotOpenData {
  const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
  if (code === SQLITE_BUSY) return new CannotOpenData(dir, 'locked', 'another hublease process is using it');
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return damaged(dir);
  return new CannotOpenData(dir, 'unwritable', `${DATABASE_FILE} cannot be opened for writing, or the disk is full`);
}
