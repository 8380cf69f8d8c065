/** @module The look before the leap: jobs read again right before a close names them, to be judged by the same code. */
import type { Clock } from '../clock.ts';
import { type JobSnapshot, joinInventory } from '../inventory.ts';
import type { JobId } from '../job-id.ts';
import type { Cluster } from '../ports.ts';
import type { StateReader } from '../states.ts';
import { together } from '../together.ts';

export interface LookWorld {
  readonly cluster: Pick<Cluster, 'jobConfigs' | 'datafeedStats'>;
  readonly states: StateReader;
  readonly clock: Clock;
}

/**
 * Jobs as they are now, by id; those that no longer exist are missing. Throws when any part cannot be read.
 * `areTold`: the stats of all these jobs were read a moment ago. What other reads tell of them while the look waits for its
 * answers counts as well.
 */
export async function lookAt(
  jobs: readonly JobSnapshot[],
  { cluster, states, clock }: LookWorld,
  signal: AbortSignal,
  areTold = false,
): Promise<ReadonlyMap<string, JobSnapshot>> {
  const ids: JobId[] = jobs.flatMap((job) => job.target ?? []);
  const knownFeeds = jobs.flatMap((job) => job.datafeed?.datafeedId ?? []);
  const [configs, known] = await together(signal, (joint) => [
    cluster.jobConfigs(joint, ids),
    cluster.datafeedStats(joint, knownFeeds),
    areTold || states.readNow(ids, joint),
  ]);
  // A datafeed made since the inventory stands in its job's config; it is the rare case that costs another read.
  const newFeeds = configs.flatMap(({ datafeedId }) =>
    datafeedId !== undefined && !knownFeeds.includes(datafeedId) ? [datafeedId] : [],
  );
  const found = await cluster.datafeedStats(signal, newFeeds);
  const snapshots = joinInventory({
    configs,
    stats: ids.flatMap((id) => states.last(id) ?? []),
    datafeeds: [...known, ...found],
    readAt: clock.now(),
  });
  // a config may have been read of a job whose stats say that it is gone since
  const there = snapshots.filter(({ jobId }) => !states.isGone(jobId));
  return new Map(there.map((snapshot) => [snapshot.jobId, snapshot]));
}
