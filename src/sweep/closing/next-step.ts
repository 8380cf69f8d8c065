/**
 * @module What comes next for a job that was asked and is not closed: wait on, ask again, force, or give up aloud.
 * Pure decisions; `close.ts` carries them out.
 */

import type { Batch } from '../plan.ts';
import type { CloseAnswer, ClusterError, JobStats } from '../ports.ts';
import type { Judge } from '../verdict.ts';
import type { Entry } from './ledger.ts';

/** The most close requests of one sweep that name a job, the last of them naming it alone (contract §3). */
// break: max-asks
export const mostAsks = 3;

export type NextStep =
  | { readonly step: 'settle_gone' }
  | { readonly step: 'settle_closed' }
  | { readonly step: 'watch' }
  /** Looked at again, judged anew, and asked or forced if that is still the verdict. */
  | { readonly step: 'again'; readonly delayMs: number; readonly force: boolean }
  | { readonly step: 'give_up'; readonly error: ClusterError };

/** A server that is busy or between masters is given this long when it does not say how long itself. */
const busyPause = 5_000;
/** After a lost answer the request may still be on its way into the cluster: a look at once would see too little. */
const lostPause = 2_000;

/** What to do with a job after an answer to a close that named it, given its stats read since (undefined: not listed). */
export function afterAnswer(
  entry: Entry,
  stats: JobStats | undefined,
  answer: CloseAnswer,
  now: number,
): NextStep {
  if (!stats) return { step: 'settle_gone' };
  const mayAskAgain = entry.asks < mostAsks && answer.kind !== 'denied';
  switch (stats.state) {
    case 'closed':
      return { step: 'settle_closed' };
    case 'closing':
      return { step: 'watch' };
    case 'failed':
      // Its close failed, or it failed before our request came: by now only force helps, and the look decides.
      return mayAskAgain ? { step: 'again', delayMs: 0, force: true } : giveUp(entry, stats);
    case 'opened':
    case 'opening':
      if (reopened(entry, stats, now)) return { step: 'give_up', error: reopenedError(entry) };
      if (!mayAskAgain) return giveUp(entry, stats);
      // Its datafeed is being stopped, which may take as long as the close: it is not asked over its own request.
      if (answer.kind === 'lost' && entry.stopsDatafeed !== undefined) return { step: 'watch' };
      return { step: 'again', delayMs: pauseAfter(answer), force: false };
    default:
      return giveUp(entry, stats);
  }
}

/** What a report says of an answer that no job's state explains; undefined for an acknowledgement. */
export function errorOf(answer: CloseAnswer): ClusterError | undefined {
  if ('error' in answer) return answer.error;
  return answer.kind === 'lost' ? { status: 0, type: 'no_answer', reason: answer.reason } : undefined;
}

/** What to do with a job that was watched, when its state was read again. `over`: the time for watching it has passed. */
export function whileWatching(
  entry: Entry,
  stats: JobStats | undefined,
  over: boolean,
  now: number,
): NextStep {
  if (!stats) return { step: 'settle_gone' };
  switch (stats.state) {
    case 'closed':
      return { step: 'settle_closed' };
    case 'closing':
      return { step: 'watch' };
    case 'failed':
      return entry.asks < mostAsks ? { step: 'again', delayMs: 0, force: true } : giveUp(entry, stats);
    default:
      if (reopened(entry, stats, now)) return { step: 'give_up', error: reopenedError(entry) };
      if (!over && entry.stopsDatafeed !== undefined) return { step: 'watch' };
      return entry.asks < mostAsks ? { step: 'again', delayMs: 0, force: false } : giveUp(entry, stats);
  }
}

/** Whether a job that is still closing after its watch goes to force now; the look right before still decides. */
export function goesToForce(entry: Entry, judge: Judge, now: number): boolean {
  if (entry.asks >= mostAsks) return false;
  const verdict = judge.judge({ ...entry.job, state: 'closing' }, now, entry.presentHistory);
  return verdict.verdict === 'force';
}

/**
 * The next requests for jobs of one batch: the first repetition splits the batch, because whatever was wrong with it
 * is in one half; the second names each job alone. A batch whose culprit is known (an id that vanished, a job that
 * failed) has lost it by now and is asked again whole.
 */
export function askAgain(entries: readonly Entry[], answer: CloseAnswer, notBefore: number): Batch[] {
  const culpritKnown = answer.kind === 'missing' || answer.kind === 'failed_jobs' || answer.kind === 'busy';
  const [last, others] = partition(entries, (entry) => entry.asks >= mostAsks - 1);
  const half = culpritKnown ? others.length : Math.ceil(others.length / 2);
  const groups = [...last.map((entry) => [entry]), others.slice(0, half), others.slice(half)];
  return groups.flatMap(([first, ...rest]) =>
    first ? [{ entries: [first, ...rest], force: false, notBefore }] : [],
  );
}

/** Whether what is open by these stats was opened again by somebody after our request. */
export function reopened(entry: Entry, stats: JobStats, now: number): boolean {
  return openedSinceAsk(entry, now - (stats.openForMs ?? Infinity));
}

/** A process that started after our request. What is not known proves nothing: no start, or no request, comes before all. */
export function openedSinceAsk({ lastAskAt = Infinity }: Entry, openedAt = -Infinity): boolean {
  return openedAt > lastAskAt + 1_000;
}

export function reopenedError(entry: Entry): ClusterError {
  return {
    status: entry.lastError?.status ?? 200,
    type: 'reopened',
    reason: 'the job is open again after it was asked to close',
  };
}

function giveUp(entry: Entry, stats: JobStats): NextStep {
  const error = entry.lastError ?? {
    status: 200,
    type: 'reopened',
    reason: `the server acknowledged the close, and the job is ${stats.state}`,
  };
  return { step: 'give_up', error };
}

function pauseAfter(answer: CloseAnswer): number {
  if (answer.kind === 'busy') return answer.retryAfterMs ?? busyPause;
  if (answer.kind === 'missing' || answer.kind === 'failed_jobs') return 0;
  return answer.kind === 'error' && answer.error.status >= 502 ? busyPause : lostPause;
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const groups = Map.groupBy(items, test);
  return [groups.get(true) ?? [], groups.get(false) ?? []];
}
