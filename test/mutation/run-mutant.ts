import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Mutant, SOURCE_CHANGED } from './mutants.ts';
import { environmentOf } from './one-mutant.ts';
import type { StoreSuites } from './store-suites.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const CONFIG = 'test/mutation/conditions.config.ts';

/** What a database says of a query that it cannot read. A mutant of a query must not be killed by that. */
const UNREADABLE =
  /syntax error|ValidationException|no such column|unrecognized token|incomplete input|Unknown named parameter|column index out of range/;

/** How a run of the suites ended. */
export type Run =
  | { readonly outcome: 'passed' }
  /** `by` is the name of the first test that failed, `why` the first line of its failure. */
  | { readonly outcome: 'failed'; readonly by: string; readonly isTest: boolean; readonly why: string }
  /** The mutant keeps the suites from ever ending. */
  | { readonly outcome: 'endless' };

/**
 * Runs the suites over the sources with one mutant in them, or as they are, up to the first failure.
 *
 * @param names of the only tests to run; all of them when left out.
 * @param mostMs after which the run counts as endless.
 * @throws Error when the tests cannot be run, the source was edited meanwhile, or the mutant is one that its database cannot read.
 */
export async function runSuites(
  suites: StoreSuites,
  mutant: Mutant | undefined,
  mostMs: number,
  names?: readonly string[],
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'hublease-mutant-'));
  try {
    const report = join(folder, 'report.json');
    const pattern = names === undefined ? suites.only : names.map(escaped).join('|');
    const only = pattern === undefined ? [] : ['--testNamePattern', pattern];
    const options = ['run', '--config', CONFIG, '--reporter', 'json', '--outputFile', report, ...only];
    if (!(await ended([VITEST, ...options, ...suites.tests], environmentOf(mutant), mostMs)))
      return { outcome: 'endless' };
    const run = readReport(report);
    if (run.outcome === 'failed' && run.why.includes(SOURCE_CHANGED)) throw new Error(run.why);
    if (run.outcome === 'failed' && mutant?.kind === 'query' && UNREADABLE.test(run.why)) {
      throw new Error(`${mutant.file}:${mutant.line}: the database cannot read ${mutant.replacement}: ${run.why}`);
    }
    return run;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** Runs Node in a process group of its own. Says whether it ended by itself; else the whole group is killed. */
function ended(options: readonly string[], env: NodeJS.ProcessEnv, mostMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, options, { cwd: ROOT, env, stdio: 'ignore', detached: true });
    let isLate = false;
    const kill = () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, mostMs);
    process.once('exit', kill);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      process.off('exit', kill);
      resolve(!isLate);
    });
  });
}

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function readReport(path: string): Run {
  const { success, numPassedTests, testResults } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  if (success && numPassedTests > 0) return { outcome: 'passed' };
  if (success) throw new Error('no test was run');
  for (const { name, status, message, assertionResults } of testResults) {
    const test = assertionResults.find((result) => result.status === 'failed');
    const why = test?.failureMessages[0] ?? message;
    if (test !== undefined || status === 'failed') {
      return {
        outcome: 'failed',
        // The form in which a pattern is held against names.
        by: test === undefined ? name : [...test.ancestorTitles, test.title].join(' > '),
        isTest: test !== undefined,
        why: why.split('\n')[0] ?? '',
      };
    }
  }
  return { outcome: 'failed', by: 'the run itself', isTest: false, why: 'an error outside of all tests' };
}
