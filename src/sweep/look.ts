/** @module The look before the leap: jobs read again right before a close names them, to be judged by the same code. */
import type { Clock } from './clock.ts';
import { type JobSnapshot, joinInventory } from './inventory.ts';
import type { JobId } from './job-id.ts';
import type { Cluster, JobStats } from './ports.ts';
import { together } from './together.ts';

/**
 * Jobs as they are now, by id; those that no longer exist are missing. Throws when any part cannot be read.
 * `statsOfNow`: the stats of all these jobs, if they were read a moment ago. `newest`: what was told of jobs while the
 * look waited for its answers, in place of what it was told itself.
 */
export async function lookAt(
  jobs: readonly JobSnapshot[],
  cluster: Pick<Cluster, 'jobConfigs' | 'jobStats' | 'datafeedStats'>,
  clock: Clock,
  signal: AbortSignal,
  statsOfNow?: ReadonlyMap<string, JobStats>,
  newest: (stats: readonly JobStats[]) => readonly JobStats[] = (stats) => stats,
): Promise<ReadonlyMap<string, JobSnapshot>> {
  const ids: JobId[] = jobs.flatMap((job) => job.target ?? []);
  const knownFeeds = jobs.flatMap((job) => job.datafeed?.datafeedId ?? []);
  const [configs, stats, known] = await together(signal, (joint) => [
    cluster.jobConfigs(joint, ids),
    statsOfNow ? ids.flatMap((id) => statsOfNow.get(id) ?? []) : cluster.jobStats(joint, ids),
    cluster.datafeedStats(joint, knownFeeds),
  ]);
  // A datafeed made since the inventory stands in its job's config; it is the rare case that costs another read.
  const newFeeds = configs.flatMap(({ datafeedId }) =>
    datafeedId !== undefined && !knownFeeds.includes(datafeedId) ? [datafeedId] : [],
  );
  const found = await cluster.datafeedStats(signal, newFeeds);
  const snapshots = joinInventory({
    configs,
    stats: newest(stats),
    datafeeds: [...known, ...found],
    readAt: clock.now(),
  });
  return new Map(snapshots.map((snapshot) => [snapshot.jobId, snapshot]));
}
