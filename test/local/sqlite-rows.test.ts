import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RowUnreadable } from '../../functions/core/ports/read-lease.ts';
import { sqliteCatalog } from '../../local/sqlite/catalog.ts';
import { sqliteCredentials } from '../../local/sqlite/credentials.ts';
import { openDatabase } from '../../local/sqlite/database.ts';
import { openKeyFile } from '../../local/sqlite/key-file.ts';
import { sqliteLeases } from '../../local/sqlite/leases.ts';
import { inTransaction, parseObject } from '../../local/sqlite/rows.ts';
import { sqliteSessions } from '../../local/sqlite/sessions.ts';
import { Canaries } from '../canary.ts';
import { aLease, aSecret, aSessionRecord, aTarget, revoked, unique } from '../contract/builders.ts';
import { dataFolder, otherProcess } from './sqlite-folder.ts';

function open(): { database: DatabaseSync; dataDir: string } {
  const dataDir = dataFolder();
  const database = openDatabase(dataDir);
  onTestFinished(() => database.close());
  return { database, dataDir };
}

describe('purging', () => {
  it('removes revoked leases whose time to live is over, and no others', async () => {
    const { database } = open();
    const leases = sqliteLeases(database);
    const [kept, gone] = [revoked(aLease()), revoked(aLease())];
    const opened = aLease({ expiresAtMs: 1, dueAtMs: 1 });
    const nowMs = kept.ttlAtMs as number;
    for (const lease of [opened, { ...kept, ttlAtMs: nowMs + 1 }, { ...gone, ttlAtMs: nowMs }]) {
      await leases.create(lease);
    }
    database.prepare('UPDATE leases SET ttl_at_ms = 1 WHERE id = ?').run(opened.id);
    expect(leases.purge(nowMs)).toBe(1);
    expect(leases.purge(nowMs)).toBe(0);
    expect(await leases.get(gone.id)).toBeUndefined();
    expect(await leases.get(kept.id)).toBeDefined();
    expect(await leases.get(opened.id)).toEqual(opened);
    expect(leases.purge(Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(await leases.get(opened.id)).toEqual(opened);
  });

  it('removes at most a thousand at a time, the oldest first', async () => {
    const { database } = open();
    const leases = sqliteLeases(database);
    const rows = Array.from({ length: 1_002 }, (_, n) => ({ ...revoked(aLease()), ttlAtMs: 1_000 + n }));
    await Promise.all(rows.map((row) => leases.create(row)));
    expect(leases.purge(5_000)).toBe(1_000);
    expect(await leases.get(rows[1_000]?.id as string)).toBeDefined();
    expect(leases.purge(5_000)).toBe(2);
  });

  it('removes the records of callers’ keys whose time to live is over, and no others', async () => {
    const { database } = open();
    const leases = sqliteLeases(database);
    const write = async (id: string, ttlAtMs: number) => {
      const lease = aLease();
      const replay = { id, version: 1, opId: 'op', orderSha256: '0'.repeat(64), leaseId: lease.id, ttlAtMs };
      await leases.create(lease, { replay });
      return replay;
    };
    const [over, kept] = [await write('a'.repeat(64), 5_000), await write('b'.repeat(64), 5_001)];
    expect(leases.purge(5_000)).toBe(1);
    expect(leases.purge(5_000)).toBe(0);
    expect(await leases.readReplay(over.id)).toBeUndefined();
    expect(await leases.readReplay(kept.id)).toEqual(kept);
  });
});

describe('a create with claims that cannot be written', () => {
  it('leaves counters, keys and leases as they were', async () => {
    const { database } = open();
    const leases = sqliteLeases(database);
    database.exec(`
      CREATE TRIGGER refusing BEFORE INSERT ON leases BEGIN SELECT raise(ABORT, 'refused'); END;
    `);
    const lease = aLease({ counters: ['secret:a'] });
    const replay = { id: 'a'.repeat(64), version: 1, opId: 'op', orderSha256: '', leaseId: lease.id, ttlAtMs: 5 };
    const claims = { quotas: [{ counter: 'secret:a', most: 1 }], replay };
    await expect(leases.create(lease, claims)).rejects.toThrow('refused');
    expect(await leases.readCounter('secret:a')).toBeUndefined();
    expect(await leases.readReplay(replay.id)).toBeUndefined();
    database.exec('DROP TRIGGER refusing');
    expect(await leases.create(lease, claims)).toBe('written');
  });
});

describe('a transaction', () => {
  it('that has ended by itself gives its own failure, and the next one can begin', () => {
    const { database } = open();
    const failing = () =>
      inTransaction(database, () => {
        database.exec('ROLLBACK');
        throw new Error('of the work');
      });
    expect(failing).toThrow('of the work');
    expect(inTransaction(database, () => 'done')).toBe('done');
  });
});

describe('the tables themselves', () => {
  it('refuse a counter below 0, and a credential that is neither current nor staged, or current beside another', async () => {
    const { database, dataDir } = open();
    const leases = sqliteLeases(database);
    await leases.create(aLease({ counters: ['secret:a'] }), { quotas: [{ counter: 'secret:a', most: 1 }] });
    expect(() => database.exec('UPDATE counters SET open = -1')).toThrow('CHECK constraint failed');
    database.exec('UPDATE counters SET open = 0');
    const credentials = sqliteCredentials(database, openKeyFile(dataDir).sealer);
    for (let n = 0; n < 2; n++) await credentials.stage('one', { username: 'acme-bot', password: 'x' });
    expect(() => database.exec('UPDATE credentials SET current = 2')).toThrow('CHECK constraint failed');
    expect(() => database.exec('UPDATE credentials SET current = 1')).toThrow('UNIQUE constraint failed');
  });
});

describe('a counter', () => {
  it('says when it changed', async () => {
    let nowMs = 1_000;
    const leases = sqliteLeases(open().database, () => nowMs);
    const lease = aLease({ counters: ['secret:a'] });
    await leases.create(lease, { quotas: [{ counter: 'secret:a', most: 1 }] });
    expect(await leases.readCounter('secret:a')).toMatchObject({ changedAtMs: 1_000 });
    nowMs = 2_000;
    await leases.update(revoked(lease), 'release');
    expect(await leases.readCounter('secret:a')).toMatchObject({ changedAtMs: 2_000 });
  });
});

describe('a page', () => {
  it('goes on where its token says, whatever else the database remembers', async () => {
    const { database } = open();
    const target = unique('target');
    const catalog = sqliteCatalog(database);
    for (let n = 0; n < 2; n++) await catalog.putSecret(aSecret({ target }));
    const { nextToken } = await catalog.listSecrets({ target }, { limit: 1 });
    database.exec(`INSERT INTO meta (name, value) VALUES ('another', x'00')`);
    const page = { limit: 1, nextToken: nextToken as string };
    expect((await sqliteCatalog(database).listSecrets({ target }, page)).items).toHaveLength(1);
  });

  it('has 1 to 100 items', async () => {
    const leases = sqliteLeases(open().database);
    for (const limit of [0, -1, 101, 1.5, Number.NaN])
      await expect(leases.list({}, { limit })).rejects.toThrow('1 to 100');
  });
});

describe('searches', () => {
  /** How SQLite goes about each statement that looks for leases or keys, by its text on one line. */
  async function plans(): Promise<ReadonlyMap<string, string>> {
    const { database } = open();
    const prepare = vi.spyOn(database, 'prepare');
    const leases = sqliteLeases(database);
    const [caller, secret] = ['arn:aws:iam::111122223333:role/ci', 'ci/release'];
    for (const filter of [{}, { caller }, { secret }, { caller, secret }]) {
      await leases.list(filter, { limit: 1 });
      for (const status of ['active', 'revoked'] as const) await leases.list({ ...filter, status }, { limit: 1 });
    }
    const texts = new Set(prepare.mock.calls.map(([text]) => text.replace(/\s+/g, ' ').trim()));
    prepare.mockRestore();
    return new Map(
      [...texts]
        .filter((text) => /^(?:SELECT|DELETE|UPDATE) .*\b(?:leases|replays)\b/.test(text))
        .map((text) => {
          const steps = database.prepare(`EXPLAIN QUERY PLAN ${text}`).all() as { detail: string }[];
          return [text, steps.map(({ detail }) => detail).join('; ')];
        }),
    );
  }

  it('never walk through all leases, nor sort them', async () => {
    const found = await plans();
    expect(found.size).toBeGreaterThan(20);
    for (const [text, plan] of found) expect(plan, text).not.toMatch(/\bSCAN\b|TEMP B-TREE/);
  });

  it('go by what is rare', async () => {
    const found = [...(await plans())];
    const planOf = (...parts: readonly string[]) =>
      found.filter(([text]) => parts.every((part) => text.includes(part))).map(([, plan]) => plan);
    expect(planOf('FROM leases', 'due_at_ms <=')).toEqual([expect.stringContaining('USING INDEX leases_due ')]);
    expect(planOf('FROM leases', 'id > :id')).toEqual([expect.stringContaining('USING INDEX leases_open ')]);
    expect(planOf('count(*)', 'target = ?')).toEqual([expect.stringContaining('leases_open_target ')]);
    expect(planOf('count(*)', 'secret = ?')).toEqual([expect.stringContaining('leases_open_secret ')]);
    expect(planOf('token_sha256 = ?')).toEqual([expect.stringContaining('leases_token ')]);
    expect(planOf('DELETE FROM leases')).toEqual([expect.stringContaining('USING INDEX leases_ttl ')]);
    expect(planOf('DELETE FROM replays')).toEqual([expect.stringContaining('USING INDEX replays_ttl ')]);
    // Few leases are open and most are revoked.
    expect(planOf('WHERE caller = :caller AND status =')).toEqual([expect.stringContaining('leases_status ')]);
    expect(planOf('WHERE caller = :caller AND +status =')).toEqual([expect.stringContaining('leases_caller ')]);
    expect(planOf('WHERE secret = :secret AND +status =')).toEqual([expect.stringContaining('leases_secret ')]);
    expect(planOf('WHERE status = :status AND (')).toEqual([expect.stringContaining('leases_status ')]);
  });
});

describe('a row that cannot be read', () => {
  const canary = 'canary-canary';
  const documents = ['', 'null', '[]', `"${canary}"`, `{"${canary}`, '{}', `{"id":"${canary}","name":"${canary}"}`];

  async function expectUnreadable(read: () => Promise<unknown>): Promise<void> {
    const error = (await read().catch((caught) => caught)) as Error;
    expect(error).toBeInstanceOf(RowUnreadable);
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain(canary);
  }

  it('is refused with its name and without its content, wherever it lies', async () => {
    const { database } = open();
    const [leases, catalog, sessions] = [sqliteLeases(database), sqliteCatalog(database), sqliteSessions(database)];
    const [lease, secret, target, session] = [aLease(), aSecret(), aTarget(), aSessionRecord()];
    const replay = { id: 'a'.repeat(64), version: 1, opId: 'op', orderSha256: '', leaseId: lease.id, ttlAtMs: 5 };
    await leases.create(lease, { replay });
    await catalog.putSecret(secret);
    await catalog.putTarget(target);
    await sessions.write(session);
    const reads: [string, () => Promise<unknown>][] = [
      ['leases', () => leases.get(lease.id)],
      ['leases', () => leases.list({}, { limit: 1 })],
      ['secrets', () => catalog.getSecret(secret.name)],
      ['targets', () => catalog.listTargets({}, { limit: 1 })],
      ['sessions', () => sessions.read(session.target)],
      ['replays', () => leases.readReplay(replay.id)],
    ];
    for (const [table, read] of reads) {
      await read();
      const { document } = database.prepare(`SELECT document FROM ${table}`).get() as { document: string };
      const set = database.prepare(`UPDATE ${table} SET document = ?, schema = ?`);
      for (const damaged of documents) {
        set.run(damaged, 1);
        await expectUnreadable(read);
      }
      set.run(document, 2);
      await expectUnreadable(read);
      set.run(document, 1);
      await read();
    }
  });

  it('is refused when it is no JSON object, whatever else it is', () => {
    for (const text of ['', '{', 'null', '[]', '[{}]', '7', `"${canary}"`]) {
      expect(() => parseObject('a row', text)).toThrow(new RowUnreadable('a row', 'it is not a JSON object'));
    }
    expect(parseObject('a row', '{"a":1}')).toEqual({ a: 1 });
  });

  it('does not keep the due from being named', async () => {
    const { database } = open();
    const leases = sqliteLeases(database);
    const lease = aLease({ dueAtMs: 5 });
    await leases.create(lease);
    database.prepare('UPDATE leases SET document = ?').run('damaged');
    expect((await leases.due(5, { limit: 1 })).items).toEqual([lease.id]);
  });
});

describe('stored credentials', () => {
  const credential = { username: 'acme-bot', password: 'canary+pass/word=ü "1234567890' };

  it('do not open under another target or version, or with another key', async () => {
    const { database, dataDir } = open();
    const credentials = sqliteCredentials(database, openKeyFile(dataDir).sealer);
    const version = await credentials.stage('one', credential);
    await credentials.promote('one', version);
    const stranger = sqliteCredentials(database, openKeyFile(dataFolder()).sealer);
    await expect(stranger.read('one')).rejects.toThrow('was not sealed with this key');
    database.exec(`UPDATE credentials SET target = 'two'`);
    await expect(credentials.read('two')).rejects.toThrow('was not sealed with this key');
    database.exec(`UPDATE credentials SET target = 'one', version = 'other'`);
    await expect(credentials.read('one')).rejects.toThrow('was not sealed with this key');
    database.prepare('UPDATE credentials SET version = ?').run(version);
    expect(await credentials.read('one')).toEqual({ credential, version });
  });

  it('are kept only while they are current or newly staged', async () => {
    const { database, dataDir } = open();
    const credentials = sqliteCredentials(database, openKeyFile(dataDir).sealer);
    const count = () =>
      (database.prepare('SELECT count(*) AS count FROM credentials').get() as { count: number }).count;
    const first = await credentials.stage('one', credential);
    await credentials.promote('one', first);
    const staged: string[] = [];
    for (let n = 0; n < 10; n++) staged.push(await credentials.stage('one', credential));
    expect(count()).toBe(9);
    await expect(credentials.promote('one', staged[1] as string)).rejects.toThrow('no such version');
    await credentials.promote('one', staged[9] as string);
    expect(count()).toBe(8);
    await expect(credentials.promote('one', first)).rejects.toThrow('no such version');
    expect((await credentials.read('one'))?.version).toBe(staged[9]);
    await credentials.remove('one');
    expect(count()).toBe(0);
  });

  it('are kept, the last eight that were staged, beside a current one among them', async () => {
    const { database, dataDir } = open();
    const credentials = sqliteCredentials(database, openKeyFile(dataDir).sealer);
    const oldest = await credentials.stage('one', credential);
    await credentials.promote('one', await credentials.stage('one', credential));
    for (let n = 0; n < 7; n++) await credentials.stage('one', credential);
    await credentials.promote('one', oldest);
    expect((await credentials.read('one'))?.version).toBe(oldest);
  });

  it('of two targets that have a version of one name are told apart', async () => {
    const { database, dataDir } = open();
    const credentials = sqliteCredentials(database, openKeyFile(dataDir).sealer);
    for (const target of ['one', 'two']) await credentials.stage(target, credential);
    database.exec(`UPDATE credentials SET version = 'same'`);
    await credentials.promote('one', 'same');
    expect(await credentials.read('two')).toBeUndefined();
  });

  it('of another form are refused with their target and without their content', async () => {
    const { database, dataDir } = open();
    const { sealer } = openKeyFile(dataDir);
    const credentials = sqliteCredentials(database, sealer);
    const version = await credentials.stage('one', credential);
    await credentials.promote('one', version);
    const refusal = async () => String(await credentials.read('one').catch((caught) => caught));
    database.exec('UPDATE credentials SET schema = 2');
    expect(await refusal()).toBe('RowUnreadable: the credential of one cannot be read: its schema is 2, expected 1');
    database.exec('UPDATE credentials SET schema = 1');
    for (const held of [
      { username: 'acme-bot' },
      { password: 'canary' },
      { username: 'acme-bot', password: ['canary'] },
    ]) {
      const sealed = await sealer.seal(JSON.stringify(held), `credential:one:${version}`);
      database.prepare('UPDATE credentials SET sealed = ?').run(sealed);
      expect(await refusal()).toBe(
        'RowUnreadable: the credential of one cannot be read: it lacks a user name or password',
      );
    }
  });

  it('lie nowhere in the data folder in plain, base64, hex or URL-encoded, its log and key included', async () => {
    const dataDir = dataFolder();
    const totpSecret = 'CANARYCANARYCANARYJBSWY3DP';
    const bearer = 'canary.bearer.0123456789abcdef';
    const other = otherProcess(
      dataDir,
      `const data = openData(dataDir);
       const credential = ${JSON.stringify({ ...credential, totpSecret })};
       for (const target of ['one', 'two', 'three']) {
         const version = await data.credentials.stage(target, credential);
         if (target !== 'three') await data.credentials.promote(target, version);
         if (target === 'two') await data.credentials.remove(target);
       }
       const sealedBearer = await data.sealer.seal(${JSON.stringify(bearer)}, 'session:one');
       await data.sessions.write(build.aSessionRecord({ target: 'one', sealedBearer }));
       say('done');
       setInterval(() => {}, 1000);`,
    );
    expect(await other.line()).toBe('done');
    await other.kill();
    const files = readdirSync(dataDir);
    expect(files).toEqual(['hublease.sqlite', 'hublease.sqlite-wal', 'key']);
    const canaries = new Canaries();
    for (const [name, secret] of Object.entries({ ...credential, totpSecret, bearer })) {
      if (name !== 'username') canaries.plant(name, secret);
    }
    for (const file of files) expect(canaries.seenIn(readFileSync(join(dataDir, file))), file).toEqual([]);
    const log = readFileSync(join(dataDir, 'hublease.sqlite-wal'));
    expect(log.includes('credentials'), 'the log holds what was written').toBe(true);
  });

  it('are named by a version that says nothing of them', async () => {
    const { database, dataDir } = open();
    const credentials = sqliteCredentials(database, openKeyFile(dataDir).sealer);
    const versions = [await credentials.stage('one', credential), await credentials.stage(unique('two'), credential)];
    for (const version of versions) expect(version).toMatch(/^[0-9a-f-]{36}$/);
    expect(versions[0]).not.toBe(versions[1]);
  });
});
