/** @module `_ml/set_upgrade_mode` (docs/elasticsearch.md §3.6). */
import { type Route, route } from '../http/call.ts';
import { setUpgradeMode } from '../state/relocation.ts';

export const upgradeModeRoute: Route = route(
  'ml.set_upgrade_mode',
  'POST',
  '/_ml/set_upgrade_mode',
  ['manage_ml', 'cluster:admin/xpack/ml/upgrade_mode'],
  (call) => {
    const enabled = call.query.flag('enabled', false);
    call.query.time('timeout', 30_000);
    call.query.time('master_timeout', 30_000);
    return () => {
      const { cluster } = call.context;
      cluster.requireMaster();
      setUpgradeMode(cluster, enabled);
      return { body: { acknowledged: true } };
    };
  },
);
