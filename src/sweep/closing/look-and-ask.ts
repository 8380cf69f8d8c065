/** @module The requests that closing sends: reads by id, the look right before a close, and the close itself. */

import { UnreadableEntriesError } from '../../base/errors.ts';
import { together } from '../../base/together.ts';
import type { CloseAllowance } from '../budget.ts';
import type { CloseBatch, JobId } from '../planning/concrete-id.ts';
import { type JobSnapshot, joinInventory, runs } from '../planning/inventory.ts';
import type { CloseAnswer, ClusterError } from '../ports.ts';
import type { Closing, Entry } from './ledger.ts';
import { requestsToRead } from './places.ts';

/**
 * Maximum duration of a look (the check right before a close request), in milliseconds. A look that takes longer is
 * repeated, because its first answers are too old to act on. There are at most `maxSlowLooks` looks.
 */
const oldestLook = 30_000;
const maxSlowLooks = 3;

/** The number of reads of stats that have begun. */
export interface Reads {
  begun: number;
}

/** Reads the stats of jobs and notes them in each entry. @throws when the cluster cannot be read. */
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
 * Reads the jobs again and returns them by id, without those that no longer exist. Stats from the read numbered `fresh`
 * or a later one are not read again.
 * @throws when the cluster cannot be read, or takes so long that its answers are too old to act on.
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

/**
 * Estimates how many requests a look (the check right before a close request) takes. Stats from the read numbered
 * `fresh` or a later one are not read again.
 */
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
  // A datafeed created since the listing appears in its job's config. This is rare, and costs one more read.
  const newIds = configs.flatMap(({ datafeedId }) =>
    datafeedId !== undefined && !knownIds.includes(datafeedId) ? [datafeedId] : [],
  );
  const found = await cluster.datafeedStats(ending, newIds);
  const snapshots = joinInventory({
    configs,
    // A poll may have read newer stats while this look waited for its answers.
    stats: entries.flatMap(({ seen }) => seen?.stats ?? []),
    datafeeds: [...known, ...found],
    readAt: clock.now(),
  });
  // A job may have been deleted right after its config was read.
  const gone = new Set(entries.filter(({ seen }) => seen && !seen.stats).map(({ jobId }) => jobId));
  return new Map(snapshots.filter(({ jobId }) => !gone.has(jobId)).map((job) => [job.jobId, job]));
}

/** The cluster's error for this job alone, if a read of several jobs failed because of this job. */
export function errorOfOne({ jobId, job }: Entry, error: unknown): Error | undefined {
  if (!(error instanceof UnreadableEntriesError)) return undefined;
  const feed = job.datafeed?.datafeedId;
  return error.unreadable.get(jobId) ?? (feed === undefined ? undefined : error.unreadable.get(feed));
}

/** The error of a job that could not be read right before its first close request. */
export function unreadable(error: unknown): ClusterError {
  const { status } = error as { status?: unknown };
  return {
    status: typeof status === 'number' ? status : 0,
    type: 'unreadable',
    reason: `the job could not be read right before its close request: ${error instanceof Error ? error.message : String(error)}`,
  };
}

/** The timeouts of a request that names these jobs; undefined when too little time is left to learn its result. */
export function allowanceFor(
  entries: readonly Entry[],
  { budget, request }: Pick<Closing, 'budget' | 'request'>,
): CloseAllowance | undefined {
  return budget.allow(request.close.timeout, entries.some(({ job }) => runs(job.datafeed)) ? 2 : 1);
}

/** Sends one close request. The answer is `lost` if none arrives in time, or before `ending` aborts. */
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
