import type { DatabaseSync } from 'node:sqlite';
import type { Catalog, TargetCredentials } from '../../functions/core/ports/catalog.ts';
import type { LabelKeys, Sealer } from '../../functions/core/ports/sealing.ts';
import type { SessionStore } from '../../functions/core/ports/sessions.ts';
import { sqliteCatalog } from './catalog.ts';
import { commitsOf } from './commits.ts';
import { sqliteCredentials } from './credentials.ts';
import { openDatabase } from './database.ts';
import { checkHub, type HubOfFolder, recordHub } from './hub-of-folder.ts';
import { openKeyFile } from './key-file.ts';
import { type SqliteLeases, sqliteLeases } from './leases.ts';
import { dropClaims, sqliteSessions } from './sessions.ts';
import { lastIssuedAtMs, setBack } from './set-back.ts';

/** All that the embedded edition keeps, in one data folder. */
export interface Data {
  readonly leases: SqliteLeases;
  readonly catalog: Catalog;
  readonly credentials: TargetCredentials;
  readonly sessions: SessionStore;
  readonly sealer: Sealer;
  readonly labels: LabelKeys;
  /** When the last of the open leases was issued, by the clock of then; undefined without one. */
  lastIssuedAtMs(): number | undefined;
  /**
   * Moves what is open back with a clock that was set back, before anything else is read or written.
   *
   * @throws any error of SQLite, and nothing was moved.
   */
  setBack(byMs: number): void;
  /** Lets go of the folder. Every write has been on disk since it was answered, so a process may also just end. */
  close(): void;
}

/**
 * Opens a data folder for this process alone, and makes it when it is missing.
 *
 * @param hub the Docker Hub that the folder will be used with: it is checked before anything is written, and recorded. Absent
 *   where no Docker Hub will be spoken to.
 * @throws CannotOpenData with one line for the operator; nothing in the folder was lost or replaced.
 */
export function openData(dataDir: string, hub?: HubOfFolder): Data {
  const database = openDatabase(dataDir);
  try {
    const inUse = isInUse(database);
    const isUnrecorded = hub !== undefined && checkHub(database, dataDir, hub, inUse);
    const { labels, sealer } = openKeyFile(dataDir, inUse);
    if (isUnrecorded) recordHub(database, dataDir, hub, inUse);
    dropClaims(database);
    const commits = commitsOf(database);
    return {
      leases: sqliteLeases(database, Date.now, commits),
      catalog: sqliteCatalog(database),
      credentials: sqliteCredentials(database, sealer),
      sessions: sqliteSessions(database),
      sealer,
      labels,
      lastIssuedAtMs: () => lastIssuedAtMs(database),
      setBack(byMs) {
        commits.flush();
        setBack(database, byMs);
      },
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

/**
 * Whether there is anything that means something to one Docker Hub and needs this folder's key: credentials to be read, targets and
 * open leases to recognise their tokens' labels.
 */
function isInUse(database: DatabaseSync): boolean {
  const row = database
    .prepare(
      `SELECT EXISTS (SELECT 1 FROM credentials) OR EXISTS (SELECT 1 FROM targets)
         OR EXISTS (SELECT 1 FROM leases WHERE status <> 'revoked') AS in_use`,
    )
    .get() as { in_use: number };
  return row.in_use === 1;
}
