/** @module The states of one job over time: opening, opened, closing, failed, closed (docs/elasticsearch.md §1.2). */
import { ordered } from '../config/field-order.ts';
import type { ElasticsearchError } from '../errors.ts';
import { conflict, serverError, tooManyRequests } from '../errors.ts';
import { assign } from './assignment.ts';
import { closingTime } from './closing-time.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Job, JobTask } from './job.ts';
import type { MlNode } from './node.ts';

/**
 * Time between the end of a process and the removal of its task, during which the server writes results and
 * `finished_time`.
 */
const finalizeMs = 150;
/** Duration of a cluster state update, for example to complete a cancelled task. */
const updateMs = 30;

export const awaitingNode = 'persistent task is awaiting node assignment.';
export const assignmentDisabled = 'no persistent task assignments are allowed due to cluster settings';

/**
 * Gives a closed job a task, on a node if any node has room.
 * @throws 429 if no node has room and the job may not wait for one
 */
export function beginOpen(cluster: ClusterState, job: Job): JobTask {
  const assignment = assign(job, cluster.nodes, cluster.limits);
  const lazy = job.traits.lazy || cluster.settings.integer('xpack.ml.max_lazy_ml_nodes') > 0;
  if (!assignment.node && !lazy)
    throw tooManyRequests('Could not open job because no ML nodes with sufficient capacity were found', {
      type: 'illegal_state_exception',
      reason: `Could not open job because no suitable nodes were found, allocation explanation [${assignment.explanation}]`,
    });
  const task: JobTask = {
    allocation: cluster.nextAllocation(),
    node: undefined,
    state: 'opening',
    explanation: assignment.node ? '' : awaitingNode,
    process: undefined,
    onChange: new Set(),
  };
  job.task = task;
  job.openings += 1;
  const { finished_time: _cleared, ...config } = job.config;
  job.config = config as Job['config'];
  for (const forecast of job.forecasts) if (forecast.state === 'started') forecast.state = 'failed';
  cluster.record(job, 'opening', 'open');
  cluster.place(job, task, assignment.node);
  if (assignment.node) startProcess(cluster, job, task, assignment.node);
  return task;
}

/** Starts the process of an assigned task. A node opens a limited number of jobs at a time; the others queue. */
export function startProcess(cluster: ClusterState, job: Job, task: JobTask, node: MlNode): void {
  const limit = cluster.settings.integer('xpack.ml.node_concurrent_job_allocations');
  const begin = () => {
    node.opening.add(job.id);
    const takes =
      job.openTakes ?? Math.round(cluster.random.between(400, 1_500, 'open', job.id, job.openings));
    // the process runs, but the master is never informed: elastic/elasticsearch#126148
    if (takes === 'lost') task.process = { node, startedAt: cluster.clock.now() };
    // an opening that never ends keeps its slot, so it may keep all other jobs on the node from opening
    const cancel =
      takes === 'never' || takes === 'lost'
        ? () => undefined
        : cluster.clock.at(cluster.clock.now() + takes, () => {
            leaveOpening(node, job.id);
            processStarted(cluster, job, task, node);
          });
    task.cancel = () => {
      cancel();
      leaveOpening(node, job.id);
    };
  };
  if (node.opening.size < limit) begin();
  else {
    node.openQueue.push(begin);
    task.cancel = () => {
      const index = node.openQueue.indexOf(begin);
      if (index >= 0) node.openQueue.splice(index, 1);
    };
  }
}

function leaveOpening(node: MlNode, jobId: string): void {
  if (node.opening.delete(jobId)) node.openQueue.shift()?.();
}

function processStarted(cluster: ClusterState, job: Job, task: JobTask, node: MlNode): void {
  task.cancel = undefined;
  task.process = { node, startedAt: cluster.clock.now() };
  task.explanation = '';
  if (task.state === 'opening') {
    task.state = 'opened';
    cluster.record(job, 'opened', 'open');
  }
  changed(task);
}

/**
 * Begins to close the process of an open job, or joins the close in progress. Resolves when the process has ended; the
 * task is removed soon after. Rejects if the close fails: with 500, with 409 after a kill, or with the error for a lost
 * node.
 */
