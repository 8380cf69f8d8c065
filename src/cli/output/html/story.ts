/** @module The story of a sweep in sentences: the requests, the slow closes, the follow-ups. */

import { plural } from '../../../base/text.ts';
import { moment, span } from '../../../base/words.ts';
import type {
  ReportedFollowUp,
  ReportedJob,
  ReportedRound,
  SweepReport,
} from '../../../sweep/reporting/report.ts';
import { html, type Markup } from './markup.ts';

/** Undefined for a plan, and for a sweep without close requests. */
export function storySection(report: SweepReport): Markup | undefined {
  if (report.dryRun) return undefined;
  const chapters = chaptersOf(report);
  if (chapters.length === 0) return undefined;
  return html`<section aria-labelledby="story">
<h2 id="story">What happened</h2>
<ol class="story">${chapters.map((chapter) => html`<li>${chapter}</li>\n`)}</ol>
</section>
`;
}

function chaptersOf(report: SweepReport): string[] {
  const { jobs, followUp, startedAt, durationMs } = report;
  const asked = jobs.filter(({ batch }) => batch !== undefined);
  const repeated = asked.filter(({ attempts }) => attempts > 1);
  const slow = asked.filter((job) => took(job) > 60_000).sort((a, b) => took(b) - took(a));
  return [
    ...(report.followUpOf
      ? [
          report.followUpOf.rest
            ? `This is follow-up ${report.followUpOf.round} of the sweep ${report.followUpOf.sweepId}: it went on with the jobs that did not fit into the time.`
            : `This is follow-up ${report.followUpOf.round} of the sweep ${report.followUpOf.sweepId}: it looked at its ${plural(jobs.length, 'job')} alone.`,
        ]
      : []),
    ...(asked.length > 0 ? [askedText(asked, startedAt)] : []),
    ...(slow.length > 0
      ? [
          `${plural(slow.length, 'job')} took more than a minute: ${names(slow, (job) => `${job.jobId} ${span(took(job))}`)}.`,
        ]
      : []),
    ...(repeated.length > 0
      ? [
          `${plural(repeated.length, 'job')} needed more than one request: ${names(repeated, (job) => `${job.jobId} (${job.attempts}, ${job.outcome})`)}.`,
        ]
      : []),
    ...(report.rounds ?? []).map(roundText),
    ...deeds(jobs),
    ...(asked.length > 0 || jobs.some(({ outcome }) => outcome === 'closing')
      ? [followUp ? followUpText(followUp) : ending(jobs, durationMs)]
      : []),
  ];
}

function followUpText({ round, jobs, at, name, rest }: ReportedFollowUp): string {
  const what = [
    ...(rest ? ['goes on with the jobs that did not fit into the time'] : []),
    ...(rest && jobs === 0 ? [] : [`looks again at ${plural(jobs, 'job')} left closing`]),
  ];
  return `Round ${round} ${what.join(' and ')} at ${moment(at)} (${name}).`;
}

function askedText(asked: readonly ReportedJob[], startedAt: string): string {
  const requests = new Set(asked.map(({ batch }) => batch)).size;
  const first = asked.map(({ askedAt = startedAt }) => askedAt).sort()[0] ?? startedAt;
  return `${plural(asked.length, 'job')} ${asked.length === 1 ? 'was' : 'were'} asked to close in ${plural(requests, 'request')}, the first at ${moment(first)}.`;
}

function roundText({ round, startedAt, jobs, closed, forceClosed, closing }: ReportedRound): string {
  const came = [
    ...(closed > 0 ? [`${closed} closed`] : []),
    ...(forceClosed > 0 ? [`${forceClosed} closed with force`] : []),
    ...(closing > 0 ? [`${closing} still closing`] : []),
  ];
  return `Round ${round} looked at ${plural(jobs, 'job')} again at ${moment(startedAt)}: ${came.length > 0 ? came.join(', ') : 'none of them is closing any more'}.`;
}

function ending(jobs: readonly ReportedJob[], durationMs: number): string {
  const closing = jobs.filter(({ outcome }) => outcome === 'closing').length;
  if (closing > 0)
    return `It ended after ${span(durationMs)} with ${plural(closing, 'job')} still closing and no follow-up is scheduled.`;
  return `It ended after ${span(durationMs)} with nothing left under way.`;
}

/** The outcomes that need attention, each with its jobs. */
function deeds(jobs: readonly ReportedJob[]): string[] {
  const notable = [
    ['force_closed', 'closed with force, which loses what a model learnt since its last snapshot'],
    ['revived', 'kept after all: the check right before the close found a reason'],
    ['gone', 'deleted meanwhile'],
    ['already_closed', 'closed by someone else first'],
    ['error', 'not closed, with an error of the cluster'],
    ['unknown', 'left in an unknown state: the cluster could not be read any more'],
  ] as const;
  return notable.flatMap(([outcome, means]) => {
    const those = jobs.filter((job) => job.outcome === outcome);
    return those.length > 0
      ? [
          `${plural(those.length, 'job')} ${those.length === 1 ? 'was' : 'were'} ${means}: ${names(those, ({ jobId }) => jobId)}.`,
        ]
      : [];
  });
}

function took({ askedAt, closedAt, settledAt }: ReportedJob): number {
  const end = closedAt ?? settledAt;
  return askedAt === undefined || end === undefined ? 0 : Date.parse(end) - Date.parse(askedAt);
}

const mostNamed = 8;

function names(jobs: readonly ReportedJob[], name: (job: ReportedJob) => string): string {
  const named = jobs.slice(0, mostNamed).map(name).join(', ');
  return jobs.length > mostNamed ? `${named} and ${jobs.length - mostNamed} more` : named;
}
