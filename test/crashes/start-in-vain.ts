import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Disk } from './disk.ts';

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
/** A start that does not fail is ended after this. */
const LIMIT_MS = 20_000;

/** Starts the command line on a disk where it should not get far. Status 0 when it did and had to be ended. */
export function startInVain({ command, data }: Pick<Disk, 'command' | 'data'>) {
  const args = [MAIN, '--port', '0', '--data', data.inside, '--hub', 'http://127.0.0.1:9'];
  const [program = '', ...rest] = [...command, process.execPath, ...args];
  const { status, stderr, stdout } = spawnSync(program, rest, { encoding: 'utf8', timeout: LIMIT_MS });
  return { status, stderr, stdout };
}
