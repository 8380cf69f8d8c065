/**
 * @module A cluster of a few jobs in memory, for tests of a whole sweep without a server. Reads take no time; closes
 * do.
 */

import type { VirtualClock } from '../../simulator/index.ts';
import type { CloseBatch } from '../../src/sweep/planning/concrete-id.ts';
import type {
  CloseAnswer,
  CloseOptions,
  Cluster,
  DatafeedStats,
  JobConfig,
  JobStats,
} from '../../src/sweep/ports.ts';
import { day } from './jobs.ts';

/**
 * By default, an idle job that was opened 30 days ago and got its last data five days ago. Times are in milliseconds.
 */
export interface SmallJob {
  readonly jobId: string;
  readonly state?: string;
  readonly groups?: readonly string[];
  /** Age of the last data; null means that the job never had data. */
  readonly lastData?: number | null;
  readonly openFor?: number;
  readonly modelBytes?: number;
  readonly protection?: unknown;
  /** The state of the job's datafeed; undefined if the job has none. */
  readonly feed?: string;
  readonly closeTakes?: number;
}

export class SmallCluster implements Cluster {
  /** The ids of each close request, with `force` in front if it was forced. */
  readonly closes: string[] = [];
  readonly #clock: VirtualClock;
  readonly #startedAt: number;
  readonly #jobs: readonly SmallJob[];
  readonly #closedAt = new Map<string, number>();

  /** `changes` replaces methods of the cluster. */
  constructor(clock: VirtualClock, jobs: readonly SmallJob[], changes: Partial<Cluster> = {}) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#jobs = jobs;
    Object.assign(this, changes);
  }

  async identify() {
    return { id: 'uuid-1', version: '9.2.1' };
  }

  async upgradeMode(): Promise<boolean | undefined> {
    return false;
  }

  largestNodeProcessors(): number | undefined {
    return undefined;
  }

  async mayClose(): Promise<boolean | undefined> {
    return true;
  }

  async jobConfigs(_signal: AbortSignal, ids?: readonly string[]): Promise<readonly JobConfig[]> {
    return this.#named(ids).map(({ jobId, groups = [], protection, feed }) => ({
      jobId,
      groups,
      ...(protection !== undefined && { protection: { jobsweep: protection } }),
      ...(feed !== undefined && { datafeedId: `feed-${jobId}` }),
    }));
  }

  async jobStats(_signal: AbortSignal, ids?: readonly string[]): Promise<readonly JobStats[]> {
    return this.#named(ids).map((job) => {
      const { jobId, lastData = 5 * day, openFor = 30 * day, modelBytes = 1_000_000 } = job;
      const state = this.#stateOf(job);
      const passed = this.#clock.now() - this.#startedAt;
      return {
        jobId,
        state,
        modelBytes,
        runningForecasts: 0,
        ...(state === 'opened' && { nodeId: 'node-a', openForMs: openFor + passed }),
        ...(lastData !== null && { lastDataTime: this.#startedAt - lastData }),
      };
    });
  }

  async datafeedStats(_signal: AbortSignal, ids?: readonly string[]): Promise<readonly DatafeedStats[]> {
    return this.#jobs.flatMap(({ jobId, feed }): DatafeedStats[] => {
      const datafeedId = `feed-${jobId}`;
      if (feed === undefined || (ids && !ids.includes(datafeedId))) return [];
      return [{ datafeedId, jobId, state: feed, lookback: 'done' }];
    });
  }

  async close(batch: CloseBatch, { force, timeoutMs, signal }: CloseOptions): Promise<CloseAnswer> {
    this.closes.push([...(force ? ['force'] : []), ...batch].join(' '));
    const takes = this.#named(batch).map(({ closeTakes = 0 }) => closeTakes);
    for (const [index, jobId] of batch.entries())
      this.#closedAt.set(jobId, this.#clock.now() + (force ? 0 : (takes[index] ?? 0)));
    const longest = force ? 0 : Math.max(...takes);
    try {
      await this.#clock.sleep(Math.min(longest, timeoutMs), signal);
    } catch {
      return { kind: 'lost', reason: 'the client stopped waiting' };
    }
    if (longest <= timeoutMs) return { kind: 'acknowledged' };
    return { kind: 'timed_out', error: { status: 408, type: 'timeout', reason: 'it takes longer' } };
  }

  warnings(): readonly string[] {
    return [];
  }

  #named(ids: readonly string[] | undefined): SmallJob[] {
    return this.#jobs.filter(({ jobId }) => ids?.includes(jobId) ?? true);
  }

  #stateOf({ jobId, state = 'opened' }: SmallJob): string {
    const closedAt = this.#closedAt.get(jobId);
    if (closedAt === undefined) return state;
    return this.#clock.now() >= closedAt ? 'closed' : 'closing';
  }
}
