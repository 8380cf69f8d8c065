/**
 * @module The memory that a sweep freed, by two measures: model memory, and the memory that jobs reserved on their
 * nodes.
 */
import type { ReportedJob, SweepReport } from './report.ts';

/** The jobs whose memory a sweep freed, or a plan would free. */
export const freedJobs = ({ dryRun, jobs }: SweepReport): ReportedJob[] =>
  jobs.filter(({ outcome }) =>
    dryRun ? outcome === 'not_attempted' : outcome === 'closed' || outcome === 'force_closed',
  );

/** The memory that a sweep freed, or a plan would free. `unknown` counts the jobs whose reservation is not known. */
export function freedMemory(report: SweepReport) {
  const { dryRun, freedBytes, freedReservedBytes } = report;
  const jobs = freedJobs(report);
  const sum = (field: 'memoryBytes' | 'reservedBytes') =>
    jobs.reduce((total, job) => total + (job[field] ?? 0), 0);
  return {
    modelBytes: dryRun ? sum('memoryBytes') : freedBytes,
    reservedBytes: dryRun ? sum('reservedBytes') : freedReservedBytes,
    jobs: jobs.length,
    unknown: jobs.filter(({ reservedBytes }) => reservedBytes === undefined).length,
  };
}
