/** @module `_ml/memory/_stats` (docs/elasticsearch.md §3.5), from 8.2 on. */
import { type Call, type Route, route } from '../http/call.ts';
import { memoryOf } from '../state/assignment.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { wildcard } from '../state/expressions.ts';
import type { MlNode } from '../state/node.ts';
import { printByteSize } from '../units.ts';

export const memoryStatsRoute: Route = {
  ...route(
    'ml.get_memory_stats',
    'GET',
    ['/_ml/memory/_stats', '/_ml/memory/{node_id}/_stats'],
    ['monitor_ml', 'cluster:monitor/xpack/ml/trained_models/memory/stats/get'],
    (call) => {
      call.query.time('timeout', 30_000);
      call.query.time('master_timeout', 30_000);
      const human = call.query.flag('human', false);
      return () => {
        const { cluster } = call.context;
        const nodes = chosen(call);
        return {
          body: {
            _nodes: { total: nodes.length, successful: nodes.length, failed: 0 },
            cluster_name: cluster.name,
            nodes: Object.fromEntries(nodes.map((node) => [node.id, render(cluster, node, human)])),
          },
        };
      };
    },
  ),
  since: 8,
};

/** Selects nodes by id, name or pattern. A filter such as `ml:true` selects all, because all have the same roles. */
function chosen({ context: { cluster }, parameters }: Call): MlNode[] {
  const alive = cluster.nodes.filter((node) => node.alive);
  const wanted = (parameters.node_id ?? '_all').split(',').map((name) => name.trim());
  if (wanted.some((name) => ['_all', '*', 'ml:true', '_master', '_local'].includes(name))) return alive;
  return alive.filter((node) => wanted.some((name) => wildcard(name)(node.id) || wildcard(name)(node.name)));
}

/** The memory that a node's open jobs reserve now, recalculated for each request, as in the server's memory tracker. */
function reservedOn(cluster: ClusterState, node: MlNode): number {
  return [...node.jobs.keys()].reduce((sum, id) => {
    const job = cluster.jobs.get(id);
    return sum + (job ? memoryOf(job) : 0);
  }, 0);
}

function render(cluster: ClusterState, node: MlNode, human: boolean): object {
  const size = (name: string, bytes: number) => ({
    ...(human && { [name]: printByteSize(bytes) }),
    [`${name}_in_bytes`]: bytes,
  });
  const { id: _id, name, ...rest } = node.render();
  return {
    name,
    ...rest,
    roles: ['ml'],
    mem: {
      ...size('total', node.memory),
      ...size('adjusted_total', node.memory),
      ml: {
        ...size('max', node.mlMemory(cluster.limits.memoryPercent)),
        ...size('native_code_overhead', node.nativeOverhead),
        ...size('anomaly_detectors', reservedOn(cluster, node)),
        ...size('data_frame_analytics', 0),
        ...size('native_inference', 0),
      },
    },
    jvm: {
      ...size('heap_max', node.heap),
      ...size('java_inference_max', Math.floor(node.heap * 0.4)),
      ...size('java_inference', 0),
    },
  };
}
