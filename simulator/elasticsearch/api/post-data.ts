/** @module Accepts records posted to an open job (docs/elasticsearch.md §3.10). */
import { conflict, illegalArgument } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import type { DataCounts } from '../state/counts.ts';
import { noCounts, renderCounts, takeArrival } from '../state/counts.ts';
import type { Job } from '../state/job.ts';
import { growModel } from '../state/model.ts';
import { parseRecords, recordTime } from '../state/records.ts';
import { dateParameter } from './date-parameter.ts';
import { oneJob } from './name-parameter.ts';

export const postDataRoute: Route = route(
  'ml.post_data',
  'POST',
  '/_ml/anomaly_detectors/{job_id}/_data',
  ['manage_ml', 'cluster:admin/xpack/ml/job/data/post'],
  (call) => {
    const reset = { start: call.query.text('reset_start'), end: call.query.text('reset_end') };
    call.warn(
      'Posting data directly to anomaly detection jobs is deprecated, in a future major version it will be compulsory to use a datafeed',
    );
    return () => {
      const job = oneJob(call, call.parameters.job_id ?? '');
      checkReset(reset);
      checkProcess(call, job, 'Cannot process data');
      const upload = takeRecords(call.context.cluster, job, call.body.text);
      return { status: 202, body: renderCounts(job.id, upload, job.traits.analysisFields.length) };
    };
  },
);

/** Posting data, flushing and forecasting need a running process. @throws 409 if there is none */
export function checkProcess({ context: { cluster } }: Pick<Call, 'context'>, job: Job, doing: string): void {
  cluster.settle(job);
  const { task } = job;
  if (!task?.node) throw conflict(`Cannot perform requested action because job [${job.id}] is not open`);
  if (!task.process || task.state !== 'opened')
    throw conflict(`${doing} because job [${job.id}] does not have a corresponding autodetect process`);
}

function checkReset({ start, end }: { start: string | undefined; end: string | undefined }): void {
  if (start === undefined && end === undefined) return;
  if (start === undefined || start === '')
    throw illegalArgument("Invalid reset range parameters: 'reset_start' has not been specified.");
  const from = dateParameter(start, 'reset_start');
  if (end === undefined || end === '') return;
  if (dateParameter(end, 'reset_end') <= from)
    throw illegalArgument(`Invalid time range: end time '${end}' is earlier than start time '${start}'.`);
}

/** Adds an upload to a job's counts. Returns the counts of this upload alone. */
export function takeRecords(cluster: ClusterState, job: Job, text: string): DataCounts {
  const now = cluster.clock.now();
  const upload = noCounts();
  const { timeField, analysisFields, bucketSpan, latency } = job.traits;
  upload.inputBytes = Buffer.byteLength(text);
  job.counts.inputBytes += upload.inputBytes;
  for (const record of parseRecords(text)) {
    const fields = Math.max(0, Object.keys(record).length - (timeField in record ? 1 : 0));
    for (const counts of [upload, job.counts]) {
      counts.inputFields += fields;
      counts.input += 1;
    }
    const time = recordTime(record[timeField], job.traits.timeFormat);
    if (time === undefined) {
      upload.invalidDates += 1;
      job.counts.invalidDates += 1;
      continue;
    }
    const latest = Math.max(job.counts.latestRecord ?? 0, job.advancedTo ?? 0);
    const oldest = Math.floor((latest - latency) / bucketSpan) * bucketSpan;
    if (time < oldest) {
      upload.outOfOrder += 1;
      job.counts.outOfOrder += 1;
      continue;
    }
    const missing = analysisFields.filter(
      (field) => record[field] === undefined || record[field] === '',
    ).length;
    // The job's counts before this record. How much the record increases them is added to the upload's counts.
    const before = { buckets: job.counts.buckets, empty: job.counts.emptyBuckets };
    takeArrival(job.counts, { records: 1, bytes: 0, fields: 0, first: time, last: time }, bucketSpan, now);
    job.counts.input -= 1;
    job.counts.missingFields += missing;
    upload.processed += 1;
    upload.missingFields += missing;
    upload.buckets += job.counts.buckets - before.buckets;
    upload.emptyBuckets += job.counts.emptyBuckets - before.empty;
    upload.earliestRecord = Math.min(upload.earliestRecord ?? time, time);
    upload.latestRecord = Math.max(upload.latestRecord ?? time, time);
  }
  // `last_data_time` advances even if every record is refused
  job.counts.lastData = now;
  job.counts.logTime = now;
  upload.lastData = now;
  growModel(job, now);
  return upload;
}
