import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openData } from '../../local/sqlite/data.ts';
import { CannotOpenData, DATABASE_FILE, type DataProblem, openDatabase } from '../../local/sqlite/database.ts';
import { MIGRATIONS, migrate } from '../../local/sqlite/migrations.ts';
import { aLease, aSecret, aTarget, unique } from '../contract/builders.ts';
import { dataFolder, otherProcess } from './sqlite-folder.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

function refusal(dataDir: string): CannotOpenData {
  try {
    openData(dataDir).close();
  } catch (error) {
    if (error instanceof CannotOpenData) return error;
    throw error;
  }
  throw new Error('the data folder was opened');
}

function expectRefusal(dataDir: string, problem: DataProblem): void {
  const { problem: got, message } = refusal(dataDir);
  expect(got).toBe(problem);
  expect(message).not.toContain('\n');
  expect(message).toContain(dataDir);
}

/** A closed data folder that holds a lease and what a target needs. */
async function filled(): Promise<{ dataDir: string; path: string; leaseId: string }> {
  const dataDir = dataFolder();
  const data = openData(dataDir);
  const [lease, target] = [aLease(), aTarget()];
  await data.leases.create(lease);
  await data.catalog.putTarget(target);
  data.close();
  return { dataDir, path: join(dataDir, DATABASE_FILE), leaseId: lease.id };
}

describe('a data folder', () => {
  it('is made with all that it needs, closed to other users while in use and after', () => {
    const dataDir = join(dataFolder(), 'below', 'that');
    const data = openData(dataDir);
    const inUse = readdirSync(dataDir);
    expect(inUse).toEqual(['hublease.sqlite', 'hublease.sqlite-wal', 'key']);
    expect(modeOf(dataDir)).toBe('700');
    for (const file of inUse) expect(modeOf(join(dataDir, file)), file).toBe('600');
    data.close();
    expect(readdirSync(dataDir)).toEqual(['hublease.sqlite', 'key']);
  });

  it('is closed to other users again when it was opened to them', async () => {
    const { dataDir, path } = await filled();
    chmodSync(dataDir, 0o755);
    chmodSync(path, 0o644);
    const data = openData(dataDir);
    expect([modeOf(dataDir), modeOf(path), modeOf(`${path}-wal`)]).toEqual(['700', '600', '600']);
    data.close();
  });

  it('may be an empty folder that was there before', () => {
    const dataDir = dataFolder();
    mkdirSync(dataDir, { mode: 0o755 });
    openData(dataDir).close();
    expect(modeOf(dataDir)).toBe('700');
  });

  it('is refused, and left as it is, when others may enter it and it holds files of theirs', () => {
    const dataDir = dataFolder();
    mkdirSync(dataDir, { mode: 0o755 });
    chmodSync(dataDir, 0o755);
    writeFileSync(join(dataDir, 'notes'), 'x');
    expectRefusal(dataDir, 'shared_folder');
    expect(modeOf(dataDir)).toBe('755');
    expect(readdirSync(dataDir)).toEqual(['notes']);
  });

  it('is refused where no folder can be', () => {
    const dataDir = dataFolder();
    writeFileSync(dataDir, 'a file');
    expectRefusal(dataDir, 'unwritable');
    expectRefusal(join(dataDir, 'below'), 'unwritable');
    expect(readFileSync(dataDir, 'utf8')).toBe('a file');
  });

  it('is refused when something else stands where its database should', () => {
    const dataDir = dataFolder();
    mkdirSync(join(dataDir, DATABASE_FILE), { recursive: true, mode: 0o700 });
    expectRefusal(dataDir, 'unwritable');
  });

  it('keeps everything over closing and opening', async () => {
    const dataDir = dataFolder();
    const first = openData(dataDir);
    const [lease, secret, target] = [aLease(), aSecret(), aTarget()];
    const credential = { username: 'acme-bot', password: unique('password') };
    await first.leases.create(lease);
    await first.catalog.putSecret(secret);
    await first.catalog.putTarget(target);
    await first.credentials.promote(target.name, await first.credentials.stage(target.name, credential));
    const sealed = await first.sealer.seal('bearer', 'session:a');
    const mac = first.labels.mac(first.labels.currentKeyId, 'text');
    await first.leases.create(aLease({ caller: lease.caller, issuedAtMs: lease.issuedAtMs - 1 }));
    const { nextToken } = await first.leases.list({ caller: lease.caller }, { limit: 1 });
    first.close();

    const second = openData(dataDir);
    expect(await second.leases.get(lease.id)).toEqual(lease);
    expect(await second.catalog.getSecret(secret.name)).toEqual(secret);
    expect(await second.catalog.getTarget(target.name)).toEqual(target);
    expect((await second.credentials.read(target.name))?.credential).toEqual(credential);
    expect(await second.sealer.open(sealed, 'session:a')).toBe('bearer');
    expect(second.labels).toMatchObject({ installation: first.labels.installation });
    expect(second.labels.mac(second.labels.currentKeyId, 'text')).toBe(mac);
    const rest = await second.leases.list({ caller: lease.caller }, { limit: 1, nextToken: nextToken as string });
    expect(rest.items).toHaveLength(1);
    second.close();
  });

  it('commits to disk before it answers', () => {
    const database = openDatabase(dataFolder());
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(database.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 });
    expect(database.prepare('PRAGMA locking_mode').get()).toEqual({ locking_mode: 'exclusive' });
    database.close();
  });
});

