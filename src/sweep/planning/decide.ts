/** @module Decides for each listed job what to do with it. The decisions are the core of a plan. */

import type { Outcome } from '../closing/ledger.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import type { PlannedJob } from './approved-plan.ts';
import type { JobSnapshot } from './inventory.ts';
import { matcher } from './job-patterns.ts';
import type { Found } from './read-cluster.ts';
import { type History, judgeBy, type Verdict } from './verdict.ts';

/** The decision of a plan for one job. */
export interface Decision {
  readonly jobId: string;
  readonly job: JobSnapshot;
  readonly verdict: Verdict;
  readonly history: History;
  /** Close requests that named this job in earlier sweeps of this chain of follow-ups. */
  readonly earlierAttempts: number;
  /** Set if nothing is left to do: the job is kept or deleted, or a follow-up finds it closed. */
  readonly outcome?: Outcome;
}

/** The input for the decisions that is known before the cluster is read. */
export interface DecideContext {
  readonly request: SweepRequest;
  /** Facts from earlier reports, by job id (`--history`). */
  readonly histories?: ReadonlyMap<string, History> | undefined;
  /** The jobs of the approved plan, by id. Any other job is kept, and so is a job that has changed since the plan. */
  readonly planned?: ReadonlyMap<string, PlannedJob> | undefined;
}

/**
 * Returns one decision for each open job that the request names. For a follow-up, returns one for each job that it
 * lists; with `rest`, also one for each other open job that the request names.
 */
export function decide(context: DecideContext, { jobs, readAt }: Found): Decision[] {
  const { followUpOf } = context.request;
  if (!followUpOf) return [...decideNamed(context, jobs, readAt), ...decideGone(context, jobs)];
  const awaited = decideAwaited(context, followUpOf.jobs, jobs, readAt);
  if (!followUpOf.rest) return awaited;
  const ids = new Set(awaited.map(({ jobId }) => jobId));
  const others = jobs.filter(({ jobId }) => !ids.has(jobId));
  return [...awaited, ...decideNamed(context, others, readAt)];
}

function decideNamed(
  { request, histories, planned }: DecideContext,
  jobs: readonly JobSnapshot[],
  readAt: number,
): Decision[] {
  const judge = judgeBy(request);
  const named = matcher(request.jobs);
  return jobs
    .filter((job) => job.reportedState !== 'closed' && named(job)) // break: jobs-pattern
    .map((job) => {
      const history: History = {
        ...histories?.get(job.jobId),
        ...(planned && { planned: planned.get(job.jobId) ?? null }),
      };
      return decisionOf(job, judge.judge(job, readAt, history), history, 0);
    });
}

/** Decisions about jobs of the plan that have been deleted since. These jobs do not count as idle. */
function decideGone({ planned }: DecideContext, jobs: readonly JobSnapshot[]): Decision[] {
  if (!planned) return [];
  const found = new Set(jobs.map(({ jobId }) => jobId));
  const verdict = { verdict: 'keep', reason: 'not_as_planned' } as const;
  const outcome = { outcome: 'gone' } as const;
  return [...planned]
    .filter(([jobId]) => !found.has(jobId))
    .map(([jobId, seen]) => ({
      jobId,
      job: missingJob(jobId),
      verdict,
      history: { planned: seen },
      earlierAttempts: 0,
      outcome,
    }));
}

function decideAwaited(
  { request, histories }: DecideContext,
  waiting: NonNullable<SweepRequest['followUpOf']>['jobs'],
  jobs: readonly JobSnapshot[],
  readAt: number,
): Decision[] {
  const judge = judgeBy(request);
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const once = new Map(waiting.map((known) => [known.jobId, known]));
  return [...once.values()].map(({ jobId, askedAt, attempts, lastActivity }) => {
    const job = byId.get(jobId);
    // The time of an earlier close request matters only while that close is still in progress.
    const underWay = job === undefined || job.state === 'closing' || job.state === 'closed';
    const history: History = {
      ...histories?.get(jobId),
      awaited: true,
      ...(lastActivity !== undefined && { lastActivity: Date.parse(lastActivity) }),
      ...(underWay && { askedAt: Date.parse(askedAt) }),
    };
    if (job && job.reportedState !== 'closed')
      return decisionOf(job, judge.judge(job, readAt, history), history, attempts);
    const verdict = { verdict: 'wait', reason: 'already_closing' } as const;
    const outcome = { outcome: job ? 'closed' : 'gone' } as const;
    return { jobId, job: job ?? missingJob(jobId), verdict, history, earlierAttempts: attempts, outcome };
  });
}

const decisionOf = (
  job: JobSnapshot,
  verdict: Verdict,
  history: History,
  earlierAttempts: number,
): Decision => ({
  jobId: job.jobId,
  job,
  verdict,
  history,
  earlierAttempts,
  ...(verdict.verdict === 'keep' && { outcome: { outcome: 'kept' } }),
});

const missingJob = (jobId: string): JobSnapshot => ({
  jobId,
  target: undefined,
  reportedState: 'unknown',
  state: undefined,
  groups: [],
  runningForecasts: 0,
  protection: { kind: 'none' },
  managed: false,
});
