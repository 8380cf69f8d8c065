/**
 * @module Decides which jobs to close next: their order, the places on their nodes, and what fits into one request.
 *
 * Closes on one node share its capacity. If all jobs close at the same time, the biggest gets a small share and ends
 * far behind the others. With fixed batches, capacity is idle until the slowest job of a batch has closed. So a sweep
 * keeps a fixed number of jobs closing on each node (the node's places), the biggest jobs first.
 */

import type { CloseBatch, JobId } from '../planning/concrete-id.ts';
import { runs } from '../planning/inventory.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import { maxIdBytes, separatorBytes } from '../request-line.ts';
import type { Entry, NodeLimit } from './ledger.ts';

/** A job that waits for its close request. */
export interface Waiting {
  readonly entry: Entry;
  readonly force: boolean;
  /** The jobs that were added to the queue together have the same symbol. Only these may share a request. */
  readonly company: symbol;
  /** The earliest time for the job's request, epoch milliseconds: the end of the server's retry-after. */
  readonly notBefore: number;
}

/** How many processors each node has, as far as that is known. */
export interface Nodes {
  /** Number of processors by node id; undefined for a node whose stats do not include it. */
  readonly processors: ReadonlyMap<string, number | undefined>;
  /** Processors of the largest node, from `_ml/info`. */
  readonly largest: number | undefined;
}

/** Concurrent closes on a node if no processor count is known. */
const usualPlaces = 4;

/** Bytes that an id adds to a request line. */
const idBytes = (entry: Entry): number => entry.jobId.length + separatorBytes;

/** Estimates how many requests it takes to read these jobs by id. */
export const requestsToRead = (entries: readonly Entry[]): number =>
  Math.ceil(entries.reduce((sum, entry) => sum + idBytes(entry), 0) / maxIdBytes);

/**
 * The jobs to close, in order. Forced jobs come first, each in a request of its own, because force takes only a moment.
 * A running datafeed adds a second phase to a request, so jobs with running datafeeds share requests only with each
 * other.
 */
export function waitingOf(entries: readonly Entry[]): Waiting[] {
  const forced = entries.filter(({ verdict }) => verdict.verdict === 'force');
  const graceful = entries.filter(({ verdict }) => verdict.verdict === 'close');
  const of = (stops: boolean) => {
    const jobs = spread(graceful.filter((entry) => runs(entry.job.datafeed) === stops));
    return together(jobs, { force: false, notBefore: 0 });
  };
  return [
    ...forced.flatMap((entry) => together([entry], { force: true, notBefore: 0 })),
    ...of(true),
    ...of(false),
  ];
}

/** Marks jobs as allowed to share a request. */
export function together(entries: readonly Entry[], how: Pick<Waiting, 'force' | 'notBefore'>): Waiting[] {
  const company = Symbol('company');
  return entries.map((entry) => ({ entry, company, ...how }));
}

/** The node whose limit on concurrent closes applies to the job; undefined if it is forced or its node is unknown. */
export const nodeOf = ({ entry, force }: Waiting): string | undefined =>
  force ? undefined : entry.job.nodeId;

/** The limit on concurrent closes on a node, and its reason; undefined until the node's processors have been read. */
export function limitOf(
  node: string,
  perNode: SweepRequest['close']['perNode'],
  { processors, largest }: Nodes,
): NodeLimit | undefined {
  if (perNode !== 'auto') return { places: perNode ?? Number.POSITIVE_INFINITY, because: 'request' };
  if (!processors.has(node)) return undefined;
  const own = processors.get(node);
  const known = own ?? largest;
  if (known === undefined) return { places: usualPlaces, because: 'unknown' };
  // break: places-of-a-node
  const places = Math.max(1, Math.floor(known / 2));
  return { places, because: own === undefined ? 'largest_node' : 'own_node', processors: known };
}

/**
 * The jobs of the next request; empty if none may be sent now. `free` says how many more jobs each node with a limit
 * may be closing.
 */
export function nextBatch(
  waiting: readonly Waiting[],
  free: ReadonlyMap<string, number>,
  { maxJobs, now }: { readonly maxJobs: number; readonly now: number },
): Waiting[] {
  const batch: Waiting[] = [];
  const taken = new Map<string, number>();
  let bytes = 0;
  for (const each of waiting) {
    if (batch.length === maxJobs) break;
    if (each.notBefore > now || (batch[0] && each.company !== batch[0].company)) continue;
    const node = nodeOf(each);
    const used = node === undefined ? 0 : (taken.get(node) ?? 0);
    if (node !== undefined && used >= (free.get(node) ?? Number.POSITIVE_INFINITY)) continue;
    bytes += idBytes(each.entry);
    if (bytes > maxIdBytes) break;
    if (node !== undefined) taken.set(node, used + 1);
    batch.push(each);
  }
  return batch;
}

/** For each node, the first `ofEach` of the jobs that wait for a place on it. */
export function candidates(waiting: readonly Waiting[], ofEach: number): Entry[] {
  const graceful = waiting.filter((each) => nodeOf(each) !== undefined);
  return [...Map.groupBy(graceful, nodeOf).values()].flatMap((jobs) =>
    jobs.slice(0, ofEach).map(({ entry }) => entry),
  );
}

/** The concrete ids of a request; undefined if one of its jobs must not be named. */
export function closeBatch(entries: readonly Entry[]): CloseBatch | undefined {
  const ids: JobId[] = [];
  for (const { job } of entries) {
    if (job.target === undefined) return undefined;
    ids.push(job.target);
  }
  const [first, ...rest] = ids;
  return first === undefined ? undefined : [first, ...rest];
}

/** Biggest first. Jobs whose sizes are within a factor of two count as equal and alternate between nodes. */
function spread(entries: readonly Entry[]): Entry[] {
  const size = (entry: Entry) => entry.job.modelBytes ?? 0;
  const magnitudes = Map.groupBy(entries, (entry) => Math.floor(Math.log2(size(entry) + 1)));
  return [...magnitudes.entries()]
    .sort(([a], [b]) => b - a)
    .flatMap(([, alike]) => {
      const nodes = [...Map.groupBy(alike, (entry) => entry.job.nodeId).values()];
      // Stryker disable next-line EqualityOperator: ids are unique, so two are never equal
      for (const jobs of nodes) jobs.sort((a, b) => size(b) - size(a) || (a.jobId < b.jobId ? -1 : 1));
      const rounds = nodes.reduce((most, jobs) => Math.max(most, jobs.length), 0);
      return Array.from({ length: rounds }, (_, round) => nodes.flatMap((jobs) => jobs[round] ?? [])).flat();
    });
}
