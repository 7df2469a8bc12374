import { defineConfig } from 'vitest/config';

/** What takes minutes: `npm run crashes`. One file after the other, as each loads the machine by itself. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.ts'],
    fileParallelism: false,
    // They say what they have done.
    env: { HUBLEASE_FIGURES: '1' },
    testTimeout: 1_800_000,
    hookTimeout: 120_000,
  },
});
