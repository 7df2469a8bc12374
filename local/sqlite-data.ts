import type { DatabaseSync } from 'node:sqlite';
import type { Catalog, LabelKeys, Sealer, SessionStore, TargetCredentials } from '../functions/core/ports.ts';
import { openDatabase } from './database.ts';
import { openKeyFile } from './key-file.ts';
import { sqliteCatalog } from './sqlite-catalog.ts';
import { commitsOf } from './sqlite-commits.ts';
import { sqliteCredentials } from './sqlite-credentials.ts';
import { type SqliteLeases, sqliteLeases } from './sqlite-leases.ts';
import { dropClaims, sqliteSessions } from './sqlite-sessions.ts';

/** All that the embedded edition keeps, in one data folder. */
export interface Data {
  readonly leases: SqliteLeases;
  readonly catalog: Catalog;
  readonly credentials: TargetCredentials;
  readonly sessions: SessionStore;
  readonly sealer: Sealer;
  readonly labels: LabelKeys;
  /** Lets go of the folder. Every write has been on disk since it was answered, so a process may also just end. */
  close(): void;
}

/**
 * Opens a data folder for this process alone, and makes it when it is missing.
 *
 * @throws CannotOpenData with one line for the operator; nothing in the folder was lost or replaced.
 */
export function openData(dataDir: string): Data {
  const database = openDatabase(dataDir);
  try {
    const { labels, sealer } = openKeyFile(dataDir, needsKey(database));
    dropClaims(database);
    const commits = commitsOf(database);
    return {
      leases: sqliteLeases(database, Date.now, commits),
      catalog: sqliteCatalog(database),
      credentials: sqliteCredentials(database, sealer),
      sessions: sqliteSessions(database),
      sealer,
      labels,
      close() {
        commits.flush();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Credentials need the key to be read; targets and open leases need it to recognise their tokens' labels on Docker Hub. */
function needsKey(database: DatabaseSync): boolean {
  const row = database
    .prepare(
      `SELECT EXISTS (SELECT 1 FROM credentials) OR EXISTS (SELECT 1 FROM targets)
         OR EXISTS (SELECT 1 FROM leases WHERE status <> 'revoked') AS needed`,
    )
    .get() as { needed: number };
  return row.needed === 1;
}
