import { defineConfig } from 'vitest/config';

/** What stands against a mutant: the tests of the rules alone. `npm run mutate` starts this. */
export default defineConfig({
  test: {
    include: ['test/core/**/*.test.ts'],
    testTimeout: 30_000,
  },
});
