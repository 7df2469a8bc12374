import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CredentialsFileError, credentialsFileOf, openProfiles } from '../../local/front-door/profiles.ts';

let root: string;
let dataDir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hublease-profiles-'));
  dataDir = join(root, 'data');
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe('the profiles of the embedded edition', () => {
  it('are made on the first start, with random keys of the form that AWS gives out', async () => {
    const profiles = await openProfiles(dataDir);
    expect(profiles).toEqual([
      {
        name: 'hublease-admin',
        accountId: '000000000000',
        userArn: 'arn:aws:sts::000000000000:assumed-role/admin/hublease-admin',
        roleId: 'AROAHUBLEASEADMINAAAA',
        mayAdminister: true,
        accessKeyId: expect.stringMatching(/^AKIA[A-Z2-7]{16}$/),
        secretAccessKey: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
      },
      {
        name: 'hublease-ci',
        accountId: '111122223333',
        userArn: 'arn:aws:sts::111122223333:assumed-role/ci/hublease-ci',
        roleId: 'AROAHUBLEASECIAAAAAAA',
        mayAdminister: false,
        accessKeyId: expect.stringMatching(/^AKIA[A-Z2-7]{16}$/),
        secretAccessKey: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
      },
      {
        name: 'hublease-other',
        accountId: '444455556666',
        userArn: 'arn:aws:sts::444455556666:assumed-role/other/hublease-other',
        roleId: 'AROAHUBLEASEOTHERAAAA',
        mayAdminister: false,
        accessKeyId: expect.stringMatching(/^AKIA[A-Z2-7]{16}$/),
        secretAccessKey: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
      },
    ]);
    const keys = profiles.flatMap((profile) => [profile.accessKeyId, profile.secretAccessKey]);
    expect(new Set(keys).size).toBe(6);
  });

  it('are the same on every later start', async () => {
    expect(await openProfiles(dataDir)).toEqual(await openProfiles(dataDir));
  });

  it('are the same for two first starts at once', async () => {
    const [one, other] = await Promise.all([openProfiles(dataDir), openProfiles(dataDir)]);
    expect(one).toEqual(other);
    expect(await readdir(dataDir)).toEqual(['credentials']);
  });

  it('differ between two data folders', async () => {
    const [here] = await openProfiles(dataDir);
    const [there] = await openProfiles(join(root, 'other'));
    expect(here?.accessKeyId).not.toBe(there?.accessKeyId);
  });

  it('name the region too, so that a client needs nothing but the file', async () => {
    await openProfiles(dataDir);
    expect(await readFile(credentialsFileOf(dataDir), 'utf8')).toMatch(
      /^\[hublease-ci\]\naws_access_key_id = \S+\naws_secret_access_key = \S+\nregion = us-east-1$/m,
    );
  });

  it.skipIf(process.platform === 'win32')(
    'are readable by their owner alone, also after the file was copied',
    async () => {
      await openProfiles(dataDir);
      const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
      expect(await modeOf(credentialsFileOf(dataDir))).toBe(0o600);
      expect(await modeOf(dataDir)).toBe(0o700);
      await chmod(credentialsFileOf(dataDir), 0o644);
      await openProfiles(dataDir);
      expect(await modeOf(credentialsFileOf(dataDir))).toBe(0o600);
    },
  );

  it('may stand among comments and profiles of the owner', async () => {
    const before = await openProfiles(dataDir);
    const text = await readFile(credentialsFileOf(dataDir), 'utf8');
    await writeFile(
      credentialsFileOf(dataDir),
      `# mine\n[default]\r\naws_access_key_id=x\r\n\n${text.replaceAll(' = ', '=')}`,
    );
    expect(await openProfiles(dataDir)).toEqual(before);
  });

  it.each<[string, (text: string) => string, string]>([
    ['an empty file', () => '', 'profile hublease-admin has no aws_access_key_id'],
    ['something else', () => '{"a":1}', 'profile hublease-admin has no aws_access_key_id'],
    ['a forbidden section', (text) => `[__proto__]\n${text}`, 'profile hublease-admin has no aws_access_key_id'],
    [
      'a profile less',
      (text) => text.slice(0, text.indexOf('[hublease-other]')),
      'profile hublease-other has no aws_access_key_id',
    ],
    [
      'a file cut short',
      (text) => text.slice(0, -30),
      'profile hublease-other has an aws_secret_access_key of the wrong form',
    ],
    [
      'a key id of another form',
      (text) => text.replaceAll('AKIA', 'ASIA'),
      'profile hublease-admin has an aws_access_key_id of the wrong form',
    ],
    [
      'one key for two profiles',
      (text) => text.replaceAll(/AKIA\w+/g, 'AKIAAAAAAAAAAAAAAAAA'),
      'two profiles have the same aws_access_key_id',
    ],
  ])('are refused with one line when the file holds %s, and the file is left alone', async (_, damage, problem) => {
    const profiles = await openProfiles(dataDir);
    const path = credentialsFileOf(dataDir);
    const text = damage(await readFile(path, 'utf8'));
    await writeFile(path, text);
    const error = await openProfiles(dataDir).catch((caught) => caught);
    expect(error).toBeInstanceOf(CredentialsFileError);
    expect(error.message).toBe(
      `the credentials file ${path} is damaged: ${problem}. Repair it, or move it away and a new one with new keys is made`,
    );
    for (const { secretAccessKey } of profiles) expect(error.message).not.toContain(secretAccessKey.slice(0, 8));
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('are refused with one line when the folder cannot be made', async () => {
    await writeFile(dataDir, 'a file where the folder should be');
    await expect(openProfiles(dataDir)).rejects.toThrow(
      `the credentials file ${credentialsFileOf(dataDir)} cannot be read or written (EEXIST)`,
    );
  });

  it('leave no draft behind', async () => {
    await openProfiles(dataDir);
    expect(await readdir(dataDir)).toEqual(['credentials']);
  });
});
