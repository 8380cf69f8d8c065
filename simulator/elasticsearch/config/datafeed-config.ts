/** @module Datafeed configs: the fields of a request, the fields that the server adds, and how datafeeds search. */
import { ElasticsearchError, illegalArgument } from '../errors.ts';
import { type JsonObject, type ObjectParser, textOf } from '../http/object-parser.ts';
import type { DatafeedConfig, DatafeedTraits } from '../state/datafeed.ts';
import { parseTimeValue } from '../units.ts';
import { datafeedDefaults } from './defaults.ts';
import { checkId } from './ids.ts';
import { timeText } from './time-text.ts';

const chunkingParser: ObjectParser = {
  name: 'chunking_config',
  fields: { mode: { kind: 'string', check: chunkingMode }, time_span: timeText('time_span') },
};

const delayedDataParser: ObjectParser = {
  name: 'delayed_data_check_config',
  fields: { enabled: 'boolean', check_window: timeText('check_window') },
};

export const datafeedParser: ObjectParser = {
  name: 'datafeed_config',
  fields: {
    datafeed_id: 'string',
    id: 'string',
    job_id: 'string',
    create_time: 'any',
    indices: 'strings',
    indexes: 'strings',
    query_delay: timeText('query_delay'),
    frequency: timeText('frequency'),
    query: { kind: 'object', check: knownQuery },
    aggregations: 'object',
    aggs: 'object',
    script_fields: 'object',
    scroll_size: 'integer',
    chunking_config: { nested: chunkingParser },
    delayed_data_check_config: { nested: delayedDataParser },
    max_empty_searches: 'integer',
    indices_options: 'object',
    runtime_mappings: 'object',
  },
};

const queries = [
  'match_all match_none match match_phrase match_phrase_prefix match_bool_prefix multi_match query_string term terms',
  'simple_query_string terms_set range exists prefix wildcard regexp fuzzy ids bool boosting constant_score dis_max',
  'function_score nested has_child has_parent parent_id geo_shape geo_bounding_box geo_distance script script_score',
  'more_like_this percolate rank_feature distance_feature pinned wrapper intervals span_term span_near knn type',
].flatMap((names) => names.split(' '));

/** Parses the query when the datafeed is created, as the server does. @throws 400 if the query is invalid */
function knownQuery(query: JsonObject): JsonObject {
  const unknown = Object.keys(query).find((name) => !queries.includes(name));
  if (unknown === undefined) return query;
  throw new ElasticsearchError(400, {
    type: 'status_exception',
    reason: 'Datafeed query is not parsable',
    caused_by: { type: 'parsing_exception', reason: `unknown query [${unknown}]` },
  });
}

function chunkingMode(mode: string): string {
  const lower = mode.toLowerCase();
  if (['auto', 'manual', 'off'].includes(lower)) return lower;
  throw illegalArgument(
    `No enum constant org.elasticsearch.xpack.core.ml.datafeed.ChunkingConfig.Mode.${mode.toUpperCase()}`,
  );
}

const indicesOptions = {
  expand_wildcards: ['open'],
  ignore_unavailable: false,
  allow_no_indices: true,
  ignore_throttled: true,
};

