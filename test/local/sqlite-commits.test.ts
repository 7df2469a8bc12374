import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Commits, commitsOf } from '../../local/sqlite/commits.ts';
import { openData } from '../../local/sqlite/data.ts';
import { openDatabase } from '../../local/sqlite/database.ts';
import { aLease } from '../contract/builders.ts';
import { dataFolder } from './sqlite-folder.ts';

/** Source: SQLite, "Result and Error Codes". */
const SQLITE_FULL = 13;

function open(): {
  database: DatabaseSync;
  commits: Commits;
  add: (id: number) => Promise<string>;
  ids: () => number[];
} {
  const database = openDatabase(dataFolder());
  onTestFinished(() => database.close());
  database.exec('CREATE TABLE things (id INTEGER PRIMARY KEY, size BLOB) STRICT');
  const commits = commitsOf(database);
  const insert = database.prepare('INSERT INTO things (id) VALUES (?)');
  return {
    database,
    commits,
    add: (id) => commits.write(() => `added ${insert.run(id).changes}`),
    ids: () => (database.prepare('SELECT id FROM things ORDER BY id').all() as { id: number }[]).map(({ id }) => id),
  };
}

describe('writes that share a transaction', () => {
  it('are on disk together, by one commit, however many were asked for at once', async () => {
    const { database, add, ids } = open();
    const exec = vi.spyOn(database, 'exec');
    expect(await Promise.all([add(1), add(2), add(3)])).toEqual(['added 1', 'added 1', 'added 1']);
    expect(exec.mock.calls.flat()).toEqual(['BEGIN EXCLUSIVE', 'COMMIT']);
    expect(ids()).toEqual([1, 2, 3]);
    await add(4);
    expect(exec.mock.calls.flat()).toHaveLength(4);
  });

  it('are made in the order in which they were asked for, and seen by nobody before they are on disk', async () => {
    const { commits, add, ids } = open();
    const seen: number[][] = [];
    const first = add(1);
    const second = commits.write(() => seen.push(ids()));
    expect(ids()).toEqual([]);
    await Promise.all([first, second]);
    expect(seen).toEqual([[1]]);
  });

  it('leave nothing of one that throws half way, and all of the others', async () => {
    const { database, commits, add, ids } = open();
    const outcomes = await Promise.allSettled([
      add(1),
      commits.write(() => {
        database.exec('INSERT INTO things (id) VALUES (9)');
        throw new Error('half way');
      }),
      add(1),
      add(2),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: new Error('half way') });
    expect(ids()).toEqual([1, 2]);
  });

  it('all fail, and leave nothing, when one of them fills the disk', async () => {
    const { database, commits, add, ids } = open();
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const large = commits.write(() => database.exec('INSERT INTO things (id, size) VALUES (5, zeroblob(1000000))'));
    const outcomes = await Promise.allSettled([add(1), large, add(2)]);
    const full = expect.objectContaining({ errcode: SQLITE_FULL });
    for (const outcome of outcomes) expect(outcome).toEqual({ status: 'rejected', reason: full });
    expect(ids()).toEqual([]);
    expect(await add(7)).toBe('added 1');
  });

  it('are rejected when the database was closed before they were made', async () => {
    const database = openDatabase(dataFolder());
    const asked = commitsOf(database).write(() => 'made');
    database.close();
    await expect(asked).rejects.toThrow('not open');
  });

  it('need no transaction when there are none', async () => {
    const { database, commits, add } = open();
    const exec = vi.spyOn(database, 'exec');
    commits.flush();
    const asked = add(1);
    commits.flush();
    await asked;
    await new Promise(setImmediate);
    expect(exec.mock.calls.flat()).toEqual(['BEGIN EXCLUSIVE', 'COMMIT']);
  });

  it('all fail, and leave nothing, when the transaction cannot be committed', async () => {
    const { database, commits, add, ids } = open();
    database.exec('CREATE TABLE parts (thing INTEGER REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED) STRICT');
    const orphan = commits.write(() => database.exec('INSERT INTO parts (thing) VALUES (99)'));
    const outcomes = await Promise.allSettled([add(1), orphan, add(2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(ids()).toEqual([]);
    expect(database.isTransaction).toBe(false);
    expect(await add(3)).toBe('added 1');
  });
});

describe('closing a data folder', () => {
  it('writes what was asked for', async () => {
    const dataDir = dataFolder();
    const data = openData(dataDir);
    const lease = aLease();
    const asked = data.leases.create(lease);
    data.close();
    expect(await asked).toBe('written');
    const again = openData(dataDir);
    expect(await again.leases.get(lease.id)).toEqual(lease);
    again.close();
  });
});
