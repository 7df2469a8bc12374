import type { Mutant } from './mutants.ts';

/** Name of the environment variable that holds the mutant of a test run, as JSON; unset for the sources as they are. */
const VARIABLE = 'HUBLEASE_TEST_MUTANT';

/** The environment of a test run against a mutant. */
export function environmentOf(mutant: Mutant | undefined): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: mutant && JSON.stringify(mutant) };
}

/** The mutant that this test run is against. */
export function mutantOfThisRun(): Mutant | undefined {
  const text = process.env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Mutant);
}
