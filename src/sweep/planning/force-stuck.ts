/**
 * @module The rule for forcing a stuck job: it is still `closing` at least `force.stuckFor` after its first close
 * request. The default of 75 minutes leaves room for the 60 that a healthy close may take by the server's own limits.
 */

/** Whether a job has been closing for too long. `stuckFor` is null if stuck jobs are never forced. */
export const isStuckClosing = (closingForMs: number, stuckFor: number | null): boolean =>
  // break: stuck-for
  stuckFor !== null && closingForMs >= stuckFor;
