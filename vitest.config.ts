import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What is waited for comes at once, but for a machine that is busy with something else.
    expect: { poll: { timeout: 10_000, interval: 20 } },
    // Interop tests start real clients; two files at a time is what a two-core machine carries without starving them.
    maxWorkers: 2,
  },
});
