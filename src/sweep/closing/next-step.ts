/** @module What happens to an open job next: wait, ask again, force, settle, or give up. Pure decisions. */
import type { JobSnapshot } from '../planning/inventory.ts';
import type { Judge, Verdict } from '../planning/verdict.ts';
import type { CloseAnswer, ClusterError, JobStats } from '../ports.ts';
import { closedAs, type Entry, type Outcome } from './ledger.ts';
import { together, type Waiting } from './places.ts';

/** The most close requests of one sweep that name a job, the last of them naming it alone (docs/contract.md §3). */
// break: max-asks
const maxAsks = 3;
/** Looks at one job before it is given up as unstable; three asks need no more than seven. */
const maxLooks = 8;
/** The pause before a busy server, or one between masters, is asked again, unless it says how long. */
const busyPause = 5_000;
/** After a lost answer the request may still be on its way into the cluster: a look at once could be too early. */
const lostPause = 2_000;

/** Where a job that this sweep waits for stands. */
export type Phase =
  | { readonly phase: 'in_flight' }
  /** Its request was answered, and it was not read since. */
  | { readonly phase: 'answered'; readonly answer: CloseAnswer }
  /** It is closing, or its datafeed is being stopped. `over`: its time for that has passed. */
  | { readonly phase: 'watched'; readonly over: boolean };

export type NextStep =
  | { readonly step: 'settle'; readonly outcome: Outcome }
  | { readonly step: 'wait' }
  /** No longer waited for; it has no outcome yet, and may still close while other jobs are closed. */
  | { readonly step: 'leave' }
  /** Looked at again, judged again, and asked if that is still the verdict. */
  | { readonly step: 'again'; readonly delayMs: number; readonly force: boolean };

interface Moment {
  readonly judge: Judge;
  readonly now: number;
  /** When the read began that `stats` are from. */
  readonly readAt: number;
}

/** The next step of a job, given its stats as just read (undefined: it no longer exists). */
export function nextStep(entry: Entry, stats: JobStats | undefined, phase: Phase, moment: Moment): NextStep {
  // The request may not have come to the job yet, and after its answer the job is read again, whatever was seen before.
  if (phase.phase === 'in_flight') return { step: 'wait' };
  if (!stats) return { step: 'settle', outcome: { outcome: 'gone' } };
  if (stats.state === 'closed') return { step: 'settle', outcome: { outcome: closedAs(entry) } };
  const isDenied = phase.phase === 'answered' && phase.answer.kind === 'denied';
  const mayAskAgain = entry.asks < maxAsks && !isDenied;
  switch (stats.state) {
    case 'closing':
      return stillClosing(entry, phase, moment);
    case 'failed':
      // Only force helps now; the look right before it decides.
      return mayAskAgain ? { step: 'again', delayMs: 0, force: true } : giveUp(entry, stats.state);
    case 'opened':
    case 'opening':
      if (isOpenAgain(entry, stats, moment.readAt)) return refuse(reopenedError(entry));
      if (!mayAskAgain) return giveUp(entry, stats.state);
      if (isStoppingDatafeed(entry, phase)) return { step: 'wait' };
      return { step: 'again', delayMs: pauseAfter(phase), force: false };
    default:
      // A state that is not known: the look judges a job that was never asked.
      return entry.asks > 0 ? giveUp(entry, stats.state) : { step: 'again', delayMs: 0, force: false };
  }
}

function stillClosing(entry: Entry, phase: Phase, { judge, now }: Moment): NextStep {
  if (phase.phase !== 'watched' || !phase.over) return { step: 'wait' };
  if (entry.asks >= maxAsks) return { step: 'leave' };
  const verdict = judge.judge({ ...entry.job, state: 'closing' }, now, entry.presentHistory);
  return verdict.verdict === 'force' ? { step: 'again', delayMs: 0, force: true } : { step: 'leave' };
}

/** Stopping a datafeed may take as long as the close itself: the job is not asked again while its request may be at work. */
function isStoppingDatafeed({ stopsDatafeed }: Entry, phase: Phase): boolean {
  if (stopsDatafeed === undefined) return false;
  return phase.phase === 'answered' ? phase.answer.kind === 'lost' : phase.phase === 'watched' && !phase.over;
}

function pauseAfter(phase: Phase): number {
  if (phase.phase !== 'answered') return 0;
  const { answer } = phase;
  if (answer.kind === 'busy') return answer.retryAfterMs ?? busyPause;
  if (answer.kind === 'missing' || answer.kind === 'failed_jobs') return 0;
  return answer.kind === 'error' && answer.error.status >= 502 ? busyPause : lostPause;
}

