/** @module `GET /`, `_ml/info` and other endpoints that identify the cluster. */
import { categorizationAnalyzer, datafeedDefaults, jobDefaults } from '../config/defaults.ts';
import { type Route, route } from '../http/call.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { exactByteSize, parseByteSize } from '../units.ts';
import { stackFacts } from '../versions.ts';

export const rootRoutes: readonly Route[] = [
  route('info', 'GET HEAD', '/', ['monitor', 'cluster:monitor/main'], ({ context: { cluster } }) => () => {
    const facts = stackFacts[cluster.stack];
    return {
      body: {
        name: 'instance-0',
        cluster_name: cluster.name,
        cluster_uuid: cluster.uuid,
        version: {
          number: facts.number,
          build_flavor: 'default',
          build_type: 'docker',
          build_hash: facts.buildHash,
          build_date: facts.buildDate,
          build_snapshot: false,
          lucene_version: facts.lucene,
          minimum_wire_compatibility_version: facts.minimumWire,
          minimum_index_compatibility_version: facts.minimumIndex,
        },
        tagline: 'You Know, for Search',
      },
    };
  }),
  route(
    'ml.info',
    'GET',
    '/_ml/info',
    ['monitor_ml', 'cluster:monitor/xpack/ml/info/get'],
    ({ context }) =>
      () => ({
        body: mlInfo(context.cluster),
      }),
  ),
];

function mlInfo(cluster: ClusterState): object {
  const facts = stackFacts[cluster.stack];
  const percent = cluster.limits.memoryPercent;
  const alive = cluster.nodes.filter((node) => node.alive);
  const total = alive.reduce((sum, node) => sum + node.mlMemory(percent), 0);
  const largest = Math.max(0, ...alive.map((node) => node.mlMemory(percent)));
  const configured = cluster.settings.bytes('xpack.ml.max_model_memory_limit');
  const effective = configured > 0 ? Math.min(configured, largest) : largest;
  const inMb = (bytes: number) => `${Math.floor(bytes / 2 ** 20)}mb`;
  const defaultMemory = Math.min(
    parseByteSize('1gb', ''),
    configured > 0 ? configured : Number.POSITIVE_INFINITY,
  );
  return {
    defaults: {
      anomaly_detectors: {
        categorization_analyzer: categorizationAnalyzer,
        model_memory_limit: exactByteSize(defaultMemory),
        categorization_examples_limit: jobDefaults.categorizationExamplesLimit,
        model_snapshot_retention_days: jobDefaults.modelSnapshotRetentionDays,
        daily_model_snapshot_retention_after_days: jobDefaults.dailyModelSnapshotRetentionAfterDays,
      },
      datafeeds: { scroll_size: datafeedDefaults.scrollSize },
    },
    upgrade_mode: cluster.upgradeMode,
    native_code: { version: facts.number, build_hash: facts.buildHash.slice(0, 14) },
    limits: {
      ...(configured > 0 && { max_model_memory_limit: exactByteSize(configured) }),
      effective_max_model_memory_limit: inMb(effective),
      total_ml_memory: inMb(total),
      ...(cluster.major >= 8 && {
        max_single_ml_node_processors: Math.max(0, ...alive.map((node) => node.processors)),
        total_ml_processors: alive.reduce((sum, node) => sum + node.processors, 0),
      }),
    },
  };
}
