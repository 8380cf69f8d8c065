/** @module Undoing a sweep: the jobs that it closed are opened again, the datafeeds that it stopped are started again. */
import type { Opened } from '../elasticsearch/opener.ts';
import type { Clock } from '../sweep/clock.ts';
import type { JobSnapshot } from '../sweep/inventory.ts';
import { isId, type JobId } from '../sweep/job-id.ts';
import type { Cluster, ClusterError } from '../sweep/ports.ts';
import { type PastJob, wasClosed } from './past-sweeps.ts';

/** What became of a job of the report. */
export const reopenOutcomes = {
  reopened: 'opened by this command',
  already_open: 'open before this command asked',
  opening: 'asked, and still opening: it may wait for a node',
  closing: 'its close is still under way: run the command again when it is closed',
  failed: 'in state failed: close it with force before it can be opened',
  error: 'not opened, with the cluster’s error',
  gone: 'deleted since',
  not_attempted: 'not asked: the command was told to stop, or its time was up',
} as const;
export type ReopenOutcome = keyof typeof reopenOutcomes;

export const datafeedOutcomes = {
  started: 'started by this command',
  already_started: 'running before this command asked',
  error: 'not started, with the cluster’s error',
  not_attempted: 'not asked, because its job is not open',
} as const;
export type DatafeedOutcome = keyof typeof datafeedOutcomes;

export interface ReopenedJob {
  readonly jobId: string;
  readonly outcome: ReopenOutcome;
  readonly error?: ClusterError;
  readonly datafeedId?: string;
  /** Absent when the sweep did not stop its datafeed. */
  readonly datafeed?: DatafeedOutcome;
  readonly datafeedError?: ClusterError;
}

export interface ReopenWorld {
  readonly cluster: Pick<Cluster, 'jobStats' | 'datafeedStats'>;
  readonly opener: {
    openJob(jobId: JobId, timeoutMs: number, signal: AbortSignal): Promise<Opened>;
    startDatafeed(datafeedId: string, timeoutMs: number, signal: AbortSignal): Promise<Opened>;
  };
  readonly clock: Clock;
  /** Jobs opened at once: a node takes two, and leaves the others waiting with their requests open. */
  readonly concurrency: number;
  /** Aborts when no more is to be asked. */
  readonly ending: AbortSignal;
  readonly told?: (job: ReopenedJob) => void;
}

const openTimeout = 2 * 60_000;
const startTimeout = 30_000;
/** The look at a job after its request, in milliseconds: what the ending leaves must be enough for it. */
const lookLimit = 4_000;

/** The jobs of a report that there is something to undo for: closed by the sweep, or left open without their datafeed. */
export function undoable(jobs: readonly PastJob[]): PastJob[] {
  return jobs.filter((job) => wasClosed(job) || job.datafeedStopped === true);
}

/** Opens and starts; resolves with one entry a job, in their order, whatever goes wrong. */
export async function reopenJobs(
  jobs: readonly PastJob[],
  found: ReadonlyMap<string, JobSnapshot>,
  world: ReopenWorld,
): Promise<ReopenedJob[]> {
  const results: ReopenedJob[] = [];
  const queue = jobs.entries();
  const worker = async () => {
    for (const [index, job] of queue) {
      const result = await reopen(job, found.get(job.jobId), world);
      results[index] = result;
      world.told?.(result);
    }
  };
  await Promise.all(Array.from({ length: world.concurrency }, worker));
  return results;
}

async function reopen(past: PastJob, job: JobSnapshot | undefined, world: ReopenWorld): Promise<ReopenedJob> {
  const opened = await openOne(past, job, world);
  const own = job?.datafeed?.datafeedId;
  const datafeedId = past.datafeedId ?? own;
  if (!past.datafeedStopped || datafeedId === undefined || opened.outcome === 'gone') return opened;
  const isOpen = opened.outcome === 'reopened' || opened.outcome === 'already_open';
  if (!isOpen || world.ending.aborted) return { ...opened, datafeedId, datafeed: 'not_attempted' };
  // what the report names may be another job's by now, or was written by somebody else
  // break: own-datafeed
  if (datafeedId !== own || !isId(own))
    return { ...opened, datafeedId, datafeed: 'error', datafeedError: notItsDatafeed(own) };
  return { ...opened, datafeedId, ...(await startOne(datafeedId, job, world)) };
}

async function openOne(
  past: PastJob,
  job: JobSnapshot | undefined,
  { cluster, opener, clock, ending }: ReopenWorld,
): Promise<ReopenedJob> {
  const { jobId } = past;
  if (!job) return { jobId, outcome: 'gone' };
  if (job.reportedState === 'opened') return { jobId, outcome: 'already_open' };
  if (job.reportedState === 'closing' || job.reportedState === 'failed')
    return { jobId, outcome: job.reportedState };
  if (job.reportedState === 'opening') return { jobId, outcome: 'opening' };
  if (job.reportedState !== 'closed' || job.target === undefined)
    return { jobId, outcome: 'error', error: strange(job) };
  // its datafeed was stopped by the sweep, and the job closed by somebody who may have meant it
  if (!wasClosed(past)) return { jobId, outcome: 'error', error: closedByOthers };
  if (ending.aborted) return { jobId, outcome: 'not_attempted' };
  const { error } = await opener.openJob(job.target, openTimeout, ending);
  using limit = clock.limit(lookLimit);
  const stats = await cluster.jobStats(limit.signal, [job.target]).catch(() => undefined);
  const state = stats?.find((entry) => entry.jobId === jobId)?.state;
  if (state === 'opened') return { jobId, outcome: 'reopened' };
  if (state === 'opening') return { jobId, outcome: 'opening' };
  if (stats && state === undefined) return { jobId, outcome: 'gone' };
  const unknown = `after the request to open it the job is ${state ?? 'not to be read'}`;
  return { jobId, outcome: 'error', error: error ?? { status: 0, type: 'not_opened', reason: unknown } };
}

async function startOne(
  datafeedId: string,
  job: JobSnapshot | undefined,
  { cluster, opener, clock, ending }: ReopenWorld,
): Promise<Pick<ReopenedJob, 'datafeed' | 'datafeedError'>> {
  if (job?.datafeed && job.datafeed.state !== 'stopped') return { datafeed: 'already_started' };
  const { error } = await opener.startDatafeed(datafeedId, startTimeout, ending);
  if (!error) return { datafeed: 'started' };
  using limit = clock.limit(lookLimit);
  const stats = await cluster.datafeedStats(limit.signal, [datafeedId]).catch(() => undefined);
  const state = stats?.find((entry) => entry.datafeedId === datafeedId)?.state;
  if (state === 'started' || state === 'starting') return { datafeed: 'started' };
  return { datafeed: 'error', datafeedError: error };
}

const closedByOthers: ClusterError = {
  status: 0,
  type: 'closed_by_others',
  reason: 'it is closed, and the sweep did not see it so: open it by hand if it was not meant',
};

const notItsDatafeed = (own: string | undefined): ClusterError => ({
  status: 0,
  type: 'not_its_datafeed',
  reason: own === undefined ? 'the job has no datafeed now' : `the datafeed of the job is ${own} now`,
});

const strange = (job: JobSnapshot): ClusterError => ({
  status: 0,
  type: 'unknown_state',
  reason:
    job.target === undefined
      ? 'its id is also the name of a group, or no id that a job can have'
      : `its state is ${job.reportedState}`,
});
