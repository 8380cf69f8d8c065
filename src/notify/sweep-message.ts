/** @module The notification about a sweep: whether to send one, and what it says. */
import { plural } from '../base/text.ts';
import { bytes, moment } from '../base/words.ts';
import { freedMemory } from '../sweep/reporting/freed-memory.ts';
import { fuseText } from '../sweep/reporting/fuse-text.ts';
import type { ReportedJob, SweepReport } from '../sweep/reporting/report.ts';
import { errorAnchor, reportAnchor } from '../sweep/reporting/runbook.ts';
import { warningCode } from '../sweep/reporting/warning-codes.ts';
import type { NotifyWhen } from '../sweep/request/request-schema.ts';
import type { NotAttemptedReason } from '../sweep/vocabulary.ts';
import { code, cut, type Fact, type Message } from './message.ts';

/** Maximum number of jobs that a message names. */
const maxNamed = 20;
const maxErrors = 5;
const maxWarnings = 5;

/** The detail types of our events. */
export const sweepFinished = 'Jobsweep Sweep Finished';
export const sweepFailed = 'Jobsweep Sweep Failed';

/**
 * Whether to notify about a sweep. Neither a dry run nor a sweep that only watched the closes of an earlier sweep
 * counts as a change.
 */
export function shouldNotify(report: SweepReport, when: NotifyWhen): boolean {
  const isProblem = report.status !== 'done';
  if (when === 'always' || when === 'never') return when === 'always';
  return isProblem || (when === 'changes' && hasChanged(report));
}

/** Whether this sweep closed a job, requested a close that is still running, or stopped a datafeed. */
const hasChanged = ({ dryRun, counts, jobs }: SweepReport): boolean =>
  !dryRun &&
  (counts.closed + counts.forceClosed > 0 ||
    jobs.some(
      ({ outcome, batch, datafeedStopped }) =>
        (outcome === 'closing' && batch !== undefined) || datafeedStopped,
    ));

/** The message about a sweep. `where` has lines that say where the report is. */
export function sweepMessage(report: SweepReport, where: readonly string[]): Message {
  const { cluster, status, fuse } = report;
  const anchor = reportAnchor(report) ?? 'status-done';
  return {
    severity: status === 'done' ? 'info' : 'warning',
    headline: headlineOf(report),
    facts: factsOf(report),
    lines: [
      ...(fuse ? [`${fuseText(fuse)}.`] : []),
      ...forcedLines(report),
      ...errorLines(report),
      ...notAttemptedLines(report),
      ...followUpLines(report),
      ...warningLines(report),
      ...where,
    ],
    anchor,
    alsoSee: sectionsOf(report).filter((section) => section.anchor !== anchor),
    kind: sweepFinished,
    thread: cluster.name,
    detail: detailOf(report),
  };
}

/** The sections of the runbook about what a report contains, in addition to the section about its status. */
const sectionsOf = ({ counts, warnings }: SweepReport): NonNullable<Message['alsoSee']> => [
  ...(counts.forceClosed > 0
    ? [{ title: 'Jobs closed with force', anchor: 'a-job-was-forced' as const }]
    : []),
  ...(warnings.length > 0 ? [{ title: 'Warnings', anchor: 'warnings' as const }] : []),
];

function headlineOf({ cluster, counts, status, dryRun, freedBytes, followUpOf }: SweepReport): string {
  const sweep = dryRun ? 'dry run' : followUpOf ? `follow-up ${followUpOf.round}` : 'sweep';
  const on = `jobsweep, ${cluster.name}`;
  if (status === 'refused') return `${on}: ${sweep} refused, nothing was closed`;
  if (dryRun) return `${on}: dry run, ${plural(counts.idle, 'job')} to close`;
  const closed = counts.closed + counts.forceClosed;
  const done = `${plural(closed, 'job')} closed, ${bytes(freedBytes)} of model memory freed`;
  if (status === 'partial') return `${on}: ${sweep} is partial; ${done}`;
  return `${on}: ${followUpOf ? `${sweep}: ` : ''}${done}`;
}

function factsOf(report: SweepReport): Fact[] {
  const { counts, dryRun } = report;
  const all: readonly (readonly [string, number])[] = [
    ['Closed', counts.closed],
    ['Closed with force', counts.forceClosed],
    ['Still closing', counts.closing],
    ['Failed to close', counts.errors],
    ['Unknown', counts.unknown],
    ['Not attempted', counts.notAttempted],
    ['Kept', counts.kept],
  ];
  const shown = all.filter(([name, count]) => count > 0 || name === 'Closed');
  return [
    ...shown.map(([name, count]) => ({ name, value: String(count) })),
    { name: 'Open before', value: String(counts.open) },
    ...(dryRun ? [] : memoryFacts(report)),
  ];
}

/** Model memory and reserved memory are two measures for the same jobs, so the two are never added together. */
function memoryFacts(report: SweepReport): Fact[] {
  const { modelBytes, reservedBytes, jobs, unknown } = freedMemory(report);
  const least = unknown > 0 ? 'at least ' : '';
  return [
    { name: 'Model memory freed', value: bytes(modelBytes) },
    ...(unknown > 0 && unknown === jobs
      ? []
      : [{ name: 'Reserved memory freed', value: `${least}${bytes(reservedBytes)}` }]),
  ];
}

