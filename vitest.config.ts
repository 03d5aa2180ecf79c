import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Interop tests start real clients; two files at a time is what a two-core machine carries without starving them.
    maxWorkers: 2,
  },
});
