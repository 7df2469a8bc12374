import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { tryLock } from '../../cli/file-lock.ts';
import { tempFolder, untilTestEnds } from '../local/harness.ts';

const FILE_LOCK = new URL('../../cli/file-lock.ts', import.meta.url).href;

let folder: string;
let path: string;
beforeEach(() => {
  folder = untilTestEnds(tempFolder()).path;
  path = join(folder, 'a.lock');
});

/** A process that tries for the lock once, says how that went, and then lives on. */
async function rival(): Promise<{ child: ChildProcess; got: boolean }> {
  const code = `import { tryLock } from '${FILE_LOCK}';
    const lock = tryLock(process.argv[1]);
    console.log(lock === undefined ? 'refused' : 'locked');
    setInterval(() => lock, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let warnings = '';
  child.stderr.on('data', (text) => {
    warnings += text;
  });
  const [answer] = await once(child.stdout, 'data');
  expect(warnings).toBe('');
  return { child, got: String(answer) === 'locked\n' };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('a file lock', () => {
  test('is had by one at a time, in this process too', async () => {
    const lock = tryLock(path);
    expect(lock).toBeDefined();
    expect(tryLock(path)).toBeUndefined();
    expect((await rival()).got).toBe(false);
    lock?.release();
    expect((await rival()).got).toBe(true);
  });

  test('is free as soon as its holder was killed', async () => {
    const { child, got } = await rival();
    expect(got).toBe(true);
    expect(tryLock(path)).toBeUndefined();
    await end(child);
    const lock = tryLock(path);
    expect(lock).toBeDefined();
    lock?.release();
  });

  test('stays with a holder that is stopped', async () => {
    const { child } = await rival();
    child.kill('SIGSTOP');
    expect(tryLock(path)).toBeUndefined();
    await end(child);
  });

  test('of one file is not that of another', () => {
    const locks = [tryLock(path), tryLock(join(folder, 'b.lock'))];
    expect(locks.every((each) => each !== undefined)).toBe(true);
    for (const lock of locks) lock?.release();
  });

  test('is an empty file for this user alone, and nothing beside it', () => {
    const lock = tryLock(path);
    expect(readdirSync(folder)).toEqual(['a.lock']);
    expect(statSync(path)).toMatchObject({ size: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    lock?.release();
  });

  test.each(['a', 'SQLite format 3\0'.padEnd(100, 'x'), 'x'.repeat(5_000)])(
    'is had although somebody wrote %j into its file',
    async (text) => {
      writeFileSync(path, text);
      const lock = tryLock(path);
      expect(lock).toBeDefined();
      expect((await rival()).got).toBe(false);
      lock?.release();
    },
  );

  test('ends with the system’s error where no file can be', () => {
    expect(() => tryLock(join(folder, 'no', 'such', 'folder'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
