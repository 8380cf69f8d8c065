/** @module `_cat/ml/anomaly_detectors`: job stats as a table (docs/elasticsearch.md §3.13). */
import { type Route, route } from '../http/call.ts';
import { type Column, table } from '../http/cat-table.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import type { Forecast, Job } from '../state/job.ts';
import { stateOf } from '../state/job.ts';
import { fieldCounts } from '../state/model.ts';
import { renderTiming } from './get-jobs.ts';
import { allowNoMatch, jobsNamed } from './name-parameter.ts';

type Kind = NonNullable<Column<Job>['kind']>;

export const catJobsRoute: Route = route(
  'cat.ml_jobs',
  'GET',
  ['/_cat/ml/anomaly_detectors', '/_cat/ml/anomaly_detectors/{job_id}'],
  ['monitor_ml', 'cluster:monitor/xpack/ml/job/stats/get'],
  (call) => {
    const { cluster } = call.context;
    const allowed = allowNoMatch(call, 'jobs');
    const render = table(call, columnsOf(cluster));
    return () => {
      const jobs = jobsNamed(call, call.parameters.job_id ?? '_all', allowed);
      for (const job of jobs) cluster.settle(job);
      return render(jobs);
    };
  },
);

const column = (
  name: string,
  aliases: string,
  description: string,
  kind: Kind,
  value: Column<Job>['value'],
  shown = false,
): Column<Job> => ({ name, aliases: aliases.split(','), description, kind, value, shown });

const counted = (
  name: string,
  aliases: string,
  description: string,
  value: (job: Job) => number,
  shown = false,
) => column(name, aliases, description, 'number', value, shown);

const date = (name: string, aliases: string, description: string, value: (job: Job) => number | undefined) =>
  column(name, aliases, description, 'text', (job) => isoDate(value(job)));

const isoDate = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());
const process = (job: Job) => job.task?.process;

function columnsOf(cluster: ClusterState): Column<Job>[] {
  return [
    ...identityColumns(cluster),
    ...dataColumns,
    ...modelColumns,
    ...forecastColumns(),
    ...nodeColumns,
    ...bucketColumns,
  ];
}

function identityColumns(cluster: ClusterState): Column<Job>[] {
  return [
    column('id', 'id', 'the job_id', 'text', (job) => job.id, true),
    column('state', 's', 'the job state', 'text', stateOf, true),
    column('opened_time', 'ot', 'the amount of time the job has been opened', 'text', (job) => {
      const started = process(job)?.startedAt;
      return started === undefined ? undefined : `${Math.floor((cluster.clock.now() - started) / 1_000)}s`;
    }),
    column('assignment_explanation', 'ae', 'why the job is or is not assigned to a node', 'text', (job) =>
      job.task ? cluster.explanationOf(job.task) : undefined,
    ),
  ];
}

const dataColumns: readonly Column<Job>[] = [
  counted(
    'data.processed_records',
    'dpr,dataProcessedRecords',
    'number of processed records',
    (job) => job.counts.processed,
    true,
  ),
  counted('data.processed_fields', 'dpf,dataProcessedFields', 'number of processed fields', (job) =>
    Math.max(0, job.counts.processed * job.traits.analysisFields.length - job.counts.missingFields),
  ),
  column(
    'data.input_bytes',
    'dib,dataInputBytes',
    'total input bytes',
    'bytes',
    (job) => job.counts.inputBytes,
  ),
  counted('data.input_records', 'dir,dataInputRecords', 'total record count', (job) => job.counts.input),
  counted('data.input_fields', 'dif,dataInputFields', 'total field count', (job) => job.counts.inputFields),
  counted(
    'data.invalid_dates',
    'did,dataInvalidDates',
    'number of records with invalid dates',
    (job) => job.counts.invalidDates,
  ),
  counted(
    'data.missing_fields',
    'dmf,dataMissingFields',
    'number of records with missing fields',
    (job) => job.counts.missingFields,
  ),
  counted(
    'data.out_of_order_timestamps',
    'doot,dataOutOfOrderTimestamps',
    'number of records handled out of order',
    (job) => job.counts.outOfOrder,
  ),
  counted(
    'data.empty_buckets',
    'deb,dataEmptyBuckets',
    'number of empty buckets',
    (job) => job.counts.emptyBuckets,
  ),
  counted(
    'data.sparse_buckets',
    'dsb,dataSparseBuckets',
    'number of sparse buckets',
    (job) => job.counts.sparseBuckets,
  ),
  counted('data.buckets', 'db,dataBuckets', 'total bucket count', (job) => job.counts.buckets),
  date(
    'data.earliest_record',
    'der,dataEarliestRecord',
    'earliest record time',
    (job) => job.counts.earliestRecord,
  ),
  date('data.latest_record', 'dlr,dataLatestRecord', 'latest record time', (job) => job.counts.latestRecord),
  date('data.last', 'dl,dataLast', 'last time data was seen', (job) => job.counts.lastData),
  date(
    'data.last_empty_bucket',
    'dleb,dataLastEmptyBucket',
    'last time an empty bucket occurred',
    (job) => job.counts.latestEmptyBucket,
  ),
  date(
    'data.last_sparse_bucket',
    'dlsb,dataLastSparseBucket',
    'last time a sparse bucket occurred',
    (job) => job.counts.latestSparseBucket,
  ),
];

