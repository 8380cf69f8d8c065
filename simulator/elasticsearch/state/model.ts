/**
 * @module The model of a job, as far as the stats show it: how the model grows, what it consists of, and how long its
 * buckets take. The same rules of thumb apply to every job, so that sizes and times are consistent.
 */
import type { Job } from './job.ts';

/** Approximate bytes of a model after one record. */
const smallest = 40_000;
/** Approximate bytes per value of a `by` or `over` field. */
const bytesPerValue = 256 * 1024;
/** A bucket takes one millisecond, plus one more per this many bytes of model. */
const bytesPerMillisecond = 8 * 2 ** 20;

/** Lets the model grow with the square root of the number of processed records, at most to the job's memory limit. */
export function growModel(job: Job, now: number): void {
  const { processed } = job.counts;
  if (processed === 0) return;
  const wanted = Math.max(job.modelBytes, Math.round(smallest + 2_000 * Math.sqrt(processed)));
  const limit = job.traits.memoryLimit;
  job.modelBytes = Math.min(wanted, Math.max(limit, job.modelBytes));
  job.bytesExceeded = Math.max(0, wanted - limit);
  job.memoryStatus = wanted > limit ? 'hard_limit' : 'ok';
  job.peakModelBytes = Math.max(job.peakModelBytes, job.modelBytes);
  job.modelLogTime = now;
}

export interface FieldCounts {
  readonly by: number;
  readonly over: number;
  readonly partition: number;
}

/** How many values of the `by`, `over` and `partition` fields the model contains. */
export function fieldCounts({ modelBytes, config }: Job): FieldCounts {
  const { detectors } = config.analysis_config as { detectors: readonly Record<string, unknown>[] };
  const values = modelBytes === 0 ? 0 : Math.ceil(modelBytes / bytesPerValue);
  const uses = (field: string) => detectors.some((detector) => detector[field] !== undefined);
  return {
    by: uses('by_field_name') ? values : 0,
    over: uses('over_field_name') ? values : 0,
    // few values, because each partition has its own model
    partition: uses('partition_field_name') ? Math.ceil(Math.sqrt(values)) : 0,
  };
}

export interface BucketTimes {
  readonly total: number;
  readonly min: number;
  readonly max: number;
  readonly average: number;
  readonly averagePerHour: number;
}

/** Processing times of buckets, in milliseconds; undefined before the first bucket. */
export function bucketTimes({ counts, modelBytes, traits }: Job): BucketTimes | undefined {
  if (counts.buckets === 0) return undefined;
  const average = 1 + modelBytes / bytesPerMillisecond;
  return {
    total: counts.buckets * average,
    min: Math.floor(average / 2),
    max: Math.ceil(average * 20),
    average,
    averagePerHour: (average * 3_600_000) / traits.bucketSpan,
  };
}
