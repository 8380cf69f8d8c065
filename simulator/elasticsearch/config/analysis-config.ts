/** @module The analysis of a job: detectors, buckets, categorization, and the combinations that the server refuses. */
import { illegalArgument } from '../errors.ts';
import { type JsonObject, textOf } from '../http/object-parser.ts';
import { parseTimeValue } from '../units.ts';
import { categorizationAnalyzer, jobDefaults } from './defaults.ts';
import { completeDetector } from './detector.ts';

/** The complete `analysis_config` of a new job. @throws 400 if the server would refuse the config */
export function completeAnalysis(given: JsonObject, timeField: string): JsonObject {
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

/** The default `model_prune_window`: 30 days or 20 buckets, whichever is longer. */
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

/** The record fields that the analysis reads, without the time field. */
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