describe('a data folder in use', () => {
  it('is refused to a second opening in the same process, and goes on working', async () => {
    const dataDir = dataFolder();
    const data = openData(dataDir);
    expectRefusal(dataDir, 'locked');
    const lease = aLease();
    expect(await data.leases.create(lease)).toBe('written');
    data.close();
    openData(dataDir).close();
  });

  it('is refused while another process has it, idle as that may be, and free once that was killed', async () => {
    const dataDir = dataFolder();
    const other = otherProcess(dataDir, `openData(dataDir); say('open'); setInterval(() => {}, 1000);`);
    expect(await other.line()).toBe('open');
    expectRefusal(dataDir, 'locked');
    expectRefusal(dataDir, 'locked');
    await other.kill();
    openData(dataDir).close();
  });

  it('holds every write that was answered before the process was killed', async () => {
    const dataDir = dataFolder();
    const other = otherProcess(
      dataDir,
      `const { leases } = openData(dataDir);
       for (;;) {
         const lease = build.aLease();
         if ((await leases.create(lease)) !== 'written') throw new Error('not written');
         const next = build.changed(lease, { attempts: 1 });
         if ((await leases.update(next)) !== 'written') throw new Error('not written');
         say(next.id + ' ' + next.opId);
         await new Promise(setImmediate);
       }`,
    );
    const answered: string[] = [];
    while (answered.length < 200) answered.push(await other.line());
    await other.kill();
    const data = openData(dataDir);
    for (const line of answered) {
      const [id, opId] = line.split(' ') as [string, string];
      expect(await data.leases.get(id)).toMatchObject({ opId, version: 2, attempts: 1 });
    }
    data.close();
  });
});

