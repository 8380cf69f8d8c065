/**
 * @module Records what a sweep did and saw, from three sides: its calls to the cluster port, the requests that the
 * server received, and the actual state of the cluster at each answer.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { EmbeddedElasticsearch, RecordedRequest } from '../simulator/index.ts';
import type { Clock } from '../src/base/clock.ts';
import type { CloseBatch, JobId } from '../src/sweep/planning/concrete-id.ts';
import type { CloseAnswer, CloseOptions, Cluster, FollowUpOrder, ReadLimits } from '../src/sweep/ports.ts';
import type { SweepReport } from '../src/sweep/reporting/report.ts';
import type { RequestPayload } from '../src/sweep/request/request-schema.ts';
import type { RandomCase } from './case.ts';
import { type Truth, truthOf } from './ground-truth.ts';

/** A request that took effect, with the actual state at that time. */
export interface Served {
  readonly at: number;
  readonly url: string;
  readonly authorization: string | undefined;
  /** Identifies the read that sent the request. */
  readonly read: string | undefined;
  readonly truth: Truth;
}

/**
 * Identifies the read that is sending requests. Two reads of the same job may overlap, so each request has a header
 * that identifies its read. Without the header, an answer could be attributed to the wrong read.
 */
const currentRead = new AsyncLocalStorage<string>();
const readHeader = 'x-proof-read';
let readsBegun = 0;
subscribe('http.client.request.created', (message) => {
  const read = currentRead.getStore();
  if (read !== undefined) (message as { request: ClientRequest }).request.setHeader(readHeader, read);
});

export type ReadKind = 'configs' | 'stats' | 'datafeeds';

/** One read by the sweep. Sequence numbers give all actions of one sweep their order. */
export interface Read {
  readonly kind: ReadKind;
  /**
   * The ids of the jobs or, in a read of datafeeds, of the datafeeds. Undefined for a read of all jobs or datafeeds.
   */
  readonly ids: readonly string[] | undefined;
  readonly begunSeq: number;
  readonly begunAt: number;
  endedSeq: number;
  endedAt: number;
  ok: boolean;
  /** The server's answers, each with the actual state at the time of the answer; the last answer comes first. */
  served: readonly Served[];
}

/** One close request from the sweep. */
export interface Close {
  readonly ids: readonly string[];
  readonly force: boolean;
  readonly timeoutMs: number;
  readonly begunSeq: number;
  readonly begunAt: number;
  endedSeq: number;
  endedAt: number;
  answer: CloseAnswer | undefined;
}

export interface ObservedSweep {
  readonly payload: RequestPayload;
  readonly sweepId: string;
  /** If this sweep carries out a plan: the sweep that made the plan. */
  readonly plan: ObservedSweep | undefined;
  /** Whether this sweep only makes a plan. */
  onlyPlans: boolean;
  /** The `Authorization` header, which identifies this sweep's requests in the server's log. */
  readonly authorization: string;
  readonly startedAt: number;
  readonly remainingMs: number;
  readonly skewMs: number;
  readonly histories: ReadonlyMap<string, { flapping?: boolean; lastActivity?: number }>;
  endedAt: number;
  stoppedAt: number | undefined;
  readonly reads: Read[];
  readonly closes: Close[];
  upgradeMode: boolean | undefined;
  /** When this sweep last read the state of upgrade mode. */
  upgradeReadAt: number | undefined;
  mayClose: boolean | undefined;
  /** When the last of the six initial reads succeeded; undefined if any of them failed. */
  foundAt: number | undefined;
  report: SweepReport | undefined;
  error: Error | undefined;
  /** The follow-ups that this sweep has scheduled. */
  readonly arranged: {
    readonly order: FollowUpOrder;
    readonly jobIds: readonly string[];
    /** The number of the call to the scheduler that scheduled this follow-up, counted across all sweeps. */
    readonly call: number;
  }[];
  /** The number of the call to the scheduler that read the pending follow-ups. */
  pendingCall: number | undefined;
  /** Jobs that had a pending follow-up when this sweep read the pending follow-ups. */
  pending: ReadonlySet<string>;
  /** The actual state before the sweep began. `after` is the state after the sweep ended. */
  readonly before: Truth;
  after: Truth;
}

export interface Observation {
  readonly case: RandomCase;
  readonly sweeps: readonly ObservedSweep[];
  readonly requests: readonly RecordedRequest[];
  /** The faults that affected a request. */
  readonly struck: readonly { readonly kind: string; readonly api: string }[];
  /** The outside actions that happened, with their times. */
  readonly done: readonly { readonly at: number; readonly kind: string; readonly jobId: string }[];
  /** Each job's states in order, each with its cause. */
  readonly history: ReadonlyMap<
    string,
    readonly { readonly at: number; readonly state: string; readonly cause: string }[]
  >;
  /** The id of every job that ever existed. */
  readonly jobIds: ReadonlySet<string>;
  readonly hung: boolean;
  /** How many requests arrived in the minutes after the last sweep ended. */
  readonly lingering: number;
  readonly secrets: readonly string[];
}

/** Records the actual state whenever a request takes effect. */
export class ServerLog {
  readonly served: Served[] = [];

  constructor(server: EmbeddedElasticsearch, clock: Clock) {
    const { security } = server.cluster;
    const authenticate = security.authenticate.bind(security);
    // Records the state during authentication, because the request reads or changes the cluster in the same turn of the
    // event loop.
    security.authenticate = (headers, url) => {
      const { authorization, [readHeader]: read } = headers;
      this.served.push({
        at: clock.now(),
        url,
        authorization,
        read: read?.toString(),
        truth: truthOf(server.cluster),
      });
      return authenticate(headers, url);
    };
  }
}

