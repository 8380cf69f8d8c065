/** @module Starting, stopping and deleting datafeeds (docs/elasticsearch.md §3.11). */
import {
  badRequest,
  conflict,
  illegalState,
  serverError,
  timedOut,
  tooManyRequests,
  validation,
} from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import { type ObjectParser, textOf } from '../http/object-parser.ts';
import { type Datafeed, type DatafeedTask, datafeedStateOf } from '../state/datafeed.ts';
import { beginFeed, endFeed, stopFeed } from '../state/datafeed-lifecycle.ts';
import { stateOf } from '../state/job.ts';
import { parseTimeValue, printTimeValue } from '../units.ts';
import { dateParameter } from './date-parameter.ts';
import { allowNoMatch, datafeedsNamed, oneDatafeed, takesOldName, warnOldName } from './name-parameter.ts';

const startTimeout = 20_000;
const startAction = 'cluster:admin/xpack/ml/datafeed/start';
const stopAction = 'cluster:admin/xpack/ml/datafeed/stop';

const timeout = { kind: 'string' as const, check: (value: string) => parseTimeValue(value, 'timeout') };

const startParser: ObjectParser = {
  name: startAction,
  fields: { datafeed_id: 'string', start: 'any', end: 'any', timeout },
};

const stopParser = (older: boolean): ObjectParser => ({
  name: stopAction,
  fields: {
    datafeed_id: 'string',
    timeout,
    force: 'boolean',
    allow_no_match: 'boolean',
    ...(older && { allow_no_datafeeds: 'boolean' as const }),
  },
});

export const runDatafeedRoutes: readonly Route[] = [
  route(
    'ml.start_datafeed',
    'POST',
    '/_ml/datafeeds/{datafeed_id}/_start',
    ['manage_ml', startAction],
    (call) => {
      const given = call.body.present ? call.body.read(startParser) : queryStart(call);
      const start = given.start === undefined ? undefined : startTime(given.start, 'start', call);
      const end = given.end === undefined ? undefined : startTime(given.end, 'end', call);
      if (end !== undefined && end <= (start ?? 0))
        throw validation(`Validation Failed: 1: start [${start ?? 0}] must be earlier than end [${end}];`);
      const timeout = (given.timeout as number | undefined) ?? startTimeout;
      return () => startDatafeed(call, start, end, timeout);
    },
  ),
  route(
    'ml.stop_datafeed',
    'POST',
    '/_ml/datafeeds/{datafeed_id}/_stop',
    ['manage_ml', stopAction],
    (call) => {
      const request = call.body.present ? bodyStop(call) : queryStop(call);
      return async () => {
        const { cluster } = call.context;
        cluster.requireMaster();
        const datafeeds = datafeedsNamed(call, call.parameters.datafeed_id ?? '', request.allowed);
        const stops = datafeeds.map((datafeed) => stopFeed(cluster, datafeed, request));
        const failure = (await call.wait(Promise.all(stops))).find((reason) => reason !== undefined);
        if (failure !== undefined) throw serverError(failure);
        return { body: { stopped: true } };
      };
    },
  ),
  route(
    'ml.delete_datafeed',
    'DELETE',
    '/_ml/datafeeds/{datafeed_id}',
    ['manage_ml', 'cluster:admin/xpack/ml/datafeeds/delete'],
    (call) => {
      const force = call.query.flag('force', false);
      return () => {
        const { cluster } = call.context;
        cluster.requireMaster();
        const datafeed = oneDatafeed(call, call.parameters.datafeed_id ?? '');
        if (datafeed.task && !force)
          throw conflict(
            `Cannot delete datafeed [${datafeed.id}] while its status is ${datafeedStateOf(datafeed)}`,
          );
        if (datafeed.task) endFeed(datafeed, datafeed.task);
        cluster.removeDatafeed(datafeed);
        return { body: { acknowledged: true } };
      };
    },
  ),
];

function queryStart({ query }: Call): Record<string, unknown> {
  return {
    ...(query.has('start') && { start: query.text('start') }),
    ...(query.has('end') && { end: query.text('end') }),
    timeout: query.time('timeout', startTimeout),
  };
}

/** Converts a `start` or an `end` to epoch milliseconds. The value may be a number, a date or `now`. */
function startTime(value: unknown, name: string, { context: { cluster } }: Call): number {
  return value === 'now' ? cluster.clock.now() : dateParameter(textOf(value), name);
}

async function startDatafeed(
  call: Call,
  start: number | undefined,
  end: number | undefined,
  timeout: number,
) {
  const { cluster } = call.context;
  cluster.requireLicense();
  cluster.requireMaster();
  const datafeed = oneDatafeed(call, call.parameters.datafeed_id ?? '');
  const job = cluster.jobs.get(datafeed.jobId);
  const state = job ? stateOf(job) : 'closed';
  if (cluster.upgradeMode) throw tooManyRequests('Cannot start datafeed when upgrade mode is enabled');
  if (!job || (state !== 'opened' && state !== 'opening'))
    throw conflict(`cannot start datafeed [${datafeed.id}] because job [${datafeed.jobId}] is ${state}`);
  if (datafeed.task)
    throw conflict(`cannot start datafeed [${datafeed.id}] because it has already been started`);
  const missing = cluster.missingIndex(datafeed);
  if (missing !== undefined)
    throw badRequest(
      `datafeed [${datafeed.id}] cannot retrieve data because index [${missing}] does not exist`,
    );
  if (cluster.settings.text('cluster.persistent_tasks.allocation.enable') === 'none') {
    const reason = 'no persistent task assignments are allowed due to cluster settings';
    throw tooManyRequests(`Could not start datafeed [${datafeed.id}], allocation explanation [${reason}]`);
  }
  const task = beginFeed(cluster, datafeed, job, { start: start ?? 0, end });
  // the job waits for a node, possibly for a long time, so answer at once
  if (!job.task?.node) return { body: { started: true, node: '' } };
  await call.wait(untilStarted(call, datafeed, task, timeout));
  return { body: { started: true, node: task.node?.id ?? '' } };
}

function untilStarted(
  { context: { cluster } }: Call,
  datafeed: Datafeed,
  task: DatafeedTask,
  ms: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      cancel();
      task.onChange.delete(look);
      if (error) reject(error);
      else resolve();
    };
    const look = () => {
      if (datafeed.task !== task)
        settle(conflict(`Datafeed [${datafeed.id}] has been stopped before it had been started`));
      else if (task.state !== 'starting') settle();
    };
    const reason = `Starting datafeed [${datafeed.id}] timed out after [${printTimeValue(ms)}]`;
    const cancel = cluster.clock.at(cluster.clock.now() + ms, () =>
      settle(cluster.major === 7 ? illegalState(reason) : timedOut(reason)),
    );
    task.onChange.add(look);
    look();
  });
}

interface StopRequest {
  readonly force: boolean;
  readonly timeout: number;
  readonly allowed: boolean;
}

const stopTimeout = 5 * 60_000;

function queryStop(call: Call): StopRequest {
  return {
    timeout: call.query.time('timeout', stopTimeout),
    force: call.query.flag('force', false),
    allowed: allowNoMatch(call, 'datafeeds'),
  };
}

function bodyStop(call: Call): StopRequest {
  const older = takesOldName(call);
  const body = call.body.read(stopParser(older));
  if (body.allow_no_datafeeds !== undefined) warnOldName(call, 'datafeeds');
  return {
    timeout: (body.timeout as number | undefined) ?? stopTimeout,
    force: body.force === true,
    allowed: ((body.allow_no_match ?? body.allow_no_datafeeds) as boolean | undefined) ?? true,
  };
}
