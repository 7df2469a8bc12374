import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { auditFile } from '../../local/audit/audit-file.ts';
import { curlConfigOf, writeCurlConfigs } from '../../local/front-door/curl-configs.ts';
import { openProfiles } from '../../local/front-door/profiles.ts';
import { openDatabase } from '../../local/sqlite/database.ts';
import { dropClaims, sqliteSessions } from '../../local/sqlite/sessions.ts';
import { tempFolder, untilTestEnds } from '../local/harness.ts';

it('a start writes the curl configurations that are missing or wrong, and leaves the others alone', async () => {
  const { path } = untilTestEnds(tempFolder());
  const data = join(path, 'data');
  mkdirSync(data, { mode: 0o700 });
  const profiles = await openProfiles(data);
  writeCurlConfigs(data, profiles);
  const [admin, ci] = ['hublease-admin', 'hublease-ci'].map((name) => curlConfigOf(data, name)) as [string, string];
  const longAgo = new Date(0);
  utimesSync(admin, longAgo, longAgo);
  writeFileSync(ci, '');
  writeCurlConfigs(data, profiles);
  expect(statSync(admin).mtimeMs).toBe(0);
  expect(statSync(ci).size).toBeGreaterThan(0);
});

it('a start that cannot take back the right to log in, as on a full disk, goes on without', async () => {
  const { path } = untilTestEnds(tempFolder());
  const database = openDatabase(join(path, 'data'));
  untilTestEnds({ close: () => database.close() });
  const sessions = sqliteSessions(database);
  const claimed = { target: 'acme-bot', version: 1, opId: 'one', claimUntilMs: 1 };
  await sessions.write(claimed);
  database.exec('PRAGMA query_only = 1');
  dropClaims(database);
  expect(await sessions.read('acme-bot')).toEqual(claimed);
  database.exec('PRAGMA query_only = 0');
  dropClaims(database);
  expect(await sessions.read('acme-bot')).not.toHaveProperty('claimUntilMs');
});

it.each([
  ['half a line', '{"event":"lease.granted"}\n{"event":"lease.rev', 2],
  ['nothing but half a line', '{"event":"lease.rev', 1],
  ['whole lines', '{"event":"lease.granted"}\n', 2],
  ['nothing', '', 1],
])('an audit log of which a kill has left %s goes on with a whole one', async (_, left, lines) => {
  const { path } = untilTestEnds(tempFolder());
  writeFileSync(join(path, 'audit.jsonl'), left);
  const lost: string[] = [];
  await auditFile(path, { onLost: () => lost.push('lost') }).record({ event: 'lease.revoked', atMs: 0 });
  const written = readFileSync(join(path, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  expect(written.map((line) => JSON.parse(line).event)).toHaveLength(lines);
  expect(JSON.parse(written.at(-1) as string)).toEqual({
    event: 'lease.revoked',
    atMs: 0,
    at: new Date(0).toISOString(),
  });
  expect(lost).toEqual([]);
});
