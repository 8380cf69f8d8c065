/** @module A report as one self-contained HTML file, readable offline and without scripts. */

import { bytes, moment, span } from '../../../base/words.ts';
import { freedMemory } from '../../../sweep/reporting/freed-memory.ts';
import type { SweepReport } from '../../../sweep/reporting/report.ts';
import { type OutcomeName, statuses } from '../../../sweep/vocabulary.ts';
import type { Picture } from '../cluster-picture.ts';
import { requestText, summary } from '../report-summary.ts';
import { figure } from './chart.ts';
import { idleHistogram } from './idle-histogram.ts';
import { jobTable } from './job-table.ts';
import { html, type Markup } from './markup.ts';
import { meaningsSection } from './meanings.ts';
import { memoryByNode } from './memory-by-node.ts';
import { pageText } from './page.ts';
import { script } from './script.ts';
import { storySection } from './story.ts';
import { timeline } from './timeline.ts';

const freedOutcomes: ReadonlySet<OutcomeName> = new Set(['closed', 'force_closed', 'already_closed']);

/** `picture` is the cluster as the sweep found it. */
export async function reportHtml(report: SweepReport, picture: Picture): Promise<string> {
  const { cluster, dryRun } = report;
  const title = `${dryRun ? 'Plan of a sweep' : 'Sweep'} of ${cluster.name}, ${moment(report.startedAt)}`;
  const main = html`<p>Request: ${requestText(report.request)}</p>
${tiles(report)}
${notices(report)}
${await figures(report, picture)}
${storySection(report)}
${meaningsSection(report)}
${jobTable(report)}`;
  const footer = `Sweep ${report.sweepId} of the cluster ${cluster.id}. ${ending(report)}`;
  return pageText({ title, subtitle: subtitle(report), main, footer, script });
}

const ending = ({ dryRun, status }: SweepReport) =>
  dryRun && status === 'done' ? '' : `${status}: ${statuses[status]}.`;

function subtitle({ cluster, status, durationMs, dryRun, followUpOf }: SweepReport): string {
  const version = cluster.version === null ? '' : `Elasticsearch ${cluster.version}, `;
  const round = followUpOf ? `, follow-up ${followUpOf.round} of the sweep ${followUpOf.sweepId}` : '';
  return `${version}${status}${dryRun ? '; nothing was changed' : ` in ${span(durationMs)}`}${round}`;
}

function tiles(report: SweepReport): Markup {
  const { counts, dryRun, mlNodes } = report;
  const { modelBytes, reservedBytes, jobs, unknown } = freedMemory(report);
  const least = unknown > 0 ? 'at least ' : '';
  const be = dryRun ? ' would be' : '';
  const numbers: readonly (readonly [string, string, boolean?])[] = [
    [String(counts.open), 'jobs open'],
    [String(counts.idle), 'idle'],
    [String(counts.closed), 'closed', !dryRun],
    [String(counts.forceClosed), 'closed with force', counts.forceClosed > 0],
    [bytes(modelBytes), `model memory${be} freed`],
    [`${least}${bytes(reservedBytes)}`, `reserved memory${be} freed`, unknown < jobs],
    [`${mlNodes?.enough} of ${mlNodes?.total}`, 'ML nodes would do', mlNodes !== undefined],
    [String(counts.closing), 'still closing', counts.closing > 0],
    [String(counts.errors + counts.unknown), 'failed or unknown', counts.errors + counts.unknown > 0],
    [String(counts.notAttempted), 'not attempted', !dryRun && counts.notAttempted > 0],
    [String(counts.kept), 'kept'],
  ];
  const shown = numbers.filter(([, , matters = true]) => matters);
  return html`<ul class="tiles">${shown.map(([value, label]) => html`<li><strong>${value}</strong> ${label}</li>`)}</ul>`;
}

function notices(report: SweepReport): Markup | undefined {
  const lines = summary(report).filter(
    ({ tone }) => tone === 'bad' || tone === 'warning' || tone === 'notice',
  );
  if (lines.length === 0) return undefined;
  return html`<ul class="notices">${lines.map(({ tone, text, link }) => html`<li class="${tone}">${link === undefined ? text : html`<a href="${link}">${text}</a>`}</li>`)}</ul>`;
}

async function figures(report: SweepReport, picture: Picture): Promise<Markup[]> {
  const freed = new Set(
    report.jobs
      .filter(({ outcome }) => (report.dryRun ? outcome === 'not_attempted' : freedOutcomes.has(outcome)))
      .map(({ jobId }) => jobId),
  );
  const closes = report.dryRun ? undefined : timeline(report);
  const some = picture.jobs.length > 0;
  return [
    ...(some && report.dryRun ? [await figure(idleHistogram(picture), 'idle')] : []),
    ...(closes ? [await figure(closes, 'closes')] : []),
    ...(some ? [await figure(memoryByNode(picture, freed, !report.dryRun), 'memory')] : []),
  ];
}
