import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openData } from '../../local/sqlite/data.ts';
import { CannotOpenData, DATABASE_FILE, openDatabase } from '../../local/sqlite/database.ts';
import { FAKE_DATABASE_FILE, type HubOfFolder, hubOfFolder } from '../../local/sqlite/hub-of-folder.ts';
import { openKeyFile } from '../../local/sqlite/key-file.ts';
import { dropClaims, sqliteSessions } from '../../local/sqlite/sessions.ts';
import { aTarget } from '../contract/builders.ts';
import { contentsOf } from './harness.ts';
import { dataFolder, otherProcess } from './sqlite-folder.ts';

const HUB = 'https://hub.docker.com';
const OTHER = 'https://hub.example.com';

function open(dataDir: string, hub: HubOfFolder): void {
  openData(dataDir, hub).close();
}

/** The refusal of a start that must leave every byte of the folder as it was. */
function refusal(dataDir: string, hub: HubOfFolder): CannotOpenData {
  const before = contentsOf(dataDir);
  try {
    open(dataDir, hub);
  } catch (error) {
    expect(contentsOf(dataDir)).toEqual(before);
    if (error instanceof CannotOpenData) return error;
    throw error;
  }
  throw new Error(`the folder was opened for ${hub}`);
}

/** Changes a closed folder's database as a former version, or damage, would have left it. */
function change(dataDir: string, statement: string): void {
  const database = new DatabaseSync(join(dataDir, DATABASE_FILE));
  database.exec(statement);
  database.close();
}

const forget = (dataDir: string) => change(dataDir, "DELETE FROM meta WHERE name = 'docker_hub'");

/** A folder that a former version made: it has a target and no record. */
async function oldFolder(): Promise<string> {
  const dataDir = dataFolder();
  const data = openData(dataDir);
  await data.catalog.putTarget(aTarget());
  data.close();
  return dataDir;
}

describe('the Docker Hub of a start', () => {
  it.each([
    ['https://hub.docker.com', HUB],
    ['https://HUB.docker.com:443/', HUB],
    ['https://hub.docker.com:8443', 'https://hub.docker.com:8443'],
    ['http://127.0.0.1:80/', 'http://127.0.0.1'],
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000'],
  ])('%s is %s', (given, hub) => {
    expect(hubOfFolder(given)).toBe(hub);
  });

  it('is the bundled fake where none is named', () => {
    expect(hubOfFolder(undefined)).toBe('bundled');
  });
});

describe('a data folder', () => {
  it.each<[HubOfFolder, HubOfFolder]>([
    ['bundled', HUB],
    [HUB, 'bundled'],
    [HUB, OTHER],
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9001'],
  ])('of %s is refused for %s, left as it is, and goes on with its own', (own, other) => {
    const dataDir = dataFolder();
    open(dataDir, own);
    expect(refusal(dataDir, other).problem).toBe('other_hub');
    expect(refusal(dataDir, other).problem).toBe('other_hub');
    open(dataDir, own);
  });

  it('is refused before the rights to log in are given back', async () => {
    const dataDir = dataFolder();
    open(dataDir, HUB);
    const database = openDatabase(dataDir);
    const claimed = { target: 'acme-bot', version: 1, opId: 'one', claimUntilMs: 1 };
    await sqliteSessions(database).write(claimed);
    database.close();
    refusal(dataDir, OTHER);
    const again = openDatabase(dataDir);
    expect(await sqliteSessions(again).read('acme-bot')).toEqual(claimed);
    dropClaims(again);
    again.close();
  });

  it('belongs to its Docker Hub from the instant that it is opened, though the process is killed then', async () => {
    const dataDir = dataFolder();
    const other = otherProcess(dataDir, `openData(dataDir, '${HUB}'); say('open'); setInterval(() => {}, 1000);`);
    expect(await other.line()).toBe('open');
    await other.kill();
    // Not compared byte by byte: SQLite takes up the log that the killed process left.
    expect(() => open(dataDir, 'bundled')).toThrow(CannotOpenData);
    open(dataDir, HUB);
  });

  it.each<[left: string, leave: (dataDir: string) => void]>([
    ['nothing but itself', (dataDir) => mkdirSync(dataDir, { mode: 0o700 })],
    [
      'an empty database file',
      (dataDir) => {
        mkdirSync(dataDir, { mode: 0o700 });
        writeFileSync(join(dataDir, DATABASE_FILE), '', { mode: 0o600 });
      },
    ],
    ['its tables', (dataDir) => openDatabase(dataDir).close()],
    [
      'its tables and its key',
      (dataDir) => {
        openDatabase(dataDir).close();
        openKeyFile(dataDir);
      },
    ],
  ])('of which a first start that was killed has left %s takes the Docker Hub of the next start', (_, leave) => {
    for (const [next, other] of [
      ['bundled', HUB],
      [HUB, 'bundled'],
    ] as const) {
      const dataDir = dataFolder();
      leave(dataDir);
      open(dataDir, next);
      expect(refusal(dataDir, other).problem).toBe('other_hub');
    }
  });

  it.each([
    '',
    'fake',
    'bundled ',
    'hub.docker.com',
    'https://',
    'https://hub.docker.com/',
    'ftp://hub.docker.com',
    '\u0000',
  ])('whose record reads %j is refused for every Docker Hub, in words', (record) => {
    const dataDir = dataFolder();
    open(dataDir, HUB);
    change(dataDir, `UPDATE meta SET value = x'${Buffer.from(record).toString('hex')}' WHERE name = 'docker_hub'`);
    for (const hub of ['bundled', HUB] as const) {
      const { problem, message } = refusal(dataDir, hub);
      expect(problem).toBe('hub_damaged');
      expect(message).toContain('its record of the Docker Hub that it belongs to is damaged');
      expect(message).not.toContain('\n');
    }
  });
});

