/** @module Reads everything that a sweep's decisions need: identity, upgrade mode, privileges and every job. */
import type { Clock } from '../../base/clock.ts';
import { together } from '../../base/together.ts';
import type { Cluster, ClusterIdentity } from '../ports.ts';
import { type ClusterAnswers, type JobSnapshot, joinInventory } from './inventory.ts';

/** The complete state of the cluster at one point in time. */
export interface Found {
  readonly identity: ClusterIdentity;
  readonly upgradeMode: boolean | undefined;
  readonly mayClose: boolean | undefined;
  readonly jobs: readonly JobSnapshot[];
  /** When the listing was complete, epoch milliseconds. */
  readonly readAt: number;
}

/**
 * Limit for reading incomplete jobs a second time, in milliseconds. That read is optional, so it must not use up the
 * time for closing.
 */
const maxSecondReadMs = 30_000;

/**
 * Reads all parts in parallel. If a part cannot be read, the sweep ends: with an incomplete inventory, it could close a
 * busy job. Configs, stats and datafeeds are separate answers, so a job that is created or deleted during the read
 * appears in only some of them. Such jobs are read once more.
 */
export async function readCluster(cluster: Cluster, clock: Clock, signal: AbortSignal): Promise<Found> {
  const [identity, upgradeMode, mayClose, configs, stats, datafeeds] = await together(signal, (joint) => [
    cluster.identify(joint),
    cluster.upgradeMode(joint),
    cluster.mayClose(joint),
    cluster.jobConfigs(joint),
    cluster.jobStats(joint),
    cluster.datafeedStats(joint), // break: datafeed-stats
  ]);
  const listing = { configs, stats, datafeeds, readAt: clock.now() };
  const jobs = await withoutHalves(listing, cluster, clock, signal);
  return { identity, upgradeMode, mayClose, jobs, readAt: listing.readAt };
}

/**
 * The jobs of a listing. Jobs that are only partly in it are read a second time. A job that the second read does not
 * find is omitted. A job that is still incomplete, or cannot be read again, has no state and is kept.
 */
async function withoutHalves(
  listing: ClusterAnswers,
  cluster: Cluster,
  clock: Clock,
  signal: AbortSignal,
): Promise<JobSnapshot[]> {
  const jobs = joinInventory(listing);
  const halves = halvesOf(listing);
  const ids = jobs.flatMap(({ jobId, target }) => (halves.has(jobId) && target ? [target] : []));
  if (ids.length === 0) return jobs;
  using limit = clock.limit(maxSecondReadMs);
  const limited = AbortSignal.any([signal, limit.signal]);
  const readAgain = async () => {
    const [configs, stats] = await together(limited, (joint) => [
      cluster.jobConfigs(joint, ids),
      cluster.jobStats(joint, ids),
    ]);
    const feedIds = [
      ...configs.flatMap(({ datafeedId }) => datafeedId ?? []),
      ...jobs.flatMap(({ jobId, datafeed }) => (halves.has(jobId) && datafeed ? [datafeed.datafeedId] : [])),
    ];
    const datafeeds = await cluster.datafeedStats(limited, [...new Set(feedIds)]);
    return { configs, stats, datafeeds };
  };
  const again = await readAgain().catch(() => undefined);
  if (!again) return jobs;
  const asked = new Set<string>(ids);
  // Uses all configs, because their groups decide which ids a close may name.
  const configs = [...listing.configs.filter(({ jobId }) => !asked.has(jobId)), ...again.configs];
  const known = new Set([...again.configs, ...again.stats].map(({ jobId }) => jobId));
  return [
    ...joinInventory({ ...listing, configs }).filter(({ jobId }) => !asked.has(jobId)),
    ...joinInventory({ ...again, configs, readAt: clock.now() }).filter(
      ({ jobId }) => asked.has(jobId) && known.has(jobId),
    ),
  ].sort((a, b) => (a.jobId < b.jobId ? -1 : 1));
}

/** The open jobs whose config, stats or named datafeed is missing from the listing. */
function halvesOf({ configs, stats, datafeeds }: ClusterAnswers): ReadonlySet<string> {
  const configured = new Set(configs.map(({ jobId }) => jobId));
  const closed = new Set(stats.flatMap(({ jobId, state }) => (state === 'closed' ? [jobId] : [])));
  const measured = new Set(stats.map(({ jobId }) => jobId));
  const fed = new Set(datafeeds.map(({ datafeedId }) => datafeedId));
  return new Set([
    ...stats.flatMap(({ jobId }) => (configured.has(jobId) || closed.has(jobId) ? [] : [jobId])),
    ...configs.flatMap(({ jobId, datafeedId }) =>
      !measured.has(jobId) || (datafeedId !== undefined && !fed.has(datafeedId) && !closed.has(jobId))
        ? [jobId]
        : [],
    ),
  ]);
}
