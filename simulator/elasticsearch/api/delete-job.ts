/**
 * @module Deleting and resetting jobs. Both run as tasks and block the job until they end
 * (docs/elasticsearch.md §3.9, §3.12).
 */
import { conflict } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import { noCounts } from '../state/counts.ts';
import { datafeedStateOf } from '../state/datafeed.ts';
import { endFeed } from '../state/datafeed-lifecycle.ts';
import { type Job, stateOf } from '../state/job.ts';
import { killTask } from '../state/job-lifecycle.ts';
import { oneJob } from './name-parameter.ts';

/** How long a delete or a reset takes, in milliseconds. */
const workMs = 300;

export const deleteJobRoutes: readonly Route[] = [
  route(
    'ml.delete_job',
    'DELETE',
    '/_ml/anomaly_detectors/{job_id}',
    ['manage_ml', 'cluster:admin/xpack/ml/job/delete'],
    (call) => {
      const force = call.query.flag('force', false);
      const wait = call.query.flag('wait_for_completion', true);
      if (call.context.cluster.major >= 8) call.query.ignore('delete_user_annotations');
      return async () => {
        call.context.cluster.requireMaster();
        const job = oneJob(call, call.parameters.job_id ?? '', { withDeleting: true });
        // a second delete request joins the deletion in progress
        const running = job.blocked?.reason === 'delete' ? job.blocked.work : undefined;
        const work = running ?? beginDelete(call, job, force);
        return finish(call, job, work, wait);
      };
    },
  ),
  route(
    'ml.reset_job',
    'POST',
    '/_ml/anomaly_detectors/{job_id}/_reset',
    ['manage_ml', 'cluster:admin/xpack/ml/job/reset'],
    (call) => {
      const wait = call.query.flag('wait_for_completion', true);
      if (call.context.cluster.major >= 8) call.query.ignore('delete_user_annotations');
      return async () => {
        call.context.cluster.requireMaster();
        const job = oneJob(call, call.parameters.job_id ?? '', { withDeleting: true });
        const running = job.blocked?.reason === 'reset' ? job.blocked.work : undefined;
        if (job.blocked && !running)
          throw conflict(`cannot reset job while it is blocked with [${job.blocked.reason}]`);
        if (job.task) throw conflict('Can only reset a job when it is closed.');
        return finish(call, job, running ?? beginReset(call, job), wait);
      };
    },
  ),
];

async function finish(call: Call, job: Job, work: Promise<void>, wait: boolean) {
  if (!wait) return { body: { task: job.blocked?.taskId ?? '' } };
  await call.wait(work);
  return { body: { acknowledged: true } };
}

function beginDelete(call: Call, job: Job, force: boolean): Promise<void> {
  const { cluster } = call.context;
  const datafeed = cluster.datafeedOf(job.id);
  if (!force) {
    if (job.task) throw conflict(`Cannot delete job [${job.id}] because the job is ${stateOf(job)}`);
    if (datafeed?.task)
      throw conflict(
        `failed to delete job [${job.id}] as its datafeed [${datafeed.id}] could not be deleted`,
        {
          type: 'status_exception',
          reason: `Cannot delete datafeed [${datafeed.id}] while its status is ${datafeedStateOf(datafeed)}`,
        },
      );
  }
  if (datafeed) {
    if (datafeed.task) endFeed(datafeed, datafeed.task);
    cluster.removeDatafeed(datafeed);
  }
  if (job.task) killTask(cluster, job, job.task, 'deleted with force');
  return block(call, job, 'delete', () => cluster.removeJob(job));
}

function beginReset(call: Call, job: Job): Promise<void> {
  return block(call, job, 'reset', () => {
    job.counts = noCounts();
    job.modelBytes = 0;
    job.peakModelBytes = 0;
    job.forecasts = [];
    job.snapshots = [];
    const { finished_time: _finished, model_snapshot_id: _snapshot, ...config } = job.config;
    job.config = config as Job['config'];
    job.blocked = undefined;
  });
}

function block(call: Call, job: Job, reason: 'delete' | 'reset', effect: () => void): Promise<void> {
  const { cluster } = call.context;
  const { promise, resolve } = Promise.withResolvers<void>();
  const taskId = cluster.nextTaskId();
  const task = { action: `cluster:admin/xpack/ml/job/${reason}`, done: promise, completed: false };
  cluster.tasks.set(taskId, task);
  job.blocked = { reason, taskId, work: promise };
  cluster.clock.at(cluster.clock.now() + workMs, () => {
    effect();
    task.completed = true;
    resolve();
  });
  return promise;
}
