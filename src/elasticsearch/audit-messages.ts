/**
 * @module Classifies the messages in `.ml-notifications*`. The messages have no code, so only their texts identify
 * them.
 */

import { parseDuration } from '../base/duration.ts';
import type { Message, MessageKind } from '../sweep/advising/evidence.ts';

/**
 * Messages recognized by their exact text. The search filters by these texts as well, so that no other messages are
 * read.
 */
export const exactMessages: Readonly<Record<string, MessageKind>> = {
  'Job is closing': 'closing',
  'Job is closing (forced)': 'forced',
  'Killing job': 'killed',
  'Job created': 'created',
  'Job deleted': 'deleted',
  'Job has been reset': 'reset',
  'Datafeed started in real-time': 'feed_realtime',
  'Datafeed continued in real-time': 'feed_realtime',
  'Datafeed lookback completed': 'lookback_done',
  'Datafeed lookback retrieved no data': 'lookback_empty',
  'Datafeed has been retrieving no data for a while': 'feed_silent',
  'Datafeed has started retrieving data again': 'feed_again',
  'Datafeed stopped': 'feed_stopped',
  'Datafeed isolated': 'feed_stopped',
};

/** Messages recognized by the beginning of their text. */
export const messagePrefixes: Readonly<Record<string, MessageKind>> = {
  'Opening job': 'opening',
  'Loading model snapshot [': 'loading',
  'Job model snapshot reverted to ': 'reverted',
  'Datafeed started (from: ': 'feed_started',
  'Datafeed is encountering errors ': 'feed_errors',
};

/**
 * The setting of the server's own idle closer. The idle closer's messages are recognized by this name, which they all
 * contain.
 */
export const idleCloserSetting = 'idle_job_auto_close_timeout';

/** Part of the error message that the server writes when a job's process dies. */
const crashText = 'autodetect process stopped unexpectedly';

/** Classifies one message; undefined if the text of the message is unknown. */
export function messageOf(text: string, at: number): Message | undefined {
  const exact = Object.hasOwn(exactMessages, text) ? exactMessages[text] : undefined;
  if (exact) return { at, kind: exact, text };
  if (text.includes(idleCloserSetting)) return { at, kind: 'idle_closer', text };
  if (text.includes(crashText)) return { at, kind: 'failed', text };
  const [prefix, kind] = Object.entries(messagePrefixes).find(([start]) => text.startsWith(start)) ?? [];
  if (prefix === undefined || kind === undefined) return undefined;
  if (kind === 'loading') {
    const newest = Date.parse(/job latest_record_timestamp \[([^\]]*)\]/.exec(text)?.[1] ?? '');
    return { at, kind, text, ...(Number.isFinite(newest) && { latestRecord: newest }) };
  }
  if (kind === 'feed_started') {
    const frequency = parseDuration(/with frequency \[([^\]]*)\]/.exec(text)?.[1] ?? '');
    const ends = !/ to: real-time\)/.test(text);
    return { at, kind, text, ends, ...(frequency !== undefined && { frequency }) };
  }
  return { at, kind, text };
}

/**
 * The query for the messages about opens and closes only, from `from` to `to`, or to the newest message if `to` is
 * undefined.
 */
export function stateMessagesQuery(from: number, to?: number): object {
  return {
    bool: {
      filter: [
        {
          range: {
            timestamp: {
              gte: Math.floor(from),
              ...(to !== undefined && { lte: to }),
              format: 'epoch_millis',
            },
          },
        },
        {
          bool: {
            should: [
              { terms: { 'message.raw': ['Job is closing', 'Job is closing (forced)'] } },
              { prefix: { 'message.raw': 'Opening job' } },
            ],
          },
        },
      ],
    },
  };
}

/**
 * The query for the messages that `messageOf` recognizes, between `from` and `to`, about all anomaly detection jobs or
 * about one.
 */
export function messagesQuery(from: number, to: number, jobId?: string): object {
  const any = (should: readonly object[]) => ({ bool: { should } });
  return {
    bool: {
      filter: [
        { range: { timestamp: { gte: Math.floor(from), lte: Math.ceil(to), format: 'epoch_millis' } } },
        ...(jobId === undefined ? [] : [{ term: { job_id: jobId } }]),
        any([
          { term: { job_type: 'anomaly_detector' } },
          // Servers before 7.5 do not have this field.
          { bool: { must_not: [{ exists: { field: 'job_type' } }] } },
        ]),
        any([
          { terms: { 'message.raw': Object.keys(exactMessages) } },
          ...Object.keys(messagePrefixes).map((start) => ({ prefix: { 'message.raw': start } })),
          ...[idleCloserSetting, crashText].map((part) => ({ wildcard: { 'message.raw': `*${part}*` } })),
        ]),
      ],
    },
  };
}
