import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['functions/core/**/*.ts'],
      thresholds: { branches: 95, lines: 95 },
    },
  },
});