/** The full config of a datafeed. `queryDelay` is the default of `query_delay`. @throws 400 if invalid */
export function completeDatafeed(
  id: string,
  jobId: string,
  given: JsonObject,
  queryDelay: string,
): DatafeedConfig {
  checkId('datafeed_id', id);
  const indices = (given.indices ?? given.indexes) as string[] | undefined;
  if (!indices || indices.length === 0 || indices.includes(''))
    throw illegalArgument(
      `Invalid indices value '${indices === undefined ? 'null' : `[${indices.join(', ')}]`}' in datafeed configuration`,
    );
  const scrollSize = (given.scroll_size as number | undefined) ?? datafeedDefaults.scrollSize;
  if (scrollSize < 0)
    throw illegalArgument(`Invalid scroll_size value '${scrollSize}' in datafeed configuration`);
  positive(given, 'frequency', 1);
  positive(given, 'query_delay', 0);
  const aggregations = (given.aggregations ?? given.aggs) as JsonObject | undefined;
  if (aggregations && given.script_fields !== undefined)
    throw illegalArgument('script_fields cannot be used in combination with aggregations');
  const empty = given.max_empty_searches as number | undefined;
  if (empty === 0) throw illegalArgument("Invalid max_empty_searches value '0' in datafeed configuration");
  return {
    datafeed_id: id,
    job_id: jobId,
    query_delay: given.query_delay ?? queryDelay,
    ...(given.frequency !== undefined && { frequency: given.frequency }),
    indices,
    query: given.query ?? { match_all: {} },
    ...(aggregations && { aggregations }),
    ...(given.script_fields !== undefined && { script_fields: given.script_fields }),
    scroll_size: scrollSize,
    chunking_config: completeChunking(given.chunking_config as JsonObject | undefined, aggregations),
    delayed_data_check_config: { enabled: true, ...(given.delayed_data_check_config as object) },
    ...(empty !== undefined && empty > 0 && { max_empty_searches: empty }),
    indices_options: { ...indicesOptions, ...(given.indices_options as object) },
    ...(given.runtime_mappings !== undefined &&
      Object.keys(given.runtime_mappings as object).length > 0 && {
        runtime_mappings: given.runtime_mappings,
      }),
  };
}

function positive(given: JsonObject, name: string, min: number): void {
  if (given[name] === undefined) return;
  const ms = parseTimeValue(textOf(given[name]), name);
  if (ms < min)
    throw illegalArgument(
      `${name} cannot be less${min > 0 ? ' or equal' : ''} than 0. Value = ${textOf(given[name])}`,
    );
}

function completeChunking(given: JsonObject | undefined, aggregations: JsonObject | undefined): JsonObject {
  if (given) {
    const mode = given.mode ?? (given.time_span === undefined ? 'auto' : 'manual');
    if (mode === 'manual' && given.time_span === undefined)
      throw illegalArgument('when chunking mode is manual time_span is required');
    if (mode !== 'manual' && given.time_span !== undefined)
      throw illegalArgument(`chunk span may only be set when mode is manual`);
    return { mode, ...(given.time_span !== undefined && { time_span: given.time_span }) };
  }
  const interval = histogramInterval(aggregations);
  // like the server, covers a thousand histogram buckets per search
  return interval === undefined ? { mode: 'auto' } : { mode: 'manual', time_span: `${interval * 1_000}ms` };
}

function histogramInterval(aggregations: JsonObject | undefined): number | undefined {
  for (const aggregation of Object.values(aggregations ?? {}) as JsonObject[]) {
    const histogram = (aggregation.date_histogram ?? aggregation.histogram) as JsonObject | undefined;
    const interval = histogram?.fixed_interval ?? histogram?.interval;
    if (typeof interval === 'number') return interval;
    if (typeof interval === 'string') return parseTimeValue(interval, 'interval');
  }
  return undefined;
}

/** The search settings of a datafeed: from its own config, or derived from its job's bucket span. */
export function datafeedTraits(config: DatafeedConfig, bucketSpan: number): DatafeedTraits {
  return {
    queryDelay: parseTimeValue(textOf(config.query_delay ?? '60s'), 'query_delay'),
    frequency:
      config.frequency === undefined
        ? defaultFrequency(bucketSpan)
        : parseTimeValue(textOf(config.frequency), 'frequency'),
    maxEmptySearches: config.max_empty_searches as number | undefined,
  };
}

/**
 * Default search interval: 1 minute for bucket spans up to 2 minutes, half the bucket span up to 20 minutes, 10 minutes
 * up to 12 hours, and 1 hour for longer bucket spans.
 */
export function defaultFrequency(bucketSpan: number): number {
  if (bucketSpan <= 120_000) return 60_000;
  if (bucketSpan <= 1_200_000) return bucketSpan / 2;
  return bucketSpan <= 43_200_000 ? 600_000 : 3_600_000;
}
