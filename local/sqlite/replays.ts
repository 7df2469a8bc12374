import type { DatabaseSync } from 'node:sqlite';
import type { ReplayRecord } from '../../functions/core/ports/leases.ts';
import { type DocumentRow, ROW_SCHEMA, readDocument } from './rows.ts';

/** Records of callers' keys. Each call is one statement or part of the caller's transaction. */
export interface SqliteReplays {
  read(id: string): ReplayRecord | undefined;
  /** Says whether a record may be written: the one before it is there, or none for version 1. */
  isNext(record: ReplayRecord): boolean;
  write(record: ReplayRecord): void;
  /** Removes up to `most` records whose time to live is over, the oldest first, and returns how many. */
  purge(nowMs: number, most: number): number;
}

/** Records of callers' keys in SQLite, one row each. */
export function sqliteReplays(database: DatabaseSync): SqliteReplays {
  const one = database.prepare('SELECT schema, version, document FROM replays WHERE id = ?');
  const versionOf = database.prepare('SELECT version FROM replays WHERE id = ?');
  const put = database.prepare(`
    INSERT INTO replays (id, schema, version, ttl_at_ms, document) VALUES (:id, :schema, :version, :ttlAtMs, :document)
    ON CONFLICT (id) DO UPDATE
      SET schema = :schema, version = :version, ttl_at_ms = :ttlAtMs, document = :document`);
  const purgeSome = database.prepare(`
    DELETE FROM replays WHERE id IN (SELECT id FROM replays WHERE ttl_at_ms <= ? ORDER BY ttl_at_ms LIMIT ?)`);

  return {
    read(id) {
      const row = one.get(id) as (DocumentRow & { version: number }) | undefined;
      // The id is a digest over a caller's key; it names nobody, and still stays out of the failure.
      return row && readDocument<ReplayRecord>('a replay record', row, { id, version: row.version });
    },
    isNext(record) {
      const { version = 0 } = (versionOf.get(record.id) ?? {}) as { version?: number };
      return version === record.version - 1;
    },
    write(record) {
      const { id, version, ttlAtMs } = record;
      put.run({ id, schema: ROW_SCHEMA, version, ttlAtMs, document: JSON.stringify(record) });
    },
    purge: (nowMs, most) => Number(purgeSome.run(nowMs, most).changes),
  };
}
