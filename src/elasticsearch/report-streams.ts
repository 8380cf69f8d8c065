/**
 * @module Writes the documents of a report into data streams. Every document has a fixed id and is only created, never
 * updated, so that a repeated write does not add it twice. Nothing here throws: the result of a sweep does not depend
 * on its report being stored.
 */
import type { Clock } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';
import { plainJson, plural, printable } from '../base/text.ts';
import type { StreamDocument } from '../sweep/reporting/stream-documents.ts';
import { streamPattern, writePrivileges } from '../sweep/reporting/stream-names.ts';
import { UnreadableAnswer } from './answers.ts';
import type { Connection } from './connection.ts';
import { type Failure, lacksPrivilege } from './failure.ts';
import { Reader } from './retry-reads.ts';
import { Wire } from './wire.ts';

/** Limits of one `_bulk` request. Elasticsearch accepts up to 100 MB, but many proxies and small nodes do not. */
const maxBytes = 1_000_000;
const maxDocuments = 500;
/** How many times a rejected document is sent, including the first time. Each pause is twice as long as the last. */
const maxRounds = 4;
const firstPause = 500;
const maxReason = 300;

export interface Stored {
  /** Documents that this call created. */
  readonly created: number;
  /** Documents that existed already, from an earlier delivery of the same event. */
  readonly existed: number;
  /** Why some documents were not stored; undefined if all were. */
  readonly problem?: string | undefined;
  /** Whether another request to this cluster would fail as well. */
  readonly isHopeless?: boolean;
}

/** The server's result for one document. */
interface Item {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

interface StoreContext {
  readonly until: number;
  readonly signal: AbortSignal;
  readonly tally: Tally;
}

type Batch = readonly (StreamDocument & { readonly text: string })[];

export class ReportStreams implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #stop: AbortSignal | undefined;

  constructor(connection: Connection, clock: Clock, stop: AbortSignal | undefined) {
    this.#wire = new Wire(connection);
    this.#stop = stop;
    this.#reader = new Reader(this.#wire, clock);
    this.#clock = clock;
  }

  /** Stores the documents in one data stream, in their order. Stops when the time is up. */
  async store(
    stream: string,
    documents: Iterable<StreamDocument>,
    { total, limitMs }: { readonly total: number; readonly limitMs: number },
  ): Promise<Stored> {
    const until = this.#clock.now() + limitMs;
    using limit = this.#clock.limit(limitMs);
    this.#reader.limit({ until });
    const signal = AbortSignal.any([limit.signal, ...(this.#stop ? [this.#stop] : [])]);
    const tally = new Tally(total);
    for (const batch of batchesOf(documents)) {
      const failure = await this.#storeHalving(stream, batch, { until, signal, tally });
      if (!failure) continue;
      const isHopeless = failure.kind === 'lost' || failure.kind === 'not_elasticsearch';
      return { ...tally.result(stream), isHopeless };
    }
    return tally.result(stream);
  }

  /**
   * Stores one batch, and splits the batch if it is too large. Returns the failure of a request if other batches would
   * fail in the same way.
   */
  async #storeHalving(stream: string, whole: Batch, context: StoreContext): Promise<Failure | undefined> {
    const queue = [whole];
    for (let batch = queue.shift(); batch; batch = queue.shift()) {
      const failure = await this.#storeBatch(stream, batch, context);
      if (!failure) continue;
      if (isTooLarge(failure) && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        queue.unshift(batch.slice(0, half), batch.slice(half));
        continue;
      }
      context.tally.fail(batch.length, reasonOf(failure));
      if (!isTooLarge(failure)) return failure;
    }
    return undefined;
  }

  /** Stores one batch, and sends rejected documents again. Returns the failure if a whole request fails. */
  async #storeBatch(
    stream: string,
    batch: Batch,
    { until, signal, tally }: StoreContext,
  ): Promise<Failure | undefined> {
    let rest = batch;
    for (let round = 1; ; round += 1) {
      const reading = await this.#reader.read(
        {
          method: 'POST',
          path: `/${stream}/_bulk`,
          query: {
            filter_path:
              'error,status,items.*.status,items.*.error.type,items.*.error.reason,items.*.failure_store',
          },
          body: rest.map(({ text }) => text).join(''),
        },
        (body) => itemsOf(body, rest.length),
        signal,
      );
      if ('failure' in reading) return reading.failure;
      const rejected: Batch = rest.filter((_document, index) => isRejected(reading.value[index]));
      for (const [index, item] of reading.value.entries())
        if (!isRejected(item)) tally.add(item, rest[index]);
      if (rejected.length === 0) return undefined;
      const pause = firstPause * 2 ** (round - 1);
      if (round >= maxRounds || this.#clock.now() + pause >= until || !(await this.#slept(pause, signal))) {
        for (const item of reading.value.filter(isRejected)) tally.add(item, undefined);
        return undefined;
      }
      rest = rejected;
    }
  }

