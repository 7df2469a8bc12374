import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const HOW = 'python3 -m venv .venv-localstack && .venv-localstack/bin/pip install -r test/localstack/requirements.txt';

/**
 * Finds the Python that has LocalStack: `HUBLEASE_TEST_LOCALSTACK_PYTHON`, or the repository's `.venv-localstack`. When something
 * is missing on this machine, it prints one line that says what, and returns undefined.
 *
 * @throws Error instead when the tiers are mandatory (`HUBLEASE_REQUIRE_TIERS=1`, as in CI).
 */
export function findLocalstackPython(): string | undefined {
  const named = process.env.HUBLEASE_TEST_LOCALSTACK_PYTHON;
  const python = named !== undefined && named !== '' ? named : join(ROOT, '.venv-localstack/bin/python');
  const reason = whatIsMissing(python);
  if (reason === undefined) return python;
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(reason);
  process.stderr.write(`skipped: ${reason}\n`);
  return undefined;
}

function whatIsMissing(python: string): string | undefined {
  if (process.platform === 'win32') return 'the whole stack runs on LocalStack, which does not run on Windows';
  const probe = 'import importlib.util as u, sys; sys.exit(0 if u.find_spec("localstack") else 1)';
  if (!existsSync(python) || !runs(python, '-c', probe)) return `the whole stack needs LocalStack: ${HOW}`;
  if (!runs('java', '-version')) return 'the whole stack needs Java 17 or later for DynamoDB Local';
  return runs('openssl', 'version') ? undefined : 'the whole stack needs openssl, for a certificate of its own';
}

function runs(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
