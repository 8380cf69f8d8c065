/** @module The open API (docs/elasticsearch.md §3.8). */
import { badRequest, conflict, illegalState, serverError, timedOut, tooManyRequests } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import { type ObjectParser, textOf } from '../http/object-parser.ts';
import type { Job, JobTask } from '../state/job.ts';
import { beginOpen, untilTask } from '../state/job-lifecycle.ts';
import { parseTimeValue, printTimeValue } from '../units.ts';
import { oneJob } from './name-parameter.ts';

const action = 'cluster:admin/xpack/ml/job/open';
const defaultTimeout = 30 * 60_000;

const parser: ObjectParser = {
  name: action,
  fields: {
    job_id: 'string',
    timeout: { kind: 'string', check: (value: string) => parseTimeValue(value, 'timeout') },
  },
};

export const openJobRoute: Route = route(
  'ml.open_job',
  'POST',
  '/_ml/anomaly_detectors/{job_id}/_open',
  ['manage_ml', action],
  (call) => {
    const timeout = call.body.present
      ? ((call.body.read(parser).timeout as number | undefined) ?? defaultTimeout)
      : call.query.time('timeout', defaultTimeout);
    return async () => {
      const job = oneJob(call, call.parameters.job_id ?? '', { withDeleting: true });
      checkOpenable(call, job);
      checkSnapshot(call, job);
      const task = beginOpen(call.context.cluster, job);
      return { body: { opened: true, node: await untilOpened(call, job, task, timeout) } };
    };
  },
);

function checkOpenable({ context: { cluster } }: Call, job: Job): void {
  cluster.requireLicense();
  cluster.requireMaster();
  if (cluster.upgradeMode) throw tooManyRequests('Cannot open jobs when upgrade mode is enabled');
  if (job.blocked)
    throw conflict(`Cannot open job [${job.id}] because it is executing [${job.blocked.reason}]`);
  if (job.task) throw conflict(`Cannot open job [${job.id}] because it has already been opened`);
  if (cluster.settings.text('cluster.persistent_tasks.allocation.enable') === 'none')
    throw tooManyRequests(
      'Cannot open jobs because persistent task assignment is disabled by the [cluster.persistent_tasks.allocation.enable] setting',
    );
}

/** For each major version, the oldest version whose model snapshots it can read. */
const oldestSnapshots = { 7: '6.0.0', 8: '7.0.0', 9: '8.3.0' } as const;

/** @throws 400 if the job's model snapshot is too old for this stack */
function checkSnapshot({ context: { cluster } }: Call, { id, config }: Job): void {
  const version = config.model_snapshot_min_version;
  const oldest = oldestSnapshots[cluster.major];
  if (typeof version !== 'string' || !before(version, oldest)) return;
  throw badRequest(
    `[${id}] job model snapshot [${textOf(config.model_snapshot_id)}] has min version before [${oldest}], please revert to a newer model snapshot or reset the job`,
  );
}

function before(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) => text.split('.').map(Number));
  const index = a?.findIndex((part, at) => part !== b?.[at]) ?? -1;
  return index >= 0 && (a?.[index] ?? 0) < (b?.[index] ?? 0);
}

/** The id of the node on which the job runs, or an empty string while the job waits for a node. */
async function untilOpened(call: Call, job: Job, task: JobTask, timeout: number): Promise<string> {
  const { cluster } = call.context;
  if (!task.node) return '';
  const opened = await call.wait(
    untilTask(cluster, task, () => job.task !== task || task.state !== 'opening', timeout),
  );
  if (!opened) {
    const reason = `Opening job [${job.id}] timed out after [${printTimeValue(timeout)}]`;
    throw cluster.major === 7 ? illegalState(reason) : timedOut(reason);
  }
  if (job.task !== task || task.state === 'closing')
    throw conflict('The job has been closed while waiting to be opened');
  if (task.state === 'failed')
    throw serverError(
      `Unexpected job state [failed] with reason [${task.reason ?? ''}] while waiting for job to be opened`,
    );
  return task.process?.node.id ?? '';
}
