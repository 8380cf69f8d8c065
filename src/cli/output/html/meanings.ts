/**
 * @module Explains the terms in a report, and what a job keeps when it is closed, for readers who see a report for the
 * first time.
 */
import { plural } from '../../../base/text.ts';
import type { SweepReport } from '../../../sweep/reporting/report.ts';
import { type OutcomeName, outcomes } from '../../../sweep/vocabulary.ts';
import { chosenOf, keptOf, type Meaning } from '../report-summary.ts';
import { html, type Markup } from './markup.ts';

const ownersPage = 'https://github.com/jobsweep/jobsweep/blob/main/docs/your-job-was-closed.md';

export function meaningsSection(report: SweepReport): Markup {
  return html`<section aria-labelledby="meanings">
<h2 id="meanings">What this means</h2>
<ul>
<li>${keepsText(report)}</li>
${undo(report)}<li>To keep a job open, add <code>{"jobsweep": {"protect": true}}</code> to its <code>custom_settings</code> (an update replaces them all), or name it in <code>exclude</code> of the request. More <a href="${ownersPage}">for the owner of a closed job</a>.</li>
</ul>
${words('Reasons to close', chosenOf(report))}${words('Reasons to keep', keptOf(report))}${report.dryRun ? undefined : words('Outcomes', outcomesOf(report))}</section>
`;
}

function keepsText({ counts: { forceClosed } }: SweepReport): string {
  const each = forceClosed === 1 ? 'it' : 'each';
  const forced =
    forceClosed > 0
      ? ` ${plural(forceClosed, 'job')} ${forceClosed === 1 ? 'was' : 'were'} closed with force: ${each} lost what its model learnt since its last snapshot.`
      : '';
  return `A close deletes nothing: the job keeps its model, its results and its settings, and can be opened again. While it is closed, it gets no data. Its datafeed catches up when it is started again.${forced}`;
}

function undo({ cluster, counts, dryRun }: SweepReport): Markup | undefined {
  if (dryRun || counts.closed + counts.forceClosed === 0) return undefined;
  const named = cluster.name === 'default' ? '' : ` --cluster ${cluster.name}`;
  return html`<li>To undo this sweep, run <code>jobsweep reopen --last${named}</code> on the machine that ran it. Elsewhere, run <code>jobsweep reopen FILE</code> with this report as JSON, or with the log lines of the function. <code>--jobs JOB_ID</code> reopens only that job.</li>
`;
}

function outcomesOf({ counts }: SweepReport): Meaning[] {
  return (Object.keys(outcomes) as OutcomeName[])
    .map((outcome) => ({
      word: outcome,
      count: counts[outcomes[outcome].count],
      means: outcomes[outcome].means,
    }))
    .filter(({ count }) => count > 0);
}

function words(title: string, meanings: readonly Meaning[]): Markup | undefined {
  if (meanings.length === 0) return undefined;
  return html`<table class="words">
<thead><tr><th scope="col">${title}</th><th scope="col" class="number">Jobs</th><th scope="col">Meaning</th></tr></thead>
<tbody>
${meanings.map(({ word, count, means }) => html`<tr><th scope="row">${word}</th><td class="number">${count}</td><td>${means}</td></tr>\n`)}</tbody>
</table>
`;
}
