/** @module Results: a job's finished buckets, which never contain anomalies, and buckets that tests wrote. */
import { badRequest, notFound } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import type { JsonObject } from '../http/object-parser.ts';
import type { Job } from '../state/job.ts';
import { documentsAbout } from '../state/results-index.ts';
import { dateParameter } from './date-parameter.ts';
import { modelSnapshotsRoute } from './model-snapshots.ts';
import { oneJob } from './name-parameter.ts';
import { humanized } from './readable-times.ts';

const read = ['monitor_ml', 'cluster:monitor/xpack/ml/job/results/buckets/get'] as const;
const base = '/_ml/anomaly_detectors/{job_id}';

export const resultsRoutes: readonly Route[] = [
  route(
    'ml.get_buckets',
    'GET POST',
    [`${base}/results/buckets`, `${base}/results/buckets/{timestamp}`],
    read,
    (call) => {
      const given = parameters(call);
      const { timestamp } = call.parameters;
      const only =
        timestamp === undefined || timestamp === '' ? undefined : dateParameter(timestamp, 'timestamp');
      return () => {
        const job = oneJob(call, call.parameters.job_id ?? '');
        const all = buckets(call, job).filter((bucket) => within(bucket, given, only));
        if (only !== undefined && all.length === 0)
          throw notFound(`No known job with id '${job.id}' has a bucket at [${timestamp}]`);
        const page = all.slice(given.from, given.from + given.size);
        return { body: humanized(call, { count: all.length, buckets: page }) };
      };
    },
  ),
  ...(['records', 'influencers', 'categories', 'overall_buckets'] as const).map((kind) =>
    route(`ml.get_${kind}`, 'GET POST', `${base}/results/${kind}`, read, (call) => {
      const given = parameters(call);
      return () => {
        const job = oneJob(call, call.parameters.job_id ?? '');
        const type = kind === 'categories' ? undefined : kind.replace(/s$/, '');
        const found = documentsAbout(call.context.cluster, job.id)
          .map(({ source }) => source)
          .filter((source) =>
            type === undefined ? source.category_id !== undefined : source.result_type === type,
          );
        return { body: { count: found.length, [kind]: found.slice(given.from, given.from + given.size) } };
      };
    }),
  ),
  modelSnapshotsRoute,
  route(
    'ml.delete_expired_data',
    'DELETE',
    ['/_ml/_delete_expired_data', '/_ml/_delete_expired_data/{job_id}'],
    ['manage_ml', 'cluster:admin/xpack/ml/delete_expired_data'],
    (call) => {
      call.query.ignore('requests_per_second', 'timeout');
      return () => ({ body: { deleted: true } });
    },
  ),
];

interface Parameters {
  readonly from: number;
  readonly size: number;
  readonly start: number | undefined;
  readonly end: number | undefined;
}

function parameters({ query, body }: Call): Parameters {
  query.ignore(
    'anomaly_score',
    'desc',
    'exclude_interim',
    'expand',
    'sort',
    'record_score',
    'influencer_score',
  );
  query.ignore('top_n', 'bucket_span', 'overall_score', 'partition_field_value', 'allow_no_match');
  const given = (body.present ? body.json() : {}) as JsonObject & { page?: { from?: number; size?: number } };
  const date = (name: string) => {
    const text = query.text(name) ?? given[name];
    return text === undefined ? undefined : dateParameter(String(text as string | number), name);
  };
  const from = query.integer('from') ?? given.page?.from ?? 0;
  const size = query.integer('size') ?? given.page?.size ?? 100;
  if (from < 0) throw badRequest(`Parameter [from] cannot be < 0`);
  if (size < 0) throw badRequest(`Parameter [size] cannot be < 0`);
  return { from, size, start: date('start'), end: date('end') };
}

interface Bucket {
  readonly timestamp: number;
}

/** The job's final buckets, which contain no anomalies, and the buckets that tests wrote. */
function buckets({ context: { cluster } }: Call, job: Job): Bucket[] {
  cluster.settle(job);
  const { bucketSpan } = job.traits;
  const { earliestRecord, latestRecord } = job.counts;
  const written = documentsAbout(cluster, job.id)
    .map(({ source }) => source)
    .filter((source) => source.result_type === 'bucket')
    .map((source) => ({ ...source, timestamp: Number(source.timestamp) }));
  if (earliestRecord === undefined || latestRecord === undefined) return written;
  const first = Math.floor(earliestRecord / bucketSpan);
  const count = Math.floor(latestRecord / bucketSpan) - first;
  const own = Array.from({ length: count }, (_, index) => ({
    job_id: job.id,
    timestamp: (first + index) * bucketSpan,
    anomaly_score: 0,
    bucket_span: bucketSpan / 1_000,
    initial_anomaly_score: 0,
    event_count: Math.round(job.counts.processed / Math.max(1, count)),
    is_interim: false,
    bucket_influencers: [],
    processing_time_ms: 3,
    result_type: 'bucket',
  }));
  return [...own, ...written].sort((a, b) => a.timestamp - b.timestamp);
}

function within({ timestamp }: Bucket, { start, end }: Parameters, only: number | undefined): boolean {
  if (only !== undefined) return timestamp === only;
  return (start === undefined || timestamp >= start) && (end === undefined || timestamp < end);
}
