/** @module Undoes a sweep: opens the jobs that it closed, and starts the datafeeds that it stopped. */

import pMap from 'p-map';
import type { Clock } from '../../base/clock.ts';
import type { Opened } from '../../elasticsearch/opener.ts';
import { isDatafeedId, type JobId } from '../../sweep/planning/concrete-id.ts';
import type { JobSnapshot } from '../../sweep/planning/inventory.ts';
import type { Cluster, ClusterError } from '../../sweep/ports.ts';
import { mayHaveClosed, type PastJob } from '../input/past-sweeps.ts';

/** The possible outcomes for a job that `reopen` should open. */
export const reopenOutcomes = {
  reopened: 'opened by this command',
  already_open: 'already open or opening before this command asked',
  opening: 'still opening: it may wait for a node',
  closing: 'still closing: run the command again once it is closed',
  failed: 'in state failed: close it with force before it can be opened',
  error: 'not opened, with the cluster’s error',
  gone: 'deleted since',
  not_attempted: 'not attempted: the command was stopped or reached its deadline',
} as const;
export type ReopenOutcome = keyof typeof reopenOutcomes;

export const datafeedOutcomes = {
  started: 'started by this command',
  already_started: 'running before this command asked',
  error: 'not started, with the cluster’s error',
  left_stopped: 'stopped, and not by the sweep, so this command does not start it',
  not_attempted: 'not asked, because its job is not open',
} as const;
export type DatafeedOutcome = keyof typeof datafeedOutcomes;

export interface ReopenedJob {
  readonly jobId: string;
  readonly outcome: ReopenOutcome;
  readonly error?: ClusterError;
  readonly datafeedId?: string;
  /** Absent if there is no datafeed, or if the datafeed is running and the sweep did not stop it. */
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
  /** How many jobs are opened at once. A node opens two at a time; further requests wait. */
  readonly concurrency: number;
  /** After this signal aborts, no more requests are sent. */
  readonly ending: AbortSignal;
  /** Milliseconds left before the deadline. */
  readonly remainingMs: () => number;
  readonly onResult?: (job: ReopenedJob) => void;
}

const openTimeout = 2 * 60_000;
/** Maximum number of tries while the cluster has no capacity. Sweeps have the same limit for closes. */
const maxAsks = 3;
/** The pause before the next try if the cluster's answer names no pause, in milliseconds. */
const busyPause = 5_000;
/** The pause between two reads of jobs that are opening, in milliseconds. */
const watchPause = 2_000;
const startTimeout = 30_000;
/** Limit for one read of the states of jobs or datafeeds, in milliseconds. */
const lookLimit = 4_000;

/** The jobs to restore: closed by the sweep, left closing, or left open without their datafeed. */
export function undoable(jobs: readonly PastJob[]): PastJob[] {
  return jobs.filter((job) => mayHaveClosed(job) || job.datafeedStopped === true);
}

/** Opens the jobs and starts their datafeeds. Resolves with one entry per job, in order, even after errors. */
export async function reopenJobs(
  jobs: readonly PastJob[],
  found: ReadonlyMap<string, JobSnapshot>,
  world: ReopenWorld,
): Promise<ReopenedJob[]> {
  const results: ReopenedJob[] = [];
  const begin = async (index: number, job: PastJob, snapshot: JobSnapshot | undefined) => {
    const result = await reopen(job, snapshot, world);
    results[index] = result;
    world.onResult?.(result);
  };
  const isOpening = ({ jobId }: PastJob) => found.get(jobId)?.reportedState === 'opening';
  const [opening, others] = partition([...jobs.entries()], ([, job]) => isOpening(job));
  // Jobs that are already opening may wait minutes for a node, so they are polled while the other jobs are opened.
  const watching = async () => {
    const states = await watch(
      opening.flatMap(([, { jobId }]) => found.get(jobId)?.target ?? []),
      world.clock.now() + openTimeout,
      world,
    );
    for (const [index, job] of opening) {
      const snapshot = found.get(job.jobId);
      const state = states?.get(job.jobId);
      const isGone = snapshot?.target !== undefined && states !== undefined && state === undefined;
      await begin(
        index,
        job,
        isGone ? undefined : snapshot && { ...snapshot, reportedState: state ?? 'opening' },
      );
    }
  };
  const opened = pMap(others, ([index, job]) => begin(index, job, found.get(job.jobId)), {
    concurrency: world.concurrency,
  });
  await Promise.all([watching(), opened]);
  return results;
}

/**
 * Polls until no job is opening or the time `until` is reached. Returns the last states read; undefined if no read
 * succeeded.
 */
