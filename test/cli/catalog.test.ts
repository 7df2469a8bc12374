import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { OPERATIONS } from '../../functions/wire/operations.ts';
import { ACCOUNT, CI_ARN } from '../local/harness.ts';
import { openTerminal, type Session, type Terminal, type TypeOptions } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
  terminal.env.AWS_PROFILE = 'hublease-admin';
});
afterAll(() => terminal.close());

/** Applies a text as a file; the words after it are flags. */
function apply(text: string, flags = '', options: TypeOptions = {}): Promise<Session> {
  const file = join(terminal.home, 'catalog.yaml');
  writeFileSync(file, text);
  return terminal.type(`secrets apply -f ${file} ${flags}`, options);
}

const TEAM_A = `
kind: Secret
name: team/a
target: acme-bot
scope: repo:read
defaultTtl: 15m
maxTtl: 1h
allow: [ ${CI_ARN} ]
`;

describe('apply', () => {
  test('creates what is not there and shows it as all new', async () => {
    const { code, stdout, stderr } = await apply(TEAM_A);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'secret team/a: created\n' });
    expect(stdout).toContain('--- Secret team/a\tabsent\n+++ Secret team/a\twanted\n');
    expect(stdout).toContain('+defaultTtlSeconds: 900\n');
    expect(stdout).not.toMatch(/^-(?!--)/m);
  });

  test('warns of roles that are listed by a pattern', async () => {
    const text = TEAM_A.replace('team/a', 'team/pattern').replace(CI_ARN, `"${CI_ARN}*"`);
    expect(await apply(text)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^secret team\/pattern: created\n {2}warning: allow: \S+role\/ci\* also lists roles that are made later\. [^\n]*\n$/,
      ),
    });
  });

  test('takes a pinned role, and knows it again', async () => {
    const pinned = `{ role: ${CI_ARN}, id: AROADBQP57FF2AEXAMPLE }`;
    const text = TEAM_A.replace('team/a', 'team/pinned').replace(CI_ARN, pinned);
    expect(await apply(text)).toMatchObject({ stderr: 'secret team/pinned: created\n' });
    expect(await apply(text)).toMatchObject({ stdout: '', stderr: 'secret team/pinned: unchanged\n' });
  });

  test('of the same again changes nothing, in whatever words it is said', async () => {
    const unchanged = { code: 0, stdout: '', stderr: 'secret team/a: unchanged\n' };
    expect(await apply(TEAM_A)).toEqual(unchanged);
    expect(await apply(TEAM_A.replace('15m', '900').replace('scope: repo:read', 'scopes: [repo:read]'))).toEqual(
      unchanged,
    );
    expect(await apply(JSON.stringify(parse(TEAM_A)))).toEqual(unchanged);
  });

  test('--dry-run shows the difference and changes nothing', async () => {
    const { code, stdout, stderr } = await apply(TEAM_A.replace('15m', '5m'), '--dry-run');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'secret team/a: would be changed\n' });
    expect(stdout).toContain('-defaultTtlSeconds: 900\n+defaultTtlSeconds: 300\n');
    expect((await terminal.type('secrets get team/a')).stdout).toContain('defaultTtlSeconds: 900\n');
  });

  test('changes what differs, and what is left out falls back to its default', async () => {
    await apply(`${TEAM_A}description: of team A\ndeleteProtection: true\n`);
    const { stdout, stderr } = await apply(TEAM_A.replace('15m', '5m'));
    expect(stderr).toBe('secret team/a: changed\n');
    expect(stdout).toContain('-description: of team A\n');
    expect(stdout).toContain('-deleteProtection: true\n');
    expect(stdout).toContain('+deleteProtection: false\n');
    expect(await apply(TEAM_A.replace('15m', '5m'))).toMatchObject({ stderr: 'secret team/a: unchanged\n' });
  });

  test('takes several documents, targets first, and reads standard input', async () => {
    const stdin = `${TEAM_A.replaceAll('team/a', 'team/b').replace('acme-bot', 'second')}---
kind: Target
name: second
credential: { username: ${ACCOUNT.username}, password: ${ACCOUNT.password} }
`;
    const { code, stdout, stderr } = await terminal.type('targets apply -f -', { stdin });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'target second: created\nsecret team/b: created\n' });
    expect(stdout).toContain(`+username: ${ACCOUNT.username}\n`);
    expect(stdout + stderr).not.toContain(ACCOUNT.password);
  });

  test('takes a credential from the environment', async () => {
    const text = `kind: Target\nname: third\ncredential: { username: ${ACCOUNT.username}, password: { env: HUB_PASSWORD } }\n`;
    const { code, stdout, stderr } = await apply(text, '', { env: { HUB_PASSWORD: ACCOUNT.password } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'target third: created\n' });
    expect(stdout).not.toContain(ACCOUNT.password);
    expect(await apply(text)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('takes credential.password from HUB_PASSWORD, which is not set'),
    });
  });

  test('takes one from standard input', async () => {
    const text = `kind: Target\nname: fourth\ncredential: { username: ${ACCOUNT.username}, password: '-' }\n`;
    expect(await apply(text, '', { stdin: `${ACCOUNT.password}\n` })).toMatchObject({ code: 0 });
    expect(await terminal.type('targets apply -f -', { stdin: text })).toMatchObject({ code: 2 });
  });

  test('sends the credential of a target that is there only when told to, for nobody can compare it', async () => {
    const text = (password: string) =>
      `kind: Target\nname: second\ncredential: { username: ${ACCOUNT.username}, password: ${password} }\n`;
    const { code, stderr } = await apply(text('not-the-one'));
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'target second: unchanged (credentials cannot be compared; --credentials sends them again)\n',
    });
    const refused = await apply(text('not-the-one'), '--credentials');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('(credential_refused)') });
    expect(refused.stderr).not.toContain('not-the-one');
    expect(await apply(text(ACCOUNT.password), '--credentials')).toMatchObject({
      code: 0,
      stderr: 'target second: changed\n',
    });
  });

  test('of a target keeps what the document leaves out', async () => {
    await apply('kind: Target\nname: second\ndescription: the second\n');
    expect(await apply('kind: Target\nname: second\nmaxActive: 10\n')).toMatchObject({
      stderr: 'target second: changed\n',
    });
    const target = parse((await terminal.type('targets get second')).stdout);
    expect(target).toMatchObject({ description: 'the second', maxActive: 10 });
  });

  test('a secret may bring its own credential', async () => {
    const login = `credential: { username: ${ACCOUNT.username}, password: ${ACCOUNT.password} }`;
    const text = TEAM_A.replace('team/a', 'team/own').replace('target: acme-bot', login);
    expect(await apply(text)).toMatchObject({ code: 0, stderr: 'secret team/own: created\n' });
    expect(await apply(text)).toMatchObject({ code: 0, stderr: expect.stringContaining('secret team/own: unchanged') });
    expect(await apply(text.replace('15m', '5m'))).toMatchObject({ code: 0, stderr: 'secret team/own: changed\n' });
  });

  test.each([
    ['no YAML', 'kind: [', 'document 1 is neither YAML nor JSON'],
    ['nothing', '', 'the file contains no document'],
    ['a list', '- kind: Secret', 'document 1 is not an object'],
    ['another kind', 'kind: Sekret\nname: x', 'document 1 needs "kind: Target" or "kind: Secret"'],
    ['no name', 'kind: Secret', 'document 1 needs a "name"'],
    ['an unknown field', `${TEAM_A}maxTTL: 1h\n`, 'document 1 (team/a) maxTTL: unknown field'],
    ['a wrong value', TEAM_A.replace('1h', 'long'), 'document 1 (team/a) maxTtl: expected whole seconds'],
    ['two ways of saying one thing', `${TEAM_A}scopes: repo:read\n`, 'give scope or scopes, not both'],
    ['a wrong second document', `${TEAM_A}---\nkind: Target\n`, 'document 2 needs a "name"'],
  ])('refuses %s before anything is changed', async (_, text, problem) => {
    const { code, stdout, stderr } = await apply(text.replace('15m', '7m'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(problem);
    expect(stderr).toContain('Nothing was changed.');
  });

  test('never quotes a credential that is not valid', async () => {
    const text = 'kind: Target\nname: x\ncredential: { username: "not a user", password: sesame-open }\n';
    const { code, stderr } = await apply(text);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('credential.username') });
    expect(stderr).not.toContain('sesame-open');
  });

  test('a file that is not there is said', async () => {
    expect(await terminal.type('secrets apply -f nowhere.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot read nowhere.yaml'),
    });
  });

  test('without -f is a mistake', async () => {
    expect(await terminal.type('secrets apply')).toMatchObject({ code: 2 });
  });
});

