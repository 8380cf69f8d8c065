/**
 * @module A job's config: the fields of a request, the fields that the server adds, and the traits that the simulator
 * derives from the config.
 */
import { ElasticsearchError, illegalArgument } from '../errors.ts';
import { type JsonObject, textOf } from '../http/object-parser.ts';
import type { JobConfig, JobTraits } from '../state/job.ts';
import { parseByteSize, parseTimeValue } from '../units.ts';
import { analysisFields, completeAnalysis } from './analysis-config.ts';
import { jobDefaults } from './defaults.ts';
import { checkGroup, checkId, idRule } from './ids.ts';

/** Fields that only the server sets. */
const generated = [
  'job_version',
  'create_time',
  'finished_time',
  'model_snapshot_id',
  'model_snapshot_min_version',
];

export interface JobContext {
  readonly now: number;
  readonly version: string;
  /** `xpack.ml.max_model_memory_limit` in bytes; 0 means no limit. */
  readonly maxModelMemory: number;
  readonly maxModelMemoryText: string;
}

/** The full config of a new job, from the output of `jobParser`. @throws 400 with the reasons in docs/elasticsearch.md §3.7 */
export function completeJob(id: string, given: JsonObject, context: JobContext): JobConfig {
  checkId('job_id', id);
  const illegal = generated.filter((field) => given[field] !== undefined && given[field] !== null);
  if (illegal.length > 0)
    throw illegalArgument(
      `The job is configured with fields [${illegal.join(', ')}] that are illegal to set at job creation`,
    );
  if (given.analysis_config === undefined) throw illegalArgument('An analysis_config must be set');
  if (given.data_description === undefined) throw illegalArgument('A data_description must be set');
  const groups = [...new Set((given.groups as string[] | undefined) ?? [])];
  for (const group of groups) checkGroup(group);
  if (groups.includes(id)) throw sameName(id, id);
  const dataDescription = completeDataDescription(given.data_description as JsonObject);
  const analysis = completeAnalysis(given.analysis_config as JsonObject, textOf(dataDescription.time_field));
  const retention =
    (given.model_snapshot_retention_days as number | undefined) ?? jobDefaults.modelSnapshotRetentionDays;
  const daily =
    (given.daily_model_snapshot_retention_after_days as number | undefined) ??
    Math.min(jobDefaults.dailyModelSnapshotRetentionAfterDays, retention);
  checkRetention(retention, daily, given);
  const optional = (name: string) =>
    given[name] === undefined || given[name] === null ? {} : { [name]: given[name] };
  return {
    job_id: id,
    job_type: 'anomaly_detector',
    job_version: context.version,
    ...(groups.length > 0 && { groups }),
    ...optional('description'),
    create_time: context.now,
    analysis_config: analysis,
    analysis_limits: completeLimits(given.analysis_limits as JsonObject | undefined, context),
    data_description: dataDescription,
    ...(given.model_plot_config !== undefined && {
      model_plot_config: completeModelPlot(given.model_plot_config as JsonObject),
    }),
    ...optional('renormalization_window_days'),
    ...optional('background_persist_interval'),
    model_snapshot_retention_days: retention,
    daily_model_snapshot_retention_after_days: daily,
    ...optional('results_retention_days'),
    ...optional('custom_settings'),
    results_index_name: resultsIndex(given.results_index_name as string | undefined),
    allow_lazy_open: given.allow_lazy_open === true,
  };
}

export function sameName(job: string, group: string): ElasticsearchError {
  return new ElasticsearchError(400, {
    type: 'resource_already_exists_exception',
    reason: `job and group names must be unique but job [${job}] and group [${group}] have the same name`,
  });
}

export function completeModelPlot(given: JsonObject): JsonObject {
  const enabled = given.enabled !== false;
  return {
    enabled,
    ...(given.terms !== undefined && { terms: given.terms }),
    annotations_enabled: (given.annotations_enabled as boolean | undefined) ?? enabled,
  };
}

