import type { DatabaseSync } from 'node:sqlite';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { Catalog } from '../../functions/core/ports/catalog.ts';
import type { WriteOutcome } from '../../functions/core/ports/leases.ts';
import type { Page, PageRequest } from '../../functions/core/ports/pages.ts';
import { type Pager, pagerOf } from './paging.ts';
import { type DocumentRow, outcomeOf, readDocument } from './rows.ts';

/** Secrets and targets in SQLite. Lists show every write at once. */
export function sqliteCatalog(database: DatabaseSync): Catalog {
  const pager = pagerOf(database);
  const secrets = entries<DynamicSecret>(database, pager, 'secrets', ['target']);
  const targets = entries<Target>(database, pager, 'targets', []);
  return {
    getSecret: secrets.get,
    putSecret: secrets.put,
    deleteSecret: secrets.remove,
    listSecrets: secrets.list,
    getTarget: targets.get,
    putTarget: targets.put,
    deleteTarget: targets.remove,
    listTargets: targets.list,
  };
}

interface Entry {
  readonly schema: number;
  readonly name: string;
  readonly version: number;
  readonly opId: string;
}

interface EntryRow extends DocumentRow {
  readonly name: string;
  readonly version: number;
}

interface Entries<T> {
  get(name: string): Promise<T | undefined>;
  put(entry: T): Promise<WriteOutcome>;
  remove(name: string, version: number): Promise<WriteOutcome>;
  list(filter: { readonly prefix?: string; readonly target?: string }, page: PageRequest): Promise<Page<T>>;
}

/** One table of named entries. `extra` are columns of its own, filled from the entry's fields of the same name. */
function entries<T extends Entry>(
  database: DatabaseSync,
  pager: Pager,
  table: 'secrets' | 'targets',
  extra: readonly (keyof T & string)[],
): Entries<T> {
  const columns = ['name', 'schema', 'version', 'op_id', 'document', ...extra];
  const insert = database.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `:${column}`).join(', ')})
     ON CONFLICT (name) DO NOTHING`,
  );
  const replace = database.prepare(
    `UPDATE ${table} SET ${columns.map((column) => `${column} = :${column}`).join(', ')}
     WHERE name = :name AND version = :version - 1`,
  );
  const one = database.prepare(`SELECT name, version, schema, document FROM ${table} WHERE name = ?`);
  const opOf = database.prepare(`SELECT op_id FROM ${table} WHERE name = ?`);
  const drop = database.prepare(`DELETE FROM ${table} WHERE name = ? AND version = ?`);

  const entryOf = (row: EntryRow): T =>
    readDocument<T>(`${row.name} in ${table}`, row, { name: row.name, version: row.version });

  return {
    async get(name) {
      const row = one.get(name) as EntryRow | undefined;
      return row && entryOf(row);
    },

    async put(entry) {
      const own = Object.fromEntries(extra.map((column) => [column, entry[column] as string]));
      const { name, schema, version, opId } = entry;
      const values = { name, schema, version, op_id: opId, document: JSON.stringify(entry), ...own };
      const { changes } = (version === 1 ? insert : replace).run(values);
      return outcomeOf(changes, () => opOf.get(name) as { op_id: string } | undefined, entry);
    },

    async remove(name, version) {
      drop.run(name, version);
      return opOf.get(name) === undefined ? 'written' : 'conflict';
    },

    async list({ prefix, target }, request) {
      const conditions = [
        // `0` is the character after `/`, so this is every name that begins with the prefix and a slash.
        ...(prefix === undefined ? [] : [`(name = :prefix OR (name > :prefix || '/' AND name < :prefix || '0'))`]),
        ...(target === undefined ? [] : ['target = :target']),
        'name > :after',
      ];
      const rowsAfter = database.prepare(
        `SELECT name, version, schema, document FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY name LIMIT :count`,
      );
      const values = { ...(prefix === undefined ? {} : { prefix }), ...(target === undefined ? {} : { target }) };
      return pager.page(
        [table, prefix ?? 0, target ?? 0],
        request,
        ([after] = [''], count) => rowsAfter.all({ ...values, after: after as string, count }) as unknown as EntryRow[],
        (row) => [row.name],
        entryOf,
      );
    },
  };
}
