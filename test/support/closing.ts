/**
 * @module For tests of closing: runs `closeJobs` on a scripted cluster in simulated time and records what `closeJobs`
 * did.
 */
import { VirtualClock } from '../../simulator/index.ts';
import { Budget } from '../../src/sweep/budget.ts';
import { closeJobs } from '../../src/sweep/closing/close.ts';
import { Entry, type Observer } from '../../src/sweep/closing/ledger.ts';
import type { JobSnapshot } from '../../src/sweep/planning/inventory.ts';
import { type History, judgeBy } from '../../src/sweep/planning/verdict.ts';
import type { CloseAnswer } from '../../src/sweep/ports.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { refusal } from './entries.ts';
import { hour, idleJob, minute, now, requestOf } from './jobs.ts';
import { type Close, type Script, ScriptedCluster } from './scripted-cluster.ts';

interface Given extends Omit<Script, 'tooMany'> {
  readonly request?: RequestPayload;
  readonly histories?: Readonly<Record<string, History>>;
  readonly remainingMs?: number;
  readonly observer?: Observer;
}

/** An idle job without a datafeed. */
export const bare = (jobId: string, changes: Partial<JobSnapshot> = {}): JobSnapshot =>
  idleJob({ jobId, datafeed: undefined, ...changes });

export const acknowledged: CloseAnswer = { kind: 'acknowledged' };
export const lost: CloseAnswer = { kind: 'lost', reason: 'no answer came' };
export const denied: CloseAnswer = {
  kind: 'denied',
  error: refusal(403, 'security_exception', 'not allowed'),
};
export const closing = (jobId: string, changes: Partial<JobSnapshot> = {}) =>
  bare(jobId, { state: 'closing', openedAt: undefined, ...changes });
export const failed = (jobId: string, changes: Partial<JobSnapshot> = {}) =>
  bare(jobId, { state: 'failed', openedAt: undefined, ...changes });
/** An idle job whose datafeed runs. */
export const fed = (jobId: string, changes: Partial<JobSnapshot> = {}) =>
  bare(jobId, {
    datafeed: { datafeedId: `feed-${jobId}`, state: 'started', lookback: 'done' },
    ...changes,
  });
/** One request at a time, with one job in each. */
export const oneByOne = { batch: 1, concurrency: 1 };

/** An answer that arrives only after the client has stopped waiting. */
export const untilGivenUp = ({ signal }: Close) =>
  new Promise<CloseAnswer>((resolve) => signal.addEventListener('abort', () => resolve(lost)));

/** The judged jobs of a sweep, with everything that `closeJobs` needs. */
export function closingOf(given: Given) {
  const { histories = {}, remainingMs = 15 * minute, observer = {} } = given;
  const clock = new VirtualClock(now);
  // Only a few tests are about places (the limit of concurrent closes on each node). All other tests turn places off,
  // so that the sweep does not read the nodes' processors.
  const request = requestOf({ ...given.request, close: { perNode: null, ...given.request?.close } });
  const judge = judgeBy(request);
  const budget = new Budget(clock, remainingMs);
  const workLimit = clock.limit(budget.left());
  const stop = new AbortController();
  const ending = AbortSignal.any([workLimit.signal, stop.signal]);
  const cluster = new ScriptedCluster(clock, { ...given, tooMany: () => stop.abort() });
  const entries = given.jobs.map((job) => {
    const history = histories[job.jobId] ?? {};
    const entry = new Entry(job, judge.judge(job, now, history), history);
    if (job.state === 'closing') entry.askedAt ??= now;
    return entry;
  });
  const moment = () => clock.now() - now;
  return {
    clock,
    cluster,
    entries,
    stop,
    ending,
    moment,
    entry: (jobId: string): Entry => {
      const found = entries.find((entry) => entry.jobId === jobId);
      if (!found) throw new Error(`there is no entry ${jobId}`);
      return found;
    },
    /** Runs `event` the given number of milliseconds after the start. */
    at: (ms: number, event: () => void) => clock.at(now + ms, event),
    /** Closes the jobs. Returns the time when closing ended, in milliseconds since the start. */
    run: async (): Promise<number> => {
      const guard = new AbortController();
      const never = clock.sleep(hour, guard.signal).then(() => {
        throw new Error('the closing never ended');
      });
      try {
        await Promise.race([
          closeJobs(entries, { request, judge, cluster, clock, budget, ending, observer }),
          never,
        ]);
        return moment();
      } finally {
        never.catch(() => undefined);
        guard.abort();
      }
    },
    /** The outcome of each job, with its reason and its time; `none` for a job without an outcome. */
    outcomes: (): Record<string, string> =>
      Object.fromEntries(entries.map((entry) => [entry.jobId, outcomeOf(entry)])),
  };
}

function outcomeOf({ outcome, settledAt = Number.NaN }: Entry): string {
  if (!outcome) return 'none';
  const why =
    outcome.outcome === 'error'
      ? ` ${outcome.error.type}`
      : 'because' in outcome
        ? ` ${outcome.because}`
        : '';
  return `${outcome.outcome}${why} ${settledAt - now}`;
}
