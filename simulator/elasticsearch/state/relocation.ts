/** @module Moves tasks when nodes join and leave: relocation, waiting jobs, upgrade mode (docs/elasticsearch.md §1.2, §3.6). */
import { conflict, ElasticsearchError } from '../errors.ts';
import { assign } from './assignment.ts';
import type { ClusterState } from './cluster-state.ts';
import { noCounts } from './counts.ts';
import type { Datafeed, DatafeedTask } from './datafeed.ts';
import { scheduleEnd, startWithJob } from './datafeed-lifecycle.ts';
import type { Job, JobTask } from './job.ts';
import { assignmentDisabled, changed, endTask, interruptClose, startProcess } from './job-lifecycle.ts';
import type { MlNode } from './node.ts';

/** How long the master needs to notice a lost node and to move its tasks. */
export const reassignAfterMs = 2_000;

/** A node dies or shuts down: its processes are gone at once, and its tasks move to other nodes later. */
export function removeNode(cluster: ClusterState, node: MlNode): void {
  node.alive = false;
  node.openQueue.length = 0;
  const lost = [...node.jobs.keys()].flatMap((id) => cluster.jobs.get(id) ?? []);
  for (const job of lost) {
    if (!job.task) continue;
    cluster.settle(job);
    loseProcess(job.task, nodeLost(cluster, node));
    pauseFeed(cluster, job);
  }
  node.closing.clear();
  cluster.clock.at(cluster.clock.now() + reassignAfterMs, () => {
    for (const job of lost) if (job.task?.node === node) unassign(cluster, job, job.task);
    reassign(cluster);
  });
}

/** Ends all work of a task. A pending close rejects with `error`. */
function loseProcess(task: JobTask, error: ElasticsearchError): void {
  task.cancel?.();
  task.cancel = undefined;
  task.process = undefined;
  interruptClose(task, error);
}

/** Pauses the datafeed of a job that lost its process: the datafeed keeps its state and reads nothing. */
function pauseFeed(cluster: ClusterState, job: Job): void {
  const datafeed = cluster.datafeedOf(job.id);
  if (!datafeed?.task) return;
  datafeed.task.node = undefined;
  datafeed.task.cancel?.();
  datafeed.task.cancel = undefined;
}

/** The error for a close whose node left: 502 on versions that report connection errors as gateway errors. */
function nodeLost(cluster: ClusterState, node: MlNode): ElasticsearchError {
  return new ElasticsearchError(cluster.major === 7 ? 500 : 502, {
    type: 'failed_node_exception',
    reason: `Failed node [${node.id}]`,
  });
}

function unassign(cluster: ClusterState, job: Job, task: JobTask): void {
  cluster.place(job, task, undefined);
  task.allocation = cluster.nextAllocation();
  task.explanation = '';
  changed(task);
}

/** Assigns every waiting task for which a node has room. */
export function reassign(cluster: ClusterState): void {
  if (cluster.upgradeMode) return;
  const disabled = cluster.settings.text('cluster.persistent_tasks.allocation.enable') === 'none';
  for (const id of cluster.unassigned) {
    const job = cluster.jobs.get(id);
    const task = job?.task;
    if (!job || !task) continue;
    if (disabled) {
      task.explanation = assignmentDisabled;
      continue;
    }
    const assignment = assign(job, cluster.nodes, cluster.limits);
    if (!assignment.node) {
      task.explanation = assignment.explanation;
      continue;
    }
    cluster.place(job, task, assignment.node);
    task.allocation = cluster.nextAllocation();
    arrive(cluster, job, task, assignment.node);
    changed(task);
  }
}

/** Handles a task that arrives at a node, according to the state of the task. */
function arrive(cluster: ClusterState, job: Job, task: JobTask, node: MlNode): void {
  task.explanation = '';
  if (task.state === 'failed') return;
  if (task.state === 'closing') {
    // the job's process was lost with the old node, so nothing is left to close or finalize
    task.cancel = cluster.clock.at(cluster.clock.now() + 50, () =>
      endTask(cluster, job, task, 'orphaned', 'reassigned while closing'),
    );
    return;
  }
  const datafeed = cluster.datafeedOf(job.id);
  if (task.state === 'opened' && datafeed?.task) revert(job);
  startProcess(cluster, job, task, node);
  if (datafeed?.task) resumeFeed(cluster, datafeed, job, datafeed.task, node);
}

function resumeFeed(
  cluster: ClusterState,
  datafeed: Datafeed,
  job: Job,
  task: DatafeedTask,
  node: MlNode,
): void {
  const { latestRecord } = job.counts;
  task.node = node;
  task.allocation = cluster.nextAllocation();
  // the revert removed recent data from the job, so the datafeed reads this data again
  if (latestRecord !== undefined) task.readTo = Math.min(task.readTo, latestRecord + 1);
  if (task.lookback) task.lookback = { since: cluster.clock.now(), from: task.readTo };
  if (task.state === 'starting') startWithJob(cluster, datafeed, job, task);
  else scheduleEnd(cluster, datafeed, job, task);
}

/** Reverts a moved job with a running datafeed to its latest snapshot, or to an empty model. */
function revert(job: Job): void {
  const snapshot = job.snapshots.at(-1);
  if (!snapshot) {
    job.counts = noCounts();
    job.modelBytes = 0;
    return;
  }
  job.counts.latestRecord = snapshot.latestRecord;
}

/** Entering upgrade mode unassigns every task from its node; leaving it assigns the tasks again. */
export function setUpgradeMode(cluster: ClusterState, enabled: boolean): void {
  if (cluster.upgradeMode === enabled) return;
  cluster.upgradeMode = enabled;
  if (!enabled) {
    for (const datafeed of cluster.datafeeds.values()) if (datafeed.task) datafeed.task.isolated = false;
    reassign(cluster);
    return;
  }
  for (const job of cluster.jobs.values()) {
    const { task } = job;
    if (!task) continue;
    cluster.settle(job);
    const datafeed = cluster.datafeedOf(job.id);
    if (datafeed?.task) datafeed.task.isolated = true;
    pauseFeed(cluster, job);
    loseProcess(task, conflict('Close job interrupted by kill request'));
    unassign(cluster, job, task);
  }
}
