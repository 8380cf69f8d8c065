/**
 * @module Updating a job: which fields may change, and which only while the job is closed (docs/elasticsearch.md §3.1).
 */

import { ruleParser } from '../config/detector.ts';
import { ordered } from '../config/field-order.ts';
import { checkGroup } from '../config/ids.ts';
import { checkMemoryLimit, checkRetention, completeModelPlot, traitsOf } from '../config/job-config.ts';
import { analysisLimitsParser, modelPlotParser, perPartitionParser } from '../config/job-parser.ts';
import { badRequest, conflict, illegalArgument } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import { type JsonObject, type ObjectParser, textOf } from '../http/object-parser.ts';
import type { Job, JobConfig } from '../state/job.ts';
import { modelBytesOf } from '../state/results-index.ts';
import { renderJob } from './get-jobs.ts';
import { oneJob } from './name-parameter.ts';
import { checkNames, jobContext } from './put-job.ts';
import { humanized } from './readable-times.ts';

const detectorUpdateParser: ObjectParser = {
  name: 'detector_update',
  fields: { detector_index: 'integer', description: 'string', custom_rules: { list: ruleParser } },
};

const parser: ObjectParser = {
  name: 'job_update',
  fields: {
    job_id: 'string',
    groups: 'strings',
    description: 'stringOrNull',
    detectors: { list: detectorUpdateParser },
    model_plot_config: { nested: modelPlotParser },
    analysis_limits: { nested: analysisLimitsParser },
    background_persist_interval: 'string',
    renormalization_window_days: 'integer',
    results_retention_days: 'integer',
    model_snapshot_retention_days: 'integer',
    daily_model_snapshot_retention_after_days: 'integer',
    categorization_filters: 'strings',
    per_partition_categorization: { nested: perPartitionParser },
    custom_settings: 'object',
    allow_lazy_open: 'boolean',
    model_prune_window: 'string',
  },
};

export const updateJobRoute: Route = route(
  'ml.update_job',
  'POST',
  '/_ml/anomaly_detectors/{job_id}/_update',
  ['manage_ml', 'cluster:admin/xpack/ml/job/update'],
  (call) => {
    const body = call.body.read(parser);
    const groups = body.groups as string[] | undefined;
    for (const group of groups ?? []) checkGroup(group);
    return () => {
      const { cluster } = call.context;
      cluster.requireMaster();
      const job = oneJob(call, call.parameters.job_id ?? '');
      if (groups) checkNames(cluster, job.id, groups, true);
      const config = updated(call, job, body);
      cluster.reconfigure(job, config, traitsOf(config));
      return { body: humanized(call, renderJob(call, job)) };
    };
  },
);

/** Fields whose value an update replaces as a whole. */
const plain = [
  'description',
  'background_persist_interval',
  'renormalization_window_days',
  'results_retention_days',
  'model_snapshot_retention_days',
  'daily_model_snapshot_retention_after_days',
  'custom_settings',
  'allow_lazy_open',
];

function updated(call: Call, job: Job, body: JsonObject): JobConfig {
  const changes: JsonObject = {};
  for (const name of plain) if (body[name] !== undefined && body[name] !== null) changes[name] = body[name];
  if (body.groups !== undefined) changes.groups = [...new Set(body.groups as string[])];
  if (body.model_plot_config)
    changes.model_plot_config = completeModelPlot(body.model_plot_config as JsonObject);
  if (body.analysis_limits)
    changes.analysis_limits = updatedLimits(call, job, body.analysis_limits as JsonObject);
  const analysis = updatedAnalysis(job, body);
  if (analysis) changes.analysis_config = analysis;
  const config: JobConfig = { ...job.config, ...changes };
  checkRetention(
    config.model_snapshot_retention_days as number,
    config.daily_model_snapshot_retention_after_days as number,
    config,
  );
  const { groups, ...without } = config;
  return Array.isArray(groups) && groups.length === 0 ? without : ordered(config);
}

function updatedLimits(call: Call, job: Job, given: JsonObject): JsonObject {
  const limits = job.config.analysis_limits as JsonObject;
  const wanted = given.model_memory_limit as number | undefined;
  const examples = given.categorization_examples_limit as number | undefined;
  if (wanted !== undefined) {
    if (job.task) throw conflict('Cannot update analysis_limits while the job is open');
    checkMemoryLimit(wanted, jobContext(call.context.cluster));
    const used = Math.ceil(modelBytesOf(call.context.cluster, job) / 2 ** 20);
    if (wanted < used)
      throw badRequest(
        `Invalid update value for analysis_limits: model_memory_limit cannot be decreased below current usage; current usage [${used}mb], update had [${wanted}mb]`,
      );
  }
  if (examples !== undefined && examples < 0)
    throw illegalArgument(`categorization_examples_limit cannot be less than 0. Value = ${examples}`);
  return {
    ...limits,
    ...(wanted !== undefined && { model_memory_limit: `${wanted}mb` }),
    ...(examples !== undefined && { categorization_examples_limit: examples }),
  };
}

function updatedAnalysis(job: Job, body: JsonObject): JsonObject | undefined {
  const analysis = job.config.analysis_config as JsonObject;
  const changes: JsonObject = {};
  if (body.detectors) changes.detectors = updatedDetectors(analysis, body.detectors as JsonObject[]);
  if (body.categorization_filters !== undefined) {
    if (analysis.categorization_field_name === undefined)
      throw illegalArgument('categorization_filters require setting categorization_field_name');
    changes.categorization_filters = body.categorization_filters;
  }
  if (body.per_partition_categorization !== undefined) {
    const own = analysis.per_partition_categorization as JsonObject | undefined;
    changes.per_partition_categorization = { ...own, ...(body.per_partition_categorization as JsonObject) };
  }
  if (body.model_prune_window !== undefined) changes.model_prune_window = textOf(body.model_prune_window);
  return Object.keys(changes).length > 0 ? { ...analysis, ...changes } : undefined;
}

function updatedDetectors(analysis: JsonObject, updates: readonly JsonObject[]): JsonObject[] {
  const detectors = [...(analysis.detectors as JsonObject[])];
  for (const update of updates) {
    const index = (update.detector_index as number | undefined) ?? -1;
    const own = detectors[index];
    if (!own)
      throw badRequest(
        `Supplied detector_index [${index}] is >= the number of detectors [${detectors.length}]`,
      );
    const { detector_index: _index, custom_rules: rules, ...rest } = own;
    const newRules = (update.custom_rules ?? rules) as unknown[] | undefined;
    detectors[index] = {
      ...rest,
      ...(update.description !== undefined && { detector_description: update.description }),
      ...(newRules && newRules.length > 0 && { custom_rules: newRules }),
      detector_index: index,
    };
  }
  return detectors;
}