export function closeProcess(cluster: ClusterState, job: Job, task: JobTask, cause: string): Promise<void> {
  if (task.closing) return task.closing.finished;
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  // there may be no caller left that awaits this promise, and an unhandled rejection would end the Node process
  finished.catch(() => undefined);
  task.closing = { since: cluster.clock.now(), finished, interrupt: reject };
  task.cancel?.();
  task.cancel = undefined;
  cluster.settle(job);
  const { process } = task;
  task.state = 'closing';
  cluster.record(job, 'closing', cause);
  changed(task);
  if (!process) {
    // a close that is stuck never completes
    if (job.closeTakes === 'never') return finished;
    // the node notices that the job is closing and completes the task
    task.cancel = cluster.clock.at(cluster.clock.now() + updateMs, () => {
      resolve();
      endTask(cluster, job, task, 'orphaned', cause);
    });
    return finished;
  }
  const behaviour = job.closeTakes ?? closingTime(job, cluster.random);
  if (behaviour === 'never') return finished;
  const work = typeof behaviour === 'number' ? behaviour : behaviour.after;
  task.cancel = process.node.closing.start(work, () => {
    task.cancel = undefined;
    task.process = undefined;
    if (typeof behaviour !== 'number') {
      failTask(cluster, job, task, behaviour.fails);
      reject(serverError(behaviour.fails));
      return;
    }
    resolve();
    task.cancel = cluster.clock.at(cluster.clock.now() + finalizeMs, () => {
      finalize(cluster, job);
      endTask(cluster, job, task, 'gracefully', cause);
    });
  });
  return finished;
}

/** A clean close writes the finish time and, if the model has data, a snapshot. */
function finalize(cluster: ClusterState, job: Job): void {
  const now = cluster.clock.now();
  if (job.counts.processed > 0) {
    const id = String(Math.floor(now / 1_000));
    job.snapshots.push({ id, at: now, latestRecord: job.counts.latestRecord });
    job.counts.logTime = now;
    job.config = ordered({ ...job.config, finished_time: now, model_snapshot_id: id });
  } else {
    job.config = ordered({ ...job.config, finished_time: now });
  }
}

/** The process ends, and the task stays `failed` until the job is closed with force. */
export function failTask(cluster: ClusterState, job: Job, task: JobTask, reason: string): void {
  cluster.settle(job);
  task.cancel?.();
  task.cancel = undefined;
  task.process = undefined;
  task.closing?.interrupt(serverError(reason));
  task.closing = undefined;
  task.state = 'failed';
  task.reason = reason;
  stopForecasts(job);
  cluster.record(job, 'failed', reason);
  changed(task);
}

/** Removes the task, which makes the job `closed`. */
export function endTask(
  cluster: ClusterState,
  job: Job,
  task: JobTask,
  ended: NonNullable<Job['ended']>,
  cause: string,
): void {
  if (job.task !== task) return;
  task.cancel?.();
  task.cancel = undefined;
  cluster.place(job, task, undefined);
  cluster.unassigned.delete(job.id);
  job.task = undefined;
  job.ended = ended;
  job.endedAt = cluster.clock.now();
  stopForecasts(job);
  cluster.record(job, 'closed', cause);
  changed(task);
  cluster.capacityFreed();
}

/** Kills the process and removes the task in any state. */
export function killTask(cluster: ClusterState, job: Job, task: JobTask, cause: string): void {
  cluster.settle(job);
  const hadProcess = task.process !== undefined;
  task.closing?.interrupt(conflict('Close job interrupted by kill request'));
  if (hadProcess && !cluster.upgradeMode)
    job.config = ordered({ ...job.config, finished_time: cluster.clock.now() });
  task.process = undefined;
  endTask(cluster, job, task, 'forced', cause);
}

/** Rejects the close in progress, if any, with `error`, because the task has lost its process. */
export function interruptClose(task: JobTask, error: ElasticsearchError): void {
  task.closing?.interrupt(error);
  task.closing = undefined;
}

function stopForecasts(job: Job): void {
  for (const forecast of job.forecasts) {
    forecast.cancel?.();
    // without the job's process, the forecast stays `started` in the stats until the job is opened again
  }
}

export function changed(task: JobTask): void {
  for (const listener of task.onChange) listener();
}

/** Resolves to true as soon as `holds` returns true after a change of the task, or to false after `ms`. */
export function untilTask(
  cluster: ClusterState,
  task: JobTask,
  holds: () => boolean,
  ms: number,
): Promise<boolean> {
  if (holds()) return Promise.resolve(true);
  if (ms <= 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (result: boolean) => {
      task.onChange.delete(look);
      cancel();
      resolve(result);
    };
    const look = () => {
      if (holds()) end(true);
    };
    const cancel = cluster.clock.at(cluster.clock.now() + ms, () => end(false));
    task.onChange.add(look);
  });
}
