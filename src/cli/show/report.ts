/** @module A report as text for a terminal: what was decided or done, job by job, and the sums. */
import type { ReportedJob, SweepReport } from '../../sweep/report.ts';
import { plural } from '../../sweep/text.ts';
import { type Column, table } from './table.ts';
import { bytes, span } from './words.ts';

const common: readonly Column<ReportedJob>[] = [
  { title: 'JOB', value: (job) => job.jobId, shrinks: true },
  { title: 'STATE', value: (job) => job.state },
  { title: 'IDLE FOR', value: (job) => (job.idleMs === undefined ? '?' : span(job.idleMs)), align: 'right' },
  {
    title: 'MEMORY',
    value: (job) => (job.memoryBytes === undefined ? '?' : bytes(job.memoryBytes)),
    align: 'right',
  },
  { title: 'VERDICT', value: (job) => job.verdict },
  { title: 'REASON', value: (job) => job.reason, shrinks: true },
];

const outcome: Column<ReportedJob> = {
  title: 'OUTCOME',
  value: (job) => {
    if (job.error) return `${job.outcome}: ${job.error.type}: ${job.error.reason}`;
    return job.notAttemptedBecause ? `${job.outcome} (${job.notAttemptedBecause})` : job.outcome;
  },
  shrinks: true,
};

/** The whole report: table, sums, fuse, follow-up, warnings. */
export function reportText(report: SweepReport, width?: number): string {
  const columns = report.dryRun ? common : [...common, outcome];
  const parts = [
    report.jobs.length > 0
      ? table(report.jobs, columns, width)
      : 'no job to show: every listed job is busy or excluded',
    '',
    sums(report),
  ];
  return `${parts.join('\n')}\n`;
}

/** The numbers of a report in a few lines. */
export function sums(report: SweepReport): string {
  const { counts, kept } = report;
  const done: [number, string][] = [
    [counts.closed, 'closed'],
    [counts.forceClosed, 'closed with force'],
    [counts.alreadyClosed, 'closed by others'],
    [counts.closing, 'still closing'],
    [counts.revived, 'revived'],
    [counts.gone, 'gone'],
    [counts.errors, 'failed'],
    [counts.unknown, 'unknown'],
    [counts.notAttempted, report.dryRun ? 'to act on' : 'not attempted'],
    [counts.kept, 'kept'],
  ];
  const keptBy = Object.entries(kept).map(([reason, count]) => `${reason} ${count}`);
  const wouldFree = report.jobs
    .filter((job) => job.outcome === 'not_attempted')
    .reduce((sum, job) => sum + (job.memoryBytes ?? 0), 0);
  return [
    `${plural(counts.listed, 'job')} listed of ${counts.open} open: ${counts.idle} idle; ${done
      .filter(([count]) => count > 0)
      .map(([count, word]) => `${count} ${word}`)
      .join(', ')}`,
    ...(keptBy.length > 0 ? [`kept by reason: ${keptBy.join(', ')}`] : []),
    report.dryRun
      ? `would free ${bytes(wouldFree)} of model memory`
      : `freed ${bytes(report.freedBytes)} of model memory in ${span(report.durationMs)}`,
    ...(report.fuse ? [fuseText(report.fuse)] : []),
    ...(report.followUp
      ? [
          `a follow-up looks at ${plural(report.followUp.jobs, 'job')} again at ${report.followUp.at} (round ${report.followUp.round})`,
        ]
      : []),
    ...report.warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}

const fuseAdvice = {
  upgrade_mode: 'machine learning is in upgrade mode: try again when it is over',
  mass_idle:
    'so many jobs fell silent together that the ingest is the likelier fault; if they are idle, set fuse.massIdle to false',
  max_jobs: 'if that is meant, raise fuse.maxJobs',
  max_share: 'if that is meant, raise fuse.maxShare',
} as const;

function fuseText({ name, idle, open, limit }: NonNullable<SweepReport['fuse']>): string {
  const allowed = limit === null ? '' : `, ${limit} allowed`;
  return `REFUSED by the fuse ${name} (${idle} of ${plural(open, 'open job')} idle${allowed}): nothing was closed; ${fuseAdvice[name]}`;
}