/** What the look right before a request decides. */
export type LookStep =
  | { readonly step: 'ask'; readonly verdict: Verdict }
  | { readonly step: 'settle'; readonly outcome: Outcome; readonly verdict?: Verdict }
  | { readonly step: 'watch' | 'again'; readonly verdict: Verdict };

/** What to do with a job by the look right before it is asked; `job` is undefined when it no longer exists. */
export function afterLook(
  entry: Entry,
  job: JobSnapshot | undefined,
  { judge, now, force }: Pick<Moment, 'judge' | 'now'> & { readonly force: boolean },
): LookStep {
  if (!job) return { step: 'settle', outcome: { outcome: 'gone' } };
  if (job.state === 'closed') return { step: 'settle', outcome: { outcome: closedAs(entry) } };
  // break: verdict-before-asking
  const verdict = judge.judge(job, now, entry.presentHistory);
  if (verdict.verdict === 'keep')
    return entry.asks > 0
      ? { step: 'settle', outcome: { outcome: 'error', error: noLongerError(entry, job) } }
      : { step: 'settle', outcome: { outcome: 'revived' }, verdict };
  if (verdict.verdict === 'wait')
    // A job that this sweep asked keeps the verdict by which it was asked.
    return { step: 'watch', verdict: entry.asks > 0 ? entry.verdict : verdict };
  if (entry.looks > maxLooks)
    return { step: 'settle', outcome: { outcome: 'error', error: unstable(entry) }, verdict };
  return { step: (verdict.verdict === 'force') === force ? 'ask' : 'again', verdict };
}

/** Asked before, and by now to be kept: a job that a request of this sweep named is never `revived`. */
function noLongerError(entry: Entry, job: JobSnapshot): ClusterError {
  if (openedAfterAsk(entry, job.openedAt)) return reopenedError(entry);
  if (entry.lastError) return entry.lastError;
  return job.state === 'failed' ? failedError : reopenedError(entry);
}

/** What a report says of an answer that no job's state explains; undefined for an acknowledgement. */
export function errorOf(answer: CloseAnswer): ClusterError | undefined {
  if ('error' in answer) return answer.error;
  return answer.kind === 'lost' ? { status: 0, type: 'no_answer', reason: answer.reason } : undefined;
}

/**
 * The next requests for jobs of one request. The first repetition splits them, because whatever was wrong is in one
 * half; the second names each job alone. When the server has named the culprit (an id that no longer exists, a failed
 * job), the others are asked again together.
 */
export function askAgain(entries: readonly Entry[], answer: CloseAnswer, notBefore: number): Waiting[] {
  const culpritKnown = answer.kind === 'missing' || answer.kind === 'failed_jobs' || answer.kind === 'busy';
  const last = entries.filter((entry) => entry.asks >= maxAsks - 1);
  const others = entries.filter((entry) => entry.asks < maxAsks - 1);
  const half = culpritKnown ? others.length : Math.ceil(others.length / 2);
  const groups = [...last.map((entry) => [entry]), others.slice(0, half), others.slice(half)];
  return groups.flatMap((group) => together(group, { force: false, notBefore }));
}

/** Whether a job that is open by these stats, read from `readAt` on, was opened again after the last ask. */
export const isOpenAgain = (entry: Entry, { openForMs = Infinity }: JobStats, readAt: number): boolean =>
  openedAfterAsk(entry, readAt - openForMs);

/**
 * Ages are whole seconds by another machine's clock. A job that was asked had been open for `idleFor`, a minute or more,
 * so a process that is much younger than that is a new one, even if it seems to have started before the ask.
 */
const openedAfterAsk = ({ lastAskAt = Infinity }: Entry, openedAt = -Infinity): boolean =>
  openedAt > lastAskAt - 30_000;

export function reopenedError(entry: Entry): ClusterError {
  return {
    status: entry.lastError?.status ?? 200,
    type: 'reopened',
    reason: 'the job is open again after it was asked to close',
  };
}

function giveUp(entry: Entry, state: string): NextStep {
  return refuse(
    entry.lastError ?? {
      status: 200,
      type: 'reopened',
      reason: `the server acknowledged the close, and the job is ${state}`,
    },
  );
}

const refuse = (error: ClusterError): NextStep => ({ step: 'settle', outcome: { outcome: 'error', error } });

const unstable = (entry: Entry): ClusterError => ({
  status: 0,
  type: 'unstable',
  reason: `the job changed its state at each of ${entry.looks} looks`,
});

const failedError: ClusterError = {
  status: 200,
  type: 'failed',
  reason: 'the job failed while it was being closed, and force is not allowed',
};
