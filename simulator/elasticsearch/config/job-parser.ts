/** @module Parses the body of a request that creates or validates a job. */
import { illegalArgument } from '../errors.ts';
import type { ObjectParser } from '../http/object-parser.ts';
import { parseByteSize } from '../units.ts';
import { detectorParser } from './detector.ts';
import { timeText } from './time-text.ts';

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
    bucket_span: timeText('bucket_span'),
    categorization_field_name: 'string',
    categorization_filters: 'strings',
    categorization_analyzer: 'any',
    per_partition_categorization: { nested: perPartitionParser },
    latency: timeText('latency'),
    summary_count_field_name: 'string',
    detectors: { list: detectorParser },
    influencers: 'strings',
    multivariate_by_fields: 'boolean',
    model_prune_window: timeText('model_prune_window'),
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
      background_persist_interval: timeText('background_persist_interval'),
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

/** A memory limit in megabytes. The value may be a size or a bare number of megabytes. */
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
