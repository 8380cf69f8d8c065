/**
 * @module Decides whether a job is idle: in the last `idleFor`, no data reached it and it was not opened. The times of
 * its last data and its opening are wall-clock times, never event time (docs/contract.md §2).
 */
import type { JobSnapshot } from './inventory.ts';

/**
 * Whether an event is too recent for the job to count as idle. `moment` is when data last reached the job, or when the
 * job was opened, and `now` is the time of the decision, both in epoch milliseconds; `idleFor` is in milliseconds.
 */
export const isRecent = (moment: number | undefined, now: number, idleFor: number): boolean =>
  // A time in the future counts as recent as well: a clock that runs ahead must not close a busy job.
  // break: idle-for
  now - (moment ?? Number.NEGATIVE_INFINITY) < idleFor;

/**
 * The time of the job's latest activity, from which its idle time counts; epoch milliseconds. `remembered` is the last
 * activity that an earlier sweep saw. Undefined if neither the job nor `remembered` gives a time.
 */
export function lastActivityOf(job: JobSnapshot, remembered?: number): number | undefined {
  const clocks = [job.lastDataTime, job.openedAt, remembered].filter((clock) => clock !== undefined);
  return clocks.length === 0 ? undefined : Math.max(...clocks);
}
