/** @module Cuts a report to the size that Lambda and CloudWatch accept. */
import { plural } from '../../base/text.ts';
import type { SweepReport } from './report.ts';

/** Of a report that has to be cut, what else grows with the cluster may have this share of the bytes, each. */
const besideJobs = 0.1;
/** A job that takes more than this share is left out by itself; it would else take all that follow with it. */
const oversize = 0.01;

/**
 * The report in at most `mostBytes` of JSON: with as many jobs as fit, of which the last go first, as those were left
 * alone; and with as many warnings, the last of which says how many more there were. Without the lists a report takes
 * some 1,000 bytes, which `mostBytes` must leave room for.
 */
export function fitReport(report: SweepReport, mostBytes: number): SweepReport {
  const { jobs, warnings, flapping, ...rest } = report;
  // Measures job by job, because the text of all jobs takes tens of megabytes. The first job has no comma.
  const room = mostBytes - bytesOf({ ...report, jobs: [] }) + 1;
  if (room > 0 && fitting(jobs, room).length === jobs.length) return report;
  const share = mostBytes * besideJobs;
  const cut: SweepReport = {
    ...rest,
    jobs: [],
    warnings: fitWarnings(warnings, share),
    ...(flapping && { flapping: fitting(flapping, share) }),
  };
  const fit = fitting(jobs, mostBytes - bytesOf({ ...cut, jobsOmitted: jobs.length }), mostBytes * oversize);
  const jobsOmitted = jobs.length - fit.length;
  return { ...cut, jobs: fit, ...(jobsOmitted > 0 && { jobsOmitted }) };
}

function fitWarnings(warnings: readonly string[], mostBytes: number): string[] {
  if (bytesOf(warnings) <= mostBytes) return [...warnings];
  const note = (left: number) => `${plural(left, 'more warning')} left out, as the report is too long`;
  const fit = fitting(warnings, mostBytes - bytesOf(note(warnings.length)), mostBytes / 2);
  return [...fit, note(warnings.length - fit.length)];
}

/** The first of `items` that fit into `mostBytes`; those that are over `tooLarge` by themselves are skipped. */
function fitting<T>(items: readonly T[], mostBytes: number, tooLarge = Number.POSITIVE_INFINITY): T[] {
  const fit: T[] = [];
  let room = mostBytes;
  for (const item of items) {
    const bytes = bytesOf(item) + 1; // and a comma
    if (bytes > tooLarge) continue;
    if (bytes > room) break;
    room -= bytes;
    fit.push(item);
  }
  return fit;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
