/** @module A job's config: what a put may say, what the server adds, and the traits that the simulator works with. */
import { ElasticsearchError, illegalArgument } from '../errors.ts';
import { type JsonObject, type ObjectParser, textOf } from '../http/object-parser.ts';
import type { JobConfig, JobTraits } from '../state/job.ts';
import { parseByteSize, parseTimeValue } from '../units.ts';
import { categorizationAnalyzer, jobDefaults } from './defaults.ts';
import { completeDetector, detectorParser } from './detector.ts';
import { checkGroup, checkId } from './ids.ts';

const time = (name: string) => ({
  kind: 'string' as const,
  check: (value: string) => {
    parseTimeValue(value, name);
    return value;
  },
});

export const analysisLimitsParser: ObjectParser = {
  name: 'analysis_limits',
  fields: {
    model_memory_limit: { kind: 'any', check: memoryLimitInMb },
    categorization_examples_limit: 'integer',
  },
};

export const perPartitionParser: ObjectParser = {
  name: 'per_partition_categorization',
  fields: { enabled: 'boolean', stop_on_warn: 'boolean' },
};

export const modelPlotParser: ObjectParser = {
  name: 'model_plot_config',
  fields: { enabled: 'boolean', terms: 'string', annotations_enabled: 'boolean' },
};

const analysisConfigParser: ObjectParser = {
  name: 'analysis_config',
  fields: {
    bucket_span: time('bucket_span'),
    categorization_field_name: 'string',
    categorization_filters: 'strings',
    categorization_analyzer: 'any',
    per_partition_categorization: { nested: perPartitionParser },
    latency: time('latency'),
    summary_count_field_name: 'string',
    detectors: { list: detectorParser },
    influencers: 'strings',
    multivariate_by_fields: 'boolean',
    model_prune_window: time('model_prune_window'),
  },
};

const dataDescriptionParser: ObjectParser = {
  name: 'data_description',
  fields: {
    format: 'string',
    time_field: 'string',
    time_format: 'string',
    field_delimiter: 'any',
    quote_character: 'any',
  },
};

/** Fields that only the server sets. */
const generated = [
  'job_version',
  'create_time',
  'finished_time',
  'model_snapshot_id',
  'model_snapshot_min_version',
];

export function jobParser(datafeed: ObjectParser): ObjectParser {
  return {
    name: 'job_details',
    fields: {
      job_id: 'string',
      job_type: 'string',
      job_version: 'stringOrNull',
      groups: 'strings',
      description: 'stringOrNull',
      create_time: 'any',
      finished_time: 'any',
      analysis_config: { nested: analysisConfigParser },
      analysis_limits: { nested: analysisLimitsParser },
      data_description: { nested: dataDescriptionParser },
      model_plot_config: { nested: modelPlotParser },
      renormalization_window_days: 'integer',
      background_persist_interval: time('background_persist_interval'),
      model_snapshot_retention_days: 'integer',
      daily_model_snapshot_retention_after_days: 'integer',
      results_retention_days: 'integer',
      custom_settings: 'object',
      model_snapshot_id: 'stringOrNull',
      model_snapshot_min_version: 'stringOrNull',
      results_index_name: 'string',
      deleting: 'boolean',
      allow_lazy_open: 'boolean',
      blocked: 'object',
      datafeed_config: { nested: datafeed },
    },
  };
}

/** Megabytes of a memory limit, which may be a size or a bare number of megabytes. */
function memoryLimitInMb(value: unknown): number {
  const mb =
    typeof value === 'number'
      ? value
      : /^\d+$/.test(String(value))
        ? Number(value)
        : Math.floor(parseByteSize(String(value), 'model_memory_limit') / 2 ** 20);
  if (mb < 1) throw illegalArgument(`model_memory_limit must be at least 1 MiB. Value = ${mb}`);
  return mb;
}

export interface JobContext {
  readonly now: number;
  readonly version: string;
  /** Bytes; 0 for none. */
  readonly maxModelMemory: number;
  readonly maxModelMemoryText: string;
}

