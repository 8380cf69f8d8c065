/** @module Jobs that were reopened after a sweep closed them, from the files of `--history` or from the kept reports. */
import type { Decision } from '../../sweep/planning/decide.ts';
import type { History } from '../../sweep/planning/verdict.ts';
import type { FlappingJob } from '../../sweep/reporting/report.ts';
import type { Io } from '../io.ts';
import { hasKept, readKept, stateFolder } from './kept-reports.ts';
import { type PastJob, type PastSweep, readPastSweeps, wasClosed } from './past-sweeps.ts';
import { knownIds, type Target } from './target.ts';

/** A job that was reopened after this many sweeps had closed it is kept (docs/contract.md §2, `flapping`). */
const mostCloses = 3;

/** The result of one sweep for one job. */
export interface PastDeed extends PastJob {
  readonly sweepId: string;
  /** ISO date-time. */
  readonly startedAt: string;
}

export interface PastCloses {
  /** When sweeps closed each job, ISO, oldest first. */
  readonly closes: ReadonlyMap<string, readonly string[]>;
  /** What sweeps did with each job, oldest first. Without the sweeps that kept it. */
  readonly deeds: ReadonlyMap<string, readonly PastDeed[]>;
  readonly warnings: readonly string[];
  /** Whether `--history` was given. If so, the kept reports are ignored. */
  readonly isGiven?: boolean;
}

export interface HistoryOptions {
  readonly history?: readonly string[];
  readonly embedded?: boolean;
}

export interface HistorySource {
  /** From the files of `--history`. */
  readonly sweeps: readonly PastSweep[];
  /** The folder of the kept reports, if they are used. */
  readonly folder?: string | undefined;
}

/** Reads the files of `--history`; a sweep in two of them counts once. @throws {InvalidDocumentError} */
export async function readHistory(
  { history, embedded }: HistoryOptions,
  { env }: Pick<Io, 'env'>,
): Promise<HistorySource> {
  if (history) return { sweeps: (await Promise.all(history.map(readPastSweeps))).flat() };
  return { sweeps: [], folder: embedded ? undefined : stateFolder(env) };
}

/** The history of the cluster of a command. Without a history, no request is sent. */
export async function pastOf(
  { sweeps, folder }: HistorySource,
  target: Target,
  signal: AbortSignal,
): Promise<PastCloses> {
  if (folder !== undefined && (await hasKept(folder))) {
    const ids = await knownIds(target, signal);
    const kept = await readKept(folder, ids);
    return pastCloses(
      kept.flatMap((each) => each.sweeps),
      ids,
    );
  }
  if (sweeps.length === 0) return { closes: new Map(), deeds: new Map(), warnings: [] };
  return { ...pastCloses(sweeps, await knownIds(target, signal)), isGiven: true };
}

/** The part of the history that concerns the cluster with these ids. */
function pastCloses(sweeps: readonly PastSweep[], ids: ReadonlySet<string>): PastCloses {
  const own = sweeps.filter(({ cluster }) => ids.has(cluster.id));
  const foreign = new Set(sweeps.filter((sweep) => !own.includes(sweep)).map(({ cluster }) => cluster.name));
  // Keyed by sweep and job, because two files may contain the same sweep.
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

/** The history in the form that `sweep()` takes. */
export function historiesOf({ closes }: PastCloses): ReadonlyMap<string, History> {
  return new Map([...closes].map(([jobId, moments]) => [jobId, { flapping: moments.length >= mostCloses }]));
}

/** The listed jobs that are open again, most closes first. */
export function flappingJobs({ closes }: PastCloses, decisions: readonly Decision[]): FlappingJob[] {
  return decisions
    .filter(({ job }) => job.reportedState === 'opened' || job.reportedState === 'opening')
    .flatMap(({ jobId }) => {
      const moments = closes.get(jobId);
      const lastClosedAt = moments?.at(-1);
      return moments && lastClosedAt ? [{ jobId, closes: moments.length, lastClosedAt }] : [];
    })
    .sort((a, b) => b.closes - a.closes || (a.jobId < b.jobId ? -1 : 1));
}
