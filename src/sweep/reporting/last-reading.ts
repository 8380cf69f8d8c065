/** @module The last look: what is known of every job whose story the engine did not end, and of datafeeds that stopped. */
import { type Closing, closedAs, type Entry, type Outcome } from '../closing/ledger.ts';
import { isOpenAgain, reopenedError } from '../closing/next-step.ts';
import type { Cluster, ClusterError, JobStats } from '../ports.ts';
import { jobStates, type NotAttemptedReason } from '../vocabulary.ts';

/** A read of the ending may take this long, in milliseconds, */
const lastLook = 10_000;
/** and these shares of what is left until the deadline. Of the eight seconds after a signal a read of five has room. */
const shares = { states: 3 / 4, datafeeds: 1 / 2 } as const;

/** What the last look needs of the running sweep. */
export type Concluding = Pick<Closing, 'judge' | 'clock' | 'budget' | 'observer'> & {
  readonly cluster: Pick<Cluster, 'jobStats' | 'datafeedStats'>;
};

/** Gives every entry an outcome; `because` is why nothing more was asked. Returns warnings about datafeeds. */
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
  /** Undefined: the cluster could not be read. */
  readonly states: States | undefined;
  /** When that read began, epoch milliseconds. */
  readonly readAt: number;
  readonly because: NotAttemptedReason;
}

function outcomeOf(entry: Entry, { states, readAt, because }: LastLook, closing: Concluding): Outcome {
  const asked = entry.asks > 0;
  if (!asked && entry.verdict.verdict !== 'wait') return { outcome: 'not_attempted', because };
  // What was read after the ask and before the cluster fell silent is known all the same.
  const stats = states ? states.get(entry.jobId) : entry.seen?.stats;
  // break: unread-is-not-gone
  if (!stats) return { outcome: states ? 'gone' : asked ? 'unknown' : 'closing' };
  if (stats.state === 'closed') return { outcome: closedAs(entry) };
  // break: left-closing
  if (stats.state === 'closing') return { outcome: 'closing' };
  if (!asked) return openAgain(entry, stats, because, closing);
  return { outcome: 'error', error: errorFor(entry, stats, readAt) };
}

/** A job that was found closing, that nobody here asked, and that is open by now: no time is left to look closer. */
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

/** Whether the datafeeds that our closes were to stop have stopped; a job that is open without one is said aloud. */
async function datafeedsAfter(entries: readonly Entry[], closing: Concluding): Promise<string[]> {
  const ids = entries.flatMap((entry) => entry.stopsDatafeed ?? []);
  if (ids.length === 0) return [];
  const feeds = await withinLimit(closing, shares.datafeeds, (signal) =>
    closing.cluster.datafeedStats(signal, ids),
  );
  if (!feeds)
    return [
      'the datafeeds that closes were to stop could not be read again: whether they stopped is not known',
    ];
  const warnings: string[] = [];
  for (const entry of entries) {
    if (entry.stopsDatafeed === undefined) continue;
    const feed = feeds.find(({ datafeedId }) => datafeedId === entry.stopsDatafeed);
    const stopped = feed?.state === 'stopped';
    entry.datafeedStopped = stopped;
    if (stopped && entry.endedAs('unknown'))
      warnings.push(
        `the datafeed ${entry.stopsDatafeed} was stopped, and whether its job ${entry.jobId} is closed is not known: if the job is open, start the datafeed again or close the job`,
      );
    if (stopped && !entry.endedAs('closed', 'force_closed', 'closing', 'unknown'))
      warnings.push(
        `the datafeed ${entry.stopsDatafeed} was stopped and its job ${entry.jobId} was not closed: it is open without data; start the datafeed again or close the job`,
      );
    if (feed && !stopped && entry.endedAs('closed', 'force_closed'))
      warnings.push(
        `the job ${entry.jobId} is closed and its datafeed ${entry.stopsDatafeed} is still ${feed.state}: stop it`,
      );
  }
  return warnings;
}

/** A read of the ending: within its own limit, because the sweep's has passed; undefined when it could not be done. */
async function withinLimit<T>(
  { clock, budget }: Concluding,
  share: number,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  using limit = clock.limit(Math.min(lastLook, budget.untilDeadline() * share));
  return await read(limit.signal).catch(() => undefined);
}
