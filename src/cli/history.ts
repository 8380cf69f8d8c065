/** @module `--history`: jobs that earlier sweeps closed and that are open again. */
import type { Entry } from '../sweep/ledger.ts';
import type { Cluster } from '../sweep/ports.ts';
import type { FlappingJob } from '../sweep/report.ts';
import type { History } from '../sweep/verdict.ts';
import { type PastSweep, readPastSweeps } from './past-sweeps.ts';

/** So many sweeps closed a job, and each time somebody opened it again: it is left open (contract §2, `flapping`). */
const mostCloses = 3;

export interface PastCloses {
  /** When sweeps closed each job, ISO, the oldest first. */
  readonly closes: ReadonlyMap<string, readonly string[]>;
  readonly warnings: readonly string[];
}

/** Reads the files of `--history`; a sweep that two of them tell of counts once. @throws {InvalidDocumentError} */
export async function readHistory(files: readonly string[]): Promise<PastSweep[]> {
  return (await Promise.all(files.map(readPastSweeps))).flat();
}

/** What of it happened to the cluster that a command works on; without a history the cluster is not asked. */
export async function pastOf(
  sweeps: readonly PastSweep[],
  cluster: Cluster,
  signal: AbortSignal,
): Promise<PastCloses> {
  if (sweeps.length === 0) return { closes: new Map(), warnings: [] };
  return pastCloses(sweeps, (await cluster.identify(signal)).id);
}

/** What of it happened to the cluster with this id. */
export function pastCloses(sweeps: readonly PastSweep[], clusterId: string): PastCloses {
  const closes = new Map<string, Set<string>>();
  const foreign = new Set<string>();
  for (const { cluster, startedAt, jobs } of sweeps) {
    if (cluster.id !== clusterId) {
      foreign.add(cluster.name);
      continue;
    }
    for (const { jobId, outcome } of jobs) {
      if (outcome !== 'closed' && outcome !== 'force_closed') continue;
      const moments = closes.get(jobId) ?? new Set();
      closes.set(jobId, moments.add(startedAt));
    }
  }
  return {
    closes: new Map([...closes].map(([jobId, moments]) => [jobId, [...moments].sort()])),
    warnings:
      foreign.size > 0
        ? [`--history: sweeps of another cluster (${[...foreign].join(', ')}) were left out of account`]
        : [],
  };
}

/** What `sweep()` is told of each job. */
export function historiesOf({ closes }: PastCloses): ReadonlyMap<string, History> {
  return new Map([...closes].map(([jobId, moments]) => [jobId, { flapping: moments.length >= mostCloses }]));
}

/** The jobs among those listed that are open again, those that flapped most first. */
export function flappingJobs({ closes }: PastCloses, entries: readonly Entry[]): FlappingJob[] {
  return entries
    .filter(({ job }) => job.reportedState === 'opened' || job.reportedState === 'opening')
    .flatMap(({ jobId }) => {
      const moments = closes.get(jobId);
      const lastClosedAt = moments?.at(-1);
      return moments && lastClosedAt ? [{ jobId, closes: moments.length, lastClosedAt }] : [];
    })
    .sort((a, b) => b.closes - a.closes || (a.jobId < b.jobId ? -1 : 1));
}
