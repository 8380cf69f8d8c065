/**
 * @module Which jobs may be asked next: their order, the places on their nodes, and what fits into one request.
 *
 * Closes on one node share its capacity. Asked all at once, the biggest job gets a small part of it and ends last by far;
 * asked in fixed batches, capacity is unused until the slowest job of a batch is closed. So each node is kept at its
 * number of places, the biggest jobs first.
 */
import { runs } from '../planning/inventory.ts';
import type { CloseBatch, JobId } from '../planning/job-id.ts';
import type { SweepRequest } from '../request/request.ts';
import type { Entry, NodeLimit } from './ledger.ts';

/** A job that waits to be asked. */
export interface Waiting {
  readonly entry: Entry;
  readonly force: boolean;
  /** Only jobs of the same company share a request. */
  readonly company: symbol;
  /** Epoch milliseconds: a server that said "later" is asked later. */
  readonly notBefore: number;
}

/** What is known of the nodes' processors. */
export interface Nodes {
  /** By node id; undefined for a node whose stats do not include them. */
  readonly processors: ReadonlyMap<string, number | undefined>;
  /** Of the largest node, from `_ml/info`. */
  readonly largest: number | undefined;
}

/** Places on a node whose processors are unknown. */
const usualPlaces = 4;

/**
 * Servers refuse request lines over 4,096 bytes. Method, path, parameters and version take 96 to 120; the rest of the
 * difference is for a base path of a proxy. A comma between ids travels as `%2C`.
 */
const maxIdBytes = 3_000;
const separatorBytes = 3;

/** What one more id adds to a request line. */
const idBytes = (entry: Entry): number => entry.jobId.length + separatorBytes;

/** How many requests it takes to read these jobs by their ids, about. */
export const requestsToRead = (entries: readonly Entry[]): number =>
  Math.ceil(entries.reduce((sum, entry) => sum + idBytes(entry), 0) / maxIdBytes);

/**
 * The jobs to ask, first ones first. Forced jobs come first, each in a request of its own, because they are done in a
 * moment. A datafeed that must stop first makes a request take two phases, so those jobs never share one with others.
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

/** Jobs that may share a request. */
export function together(entries: readonly Entry[], how: Pick<Waiting, 'force' | 'notBefore'>): Waiting[] {
  const company = Symbol('company');
  return entries.map((entry) => ({ entry, company, ...how }));
}

/** The node whose place a job takes while it is asked: none when it is forced, or its node is unknown. */
export const nodeOf = ({ entry, force }: Waiting): string | undefined =>
  force ? undefined : entry.job.nodeId;

/** How many jobs of a node this sweep may have closing at once, and why; undefined until its processors were asked for. */
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
  const places = Math.max(1, Math.floor(known / 2));
  return { places, because: own === undefined ? 'largest_node' : 'own_node', processors: known };
}

/**
 * The first jobs that may be asked now, in one request; empty when there is none. `free` has the free places of each node
 * that has a limit.
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
    // break: per-node
    if (node !== undefined && used >= (free.get(node) ?? Number.POSITIVE_INFINITY)) continue;
    bytes += idBytes(each.entry);
    if (bytes > maxIdBytes) break;
    if (node !== undefined) taken.set(node, used + 1);
    batch.push(each);
  }
  return batch;
}

/** The first of each node that wait for a place there, so many of each. */
export function candidates(waiting: readonly Waiting[], ofEach: number): Entry[] {
  const graceful = waiting.filter((each) => nodeOf(each) !== undefined);
  return [...Map.groupBy(graceful, nodeOf).values()].flatMap((jobs) =>
    jobs.slice(0, ofEach).map(({ entry }) => entry),
  );
}

/** The concrete ids of a request, or undefined when one of its jobs must not be named. */
export function closeBatch(entries: readonly Entry[]): CloseBatch | undefined {
  const ids: JobId[] = [];
  for (const { job } of entries) {
    if (job.target === undefined) return undefined;
    ids.push(job.target);
  }
  const [first, ...rest] = ids;
  return first === undefined ? undefined : [first, ...rest];
}

/** Biggest first; among jobs within a factor of two, one node after the other. */
function spread(entries: readonly Entry[]): Entry[] {
  const size = (entry: Entry) => entry.job.modelBytes ?? 0;
  const magnitudes = Map.groupBy(entries, (entry) => Math.floor(Math.log2(size(entry) + 1)));
  return [...magnitudes.entries()]
    .sort(([a], [b]) => b - a)
    .flatMap(([, alike]) => {
      const nodes = [...Map.groupBy(alike, (entry) => entry.job.nodeId).values()];
      // Stryker disable next-line EqualityOperator: each id stands once, so none is equal to another
      for (const jobs of nodes) jobs.sort((a, b) => size(b) - size(a) || (a.jobId < b.jobId ? -1 : 1));
      const rounds = nodes.reduce((most, jobs) => Math.max(most, jobs.length), 0);
      return Array.from({ length: rounds }, (_, round) => nodes.flatMap((jobs) => jobs[round] ?? [])).flat();
    });
}
