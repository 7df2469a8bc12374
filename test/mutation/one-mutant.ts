import type { Mutant } from './mutants.ts';

/** Name of the environment variable that holds the mutant of a test run, as JSON; unset for the sources as they are. */
const VARIABLE = 'HUBLEASE_TEST_MUTANT';

/** Sets the mutant of the runs that this process and its threads begin from now on. */
export function setMutantOfThisRun(mutant: Mutant | undefined): void {
  if (mutant === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = JSON.stringify(mutant);
}

/** The mutant that this test run is against. */
export function mutantOfThisRun(): Mutant | undefined {
  const text = process.env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Mutant);
}
