import type { DatabaseSync } from 'node:sqlite';
import type { Counter, QuotaClaim, WriteOutcome } from '../../functions/core/ports/leases.ts';

/** Counters of open leases. Each call is one statement or part of the caller's transaction; their versions only ever grow. */
export interface SqliteCounters {
  read(counter: string): Counter | undefined;
  /** The first of the claims that has no room for one more. */
  firstFull(claims: readonly QuotaClaim[]): string | undefined;
  /** Counts leases in or out, never below 0. */
  add(counters: readonly string[], by: 1 | -1, nowMs: number): void;
  correct(counter: string, open: number, version: number, nowMs: number): WriteOutcome;
}

/** Counters in SQLite, one row each. */
export function sqliteCounters(database: DatabaseSync): SqliteCounters {
  const one = database.prepare('SELECT open, version, changed_at_ms FROM counters WHERE name = ?');
  const add = database.prepare(`
    INSERT INTO counters (name, open, version, changed_at_ms) VALUES (:name, max(0, :by), 1, :nowMs)
    ON CONFLICT (name) DO UPDATE SET open = max(0, open + :by), version = version + 1, changed_at_ms = :nowMs`);
  const correct = database.prepare(`
    UPDATE counters SET open = :open, version = version + 1, changed_at_ms = :nowMs
    WHERE name = :name AND version = :version`);

  function read(counter: string): Counter | undefined {
    const row = one.get(counter) as { open: number; version: number; changed_at_ms: number } | undefined;
    return row && { open: row.open, version: row.version, changedAtMs: row.changed_at_ms };
  }

  return {
    read,
    firstFull: (claims) => claims.find(({ counter, most }) => (read(counter)?.open ?? 0) >= most)?.counter,
    add(counters, by, nowMs) {
      for (const name of counters) add.run({ name, by, nowMs });
    },
    correct: (name, open, version, nowMs) =>
      correct.run({ name, open, version, nowMs }).changes === 1 ? 'written' : 'conflict',
  };
}
