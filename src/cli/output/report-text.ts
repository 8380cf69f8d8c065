/** @module A report as text for a terminal: what was decided or done, job by job, and then the sums. */

import { printable } from '../../base/text.ts';
import type { ReportedJob, SweepReport } from '../../sweep/reporting/report.ts';
import type { Tone } from './paint.ts';
import { summary } from './report-summary.ts';
import { type Sheet, sheetTable } from './sheet.ts';
import { type Column, type TableLooks, table } from './table.ts';
import { toneOfOutcome, toneOfVerdict } from './tones.ts';
import { bytes, moment, span } from './words.ts';

const job: Column<ReportedJob> = {
  title: 'JOB',
  value: ({ jobId }) => jobId,
  least: 16,
  cut: 'middle',
  tone: (row) => (row.outcome === 'kept' ? 'faint' : 'strong'),
};

const common: readonly Column<ReportedJob>[] = [
  job,
  { title: 'STATE', value: ({ state }) => state, leftOut: 3 },
  {
    title: 'IDLE FOR',
    value: ({ idleMs }) => (idleMs === undefined ? '?' : span(idleMs)),
    align: 'right',
    leftOut: 1,
  },
  {
    title: 'MEMORY',
    value: ({ memoryBytes }) => (memoryBytes === undefined ? '?' : bytes(memoryBytes)),
    align: 'right',
    leftOut: 2,
  },
  {
    title: 'VERDICT',
    value: ({ verdict }) => verdict,
    tone: ({ verdict }) => toneOfVerdict[verdict],
    leftOut: 4,
  },
  { title: 'REASON', value: ({ reason }) => reason, least: 9, tone: faintWhenKept },
];

const outcome: Column<ReportedJob> = {
  title: 'OUTCOME',
  value: outcomeText,
  least: 12,
  tone: ({ outcome }) => toneOfOutcome[outcome],
};

function faintWhenKept({ outcome }: ReportedJob): Tone | undefined {
  return outcome === 'kept' ? 'faint' : undefined;
}

/** What became of a job, with why where that is not told by the word alone. */
export function outcomeText({ outcome, error, notAttemptedBecause }: ReportedJob): string {
  if (error) return `${outcome}: ${error.type}: ${error.reason}`;
  return notAttemptedBecause ? `${outcome} (${notAttemptedBecause})` : outcome;
}

const columnsOf = ({ dryRun }: SweepReport) => (dryRun ? common : [...common, outcome]);

/** The whole report as people read it; ends with a line end. */
export function reportText(report: SweepReport, looks: TableLooks = {}): string {
  const columns = columnsOf(report);
  const jobs =
    report.jobs.length > 0
      ? table(report.jobs, columns, looks)
      : 'no job to show: every job that was listed is busy or excluded';
  return `${jobs}\n\n${summary(report)
    .map(({ tone, text }) => (tone && looks.paint ? looks.paint(tone, printable(text)) : printable(text)))
    .join('\n')}\n`;
}

/** The report without colours and widths, for Markdown. */
export function reportSheet(report: SweepReport): Sheet {
  const columns = columnsOf(report);
  return {
    title: `${report.dryRun ? 'Plan of a sweep' : 'Sweep'} of the cluster ${report.cluster.name}`,
    lines: [`${moment(report.startedAt)}, ${report.status}`, ...summary(report).map(({ text }) => text)],
    tables: [sheetTable(columns, report.jobs)],
  };
}
