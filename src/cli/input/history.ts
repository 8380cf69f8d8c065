/**
 * @module Finds jobs that were reopened after a sweep closed them, in the files of `--history` or in the kept reports.
 */
import type { Decision } from '../../sweep/planning/decide.ts';
import { maxComebacks } from '../../sweep/planning/flapping.ts';
import { protects } from '../../sweep/planning/protection.ts';
import type { History } from '../../sweep/planning/verdict.ts';
import type { ReopenedJob, SweepReport } from '../../sweep/reporting/report.ts';
import type { Io } from '../io.ts';
import { hasKept, readKept, stateFolder } from './kept-reports.ts';
import { type PastJob, type PastSweep, readPastSweeps, wasClosed } from './past-sweeps.ts';
import { readReopenings } from './reopenings.ts';
import { knownIds, type Target } from './target.ts';

/** The result of one sweep for one job. */
export interface PastDeed extends PastJob {
  readonly sweepId: string;
  /** ISO date-time. */
  readonly startedAt: string;
}

export interface PastCloses {
  /** When sweeps closed each job, ISO, oldest first. */
  readonly closes: ReadonlyMap<string, readonly string[]>;
  /** What sweeps did with each job, oldest first. Sweeps that kept the job are left out. */
  readonly deeds: ReadonlyMap<string, readonly PastDeed[]>;
  /** When `jobsweep reopen` opened each job, ISO, oldest first. */
  readonly reopenings: ReadonlyMap<string, readonly string[]>;
  readonly warnings: readonly string[];
  /** Whether `--history` was given. If so, the kept reports are ignored. */
  readonly isGiven?: boolean;
}

export interface HistoryOptions {
  readonly history?: readonly string[];
  readonly embedded?: boolean;
}

export interface HistorySource {
  /** The sweeps in the files of `--history`. */
  readonly sweeps: readonly PastSweep[];
  /** The folder of the kept reports, if they are used. */
  readonly folder?: string | undefined;
  /** The folder with the notes of `reopen` about the jobs that it opened. */
  readonly notes?: string | undefined;
}

/** Reads the files of `--history`. @throws {InvalidDocumentError} */
export async function readHistory(
  { history, embedded }: HistoryOptions,
  { env }: Pick<Io, 'env'>,
): Promise<HistorySource> {
  const notes = embedded ? undefined : stateFolder(env);
  if (history) return { sweeps: (await Promise.all(history.map(readPastSweeps))).flat(), notes };
  return { sweeps: [], folder: notes, notes };
}

/** The history of the command's cluster. If no reports exist at all, sends no request to the cluster. */
export async function pastOf(
  { sweeps, folder, notes }: HistorySource,
  target: Target,
  signal: AbortSignal,
): Promise<PastCloses> {
  if (folder !== undefined && (await hasKept(folder))) {
    const ids = await knownIds(target, signal);
    const kept = await readKept(folder, ids);
    return {
      ...pastCloses(
        kept.flatMap((each) => each.sweeps),
        ids,
      ),
      reopenings: await reopeningsIn(notes, ids),
    };
  }
  if (sweeps.length === 0)
    return { closes: new Map(), deeds: new Map(), reopenings: new Map(), warnings: [] };
  const ids = await knownIds(target, signal);
  return { ...pastCloses(sweeps, ids), reopenings: await reopeningsIn(notes, ids), isGiven: true };
}

const reopeningsIn = async (folder: string | undefined, ids: ReadonlySet<string>) =>
  folder === undefined ? new Map() : await readReopenings(folder, ids);

/** The part of the history that concerns one cluster, whose id in a report may be any of `ids`. */
function pastCloses(sweeps: readonly PastSweep[], ids: ReadonlySet<string>): Omit<PastCloses, 'reopenings'> {
  const own = sweeps.filter(({ cluster }) => ids.has(cluster.id));
  const foreign = new Set(sweeps.filter((sweep) => !own.includes(sweep)).map(({ cluster }) => cluster.name));
  // Keyed by sweep and job, so that a sweep that is in two files is counted only once.
  const deeds = new Map<string, PastDeed>();
  for (const { sweepId, startedAt, jobs } of own)
    for (const job of jobs)
      if (job.outcome !== 'kept')
        deeds.set(`${startedAt}\n${sweepId}\n${job.jobId}`, { ...job, sweepId, startedAt });
  const byJob = Map.groupBy(
    [...deeds.values()].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1)),
    ({ jobId }) => jobId,
  );
  return {
    deeds: byJob,
    closes: new Map(
      [...byJob].map(
        ([jobId, done]) => [jobId, done.filter(wasClosed).map(({ startedAt }) => startedAt)] as const,
      ),
    ),
    warnings:
      foreign.size > 0
        ? [`--history: sweeps of another cluster (${[...foreign].join(', ')}) were ignored`]
        : [],
  };
}

/** For `planSweep()`: whether each job is flapping. */
export function historiesOf({ closes }: PastCloses): ReadonlyMap<string, History> {
  return new Map(
    [...closes].map(([jobId, moments]) => [jobId, { flapping: moments.length >= maxComebacks }]),
  );
}

/**
 * The jobs of `decisions` that are open again after sweeps closed them, those with the most closes first. Protected and
 * excluded jobs are left out, because nothing needs to be done about them.
 */
export function reopenedJobs(
  { closes, reopenings }: Pick<PastCloses, 'closes' | 'reopenings'>,
  decisions: readonly Decision[],
  now: number,
): Pick<SweepReport, 'flapping' | 'reopened'> {
  const jobs = decisions
    .filter(
      ({ job, verdict }) =>
        (job.reportedState === 'opened' || job.reportedState === 'opening') &&
        verdict.reason !== 'excluded' &&
        !protects(job.protection, now),
    )
    .flatMap(({ jobId }): ReopenedJob[] => {
      const moments = closes.get(jobId);
      const lastClosedAt = moments?.at(-1);
      if (!moments || lastClosedAt === undefined) return [];
      const reopenedAt = reopenings.get(jobId)?.findLast((at) => at > lastClosedAt);
      return [
        { jobId, closes: moments.length, lastClosedAt, ...(reopenedAt !== undefined && { reopenedAt }) },
      ];
    })
    .sort((a, b) => b.closes - a.closes || (a.jobId < b.jobId ? -1 : 1));
  const flapping = jobs.filter((job) => job.closes >= maxComebacks);
  const reopened = jobs.filter((job) => job.closes < maxComebacks);
  return { ...(flapping.length > 0 && { flapping }), ...(reopened.length > 0 && { reopened }) };
}
