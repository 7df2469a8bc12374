import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Credential } from '../../functions/core/model/target.ts';
import type { TargetCredentials } from '../../functions/core/ports/catalog.ts';
import { RowUnreadable } from '../../functions/core/ports/read-lease.ts';
import type { Sealer } from '../../functions/core/ports/sealing.ts';
import { inTransaction, parseObject, ROW_SCHEMA } from './rows.ts';

/** Staged credentials of one target that are kept at a time. Those that never passed a login would pile up otherwise. */
const MAX_STAGED = 8;

interface CredentialRow {
  readonly version: string;
  readonly schema: number;
  readonly sealed: string;
}

/**
 * Targets' credentials in SQLite, each sealed with the context `credential:TARGET:VERSION`, so that a row moved under another
 * target or version does not open. Besides the current one the last 8 staged ones are kept; a credential that was current is
 * removed by the next promotion.
 */
export function sqliteCredentials(database: DatabaseSync, sealer: Sealer): TargetCredentials {
  const insert = database.prepare(
    'INSERT INTO credentials (target, version, schema, current, sealed) VALUES (?, ?, ?, 0, ?)',
  );
  const dropOldStaged = database.prepare(`
    DELETE FROM credentials WHERE target = :target AND current = 0 AND sequence NOT IN (
      SELECT sequence FROM credentials WHERE target = :target AND current = 0
      ORDER BY sequence DESC LIMIT ${MAX_STAGED})`);
  const current = database.prepare('SELECT version, schema, sealed FROM credentials WHERE target = ? AND current = 1');
  const known = database.prepare('SELECT 1 FROM credentials WHERE target = ? AND version = ?');
  const dropFormer = database.prepare('DELETE FROM credentials WHERE target = ? AND version <> ? AND current = 1');
  const makeCurrent = database.prepare('UPDATE credentials SET current = 1 WHERE target = ? AND version = ?');
  const dropAll = database.prepare('DELETE FROM credentials WHERE target = ?');

  return {
    async read(target) {
      const row = current.get(target) as CredentialRow | undefined;
      return row && { credential: await openCredential(sealer, target, row), version: row.version };
    },

    async stage(target, credential) {
      const version = randomUUID();
      const { username, password, totpSecret } = credential;
      const plain = JSON.stringify({ username, password, totpSecret });
      const sealed = await sealer.seal(plain, contextOf(target, version));
      inTransaction(database, () => {
        insert.run(target, version, ROW_SCHEMA, sealed);
        dropOldStaged.run({ target });
      });
      return version;
    },

    async promote(target, version) {
      inTransaction(database, () => {
        if (known.get(target, version) === undefined) throw new Error('no such version of the credential is stored');
        dropFormer.run(target, version);
        makeCurrent.run(target, version);
      });
    },

    async remove(target) {
      dropAll.run(target);
    },
  };
}

function contextOf(target: string, version: string): string {
  return `credential:${target}:${version}`;
}

async function openCredential(sealer: Sealer, target: string, row: CredentialRow): Promise<Credential> {
  const name = `the credential of ${target}`;
  if (row.schema !== ROW_SCHEMA) throw new RowUnreadable(name, `its schema is ${row.schema}, expected ${ROW_SCHEMA}`);
  const value = parseObject(name, await sealer.open(row.sealed, contextOf(target, row.version)));
  if (typeof value.username !== 'string' || typeof value.password !== 'string') {
    throw new RowUnreadable(name, 'it lacks a user name or password');
  }
  return value as unknown as Credential;
}