/** The full config of a new job, from what `jobParser` read. @throws 400 with the reasons of ML APIs §3.7. */
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
    analysis_limits: completeLimits(given.analysis_limits as JsonObject | undefined, analysis, context),
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
  const low = (name: string, value: number, least: number) => {
    if (value < least) throw illegalArgument(`${name} cannot be less than ${least}. Value = ${value}`);
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
    throw illegalArgument(
      `Invalid results_index_name; '${name}' ${'can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric'}`,
    );
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

function completeAnalysis(given: JsonObject, timeField: string): JsonObject {
  const detectors = ((given.detectors as JsonObject[] | undefined) ?? []).map(completeDetector);
  if (detectors.length === 0) throw illegalArgument('No detectors configured');
  const seen = new Set<string>();
  for (const { detector_index: _index, detector_description: description, ...rest } of detectors) {
    const key = JSON.stringify(rest);
    if (seen.has(key)) throw illegalArgument(`Duplicate detectors are not allowed: [${textOf(description)}]`);
    seen.add(key);
  }
  const bucketSpan = (given.bucket_span as string | undefined) ?? jobDefaults.bucketSpan;
  const span = parseTimeValue(bucketSpan, 'bucket_span');
  if (span <= 0) throw illegalArgument(`bucket_span cannot be less or equal than 0. Value = ${bucketSpan}`);
  if (span % 1_000 !== 0)
    throw illegalArgument(`bucket_span has to be a multiple of 1s; actual was '${bucketSpan}'`);
  const category = given.categorization_field_name as string | undefined;
  const filters = given.categorization_filters as string[] | undefined;
  checkCategorization(detectors, category, filters, given.categorization_analyzer);
  const influencers = (given.influencers as string[] | undefined) ?? [];
  const analysis: JsonObject = {
    bucket_span: bucketSpan,
    ...(category !== undefined && { categorization_field_name: category }),
    ...(filters !== undefined && { categorization_filters: filters }),
    ...(category !== undefined && {
      categorization_analyzer: given.categorization_analyzer ?? categorizationAnalyzer,
      per_partition_categorization: { enabled: false, ...(given.per_partition_categorization as object) },
    }),
    ...(given.latency !== undefined && { latency: given.latency }),
    ...(given.summary_count_field_name !== undefined && {
      summary_count_field_name: given.summary_count_field_name,
    }),
    detectors,
    influencers,
    ...(given.multivariate_by_fields !== undefined && {
      multivariate_by_fields: given.multivariate_by_fields,
    }),
    model_prune_window: given.model_prune_window ?? pruneWindow(span),
  };
  if (analysisFields(analysis).includes(timeField))
    throw illegalArgument('data_description.time_field may not be used in the analysis_config');
  return analysis;
}

/** 30 days or 20 buckets, whichever is longer. */
function pruneWindow(bucketSpan: number): string {
  const days = Math.ceil(Math.max(30 * 86_400_000, 20 * bucketSpan) / 86_400_000);
  return `${days}d`;
}

function checkCategorization(
  detectors: readonly JsonObject[],
  category: string | undefined,
  filters: readonly string[] | undefined,
  analyzer: unknown,
): void {
  const uses = detectors.some((detector) =>
    ['by_field_name', 'over_field_name', 'partition_field_name'].some(
      (name) => detector[name] === 'mlcategory',
    ),
  );
  if (category !== undefined && !uses)
    throw illegalArgument(
      'categorization_field_name is set but mlcategory is not used in any detector by/over/partition field',
    );
  if (category === undefined && uses)
    throw illegalArgument('categorization_field_name must be set for detectors that reference mlcategory');
  if (category === undefined && filters !== undefined)
    throw illegalArgument('categorization_filters require setting categorization_field_name');
  if (category === undefined && analyzer !== undefined)
    throw illegalArgument('categorization_analyzer requires setting categorization_field_name');
  if (filters === undefined) return;
  if (analyzer !== undefined)
    throw illegalArgument(
      'categorization_filters cannot be used with categorization_analyzer - instead specify them as pattern_replace char_filters in the analyzer',
    );
  if (new Set(filters).size !== filters.length)
    throw illegalArgument('categorization_filters contain duplicates');
  if (filters.includes(''))
    throw illegalArgument('categorization_filters are not allowed to contain empty strings');
}

function completeLimits(given: JsonObject = {}, analysis: JsonObject, context: JobContext): JsonObject {
  const maxMb = Math.floor(context.maxModelMemory / 2 ** 20);
  const wanted = given.model_memory_limit as number | undefined;
  checkMemoryLimit(wanted, context);
  const limit =
    wanted ?? (maxMb > 0 ? Math.min(maxMb, jobDefaults.modelMemoryLimitMb) : jobDefaults.modelMemoryLimitMb);
  const examples = given.categorization_examples_limit as number | undefined;
  if (examples !== undefined && examples < 0)
    throw illegalArgument(`categorization_examples_limit cannot be less than 0. Value = ${examples}`);
  void analysis;
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

/** Fields of a record that the analysis reads, the time field aside. */
export function analysisFields(analysis: JsonObject): string[] {
  const fields = new Set<string>();
  for (const detector of analysis.detectors as JsonObject[])
    for (const name of ['field_name', 'by_field_name', 'over_field_name', 'partition_field_name'])
      if (typeof detector[name] === 'string') fields.add(detector[name]);
  for (const name of ['categorization_field_name', 'summary_count_field_name'])
    if (typeof analysis[name] === 'string') fields.add(analysis[name]);
  for (const influencer of (analysis.influencers as string[] | undefined) ?? []) fields.add(influencer);
  fields.delete('mlcategory');
  return [...fields].sort();
}

/** What the simulator reads from a complete config. */
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