function named(jobs: readonly ReportedJob[], max = maxNamed): string {
  const more = jobs.length > max ? ` and ${jobs.length - max} more` : '';
  return `${jobs
    .slice(0, max)
    .map(({ jobId }) => code(jobId))
    .join(', ')}${more}`;
}

function forcedLines({ jobs }: SweepReport): string[] {
  const forced = jobs.filter(({ outcome }) => outcome === 'force_closed');
  if (forced.length === 0) return [];
  return [`Closed with force, which loses model changes since the last snapshot: ${named(forced)}`];
}

function errorLines({ jobs }: SweepReport): string[] {
  const failed = jobs.filter(({ outcome }) => outcome === 'error');
  const unknown = jobs.filter(({ outcome }) => outcome === 'unknown');
  return [
    ...failed
      .slice(0, maxErrors)
      .map(({ jobId, error }) => `Failed to close ${code(jobId)}: ${errorText(error)}`),
    ...(failed.length > maxErrors ? [`… and ${failed.length - maxErrors} more failed to close`] : []),
    ...(unknown.length > 0 ? [`Asked to close, and unknown since: ${named(unknown)}`] : []),
  ];
}

const errorText = (error: ReportedJob['error']): string =>
  error ? code([error.status, error.type, error.reason].filter(Boolean).join(' '), 300) : 'no reason given';

/**
 * Short texts for the reasons why jobs were not attempted. The other reasons, a fuse and a dry run, are shown elsewhere
 * in the message.
 */
const leftBecause: Readonly<Partial<Record<NotAttemptedReason, string>>> = {
  time: 'too little time was left',
  limit: 'force.max was reached',
  signal: 'the sweep was interrupted',
};

function notAttemptedLines({ jobs }: SweepReport): string[] {
  return Object.entries(leftBecause).flatMap(([reason, words]) => {
    const left = jobs.filter(({ notAttemptedBecause }) => notAttemptedBecause === reason);
    return left.length > 0 ? [`Not attempted, because ${words}: ${named(left)}`] : [];
  });
}

function followUpLines({ followUp }: SweepReport): string[] {
  if (!followUp) return [];
  const what = followUp.rest ? 'goes on with the rest' : `looks again at ${plural(followUp.jobs, 'job')}`;
  return [`Follow-up ${followUp.round} ${what} at ${moment(followUp.at)}`];
}

function warningLines({ warnings }: SweepReport): string[] {
  const more = warnings.length - maxWarnings;
  return [
    ...warnings.slice(0, maxWarnings).map(warningLine),
    ...(more > 0 ? [`… and ${plural(more, 'more warning')}`] : []),
  ];
}

function warningLine(text: string): string {
  const known = warningCode(text);
  return `Warning${known ? ` ${known}` : ''}: ${code(text, 300)}`;
}

const idsOf = (jobs: readonly ReportedJob[]): string[] =>
  jobs.slice(0, maxNamed).map(({ jobId }) => cut(jobId, 100));

function detailOf(report: SweepReport): NonNullable<Message['detail']> {
  const {
    jobs,
    warnings,
    kept: _kept,
    places: _places,
    flapping: _flapping,
    reopened: _reopened,
    rounds: _rounds,
    ...rest
  } = report;
  return {
    ...rest,
    forced: idsOf(jobs.filter(({ outcome }) => outcome === 'force_closed')),
    failed: idsOf(jobs.filter(({ outcome }) => outcome === 'error' || outcome === 'unknown')),
    warnings: warnings.slice(0, maxNamed).map((text) => cut(text, 500)),
  };
}

/** What is known about a sweep that failed. */
export interface FailedSweep {
  /** The cluster; undefined if the request could not be read. */
  readonly cluster?: string | undefined;
  readonly sweepId?: string | undefined;
}

/**
 * The message about a sweep that ended without a report. `exit` is the exit code of the `jobsweep` command for this
 * error.
 */
export function failureMessage(
  error: { readonly name: string; readonly message: string; readonly exit: number },
  { cluster, sweepId }: FailedSweep,
  where: readonly string[],
): Message {
  const on = cluster === undefined ? 'jobsweep' : `jobsweep, ${cluster}`;
  return {
    severity: 'error',
    // Exit code 1 means a bug. Only then can the sweep have failed after a close.
    headline: `${on}: the sweep failed${error.exit === 1 ? '' : ', nothing was closed'}`,
    lines: [`${error.name}: ${code(error.message, 1_000)}`, ...where],
    anchor: errorAnchor(error.name, error.exit),
    kind: sweepFailed,
    thread: cluster ?? 'default',
    detail: {
      ...(sweepId !== undefined && { sweepId }),
      ...(cluster !== undefined && { cluster: { name: cluster } }),
      error: { name: error.name, message: cut(error.message, 2_000), exit: error.exit },
    },
  };
}
