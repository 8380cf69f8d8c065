/** @module The requests of a closing: the reads by ids, the look right before a close, and the close itself. */

import { UnreadableEntriesError } from '../../base/errors.ts';
import { together } from '../../base/together.ts';
import type { CloseAllowance } from '../budget.ts';
import { type JobSnapshot, joinInventory, runs } from '../planning/inventory.ts';
import type { CloseBatch, JobId } from '../planning/job-id.ts';
import type { CloseAnswer, ClusterError } from '../ports.ts';
import type { Closing, Entry } from './ledger.ts';
import { requestsToRead } from './places.ts';

/** A look is as old as its oldest read; an older one is repeated, at most so often. */
const oldestLook = 30_000;
const maxSlowLooks = 3;

/** How many reads of stats a closing has begun. */
export interface Reads {
  begun: number;
}

/** Reads the stats of jobs, and has each entry remember its own. @throws when the cluster cannot be read. */
export async function readStats(
  entries: readonly Entry[],
  { cluster }: Pick<Closing, 'cluster'>,
  reads: Reads,
  signal: AbortSignal,
): Promise<number> {
  reads.begun += 1;
  const read = reads.begun;
  const stats = await cluster.jobStats(signal, idsOf(entries));
  const byId = new Map(stats.map((each) => [each.jobId, each]));
  for (const entry of entries) if (entry.job.target) entry.note({ read, stats: byId.get(entry.jobId) });
  return read;
}

/**
 * Jobs as they are now, by id; those that no longer exist are missing. Stats that were read by the read `fresh`, or a
 * later one, are not read again. @throws when the cluster cannot be read, or is too slow for its answers to be acted on.
 */
export async function look(
  entries: readonly Entry[],
  closing: Pick<Closing, 'cluster' | 'clock' | 'ending'>,
  reads: Reads,
  fresh: number,
): Promise<ReadonlyMap<string, JobSnapshot>> {
  const { clock } = closing;
  for (let tries = 1; tries <= maxSlowLooks; tries++) {
    const begun = clock.now();
    const jobs = await lookOnce(entries, closing, reads, tries === 1 ? fresh : Number.POSITIVE_INFINITY);
    // break: oldest-look
    if (clock.now() - begun <= oldestLook) return jobs;
  }
  throw new Error(`the cluster took more than ${oldestLook / 1_000} s to answer, ${maxSlowLooks} times`);
}

/** About how many requests a look takes; stats that the read `fresh`, or a later one, has read cost nothing. */
export function requestsToLook(entries: readonly Entry[], fresh: number): number {
  const each = requestsToRead(entries);
  return statsAreFresh(entries, fresh) ? 2 * each : 3 * each;
}

const statsAreFresh = (entries: readonly Entry[], fresh: number): boolean =>
  entries.every(({ seen }) => (seen?.read ?? 0) >= fresh);

async function lookOnce(
  entries: readonly Entry[],
  closing: Pick<Closing, 'cluster' | 'clock' | 'ending'>,
  reads: Reads,
  fresh: number,
): Promise<ReadonlyMap<string, JobSnapshot>> {
  const { cluster, clock, ending } = closing;
  const ids = idsOf(entries);
  const knownIds = entries.flatMap(({ job }) => job.datafeed?.datafeedId ?? []);
  const [configs, known] = await together(ending, (signal) => [
    cluster.jobConfigs(signal, ids),
    cluster.datafeedStats(signal, knownIds),
    statsAreFresh(entries, fresh) || readStats(entries, closing, reads, signal),
  ]);
  // A datafeed made since the listing is in its job's config; it is rare, and costs another read.
  const newIds = configs.flatMap(({ datafeedId }) =>
    datafeedId !== undefined && !knownIds.includes(datafeedId) ? [datafeedId] : [],
  );
  const found = await cluster.datafeedStats(ending, newIds);
  const snapshots = joinInventory({
    configs,
    // What another read said while this one waited for its answers counts as well.
    stats: entries.flatMap(({ seen }) => seen?.stats ?? []),
    datafeeds: [...known, ...found],
    readAt: clock.now(),
  });
  // The config of a job may have been read just before it was deleted.
  const gone = new Set(entries.filter(({ seen }) => seen && !seen.stats).map(({ jobId }) => jobId));
  return new Map(snapshots.filter(({ jobId }) => !gone.has(jobId)).map((job) => [job.jobId, job]));
}

/** What the cluster answered for this job alone, if a read that named several jobs failed because of it. */
export function errorOfOne({ jobId, job }: Entry, error: unknown): Error | undefined {
  if (!(error instanceof UnreadableEntriesError)) return undefined;
  const feed = job.datafeed?.datafeedId;
  return error.unreadable.get(jobId) ?? (feed === undefined ? undefined : error.unreadable.get(feed));
}

/** What the look at a job that was never asked failed with, unless that job needs no request any more. */
export function unreadable(error: unknown): ClusterError {
  const { status } = error as { status?: unknown };
  return {
    status: typeof status === 'number' ? status : 0,
    type: 'unreadable',
    reason: `the job could not be read right before it was to be asked: ${error instanceof Error ? error.message : String(error)}`,
  };
}

/** The time limits of a request that names these jobs; undefined when too little time is left to account for it. */
export function allowanceFor(
  entries: readonly Entry[],
  { budget, request }: Pick<Closing, 'budget' | 'request'>,
): CloseAllowance | undefined {
  return budget.allow(request.close.timeout, entries.some(({ job }) => runs(job.datafeed)) ? 2 : 1);
}

/** Sends one close request. Its answer is `lost` when none came in time, or before the ending. */
export async function ask(
  batch: CloseBatch,
  force: boolean,
  { timeoutMs, answerMs }: CloseAllowance,
  { cluster, clock, ending }: Pick<Closing, 'cluster' | 'clock' | 'ending'>,
): Promise<CloseAnswer> {
  using limit = clock.limit(answerMs);
  const signal = AbortSignal.any([limit.signal, ending]);
  return await cluster.close(batch, { force, timeoutMs, signal });
}

const idsOf = (entries: readonly Entry[]): JobId[] => entries.flatMap(({ job }) => job.target ?? []);
