/**
 * @module Measures the requests and the bytes of job stats in a calm sweep, in which every close is answered in time.
 */

import {
  defaultFleet,
  type Fleet,
  startElasticsearch,
  trackHttp,
  VirtualClock,
} from '../../simulator/index.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import { whole } from '../numbers.ts';
import { endless } from './compare.ts';
import { benchCase } from './model.ts';
import type { TrafficResult } from './results.ts';
import { defaults } from './ways.ts';

const statsPath = '/_ml/anomaly_detectors/_stats';
const apiKey = { id: 'sweeper', key: 'the-key', owner: 'owner', cluster: ['monitor', 'manage_ml'] };

export interface TrafficCase {
  readonly name: string;
  /** Builds the fleet for a cluster that starts at `now`. */
  readonly fleet: (now: number) => Fleet;
  readonly payload: RequestPayload;
  readonly secured?: boolean;
}

/** Gives each close 30 minutes, so that every close is answered in time. */
const calm = (payload: RequestPayload): RequestPayload => ({
  ...payload,
  close: { ...payload.close, timeout: '30m' },
});

const cases: readonly TrafficCase[] = [
  { name: 'the fleet of `npm start`, a plan', fleet: defaultFleet, payload: { dryRun: true } },
  ...[50, 500, 2_000].map((jobs) => ({
    name: `${whole(jobs)} idle jobs, default request`,
    fleet: () => benchCase(jobs, 1).fleet,
    payload: defaults,
  })),
  {
    name: '500 idle jobs, default request, with an API key',
    fleet: () => benchCase(500, 1).fleet,
    payload: defaults,
    secured: true,
  },
];

export async function traffic(tell: (line: string) => void): Promise<TrafficResult[]> {
  const results: TrafficResult[] = [];
  for (const each of cases) {
    const result = await trafficOf(each);
    results.push(result);
    tell(`${each.name}: ${result.requests} requests`);
  }
  return results;
}

/** Measures one sweep on its own cluster. Rejects if a close failed or was not answered in time. */
export async function trafficOf({
  name,
  fleet,
  payload,
  secured = false,
}: TrafficCase): Promise<TrafficResult> {
  using clock = new VirtualClock();
  using _tracking = trackHttp(clock);
  const described = fleet(clock.now());
  await using server = await startElasticsearch({
    clock,
    fleet: secured
      ? {
          ...described,
          users: [{ username: 'owner', password: 'pass-word', cluster: ['all'] }],
          apiKeys: [apiKey],
        }
      : described,
  });
  const encoded = Buffer.from(`${apiKey.id}:${apiKey.key}`).toString('base64');
  await using cluster = new ElasticsearchCluster(
    { address: { url: server.url }, ...(secured && { credentials: { apiKey: encoded } }) },
    clock,
  );
  const headers = secured ? { authorization: `ApiKey ${encoded}` } : undefined;
  const unfiltered = await fetch(server.url + statsPath, headers && { headers });
  const unfilteredStatsBytes = (await unfiltered.arrayBuffer()).byteLength;
  const before = server.requests.length;
  const order = { sweepId: 'bench', ...parseRequest(calm(payload)) };
  const { counts } = await sweep(order, { cluster, clock, remainingMs: endless });
  if (counts.closing + counts.errors + counts.unknown > 0) throw new Error(`${name} was not calm`);
  const seen = server.requests.slice(before);
  return {
    fleet: name,
    openJobs: counts.open,
    closeRequests: payload.dryRun ? null : seen.filter(({ api }) => api === 'ml.close_job').length,
    requests: seen.length,
    statsBytes: seen.find(({ path }) => path === statsPath)?.responseBytes ?? Number.NaN,
    unfilteredStatsBytes,
  };
}
