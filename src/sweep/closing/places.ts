/**
 * @module Places on the nodes: with `close.perNode`, so many jobs of a node close side by side and no more.
 *
 * What closes on one node shares its capacity. Asked for all at once, the biggest job gets a small part of it and ends
 * last by far; asked for in fixed batches, places stand empty until the slowest job of a batch is done. So each node is
 * kept at its number of places: the biggest jobs first, and whenever some are seen closed, the next.
 */

import { type Batch, gracefulOrder, idBytes, mostIdBytes } from '../plan.ts';
import type { Entry } from './ledger.ts';

interface Waiting {
  readonly entry: Entry;
  readonly rank: number;
  readonly stops: boolean;
}

export class Places {
  readonly #perNode: number;
  readonly #mostJobs: number;
  /** By node, the first to be asked at the end. Jobs whose node the cluster does not tell count as of one node. */
  readonly #waiting: Map<string | undefined, Waiting[]>;
  readonly #running = new Map<Entry, string | undefined>();
  readonly #taken = new Map<string | undefined, number>();

  /** `perNode` places on each node, and at most `mostJobs` jobs in one request. */
  constructor(entries: readonly Entry[], perNode: number, mostJobs: number) {
    this.#perNode = perNode;
    this.#mostJobs = mostJobs;
    const { stopping, quiet } = gracefulOrder(entries);
    const stops = new Set(stopping);
    const waiting = [...stopping, ...quiet].map((entry, rank): Waiting => {
      return { entry, rank, stops: stops.has(entry) };
    });
    this.#waiting = Map.groupBy(waiting.reverse(), ({ entry }) => entry.job.nodeId);
  }

  /** Whether jobs are left that were not yet given out. */
  get someWait(): boolean {
    return this.#waiting.size > 0;
  }

  /** The jobs that hold a place. */
  get running(): Iterable<Entry> {
    return this.#running.keys();
  }

  /** The jobs that are next if so many places get free on each node; all of its places, if not said. */
  candidates(places: number = this.#perNode): Entry[] {
    return [...this.#waiting.values()].flatMap((list) => list.slice(-places).map(({ entry }) => entry));
  }

  /** The next batch that the free places allow; its jobs hold them until `leave`. */
  take(): Batch | undefined {
    const [first, ...rest] = this.#fitting();
    return first && { entries: [first, ...rest], force: false };
  }

  /** Everything that still waits, places or not. */
  takeAll(): Entry[] {
    const all = [...this.#waiting.values()].flatMap((list) => list.map(({ entry }) => entry));
    this.#waiting.clear();
    return all;
  }

  /** The job is closed, or its request has ended: its place is free. */
  leave(entry: Entry): void {
    if (!this.#running.has(entry)) return;
    const node = this.#running.get(entry);
    this.#running.delete(entry);
    this.#taken.set(node, (this.#taken.get(node) ?? 0) - 1);
  }

  /** As `leave`, for every job of which `over` holds. */
  leaveWhere(over: (entry: Entry) => boolean): void {
    for (const entry of this.#running.keys()) if (over(entry)) this.leave(entry);
  }

  #fitting(): Entry[] {
    const batch: Entry[] = [];
    let bytes = 0;
    let stops: boolean | undefined;
    while (batch.length < this.#mostJobs) {
      const next = this.#firstWithPlace(stops);
      if (!next || bytes + idBytes(next.entry) > mostIdBytes) break;
      stops = next.stops;
      bytes += idBytes(next.entry);
      batch.push(this.#seat(next));
    }
    return batch;
  }

  /** Among the first of each node that has a place, the one whose turn it is; of one kind only, if `stops` says which. */
  #firstWithPlace(stops: boolean | undefined): Waiting | undefined {
    let first: Waiting | undefined;
    for (const [node, list] of this.#waiting) {
      const head = list.at(-1);
      if (!head || (this.#taken.get(node) ?? 0) >= this.#perNode) continue;
      if (stops !== undefined && head.stops !== stops) continue;
      // Stryker disable next-line EqualityOperator: no two have the same rank
      if (!first || head.rank < first.rank) first = head;
    }
    return first;
  }

  #seat({ entry }: Waiting): Entry {
    const node = entry.job.nodeId;
    const list = this.#waiting.get(node) as Waiting[];
    list.pop();
    if (list.length === 0) this.#waiting.delete(node);
    this.#running.set(entry, node);
    this.#taken.set(node, (this.#taken.get(node) ?? 0) + 1);
    return entry;
  }
}
