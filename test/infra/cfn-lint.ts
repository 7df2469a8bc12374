import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const RUN_LINT = 'import sys; from cfnlint.runner import main; sys.exit(main())';

export interface Lint {
  /** Errors, one a line; with `warnings`, those too. */
  readonly findings: readonly string[];
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs cfn-lint over a template. @returns undefined, after one line, where no Python has cfn-lint. */
export function cfnLint(file: string, options: { readonly warnings?: boolean } = {}): Lint | undefined {
  const python = findPython();
  if (python === undefined) return undefined;
  const level = options.warnings === true ? 'warning' : 'error';
  const args = ['--non-zero-exit-code', level, '--regions', 'eu-west-1', '--format', 'parseable', file];
  const { stdout, status, stderr } = spawnSync(python, ['-c', RUN_LINT, ...args], { encoding: 'utf8' });
  const pattern = options.warnings === true ? /:[EW]\d{4}:/ : /:E\d{4}:/;
  return { findings: stdout.split('\n').filter((line) => pattern.test(line)), status, stderr };
}

/**
 * The Python that has cfn-lint: `HUBLEASE_TEST_PYTHON`, else the repository's `.venv`; undefined, after one line, without.
 *
 * @throws Error instead when `HUBLEASE_REQUIRE_TIERS` is 1.
 */
function findPython(): string | undefined {
  const local = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
  const found = [process.env.HUBLEASE_TEST_PYTHON, existsSync(local) ? local : undefined].find(
    (python) => python !== undefined && python !== '' && hasLint(python),
  );
  if (found !== undefined) return found;
  const hint = 'no Python with cfn-lint: python3 -m venv .venv && .venv/bin/pip install -r test/aws/requirements.txt';
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(hint);
  console.warn(`skipping cfn-lint: ${hint}`);
  return undefined;
}

function hasLint(python: string): boolean {
  const probe = 'import importlib.util as u, sys; sys.exit(0 if u.find_spec("cfnlint") else 1)';
  return spawnSync(python, ['-c', probe], { stdio: 'ignore' }).status === 0;
}
