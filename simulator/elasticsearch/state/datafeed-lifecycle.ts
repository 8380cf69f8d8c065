/** @module Starting and stopping datafeeds, and how they end by themselves. */
import type { ClusterState } from './cluster-state.ts';
import type { Datafeed, DatafeedTask } from './datafeed.ts';
import { readsUntil } from './feed-job.ts';
import type { Job } from './job.ts';
import { closeProcess } from './job-lifecycle.ts';

export interface StartOptions {
  readonly start: number;
  readonly end?: number | undefined;
}

/** Gives a datafeed a task on its job's node. Callers must check that the datafeed may start. */
export function beginFeed(
  cluster: ClusterState,
  datafeed: Datafeed,
  job: Job,
  { start, end }: StartOptions,
): DatafeedTask {
  const now = cluster.clock.now();
  // if the job has data, the datafeed continues after the latest record, even if `start` is earlier
  const after = Math.max(start, job.counts.latestRecord === undefined ? start : job.counts.latestRecord + 1);
  const present = now - datafeed.traits.queryDelay;
  // the datafeed begins at the first record, to skip the empty time before that record
  const from = Math.max(after, Math.min(datafeed.source.first(after) ?? present, present, end ?? present));
  const task: DatafeedTask = {
    allocation: cluster.nextAllocation(),
    node: job.task?.node,
    state: 'starting',
    explanation: '',
    isolated: false,
    start,
    end,
    readTo: from,
    lookback: { since: now, from },
    searchedAt: now,
    searchInterval: undefined,
    emptySearches: 0,
    onChange: new Set(),
  };
  datafeed.task = task;
  startWithJob(cluster, datafeed, job, task);
  return task;
}

/** Keeps a datafeed `starting` until its job has a process. Then the datafeed begins to read. */
export function startWithJob(cluster: ClusterState, datafeed: Datafeed, job: Job, task: DatafeedTask): void {
  const jobTask = job.task;
  if (!jobTask) return;
  const look = () => {
    const gone = datafeed.task !== task || task.state !== 'starting' || job.task !== jobTask;
    if (!gone && !jobTask.process) return;
    jobTask.onChange.delete(look);
    if (gone) return;
    task.node = jobTask.node;
    task.state = 'started';
    if (task.lookback) task.lookback = { since: cluster.clock.now(), from: task.readTo };
    scheduleEnd(cluster, datafeed, job, task);
    for (const listener of task.onChange) listener();
  };
  jobTask.onChange.add(look);
  look();
}

/** A datafeed with an end stops by itself when it has read everything before that end, and closes its job. */
export function scheduleEnd(cluster: ClusterState, datafeed: Datafeed, job: Job, task: DatafeedTask): void {
  task.cancel?.();
  task.cancel = undefined;
  const when = readsUntil(datafeed, task);
  if (when === undefined) {
    scheduleEmptyCheck(cluster, datafeed, job, task);
    return;
  }
  task.cancel = cluster.clock.at(when, () => {
    cluster.settle(job);
    finishFeed(cluster, datafeed, job, task, 'datafeed reached its end');
  });
}

/** A datafeed with `max_empty_searches` stops and closes its job after that many empty searches in a row. */
function scheduleEmptyCheck(cluster: ClusterState, datafeed: Datafeed, job: Job, task: DatafeedTask): void {
  const { maxEmptySearches: max, frequency } = datafeed.traits;
  if (max === undefined) return;
  const left = Math.max(1, max - task.emptySearches);
  task.cancel = cluster.clock.at(cluster.clock.now() + left * frequency, () => {
    cluster.settle(job);
    if (task.emptySearches < max) {
      scheduleEmptyCheck(cluster, datafeed, job, task);
      return;
    }
    endFeed(datafeed, task);
    if (job.task?.state === 'opened')
      void closeProcess(cluster, job, job.task, 'datafeed found nothing for too long').catch(() => undefined);
  });
}

function finishFeed(
  cluster: ClusterState,
  datafeed: Datafeed,
  job: Job,
  task: DatafeedTask,
  cause: string,
): void {
  const closes = task.end !== undefined && !task.isolated && task.node !== undefined;
  endFeed(datafeed, task);
  if (closes && job.task?.state === 'opened')
    void closeProcess(cluster, job, job.task, cause).catch(() => undefined);
}

/** Removes the task, which makes the datafeed `stopped`. */
export function endFeed(datafeed: Datafeed, task: DatafeedTask): void {
  if (datafeed.task !== task) return;
  task.cancel?.();
  datafeed.task = undefined;
  for (const listener of task.onChange) listener();
}

export interface StopOptions {
  readonly force: boolean;
  /** How long a stop waits for the running search before the datafeed counts as stopped. */
  readonly timeout: number;
}

/**
 * Stops one datafeed. Resolves to undefined when its task is gone, or to the error message if the stop fails. Never
 * rejects. If the datafeed has an end, stopping it also closes its job, unless the stop is forced or the datafeed is
 * unassigned or isolated.
 */
export async function stopFeed(
  cluster: ClusterState,
  datafeed: Datafeed,
  { force, timeout }: StopOptions,
): Promise<string | undefined> {
  const { task } = datafeed;
  const job = cluster.jobs.get(datafeed.jobId);
  if (!task) return undefined;
  if (job) cluster.settle(job);
  const behaviour =
    datafeed.stopTakes ?? cluster.random.integer(20, 200, 'stop', datafeed.id, task.allocation);
  if (typeof behaviour === 'object') return behaviour.fails;
  if (force || !task.node) {
    endFeed(datafeed, task);
    return undefined;
  }
  if (task.state !== 'stopping') {
    task.state = 'stopping';
    const takes = Math.min(
      behaviour === 'never' ? Number.POSITIVE_INFINITY : behaviour,
      Math.max(0, timeout),
    );
    cluster.clock.at(cluster.clock.now() + takes, () => {
      if (datafeed.task !== task) return;
      if (job) finishFeed(cluster, datafeed, job, task, 'datafeed with an end was stopped');
      else endFeed(datafeed, task);
    });
  }
  await new Promise<void>((resolve) => {
    const look = () => {
      if (datafeed.task !== task) resolve();
    };
    task.onChange.add(look);
    look();
  });
  return undefined;
}