describe('a damaged database', () => {
  it.each([
    ['is not a database at all', (path: string) => writeFileSync(path, 'not a database '.repeat(1_000))],
    ['was cut short', (path: string) => truncateSync(path, 8_192)],
    ['lost a page', (path: string) => overwrite(path, 4_096)],
    ['lost a page in its middle', (path: string) => overwrite(path, 4_096 * 3)],
  ])('is refused and left as it is when it %s', async (_, damage) => {
    const { dataDir, path } = await filled();
    damage(path);
    const before = readFileSync(path);
    expectRefusal(dataDir, 'damaged');
    expect(readFileSync(path).equals(before)).toBe(true);
    expectRefusal(dataDir, 'damaged');
  });

  it('is refused when only its log is left, which SQLite would throw away', async () => {
    const { dataDir, path } = await filled();
    truncateSync(path, 0);
    writeFileSync(`${path}-wal`, 'what may be all that is left');
    expectRefusal(dataDir, 'damaged');
    expect(readFileSync(`${path}-wal`, 'utf8')).toBe('what may be all that is left');
  });

  it('is told from a database of another program, which is left as it is', () => {
    const dataDir = dataFolder();
    mkdirSync(dataDir, { mode: 0o700 });
    const path = join(dataDir, DATABASE_FILE);
    const foreign = new DatabaseSync(path);
    foreign.exec('CREATE TABLE theirs (a)');
    foreign.close();
    const before = readFileSync(path);
    expectRefusal(dataDir, 'foreign');
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

describe('migrations', () => {
  it('refuse a database that a newer hublease wrote, and leave its rows', async () => {
    const { dataDir, path, leaseId } = await filled();
    setVersion(path, MIGRATIONS.length + 1);
    expectRefusal(dataDir, 'newer');
    expect(refusal(dataDir).message).toContain(`version is ${MIGRATIONS.length + 1}`);
    setVersion(path, MIGRATIONS.length);
    const data = openData(dataDir);
    expect((await data.leases.get(leaseId))?.id).toBe(leaseId);
    data.close();
  });

  it('run once, in order, from the version that a database has', () => {
    const database = new DatabaseSync(':memory:');
    const first = 'CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1)';
    migrate(database, [first]);
    migrate(database, [first, 'ALTER TABLE t ADD COLUMN b INTEGER', 'UPDATE t SET b = a + 1']);
    migrate(database, [first, 'ALTER TABLE t ADD COLUMN b INTEGER', 'UPDATE t SET b = a + 1']);
    expect(database.prepare('SELECT a, b FROM t').all()).toEqual([{ a: 1, b: 2 }]);
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 });
    database.close();
  });

  it('do nothing to a database that has had them all, not even what goes with each of them', () => {
    const database = new DatabaseSync(':memory:');
    const steps = ['CREATE TABLE t (a INTEGER) STRICT'];
    const always = 'CREATE TABLE always (a INTEGER) STRICT';
    migrate(database, steps, always);
    migrate(database, steps, always);
    expect(() => migrate(database, [...steps, ''], always)).toThrow('already exists');
    database.close();
  });

  it('leave a database as it was when one of them fails', () => {
    const database = new DatabaseSync(':memory:');
    migrate(database, ['CREATE TABLE t (a INTEGER) STRICT']);
    const steps = ['', 'INSERT INTO t VALUES (1)', 'INSERT INTO nowhere VALUES (1)'];
    expect(() => migrate(database, steps)).toThrow();
    expect(database.prepare('SELECT count(*) AS count FROM t').get()).toEqual({ count: 0 });
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    database.close();
  });

  it('bring a database of the first hublease up to date with its rows', async () => {
    const dataDir = dataFolder();
    openData(dataDir).close();
    const path = join(dataDir, DATABASE_FILE);
    const [lease, next] = [aLease(), aLease({ counters: ['secret:a'] })];
    const database = new DatabaseSync(path);
    database.exec(`DROP TABLE counters; DROP TABLE replays; DROP INDEX leases_open; PRAGMA user_version = 1`);
    database
      .prepare(
        `INSERT INTO leases (id, schema, version, op_id, status, secret, target, caller, issued_at_ms, due_at_ms, document)
         VALUES (?, 1, 1, ?, 'active', ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        lease.id,
        lease.opId,
        lease.secret,
        lease.target,
        lease.caller,
        lease.issuedAtMs,
        lease.dueAtMs as number,
        JSON.stringify(lease),
      );
    database.close();
    const data = openData(dataDir);
    expect((await data.leases.listOpen({ limit: 9 })).items).toEqual([lease]);
    expect(await data.leases.create(next, { quotas: [{ counter: 'secret:a', most: 1 }] })).toBe('written');
    data.close();
  });

  it('only make strict tables', () => {
    const database = openDatabase(dataFolder());
    const tables = database.prepare('PRAGMA table_list').all() as { name: string; strict: number }[];
    const loose = tables.filter((table) => !table.name.startsWith('sqlite_') && table.strict === 0);
    expect(loose).toEqual([]);
    expect(tables.length).toBeGreaterThan(6);
    database.close();
  });
});

function overwrite(path: string, from: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, from, from + 4_096);
  writeFileSync(path, bytes);
}

function setVersion(path: string, version: number): void {
  const database = new DatabaseSync(join(dirname(path), DATABASE_FILE));
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
}
