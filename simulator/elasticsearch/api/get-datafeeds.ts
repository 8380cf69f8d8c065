/** @module Reading datafeeds and their stats (docs/elasticsearch.md §3.3). */
import { type Route, route } from '../http/call.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { type Datafeed, datafeedStateOf } from '../state/datafeed.ts';
import { allowNoMatch, datafeedsNamed } from './name-parameter.ts';

export const getDatafeedsRoutes: readonly Route[] = [
  route(
    'ml.get_datafeeds',
    'GET',
    ['/_ml/datafeeds', '/_ml/datafeeds/{datafeed_id}'],
    ['monitor_ml', 'cluster:monitor/xpack/ml/datafeeds/get'],
    (call) => {
      const allowed = allowNoMatch(call, 'datafeeds');
      const exclude = call.query.flag('exclude_generated', false);
      return () => {
        const datafeeds = datafeedsNamed(call, call.parameters.datafeed_id ?? '_all', allowed);
        return {
          body: {
            count: datafeeds.length,
            datafeeds: datafeeds.map((datafeed) => renderDatafeed(datafeed, exclude)),
          },
        };
      };
    },
  ),
  route(
    'ml.get_datafeed_stats',
    'GET',
    ['/_ml/datafeeds/_stats', '/_ml/datafeeds/{datafeed_id}/_stats'],
    ['monitor_ml', 'cluster:monitor/xpack/ml/datafeeds/stats/get'],
    (call) => {
      const allowed = allowNoMatch(call, 'datafeeds');
      return () => {
        const datafeeds = datafeedsNamed(call, call.parameters.datafeed_id ?? '_all', allowed);
        return {
          body: {
            count: datafeeds.length,
            datafeeds: datafeeds.map((datafeed) => renderDatafeedStats(call.context.cluster, datafeed)),
          },
        };
      };
    },
  ),
];

/** A datafeed's config as the API shows it. */
export function renderDatafeed(datafeed: Datafeed, excludeGenerated = false): object {
  if (!excludeGenerated) return datafeed.config;
  const { authorization: _generated, ...rest } = datafeed.config;
  return rest;
}

export function renderDatafeedStats(cluster: ClusterState, datafeed: Datafeed): object {
  const job = cluster.jobs.get(datafeed.jobId);
  if (job) cluster.settle(job);
  const { task } = datafeed;
  const interval = task?.searchInterval;
  return {
    datafeed_id: datafeed.id,
    state: datafeedStateOf(datafeed),
    ...(task?.node && { node: task.node.render() }),
    ...(task && { assignment_explanation: cluster.explanationOf(task) }),
    timing_stats: {
      job_id: datafeed.jobId,
      search_count: datafeed.searches,
      bucket_count: datafeed.buckets,
      total_search_time_ms: datafeed.searchMs,
      ...(datafeed.buckets > 0 && {
        average_search_time_per_bucket_ms: Number((datafeed.searchMs / datafeed.buckets).toFixed(3)),
      }),
      exponential_average_search_time_per_hour_ms:
        datafeed.buckets > 0 && job
          ? Number(((datafeed.searchMs / datafeed.buckets) * (3_600_000 / job.traits.bucketSpan)).toFixed(3))
          : 0,
    },
    ...(task?.node &&
      task.state !== 'starting' && {
        running_state: {
          real_time_configured: task.end === undefined,
          real_time_running: task.end === undefined && task.lookback === undefined,
          ...(interval && {
            search_interval: { start_ms: Math.floor(interval.start), end_ms: Math.floor(interval.end) },
          }),
        },
      }),
  };
}
