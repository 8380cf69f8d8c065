import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The last line that `.ci/run` promises comes from the second reporter.
    reporters: ['default', './test/support/closing-line.ts'],
    // Real sockets on a shared two-core machine: a simulated hour takes a moment, a stall must still fail.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
