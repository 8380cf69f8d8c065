/**
 * @module The actual state of every job in the embedded cluster at one time, read from the simulator's internals, not
 * from its API.
 */
import type { SimulatedCluster } from '../simulator/index.ts';

/**
 * How a fault garbles a job's stats: `last_data_time` is invalid, `last_data_time` is missing although the job has
 * data, the state is unknown, or the job is listed twice.
 */
export type Garbling = 'wrong_types' | 'without_clock' | 'strange_state' | 'doubled_entry';

export interface TrueFeed {
  readonly datafeedId: string;
  readonly state: string;
  /** Whether the datafeed reads old data; undefined if it has no node or is still starting. */
  readonly readsPast: boolean | undefined;
}

export interface TrueJob {
  readonly jobId: string;
  readonly state: string;
  readonly node: string | undefined;
  readonly groups: readonly string[];
  readonly lastData: number | undefined;
  /** When the job's process started; undefined if the job has no process. */
  readonly opened: number | undefined;
  readonly customSettings: Readonly<Record<string, unknown>>;
  readonly managedSetting: unknown;
  readonly blocked: string | undefined;
  readonly forecasts: number;
  readonly feed: TrueFeed | undefined;
  readonly modelBytes: number;
  /** Whether the job is being deleted. The cluster answers 404 to reads of such a job's stats. */
  readonly hidden: boolean;
  /** How a fault garbled the job's stats in the answer to the sweep. The job itself is not affected. */
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
      node: job.task?.node?.name,
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
