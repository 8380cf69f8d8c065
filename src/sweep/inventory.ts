/**
 * @module Cluster answers joined into one snapshot per job, and the ids that a close request may name.
 * Which field means what: docs/behaviour.md.
 */
import { concreteId, isId, type JobId } from './job-id.ts';
import type { DatafeedStats, JobConfig, JobStats } from './ports.ts';
import { type Protection, readProtection } from './protection.ts';
import { type JobState, jobStates } from './vocabulary.ts';

export interface DatafeedSnapshot {
  readonly datafeedId: string;
  readonly state: string;
  readonly lookback: DatafeedStats['lookback'];
}

/** One job as the cluster told it at one moment. */
export interface JobSnapshot {
  readonly jobId: string;
  /** The id as a close may name it; undefined when the job must not be named. */
  readonly target: JobId | undefined;
  /** As the cluster said it; `unknown` when no stats came. */
  readonly reportedState: string;
  /** Undefined: not to be touched. A state that is not known, config or stats missing, doubled or unreadable. */
  readonly state: JobState | undefined;
  readonly groups: readonly string[];
  readonly nodeId?: string | undefined;
  readonly nodeName?: string | undefined;
  /** When its process started on its present node; epoch milliseconds, exact to a second and never too early. */
  readonly openedAt?: number | undefined;
  /** When data last arrived, accepted or not; the node's wall clock, epoch milliseconds. */
  readonly lastDataTime?: number | undefined;
  readonly latestRecordTime?: number | undefined;
  readonly modelBytes?: number | undefined;
  readonly runningForecasts: number;
  readonly blocked?: string | undefined;
  readonly protection: Protection;
  readonly managed: boolean;
  readonly datafeed?: DatafeedSnapshot | undefined;
}

/** What the three reads of one moment returned. */
export interface ClusterAnswers {
  readonly configs: readonly JobConfig[];
  readonly stats: readonly JobStats[];
  readonly datafeeds: readonly DatafeedStats[];
  /** When the reads ended, epoch milliseconds: ages are counted back from here. */
  readonly readAt: number;
}

/** Joins the answers into one snapshot per job id, in the order of ids. */
export function joinInventory(answers: ClusterAnswers): JobSnapshot[] {
  const { readAt } = answers;
  const configs = Map.groupBy(answers.configs, (config) => config.jobId);
  const stats = Map.groupBy(answers.stats, (entry) => entry.jobId);
  const datafeeds = Map.groupBy(answers.datafeeds, (datafeed) => datafeed.jobId);
  const groups = new Set(answers.configs.flatMap((config) => config.groups));
  const ids = [...new Set([...configs.keys(), ...stats.keys()])].sort();
  return ids.map((jobId) => {
    const [config, ...otherConfigs] = configs.get(jobId) ?? [];
    const [stat, ...otherStats] = stats.get(jobId) ?? [];
    // break: concrete-id
    const target = concreteId(jobId, groups);
    const claims = datafeeds.get(jobId) ?? [];
    // Two entries for one id contradict each other; whichever were believed, the other could be the true one.
    const whole =
      config !== undefined &&
      stat !== undefined &&
      otherConfigs.length === 0 &&
      // break: doubled-stats
      otherStats.length === 0 &&
      target !== undefined &&
      !config.unreadable &&
      // break: unreadable-stats
      !stat.unreadable &&
      hasItsDatafeed(config, claims);
    const reportedState = stat ? stat.state : 'unknown';
    return {
      jobId,
      target,
      reportedState,
      state:
        whole || reportedState === 'closed' ? jobStates.find((state) => state === reportedState) : undefined,
      groups: config?.groups ?? [],
      nodeId: stat?.nodeId,
      nodeName: stat?.nodeName,
      // The server counts whole seconds and the answer took a while: both make this later than true, never earlier.
      openedAt: stat?.openForMs === undefined ? undefined : readAt - stat.openForMs,
      // break: last-data
      lastDataTime: stat?.lastDataTime,
      latestRecordTime: stat?.latestRecordTime,
      modelBytes: stat?.modelBytes,
      runningForecasts: stat?.runningForecasts ?? 0,
      blocked: config?.blocked,
      protection: readProtection(config?.protection),
      // Anything but an explicit no counts: closing an app's job behind its back is worse than leaving it open.
      managed: config?.managed !== undefined && config.managed !== null && config.managed !== false,
      datafeed: datafeedOf(claims),
    };
  });
}

/**
 * A config that names a datafeed which feeds nobody or somebody else: of the two answers one is wrong, and it may run. One
 * whose id no datafeed can have could not be read again.
 */
const hasItsDatafeed = (config: JobConfig, claims: readonly DatafeedStats[]): boolean =>
  claims.every(({ datafeedId }) => isId(datafeedId)) &&
  (config.datafeedId === undefined || claims.some(({ datafeedId }) => datafeedId === config.datafeedId));

/** A job has at most one datafeed; of several that claim it, the busiest is believed. */
function datafeedOf(claims: readonly DatafeedStats[]): DatafeedSnapshot | undefined {
  return claims.find(({ state }) => state !== 'stopped') ?? claims[0];
}

/** Whether a datafeed may still fetch data. An unknown state counts as running. */
export function runs(datafeed: DatafeedSnapshot | undefined): datafeed is DatafeedSnapshot {
  return datafeed !== undefined && datafeed.state !== 'stopped';
}

/** The newest wall-clock moment at which the job did something, epoch milliseconds: never event time. */
export function lastActivityOf(job: JobSnapshot, remembered?: number): number | undefined {
  const clocks = [job.lastDataTime, job.openedAt, remembered].filter((clock) => clock !== undefined);
  return clocks.length === 0 ? undefined : Math.max(...clocks);
}

/** What a clock of a job may say: beyond this JavaScript has no dates, and a server's absurd number must not end a sweep. */
export const isMoment = (ms: number | undefined): ms is number => Math.abs(ms ?? Number.NaN) <= 8.64e15;
