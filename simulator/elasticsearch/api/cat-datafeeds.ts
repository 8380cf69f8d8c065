/** @module `_cat/ml/datafeeds`: datafeed stats as a table (docs/elasticsearch.md §3.13). */
import { type Route, route } from '../http/call.ts';
import { type Column, table } from '../http/cat-table.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { type Datafeed, datafeedStateOf } from '../state/datafeed.ts';
import { allowNoMatch, datafeedsNamed } from './name-parameter.ts';

export const catDatafeedsRoute: Route = route(
  'cat.ml_datafeeds',
  'GET',
  ['/_cat/ml/datafeeds', '/_cat/ml/datafeeds/{datafeed_id}'],
  ['monitor_ml', 'cluster:monitor/xpack/ml/datafeeds/stats/get'],
  (call) => {
    const { cluster } = call.context;
    const allowed = allowNoMatch(call, 'datafeeds');
    const render = table(call, columnsOf(cluster));
    return () => {
      const datafeeds = datafeedsNamed(call, call.parameters.datafeed_id ?? '_all', allowed);
      for (const { jobId } of datafeeds) {
        const job = cluster.jobs.get(jobId);
        if (job) cluster.settle(job);
      }
      return render(datafeeds);
    };
  },
);

const column = (
  name: string,
  aliases: string,
  description: string,
  kind: NonNullable<Column<Datafeed>['kind']>,
  value: Column<Datafeed>['value'],
  shown = false,
): Column<Datafeed> => ({ name, aliases: aliases.split(','), description, kind, value, shown });

function columnsOf(cluster: ClusterState): Column<Datafeed>[] {
  const node = (datafeed: Datafeed) => datafeed.task?.node;
  const perBucket = ({ buckets, searchMs }: Datafeed) => (buckets > 0 ? searchMs / buckets : 0);
  const perHour = (datafeed: Datafeed) =>
    perBucket(datafeed) * (3_600_000 / (cluster.jobs.get(datafeed.jobId)?.traits.bucketSpan ?? 3_600_000));
  return [
    column('id', 'id', 'the datafeed_id', 'text', (datafeed) => datafeed.id, true),
    column('state', 's', 'the datafeed state', 'text', datafeedStateOf, true),
    column(
      'assignment_explanation',
      'ae',
      'why the datafeed is or is not assigned to a node',
      'text',
      ({ task }) => (task ? cluster.explanationOf(task) : undefined),
    ),
    column('buckets.count', 'bc,bucketsCount', 'bucket count', 'number', ({ buckets }) => buckets, true),
    column(
      'search.count',
      'sc,searchCount',
      'number of searches ran by the datafeed',
      'number',
      ({ searches }) => searches,
      true,
    ),
    column(
      'search.time',
      'st,searchTime',
      'the total search time',
      'milliseconds',
      ({ searchMs }) => searchMs,
    ),
    column(
      'search.bucket_avg',
      'sba,searchBucketAvg',
      'the average search time per bucket (millisecond)',
      'number',
      perBucket,
    ),
    column(
      'search.exp_avg_hour',
      'seah,searchExpAvgHour',
      'the exponential average search time per hour (millisecond)',
      'number',
      perHour,
    ),
    column('node.id', 'ni,nodeId', 'id of the assigned node', 'text', (datafeed) => node(datafeed)?.id),
    column(
      'node.name',
      'nn,nodeName',
      'name of the assigned node',
      'text',
      (datafeed) => node(datafeed)?.name,
    ),
    column(
      'node.ephemeral_id',
      'ne,nodeEphemeralId',
      'ephemeral id of the assigned node',
      'text',
      (datafeed) => node(datafeed)?.ephemeralId,
    ),
    column(
      'node.address',
      'na,nodeAddress',
      'network address of the assigned node',
      'text',
      (datafeed) => node(datafeed)?.transportAddress,
    ),
  ];
}
