/** @module When a job was open, from the messages of opens and closes. */
import type { Message } from './evidence.ts';
import { clockError, type Facts, longestClose, longestStart } from './facts.ts';

/** Messages that are too close together for their timestamps to show the order. */
export interface Cluster {
  readonly from: number;
  readonly to: number;
  readonly opens: readonly Message[];
  readonly closes: readonly Message[];
  readonly unclear: boolean;
}

const openKinds = new Set(['opening', 'loading']);
const closeKinds = new Set(['closing', 'forced']);
const unclearKinds = new Set(['killed', 'failed']);

export function clustersOf(messages: readonly Message[]): Cluster[] {
  const clusters: Message[][] = [];
  for (const message of messages) {
    const { kind, at } = message;
    if (!openKinds.has(kind) && !closeKinds.has(kind) && !unclearKinds.has(kind)) continue;
    const last = clusters.at(-1);
    const previous = last?.at(-1);
    const joins =
      previous &&
      (at - previous.at <= 2 * clockError ||
        // `loading` reports the process start that `opening` announced.
        (kind === 'loading' && previous.kind === 'opening' && at - previous.at <= longestStart));
    if (joins) last?.push(message);
    else clusters.push([message]);
  }
  return clusters.map((own) => ({
    from: (own[0] as Message).at,
    to: (own.at(-1) as Message).at,
    opens: own.filter(({ kind }) => openKinds.has(kind)),
    closes: own.filter(({ kind }) => closeKinds.has(kind)),
    unclear: own.some(({ kind }) => unclearKinds.has(kind)),
  }));
}

export type Openness = 'open' | 'closed' | undefined;

export interface StaysContext {
  /** No message after this time is missing. */
  readonly from: number;
  readonly asOf: number;
  /** Whether the messages include every open since the job was created. */
  readonly isBornInside: boolean;
  readonly nowIs: Openness;
}

const onlyCloses = (cluster: Cluster | undefined): boolean =>
  cluster !== undefined && cluster.closes.length > 0 && cluster.opens.length === 0;

/**
 * Whether the job was open between two groups of messages. `cluster` is undefined for the time before the first
 * message.
 */
function opennessBetween(
  cluster: Cluster | undefined,
  next: Cluster | undefined,
  { isBornInside, nowIs }: StaysContext,
): Openness {
  if (cluster === undefined) {
    if (next === undefined) return nowIs;
    if (isBornInside) return onlyCloses(next) ? undefined : 'closed';
    return onlyCloses(next) ? 'open' : undefined;
  }
  if (cluster.unclear) return undefined;
  if (cluster.closes.length === 0) return 'open';
  // A second close without an open in between: a message is missing.
  if (cluster.opens.length === 0) return onlyCloses(next) ? undefined : 'closed';
  if (next === undefined) return nowIs;
  return onlyCloses(next) ? 'open' : undefined;
}

/** Adds to `facts` what these groups of messages prove. Returns whether the job was open after the last group. */
export function readStays(facts: Facts, clusters: readonly Cluster[], context: StaysContext): Openness {
  const { from, asOf } = context;
  let openness: Openness;
  let closedAt: number | undefined;
  for (let index = -1; index < clusters.length; index += 1) {
    const cluster = clusters[index];
    const next = clusters[index + 1];
    openness = opennessBetween(cluster, next, context);
    const begin = cluster ? readCluster(facts, cluster, next?.to ?? asOf, asOf) : from;
    if (cluster) closedAt = readReopening(facts, cluster, openness, closedAt);
    const end = next ? next.from - clockError : asOf;
    if (begin > end) continue;
    if (openness === 'open') {
      facts.open.push({ from: begin, to: end });
      facts.noStart.push({ from: begin, to: end });
    }
    if (openness === 'closed') facts.notOpen.push({ from: begin, to: end });
  }
  return openness;
}

/**
 * Adds the process start and the close that one group of messages reports. Returns the time from which the job's new
 * state is certain.
 */
function readCluster(facts: Facts, cluster: Cluster, closedBy: number, asOf: number): number {
  const { from, to, opens, closes } = cluster;
  const isLoaded = opens.some(({ kind }) => kind === 'loading');
  const begunBy = to + (opens.length > 0 && !isLoaded ? longestStart : clockError);
  if (opens.length > 0) facts.starts.push({ from: from - clockError, to: Math.min(begunBy, asOf) });
  if (closes.length === 0) return begunBy;
  facts.closes.push({ from: from - clockError, to: Math.min(to + longestClose, closedBy) });
  return Math.max(begunBy, to + longestClose);
}

/**
 * Adds a reopening, if these messages complete one. Returns when the job was last closed, or undefined if it has been
 * opened since.
 */
function readReopening(
  facts: Facts,
  { opens, closes }: Cluster,
  openness: Openness,
  closedAt: number | undefined,
): number | undefined {
  const lastClose = closes.at(-1);
  const lastOpen = opens.at(-1);
  let since = closedAt;
  if (lastOpen && since !== undefined) {
    facts.reopened.push({ closedAt: since, openedAt: lastOpen.at });
    since = undefined;
  } else if (lastOpen && lastClose) facts.reopened.push({ closedAt: lastClose.at, openedAt: lastOpen.at });
  return lastClose && (!lastOpen || openness === 'closed') ? lastClose.at : since;
}
