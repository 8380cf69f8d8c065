/** @module The result of `jobsweep reopen`: as text for a terminal, and as a table for Markdown and HTML. */
import { plural, printable } from '../../base/text.ts';
import { span } from '../../base/words.ts';
import type { Tone } from '../output/paint.ts';
import { type Sheet, sheetTable } from '../output/sheet.ts';
import { type Column, type TableLooks, table } from '../output/table.ts';
import type { ReopenedJob, ReopenOutcome } from './reopen-jobs.ts';

/** The result of `jobsweep reopen`, and its JSON format. */
export interface ReopenReport {
  readonly sweepIds: readonly string[];
  readonly cluster: { readonly name: string; readonly id: string };
  readonly status: 'done' | 'partial';
  readonly startedAt: string;
  readonly durationMs: number;
  readonly counts: Readonly<Record<ReopenOutcome, number>> & {
    readonly datafeedsStarted: number;
    readonly datafeedsNotStarted: number;
    /** Number of datafeeds that the sweep did not stop, and that therefore stay stopped. */
    readonly datafeedsLeftStopped: number;
  };
  readonly jobs: readonly ReopenedJob[];
  readonly warnings: readonly string[];
}

const tones: Readonly<Record<ReopenOutcome, Tone>> = {
  reopened: 'good',
  already_open: 'faint',
  opening: 'warning',
  closing: 'warning',
  failed: 'bad',
  error: 'bad',
  gone: 'notice',
  not_attempted: 'warning',
};

const why = ({ error, datafeed, datafeedError }: ReopenedJob) => {
  const errors = [error, datafeedError].flatMap((each) =>
    each
      ? [
          [`${each.type}: ${each.reason}`, ...(each.causedBy ? [`caused by ${each.causedBy}`] : [])].join(
            ', ',
          ),
        ]
      : [],
  );
  return [...errors, ...(datafeed === 'left_stopped' ? ['the sweep did not stop it'] : [])].join('; ');
};

const columns: readonly Column<ReopenedJob>[] = [
  { title: 'JOB', value: ({ jobId }) => jobId },
  { title: 'OUTCOME', value: ({ outcome }) => outcome, tone: ({ outcome }) => tones[outcome] },
  { title: 'DATAFEED', value: ({ datafeed = '' }) => datafeed },
  { title: 'WHY', value: why, min: 16 },
];

/** Leaves out columns that are empty for all jobs. */
const columnsFor = (jobs: readonly ReopenedJob[]) =>
  columns.filter(({ value }) => jobs.some((job) => value(job) !== ''));

export function reopenText(report: ReopenReport, looks: TableLooks = {}): string {
  const jobs = report.jobs.length > 0 ? `${table(report.jobs, columnsFor(report.jobs), looks)}\n\n` : '';
  return `${jobs}${reopenSums(report).map(printable).join('\n')}\n`;
}

export const reopenSheet = (report: ReopenReport): Sheet => ({
  title: `Jobs of the cluster ${report.cluster.name} opened again`,
  lines: reopenSums(report),
  tables: [sheetTable(columnsFor(report.jobs), report.jobs)],
});

function reopenSums({ counts, jobs, durationMs, warnings }: ReopenReport): string[] {
  const countWords: readonly (readonly [number, string])[] = [
    [counts.reopened, 'opened'],
    [counts.already_open, 'open already'],
    [counts.opening, 'still opening'],
    [counts.closing, 'still closing'],
    [counts.failed, 'failed'],
    [counts.error, 'not opened'],
    [counts.gone, 'gone'],
    [counts.not_attempted, 'not attempted'],
    [counts.datafeedsStarted, 'datafeeds started'],
    [counts.datafeedsNotStarted, 'datafeeds not started'],
  ];
  const stopped = jobs.find(({ datafeed }) => datafeed === 'left_stopped')?.datafeedId;
  const sums = countWords.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  if (jobs.length === 0)
    return [
      'the sweep closed nothing, so there is nothing to open',
      ...warnings.map((text) => `warning: ${text}`),
    ];
  return [
    `${plural(jobs.length, 'job')} in ${span(durationMs)}: ${sums.join(', ')}`,
    ...(stopped === undefined
      ? []
      : [
          `${plural(counts.datafeedsLeftStopped, 'datafeed')} left stopped, because the sweep did not stop ${counts.datafeedsLeftStopped === 1 ? 'it' : 'them'}. If the job needs data, start its datafeed: POST _ml/datafeeds/${stopped}/_start`,
        ]),
    ...warnings.map((text) => `warning: ${text}`),
  ];
}