export function checkRetention(retention: number, daily: number, given: JsonObject): void {
  const low = (name: string, value: number, min: number) => {
    if (value < min) throw illegalArgument(`${name} cannot be less than ${min}. Value = ${value}`);
  };
  low('model_snapshot_retention_days', retention, 0);
  low('daily_model_snapshot_retention_after_days', daily, 0);
  if (given.renormalization_window_days !== undefined)
    low('renormalization_window_days', given.renormalization_window_days as number, 0);
  if (given.results_retention_days !== undefined)
    low('results_retention_days', given.results_retention_days as number, 0);
  if (given.background_persist_interval !== undefined) {
    const interval = parseTimeValue(textOf(given.background_persist_interval), 'background_persist_interval');
    if (interval < 3_600_000)
      throw illegalArgument(
        `background_persist_interval cannot be less than 1h. Value = ${textOf(given.background_persist_interval)}`,
      );
  }
  if (daily > retention)
    throw illegalArgument(
      `The value of 'daily_model_snapshot_retention_after_days' [${daily}] cannot be greater than 'model_snapshot_retention_days' [${retention}]`,
    );
}

function resultsIndex(name: string | undefined): string {
  if (name === undefined || name === 'shared') return 'shared';
  if (!/^[a-z0-9][a-z0-9_\-.]*$/.test(name))
    throw illegalArgument(`Invalid results_index_name; '${name}' ${idRule}`);
  return name.startsWith('custom-') ? name : `custom-${name}`;
}

function completeDataDescription(given: JsonObject): JsonObject {
  const format = given.time_format as string | undefined;
  if (format !== undefined && format !== 'epoch' && format !== 'epoch_ms' && !/[yuMd]/.test(format))
    throw illegalArgument(`Invalid Time format string '${format}'`);
  return {
    ...(given.format !== undefined && given.format !== 'xcontent' && { format: given.format }),
    time_field: given.time_field ?? 'time',
    time_format: format ?? 'epoch_ms',
  };
}

function completeLimits(given: JsonObject = {}, context: JobContext): JsonObject {
  const maxMb = Math.floor(context.maxModelMemory / 2 ** 20);
  const wanted = given.model_memory_limit as number | undefined;
  checkMemoryLimit(wanted, context);
  const limit =
    wanted ?? (maxMb > 0 ? Math.min(maxMb, jobDefaults.modelMemoryLimitMb) : jobDefaults.modelMemoryLimitMb);
  const examples = given.categorization_examples_limit as number | undefined;
  if (examples !== undefined && examples < 0)
    throw illegalArgument(`categorization_examples_limit cannot be less than 0. Value = ${examples}`);
  return {
    model_memory_limit: `${limit}mb`,
    categorization_examples_limit: examples ?? jobDefaults.categorizationExamplesLimit,
  };
}

export function checkMemoryLimit(
  mb: number | undefined,
  { maxModelMemory, maxModelMemoryText }: Pick<JobContext, 'maxModelMemory' | 'maxModelMemoryText'>,
): void {
  if (mb === undefined || maxModelMemory <= 0 || mb * 2 ** 20 <= maxModelMemory) return;
  const written = mb % 1024 === 0 ? `${mb / 1024}gb` : `${mb}mb`;
  throw illegalArgument(
    `model_memory_limit [${written}] must be less than the value of the xpack.ml.max_model_memory_limit setting [${maxModelMemoryText}]`,
  );
}

/** The traits that the simulator derives from a complete config. */
export function traitsOf(config: JobConfig): JobTraits {
  const analysis = config.analysis_config as JsonObject;
  const limits = config.analysis_limits as JsonObject | undefined;
  const data = config.data_description as JsonObject | undefined;
  return {
    groups: (config.groups as string[] | undefined) ?? [],
    bucketSpan: parseTimeValue(textOf(analysis.bucket_span ?? '5m'), 'bucket_span'),
    latency: analysis.latency === undefined ? 0 : parseTimeValue(textOf(analysis.latency), 'latency'),
    timeField: textOf(data?.time_field ?? 'time'),
    timeFormat: textOf(data?.time_format ?? 'epoch_ms'),
    analysisFields: analysisFields(analysis),
    memoryLimit: parseByteSize(textOf(limits?.model_memory_limit ?? '1024mb'), 'model_memory_limit'),
    lazy: config.allow_lazy_open === true,
  };
}
