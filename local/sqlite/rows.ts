import type { DatabaseSync } from 'node:sqlite';
import type { WriteOutcome } from '../../functions/core/ports/leases.ts';
import { RowUnreadable } from '../../functions/core/ports/read-lease.ts';

/** The form in which this hublease writes documents, and the only one there has been. */
export const ROW_SCHEMA = 1;

/** What every row with a document has. */
export interface DocumentRow {
  readonly schema: number;
  readonly document: string;
}

/**
 * Reads a row's document and checks that it is an object that holds `expected`: what the row's own columns say of it. More is
 * not checked, because only hublease writes here.
 *
 * @param row names the row in the failure.
 * @throws RowUnreadable.
 */
export function readDocument<T>(row: string, stored: DocumentRow, expected: Readonly<Record<string, unknown>>): T {
  if (stored.schema !== ROW_SCHEMA) {
    throw new RowUnreadable(row, `its schema is ${stored.schema}, expected ${ROW_SCHEMA}`);
  }
  const value = parseObject(row, stored.document);
  const wrong = Object.keys(expected).find((key) => value[key] !== expected[key]);
  if (wrong !== undefined) throw new RowUnreadable(row, `its ${wrong} is not the one it is stored under`);
  return value as T;
}

/** Reads a JSON object. The parser's own message would quote the text, so it stays here. */
export function parseObject(row: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RowUnreadable(row, 'it is not a JSON object');
  }
  return value as Record<string, unknown>;
}

/** Runs `work` in one transaction: all of it is on disk when this returns, or none of it after it throws. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN EXCLUSIVE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // Some failures, such as a full disk, have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** A write that states the version it read: how its row is found, and what recognises it when it is repeated. */
export interface VersionedWrite {
  readonly version: number;
  readonly opId: string;
}

/** The outcome of a write that changed `changes` rows, where `found` is the row that stands under its key now. */
export function outcomeOf(
  changes: number | bigint,
  found: () => { readonly op_id: string } | undefined,
  write: VersionedWrite,
): WriteOutcome {
  return changes === 1 || found()?.op_id === write.opId ? 'written' : 'conflict';
}
