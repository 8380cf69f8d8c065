/**
 * @module The default duration of a close. It is log-normal, with a median of 2 s and a 99th percentile of 60 s for a
 * model of typical size. The logarithms of the duration and of the model's memory have a correlation of 0.6. No
 * measurements of real close times are public. The project's bench uses the same distribution.
 */
import type { Random } from '../random.ts';
import type { Job } from './job.ts';

export const closingTimes = {
  medianMs: 2_000,
  /** Standard deviation of the logarithm: ln(60 s / 2 s) / 2.326. */
  sigma: Math.log(30) / 2.326,
  correlation: 0.6,
  /** Model sizes are log-normal as well: the median is 16 MB, and one standard deviation is a factor of 3. */
  medianBytes: 16 * 2 ** 20,
  bytesSigma: 1.1,
} as const;

/**
 * Milliseconds that it takes to close the job's process on an otherwise idle node. A job without data closes quickly.
 */
export function closingTime(job: Job, random: Random): number {
  const noise = random.normal('close', job.id, job.openings);
  if (job.counts.input === 0) return Math.round(300 + 100 * Math.abs(noise));
  const { medianMs, sigma, correlation, medianBytes, bytesSigma } = closingTimes;
  const size = Math.log(Math.max(job.modelBytes, 1) / medianBytes) / bytesSigma;
  const z = correlation * size + Math.sqrt(1 - correlation ** 2) * noise;
  return Math.round(Math.max(100, medianMs * Math.exp(sigma * z)));
}
