/**
 * @module The embedded Elasticsearch: only anomaly detection jobs, over real HTTP, on a clock that tests and `--speed`
 * control.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { SimulatorClock } from '../clock.ts';
import { armFleet } from '../fleets/arm-fleet.ts';
import type { Fleet } from '../fleets/schema.ts';
import { SimulatedCluster } from './cluster.ts';
import { FaultScript } from './faults.ts';
import { createElasticsearchServer, type RecordedRequest } from './http/server.ts';
import { routes } from './routes.ts';
import type { Stack } from './versions.ts';

export { defaultFleet } from '../fleets/default-fleet.ts';
export type { Fleet, FleetJob } from '../fleets/schema.ts';
export { type JobTruth, SimulatedCluster } from './cluster.ts';
export { type Fault, FaultScript } from './faults.ts';
export type { RecordedRequest } from './http/server.ts';

export interface ElasticsearchOptions {
  readonly clock: SimulatorClock;
  /** Nodes, jobs and users; by default, three nodes and no jobs. `defaultFleet` returns a fleet with jobs. */
  readonly fleet?: Fleet;
  /** Default: 9.2 */
  readonly stack?: Stack;
  /** Seed of all randomness; default 1. */
  readonly seed?: number;
  /** Default: a free port. */
  readonly port?: number;
  /** Default: 127.0.0.1 */
  readonly host?: string;
  /** How many of the latest requests are kept in `requests`; default: all. */
  readonly rememberedRequests?: number;
}

export interface EmbeddedElasticsearch extends AsyncDisposable {
  readonly url: string;
  /** The cluster itself. Tests read its actual state and change it through this field. */
  readonly cluster: SimulatedCluster;
  /** Every request seen, in order. */
  readonly requests: RecordedRequest[];
  readonly faults: FaultScript;
  stop(): Promise<void>;
}

/** Starts a server. Resolves when the server accepts requests; rejects if the port is taken. */
export async function startElasticsearch(options: ElasticsearchOptions): Promise<EmbeddedElasticsearch> {
  const { clock, fleet = {}, stack = '9.2', seed = 1, port = 0, host = '127.0.0.1' } = options;
  const { rememberedRequests = Number.POSITIVE_INFINITY } = options;
  const cluster = new SimulatedCluster(clock, fleet, stack, seed);
  const faults = new FaultScript(clock);
  armFleet(fleet, cluster, faults);
  const requests: RecordedRequest[] = [];
  const server = createElasticsearchServer({
    context: cluster,
    clock,
    routes,
    faults,
    remember: (request) => {
      requests.push(request);
      if (requests.length > rememberedRequests) requests.shift();
    },
    onBug: (error) => {
      queueMicrotask(() => {
        throw error;
      });
    },
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://${host}:${address.port}`,
    cluster,
    requests,
    faults,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
