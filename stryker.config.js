/**
 * Mutation testing of the decisions with `npm run mutation`: about 3,000 small changes to src/sweep, each of which a
 * test must notice. For each mutant that survives, add a test, or explain beside the code why it may survive. A run
 * takes a quarter of an hour on two cores, or a minute with `--mutate src/sweep/planning/fuse.ts`.
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
  // Stryker would rewrite the paths in tsconfig.json with TypeScript's old API, which version 7 lacks. Ours has no
  // paths to rewrite, so name a file that does not exist.
  tsconfigFile: 'none.json',
  // Node runs the sources as they are, so there are no type checks to disable.
  disableTypeChecks: false,
};
