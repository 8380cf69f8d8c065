/** @module How a model grows with what it has seen: quickly at first, and never over its limit. */
import type { Job } from './job.ts';

/** A model that has seen one record is about this large. */
const smallest = 40_000;

export function growModel(job: Job, now: number): void {
  if (job.counts.processed === 0) return;
  const wanted = Math.round(smallest + 2_000 * Math.sqrt(job.counts.processed));
  const limit = job.traits.memoryLimit;
  if (wanted > job.modelBytes) job.modelBytes = Math.min(wanted, limit);
  job.peakModelBytes = Math.max(job.peakModelBytes, job.modelBytes);
  job.modelLogTime = now;
}
