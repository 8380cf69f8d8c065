/** @module A table of all jobs of the report, with a filter. */

import { plural } from '../../../base/text.ts';
import { bytes, moment, span } from '../../../base/words.ts';
import type { ReportedJob, SweepReport } from '../../../sweep/reporting/report.ts';
import { unlistedText } from '../report-summary.ts';
import { toneOfOutcome, toneOfVerdict } from '../tones.ts';
import { html, type Markup } from './markup.ts';

export function jobTable(report: SweepReport): Markup {
  const { jobs, dryRun } = report;
  const left = unlistedText(report);
  const others = left === undefined ? '' : ` ${left}.`;
  if (jobs.length === 0) return html`<section><h2>Jobs</h2><p>No job to show.${others}</p></section>`;
  return html`<section aria-labelledby="jobs-title" id="jobs">
<h2 id="jobs-title">Jobs</h2>
<p>${plural(jobs.length, 'job')}, those to act on first.${others}</p>
<form hidden>
<label>Words in the row <input type="search" name="words" autocomplete="off"></label>
<label>Outcome <select name="outcome"><option value="">any</option>${options(jobs.map(({ outcome }) => outcome))}</select></label>
<label>Reason <select name="reason"><option value="">any</option>${options(jobs.map(({ reason }) => reason))}</select></label>
<output name="count" aria-live="polite"></output>
</form>
<table>
<thead><tr><th scope="col">Job</th><th scope="col" class="aside">State</th><th scope="col" class="number">Idle for</th><th scope="col" class="number">Memory</th><th scope="col" class="aside">Node</th><th scope="col">Verdict</th><th scope="col" class="aside">Reason</th>${dryRun ? undefined : html`<th scope="col">Outcome</th>`}</tr></thead>
<tbody>
${jobs.map((job) => row(job, dryRun))}</tbody>
</table>
</section>
`;
}

function options(values: readonly string[]): Markup[] {
  return [...new Set(values)].sort().map((value) => html`<option>${value}</option>`);
}

function row(job: ReportedJob, dryRun: boolean): Markup {
  const { jobId, state, idleMs, lastActivity, memoryBytes, nodeName, nodeId, verdict, reason, outcome } = job;
  return html`<tr data-outcome="${outcome}" data-reason="${reason}"><th scope="row">${jobId}</th><td class="aside">${state}</td><td class="number"${lastActivity === undefined ? undefined : html` title="${moment(lastActivity)}"`}>${idleMs === undefined ? '?' : span(idleMs)}</td><td class="number">${memoryBytes === undefined ? '?' : bytes(memoryBytes)}</td><td class="aside">${nodeName ?? nodeId ?? ''}</td><td><span class="tone-${toneOfVerdict[verdict]}">${verdict}</span><small class="beside">${reason}</small></td><td class="aside">${reason}</td>${dryRun ? undefined : html`<td><span class="tone-${toneOfOutcome[outcome]}">${outcome}</span>${details(job)}</td>`}</tr>
`;
}

function details({ error, notAttemptedBecause, attempts, datafeedStopped }: ReportedJob): Markup | undefined {
  const parts = [
    ...(error ? [`${error.type}: ${error.reason}`] : []),
    ...(notAttemptedBecause ? [notAttemptedBecause] : []),
    ...(attempts > 1 ? [`${attempts} requests`] : []),
    ...(datafeedStopped ? ['datafeed stopped'] : []),
  ];
  return parts.length > 0 ? html`<small>${parts.join('; ')}</small>` : undefined;
}
