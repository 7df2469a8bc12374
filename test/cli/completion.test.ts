import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
});
afterAll(() => terminal.close());

const script = async (shell: string) => (await terminal.type(`completion ${shell}`)).stdout;

describe('hublease completion bash', () => {
  /** What bash offers for the last of these words. */
  async function offered(...words: string[]): Promise<string[]> {
    const typed = ['hublease', ...words].map((word) => `'${word}'`).join(' ');
    const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _hublease; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', `${await script('bash')}\n${ask}`], { encoding: 'utf8' })
      .trim()
      .split('\n');
  }

  test('offers commands', async () => {
    expect(await offered('le')).toEqual(['lease', 'leases']);
    expect(await offered('')).toEqual(expect.arrayContaining(['exec', 'doctor', '--endpoint']));
  });

  test('offers the flags of a command', async () => {
    expect(await offered('lease', 'ci/release', '--r')).toEqual(['--reason', '--reveal']);
    expect(await offered('exec', '--ren')).toEqual(['--renew']);
  });

  test('offers the commands and flags of a command of a command', async () => {
    expect(await offered('setup', '')).toEqual(expect.arrayContaining(['docker', 'podman']));
    expect(await offered('setup', 'docker', '--u')).toEqual(['--undo']);
    expect(await offered('targets', 'ver')).toEqual(['verify']);
  });

  test('takes no word of an argument for a command', async () => {
    expect(await offered('revoke', 'docker', '--pre')).toEqual(['--prefix']);
  });
});

describe.each(['zsh', 'fish'])('hublease completion %s', (shell) => {
  test('names every command and flag', async () => {
    const text = await script(shell);
    for (const word of ['lease', 'exec', 'podman', 'renew', 'verify']) expect(text).toContain(word);
    expect(text).toMatch(shell === 'zsh' ? /^#compdef hublease\n/ : /^complete -c hublease /);
  });

  test('is read by the shell, where there is one', async () => {
    const text = await script(shell);
    const { error, status, stderr } = spawnSync(shell, ['-n'], { input: text, encoding: 'utf8' });
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
