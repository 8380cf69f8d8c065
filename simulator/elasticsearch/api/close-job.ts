/** @module The close API, with its steps in the server's order (docs/elasticsearch.md §2). */
import { conflict, type ElasticsearchError, illegalState } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import type { ObjectParser } from '../http/object-parser.ts';
import { stopFeed } from '../state/datafeed-lifecycle.ts';
import type { Job, JobTask } from '../state/job.ts';
import { closeProcess, endTask, killTask, untilTask } from '../state/job-lifecycle.ts';
import { parseTimeValue, printTimeValue } from '../units.ts';
import { allowNoMatch, jobsNamed, takesOldName, warnOldName } from './name-parameter.ts';

const action = 'cluster:admin/xpack/ml/job/close';
const defaultTimeout = 30 * 60_000;

const parser: ObjectParser = {
  name: action,
  fields: {
    job_id: 'string',
    timeout: { kind: 'string', check: (value: string) => parseTimeValue(value, 'timeout') },
    force: 'boolean',
    allow_no_match: 'boolean',
  },
};
const olderParser: ObjectParser = { ...parser, fields: { ...parser.fields, allow_no_jobs: 'boolean' } };

interface CloseRequest {
  readonly expression: string;
  readonly force: boolean;
  readonly timeout: number;
  readonly allowNoMatch: boolean;
}

export const closeJobRoute: Route = route(
  'ml.close_job',
  'POST',
  '/_ml/anomaly_detectors/{job_id}/_close',
  ['manage_ml', action],
  (call) => {
    const request = call.body.present ? fromBody(call) : fromQuery(call);
    return async () => {
      await closeJobs(call, request);
      return { body: { closed: true } };
    };
  },
);

/** If there is a body, query parameters are refused as unused, because only the body is read. */
function fromBody(call: Call): CloseRequest {
  const body = call.body.read(takesOldName(call) ? olderParser : parser);
  if (body.allow_no_jobs !== undefined) warnOldName(call, 'jobs');
  return {
    expression: call.parameters.job_id ?? '',
    force: body.force === true,
    timeout: (body.timeout as number | undefined) ?? defaultTimeout,
    allowNoMatch: ((body.allow_no_match ?? body.allow_no_jobs) as boolean | undefined) ?? true,
  };
}

function fromQuery(call: Call): CloseRequest {
  return {
    expression: call.parameters.job_id ?? '',
    timeout: call.query.time('timeout', defaultTimeout),
    force: call.query.flag('force', false),
    allowNoMatch: allowNoMatch(call, 'jobs'),
  };
}

interface OpenJob {
  readonly job: Job;
  readonly task: JobTask;
  readonly allocation: number;
}

async function closeJobs(call: Call, request: CloseRequest): Promise<void> {
  const { cluster } = call.context;
  const { force, timeout } = request;
  cluster.requireMaster();
  const jobs = jobsNamed(call, request.expression, request.allowNoMatch, { withLeftovers: force });
  const tasks = jobs.flatMap((job) =>
    job.task ? [{ job, task: job.task, allocation: job.task.allocation }] : [],
  );
  const failed = tasks.filter(({ task }) => task.state === 'failed');
  if (failed.length > 0 && !force)
    throw conflict(
      jobs.length === 1
        ? `cannot close job [${jobs[0]?.id}] because it failed, use force close`
        : 'one or more jobs have state failed, use force close',
    );
  const closing = tasks.filter(({ task }) => task.state === 'closing');
  const open = tasks.filter(({ task }) => task.state !== 'closing');
  await stopDatafeeds(call, open, request);
  if (tasks.length === 0) return;
  if (force) {
    for (const { job, task } of [...open, ...closing])
      if (job.task === task) killTask(cluster, job, task, 'force close');
    return;
  }
  await closeProcesses(call, open);
  await untilGone(call, [...open, ...closing], timeout);
}

/** Stops the running datafeeds of open jobs first. The datafeeds stay stopped even if the close fails. */
async function stopDatafeeds(
  call: Call,
  open: readonly OpenJob[],
  { force, timeout }: CloseRequest,
): Promise<void> {
  const { cluster } = call.context;
  const running = open.flatMap(({ job }) => {
    const datafeed = cluster.datafeedOf(job.id);
    return datafeed?.task ? [datafeed] : [];
  });
  if (running.length === 0) return;
  const ids = running.map((datafeed) => datafeed.id).join(',');
  if (force) for (const { task } of running) if (task) task.isolated = true;
  const stops = running.map((datafeed) => stopFeed(cluster, datafeed, { force, timeout }));
  const failures = (await call.wait(cluster.coordinated(Promise.all(stops)))).filter(
    (reason) => reason !== undefined,
  );
  if (failures.length > 0)
    throw conflict(
      `failed to close jobs as one or more had started datafeeds that could not be stopped: started datafeeds [${ids}], error stopping them [${failures[0]}]`,
    );
}

/** Closes all processes at the same time, each on its node, without a timeout. The first failure becomes the answer. */
async function closeProcesses(call: Call, open: readonly OpenJob[]): Promise<void> {
  const { cluster } = call.context;
  const closes: Promise<void>[] = [];
  for (const { job, task } of open) {
    if (job.task !== task) continue;
    if (!task.node) endTask(cluster, job, task, 'unassigned', 'close');
    // tasks of a node that has left are skipped here; `untilGone` handles them
    else if (task.node.alive) closes.push(closeProcess(cluster, job, task, 'close'));
  }
  if (closes.length === 0) return;
  const results = await call.wait(cluster.coordinated(Promise.allSettled(closes)));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason as Error;
}

/** Waits until every task is removed or has moved to another node. Then removes the tasks that have moved. */
async function untilGone(call: Call, tasks: readonly OpenJob[], timeout: number): Promise<void> {
  const { cluster } = call.context;
  const settled = ({ job, task, allocation }: OpenJob) => job.task !== task || task.allocation !== allocation;
  const waits = tasks.map((entry) => untilTask(cluster, entry.task, () => settled(entry), timeout));
  const pending = tasks.some((entry) => !settled(entry));
  const done = pending ? await call.wait(cluster.coordinated(Promise.all(waits))) : [];
  if (done.includes(false)) throw timedOutWaiting(timeout);
  for (const { job, task } of tasks)
    if (job.task === task) endTask(cluster, job, task, 'unassigned', 'close');
}

function timedOutWaiting(timeout: number): ElasticsearchError {
  return illegalState(`Timed out when waiting for persistent tasks after ${printTimeValue(timeout)}`);
}
