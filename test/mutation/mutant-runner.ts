import { fileURLToPath } from 'node:url';
import { createVitest, type Reporter } from 'vitest/node';
import { setMutantOfThisRun } from './one-mutant.ts';
import type { Order, Run } from './run-mutant.ts';

/*
 * The process in which one mutant after the other is run: Vitest starts once. An `Order` comes as a message, its `Run` goes back.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What happened in the run at hand. */
const seen: { passed: number; failure?: { by: string; isTest: boolean; why: string } | undefined } = { passed: 0 };

const reporter: Reporter = {
  onTestCaseResult(test) {
    const result = test.result();
    if (result.state === 'passed') seen.passed += 1;
    if (result.state === 'failed')
      seen.failure ??= { by: test.fullName, isTest: true, why: firstLine(result.errors[0]) };
  },
  onTestModuleEnd(module) {
    const [error] = module.errors();
    if (error !== undefined) seen.failure ??= { by: module.relativeModuleId, isTest: false, why: firstLine(error) };
  },
  onTestSuiteResult(suite) {
    const [error] = suite.errors();
    if (error !== undefined) seen.failure ??= { by: suite.fullName, isTest: false, why: firstLine(error) };
  },
};

const vitest = await createVitest({
  run: true,
  watch: false,
  config: fileURLToPath(new URL('conditions.config.ts', import.meta.url)),
  reporters: [reporter],
});

process.on('message', (order: Order) => {
  void run(order).then((ended) => process.send?.(ended));
});
process.once('disconnect', () => process.exit());
process.send?.('ready');

let former: string | undefined;

async function run({ mutant, tests, pattern }: Order): Promise<Run> {
  Object.assign(seen, { passed: 0, failure: undefined });
  setMutantOfThisRun(mutant);
  for (const file of [former, mutant?.file]) if (file !== undefined) vitest.invalidateFile(ROOT + file);
  former = mutant?.file;
  if (pattern === undefined) vitest.resetGlobalTestNamePattern();
  else vitest.setGlobalTestNamePattern(new RegExp(pattern));
  const specifications = await vitest.globTestSpecifications([...tests]);
  const { unhandledErrors } = await vitest.runTestSpecifications(specifications);
  if (seen.failure !== undefined) return { outcome: 'failed', ...seen.failure };
  const [error] = unhandledErrors;
  if (error !== undefined) return { outcome: 'failed', by: 'no test', isTest: false, why: firstLine(error) };
  return seen.passed > 0 ? { outcome: 'passed' } : { outcome: 'empty' };
}

function firstLine(error: unknown): string {
  const { name, message } = (error ?? {}) as { name?: string; message?: string };
  return `${name}: ${message}`.split('\n')[0] ?? '';
}
