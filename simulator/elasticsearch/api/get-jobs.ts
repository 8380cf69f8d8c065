/** @module Reading jobs and their stats (docs/elasticsearch.md §3.1, §3.2). */
import { type Call, type Route, route } from '../http/call.ts';
import { memoryBasisOf } from '../state/assignment.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { renderCounts } from '../state/counts.ts';
import type { Forecast, Job } from '../state/job.ts';
import { stateOf } from '../state/job.ts';
import { bucketTimes, fieldCounts } from '../state/model.ts';
import { requireResults } from '../state/results-index.ts';
import { renderDatafeed } from './get-datafeeds.ts';
import { allowNoMatch, jobsNamed } from './name-parameter.ts';
import { humanized } from './readable-times.ts';

export const getJobsRoutes: readonly Route[] = [
  route(
    'ml.get_jobs',
    'GET',
    ['/_ml/anomaly_detectors', '/_ml/anomaly_detectors/{job_id}'],
    ['monitor_ml', 'cluster:monitor/xpack/ml/job/get'],
    (call) => {
      const allowed = allowNoMatch(call, 'jobs');
      const exclude = call.query.flag('exclude_generated', false);
      return () => {
        const jobs = jobsNamed(call, call.parameters.job_id ?? '_all', allowed, { withDeleting: true });
        return {
          body: humanized(call, {
            count: jobs.length,
            jobs: jobs.map((job) => renderJob(call, job, exclude)),
          }),
        };
      };
    },
  ),
  route(
    'ml.get_job_stats',
    'GET',
    ['/_ml/anomaly_detectors/_stats', '/_ml/anomaly_detectors/{job_id}/_stats'],
    ['monitor_ml', 'cluster:monitor/xpack/ml/job/stats/get'],
    (call) => {
      const allowed = allowNoMatch(call, 'jobs');
      return () => {
        const jobs = jobsNamed(call, call.parameters.job_id ?? '_all', allowed);
        requireResults(call.context.cluster, jobs);
        return {
          body: humanized(call, {
            count: jobs.length,
            jobs: jobs.map((job) => renderJobStats(call.context.cluster, job)),
          }),
        };
      };
    },
  ),
];

const generatedFields = new Set([
  'job_type',
  'job_version',
  'create_time',
  'finished_time',
  'model_snapshot_id',
  'model_snapshot_min_version',
]);

/** A job's config as the API shows it, including its datafeed's config. */
export function renderJob(
  { context: { cluster } }: Pick<Call, 'context'>,
  job: Job,
  excludeGenerated = false,
): object {
  const datafeed = cluster.datafeedOf(job.id);
  const { results_index_name: index, allow_lazy_open: lazy, ...head } = job.config;
  const full = {
    ...head,
    results_index_name: index,
    ...(job.blocked?.reason === 'delete' && { deleting: true }),
    allow_lazy_open: lazy,
    ...(job.blocked && { blocked: { reason: job.blocked.reason, task_id: job.blocked.taskId } }),
    ...(datafeed && { datafeed_config: renderDatafeed(datafeed, excludeGenerated) }),
  };
  if (!excludeGenerated) return full;
  return Object.fromEntries(
    Object.entries(full).filter(
      ([name]) => !generatedFields.has(name) && name !== 'blocked' && name !== 'deleting',
    ),
  );
}

/**
 * A job's stats. Which parts are present depends on its state and on whether its process runs
 * (docs/elasticsearch.md §1.3).
 */
export function renderJobStats(cluster: ClusterState, job: Job): object {
  cluster.settle(job);
  const { task, counts } = job;
  const process = task?.process;
  return {
    job_id: job.id,
    data_counts: renderCounts(job.id, counts, job.traits.analysisFields.length),
    model_size_stats: renderModelSize(cluster, job),
    forecasts_stats: renderForecasts(job.forecasts),
    state: stateOf(job),
    ...(process && { node: process.node.render() }),
    ...(task && { assignment_explanation: cluster.explanationOf(task) }),
    ...(process && { open_time: `${Math.floor((cluster.clock.now() - process.startedAt) / 1_000)}s` }),
    timing_stats: renderTiming(job),
  };
}

function renderModelSize(cluster: ClusterState, job: Job): object {
  const { counts, traits, modelBytes } = job;
  const fields = fieldCounts(job);
  const bucket = counts.latestRecord && Math.floor(counts.latestRecord / traits.bucketSpan) - 1;
  return {
    job_id: job.id,
    result_type: 'model_size_stats',
    model_bytes: modelBytes,
    ...(modelBytes > 0 && {
      peak_model_bytes: job.peakModelBytes,
      model_bytes_exceeded: job.bytesExceeded,
      model_bytes_memory_limit: traits.memoryLimit,
    }),
    ...(modelBytes > 0 && cluster.major >= 8 && { output_memory_allocator_bytes: 0 }),
    total_by_field_count: fields.by,
    total_over_field_count: fields.over,
    total_partition_field_count: fields.partition,
    bucket_allocation_failures_count: 0,
    memory_status: job.memoryStatus,
    ...(modelBytes > 0 && { assignment_memory_basis: memoryBasisOf(job) }),
    categorized_doc_count: 0,
    total_category_count: 0,
    frequent_category_count: 0,
    rare_category_count: 0,
    dead_category_count: 0,
    failed_category_count: 0,
    categorization_status: 'ok',
    log_time: job.modelLogTime ?? cluster.clock.now(),
    ...(bucket !== undefined && { timestamp: bucket * traits.bucketSpan }),
  };
}

function renderForecasts(forecasts: readonly Forecast[]): object {
  if (forecasts.length === 0) return { total: 0, forecasted_jobs: 0 };
  const spread = (values: readonly number[]) => ({
    total: values.reduce((sum, value) => sum + value, 0),
    min: Math.min(...values),
    avg: values.reduce((sum, value) => sum + value, 0) / values.length,
    max: Math.max(...values),
  });
  const status: Record<string, number> = {};
  for (const { state } of forecasts) status[state] = (status[state] ?? 0) + 1;
  return {
    total: forecasts.length,
    forecasted_jobs: 1,
    memory_bytes: spread(forecasts.map((forecast) => forecast.memoryBytes)),
    records: spread(forecasts.map((forecast) => forecast.records)),
    processing_time_ms: spread(forecasts.map((forecast) => forecast.processingMs)),
    status,
  };
}

export interface TimingStats {
  readonly job_id: string;
  readonly bucket_count: number;
  readonly total_bucket_processing_time_ms: number;
  readonly minimum_bucket_processing_time_ms?: number;
  readonly maximum_bucket_processing_time_ms?: number;
  readonly average_bucket_processing_time_ms?: number;
  readonly exponential_average_bucket_processing_time_ms?: number;
  readonly exponential_average_bucket_processing_time_per_hour_ms: number;
}

export function renderTiming(job: Job): TimingStats {
  const times = bucketTimes(job);
  const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;
  return {
    job_id: job.id,
    bucket_count: job.counts.buckets,
    total_bucket_processing_time_ms: rounded(times?.total ?? 0),
    ...(times && {
      minimum_bucket_processing_time_ms: times.min,
      maximum_bucket_processing_time_ms: times.max,
      average_bucket_processing_time_ms: rounded(times.average),
      exponential_average_bucket_processing_time_ms: rounded(times.average),
    }),
    exponential_average_bucket_processing_time_per_hour_ms: rounded(times?.averagePerHour ?? 0),
  };
}
