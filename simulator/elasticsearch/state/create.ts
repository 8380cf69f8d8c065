/** @module Creates a job or a datafeed from the config in a client's request. */
import { datafeedTraits } from '../config/datafeed-config.ts';
import { traitsOf } from '../config/job-config.ts';
import { noCounts } from './counts.ts';
import type { Datafeed, DatafeedConfig } from './datafeed.ts';
import type { Job, JobConfig } from './job.ts';
import type { Source } from './record-source.ts';

export function newJob(config: JobConfig): Job {
  return {
    id: config.job_id,
    config,
    traits: traitsOf(config),
    task: undefined,
    counts: noCounts(),
    modelBytes: 0,
    peakModelBytes: 0,
    bytesExceeded: 0,
    memoryStatus: 'ok',
    modelLogTime: undefined,
    forecasts: [],
    snapshots: [],
    blocked: undefined,
    ended: undefined,
    endedAt: undefined,
    openings: 0,
    openTakes: undefined,
    closeTakes: undefined,
    history: [],
  };
}

export function newDatafeed(config: DatafeedConfig, job: Job, source: Source): Datafeed {
  return {
    id: config.datafeed_id,
    jobId: job.id,
    config,
    traits: datafeedTraits(config, job.traits.bucketSpan),
    source,
    described: false,
    // a lookback reads the documents of an index almost instantly
    lookbackRate: 1e9,
    task: undefined,
    stopTakes: undefined,
    searches: 0,
    buckets: 0,
    searchMs: 0,
  };
}