const modelColumns: readonly Column<Job>[] = [
  column('model.bytes', 'mb,modelBytes', 'model size', 'bytes', (job) => job.modelBytes, true),
  column(
    'model.memory_status',
    'mms,modelMemoryStatus',
    'current memory status',
    'text',
    (job) => job.memoryStatus,
    true,
  ),
  column(
    'model.bytes_exceeded',
    'mbe,modelBytesExceeded',
    'how much the model has exceeded the limit',
    'bytes',
    (job) => job.bytesExceeded,
  ),
  column(
    'model.memory_limit',
    'mml,modelMemoryLimit',
    'model memory limit',
    'bytes',
    (job) => job.traits.memoryLimit,
  ),
  counted('model.by_fields', 'mbf,modelByFields', "count of 'by' fields", (job) => fieldCounts(job).by),
  counted(
    'model.over_fields',
    'mof,modelOverFields',
    "count of 'over' fields",
    (job) => fieldCounts(job).over,
  ),
  counted(
    'model.partition_fields',
    'mpf,modelPartitionFields',
    "count of 'partition' fields",
    (job) => fieldCounts(job).partition,
  ),
  counted(
    'model.bucket_allocation_failures',
    'mbaf,modelBucketAllocationFailures',
    'number of bucket allocation failures',
    () => 0,
  ),
  column(
    'model.categorization_status',
    'mcs,modelCategorizationStatus',
    'current categorization status',
    'text',
    () => 'ok',
  ),
  ...[
    ['model.categorized_doc_count', 'mcdc,modelCategorizedDocCount', 'count of categorized documents'],
    ['model.total_category_count', 'mtcc,modelTotalCategoryCount', 'count of categories'],
    ['model.frequent_category_count', 'mfcc,modelFrequentCategoryCount', 'count of frequent categories'],
    ['model.rare_category_count', 'mrcc,modelRareCategoryCount', 'count of rare categories'],
    ['model.dead_category_count', 'mdcc,modelDeadCategoryCount', 'count of dead categories'],
    ['model.failed_category_count', 'mfcc,modelFailedCategoryCount', 'count of failed categories'],
  ].map(([name = '', aliases = '', description = '']) => counted(name, aliases, description, () => 0)),
  date('model.log_time', 'mlt,modelLogTime', 'when the model stats were gathered', (job) => job.modelLogTime),
  date(
    'model.timestamp',
    'mt,modelTimestamp',
    'the time of the last record when the model stats were gathered',
    (job) => job.counts.latestRecord,
  ),
];

const nodeColumns: readonly Column<Job>[] = [
  column('node.id', 'ni,nodeId', 'id of the assigned node', 'text', (job) => process(job)?.node.id),
  column('node.name', 'nn,nodeName', 'name of the assigned node', 'text', (job) => process(job)?.node.name),
  column(
    'node.ephemeral_id',
    'ne,nodeEphemeralId',
    'ephemeral id of the assigned node',
    'text',
    (job) => process(job)?.node.ephemeralId,
  ),
  column(
    'node.address',
    'na,nodeAddress',
    'network address of the assigned node',
    'text',
    (job) => process(job)?.node.transportAddress,
  ),
];

const bucketColumns: readonly Column<Job>[] = [
  counted('buckets.count', 'bc,bucketsCount', 'bucket count', (job) => job.counts.buckets, true),
  ...(
    [
      [
        'buckets.time.total',
        'btt,bucketsTimeTotal',
        'total bucket processing time',
        'total_bucket_processing_time_ms',
      ],
      [
        'buckets.time.min',
        'btmin,bucketsTimeMin',
        'minimum bucket processing time',
        'minimum_bucket_processing_time_ms',
      ],
      [
        'buckets.time.max',
        'btmax,bucketsTimeMax',
        'maximum bucket processing time',
        'maximum_bucket_processing_time_ms',
      ],
      [
        'buckets.time.exp_avg',
        'btea,bucketsTimeExpAvg',
        'exponential average bucket processing time (milliseconds)',
        'exponential_average_bucket_processing_time_ms',
      ],
      [
        'buckets.time.exp_avg_hour',
        'bteah,bucketsTimeExpAvgHour',
        'exponential average bucket processing time by hour (milliseconds)',
        'exponential_average_bucket_processing_time_per_hour_ms',
      ],
    ] as const
  ).map(([name, aliases, description, field]) =>
    column(
      name,
      aliases,
      description,
      name.includes('exp_avg') ? 'number' : 'milliseconds',
      (job) => renderTiming(job)[field],
    ),
  ),
];

function forecastColumns(): Column<Job>[] {
  const parts = [
    ['memory', 'fm', 'memory used by forecasts', 'bytes', (forecast: Forecast) => forecast.memoryBytes],
    ['records', 'fr', 'number of forecast records', 'number', (forecast: Forecast) => forecast.records],
    ['time', 'ft', 'forecast runtime', 'milliseconds', (forecast: Forecast) => forecast.processingMs],
  ] as const;
  const sums = [
    ['min', 'minimum', (values: number[]) => Math.min(...values)],
    ['max', 'maximum', (values: number[]) => Math.max(...values)],
    ['avg', 'average', (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length],
    ['total', 'total', (values: number[]) => values.reduce((sum, value) => sum + value, 0)],
  ] as const;
  return [
    {
      ...counted(
        'forecasts.total',
        'ft,forecastsTotal',
        'total number of forecasts',
        (job) => job.forecasts.length,
      ),
      shown: true,
    },
    ...parts.flatMap(([part, alias, description, kind, read]) =>
      sums.map(([sum, adjective, reduce]) =>
        column(
          `forecasts.${part}.${sum}`,
          `${alias}${sum === 'avg' ? 'a' : sum}`,
          `${adjective} ${description}`,
          kind,
          (job) => (job.forecasts.length > 0 ? reduce(job.forecasts.map(read)) : undefined),
        ),
      ),
    ),
  ];
}
