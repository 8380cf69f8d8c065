/**
 * @module The tests in three projects: `unit` while one works (`npm run test:unit`), `slow` for what starts processes, a
 * browser or the Serverless Framework, and `proof` for random worlds and inputs. `npm test` runs all three.
 */
import path from 'node:path';
import { defineConfig } from 'vitest/config';

const proof = ['proof/**/*.test.ts'];
const slow = [
  'test/{bench,deployment,docs,interruptions,load}/**/*.test.ts',
  'test/**/{report-page,lean-client,package,process}.test.ts',
];

export default defineConfig(({ mode }) => ({
  test: {
    // The last line, which continuous integration reads, comes from the second reporter.
    reporters: ['default', './test/support/closing-line.ts'],
    // Time is simulated, but sockets are real: a busy machine may take a while, a stall must still fail.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    env: {
      // `npm run test:nightly` also tries what differs only in its data.
      JOBSWEEP_NIGHTLY: mode === 'nightly' ? '1' : '',
      // The command and the framework start a hundred times: compiled code is kept, which halves each start.
      NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'node_modules/.cache/node-compile'),
    },
    // One worker less than there are processors, the default, leaves half of a small machine idle.
    maxWorkers: '100%',
    projects: [
      // A worker of its own for each file would take twice as long; no file leaves anything behind.
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...slow, ...proof], isolate: false },
      },
      {
        extends: true,
        test: { name: 'slow', include: slow, globalSetup: './test/support/packagings.ts' },
      },
      { extends: true, test: { name: 'proof', include: proof } },
    ],
  },
}));
