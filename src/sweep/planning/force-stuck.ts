/**
 * @module The rule for forcing a stuck job: it is still `closing` at least `force.stuckFor` after its first close
 * request. By the server's own limits, a healthy close may take 60 minutes; the default of 75 leaves a margin.
 */

/** Whether a job has been closing for too long. `stuckFor` is null if stuck jobs are never forced. */
export const isStuckClosing = (closingForMs: number, stuckFor: number | null): boolean =>
  // break: stuck-for
  stuckFor !== null && closingForMs >= stuckFor;
