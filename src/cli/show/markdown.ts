/** @module A report as Markdown, for an issue, a chat or a wiki page. */
import type { ReportedJob, SweepReport } from '../../sweep/report.ts';
import { printable } from '../../sweep/text.ts';
import { outcomeText } from './report.ts';
import { summary } from './summary.ts';
import { bytes, moment, span } from './words.ts';

/** Rows under titles as a Markdown table; cells are taken as plain text. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  return [line(titles), `|${titles.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n');
}

/** A text that Markdown shows as it is: an id or an error text of a cluster must not become a link or a tag. */
export function markdownText(text: string): string {
  const shown = printable(text);
  if (/^[a-z0-9][a-z0-9_.-]*$/.test(shown) && shown.includes('_')) return `\`${shown}\``;
  return shown.replace(/[\\`*_{}[\]<>()#|&!~]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The whole report; ends with a line end. */
export function reportMarkdown(report: SweepReport): string {
  const titles = [
    'Job',
    'State',
    'Idle for',
    'Memory',
    'Verdict',
    'Reason',
    ...(report.dryRun ? [] : ['Outcome']),
  ];
  const cells = (job: ReportedJob) => [
    job.jobId,
    job.state,
    job.idleMs === undefined ? '?' : span(job.idleMs),
    job.memoryBytes === undefined ? '?' : bytes(job.memoryBytes),
    job.verdict,
    job.reason,
    ...(report.dryRun ? [] : [outcomeText(job)]),
  ];
  const lines = summary(report).map(({ text }) => `- ${markdownText(text.trim())}`);
  return [
    `## ${report.dryRun ? 'Plan of a sweep' : 'Sweep'} of the cluster ${markdownText(report.cluster.name)}`,
    '',
    `${moment(report.startedAt)}, ${report.status}`,
    '',
    ...lines,
    '',
    ...(report.jobs.length > 0 ? [markdownTable(titles, report.jobs.map(cells)), ''] : []),
  ].join('\n');
}
