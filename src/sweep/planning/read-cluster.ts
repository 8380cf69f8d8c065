/** @module Reads everything that a sweep decides by: identity, upgrade mode, privileges and every job, each part whole. */
import type { Clock } from '../../base/clock.ts';
import { together } from '../../base/together.ts';
import type { Cluster, ClusterIdentity } from '../ports.ts';
import { type ClusterAnswers, type JobSnapshot, joinInventory } from './inventory.ts';

/** The cluster at one moment, whole. */
export interface Found {
  readonly identity: ClusterIdentity;
  readonly upgradeMode: boolean | undefined;
  readonly mayClose: boolean | undefined;
  readonly jobs: readonly JobSnapshot[];
  /** When the listing was complete, epoch milliseconds. */
  readonly readAt: number;
}

/** The second read is optional, so it must not use up the time for closing. */
const maxSecondReadMs = 30_000;

/**
 * Reads all parts at once. A part that cannot be read ends the sweep: half an inventory could close a busy job.
 * Configs, stats and datafeeds are separate answers, so a job that is created or deleted meanwhile is in some of them
 * only. Such jobs are read once more.
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
 * The jobs of a listing, after a second read of those that are only partly in it: a job that both reads miss is left
 * out. A job of which a part is still missing, or that cannot be read again, stays without a state, and is kept.
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
  // All configs, because the groups that they name decide which ids a close may use.
  const configs = [...listing.configs.filter(({ jobId }) => !asked.has(jobId)), ...again.configs];
  const known = new Set([...again.configs, ...again.stats].map(({ jobId }) => jobId));
  return [
    ...joinInventory({ ...listing, configs }).filter(({ jobId }) => !asked.has(jobId)),
    ...joinInventory({ ...again, configs, readAt: clock.now() }).filter(
      ({ jobId }) => asked.has(jobId) && known.has(jobId),
    ),
  ].sort((a, b) => (a.jobId < b.jobId ? -1 : 1));
}

/** The open jobs of which the listing lacks the config, the stats, or the datafeed that the config names. */
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
