/** @module Cuts a report to the size that Lambda and CloudWatch accept. */
import { plural } from '../../base/text.ts';
import type { SweepReport } from './report.ts';
import type { ReportedRequest } from './reported-request.ts';

/** Lambda refuses responses over 6 MB. This smaller limit leaves room for Lambda's envelope. */
export const maxAnswerBytes = 5_000_000;
/**
 * CloudWatch may cut lines over 256 KB, which would break their JSON. This smaller limit leaves room for the logger's
 * own fields.
 */
export const maxLineBytes = 240_000;
/**
 * In a report that must be cut, warnings, flapping jobs, reopened jobs and the names in the request each get at most
 * this share of the bytes.
 */
const shareOfOtherLists = 0.1;
/** A job that takes more than this share of the bytes is left out, so that it does not displace the jobs after it. */
const maxShareOfJob = 0.01;

/**
 * Cuts the report to at most `maxBytes` of JSON. Leaves out jobs from the end of the list first: the sweep did not close
 * them. The last warning says how many warnings are missing. `maxBytes` must be at least about 1,000, the size of a
 * report without its lists.
 */
export function fitReport(report: SweepReport, maxBytes: number): SweepReport {
  const { jobs, warnings, flapping, reopened, request, ...rest } = report;
  // Measures job by job, because the text of all jobs takes tens of megabytes. Each job is measured with a comma. The
  // last job has none, so there is room for one more byte.
  const room = maxBytes - bytesOf({ ...report, jobs: [] }) + 1;
  if (room > 0 && fitting(jobs, room).length === jobs.length) return report;
  const share = maxBytes * shareOfOtherLists;
  const cut: SweepReport = {
    ...rest,
    request: fitRequest(request, share),
    jobs: [],
    warnings: fitWarnings(warnings, share),
    ...(flapping && { flapping: fitting(flapping, share) }),
    ...(reopened && { reopened: fitting(reopened, share) }),
  };
  const fit = fitting(
    jobs,
    maxBytes - bytesOf({ ...cut, jobsOmitted: jobs.length }),
    maxBytes * maxShareOfJob,
  );
  const jobsOmitted = jobs.length - fit.length;
  return { ...cut, jobs: fit, ...(jobsOmitted > 0 && { jobsOmitted }) };
}

/** Excluded names come first, because they say which jobs are safe. */
function fitRequest(
  { idleFor, jobs = [], exclude = [] }: ReportedRequest,
  maxBytes: number,
): ReportedRequest {
  const excluded = fitting(exclude, maxBytes);
  const named = fitting(jobs, maxBytes - bytesOf(excluded));
  const namesOmitted = jobs.length + exclude.length - named.length - excluded.length;
  return {
    idleFor,
    ...(jobs.length > 0 && { jobs: named }),
    ...(exclude.length > 0 && { exclude: excluded }),
    ...(namesOmitted > 0 && { namesOmitted }),
  };
}

function fitWarnings(warnings: readonly string[], maxBytes: number): string[] {
  if (bytesOf(warnings) <= maxBytes) return [...warnings];
  const note = (left: number) => `${plural(left, 'more warning')} left out because the report is too long`;
  const fit = fitting(warnings, maxBytes - bytesOf(note(warnings.length)), maxBytes / 2);
  return [...fit, note(warnings.length - fit.length)];
}

/** The first items that fit into `maxBytes`. Single items over `tooLarge` are skipped. */
function fitting<T>(items: readonly T[], maxBytes: number, tooLarge = Number.POSITIVE_INFINITY): T[] {
  const fit: T[] = [];
  let room = maxBytes;
  for (const item of items) {
    const bytes = bytesOf(item) + 1; // plus one for the comma
    if (bytes > tooLarge) continue;
    if (bytes > room) break;
    room -= bytes;
    fit.push(item);
  }
  return fit;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
