import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
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
