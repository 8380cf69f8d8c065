/**
 * @module The model of a job, as far as its stats tell of it: how it grows with what it has seen, what it is made of,
 * and how long its buckets take. Rules of thumb, the same for every job, so that sizes and times go together.
 */
import type { Job } from './job.ts';

/** A model that has seen one record is about this large, in bytes. */
const smallest = 40_000;
/** One value of a `by` or `over` field takes about this much of it. */
const bytesPerValue = 256 * 1024;
/** A bucket takes a millisecond, and one more for so many bytes of model. */
const bytesPerMillisecond = 8 * 2 ** 20;

/** Grows the model by what the job has seen up to `now`: with the square root of its records, up to its limit. */
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

/** How many values the model holds of each kind of field that the detectors split by. */
export function fieldCounts({ modelBytes, config }: Job): FieldCounts {
  const { detectors } = config.analysis_config as { detectors: readonly Record<string, unknown>[] };
  const values = modelBytes === 0 ? 0 : Math.ceil(modelBytes / bytesPerValue);
  const uses = (field: string) => detectors.some((detector) => detector[field] !== undefined);
  return {
    by: uses('by_field_name') ? values : 0,
    over: uses('over_field_name') ? values : 0,
    // a partition is a model of its own: there are few
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

/** How long buckets took, in milliseconds; undefined before the first. */
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
