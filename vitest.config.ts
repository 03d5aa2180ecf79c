import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What is waited for comes at once, but for a machine that is busy with something else.
    expect: { poll: { timeout: 10_000, interval: 20 } },
    // Interop tests start real clients, and wait for them more than they compute: three files at a time keep two cores busy.
    maxWorkers: 3,
  },
});
