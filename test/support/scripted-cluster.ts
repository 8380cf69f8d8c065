/**
 * @module A cluster in memory. The test decides the content and the time of every answer, so that tests can check
 * closing to the millisecond without a server. The cluster logs each request as one line.
 */
import type { Clock } from '../../src/base/clock.ts';
import type { JobSnapshot } from '../../src/sweep/planning/inventory.ts';
import type { CloseAnswer, CloseOptions, Cluster } from '../../src/sweep/ports.ts';

type ReadKind = 'configs' | 'stats' | 'feeds';

/** A read that has not been answered yet. */
export interface Read {
  readonly kind: ReadKind;
  readonly ids: readonly string[];
  /** The number of this read among the reads of its kind, from 1. */
  readonly nth: number;
  readonly signal: AbortSignal;
}

/** A close request that has not been answered yet. */
export interface Close extends CloseOptions {
  readonly ids: readonly string[];
  /** The number of this request among the close requests, from 1. */
  readonly nth: number;
}

export interface Script {
  /** The jobs that the cluster has at the start. */
  readonly jobs: readonly JobSnapshot[];
  /** Processors by node. Job stats that are read by id include them. */
  readonly processors?: Readonly<Record<string, number>> | undefined;
  readonly largestNode?: number | undefined;
  /** Called before a read is answered with the current state. The callback may change jobs, take time, or throw. */
  readonly onRead?: ((read: Read, cluster: ScriptedCluster) => void | Promise<void>) | undefined;
  /**
   * Decides the effect of a close request and its answer. By default, the jobs are closed after a second and the
   * request is acknowledged.
   */
  readonly onClose?:
    | ((close: Close, cluster: ScriptedCluster) => CloseAnswer | Promise<CloseAnswer>)
    | undefined;
  /** Called when a test sends far more requests than intended, so that the test does not run forever. */
  readonly tooMany: () => void;
}

const maxRequests = 100;

export class ScriptedCluster implements Cluster {
  readonly #clock: Clock;
  readonly #script: Script;
  readonly #start: number;
  readonly #jobs: Map<string, JobSnapshot>;
  readonly #counts = { configs: 0, stats: 0, feeds: 0 };
  /**
   * Each request as `<milliseconds since the start> <kind> <ids>`. The kind is `close` or `force` for a close request.
   */
  readonly log: string[] = [];
  readonly closes: Close[] = [];

  constructor(clock: Clock, script: Script) {
    this.#clock = clock;
    this.#script = script;
    this.#start = clock.now();
    this.#jobs = new Map(script.jobs.map((job) => [job.jobId, job]));
  }

  /** Changes the state of a job. Only an open job has a process and a process start time. */
  becomes(jobId: string, state: string, changes: Partial<JobSnapshot> = {}): void {
    const job = this.#jobs.get(jobId);
    if (!job) throw new Error(`there is no job ${jobId}`);
    const openedAt = state.startsWith('open') ? job.openedAt : undefined;
    this.#jobs.set(jobId, { ...job, reportedState: state, openedAt, ...changes });
  }

  remove(jobId: string): void {
    this.#jobs.delete(jobId);
  }

  async jobConfigs(signal: AbortSignal, ids: readonly string[] = []) {
    const jobs = await this.#read('configs', ids, signal);
    return jobs.map(({ jobId, groups, blocked, managed, datafeed }) => {
      return { jobId, groups, blocked, managed, datafeedId: datafeed?.datafeedId };
    });
  }

  async jobStats(signal: AbortSignal, ids: readonly string[] = []) {
    const jobs = await this.#read('stats', ids, signal);
    const now = this.#clock.now();
    return jobs.map(
      ({ jobId, reportedState, openedAt, lastDataTime, modelBytes, nodeId, runningForecasts }) => {
        const openForMs = openedAt === undefined ? undefined : now - openedAt;
        const nodeProcessors = this.#script.processors?.[nodeId ?? ''];
        return {
          jobId,
          state: reportedState,
          openForMs,
          lastDataTime,
          modelBytes,
          nodeId,
          nodeProcessors,
          runningForecasts,
        };
      },
    );
  }

  async datafeedStats(signal: AbortSignal, ids: readonly string[] = []) {
    await this.#read('feeds', ids, signal);
    return [...this.#jobs.values()].flatMap(({ jobId, datafeed }) =>
      datafeed && ids.includes(datafeed.datafeedId) ? [{ jobId, ...datafeed }] : [],
    );
  }

  async close(ids: readonly string[], options: CloseOptions): Promise<CloseAnswer> {
    const close = { ...options, ids, nth: this.closes.length + 1 };
    this.closes.push(close);
    this.#write(options.force ? 'force' : 'close', ids);
    if (this.#script.onClose) return this.#script.onClose(close, this);
    return this.closesAfter(1_000, ids);
  }

  /** The jobs become `closing` immediately and `closed` after `ms`. Then the request is acknowledged. */
  async closesAfter(ms: number, ids: readonly string[]): Promise<CloseAnswer> {
    for (const id of ids) this.becomes(id, 'closing');
    await this.#clock.sleep(ms);
    for (const id of ids) this.becomes(id, 'closed');
    return { kind: 'acknowledged' };
  }

  identify = () => Promise.resolve({ id: 'scripted', version: null });
  upgradeMode = () => Promise.resolve(false);
  mayClose = () => Promise.resolve(true);
  warnings = () => [];
  largestNodeProcessors = (): number | undefined => this.#script.largestNode;

  async #read(kind: ReadKind, ids: readonly string[], signal: AbortSignal): Promise<JobSnapshot[]> {
    if (ids.length === 0) return [];
    this.#write(kind, ids);
    this.#counts[kind] += 1;
    await this.#script.onRead?.({ kind, ids, nth: this.#counts[kind], signal }, this);
    return ids.flatMap((id) => this.#jobs.get(id) ?? []);
  }

  #write(what: string, ids: readonly string[]): void {
    this.log.push(`${this.#clock.now() - this.#start} ${what} ${ids.join(' ')}`);
    if (this.log.length === maxRequests) this.#script.tooMany();
  }
}
