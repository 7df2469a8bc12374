import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Mutant, SOURCE_CHANGED } from './mutants.ts';
import type { StoreSuites } from './store-suites.ts';

/** What a database says of a query that it cannot read. A mutant of a query must not be killed by that. */
const UNREADABLE =
  /syntax error|ValidationException|no such column|unrecognized token|incomplete input|Unknown named parameter|column index out of range/;

/** What is asked of the process that runs the tests. */
export interface Order {
  readonly mutant?: Mutant;
  readonly tests: readonly string[];
  /** Only tests whose names match. */
  readonly pattern?: string;
}

/** How a run of the suites ended. */
export type Run =
  | { readonly outcome: 'passed' }
  /** `by` is the name of the first test that failed, or of what did in place of one, and `why` its failure in one line. */
  | { readonly outcome: 'failed'; readonly by: string; readonly isTest: boolean; readonly why: string }
  /** The mutant keeps the suites from ever ending. */
  | { readonly outcome: 'endless' }
  /** The database cannot read the mutant, so that nothing is known of the condition. */
  | { readonly outcome: 'unread'; readonly why: string }
  /** No test has such a name. */
  | { readonly outcome: 'empty' };

/** Runs suites over the sources with one mutant in them, one run after the other. */
export interface MutantRunner {
  /**
   * Runs suites up to the first failure.
   *
   * @param mutant undefined for the sources as they are.
   * @param mostMs after which the run counts as endless.
   * @param names of the only tests to run; all of the suites' when left out.
   * @throws Error when the source was edited meanwhile.
   */
  run(suites: StoreSuites, mutant: Mutant | undefined, mostMs: number, names?: readonly string[]): Promise<Run>;
  close(): void;
}

export function mutantRunner(): MutantRunner {
  let child: ChildProcess | undefined;
  const close = () => {
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      // With whatever its tests have started.
      process.kill(-child.pid, 'SIGKILL');
    }
    child = undefined;
  };
  process.once('exit', close);
  return {
    async run(suites, mutant, mostMs, names) {
      child ??= await startChild();
      const pattern = names === undefined ? suites.only : names.map(escaped).join('|');
      const order: Order = { tests: suites.tests, ...(mutant && { mutant }), ...(pattern && { pattern }) };
      child.send(order);
      const run = await messageOf<Run>(child, mostMs);
      if (run === undefined) {
        close();
        return { outcome: 'endless' };
      }
      if (run.outcome === 'failed' && run.why.includes(SOURCE_CHANGED)) throw new Error(run.why);
      const isUnread = run.outcome === 'failed' && mutant?.kind === 'query' && UNREADABLE.test(run.why);
      return isUnread ? { outcome: 'unread', why: run.why } : run;
    },
    close,
  };
}

async function startChild(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('mutant-runner.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  await messageOf(child);
  return child;
}

/** The next message of a process; undefined when it does not come in time. */
function messageOf<T>(child: ChildProcess, mostMs?: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = mostMs === undefined ? undefined : setTimeout(() => settle(() => resolve(undefined)), mostMs);
    const onMessage = (message: unknown) => settle(() => resolve(message as T));
    const onExit = () => settle(() => reject(new Error('the process that runs the tests ended')));
    const settle = (then: () => void) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      then();
    };
    child.once('message', onMessage).once('exit', onExit);
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
