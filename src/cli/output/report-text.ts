/** @module A report as text for a terminal: the decision or outcome of each job, then the counts. */

import { printable } from '../../base/text.ts';
import { bytes, moment, span } from '../../base/words.ts';
import type { ReportedJob, SweepReport } from '../../sweep/reporting/report.ts';
import { plain, type Tone } from './paint.ts';
import { chosenOf, countsOf, keptOf, notes, summary } from './report-summary.ts';
import { type Sheet, sheetTable } from './sheet.ts';
import { type Column, type TableLooks, table, wrapped } from './table.ts';
import { toneOfOutcome, toneOfVerdict } from './tones.ts';

/** A narrow terminal drops the least important columns first. The id and the outcome always stay. */
const common: readonly Column<ReportedJob>[] = [
  {
    title: 'JOB',
    value: ({ jobId }) => jobId,
    tone: (row) => (row.outcome === 'kept' ? 'faint' : 'strong'),
  },
  { title: 'STATE', value: ({ state }) => state, leftOut: 5 },
  {
    title: 'IDLE FOR',
    value: ({ idleMs }) => (idleMs === undefined ? '?' : span(idleMs)),
    align: 'right',
    leftOut: 3,
  },
  {
    title: 'MEMORY',
    value: ({ memoryBytes }) => (memoryBytes === undefined ? '?' : bytes(memoryBytes)),
    align: 'right',
    leftOut: 4,
  },
];

const verdict: Column<ReportedJob> = {
  title: 'VERDICT',
  value: ({ verdict }) => verdict,
  tone: ({ verdict }) => toneOfVerdict[verdict],
};

const reason: Column<ReportedJob> = {
  title: 'REASON',
  value: ({ reason }) => reason,
  tone: faintWhenKept,
  leftOut: 1,
};

const outcome: Column<ReportedJob> = {
  title: 'OUTCOME',
  value: outcomeText,
  min: 12,
  tone: ({ outcome }) => toneOfOutcome[outcome],
};

function faintWhenKept({ outcome }: ReportedJob): Tone | undefined {
  return outcome === 'kept' ? 'faint' : undefined;
}

/** The outcome of a job, with the reason if the outcome alone does not explain it. */
export function outcomeText({ outcome, error, notAttemptedBecause }: ReportedJob): string {
  if (error) return `${outcome}: ${error.type}: ${error.reason}`;
  return notAttemptedBecause ? `${outcome} (${notAttemptedBecause})` : outcome;
}

const columnsOf = ({ dryRun }: SweepReport) =>
  dryRun ? [...common, verdict, reason] : [...common, { ...verdict, leftOut: 2 }, reason, outcome];

export interface ReportLooks extends TableLooks {
  /** Whether the plan is about to be carried out. If so, the text omits "nothing was changed". */
  readonly isAboutToChange?: boolean;
}

/**
 * The report as text, ending with a line break. If the user has confirmed the plan `seen`, the text has only the counts
 * and the jobs that ended differently.
 */
export function reportText(report: SweepReport, looks: ReportLooks = {}, seen?: SweepReport): string {
  const { width, paint = plain, isAboutToChange = false } = looks;
  const lines = summary(report, { seen, isAboutToChange }).flatMap(({ tone, text, indent = 0 }) =>
    wrapped(printable(text), width, indent).map((line) => (tone ? paint(tone, line) : line)),
  );
  return `${[...jobsText(report, looks, seen), lines.join('\n')].join('\n\n')}\n`;
}

function jobsText(report: SweepReport, looks: TableLooks, seen: SweepReport | undefined): string[] {
  const jobs = seen ? otherwise(report.jobs, seen.jobs) : report.jobs;
  if (jobs.length > 0) return [table(jobs, columnsOf(report), looks)];
  if (seen) return [];
  return [
    report.counts.listed === 0
      ? 'no job to show: no open job is listed'
      : 'no job to show: every open job that was listed is busy or excluded',
  ];
}

/** The jobs whose outcome differs from the plan. */
function otherwise(jobs: readonly ReportedJob[], planned: readonly ReportedJob[]): ReportedJob[] {
  const before = new Map(planned.map((job) => [job.jobId, job]));
  return jobs.filter(({ jobId, outcome, reason }) => {
    const seen = before.get(jobId);
    if (!seen) return true;
    if (seen.verdict === 'keep') return outcome !== 'kept' || reason !== seen.reason;
    return outcome !== (seen.verdict === 'force' ? 'force_closed' : 'closed');
  });
}

/** The report as a sheet, for Markdown and for a page without charts. */
export function reportSheet(report: SweepReport): Sheet {
  return {
    title: `${report.dryRun ? 'Plan of a sweep' : 'Sweep'} of the cluster ${report.cluster.name}`,
    lines: [`${moment(report.startedAt)}, ${report.status}`, ...notes(report).map(({ text }) => text)],
    tables: [
      {
        head: ['Jobs', 'Count'],
        rows: [
          ['open', String(report.counts.open)],
          ['listed', String(report.counts.listed)],
          ...countsOf(report).map(([count, word]) => [word, String(count)]),
        ],
      },
      {
        title: report.dryRun ? 'Why jobs are to be closed' : 'Why jobs were chosen',
        head: ['Reason', 'Count', 'Meaning'],
        rows: chosenOf(report).map(({ word, count, means }) => [word, String(count), means]),
      },
      {
        title: 'Why jobs were kept',
        head: ['Reason', 'Count', 'Meaning'],
        rows: keptOf(report).map(({ word, count, means }) => [word, String(count), means]),
      },
      sheetTable(columnsOf(report), report.jobs, 'Jobs'),
    ],
  };
}