const paths: Record<ReadKind, RegExp> = {
  configs: /^\/_ml\/anomaly_detectors(?:\/([^/?]+))?(?:\?|$)/,
  stats: /^\/_ml\/anomaly_detectors(?:\/([^/?]+))?\/_stats(?:\?|$)/,
  datafeeds: /^\/_ml\/datafeeds(?:\/([^/?]+))?\/_stats(?:\?|$)/,
};

/** The ids that a request names; `all` for a listing, undefined for other requests. */
export function namedBy(kind: ReadKind, url: string): readonly string[] | 'all' | undefined {
  const match = paths[kind].exec(url);
  if (!match || match[1] === '_stats') return undefined;
  return match[1] === undefined ? 'all' : decodeURIComponent(match[1]).split(',');
}

/** Wraps the cluster port of a sweep and records every call. */
export class WatchedCluster implements Cluster {
  readonly #inner: Cluster;
  readonly #seen: ObservedSweep;
  readonly #clock: Clock;
  readonly #log: ServerLog;
  #seq = 0;
  #found = 0;

  constructor(inner: Cluster, seen: ObservedSweep, clock: Clock, log: ServerLog) {
    this.#inner = inner;
    this.#seen = seen;
    this.#clock = clock;
    this.#log = log;
    this.#seq = seen.reads.reduce((max, { endedSeq }) => Math.max(max, endedSeq), -1) + 1;
  }

  limitReads(limits: ReadLimits): void {
    this.#inner.limitReads?.(limits);
  }

  async identify(signal: AbortSignal) {
    return this.#first(await this.#inner.identify(signal));
  }

  async upgradeMode(signal: AbortSignal) {
    try {
      this.#seen.upgradeMode = await this.#inner.upgradeMode(signal);
      this.#seen.upgradeReadAt = this.#clock.now();
    } catch (error) {
      // A sweep that carries out a recent plan takes `foundAt` from the plan and repeats only the read of upgrade mode.
      // If that read fails, the sweep has no complete inventory.
      this.#seen.foundAt = undefined;
      throw error;
    }
    return this.#first(this.#seen.upgradeMode);
  }

  largestNodeProcessors() {
    return this.#inner.largestNodeProcessors();
  }

  async mayClose(signal: AbortSignal) {
    this.#seen.mayClose = await this.#inner.mayClose(signal);
    return this.#first(this.#seen.mayClose);
  }

  jobConfigs(signal: AbortSignal, ids?: readonly JobId[]) {
    return this.#read('configs', ids, () => this.#inner.jobConfigs(signal, ids));
  }

  jobStats(signal: AbortSignal, ids?: readonly JobId[]) {
    return this.#read('stats', ids, () => this.#inner.jobStats(signal, ids));
  }

  datafeedStats(signal: AbortSignal, ids?: readonly string[]) {
    return this.#read('datafeeds', ids, () => this.#inner.datafeedStats(signal, ids));
  }

  async close(batch: CloseBatch, options: CloseOptions): Promise<CloseAnswer> {
    const close: Close = {
      ids: [...batch],
      force: options.force,
      timeoutMs: options.timeoutMs,
      begunSeq: this.#seq++,
      begunAt: this.#clock.now(),
      endedSeq: Number.POSITIVE_INFINITY,
      endedAt: Number.POSITIVE_INFINITY,
      answer: undefined,
    };
    this.#seen.closes.push(close);
    try {
      close.answer = await this.#inner.close(batch, options);
      return close.answer;
    } finally {
      close.endedSeq = this.#seq++;
      close.endedAt = this.#clock.now();
    }
  }

  serverDate() {
    return this.#inner.serverDate?.();
  }

  warnings() {
    return this.#inner.warnings();
  }

  #first<T>(value: T): T {
    this.#found += 1;
    if (this.#found === 6) this.#seen.foundAt = this.#clock.now();
    return value;
  }

  async #read<T>(kind: ReadKind, ids: readonly string[] | undefined, run: () => Promise<T>): Promise<T> {
    const from = this.#log.served.length;
    const read: Read = {
      kind,
      ids: ids && [...ids],
      begunSeq: this.#seq++,
      begunAt: this.#clock.now(),
      endedSeq: Number.POSITIVE_INFINITY,
      endedAt: Number.POSITIVE_INFINITY,
      ok: false,
      served: [],
    };
    this.#seen.reads.push(read);
    const name = String(readsBegun++);
    try {
      const value = await currentRead.run(name, run);
      read.ok = true;
      return ids === undefined ? this.#first(value) : value;
    } finally {
      read.endedSeq = this.#seq++;
      read.endedAt = this.#clock.now();
      read.served = this.#log.served
        .slice(from)
        .filter((served) => served.read === name && namedBy(kind, served.url) !== undefined)
        .reverse();
    }
  }
}

/**
 * The answer to a read for one job or datafeed, with the actual state at the time of the answer; undefined if the read
 * did not include that job or datafeed.
 */
export function answerFor(read: Read, id: string): Served | undefined {
  return read.served.find(({ url }) => {
    const named = namedBy(read.kind, url);
    return named === 'all' || named?.includes(id);
  });
}

/** Among the reads of this kind, the last one that succeeded, included `id` and ended before `seq`. */
export function lastRead(
  seen: ObservedSweep,
  kind: ReadKind,
  id: string,
  seq = Number.POSITIVE_INFINITY,
): Read | undefined {
  return seen.reads.findLast(
    (read) =>
      read.kind === kind &&
      read.ok &&
      read.endedSeq < seq &&
      (read.ids === undefined || read.ids.includes(id)),
  );
}
