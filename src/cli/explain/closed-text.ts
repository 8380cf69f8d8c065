/**
 * @module Describes a closed job: who closed it, how to open it, and what a sweep would do with it after it is opened.
 */
import { printable } from '../../base/text.ts';
import { moment, span } from '../../base/words.ts';
import { actReasons, keepReasons } from '../../sweep/vocabulary.ts';
import type { PastDeed } from '../input/history.ts';
import { wasClosed } from '../input/past-sweeps.ts';
import type { ExplainedClose } from './closed-job.ts';
import type { Explanation } from './explanation.ts';

/** The close, how to undo it, and what a sweep would do afterwards. */
export function closedLines(explanation: Explanation, closed: ExplainedClose): string[] {
  const { jobId, datafeed } = explanation;
  const start = datafeed ? `, then POST _ml/datafeeds/${datafeed.datafeedId}/_start` : '';
  return [
    whoClosed(closed, explanation),
    `to get it back: POST _ml/anomaly_detectors/${jobId}/_open${start}`,
    onceOpenLine(explanation, closed),
  ].map(printable);
}

function whoClosed({ by, finishedAt, isLater }: ExplainedClose, { timeline }: Explanation): string {
  if (by && !isLater) return closedByUs(by);
  const message = timeline?.events.findLast(
    ({ what, source }) => what.startsWith('closed') && source !== 'reports',
  );
  const at = finishedAt ?? message?.at;
  const who = message?.by ?? 'a person, another program or a sweep whose report was not read';
  return `closed${at === undefined ? '' : ` at ${moment(at)}`}, by ${who}`;
}

function closedByUs(deed: PastDeed): string {
  const { outcome, reason, idleMs, sweepId, closedAt, askedAt, startedAt } = deed;
  const did =
    outcome === 'force_closed' ? 'closed with force' : wasClosed(deed) ? 'closed' : 'asked to close';
  const means = { ...keepReasons, ...actReasons }[reason as keyof typeof actReasons]?.replaceAll('`', '');
  const why = reason === undefined ? '' : `, because ${reason}${means === undefined ? '' : `: ${means}`}`;
  const idle = idleMs === undefined ? '' : `; it had been idle for ${span(idleMs)}`;
  const end = wasClosed(deed) ? '' : '; the sweep ended before the close did';
  return `${did} by jobsweep at ${moment(closedAt ?? askedAt ?? startedAt)} (sweep ${sweepId})${why}${idle}${end}`;
}

function onceOpenLine({ idleFor, protection, named }: Explanation, { onceOpen }: ExplainedClose): string {
  if (onceOpen) return `once it is open, sweeps keep it, because ${onceOpen.reason}: ${onceOpen.saw}`;
  if (!named) return 'once it is open, this request still ignores it, because "jobs" does not include it';
  const out =
    protection.hint === undefined
      ? '; to keep it out, add {"jobsweep": {"protect": true}} to its custom_settings: an update replaces them all'
      : '';
  return `once it is open, sweeps close it again after ${idleFor} without data${out}`;
}
