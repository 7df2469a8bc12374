import { spawnSync } from 'node:child_process';
import { findPython } from '../python.ts';

const RUN_LINT = 'import sys; from cfnlint.runner import main; sys.exit(main())';

export interface Lint {
  /** Errors, one a line; with `warnings`, those too. */
  readonly findings: readonly string[];
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs cfn-lint over a template. @returns undefined, after one line, where no Python has cfn-lint. */
export function cfnLint(file: string, options: { readonly warnings?: boolean } = {}): Lint | undefined {
  const python = findPython('cfn-lint over templates', ['cfnlint']);
  if (python === undefined) return undefined;
  const level = options.warnings === true ? 'warning' : 'error';
  const args = ['--non-zero-exit-code', level, '--regions', 'eu-west-1', '--format', 'parseable', file];
  const { stdout, status, stderr } = spawnSync(python, ['-c', RUN_LINT, ...args], { encoding: 'utf8' });
  const pattern = options.warnings === true ? /:[EW]\d{4}:/ : /:E\d{4}:/;
  return { findings: stdout.split('\n').filter((line) => pattern.test(line)), status, stderr };
}
