/**
 * Mutation testing of the decisions, `npm run mutation`: some 3,000 small changes of src/sweep, each of which a test must
 * notice. What survives is killed by a test, or argued away beside the code. It takes a quarter of an hour on two cores; with
 * `--mutate src/sweep/planning/fuse.ts` a minute.
 */
export default {
  plugins: [import.meta.resolve('./mutation/node_modules/@stryker-mutator/vitest-runner/dist/src/index.js')],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: ['src/sweep/**/*.ts', 'src/base/{duration,text,together}.ts'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 8_000,
  reporters: ['progress-append-only', 'clear-text', 'json', 'html'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  htmlReporter: { fileName: 'reports/mutation/mutation.html' },
  incrementalFile: 'reports/mutation/incremental.json',
  ignorePatterns: ['bench', 'docs', 'mutation', '.ci', 'reports', 'dist', '.serverless'],
  tempDirName: 'node_modules/.stryker-tmp',
  // It would rewrite the paths in it by TypeScript's old interface, which version 7 has not; ours has none to rewrite.
  tsconfigFile: 'none.json',
  // Node runs the sources as they are: there are no checks to disable.
  disableTypeChecks: false,
};
