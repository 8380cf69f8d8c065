/**
 * @module Many embedded clusters behind one URL: the first part of a path names the cluster. A cluster exists from its
 * first request until the test drops it, so a thousand clusters take little memory.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SimulatorClock } from '../../simulator/clock.ts';
import { createElasticsearchServer } from '../../simulator/elasticsearch/http/server.ts';
import { FaultScript, type Fleet, SimulatedCluster } from '../../simulator/elasticsearch/index.ts';
import { routes } from '../../simulator/elasticsearch/routes.ts';

export interface ClusterPool extends AsyncDisposable {
  /** The URL of a cluster. */
  urlOf(name: string): string;
  /** The cluster; undefined before its first request and after it was dropped. */
  cluster(name: string): SimulatedCluster | undefined;
  /** Removes a cluster. The next request to it creates a new one. */
  drop(name: string): void;
  readonly size: number;
}

export interface PoolOptions {
  readonly clock: SimulatorClock;
  /** The initial fleet of a cluster; undefined if its server never answers. */
  readonly fleetOf: (name: string) => Fleet | undefined;
}

export async function startPool({ clock, fleetOf }: PoolOptions): Promise<ClusterPool> {
  const open = new Map<
    string,
    { cluster: SimulatedCluster; server: ReturnType<typeof createElasticsearchServer> }
  >();
  const make = (fleet: Fleet) => {
    const cluster = new SimulatedCluster(clock, fleet, '9.2', 1);
    const server = createElasticsearchServer({
      context: cluster,
      clock,
      routes,
      faults: new FaultScript(clock),
      remember: () => undefined,
      onBug: (error) => {
        queueMicrotask(() => {
          throw error;
        });
      },
    });
    return { cluster, server };
  };
  const front = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const [, name = '', rest = ''] = /^\/([^/?]+)(.*)$/s.exec(request.url ?? '') ?? [];
    const fleet = open.has(name) ? {} : fleetOf(name);
    if (!fleet) {
      // no answer: the client waits until its own timeout
      void clock.parked(request.socket.remotePort, new Promise((resolve) => response.once('close', resolve)));
      return;
    }
    const own = open.get(name) ?? make(fleet);
    open.set(name, own);
    request.url = rest.startsWith('/') ? rest : `/${rest}`;
    own.server.emit('request', request, response);
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const { port } = front.address() as AddressInfo;
  return {
    urlOf: (name) => `http://127.0.0.1:${port}/${name}`,
    cluster: (name) => open.get(name)?.cluster,
    drop: (name) => open.delete(name),
    get size() {
      return open.size;
    },
    [Symbol.asyncDispose]: async () => {
      front.close();
      front.closeAllConnections();
    },
  };
}
