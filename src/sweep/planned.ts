/** @module A plan that a person has seen: what each of its jobs looked like, so that no other job is closed in its name. */
import { type JobSnapshot, runs } from './inventory.ts';
import type { VerdictName } from './vocabulary.ts';

/** One job that a plan would act on, as the plan saw it. Moments are epoch milliseconds. */
export interface PlannedJob {
  readonly state: string;
  readonly lastDataTime?: number | undefined;
  readonly openedAt?: number | undefined;
  readonly datafeedRuns: boolean;
}

/**
 * `openedAt` is counted back from an age in whole seconds, by a machine whose clock may have been set since. A job that
 * was opened after the plan is at least `idleFor` (a minute or more) away from it.
 */
const tolerance = 30_000;

/** What a plan would act on, by job id. */
export function plannedJobs(
  decisions: readonly { readonly job: JobSnapshot; readonly verdict: { readonly verdict: VerdictName } }[],
): ReadonlyMap<string, PlannedJob> {
  return new Map(
    decisions
      .filter(({ verdict }) => verdict.verdict !== 'keep')
      .map(({ job }) => [
        job.jobId,
        {
          state: job.reportedState,
          lastDataTime: job.lastDataTime,
          openedAt: job.openedAt,
          datafeedRuns: runs(job.datafeed),
        },
      ]),
  );
}

/** Whether a job is still what the plan saw. One that has begun to close since has lost nothing but its process. */
export function isAsPlanned(job: JobSnapshot, planned: PlannedJob): boolean {
  if (job.lastDataTime !== planned.lastDataTime) return false;
  if (job.state === 'closing') return true;
  return (
    job.state === planned.state &&
    !openedSince(job.openedAt, planned.openedAt) &&
    (planned.datafeedRuns || !runs(job.datafeed))
  );
}

/** Later is another start. Earlier is the same one, told by a cluster whose clock runs ahead, as a simulator's may. */
function openedSince(now: number | undefined, then: number | undefined): boolean {
  return now === undefined || then === undefined ? now !== then : now - then > tolerance;
}
