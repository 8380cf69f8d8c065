/**
 * @module Limits a sweep to a plan that a person approved: jobs that are not in the plan, or have changed since, are
 * not closed.
 */

import { plural } from '../../base/text.ts';
import type { VerdictName } from '../vocabulary.ts';
import { type JobSnapshot, runs } from './inventory.ts';

/** One job that a plan would act on, as the plan saw it. Times are epoch milliseconds. */
export interface PlannedJob {
  readonly state: string;
  readonly lastDataTime?: number | undefined;
  readonly openedAt?: number | undefined;
  readonly datafeedRuns: boolean;
}

/**
 * Maximum increase of `openedAt` (milliseconds) that does not count as a new start. `openedAt` is computed from an age
 * in whole seconds, and this machine's clock may have been adjusted since the plan. If an idle job was opened again
 * after the plan, the increase is at least `idleFor` (a minute or more).
 */
const tolerance = 30_000;

/** The jobs that a plan would act on, by id. */
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

/** Whether a job is unchanged since the plan. A job that has started to close since then also counts as unchanged. */
export function isAsPlanned(job: JobSnapshot, planned: PlannedJob): boolean {
  if (job.lastDataTime !== planned.lastDataTime) return false;
  if (job.state === 'closing') return true;
  return (
    job.state === planned.state &&
    !openedSince(job.openedAt, planned.openedAt) &&
    (planned.datafeedRuns || !runs(job.datafeed))
  );
}

/**
 * Whether the job was opened again after the plan. If its opening time is now earlier than in the plan, it was not: the
 * same start was measured more exactly, or by a clock that was set back.
 */
function openedSince(now: number | undefined, then: number | undefined): boolean {
  return now === undefined || then === undefined ? now !== then : now - then > tolerance;
}

/**
 * Warns if jobs of the plan have been closed or deleted since, or if all of them have changed. `jobs` are all jobs of
 * the cluster.
 */
export function planWarnings(
  planned: ReadonlyMap<string, PlannedJob>,
  jobs: readonly JobSnapshot[],
): string[] {
  if (planned.size === 0) return [];
  const found = new Map(jobs.map((job) => [job.jobId, job]));
  const count = { asPlanned: 0, changed: 0, closed: 0, gone: 0 };
  for (const [jobId, seen] of planned) {
    const job = found.get(jobId);
    if (!job) count.gone += 1;
    else if (job.reportedState === 'closed') count.closed += 1;
    else if (isAsPlanned(job, seen)) count.asPlanned += 1;
    else count.changed += 1;
  }
  const { asPlanned, changed, closed, gone } = count;
  if (gone === 0 && closed === 0 && asPlanned > 0) return [];
  if (closed === planned.size) return [`every job of the plan is closed already (${plural(closed, 'job')})`];
  const words: readonly (readonly [number, string])[] = [
    [asPlanned, 'as planned'],
    [changed, 'changed since'],
    [closed, 'closed already'],
    [gone, 'deleted'],
  ];
  const parts = words.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  const advice = asPlanned === 0 ? '; make a new plan' : '';
  return [`of ${plural(planned.size, 'planned job')}: ${parts.join(', ')}${advice}`];
}
