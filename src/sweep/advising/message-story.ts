/** @module Combines the messages of one job: when the job was open, when its datafeed ran, when data came. */
import type { Evidence, Message, MessageCoverage } from './evidence.ts';
import { clockError, type Facts, noFacts } from './facts.ts';
import { readFeeds } from './feeds.ts';
import type { Span, Spans } from './spans.ts';
import { clustersOf, readStays } from './stays.ts';

export interface Story extends Facts {
  /** Spans in which data must have arrived, because the server would have reported a silence and did not. */
  readonly dense: Span[];
  /** Times in which a datafeed read in real time without a break. */
  readonly realtime: Spans;
  /** Whether the job was open after the last message; undefined if unknown. */
  readonly openAtEnd: boolean | undefined;
  readonly coveredFrom: number;
}

/** Reads the messages of one job. They include every open and close since `coverage.from`. */
export function readMessages(
  evidence: Evidence & { readonly messages: readonly Message[]; readonly isRecreated: boolean },
  coverage: MessageCoverage,
): Story {
  const { messages, createTime, now, datafeedRuns, isRecreated, frequency } = evidence;
  const asOf = now.at;
  const bornAt = createTime === undefined ? Number.NEGATIVE_INFINITY : createTime - clockError;
  const from = Math.max(coverage.from, bornAt + 2 * clockError);
  // Whether the messages include every open since the job was created. For a recreated job, this is uncertain: its
  // first open can be mistaken for the last open of the deleted job.
  const isBornInside = bornAt >= coverage.from && !isRecreated;
  const facts = noFacts();
  const clusters = clustersOf(messages.filter(({ at }) => at >= from - 3 * clockError));
  const nowIs = now.state === 'closed' ? 'closed' : now.state === 'opened' ? 'open' : undefined;
  const openness = readStays(facts, clusters, { from, asOf, isBornInside, nowIs });
  const feeds = readFeeds(messages, { from, asOf, datafeedRuns, coverage, frequency });
  facts.silent.push(...feeds.silent);
  facts.data.push(...feeds.data, ...recordRises(messages));
  facts.watched.push(...feeds.realtime, ...feeds.watched);
  // The time of the last data is missing if no data came since the job was created or reset. Without a reset, no data
  // ever came.
  if (now.lastData === undefined && !messages.some(({ kind }) => kind === 'reset'))
    facts.silent.push({ from, to: asOf });
  return {
    ...facts,
    dense: feeds.dense,
    realtime: feeds.realtime,
    openAtEnd: clusters.length === 0 || openness === undefined ? undefined : openness === 'open',
    coveredFrom: from,
  };
}

/** Data came between two process starts if the newest record at the second start is later than at the first. */
function recordRises(messages: readonly Message[]): Span[] {
  const rises: Span[] = [];
  let previous: Message | undefined;
  for (const message of messages) {
    if (message.kind === 'reset' || message.kind === 'reverted' || message.kind === 'deleted')
      previous = undefined;
    if (message.kind !== 'loading') continue;
    const { latestRecord } = message;
    if (
      previous &&
      latestRecord !== undefined &&
      latestRecord > (previous.latestRecord ?? Number.NEGATIVE_INFINITY)
    )
      rises.push({ from: previous.at - clockError, to: message.at + clockError });
    previous = message;
  }
  return rises;
}
