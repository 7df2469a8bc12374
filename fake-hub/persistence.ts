/**
 * Where the fake keeps its state: rows of JSON by key, in one SQLite file. A write has reached the operating system when it
 * returns, so it outlives a killed process; only a power cut may lose the last ones, which a fake can bear.
 */

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Persistence {
  /** All rows, in the order in which their keys were first written. */
  rows(): { readonly key: string; readonly value: unknown }[];
  put(key: string, value: unknown): void;
  remove(key: string): void;
  /** Makes all the writes in `work`, or none. */
  together(work: () => void): void;
  close(): void;
}

/** Forgets everything with the process. */
export function noPersistence(): Persistence {
  return { rows: () => [], put() {}, remove() {}, together: (work) => work(), close() {} };
}

/**
 * Opens or makes `dataFile`, readable by its owner only: it holds the key that signs sessions. One process at a time.
 *
 * @throws when the file cannot be opened, is no database, or another process has it.
 */
export function filePersistence(dataFile: string): Persistence {
  mkdirSync(dirname(dataFile), { recursive: true, mode: 0o700 });
  closeSync(openSync(dataFile, 'a', 0o600));
  const db = new DatabaseSync(dataFile);
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    db.exec('CREATE TABLE IF NOT EXISTS fake_hub (key TEXT PRIMARY KEY, value TEXT NOT NULL)');
  } catch (error) {
    db.close();
    throw error;
  }
  const put = db.prepare(
    'INSERT INTO fake_hub (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const remove = db.prepare('DELETE FROM fake_hub WHERE key = ?');
  return {
    rows: () =>
      db
        .prepare('SELECT key, value FROM fake_hub ORDER BY rowid')
        .all()
        .map((row) => ({ key: String(row.key), value: JSON.parse(String(row.value)) as unknown })),
    put: (key, value) => {
      put.run(key, JSON.stringify(value));
    },
    remove: (key) => {
      remove.run(key);
    },
    together(work) {
      db.exec('BEGIN IMMEDIATE');
      try {
        work();
        db.exec('COMMIT');
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => db.close(),
  };
}
