/**
 * @module Decides whether a job is idle: within `idleFor`, no data reached it and nobody opened it. Both are wall-clock
 * times, never event time (docs/contract.md §2).
 */
import type { JobSnapshot } from './inventory.ts';

/**
 * Whether data reached the job, or somebody opened it, too recently to count as idle. `moment` is the time of that
 * event and `now` the time of the decision, in epoch milliseconds; `idleFor` is in milliseconds.
 */
export const isRecent = (moment: number | undefined, now: number, idleFor: number): boolean =>
  // A time in the future counts as recent as well: a clock that runs ahead must not close a busy job.
  // break: idle-for
  now - (moment ?? Number.NEGATIVE_INFINITY) < idleFor;

/**
 * The time of the job's latest activity, from which its idle time counts; epoch milliseconds. `remembered` is the last
 * activity that an earlier sweep saw. Undefined if none of these times is known.
 */
export function lastActivityOf(job: JobSnapshot, remembered?: number): number | undefined {
  const clocks = [job.lastDataTime, job.openedAt, remembered].filter((clock) => clock !== undefined);
  return clocks.length === 0 ? undefined : Math.max(...clocks);
}
