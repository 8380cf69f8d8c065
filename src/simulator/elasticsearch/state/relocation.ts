/** @module Nodes come and go, and tasks find a place again: relocation, waiting jobs, upgrade mode (ML APIs §1.2, §3.6). */
import { ElasticsearchError } from '../errors.ts';
import { assign } from './assignment.ts';
import type { ClusterState } from './cluster-state.ts';
import { noCounts } from './counts.ts';
import { endFeed, scheduleEnd } from './datafeed-lifecycle.ts';
import type { Job, JobTask } from './job.ts';
import { assignmentDisabled, changed, endTask, interruptClose, startProcess } from './job-lifecycle.ts';
import type { MlNode } from './node.ts';

/** The master notices a node that is gone, and moves its tasks. */
export const reassignAfterMs = 2_000;

/** A node dies or is taken away: its processes are gone at once, its tasks move later. */
export function removeNode(cluster: ClusterState, node: MlNode): void {
  node.alive = false;
  const lost = [...node.jobs.keys()].flatMap((id) => cluster.jobs.get(id) ?? []);
  node.closing.clear();
  node.opening.clear();
  node.openQueue.length = 0;
  for (const job of lost) {
    const { task } = job;
    if (!task) continue;
    cluster.settle(job);
    task.process = undefined;
    task.cancel = undefined;
    interruptClose(task, nodeLost(cluster, node));
    const datafeed = cluster.datafeedOf(job.id);
    if (datafeed?.task) {
      datafeed.task.node = undefined;
      datafeed.task.cancel?.();
      cluster.unassignedDatafeeds.add(datafeed.id);
    }
  }
  cluster.clock.at(cluster.clock.now() + reassignAfterMs, () => {
    for (const job of lost) if (job.task?.node === node) unassign(cluster, job, job.task, '');
    reassign(cluster);
  });
}

/** What a close reports that was waiting for a node when it left; a gateway error since connection errors are 502. */
function nodeLost(cluster: ClusterState, node: MlNode): ElasticsearchError {
  return new ElasticsearchError(cluster.major === 7 ? 500 : 502, {
    type: 'failed_node_exception',
    reason: `Failed node [${node.id}]`,
  });
}

function unassign(cluster: ClusterState, job: Job, task: JobTask, explanation: string): void {
  cluster.place(job, task, undefined);
  task.allocation = cluster.nextAllocation();
  task.explanation = explanation;
  changed(task);
}

/** Gives a node to every task that waits for one and can have it. */
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

/** What a node does with a task that it is given: by its state, as the task carries it. */
function arrive(cluster: ClusterState, job: Job, task: JobTask, node: MlNode): void {
  task.explanation = '';
  if (task.state === 'failed') return;
  if (task.state === 'closing') {
    // its process is gone with the old node: nothing is left to close, and nothing is tidied up
    task.cancel = cluster.clock.at(cluster.clock.now() + 50, () =>
      endTask(cluster, job, task, 'orphaned', 'reassigned while closing'),
    );
    return;
  }
  const datafeed = cluster.datafeedOf(job.id);
  if (task.state === 'opened' && datafeed?.task) revert(job);
  startProcess(cluster, job, task, node);
  if (!datafeed?.task) return;
  datafeed.task.node = node;
  if (datafeed.task.state === 'starting') datafeed.task.state = 'started';
  datafeed.task.allocation = cluster.nextAllocation();
  cluster.unassignedDatafeeds.delete(datafeed.id);
  if (job.counts.latestRecord !== undefined)
    datafeed.task.readTo = Math.min(datafeed.task.readTo, job.counts.latestRecord + 1);
  scheduleEnd(cluster, datafeed, job, datafeed.task);
}

/** A moved job with a running datafeed goes back to its latest snapshot, or to nothing if it has none. */
function revert(job: Job): void {
  const snapshot = job.snapshots.at(-1);
  if (!snapshot) {
    job.counts = noCounts();
    job.modelBytes = 0;
    return;
  }
  job.counts.latestRecord = snapshot.latestRecord;
}

/** Upgrade mode takes every task off its node; leaving it gives the nodes back. */
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
    if (datafeed?.task) {
      datafeed.task.isolated = true;
      datafeed.task.node = undefined;
      cluster.unassignedDatafeeds.add(datafeed.id);
    }
    task.cancel?.();
    task.cancel = undefined;
    task.process = undefined;
    task.closing = undefined;
    unassign(cluster, job, task, '');
  }
}

/** Forgets a datafeed task whose job has gone. */
export function dropFeed(cluster: ClusterState, job: Job): void {
  const datafeed = cluster.datafeedOf(job.id);
  if (datafeed?.task) endFeed(cluster, datafeed, datafeed.task);
}