describe('list, get, delete and verify', () => {
  test('list prints a table, or the objects of the API', async () => {
    expect((await terminal.type('secrets list --prefix ci')).stdout).toMatch(
      /^SECRET +TARGET +SCOPE +TTL +MAX TTL +STATUS\nci\/one +acme-bot +repo:read +900 s +3600 s +ready\n/,
    );
    expect((await terminal.type('targets list')).stdout).toMatch(/^acme-bot +user +acme-bot +\S+Z +ready$/m);
    const listOf = async (plural: string) => JSON.parse((await terminal.type(`${plural} list -o json`)).stdout);
    const { listSecrets, listTargets } = OPERATIONS;
    expect(
      z.array(listSecrets.answers[200].schema.shape.items.element).safeParse(await listOf('secrets')).error,
    ).toBeUndefined();
    expect(
      z.array(listTargets.answers[200].schema.shape.items.element).safeParse(await listOf('targets')).error,
    ).toBeUndefined();
  });

  test('get prints YAML, or the object of the API', async () => {
    const { stdout } = await terminal.type('secrets get ci/release -o json');
    expect(OPERATIONS.getSecret.answers[200].schema.shape.secret.safeParse(JSON.parse(stdout)).error).toBeUndefined();
    expect(parse((await terminal.type('secrets get ci/release')).stdout)).toEqual(JSON.parse(stdout));
    expect(await terminal.type('targets get nothing')).toMatchObject({ code: 6, stdout: '' });
  });

  test('delete --dry-run only looks', async () => {
    expect(await terminal.type('secrets delete ci/short --dry-run')).toMatchObject({
      code: 0,
      stderr: 'secret ci/short: would be deleted\n',
    });
    expect(await terminal.type('secrets delete ci/nothing --dry-run')).toMatchObject({ code: 6 });
    expect(await terminal.type('secrets get ci/short')).toMatchObject({ code: 0 });
  });

  test('delete removes what nobody leases from', async () => {
    expect(await terminal.type('secrets delete ci/short')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'secret ci/short: deleted\n',
    });
    expect(await terminal.type('secrets get ci/short')).toMatchObject({ code: 6 });
  });

  test('delete of what has open leases wants --force, and then lets them end', async () => {
    await terminal.type('lease ci/release', { env: { AWS_PROFILE: 'hublease-ci' } });
    expect(await terminal.type('secrets delete ci/release')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(open_leases)'),
    });
    expect(await terminal.type('secrets delete ci/release --force')).toMatchObject({
      code: 0,
      stderr: 'secret ci/release: gives no more leases, and goes away when its 1 open leases have ended\n',
    });
  });

  test('verify says what was learned', async () => {
    const { code, stdout } = await terminal.type('targets verify acme-bot');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^deleteStatus +204$/m);
    const { stdout: json } = await terminal.type('targets verify acme-bot -o json');
    expect(OPERATIONS.getTarget.answers[200].schema.shape.target.safeParse(JSON.parse(json)).error).toBeUndefined();
  });

  test('all of it is for administrators', async () => {
    const env = { AWS_PROFILE: 'hublease-ci' };
    for (const command of [
      'secrets list',
      'targets get acme-bot',
      'targets verify acme-bot',
      'secrets delete ci/one',
    ]) {
      expect(await terminal.type(command, { env })).toMatchObject({ code: 5, stdout: '' });
    }
  });
});