async function watch(
  ids: readonly JobId[],
  until: number,
  { cluster, clock, ending }: ReopenWorld,
): Promise<ReadonlyMap<string, string> | undefined> {
  if (ids.length === 0) return undefined;
  let states: ReadonlyMap<string, string> | undefined;
  for (;;) {
    using limit = clock.limit(lookLimit);
    const stats = await cluster.jobStats(limit.signal, ids).catch(() => undefined);
    if (stats) states = new Map(stats.map(({ jobId, state }) => [jobId, state]));
    const isOver = states !== undefined && ![...states.values()].includes('opening');
    if (isOver || ending.aborted || clock.now() >= until) return states;
    await clock.sleep(watchPause, ending).catch(() => undefined);
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const groups = Map.groupBy(items, test);
  return [groups.get(true) ?? [], groups.get(false) ?? []];
}

async function reopen(past: PastJob, job: JobSnapshot | undefined, world: ReopenWorld): Promise<ReopenedJob> {
  const opened = await openOne(past, job, world);
  const own = job?.datafeed?.datafeedId;
  const datafeedId = past.datafeedId ?? own;
  if (datafeedId === undefined || opened.outcome === 'gone') return opened;
  if (!past.datafeedStopped)
    return own !== undefined && job?.datafeed?.state === 'stopped' && opened.outcome !== 'error'
      ? { ...opened, datafeedId: own, datafeed: 'left_stopped' }
      : opened;
  const isOpen = opened.outcome === 'reopened' || opened.outcome === 'already_open';
  if (!isOpen || world.ending.aborted) return { ...opened, datafeedId, datafeed: 'not_attempted' };
  // The datafeed in the report may belong to another job by now, or the report may have been edited.
  // break: own-datafeed
  if (datafeedId !== own || !isDatafeedId(own))
    return { ...opened, datafeedId, datafeed: 'error', datafeedError: notItsDatafeed(own) };
  return { ...opened, datafeedId, ...(await startOne(datafeedId, job, world)) };
}

async function openOne(
  past: PastJob,
  job: JobSnapshot | undefined,
  world: ReopenWorld,
): Promise<ReopenedJob> {
  const { jobId } = past;
  const { ending } = world;
  if (!job) return { jobId, outcome: 'gone' };
  if (job.reportedState === 'opened') return { jobId, outcome: 'already_open' };
  if (job.reportedState === 'closing' || job.reportedState === 'failed')
    return { jobId, outcome: job.reportedState };
  if (job.reportedState === 'opening') return { jobId, outcome: 'opening' };
  if (job.reportedState !== 'closed' || job.target === undefined)
    return { jobId, outcome: 'error', error: strange(job) };
  // The sweep only stopped the job's datafeed. Someone else closed the job, perhaps on purpose.
  if (!mayHaveClosed(past)) return { jobId, outcome: 'error', error: closedByOthers };
  if (ending.aborted) return { jobId, outcome: 'not_attempted' };
  return await askToOpen(job.target, world);
}

async function askToOpen(jobId: JobId, world: ReopenWorld): Promise<ReopenedJob> {
  const { opener, clock, ending } = world;
  return await tryAgainWhenBusy<ReopenedJob>(world, async () => {
    const until = clock.now() + openTimeout;
    const { error, busy } = await opener.openJob(jobId, openTimeout, ending);
    // Even if the answer to the request was lost, the job may be opening.
    const states = await watch([jobId], until, world);
    const state = states?.get(jobId);
    if (state === 'opened') return { result: { jobId, outcome: 'reopened' } };
    if (state === 'opening') return { result: { jobId, outcome: 'opening' } };
    if (states && state === undefined) return { result: { jobId, outcome: 'gone' } };
    const reason = `after the request to open it the job is ${state ?? 'not readable'}`;
    return {
      result: { jobId, outcome: 'error', error: error ?? { status: 0, type: 'not_opened', reason } },
      busy: state === 'closed' ? busy : undefined,
    };
  });
}

async function startOne(
  datafeedId: string,
  job: JobSnapshot | undefined,
  world: ReopenWorld,
): Promise<Pick<ReopenedJob, 'datafeed' | 'datafeedError'>> {
  const { cluster, opener, clock, ending } = world;
  if (job?.datafeed && job.datafeed.state !== 'stopped') return { datafeed: 'already_started' };
  return await tryAgainWhenBusy<Pick<ReopenedJob, 'datafeed' | 'datafeedError'>>(world, async () => {
    const { error, busy } = await opener.startDatafeed(datafeedId, startTimeout, ending);
    if (!error) return { result: { datafeed: 'started' } };
    using limit = clock.limit(lookLimit);
    const stats = await cluster.datafeedStats(limit.signal, [datafeedId]).catch(() => undefined);
    const state = stats?.find((entry) => entry.datafeedId === datafeedId)?.state;
    if (state === 'started' || state === 'starting') return { result: { datafeed: 'started' } };
    return { result: { datafeed: 'error', datafeedError: error }, busy };
  });
}

/** Tries again while the cluster has no capacity, up to `maxAsks` times in total. */
async function tryAgainWhenBusy<T>(
  { clock, ending, remainingMs }: ReopenWorld,
  ask: () => Promise<{ readonly result: T; readonly busy?: Opened['busy'] }>,
): Promise<T> {
  for (let asks = 1; ; asks += 1) {
    const { result, busy } = await ask();
    const pause = busy?.retryAfterMs ?? busyPause;
    // Does not start a pause that is longer than the time left.
    if (!busy || asks === maxAsks || ending.aborted || pause >= remainingMs()) return result;
    await clock.sleep(pause, ending).catch(() => undefined);
    if (ending.aborted) return result;
  }
}

const closedByOthers: ClusterError = {
  status: 0,
  type: 'closed_by_others',
  reason: 'it is closed, but the sweep did not see it closed: open it by hand if it should be open',
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
      ? 'its id is also the name of a group, or is not a valid job id'
      : `its state is ${job.reportedState}`,
});
