/** @module The numbers of a report in a few lines, the same for terminal, Markdown and HTML. */

import { plural } from '../../base/text.ts';
import { bytes, moment, span } from '../../base/words.ts';
import { freedMemory } from '../../sweep/reporting/freed-memory.ts';
import { fuseText } from '../../sweep/reporting/fuse-text.ts';
import type { MlNodes } from '../../sweep/reporting/ml-nodes.ts';
import {
  type ReopenedJob,
  type ReportedFollowUp,
  type SweepReport,
  unlisted,
} from '../../sweep/reporting/report.ts';
import type { ReportedRequest } from '../../sweep/reporting/reported-request.ts';
import { runbookSection } from '../../sweep/reporting/runbook.ts';
import { warningCode } from '../../sweep/reporting/warning-codes.ts';
import { type ActReason, actReasons, type KeepReason, keepReasons } from '../../sweep/vocabulary.ts';
import type { Tone } from './paint.ts';
import { placesLines } from './places.ts';

export interface SummaryLine {
  readonly text: string;
  readonly tone?: Tone;
  /** The target of the line's link, for formats that have links. */
  readonly link?: string;
  /** The indent of the second and later lines of a long text. */
  readonly indent?: number;
}

export interface SummaryOptions {
  /** The plan that the user has just read; the summary does not repeat it. */
  readonly seen?: SweepReport | undefined;
  readonly isAboutToChange?: boolean;
}

/** The counts, then what needs attention: fuse, follow-up, warnings. */
export function summary(report: SweepReport, options: SummaryOptions = {}): SummaryLine[] {
  const { seen, isAboutToChange } = options;
  const isNew = newSince(seen);
  return [
    { text: `${listedText(report)}: ${countsText(report)}`, tone: 'strong' },
    ...memoryLines(report).filter(isNew),
    ...requestLines(report).filter(isNew),
    ...(seen ? [] : unlistedLines(report)),
    ...(seen ? [] : keptLines(report)),
    ...otherNotes(report).filter(isNew),
    ...(report.dryRun && !isAboutToChange ? [{ text: 'nothing was changed' }] : []),
  ];
}

/** The summary without the parts that Markdown and HTML show as tables. */
export const notes = (report: SweepReport): SummaryLine[] => [
  ...memoryLines(report),
  ...requestLines(report),
  ...unlistedLines(report),
  ...otherNotes(report),
];

/** Returns a filter for the lines that the plan `seen` did not show. */
function newSince(seen: SweepReport | undefined): (line: SummaryLine) => boolean {
  const shown = new Set(seen ? notes(seen).map(({ text }) => text) : []);
  return ({ text }) => !shown.has(text);
}

function otherNotes(report: SweepReport): SummaryLine[] {
  const { followUp, fuse, runbook } = report;
  return [
    ...placesLines(report).map((text) => ({ text })),
    ...(fuse ? [{ text: fuseText(fuse), tone: 'bad' as const }] : []),
    ...(followUp ? [{ text: followUpText(followUp), tone: 'notice' as const }] : []),
    ...reopenedLines(report).map((text) => ({ text, tone: 'warning' as const })),
    ...report.warnings.map((text) => ({ text: warningText(text), tone: 'warning' as const })),
    ...(runbook === undefined
      ? []
      : [{ text: `what to do: ${runbook}`, tone: 'notice' as const, link: runbook }]),
  ];
}

const requestLines = ({ request }: SweepReport): SummaryLine[] => [
  { text: `request: ${requestText(request)}` },
];

/** `idle for at least 48h; jobs web-*; exclude web-core` */
export function requestText({ idleFor, jobs = [], exclude = [] }: ReportedRequest): string {
  return [
    `idle for at least ${idleFor}`,
    ...(jobs.length > 0 ? [`jobs ${namesText(jobs)}`] : []),
    ...(exclude.length > 0 ? [`exclude ${namesText(exclude)}`] : []),
  ].join('; ');
}

const maxNamesShown = 10;

function namesText(names: readonly string[]): string {
  const more = names.length > maxNamesShown ? ` and ${names.length - maxNamesShown} more` : '';
  return `${names.slice(0, maxNamesShown).join(', ')}${more}`;
}

function warningText(text: string): string {
  const code = warningCode(text);
  return `warning: ${text}${code === undefined ? '' : `; see ${runbookSection(`warning-${code}`)}`}`;
}

function followUpText({ jobs, at, round, rest }: ReportedFollowUp): string {
  const again = `${plural(jobs, 'job')} will be looked at again`;
  const what = [...(rest ? ['the sweep goes on with the rest'] : []), ...(rest && jobs === 0 ? [] : [again])];
  return `follow-up: ${what.join(', and ')} at ${moment(at)} (round ${round})`;
}

export function listedText({ counts, cluster }: SweepReport): string {
  const where = cluster.name === 'default' ? '' : ` of ${cluster.name}`;
  return `${plural(counts.listed, 'job')} listed of ${counts.open} open${where}`;
}

/** Number of jobs that a plan would close with force. */
export const forcedIn = ({ jobs }: SweepReport): number =>
  jobs.filter(({ verdict, outcome }) => verdict === 'force' && outcome === 'not_attempted').length;

/** The number of jobs per outcome, in words. Omits zeros. */
export function countsOf(report: SweepReport): (readonly [number, string])[] {
  const { counts, dryRun } = report;
  const forced = dryRun ? forcedIn(report) : 0;
  const all: readonly (readonly [number, string])[] = [
    [counts.closed, 'closed'],
    [counts.forceClosed, 'closed with force'],
    [counts.alreadyClosed, 'closed by others'],
    [counts.closing, dryRun ? 'closing already' : 'still closing'],
    [counts.revived, 'revived'],
    [counts.gone, 'gone'],
    [counts.errors, 'failed to close'],
    [counts.unknown, 'of unknown fate'],
    [counts.notAttempted - forced, dryRun ? 'to close' : 'not attempted'],
    [forced, 'to close with force'],
    [counts.kept, dryRun ? 'to keep' : 'kept'],
  ];
  return all.filter(([count]) => count > 0);
}

