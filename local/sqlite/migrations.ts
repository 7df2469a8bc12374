import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './rows.ts';

/**
 * How the tables came to be, oldest first. A database's `user_version` says how many of these it has had. Never change one
 * that was released: add another.
 *
 * Each row is a JSON document beside the columns that are searched or compared, but for counters, which are numbers alone.
 * `schema` is the form of the document.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta (name, value) VALUES ('page_key', randomblob(32));

  CREATE TABLE leases (
    id TEXT PRIMARY KEY,
    schema INTEGER NOT NULL,
    version INTEGER NOT NULL,
    op_id TEXT NOT NULL,
    status TEXT NOT NULL,
    secret TEXT NOT NULL,
    target TEXT NOT NULL,
    caller TEXT NOT NULL,
    issued_at_ms INTEGER NOT NULL,
    due_at_ms INTEGER,
    ttl_at_ms INTEGER,
    token_sha256 TEXT,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX leases_due ON leases (due_at_ms, id) WHERE status <> 'revoked';
  CREATE INDEX leases_open_target ON leases (target) WHERE status <> 'revoked';
  CREATE INDEX leases_open_secret ON leases (secret) WHERE status <> 'revoked';
  CREATE INDEX leases_issued ON leases (issued_at_ms, id);
  CREATE INDEX leases_caller ON leases (caller, issued_at_ms, id);
  CREATE INDEX leases_secret ON leases (secret, issued_at_ms, id);
  CREATE INDEX leases_status ON leases (status, issued_at_ms, id);
  CREATE INDEX leases_token ON leases (token_sha256) WHERE token_sha256 IS NOT NULL;
  CREATE INDEX leases_ttl ON leases (ttl_at_ms) WHERE ttl_at_ms IS NOT NULL;

  CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    schema INTEGER NOT NULL,
    version INTEGER NOT NULL,
    op_id TEXT NOT NULL,
    target TEXT NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX secrets_target ON secrets (target, name);

  CREATE TABLE targets (
    name TEXT PRIMARY KEY,
    schema INTEGER NOT NULL,
    version INTEGER NOT NULL,
    op_id TEXT NOT NULL,
    document TEXT NOT NULL
  ) STRICT;

  CREATE TABLE sessions (
    target TEXT PRIMARY KEY,
    schema INTEGER NOT NULL,
    version INTEGER NOT NULL,
    op_id TEXT NOT NULL,
    document TEXT NOT NULL
  ) STRICT;

  CREATE TABLE credentials (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    version TEXT NOT NULL,
    schema INTEGER NOT NULL,
    current INTEGER NOT NULL CHECK (current IN (0, 1)),
    sealed TEXT NOT NULL,
    UNIQUE (target, version)
  ) STRICT;
  CREATE UNIQUE INDEX credentials_current ON credentials (target) WHERE current = 1;
  `,
  `
  CREATE INDEX leases_open ON leases (id) WHERE status <> 'revoked';

  CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    open INTEGER NOT NULL CHECK (open >= 0),
    version INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE replays (
    id TEXT PRIMARY KEY,
    schema INTEGER NOT NULL,
    version INTEGER NOT NULL,
    ttl_at_ms INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX replays_ttl ON replays (ttl_at_ms);
  `,
];

/**
 * Takes a database from its `user_version` to the last of `steps`, all or nothing. `always` runs in the same transaction. A
 * database that has had them all is not written to, so that a start which fails after this leaves the file as it was.
 *
 * @throws whatever a step throws, with the database as it was.
 */
export function migrate(database: DatabaseSync, steps: readonly string[], always = ''): void {
  inTransaction(database, () => {
    const { user_version: from } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (from >= steps.length) return;
    database.exec(always);
    for (const step of steps.slice(from)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
  });
}
