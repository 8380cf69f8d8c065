/**
 * @module Endpoints about the whole cluster that people and test suites use: health, licence, nodes, tasks, reset.
 */
import { type Call, type Route, route } from '../http/call.ts';
import { endFeed } from '../state/datafeed-lifecycle.ts';
import { killTask } from '../state/job-lifecycle.ts';

export const surroundingsRoutes: readonly Route[] = [
  route(
    'cluster.health',
    'GET HEAD',
    ['/_cluster/health', '/_cluster/health/{index}'],
    ['monitor', 'cluster:monitor/health'],
    ({ query, context: { cluster } }) => {
      query.ignore(
        ...'timeout master_timeout level local wait_for_status wait_for_nodes wait_for_events expand_wildcards'.split(
          ' ',
        ),
        ...'wait_for_active_shards wait_for_no_relocating_shards wait_for_no_initializing_shards'.split(' '),
      );
      return () => ({
        body: {
          cluster_name: cluster.name,
          status: 'green',
          timed_out: false,
          number_of_nodes: cluster.nodes.filter((node) => node.alive).length + 1,
          number_of_data_nodes: 1,
          active_primary_shards: 1,
          active_shards: 1,
          relocating_shards: 0,
          initializing_shards: 0,
          unassigned_shards: 0,
          delayed_unassigned_shards: 0,
          number_of_pending_tasks: 0,
          number_of_in_flight_fetch: 0,
          task_max_waiting_in_queue_millis: 0,
          active_shards_percent_as_number: 100,
        },
      });
    },
  ),
  route(
    'license.get',
    'GET',
    '/_license',
    ['monitor', 'cluster:monitor/xpack/license/get'],
    ({ query, context }) => {
      query.ignore('local', 'accept_enterprise');
      return () => ({
        body: {
          license: {
            status: 'active',
            uid: context.cluster.uuid,
            type: 'trial',
            issue_date_in_millis: 0,
            max_nodes: 1000,
            issued_to: context.cluster.name,
            issuer: 'elasticsearch',
            start_date_in_millis: -1,
          },
        },
      });
    },
  ),
  route(
    'nodes.info',
    'GET',
    ['/_nodes', '/_nodes/{node_id}'],
    ['monitor', 'cluster:monitor/nodes/info'],
    ({ query, context: { cluster } }) => {
      query.ignore('timeout', 'flat_settings');
      return () => {
        const alive = cluster.nodes.filter((node) => node.alive);
        return {
          body: {
            _nodes: { total: alive.length, successful: alive.length, failed: 0 },
            cluster_name: cluster.name,
            nodes: Object.fromEntries(
              alive.map((node) => {
                const { id, name, transport_address, attributes } = node.render();
                return [id, { name, transport_address, roles: ['ml'], attributes }];
              }),
            ),
          },
        };
      };
    },
  ),
  route('features.reset', 'POST', '/_features/_reset', ['manage', 'cluster:admin/features/reset'], (call) => {
    call.query.ignore('master_timeout');
    return () => {
      resetEverything(call);
      return { body: { features: [{ feature_name: 'machine_learning', status: 'SUCCESS' }] } };
    };
  }),
];

function resetEverything({ context: { cluster } }: Call): void {
  for (const datafeed of cluster.datafeeds.values()) {
    if (datafeed.task) endFeed(datafeed, datafeed.task);
    cluster.removeDatafeed(datafeed);
  }
  for (const job of cluster.jobs.values()) {
    if (job.task) killTask(cluster, job, job.task, 'feature reset');
    cluster.removeJob(job);
  }
}
