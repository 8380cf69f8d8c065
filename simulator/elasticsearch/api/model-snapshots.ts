/** @module Reading the model snapshots of one job, or of all jobs with `*`. */
import { badRequest, illegalArgument } from '../errors.ts';
import { type Route, route } from '../http/call.ts';
import type { JsonObject } from '../http/object-parser.ts';
import type { Job } from '../state/job.ts';
import { dateParameter } from './date-parameter.ts';
import { oneJob } from './name-parameter.ts';
import { humanized } from './readable-times.ts';

const base = '/_ml/anomaly_detectors/{job_id}/model_snapshots';
/** The most snapshots that the server returns from one search. */
const window = 10_000;

export const modelSnapshotsRoute: Route = route(
  'ml.get_model_snapshots',
  'GET POST',
  [base, `${base}/{snapshot_id}`],
  ['monitor_ml', 'cluster:monitor/xpack/ml/job/model_snapshots/get'],
  (call) => {
    const { query, body } = call;
    const given = (body.present ? body.json() : {}) as JsonObject & {
      page?: { from?: number; size?: number };
      desc?: boolean;
    };
    const date = (name: string) => {
      const text = given[name] ?? query.text(name);
      return text === undefined ? undefined : dateParameter(String(text as string | number), name);
    };
    const from = query.integer('from') ?? given.page?.from ?? 0;
    const size = query.integer('size') ?? given.page?.size ?? 100;
    if (from < 0) throw badRequest(`Parameter [from] cannot be < 0`);
    if (size < 0) throw badRequest(`Parameter [size] cannot be < 0`);
    if (from + size > window)
      throw illegalArgument(
        `Result window is too large, from + size must be less than or equal to: [${window}] but was [${from + size}].`,
      );
    // the server returns the newest snapshot first by default, contrary to the published spec
    const descends = body.present ? given.desc === true : query.flag('desc', true);
    const sort = query.text('sort') ?? 'timestamp';
    if (sort !== 'timestamp') throw badRequest(`sorting by [${sort}] is not simulated`);
    const start = date('start') ?? Number.NEGATIVE_INFINITY;
    const end = date('end') ?? Number.POSITIVE_INFINITY;
    return () => {
      const { cluster } = call.context;
      const named = call.parameters.job_id ?? '';
      const jobs = named === '*' ? [...cluster.jobs.values()] : named === '_all' ? [] : [oneJob(call, named)];
      const wanted = call.parameters.snapshot_id ?? '_all';
      const all = jobs
        .flatMap((job) => snapshotsOf(job).map((snapshot) => ({ ...snapshot, job_id: job.id })))
        .filter(({ snapshot_id }) => wanted === '_all' || wanted === '*' || wanted === snapshot_id)
        .filter(({ timestamp }) => timestamp >= start && timestamp < end)
        .sort((a, b) => (descends ? b.timestamp - a.timestamp : a.timestamp - b.timestamp));
      const page = all.slice(from, from + size);
      return { body: humanized(call, { count: all.length, model_snapshots: page }) };
    };
  },
);

/** The snapshots of the job's generated past, and the snapshots written since the cluster started. */
function snapshotsOf(job: Job): { readonly timestamp: number; readonly snapshot_id: string }[] {
  const past = job.past?.();
  const old = (past?.snapshots ?? []).map(({ snapshotId, timestamp, description, latestRecord, bytes }) => ({
    timestamp,
    description,
    snapshot_id: snapshotId,
    snapshot_doc_count: 1,
    model_size_stats: {
      job_id: job.id,
      result_type: 'model_size_stats',
      model_bytes: bytes,
      log_time: timestamp,
    },
    latest_record_time_stamp: latestRecord,
    retain: false,
  }));
  const own = job.snapshots
    .filter(({ at }) => past === undefined || at > past.now.at)
    .map(({ id, at, latestRecord }) => ({
      timestamp: at,
      description: `State persisted due to job close at ${new Date(at).toISOString()}`,
      snapshot_id: id,
      snapshot_doc_count: 1,
      model_size_stats: {
        job_id: job.id,
        result_type: 'model_size_stats',
        model_bytes: job.modelBytes,
        log_time: at,
      },
      latest_record_time_stamp: latestRecord,
      retain: false,
    }));
  return [...old, ...own];
}
