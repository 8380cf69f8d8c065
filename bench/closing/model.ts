/**
 * @module The cluster for the bench. Its idle jobs have close times that are only partly predictable, its busy jobs
 * must stay open, and the closes on a node share the node's capacity. Also calculates lower bounds for the time to
 * close all idle jobs.
 */

import { Random } from '../../simulator/elasticsearch/random.ts';
import { closingTimes } from '../../simulator/elasticsearch/state/closing-time.ts';
import type { Fleet, FleetJob } from '../../simulator/index.ts';

/** The machine learning nodes. */
export interface Nodes {
  readonly count: number;
  /** Number of processors of each node. */
  readonly processors: number;
}

/** The nodes on which all ways of closing are measured. */
export const nodesOfTheBench: Nodes = { count: 4, processors: 16 };

/** Other kinds of nodes: small nodes, a single node, and many nodes. */
export const otherNodes: readonly Nodes[] = [
  { count: 2, processors: 8 },
  { count: 1, processors: 4 },
  { count: 3, processors: 4 },
  { count: 8, processors: 16 },
];

/**
 * How many closes run at full speed at the same time on a node. A close keeps about two processors busy: one with the
 * process that writes the model, and one with the thread that stores the model.
 */
export const capacityOf = ({ processors }: Pick<Nodes, 'processors'>): number => processors / 2;

/** The network time of a request and its answer, in milliseconds. */
export const networkMs = 10;

export interface BenchCase {
  readonly fleet: Fleet;
  readonly idle: readonly IdleJob[];
  readonly busy: readonly string[];
}

export interface IdleJob {
  readonly jobId: string;
  readonly node: string;
  readonly modelBytes: number;
  /** How long it takes to close the job on an otherwise idle node. */
  readonly workMs: number;
}

/**
 * A cluster of `idleJobs` idle jobs and the same number of busy jobs. Close times are log-normal (median 2 s, 99th
 * percentile 60 s). Their logarithms have a correlation of 0.6 with the logarithms of the models' memory. All other
 * variation is noise that no stats can predict.
 */
export function benchCase(idleJobs: number, seed: number, nodes: Nodes = nodesOfTheBench): BenchCase {
  const random = new Random(seed * 1_000_003 + idleJobs);
  const names = Array.from({ length: nodes.count }, (_, index) => `ml-${index}`);
  const idle = Array.from({ length: idleJobs }, (_, index) => idleJob(index, random, names));
  const busy = Array.from({ length: idleJobs }, (_, index) => busyJob(index, random, names));
  return {
    idle,
    busy: busy.map(({ jobId }) => jobId),
    fleet: {
      nodes: names.map((name) => ({
        name,
        processors: nodes.processors,
        memory: '4096gb',
        closeCapacity: capacityOf(nodes),
      })),
      jobs: [
        ...idle.map(({ jobId, node, modelBytes, workMs }, index): FleetJob => {
          // Spread over ninety days, so that the idle jobs do not look like an outage.
          const silent = `${Math.round(random.between(72, 90 * 24, 'silent', index))}h`;
          return {
            jobId,
            openedAt: '100d',
            lastData: silent,
            modelBytes,
            memoryLimit: '256mb',
            node,
            closeTakes: `${workMs}ms`,
            datafeed: { state: 'stopped' },
          };
        }),
        ...busy,
      ],
    },
  };
}

/** Milliseconds that a job stays `closing` after its work is done, because the server still writes its results. */
export const finishMs = 150;

/**
 * A lower bound, in milliseconds, for every planner: the time of the slowest close, or the longest time that a node
 * needs for all its closes at full capacity, whichever is longer.
 */
export function lowerBound(idle: readonly IdleJob[], nodes: Nodes = nodesOfTheBench): number {
  const perNode = [...Map.groupBy(idle, ({ node }) => node).values()].map(
    (jobs) => jobs.reduce((sum, { workMs }) => sum + workMs, 0) / capacityOf(nodes),
  );
  return Math.max(...perNode, ...idle.map(({ workMs }) => workMs)) + finishMs;
}

/** The longest time that a close counts toward the node's limit (`close.perNode`): the default `close.timeout`. */
const placeHeldMs = 2 * 60_000;

/**
 * A lower bound, in milliseconds, for every planner that limits the concurrent closes on a node to the node's capacity,
 * even if the planner knows all close times. A node that may run m closes at a time has m slots. Each close occupies a
 * slot until its job is closed, but at most for `close.timeout`. By the pigeonhole principle, one slot gets at least
 * k+1 of the km+1 longest closes. Therefore, the node takes at least as long as the k+1 shortest of these closes take
 * one after another.
 */
export function placesBound(idle: readonly IdleJob[], nodes: Nodes = nodesOfTheBench): number {
  const places = capacityOf(nodes);
  const perNode = [...Map.groupBy(idle, ({ node }) => node).values()].flatMap((jobs) => {
    const held = jobs.map(({ workMs }) => Math.min(workMs + finishMs, placeHeldMs)).sort((a, b) => b - a);
    const rounds = Array.from({ length: Math.ceil(held.length / places) }, (_, k) =>
      sumOf(held.slice(k * places - k, k * places + 1)),
    );
    return [sumOf(held) / places, ...rounds];
  });
  return Math.max(lowerBound(idle, nodes), ...perNode);
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function idleJob(index: number, random: Random, nodes: readonly string[]): IdleJob {
  const { medianMs, sigma, correlation, medianBytes, bytesSigma } = closingTimes;
  const size = random.normal('size', index);
  const noise = random.normal('noise', index);
  const cost = correlation * size + Math.sqrt(1 - correlation ** 2) * noise;
  return {
    jobId: `${services[index % services.length]}-${kinds[Math.floor(index / 11) % kinds.length]}-${String(index).padStart(4, '0')}`,
    node: nodes[random.integer(0, nodes.length - 1, 'node', index)] as string,
    modelBytes: Math.round(medianBytes * Math.exp(bytesSigma * size)),
    workMs: Math.round(Math.max(100, medianMs * Math.exp(sigma * cost))),
  };
}

const services = 'checkout search orders billing logins traffic queues dns disks sessions gateway'.split(' ');
const kinds = 'latency errors volume rare-users'.split(' ');

/**
 * A busy job. Most have a real-time datafeed. One job in twenty has a datafeed that reads old records, and one in
 * twenty has no datafeed and receives late records from a client.
 */
function busyJob(index: number, random: Random, nodes: readonly string[]): FleetJob {
  const node = nodes[random.integer(0, nodes.length - 1, 'busy node', index)] as string;
  const job = { jobId: `live-${String(index).padStart(4, '0')}`, openedAt: '60d', lastData: '1m', node };
  if (index % 20 === 7)
    return {
      ...job,
      latestRecord: '300d',
      datafeed: {
        state: 'started',
        source: { every: '60s' },
        lookback: { from: '300d', end: '30d', rate: 60 },
      },
    };
  if (index % 20 === 13) return { ...job, lastData: '20m', latestRecord: '4d' };
  return { ...job, datafeed: { state: 'started', source: { every: '60s' } } };
}
