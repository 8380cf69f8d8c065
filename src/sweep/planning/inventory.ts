/**
 * @module Cluster answers joined into one snapshot per job, and the ids that a close request may name.
 * Which field means what: docs/behaviour.md.
 */

import { quote } from '../../base/text.ts';
import type { DatafeedStats, JobConfig, JobStats } from '../ports.ts';
import { type JobState, jobStates } from '../vocabulary.ts';
import { concreteId, isDatafeedId, type JobId } from './job-id.ts';
import { type Protection, readProtection } from './protection.ts';

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
  /** Undefined: not to be touched, see `unclear`. */
  readonly state: JobState | undefined;
  /** Why the state is undefined: config or stats that are missing, doubled or unreadable, or a state that is not known. */
  readonly unclear?: string | undefined;
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
    // break: doubled-stats
    const doubled = otherConfigs.length > 0 ? 'config' : otherStats.length > 0 ? 'stats' : undefined;
    const reportedState = stat ? stat.state : 'unknown';
    const known = jobStates.find((state) => state === reportedState);
    const unclear =
      known === 'closed'
        ? undefined
        : doubled !== undefined
          ? `${sources[doubled]} lists it twice`
          : (unclearConfig(config) ??
            unclearStats(stat, known) ??
            (target === undefined ? unclearId(jobId, groups) : unclearDatafeed(config, claims)));
    return {
      jobId,
      target,
      reportedState,
      state: unclear === undefined ? known : undefined,
      unclear,
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

const sources = {
  config: 'GET _ml/anomaly_detectors',
  stats: 'GET _ml/anomaly_detectors/_stats',
  datafeeds: 'GET _ml/datafeeds/_stats',
} as const;

function unclearConfig(config: JobConfig | undefined): string | undefined {
  if (!config) return `${sources.config} does not list it`;
  return config.unreadable && `${config.unreadable} in ${sources.config}`;
}

function unclearStats(stats: JobStats | undefined, known: JobState | undefined): string | undefined {
  if (!stats) return `${sources.stats} does not list it`;
  // break: unreadable-stats
  if (stats.unreadable) return `${stats.unreadable} in ${sources.stats}`;
  return known ? undefined : `the state ${quote(stats.state)} is not known to this version`;
}

const unclearId = (jobId: string, groups: ReadonlySet<string>): string =>
  groups.has(jobId)
    ? 'a group has the same name as the job, so a close would name the whole group'
    : 'its id is none that a close request may name';

/**
 * A config that names a datafeed which feeds no job or another one: one of the two answers is wrong, and the datafeed may
 * run. A datafeed whose id is not in the server's form could not be read again.
 */
function unclearDatafeed(
  config: JobConfig | undefined,
  claims: readonly DatafeedStats[],
): string | undefined {
  const strange = claims.find(({ datafeedId }) => !isDatafeedId(datafeedId));
  if (strange)
    return `the datafeed id ${quote(strange.datafeedId)} in ${sources.datafeeds} is none that a request may name`;
  const named = config?.datafeedId;
  return named === undefined || claims.some(({ datafeedId }) => datafeedId === named)
    ? undefined
    : `${sources.datafeeds} does not list its datafeed ${quote(named)} as its own`;
}

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
