import { configDefaults, defineConfig } from 'vitest/config';

const SLOW = 'test/**/*.slow.test.ts';

/** CI runs all. So does whoever asks for it, and a file that is named on the command line always runs. */
const runsAll =
  process.env.HUBLEASE_REQUIRE_TIERS === '1' ||
  process.env.HUBLEASE_TEST_SLOW === '1' ||
  process.argv.slice(2).some((word) => word.startsWith('test/'));
if (!runsAll) console.log(`skipped: the slow tests (${SLOW}); HUBLEASE_TEST_SLOW=1 npm test runs them too`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(runsAll ? [] : [SLOW])],
    env: { HUBLEASE_TEST_SLOW: runsAll ? '1' : '' },
    // The usual machine has two cores, and many tests wait for a process or a clock of theirs.
    maxWorkers: 2,
    // Of no test's meaning: for a machine that has much else to do.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['functions/core/**/*.ts'],
      thresholds: { branches: 95, lines: 95 },
    },
  },
});
