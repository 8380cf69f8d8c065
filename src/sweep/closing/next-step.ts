/** @module What happens to an open job next: wait, repeat the request, force, settle, or give up. Pure decisions. */
import type { JobSnapshot } from '../planning/inventory.ts';
import type { Judge, Verdict } from '../planning/verdict.ts';
import type { CloseAnswer, ClusterError, JobStats } from '../ports.ts';
import { closedAs, type Entry, type Outcome } from './ledger.ts';
import { together, type Waiting } from './places.ts';

/**
 * Maximum number of close requests in one sweep that may name a job. The last one names it alone (docs/contract.md §3).
 */
// break: max-asks
const maxAsks = 3;
/**
 * Maximum number of looks (the checks right before a close request) at one job. A job that is still undecided then
 * counts as unstable. Three close requests need at most seven looks.
 */
const maxLooks = 8;
/** Pause (ms) before the next request to a server that is busy or has no master, unless it sends `Retry-After`. */
const busyPause = 5_000;
/**
 * Pause (ms) after a lost answer: the request may not have reached the job yet, so an immediate read could be too
 * early.
 */
const lostPause = 2_000;

/** The phase of a job that this sweep waits for. */
export type Phase =
  | { readonly phase: 'in_flight' }
  /** The request was answered, and the job has not been read since. */
  | { readonly phase: 'answered'; readonly answer: CloseAnswer }
  /** The job is closing, or its datafeed is stopping. `over`: this has taken longer than allowed. */
  | { readonly phase: 'watched'; readonly over: boolean };

export type NextStep =
  | { readonly step: 'settle'; readonly outcome: Outcome }
  | { readonly step: 'wait' }
  /**
   * The loop stops waiting for the job, which has no outcome yet and may still close while the sweep closes other jobs.
   */
  | { readonly step: 'leave' }
  /** Reads and judges the job again, and sends a request if the verdict still requires one. */
  | { readonly step: 'again'; readonly delayMs: number; readonly force: boolean };

interface Moment {
  readonly judge: Judge;
  readonly now: number;
  /** When the read that returned `stats` began. */
  readonly readAt: number;
}

/** The next step of a job, according to the stats just read. `stats` is undefined if the job no longer exists. */
export function nextStep(entry: Entry, stats: JobStats | undefined, phase: Phase, moment: Moment): NextStep {
  // The request may not have reached the job yet. After the answer the job is read again in any case.
  if (phase.phase === 'in_flight') return { step: 'wait' };
  if (!stats) return { step: 'settle', outcome: { outcome: 'gone' } };
  if (stats.state === 'closed') return { step: 'settle', outcome: { outcome: closedAs(entry) } };
  const isDenied = phase.phase === 'answered' && phase.answer.kind === 'denied';
  const mayAskAgain = entry.asks < maxAsks && !isDenied;
  switch (stats.state) {
    case 'closing':
      return stillClosing(entry, phase, moment);
    case 'failed':
      // A failed job can only be closed with force. Whether force is allowed is decided right before the request.
      return mayAskAgain ? { step: 'again', delayMs: 0, force: true } : giveUp(entry, stats.state);
    case 'opened':
    case 'opening':
      if (isOpenAgain(entry, stats, moment.readAt)) return refuse(reopenedError(entry));
      if (!mayAskAgain) return giveUp(entry, stats.state);
      if (isStoppingDatafeed(entry, phase)) return { step: 'wait' };
      return { step: 'again', delayMs: pauseAfter(phase), force: false };
    default:
      // An unknown state. If the job never got a close request, it is read and judged again.
      return entry.asks > 0 ? giveUp(entry, stats.state) : { step: 'again', delayMs: 0, force: false };
  }
}

function stillClosing(entry: Entry, phase: Phase, { judge, now }: Moment): NextStep {
  if (phase.phase !== 'watched' || !phase.over) return { step: 'wait' };
  if (entry.asks >= maxAsks) return { step: 'leave' };
  const verdict = judge.judge({ ...entry.job, state: 'closing' }, now, entry.presentHistory);
  return verdict.verdict === 'force' ? { step: 'again', delayMs: 0, force: true } : { step: 'leave' };
}

/**
 * Stopping a datafeed may take as long as the close itself, so no close request is repeated while the datafeed may
 * still be stopping.
 */
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

/** What a look (the check right before a close request) decides about a job. */
export type LookStep =
  | { readonly step: 'ask'; readonly verdict: Verdict }
  | { readonly step: 'settle'; readonly outcome: Outcome; readonly verdict?: Verdict }
  | { readonly step: 'watch' | 'again'; readonly verdict: Verdict };

/** Decides what to do with a job after the check right before a request. `job` is undefined if it no longer exists. */
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
    // A job that already got a request from this sweep keeps the verdict of that request.
    return { step: 'watch', verdict: entry.asks > 0 ? entry.verdict : verdict };
  if (entry.looks > maxLooks)
    return { step: 'settle', outcome: { outcome: 'error', error: unstable(entry) }, verdict };
  return { step: (verdict.verdict === 'force') === force ? 'ask' : 'again', verdict };
}

/**
 * The error of a job that must now be kept although a close request already named it. Such a job gets this error
 * instead of the outcome `revived`.
 */
function noLongerError(entry: Entry, job: JobSnapshot): ClusterError {
  if (openedAfterAsk(entry, job.openedAt)) return reopenedError(entry);
  if (entry.lastError) return entry.lastError;
  return job.state === 'failed' ? failedError : reopenedError(entry);
}

/** The error that a report shows for an answer; undefined for an acknowledgement. */
export function errorOf(answer: CloseAnswer): ClusterError | undefined {
  if ('error' in answer) return answer.error;
  return answer.kind === 'lost' ? { status: 0, type: 'no_answer', reason: answer.reason } : undefined;
}

/**
 * Groups the jobs of one request into the requests that repeat it. The first repetition splits the jobs into two
 * halves, so that one bad job affects only its half. The second names each job alone. If the server has named the
 * culprit (a deleted id, a failed job), the other jobs stay together.
 */
export function askAgain(entries: readonly Entry[], answer: CloseAnswer, notBefore: number): Waiting[] {
  const culpritKnown = answer.kind === 'missing' || answer.kind === 'failed_jobs' || answer.kind === 'busy';
  const last = entries.filter((entry) => entry.asks >= maxAsks - 1);
  const others = entries.filter((entry) => entry.asks < maxAsks - 1);
  const half = culpritKnown ? others.length : Math.ceil(others.length / 2);
  const groups = [...last.map((entry) => [entry]), others.slice(0, half), others.slice(half)];
  return groups.flatMap((group) => together(group, { force: false, notBefore }));
}

/**
 * Whether a job that these stats report as open was opened again after the last close request. `readAt`: when the read
 * began.
 */
export const isOpenAgain = (entry: Entry, { openForMs = Infinity }: JobStats, readAt: number): boolean =>
  openedAfterAsk(entry, readAt - openForMs);

/**
 * `openedAt` comes from an age in whole seconds, measured by another machine's clock. A job is sent a close request
 * only after it has been open for `idleFor`, which is at least a minute. A much younger process is therefore a new one,
 * even if it seems to have started before the request.
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
