/** @module What is true of every job of the embedded cluster at one moment, read from its state and not from its API. */
import type { SimulatedCluster } from '../simulator/elasticsearch/index.ts';

/** Of a job's stats: its clock is no number or missing beside counted data, its state is none, it stands there twice. */
export type Garbling = 'wrong_types' | 'without_clock' | 'strange_state' | 'doubled_entry';

export interface TrueFeed {
  readonly datafeedId: string;
  readonly state: string;
  /** Whether it reads the past; undefined when it runs nowhere, or has only begun to start. */
  readonly readsPast: boolean | undefined;
}

export interface TrueJob {
  readonly jobId: string;
  readonly state: string;
  readonly groups: readonly string[];
  readonly lastData: number | undefined;
  /** When its process started; undefined when none runs. */
  readonly opened: number | undefined;
  readonly customSettings: Readonly<Record<string, unknown>>;
  readonly managedSetting: unknown;
  readonly blocked: string | undefined;
  readonly forecasts: number;
  readonly feed: TrueFeed | undefined;
  readonly modelBytes: number;
  /** Asked for its stats, the server says that it does not exist: its deletion is under way. */
  readonly hidden: boolean;
  /** How what an answer said of it was garbled on the way (by a fault, not by the cluster). */
  readonly garbled?: Garbling;
}

export type Truth = ReadonlyMap<string, TrueJob>;

export function truthOf({ cluster }: SimulatedCluster): Truth {
  const truth = new Map<string, TrueJob>();
  for (const job of cluster.jobs.values()) {
    cluster.settle(job);
    const settings = (job.config.custom_settings ?? {}) as Record<string, unknown>;
    const feed = cluster.datafeedOf(job.id);
    truth.set(job.id, {
      jobId: job.id,
      state: job.task?.state ?? 'closed',
      groups: job.traits.groups,
      lastData: job.counts.lastData,
      opened: job.task?.process?.startedAt,
      customSettings: settings,
      managedSetting: settings.managed,
      blocked: job.blocked?.reason,
      forecasts: job.forecasts.filter(({ state }) => state === 'started' || state === 'scheduled').length,
      feed: feed && {
        datafeedId: feed.id,
        state: feed.task?.state ?? 'stopped',
        readsPast:
          feed.task?.node && feed.task.state !== 'starting'
            ? feed.task.end !== undefined || feed.task.lookback !== undefined
            : undefined,
      },
      modelBytes: job.modelBytes,
      hidden: job.blocked?.reason === 'delete',
    });
  }
  return truth;
}
