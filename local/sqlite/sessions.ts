import type { DatabaseSync } from 'node:sqlite';
import type { SessionRecord, SessionStore } from '../../functions/core/ports/sessions.ts';
import { type DocumentRow, outcomeOf, ROW_SCHEMA, readDocument } from './rows.ts';

/** Docker Hub sessions in SQLite, one row per target. The bearer in them comes here sealed. */
export function sqliteSessions(database: DatabaseSync): SessionStore {
  const insert = database.prepare(`
    INSERT INTO sessions (target, schema, version, op_id, document)
    VALUES (:target, :schema, :version, :opId, :document) ON CONFLICT (target) DO NOTHING`);
  const replace = database.prepare(`
    UPDATE sessions SET schema = :schema, version = :version, op_id = :opId, document = :document
    WHERE target = :target AND version = :version - 1`);
  const one = database.prepare('SELECT schema, version, document FROM sessions WHERE target = ?');
  const opOf = database.prepare('SELECT op_id FROM sessions WHERE target = ?');
  const drop = database.prepare('DELETE FROM sessions WHERE target = ?');

  return {
    async read(target) {
      const row = one.get(target) as (DocumentRow & { readonly version: number }) | undefined;
      return row && readDocument<SessionRecord>(`the session of ${target}`, row, { target, version: row.version });
    },

    async write(record) {
      const { target, version, opId } = record;
      const values = { target, schema: ROW_SCHEMA, version, opId, document: JSON.stringify(record) };
      const { changes } = (version === 1 ? insert : replace).run(values);
      return outcomeOf(changes, () => opOf.get(target) as { op_id: string } | undefined, record);
    },

    async remove(target) {
      drop.run(target);
    },
  };
}

/**
 * Gives back every right to log in that is held. For the opening of a data folder only, which belongs to one process at a
 * time: whoever held it is dead, and would keep this process from revoking anything until the claim runs out. Where it cannot be
 * written, as on a full disk, the claim runs out by itself.
 */
export function dropClaims(database: DatabaseSync): void {
  try {
    database.exec(`
      UPDATE sessions SET document = json_remove(document, '$.claimUntilMs')
      WHERE json_extract(document, '$.claimUntilMs') IS NOT NULL`);
  } catch {
    // Starting without it is better than not revoking at all.
  }
}
