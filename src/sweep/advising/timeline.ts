/** @module One job's past as a list of events, each with its source. */
import type { Evidence, Message, MessageKind } from './evidence.ts';
import type { KnownPast } from './known-past.ts';
import type { SourceName } from './past-ports.ts';

export interface TimelineEvent {
  /** ISO date-time. */
  readonly at: string;
  readonly what: string;
  /** Who caused the event, if known. */
  readonly by?: string;
  readonly source: SourceName | 'config' | 'reports';
}

/** A sweep of jobsweep that closed the job. */
export interface OwnClose {
  readonly startedAt: string;
  readonly sweepId: string;
  readonly outcome: string;
  /** When the sweep sent its first close request for the job, and when it saw the job closed; ISO date-times. */
  readonly askedAt?: string | undefined;
  readonly closedAt?: string | undefined;
}

const minute = 60_000;
const hour = 60 * minute;

/** Sweeps whose reports were not read, for example those of the deployed function, look like any other program. */
const unknownCloser = 'a person, another program or a sweep whose report was not read';

/**
 * A message within this time of a close (milliseconds) shows who closed the job: the warning of the server's idle
 * closer, or the end of a datafeed.
 */
const nearby = 5 * minute;

/** The texts for events that repeat many times in the life of a healthy job. */
export const repeatedWords = {
  silent: 'datafeed finds no data',
  again: 'datafeed finds data again',
  errors: 'datafeed fails',
  saved: 'model saved',
  data: 'data came, the last before a sweep',
} as const;

const words: Readonly<Partial<Record<MessageKind, string>>> = {
  created: 'created',
  deleted: 'deleted',
  reset: 'reset: its model and its data were dropped',
  reverted: 'reverted to an earlier model',
  failed: 'failed: its process died',
  killed: 'killed',
  feed_started: 'datafeed started',
  feed_realtime: 'datafeed reads in real time',
  lookback_empty: 'datafeed found no data in its look-back',
  feed_silent: repeatedWords.silent,
  feed_again: repeatedWords.again,
  feed_errors: repeatedWords.errors,
  feed_stopped: 'datafeed stopped',
};

/** The job's events, oldest first. */
export function timelineOf(
  evidence: Evidence,
  known: KnownPast,
  ownCloses: readonly OwnClose[],
): TimelineEvent[] {
  const events: { readonly at: number; readonly event: Omit<TimelineEvent, 'at'> }[] = [];
  const add = (at: number | undefined, event: Omit<TimelineEvent, 'at'>) => {
    if (at !== undefined && Number.isFinite(at)) events.push({ at, event });
  };
  const { now, createTime, finishedTime, messages = [], snapshots = [], records = [] } = evidence;
  const sorted = messages.toSorted((a, b) => a.at - b.at);
  add(createTime, { what: 'created', source: 'config' });
  let isOpen: boolean | undefined;
  let wasClosed = false;
  /** Closes by our sweeps for which no message has been found so far. */
  const unmatched = new Set(ownCloses);
  for (const [index, message] of sorted.entries()) {
    const { kind, at } = message;
    if (kind === 'created') continue;
    if (kind === 'opening') {
      const what = isOpen ? 'moved to another node' : wasClosed ? 'reopened' : 'opened';
      add(at, { what, source: 'notifications' });
      isOpen = true;
    } else if (kind === 'closing' || kind === 'forced') {
      add(at, {
        what: kind === 'forced' ? 'closed with force' : 'closed',
        by: closerOf(sorted, index, unmatched),
        source: 'notifications',
      });
      isOpen = false;
      wasClosed = true;
    } else if (words[kind]) add(at, { what: words[kind], source: 'notifications' });
  }
  if (messages.length === 0) {
    add(now.openedAt, { what: 'its process started', source: 'stats' });
    if (now.state === 'closed') add(finishedTime, { what: 'closed', source: 'config' });
  }
  for (const { startedAt, askedAt, sweepId, outcome } of unmatched)
    add(Date.parse(askedAt ?? startedAt), {
      what: outcome.replaceAll('_', ' '),
      by: `jobsweep, sweep ${sweepId}`,
      source: 'reports',
    });
  const ordered = snapshots.toSorted((a, b) => a.at - b.at);
  for (const [index, { at, latestRecord, atClose }] of ordered.entries()) {
    const previous = ordered[index - 1];
    // The previous snapshot may be weeks old, so newer records do not mean that data came just now.
    const isNewer = (latestRecord ?? 0) > (previous?.latestRecord ?? 0);
    const records = previous === undefined ? '' : isNewer ? ', with newer records' : ', no newer record';
    add(at, {
      what: `${repeatedWords.saved}${atClose ? ' as its process ended' : ''}${records}`,
      source: 'snapshots',
    });
  }
  for (const [index, record] of records.entries()) {
    const previous = records[index - 1];
    if (record.lastData !== undefined && record.lastData !== previous?.lastData)
      add(record.lastData, { what: repeatedWords.data, source: 'records' });
  }
  add(now.lastData, { what: 'last data', source: 'stats' });
  // Only long silences get a line of their own, not the short ones between batches.
  for (const { from, to } of known.silent)
    if (from > known.knownFrom && to - from >= 12 * hour && to < now.at)
      add(from, { what: `silent for ${Math.round((to - from) / hour)} hours`, source: longSource(evidence) });
  return events
    .sort((a, b) => a.at - b.at)
    .map(({ at, event }) => ({ at: new Date(at).toISOString(), ...event }));
}

const longSource = ({ records, messages }: Evidence): SourceName =>
  records && records.length > 0 ? 'records' : messages && messages.length > 0 ? 'notifications' : 'stats';

/**
 * Who closed the job, according to the message at `index`. If it was one of our sweeps, removes its close from
 * `unmatched`.
 */
function closerOf(messages: readonly Message[], index: number, unmatched: Set<OwnClose>): string {
  const close = messages[index] as Message;
  // Takes the newest close that fits, because an older sweep may have closed the job before.
  const own = [...unmatched]
    .filter((each) => isFrom(each, close.at))
    .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))[0];
  if (own) unmatched.delete(own);
  if (own) return `jobsweep, sweep ${own.sweepId}`;
  const near = messages.filter(({ at }) => Math.abs(at - close.at) <= nearby);
  if (near.some(({ kind }) => kind === 'idle_closer')) return "the server's own idle closer";
  // A datafeed that goes on in real time after its look-back does not close its job.
  const wentOn = near.some(({ kind }) => kind === 'feed_realtime');
  if (!wentOn && near.some(({ kind, at }) => kind === 'lookback_done' && at <= close.at + minute))
    return 'the end of its datafeed';
  return unknownCloser;
}

/** Whether the message is about this close. The clocks of the cluster and of the sweep may differ by a minute. */
function isFrom({ startedAt, askedAt, closedAt }: OwnClose, at: number): boolean {
  const begin = Date.parse(askedAt ?? startedAt);
  const end = closedAt === undefined ? begin + hour : Date.parse(closedAt);
  return at >= begin - minute && at <= end + minute;
}
