/** @module Flushing a job, which calculates interim results for the current bucket (docs/elasticsearch.md §3.10). */
import { illegalArgument } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import { type ObjectParser, textOf } from '../http/object-parser.ts';
import type { Job } from '../state/job.ts';
import { dateParameter } from './date-parameter.ts';
import { oneJob } from './name-parameter.ts';
import { checkProcess } from './post-data.ts';
import { humanized } from './readable-times.ts';

const action = 'cluster:admin/xpack/ml/job/flush';

const parser: ObjectParser = {
  name: action,
  fields: {
    job_id: 'string',
    calc_interim: 'boolean',
    start: 'string',
    end: 'string',
    advance_time: 'string',
    skip_time: 'string',
    refresh_required: 'boolean',
  },
};

const dates = ['start', 'end', 'advance_time', 'skip_time'] as const;
type Dates = Partial<Record<(typeof dates)[number], number>>;

export const flushJobRoute: Route = route(
  'ml.flush_job',
  'POST',
  '/_ml/anomaly_detectors/{job_id}/_flush',
  ['manage_ml', action],
  (call) => {
    const { interim, given } = read(call);
    const times: Dates = {};
    for (const name of dates) if (given[name] !== undefined) times[name] = dateParameter(given[name], name);
    return () => {
      checkRange(interim, given, times);
      const job = oneJob(call, call.parameters.job_id ?? '');
      checkProcess(call, job, 'Cannot flush');
      return {
        body: humanized(call, { flushed: true, last_finalized_bucket_end: finalizedUntil(job, times) }),
      };
    };
  },
);

type Given = Partial<Record<(typeof dates)[number], string>>;

function read(call: Call): { interim: boolean; given: Given } {
  const given: Given = {};
  if (call.body.present) {
    const body = call.body.read(parser);
    for (const name of dates) if (body[name] !== undefined) given[name] = textOf(body[name]);
    return { interim: body.calc_interim === true, given };
  }
  const interim = call.query.flag('calc_interim', false);
  for (const name of dates) {
    const value = call.query.text(name);
    if (value !== undefined) given[name] = value;
  }
  return { interim, given };
}

function checkRange(interim: boolean, given: Given, times: Dates): void {
  if (!interim) {
    const unexpected = given.start !== undefined ? 'start' : given.end !== undefined ? 'end' : undefined;
    if (unexpected) throw illegalArgument(`Invalid flush parameters: unexpected '${unexpected}'.`);
    return;
  }
  if (times.start === undefined && times.end !== undefined)
    throw illegalArgument("Invalid flush parameters: 'start' has not been specified.");
  if (times.start !== undefined && times.end !== undefined && times.end <= times.start)
    throw illegalArgument(
      `Invalid time range: end time '${given.end}' is earlier than start time '${given.start}'.`,
    );
}

/** Moves the job's time to `advance_time` or `skip_time`, if later. Returns the time before which buckets are final. */
function finalizedUntil(job: Job, times: Dates): number {
  const { bucketSpan, latency } = job.traits;
  const moved = Math.max(times.advance_time ?? 0, times.skip_time ?? 0);
  job.advancedTo = Math.max(job.advancedTo ?? 0, moved);
  const latest = Math.max((job.counts.latestRecord ?? 0) - latency, job.advancedTo);
  return Math.max(0, Math.floor(latest / bucketSpan) * bucketSpan);
}
