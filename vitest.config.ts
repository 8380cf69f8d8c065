/**
 * @module The tests, in three projects: `unit` for use during development (`npm run test:unit`), `slow` for tests that
 * start processes, a browser or the Serverless Framework, and `proof` for random worlds and inputs. `npm test` runs the
 * first two, and a push runs all three.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';

const proof = ['proof/**/*.test.ts'];
const slow = [
  'test/{bench,deployment,docs,interruptions,load}/**/*.test.ts',
  'test/**/{report-page,lean-client,package,process}.test.ts',
];
/** Files without a test for a push. Loading one only to skip its tests takes seconds. */
const nightly = ['test/load/fleet-night.test.ts'];

export default defineConfig(({ mode }) => ({
  test: {
    // The second reporter prints the last line, which continuous integration reads.
    reporters: ['default', './test/support/closing-line.ts'],
    // Time is simulated, but sockets are real. A busy machine may take a while, but a test that stalls must fail.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    env: {
      // `npm run test:nightly` also tries cases that differ only in their data.
      JOBSWEEP_NIGHTLY: mode === 'nightly' ? '1' : '',
      // The command and the framework start a hundred times. Caching their compiled code halves the time of each start.
      NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'node_modules/.cache/node-compile'),
    },
    // Many tests wait: for a process, for a timeout, or for a browser. On two processors, two workers leave a tenth of
    // the run idle, and each worker after the third loads everything again without a gain.
    maxWorkers: availableParallelism() + 1,
    // Node runs the sources itself, as in production. Vite's module runner takes an eighth of the run, and no test needs it.
    experimental: { viteModuleRunner: false },
    // No file leaves anything behind, so files share the workers and what these have loaded. A separate worker for each
    // file would take twice as long in `unit`, and an eighth more processor time in the others.
    isolate: false,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...slow, ...proof] },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: slow,
          exclude: mode === 'nightly' ? [] : nightly,
          globalSetup: './test/support/packagings.ts',
        },
      },
      { extends: true, test: { name: 'proof', include: proof } },
    ],
  },
}));
