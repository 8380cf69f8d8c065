/**
 * @module Joins the cluster's answers into one snapshot per job. The meaning of the fields: docs/behaviour.md.
 */

import { quote } from '../../base/text.ts';
import type { DatafeedStats, JobConfig, JobStats } from '../ports.ts';
import { type JobState, jobStates } from '../vocabulary.ts';
import { concreteId, isDatafeedId, type JobId } from './concrete-id.ts';
import { type Protection, readProtection } from './protection.ts';

export interface DatafeedSnapshot {
  readonly datafeedId: string;
  readonly state: string;
  readonly lookback: DatafeedStats['lookback'];
}

/** One job as the cluster reported it at one point in time. */
export interface JobSnapshot {
  readonly jobId: string;
  /** The id to use in a close request; undefined if a close must not name the job. */
  readonly target: JobId | undefined;
  /** The state as the cluster reported it; `unknown` without stats. */
  readonly reportedState: string;
  /** Undefined if the job must not be touched; see `unclear`. */
  readonly state: JobState | undefined;
  /** Why the state is undefined: config or stats are missing, duplicated or unreadable, or the state is unknown. */
  readonly unclear?: string | undefined;
  readonly groups: readonly string[];
  readonly nodeId?: string | undefined;
  readonly nodeName?: string | undefined;
  /** When the job's process started on its present node; epoch milliseconds, exact to a second and never too early. */
  readonly openedAt?: number | undefined;
  /** When data last arrived, accepted or not; the node's wall clock, epoch milliseconds. */
  readonly lastDataTime?: number | undefined;
  readonly latestRecordTime?: number | undefined;
  readonly modelBytes?: number | undefined;
  /** Memory that the job reserves on its node; undefined if unknown. */
  readonly reservedBytes?: number | undefined;
  readonly runningForecasts: number;
  readonly blocked?: string | undefined;
  readonly protection: Protection;
  readonly managed: boolean;
  readonly datafeed?: DatafeedSnapshot | undefined;
}

/** The answers to three reads made at the same time. */
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
    const ownConfigs = configs.get(jobId) ?? [];
    const ownStats = stats.get(jobId) ?? [];
    const config = ownConfigs[0];
    const stat = ownStats[0];
    // break: concrete-id
    const target = concreteId(jobId, groups);
    const claims = datafeeds.get(jobId) ?? [];
    // Two entries for one id may contradict each other, and either could be the true one.
    // break: doubled-stats
    const doubled = ownConfigs.length > 1 ? 'config' : ownStats.length > 1 ? 'stats' : undefined;
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
      // Rounding to whole seconds and the duration of the answer can only make this time too late, never too early.
      openedAt: stat?.openForMs === undefined ? undefined : readAt - stat.openForMs,
      // break: last-data
      lastDataTime: stat?.lastDataTime,
      latestRecordTime: stat?.latestRecordTime,
      modelBytes: stat?.modelBytes,
      reservedBytes: stat && reservedBytes(stat, config),
      runningForecasts: stat?.runningForecasts ?? 0,
      blocked: config?.blocked,
      protection: readProtection(config?.protection),
      // Any value except an explicit false counts as managed, because closing an app's job is worse than leaving it
      // open.
      managed: config?.managed !== undefined && config.managed !== null && config.managed !== false,
      datafeed: datafeedOf(claims),
    };
  });
}

/** Memory of a process in addition to its model: `Job.PROCESS_MEMORY_OVERHEAD` of the server. */
const processOverhead = 10 * 2 ** 20;

/**
 * The memory that the server counts for a job when it assigns jobs to nodes and autoscales. Failed jobs do not count.
 */
function reservedBytes({ state, openForMs, memoryBasis }: JobStats, config?: JobConfig): number | undefined {
  if (state === 'failed') return 0;
  // A job without a process may still be waiting for a node, and a waiting job reserves nothing.
  if (openForMs === undefined && (state === 'opened' || state === 'opening')) return undefined;
  const basis = memoryBasis === 'limit' ? config?.memoryLimit : memoryBasis;
  return basis === undefined ? undefined : basis + processOverhead;
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
  return known ? undefined : `this version does not know the state ${quote(stats.state)}`;
}

const unclearId = (jobId: string, groups: ReadonlySet<string>): string =>
  groups.has(jobId)
    ? 'a group has the same name as the job, so a close would name the whole group'
    : 'its id is not a valid job id';

/**
 * Why it is unclear whether a datafeed of the job runs; undefined if it is clear. If the config names a datafeed that
 * the stats do not list as the job's own, one of the two answers is wrong. A datafeed with an invalid id cannot be read
 * again by its id.
 */
function unclearDatafeed(
  config: JobConfig | undefined,
  claims: readonly DatafeedStats[],
): string | undefined {
  const strange = claims.find(({ datafeedId }) => !isDatafeedId(datafeedId));
  if (strange)
    return `the datafeed id ${quote(strange.datafeedId)} in ${sources.datafeeds} is not a valid id`;
  const named = config?.datafeedId;
  return named === undefined || claims.some(({ datafeedId }) => datafeedId === named)
    ? undefined
    : `${sources.datafeeds} does not list its datafeed ${quote(named)} as its own`;
}

/** A job has at most one datafeed. If several name the job, a running one is chosen. */
function datafeedOf(claims: readonly DatafeedStats[]): DatafeedSnapshot | undefined {
  return claims.find(({ state }) => state !== 'stopped') ?? claims[0];
}

/** Whether a datafeed may still fetch data. An unknown state counts as running. */
export function runs(datafeed: DatafeedSnapshot | undefined): datafeed is DatafeedSnapshot {
  return datafeed !== undefined && datafeed.state !== 'stopped';
}

/** Whether JavaScript can represent this time as a date. An absurd number from a server must not end a sweep. */
export const isMoment = (ms: number | undefined): ms is number => Math.abs(ms ?? Number.NaN) <= 8.64e15;
