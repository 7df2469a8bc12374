import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { mutated } from './mutants.ts';
import { mutantOfThisRun } from './one-mutant.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const mutantIn = (id: string) => {
  const mutant = mutantOfThisRun();
  return mutant !== undefined && id === root + mutant.file ? mutant : undefined;
};

/** The suites of the stores over sources of which one condition is changed. `npm run mutate:conditions` starts this. */
export default defineConfig({
  root,
  plugins: [
    {
      name: 'one-mutant',
      enforce: 'pre',
      transform(code, id) {
        const mutant = mutantIn(id);
        return mutant && mutated(code, mutant);
      },
      // Vitest keeps transformed files over runs and knows them by their own text, which is the same for every mutant.
      configureVitest({ defineCacheKeyGenerator }) {
        defineCacheKeyGenerator(({ id }) => (mutantIn(id) === undefined ? undefined : false));
      },
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/mutation/unused-values.ts'],
    pool: 'threads',
    fileParallelism: false,
    bail: 1,
    // A busy machine must not kill a mutant.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
