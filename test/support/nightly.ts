/** @module The sizes of tests that have a small form for every push and a full form for each night. */

/** Whether this run is `npm run test:nightly`. */
export const isNightly = process.env.JOBSWEEP_NIGHTLY === '1';

/** Chooses the number of cases, or the cases themselves. Both forms must show the same behaviour. */
export const sized = <T>({ push, nightly }: { readonly push: T; readonly nightly: T }): T =>
  isNightly ? nightly : push;