/** `12 idle; 11 closed, 1 closed with force, 22 kept`; for a plan `11 to close, 1 to close with force, 22 to keep`. */
function countsText(report: SweepReport): string {
  const words = countsOf(report).map(([count, word]) => `${count} ${word}`);
  if (report.dryRun) return words.join(', ') || 'nothing to close';
  return [`${report.counts.idle} idle`, ...(words.length > 0 ? [words.join(', ')] : [])].join('; ');
}

/** Model memory and reserved memory are two measures for the same jobs, so no line adds them up. */
function memoryLines(report: SweepReport): SummaryLine[] {
  const { dryRun, durationMs, mlNodes } = report;
  const { modelBytes, reservedBytes, jobs, unknown } = freedMemory(report);
  const verb = dryRun ? 'would free' : 'freed';
  const least = unknown > 0 ? 'at least ' : '';
  const some = unknown > 0 ? `; what ${plural(unknown, 'job')} reserved is unknown` : '';
  const reserved = `${verb} ${least}${bytes(reservedBytes)} of reserved memory, which node assignment and autoscaling count${some}`;
  return [
    { text: `${verb} ${bytes(modelBytes)} of model memory${dryRun ? '' : ` in ${span(durationMs)}`}` },
    ...(unknown < jobs ? [{ text: reserved }] : []),
    ...(mlNodes ? [{ text: nodesText(mlNodes) }] : []),
  ];
}

const nodesText = ({ enough, total }: MlNodes) =>
  `${enough} of ${total} ML nodes would do: ${enough === 1 ? 'it has' : 'they have'} enough memory for all jobs that stay open`;

/** Why jobs were kept: each reason with its meaning, most frequent first. */
export function keptOf({ kept }: SweepReport): Meaning[] {
  return meaningsOf(Object.entries(kept) as [KeepReason, number][], keepReasons);
}

/** Why jobs were chosen: each reason with its meaning, most frequent first. */
export function chosenOf({ jobs }: SweepReport): Meaning[] {
  const byReason = Map.groupBy(
    jobs.filter(({ verdict }) => verdict !== 'keep'),
    ({ reason }) => reason as ActReason,
  );
  return meaningsOf(
    [...byReason].map(([reason, own]) => [reason, own.length]),
    actReasons,
  );
}

/** A reason or an outcome that occurs, with the number of its jobs. */
export interface Meaning {
  readonly word: string;
  readonly count: number;
  readonly means: string;
}

const meaningsOf = <Word extends string>(
  counts: readonly (readonly [Word, number])[],
  means: Readonly<Record<Word, string>>,
): Meaning[] =>
  counts
    .toSorted(([, a], [, b]) => b - a)
    .map(([word, count]) => ({ word, count, means: means[word].replaceAll('`', '') }));

const unlistedLines = (report: SweepReport): SummaryLine[] => {
  const text = unlistedText(report);
  return text === undefined ? [] : [{ text }];
};

/** Counts the listed jobs that the table omits: `17 listed jobs are not in the table: 15 recent_data, …`. */
export function unlistedText({ counts, jobs, kept }: SweepReport): string | undefined {
  const left = counts.listed - jobs.length;
  if (left <= 0) return undefined;
  const isInTable = (reason: string) => jobs.filter((job) => job.outcome === 'kept' && job.reason === reason);
  const reasons = [...unlisted]
    .map((reason) => [reason, (kept[reason] ?? 0) - isInTable(reason).length] as const)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reason}`);
  const are = left === 1 ? 'is' : 'are';
  const them = left === 1 ? 'it' : 'them';
  return `${plural(left, 'listed job')} ${are} not in the table: ${reasons.join(', ')}; jobsweep plan --all shows ${them}`;
}

function keptLines(report: SweepReport): SummaryLine[] {
  const reasons = keptOf(report);
  if (reasons.length === 0) return [];
  const widest = Math.max(...reasons.map(({ word }) => word.length));
  return [
    { text: report.dryRun ? 'to keep because:' : 'kept because:' },
    ...reasons.map(({ word, count, means }) => ({
      text: `  ${String(count).padStart(5)}  ${word.padEnd(widest)}  ${means}`,
      indent: widest + 11,
    })),
  ];
}

/** Jobs that are open again after sweeps closed them, up to a readable number of names. */
function reopenedLines({ flapping = [], reopened = [] }: SweepReport): string[] {
  const advice = 'if they are needed, protect or exclude them';
  return [
    ...(flapping.length > 0
      ? [`flapping, open again after at least three sweeps closed them: ${reopenedText(flapping)}; ${advice}`]
      : []),
    ...(reopened.length > 0
      ? [`open again after a sweep closed them: ${reopenedText(reopened)}; ${advice}`]
      : []),
  ];
}

function reopenedText(jobs: readonly ReopenedJob[]): string {
  const named = jobs.slice(0, 10).map(({ jobId, closes, reopenedAt }) => {
    const by = reopenedAt === undefined ? '' : ', opened by jobsweep reopen';
    return `${jobId} (closed by ${plural(closes, 'sweep')}${by})`;
  });
  return `${named.join(', ')}${jobs.length > 10 ? ` and ${jobs.length - 10} more` : ''}`;
}
