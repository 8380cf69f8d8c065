/** @module Builds a datafeed from its description in a fleet. A running datafeed gets a task. */
import { completeDatafeed, datafeedTraits } from '../elasticsearch/config/datafeed-config.ts';
import type { ClusterState } from '../elasticsearch/state/cluster-state.ts';
import type { Datafeed, DatafeedTask } from '../elasticsearch/state/datafeed.ts';
import { scheduleEnd } from '../elasticsearch/state/datafeed-lifecycle.ts';
import type { Job } from '../elasticsearch/state/job.ts';
import { drySource, rhythm } from '../elasticsearch/state/record-source.ts';
import { durationMs, type FleetDatafeed, momentAt } from './schema.ts';

/** Adds a job's datafeed. A started datafeed begins with the first record of its source. */
export function addFleetDatafeed(cluster: ClusterState, job: Job, description: FleetDatafeed): Datafeed {
  const now = cluster.clock.now();
  const id = description.datafeedId ?? `datafeed-${job.id}`;
  const config = completeDatafeed(
    id,
    job.id,
    { indices: [`${job.id}-*`], ...durations(description), ...description.config },
    '90s',
  );
  const traits = datafeedTraits(config, job.traits.bucketSpan);
  const { source } = description;
  const datafeed: Datafeed = {
    id,
    jobId: job.id,
    config,
    traits,
    source: source
      ? rhythm({
          every: durationMs(source.every),
          from: source.from === undefined ? 0 : momentAt(source.from, now),
          until: source.until === undefined ? undefined : momentAt(source.until, now),
          bytesPerRecord: source.bytesPerRecord ?? 60,
          fieldsPerRecord: job.traits.analysisFields.length,
        })
      : drySource,
    described: true,
    lookbackRate: description.lookback?.rate ?? 3_600,
    task: undefined,
    stopTakes:
      typeof description.stopTakes === 'string' && description.stopTakes !== 'never'
        ? durationMs(description.stopTakes)
        : (description.stopTakes as Datafeed['stopTakes']),
    searches: description.searchCount ?? Math.floor(job.counts.buckets / 2),
    buckets: job.counts.buckets,
    searchMs: job.counts.buckets * 2,
  };
  cluster.addDatafeed(datafeed);
  const state = description.state ?? 'stopped';
  if (state !== 'stopped') startFleetDatafeed(cluster, job, datafeed, description, state);
  return datafeed;
}

function startFleetDatafeed(
  cluster: ClusterState,
  job: Job,
  datafeed: Datafeed,
  { lookback, end }: FleetDatafeed,
  state: DatafeedTask['state'],
): void {
  const now = cluster.clock.now();
  const from = lookback
    ? momentAt(lookback.from, now)
    : Math.max(
        job.counts.latestRecord === undefined ? 0 : job.counts.latestRecord + 1,
        now - datafeed.traits.queryDelay - datafeed.traits.frequency,
      );
  const ends = lookback?.end ?? end;
  const task: DatafeedTask = {
    allocation: cluster.nextAllocation(),
    node: job.task?.node,
    state,
    explanation: '',
    isolated: false,
    start: job.counts.earliestRecord ?? 0,
    end: ends === undefined ? undefined : momentAt(ends, now),
    readTo: from,
    lookback: lookback && { since: now, from },
    searchedAt: now,
    searchInterval: undefined,
    emptySearches: 0,
    onChange: new Set(),
  };
  datafeed.task = task;
  scheduleEnd(cluster, datafeed, job, task);
}

function durations({ queryDelay, frequency }: FleetDatafeed) {
  return {
    ...(queryDelay !== undefined && { query_delay: queryDelay }),
    ...(frequency !== undefined && { frequency }),
  };
}
