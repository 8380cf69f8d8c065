/** @module The limits that stop a sweep before it changes anything, in the order of docs/contract.md §1 `fuse`. */
import type { SweepRequest } from '../request/request-schema.ts';
import type { FuseName } from '../vocabulary.ts';

export interface BlownFuse {
  readonly name: FuseName;
  /** Number of jobs that would be closed or forced. */
  readonly idle: number;
  /** Number of jobs that are not `closed`, in the whole cluster. */
  readonly open: number;
  /**
   * The limit that was exceeded: a number of jobs, or a share for `max_share`; null for `upgrade_mode`, which has no
   * limit.
   */
  readonly limit: number | null;
  /** For `mass_idle`: how many jobs stopped getting data at about the same time, and when. */
  readonly together?: { readonly jobs: number; readonly from: string; readonly to: string };
}

export interface FuseCase {
  readonly request: SweepRequest;
  readonly upgradeMode: boolean | undefined;
  readonly idle: number;
  readonly open: number;
  /** `last_data_time` of every job to act on that ever had data; epoch milliseconds. */
  readonly silentSince: readonly number[];
  /** Number of open jobs in the whole cluster that ever had data. */
  readonly everFed: number;
}

/** `max_share` trips only if at least this many jobs are open: two idle jobs out of three are not an outage. */
const minJobsForShare = 10;
const minJobsTogether = 10;
const window = 15 * 60_000;

/**
 * The first fuse that trips, if any. A follow-up closes jobs that an earlier sweep was allowed to close, so only upgrade
 * mode stops it. A follow-up that also judges the whole request again (`rest`) is subject to every fuse.
 */
export function blownFuse(given: FuseCase): BlownFuse | undefined {
  const { request, idle, open, everFed } = given;
  const { maxJobs, maxShare, massIdle } = request.fuse;
  if (given.upgradeMode) return { name: 'upgrade_mode', idle, open, limit: null };
  // break: follow-up-fuses
  if (request.followUpOf && !request.followUpOf.rest) return undefined;
  const crowd = massIdle ? largestCrowd(given.silentSince) : undefined;
  if (crowd && crowd.jobs >= minJobsTogether && crowd.jobs * 3 > everFed) {
    const together = {
      jobs: crowd.jobs,
      from: new Date(crowd.from).toISOString(),
      to: new Date(crowd.to).toISOString(),
    };
    return {
      name: 'mass_idle',
      idle,
      open,
      limit: Math.max(minJobsTogether - 1, Math.floor(everFed / 3)),
      together,
    };
  }
  // break: fuse-limit
  if (maxJobs !== null && idle > maxJobs) return { name: 'max_jobs', idle, open, limit: maxJobs };
  if (maxShare !== null && open >= minJobsForShare && idle > open * maxShare)
    return { name: 'max_share', idle, open, limit: maxShare };
  return undefined;
}

/**
 * The largest number of jobs whose data stopped within the same 15 minutes. Fixed time slots could cut an outage in
 * two, so the window slides. Compares the times of the jobs' last data, not idle times, so an outage is still visible
 * days later. The fuse compares the result with the number of open jobs that ever had data, because jobs without data
 * cannot fall silent and would dilute the share.
 */
function largestCrowd(moments: readonly number[]): { jobs: number; from: number; to: number } | undefined {
  const sorted = [...moments].sort((a, b) => a - b);
  let best: { jobs: number; from: number; to: number } | undefined;
  let first = 0;
  for (const [last, to] of sorted.entries()) {
    // break: outage-window
    while (to - (sorted[first] as number) > window) first += 1;
    const jobs = last - first + 1;
    if (!best || jobs > best.jobs) best = { jobs, from: sorted[first] as number, to };
  }
  return best;
}
