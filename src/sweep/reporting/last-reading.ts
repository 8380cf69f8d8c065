/**
 * @module The last reading: gives an outcome to every job that has none after closing, and checks the stopped
 * datafeeds.
 */
import { type Closing, closedAs, type Entry, type Outcome } from '../closing/ledger.ts';
import { isOpenAgain, reopenedError } from '../closing/next-step.ts';
import type { Cluster, ClusterError, JobStats } from '../ports.ts';
import { jobStates, type NotAttemptedReason } from '../vocabulary.ts';

/** Limit for each read of the last reading, in milliseconds. */
const maxReadMs = 10_000;
/**
 * Each read gets at most this share of the time left before the deadline. A signal to stop leaves eight seconds, of
 * which the first read gets six.
 */
const shares = { states: 3 / 4, datafeeds: 1 / 2 } as const;

/** What the last reading needs from the closing context. */
export type Concluding = Pick<Closing, 'judge' | 'clock' | 'budget' | 'observer'> & {
  readonly cluster: Pick<Cluster, 'jobStats' | 'datafeedStats'>;
};

/** Gives every job an outcome. `because`: why no more close requests were sent. Returns warnings about datafeeds. */
export async function conclude(
  entries: readonly Entry[],
  because: NotAttemptedReason,
  closing: Concluding,
): Promise<string[]> {
  const { clock, observer } = closing;
  const open = entries.filter((entry) => !entry.settled);
  const toRead = open.filter((entry) => entry.asks > 0 || entry.verdict.verdict === 'wait');
  const readAt = clock.now();
  const states = toRead.length > 0 ? await readStates(toRead, closing) : undefined;
  for (const entry of open) {
    entry.settle(outcomeOf(entry, { states, readAt, because }, closing), clock.now());
    observer.settled?.(entry);
  }
  return datafeedsAfter(entries, closing);
}

type States = ReadonlyMap<string, JobStats>;

interface LastLook {
  /** Undefined if the cluster could not be read. */
  readonly states: States | undefined;
  /** When the read began, epoch milliseconds. */
  readonly readAt: number;
  readonly because: NotAttemptedReason;
}

function outcomeOf(entry: Entry, { states, readAt, because }: LastLook, closing: Concluding): Outcome {
  const asked = entry.asks > 0;
  if (!asked && entry.verdict.verdict !== 'wait') return { outcome: 'not_attempted', because };
  // If the last reading failed, a state that was read after the close request still counts.
  const seen = states ? { stats: states.get(entry.jobId) } : entry.seen;
  // break: unread-is-not-gone
  if (!seen) return { outcome: asked ? 'unknown' : 'closing' };
  const { stats } = seen;
  if (!stats) return { outcome: 'gone' };
  if (stats.state === 'closed') return { outcome: closedAs(entry) };
  // break: left-closing
  if (stats.state === 'closing') return { outcome: 'closing' };
  if (!asked) return openAgain(entry, stats, because, closing);
  return { outcome: 'error', error: errorFor(entry, stats, readAt) };
}

/** The outcome of a job that was found closing, got no close request from this sweep, and is open again. */
function openAgain(
  entry: Entry,
  stats: JobStats,
  because: NotAttemptedReason,
  { judge, clock }: Concluding,
): Outcome {
  const now = clock.now();
  const { openForMs, lastDataTime } = stats;
  const state = jobStates.find((name) => name === stats.state);
  const openedAt = openForMs === undefined ? undefined : now - openForMs;
  entry.job = { ...entry.job, reportedState: stats.state, state, openedAt, lastDataTime };
  const verdict = judge.judge(entry.job, now, entry.history);
  entry.verdict = verdict;
  return verdict.verdict === 'keep' ? { outcome: 'revived' } : { outcome: 'not_attempted', because };
}

function errorFor(entry: Entry, stats: JobStats, readAt: number): ClusterError {
  if (isOpenAgain(entry, stats, readAt)) return reopenedError(entry);
  if (entry.lastError) return entry.lastError;
  if (stats.state === 'opened') return reopenedError(entry);
  return { status: 0, type: 'not_closed', reason: `the job was asked to close, and is ${stats.state}` };
}

async function readStates(entries: readonly Entry[], closing: Concluding): Promise<States | undefined> {
  const ids = entries.flatMap((entry) => entry.job.target ?? []);
  return withinLimit(closing, shares.states, async (signal) => {
    const stats = await closing.cluster.jobStats(signal, ids);
    return new Map(stats.map((each) => [each.jobId, each]));
  });
}

/** Checks whether the datafeeds of closed jobs stopped, and warns about a job left open without its datafeed. */
async function datafeedsAfter(entries: readonly Entry[], closing: Concluding): Promise<string[]> {
  const ids = entries.flatMap((entry) => entry.stopsDatafeed ?? []);
  if (ids.length === 0) return [];
  const feeds = await withinLimit(closing, shares.datafeeds, (signal) =>
    closing.cluster.datafeedStats(signal, ids),
  );
  if (!feeds)
    return [
      'the datafeeds of the closed jobs could not be read again, so it is unknown whether they stopped',
    ];
  const warnings: string[] = [];
  for (const entry of entries) {
    if (entry.stopsDatafeed === undefined) continue;
    const feed = feeds.find(({ datafeedId }) => datafeedId === entry.stopsDatafeed);
    const stopped = feed?.state === 'stopped';
    entry.datafeedStopped = stopped;
    if (stopped && entry.endedAs('unknown'))
      warnings.push(
        `the datafeed ${entry.stopsDatafeed} was stopped, but it is unknown whether its job ${entry.jobId} is closed: if the job is open, start the datafeed again or close the job`,
      );
    if (stopped && !entry.endedAs('closed', 'force_closed', 'closing', 'unknown'))
      warnings.push(
        `the datafeed ${entry.stopsDatafeed} was stopped but its job ${entry.jobId} was not closed, so the job gets no data: start the datafeed again or close the job`,
      );
    if (feed && !stopped && entry.endedAs('closed', 'force_closed'))
      warnings.push(
        `the job ${entry.jobId} is closed but its datafeed ${entry.stopsDatafeed} is still ${feed.state}: stop the datafeed`,
      );
  }
  return warnings;
}

/** Runs a read with its own time limit, because the time for closing is over. Returns undefined if the read fails. */
async function withinLimit<T>(
  { clock, budget }: Concluding,
  share: number,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  using limit = clock.limit(Math.min(maxReadMs, budget.untilDeadline() * share));
  return await read(limit.signal).catch(() => undefined);
}
