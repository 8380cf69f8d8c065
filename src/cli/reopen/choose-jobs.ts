/** @module Chooses the jobs that `reopen` opens: those that the sweep closed, or some of them (`--jobs`). */
import { didYouMean } from '../../base/did-you-mean.ts';
import { InvalidSettingError } from '../../base/errors.ts';
import { plural, printable, quote } from '../../base/text.ts';
import { type JobSnapshot, runs } from '../../sweep/planning/inventory.ts';
import { matcher, unmatched } from '../../sweep/planning/job-patterns.ts';
import type { PastJob, PastSweep } from '../input/past-sweeps.ts';
import { undoable } from './reopen-jobs.ts';

/** Maximum number of jobs that a question or an error names. */
const maxNamed = 10;

type Jobs = ReadonlyMap<string, JobSnapshot>;

/** The jobs to restore, each with its last outcome. A datafeed counts as stopped if any of the sweeps stopped it. */
export function closedJobs(sweeps: readonly PastSweep[]): PastJob[] {
  const byId = new Map<string, PastJob>();
  for (const job of sweeps.flatMap((sweep) => undoable(sweep.jobs))) {
    const datafeedStopped = job.datafeedStopped || byId.get(job.jobId)?.datafeedStopped;
    byId.set(job.jobId, { ...job, ...(datafeedStopped && { datafeedStopped }) });
  }
  return [...byId.values()];
}

/**
 * The closed jobs that `names` match by id, wildcard or current group.
 * @throws {InvalidSettingError} for a name that matches none.
 */
export function namedJobs(
  names: readonly string[],
  closed: readonly PastJob[],
  now: Jobs,
  sweeps: readonly PastSweep[],
): PastJob[] {
  const named = closed.map((job) => ({ ...job, groups: now.get(job.jobId)?.groups ?? [] }));
  const missing = unmatched(names, named);
  if (missing.length > 0)
    throw new InvalidSettingError(missing.map((name) => problemOf(name, closed, sweeps)).join('\n'));
  return named.filter(matcher(names)).map(({ groups: _groups, ...job }) => job);
}

function problemOf(name: string, closed: readonly PastJob[], sweeps: readonly PastSweep[]): string {
  const ids = closed.map(({ jobId }) => jobId);
  const listed = sweeps.flatMap(({ jobs }) => jobs).findLast(({ jobId }) => jobId === name);
  const alike = didYouMean(name, ids);
  const hint = listed
    ? ` (its report says of it: ${[listed.outcome, listed.reason].filter(Boolean).join(', ')}). It`
    : alike === undefined
      ? '; it'
      : `; did you mean ${printable(alike)}? It`;
  return `--jobs: ${quote(name)} matches no job that the sweep closed${hint} closed ${ids.length > 0 ? listOf(ids) : 'none'}; nothing was changed`;
}

function listOf(ids: readonly string[]): string {
  const more = ids.length > maxNamed ? ` and ${ids.length - maxNamed} more` : '';
  return `${ids.slice(0, maxNamed).map(printable).join(', ')}${more}`;
}

/** The question that asks for confirmation, and the lines to show before it; undefined if there is nothing to do. */
export function questionOf(
  jobs: readonly PastJob[],
  now: Jobs,
  cluster: string,
): { readonly lines: readonly string[]; readonly question: string } | undefined {
  const closed = jobs.filter(({ jobId }) => now.get(jobId)?.reportedState === 'closed');
  const stopped = jobs.filter(
    ({ jobId, datafeedStopped }) => datafeedStopped && now.has(jobId) && !runs(now.get(jobId)?.datafeed),
  );
  if (closed.length === 0 && stopped.length === 0) return undefined;
  const ids = (some: readonly PastJob[]) => listOf(some.map(({ jobId }) => jobId));
  const feeds = stopped.length > 0 ? `, and start ${plural(stopped.length, 'datafeed')}` : '';
  return {
    lines: [
      ...(closed.length > 0 ? [`to open: ${ids(closed)}`] : []),
      ...(stopped.length > 0 ? [`to start the datafeed of: ${ids(stopped)}`] : []),
    ],
    question: `Open ${plural(closed.length, 'job')} on ${cluster}${feeds}?`,
  };
}
