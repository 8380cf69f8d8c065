/** @module The sizes of tests that run with few cases on every push, and with all cases at night. */

/** Whether this run is `npm run test:nightly`. */
export const isNightly = process.env.JOBSWEEP_NIGHTLY === '1';

/** Chooses the number of cases, or the cases themselves. Both choices must test the same behaviour. */
export const sized = <T>({ push, nightly }: { readonly push: T; readonly nightly: T }): T =>
  isNightly ? nightly : push;
