/** @module Answers from a healthy Elasticsearch with a few jobs, as plain JSON that a test may change. */
import type { Exchange } from './scripted-server.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test corrupts these answers at any depth
export type Json = any;

export interface MlAnswers {
  root: Json;
  info: Json;
  privileges: Json;
  configs: Json;
  stats: Json;
  datafeeds: Json;
  datafeedConfigs: Json;
}

/** When the answers were given, in epoch milliseconds. */
export const answeredAt = Date.parse('2026-11-23T12:00:00Z');
const day = 86_400_000;

const clone = <T>(value: T): T => structuredClone(value);

/** The config of a job, including the fields that the server adds. */
export const configOf = (jobId: string, changes: Json = {}): Json => ({
  job_id: jobId,
  job_type: 'anomaly_detector',
  job_version: '9.2.1',
  create_time: answeredAt - 60 * day,
  analysis_config: { bucket_span: '15m', detectors: [{ function: 'count' }] },
  data_description: { time_field: '@timestamp' },
  results_index_name: 'shared',
  ...changes,
});

/** The stats of an open job whose data stopped five days ago. */
export const statsOf = (jobId: string, changes: Json = {}): Json => ({
  job_id: jobId,
  state: 'opened',
  data_counts: {
    job_id: jobId,
    processed_record_count: 172_800,
    input_bytes: 10_368_000,
    input_record_count: 172_800,
    bucket_count: 2_880,
    earliest_record_timestamp: answeredAt - 40 * day,
    latest_record_timestamp: answeredAt - 5 * day - 60_000,
    last_data_time: answeredAt - 5 * day,
    log_time: answeredAt - 5 * day,
  },
  model_size_stats: { job_id: jobId, model_bytes: 11_263_372, memory_status: 'ok' },
  forecasts_stats: { total: 0, forecasted_jobs: 0 },
  node: { id: '2spCyo1pRi2Ajo-j-_dnPX', name: 'ml-0', attributes: {} },
  assignment_explanation: '',
  open_time: `${30 * 86_400}s`,
  timing_stats: { job_id: jobId, bucket_count: 2_880 },
  ...changes,
});

/** The stats of a stopped datafeed. */
export const datafeedOf = (jobId: string, changes: Json = {}): Json => ({
  datafeed_id: `datafeed-${jobId}`,
  state: 'stopped',
  timing_stats: { job_id: jobId, search_count: 0, bucket_count: 0, total_search_time_ms: 0 },
  ...changes,
});

export const runningFeed = {
  state: 'started',
  running_state: { real_time_configured: true, real_time_running: true },
};

export const listOf = (key: 'jobs' | 'datafeeds', entries: readonly Json[]): Json => ({
  count: entries.length,
  [key]: entries,
});

/** The answers from a cluster with these jobs. `changes` replaces whole answers. */
export function answersFor(
  jobs: readonly { config: Json; stats: Json; datafeed?: Json }[],
  changes: Partial<MlAnswers> = {},
): MlAnswers {
  const feeds = jobs.flatMap(({ datafeed }) => datafeed ?? []);
  return clone({
    root: {
      name: 'n',
      cluster_name: 'c',
      cluster_uuid: 'AbCdEfGhIjKlMnOpQrStUv',
      version: { number: '9.2.1' },
    },
    info: { upgrade_mode: false },
    privileges: { has_all_requested: true, cluster: { manage_ml: true } },
    configs: listOf(
      'jobs',
      jobs.map(({ config }) => config),
    ),
    stats: listOf(
      'jobs',
      jobs.map(({ stats }) => stats),
    ),
    datafeeds: listOf('datafeeds', feeds),
    datafeedConfigs: listOf(
      'datafeeds',
      feeds.map((feed: Json) => ({ datafeed_id: feed.datafeed_id, job_id: feed.timing_stats?.job_id })),
    ),
    ...changes,
  });
}

/** The key of the answer that a request needs, if any. */
export function answerKey({ path }: Pick<Exchange, 'path'>): keyof MlAnswers | undefined {
  if (path === '/') return 'root';
  if (path === '/_ml/info') return 'info';
  if (path === '/_security/user/_has_privileges') return 'privileges';
  const [, kind, stats] = /^\/_ml\/(anomaly_detectors|datafeeds)(?:\/[^/]+)??(\/_stats)?$/.exec(path) ?? [];
  if (kind === 'anomaly_detectors') return stats ? 'stats' : 'configs';
  if (kind === 'datafeeds') return stats ? 'datafeeds' : 'datafeedConfigs';
  return undefined;
}

/** Responds to an exchange with one of `answers`, and acknowledges closes. */
export function respondWith(answers: MlAnswers, exchange: Exchange): void {
  const key = answerKey(exchange);
  if (key) exchange.json(answers[key]);
  else if (exchange.path.endsWith('/_close')) exchange.json({ closed: true });
  else exchange.json({ error: `no handler found for uri [${exchange.path}]` }, 400);
}