  async #slept(ms: number, signal: AbortSignal): Promise<boolean> {
    return await this.#clock.sleep(ms, signal).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire.close();
  }
}

/** Counts what became of the documents, and remembers the first reason of each kind of error. */
class Tally {
  readonly #total: number;
  readonly #reasons = new Map<string, { count: number; readonly reason: string }>();
  #created = 0;
  #existed = 0;

  constructor(total: number) {
    this.#total = total;
  }

  add({ status, type, reason }: Item, document: StreamDocument | undefined): void {
    if (status === 201) this.#created += 1;
    else if (status === 409) this.#existed += 1;
    else this.fail(1, `${status} ${type}: ${reason}${document ? ` (${printable(document.id)})` : ''}`, type);
  }

  fail(count: number, reason: string, kind = reason): void {
    const known = this.#reasons.get(kind);
    if (known) known.count += count;
    else this.#reasons.set(kind, { count, reason });
  }

  result(stream: string): Stored {
    const counts = { created: this.#created, existed: this.#existed };
    const missing = this.#total - this.#created - this.#existed;
    if (missing === 0) return counts;
    const reasons = [...this.#reasons.values()].map(({ reason }) => reason).slice(0, 3);
    const why = reasons.length > 0 ? reasons.join('; ') : 'the time ran out';
    return {
      ...counts,
      problem: `${missing} of ${plural(this.#total, 'document')} could not be written to ${stream}: ${why}`,
    };
  }
}

function* batchesOf(documents: Iterable<StreamDocument>): Generator<Batch> {
  let batch: (StreamDocument & { readonly text: string })[] = [];
  let bytes = 0;
  for (const document of documents) {
    const text = `${plainJson({ create: { _id: document.id } })}\n${plainJson(document.source)}\n`;
    const size = Buffer.byteLength(text);
    if (batch.length > 0 && (batch.length >= maxDocuments || bytes + size > maxBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push({ ...document, text });
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Whether a second try may succeed: a node whose queue is full, or that is recovering, may accept the document a moment
 * later.
 */
const isRejected = (item: Item | undefined): boolean => item?.status === 429 || item?.status === 503;

const isTooLarge = (failure: Failure): boolean => 'error' in failure && failure.error.status === 413;

function itemsOf(body: unknown, expected: number): Item[] {
  const items = isJsonObject(body) ? body.items : undefined;
  if (!Array.isArray(items) || items.length !== expected)
    throw new UnreadableAnswer('it does not have one item per document');
  return items.map((item: unknown) => {
    const create = isJsonObject(item) ? item.create : undefined;
    if (!isJsonObject(create) || typeof create.status !== 'number')
      throw new UnreadableAnswer('an item has no status');
    const error = isJsonObject(create.error) ? create.error : {};
    // The cluster moves a document that does not fit the mapping to the failure store. Searches do not find it there.
    if (create.failure_store === 'used')
      return { status: 400, type: 'failure_store', reason: 'the cluster put it into the failure store' };
    return { status: create.status, type: shown(error.type), reason: shown(error.reason) };
  });
}

const shown = (text: unknown): string => printable(typeof text === 'string' ? text : '').slice(0, maxReason);

function reasonOf(failure: Failure): string {
  const advice = lacksPrivilege(failure)
    ? `. The key needs ${writePrivileges.join(' and ')} on ${streamPattern}; jobsweep doctor prints the request`
    : '';
  if ('error' in failure) {
    const { status, type, reason } = failure.error;
    return `${status} ${type}: ${reason.slice(0, maxReason)}${advice}`;
  }
  return failure.kind === 'ended' ? 'the time ran out' : failure.reason;
}
