import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'scripts/find-secrets.ts');

/** Put together here, so that this file does not hold one. */
const PLANTED = ['pat', 'oat'].map((kind) => `dckr_${kind}_${'aB3-_'.repeat(6)}`.slice(0, 36));

function search(...args: string[]): Promise<{ code: number; err: string }> {
  const { promise, resolve: done } = Promise.withResolvers<{ code: number; err: string }>();
  const child = execFile(process.execPath, [SCRIPT, ...args], { cwd: ROOT }, (_error, _out, err) => {
    done({ code: child.exitCode ?? -1, err });
  });
  return promise;
}

describe('the search for tokens', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hublease-secrets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each(PLANTED)('finds a planted one and does not repeat it', async (token) => {
    const file = join(folder, 'ci.yml');
    writeFileSync(file, `on: push\npassword: ${token}\n`);
    const { code, err } = await search(file);
    expect(code).toBe(1);
    expect(err).toContain(`${file}:2: docker-hub-`);
    expect(err).not.toContain(token);
  });

  it('lets made-up ones pass that say so', async () => {
    const file = join(folder, 'notes.md');
    writeFileSync(file, 'a token looks like dckr_pat_EXAMPLE0123456789abcdefghij\n');
    expect(await search(file)).toEqual({ code: 0, err: '' });
  });

  it('finds none in what is tracked here', async () => {
    expect(await search('--all')).toEqual({ code: 0, err: '' });
  });
});