describe('a data folder of a former version, without a record,', () => {
  it("that holds the fake's database belongs to the bundled fake", async () => {
    const dataDir = await oldFolder();
    writeFileSync(join(dataDir, FAKE_DATABASE_FILE), '');
    expect(refusal(dataDir, HUB).problem).toBe('other_hub');
    open(dataDir, 'bundled');
    expect(refusal(dataDir, HUB).problem).toBe('other_hub');
  });

  it('that holds no database of the fake takes the origin of the first start', async () => {
    const dataDir = await oldFolder();
    open(dataDir, HUB);
    expect(refusal(dataDir, OTHER).problem).toBe('other_hub');
    expect(refusal(dataDir, 'bundled').problem).toBe('other_hub');
  });

  it('that holds targets but no database of the fake is refused to the fake, and stays free for its own Docker Hub', async () => {
    const dataDir = await oldFolder();
    const { problem, message } = refusal(dataDir, 'bundled');
    expect(problem).toBe('hub_unknown');
    expect(message).toContain(`npm start -- --hub ${HUB} --data ${dataDir}`);
    open(dataDir, HUB);
  });

  it('keeps what its first record says when the fake’s database is taken away', async () => {
    const dataDir = await oldFolder();
    writeFileSync(join(dataDir, FAKE_DATABASE_FILE), '');
    open(dataDir, 'bundled');
    rmSync(join(dataDir, FAKE_DATABASE_FILE));
    expect(refusal(dataDir, HUB).problem).toBe('other_hub');
  });

  it('is opened all the same where the record cannot be written, as on a full disk, but only if it has leases to revoke', async () => {
    const readOnly = "CREATE TRIGGER full BEFORE INSERT ON meta BEGIN SELECT raise(ABORT, 'full'); END";
    const used = await oldFolder();
    change(used, readOnly);
    open(used, HUB);
    change(used, 'DROP TRIGGER full');
    open(used, HUB);
    expect(refusal(used, OTHER).problem).toBe('other_hub');
    const empty = dataFolder();
    open(empty, HUB);
    forget(empty);
    change(empty, readOnly);
    expect(refusal(empty, HUB).problem).toBe('unwritable');
  });
});

describe('the refusal', () => {
  const lineOf = (own: HubOfFolder, other: HubOfFolder, dataDir = dataFolder()) => {
    open(dataDir, own);
    return { dataDir, line: refusal(dataDir, other).message };
  };

  it('of a folder of the fake names the folder, both Docker Hubs and both commands', () => {
    const { dataDir, line } = lineOf('bundled', HUB);
    expect(line).toBe(
      `cannot use the data folder "${dataDir}": it belongs to the bundled fake Docker Hub. For ${HUB} use another folder: ` +
        `npm start -- --hub ${HUB} --data ${dataDir}-hub (to go on with this one: npm start -- --data ${dataDir})`,
    );
  });

  it('of a folder of another Docker Hub names them too', () => {
    const { dataDir, line } = lineOf(HUB, 'bundled');
    expect(line).toBe(
      `cannot use the data folder "${dataDir}": it belongs to ${HUB}. For the bundled fake Docker Hub use another folder: ` +
        `npm start -- --data ${dataDir}-fake (to go on with this one: npm start -- --hub ${HUB} --data ${dataDir})`,
    );
  });

  it('quotes for a shell what a shell would read otherwise', () => {
    expect(lineOf('bundled', HUB, `${dataFolder()} o'clock`).line).toMatch(/ --data '[^']+ o'\\''clock-hub' /);
  });

  it('stays one line whatever the folder is called', () => {
    const { line } = lineOf('bundled', HUB, `${dataFolder()}\nnext`);
    expect(line).not.toContain('\n');
    expect(line).toContain(`--hub ${HUB} --data DIR `);
  });
});
