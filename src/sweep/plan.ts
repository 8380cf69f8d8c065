/**
 * @module The jobs to act on, cut into close requests and put in the order of the shortest sweep.
 *
 * A request is answered when its slowest job is closed, and close times differ by a factor of hundreds, mostly with
 * the size of the model that is written out. So jobs of like size share a request (or one big job would hold nineteen
 * small ones up), the biggest begin first (or one begun last would be all that is waited for), and each request
 * spreads over the nodes, which share their capacity among what they close.
 */

import type { Entry } from './closing/ledger.ts';
import { runs } from './inventory.ts';
import type { CloseBatch, JobId } from './job-id.ts';

/** Jobs that one close request names. */
export interface Batch {
  readonly entries: readonly [Entry, ...Entry[]];
  readonly force: boolean;
  /** Not before this moment, epoch milliseconds: a server that said "later" is asked later. */
  readonly notBefore?: number;
}

/**
 * Servers refuse request lines over 4,096 bytes. Method, path, parameters and version take 96 to 120; the rest of the
 * difference is for a base path of a proxy. A comma between ids travels as `%2C`.
 */
export const mostIdBytes = 3_000;
const separatorBytes = 3;

/** What one more id adds to a request line. */
export const idBytes = (entry: Entry): number => entry.jobId.length + separatorBytes;

/** Forced jobs first and each by itself, as they are done in a moment; then the graceful batches, biggest first. */
export function cutBatches(entries: readonly Entry[], mostJobs: number): Batch[] {
  const { stopping, quiet } = gracefulOrder(entries);
  return [...forcedBatches(entries), ...cut(stopping, mostJobs), ...cut(quiet, mostJobs)];
}

export function forcedBatches(entries: readonly Entry[]): Batch[] {
  return entries
    .filter(({ verdict }) => verdict.verdict === 'force')
    .map((entry) => ({ entries: [entry], force: true }));
}

/**
 * The jobs to close gracefully in the order in which they are asked. A datafeed that must stop first makes a request
 * take two phases, so those jobs (`stopping`) never share a request with the others.
 */
export function gracefulOrder(entries: readonly Entry[]): {
  readonly stopping: readonly Entry[];
  readonly quiet: readonly Entry[];
} {
  const graceful = entries.filter(({ verdict }) => verdict.verdict === 'close');
  const of = (stops: boolean) => spread(graceful.filter((entry) => runs(entry.job.datafeed) === stops));
  return { stopping: of(true), quiet: of(false) };
}

/** The concrete ids of a batch, or undefined when one of its jobs must not be named. */
export function closeBatch(entries: readonly Entry[]): CloseBatch | undefined {
  const ids: JobId[] = [];
  for (const { job } of entries) {
    if (job.target === undefined) return undefined;
    ids.push(job.target);
  }
  const [first, ...rest] = ids;
  return first === undefined ? undefined : [first, ...rest];
}

function cut(entries: readonly Entry[], mostJobs: number): Batch[] {
  const batches: Batch[] = [];
  let current: Entry[] = [];
  let bytes = 0;
  const flush = () => {
    const [first, ...rest] = current;
    if (first) batches.push({ entries: [first, ...rest], force: false });
    current = [];
    bytes = 0;
  };
  for (const entry of entries) {
    const cost = idBytes(entry);
    if (current.length === mostJobs || bytes + cost > mostIdBytes) flush();
    current.push(entry);
    bytes += cost;
  }
  flush();
  return batches;
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
