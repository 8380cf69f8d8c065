/**
 * @module What is known of a job's past, as the sources tell it. Every moment is epoch milliseconds of a wall clock, but
 * for the fields that say "event time". The clocks of two sources may be a minute apart.
 */

/** A job's stats at one moment: now, or when one of our own sweeps recorded them. */
export interface Observation {
  readonly at: number;
  readonly state: string;
  /** When data last arrived. Absent: never since the job was created or reset. */
  readonly lastData?: number | undefined;
  /** When its process started. */
  readonly openedAt?: number | undefined;
  readonly bytes?: number | undefined;
}

/** One model snapshot. */
export interface Snapshot {
  readonly at: number;
  /** Event time of the newest record; absent when there was none. */
  readonly latestRecord?: number | undefined;
  readonly atClose: boolean;
  readonly bytes?: number | undefined;
}

/** What an audit message says, as far as the estimate uses it. */
export type MessageKind =
  | 'opening' // the job got a node
  | 'loading' // its process starts
  | 'closing'
  | 'forced'
  | 'killed'
  | 'idle_closer' // the server's own closer announces a close
  | 'failed'
  | 'created'
  | 'deleted'
  | 'reset'
  | 'reverted'
  | 'feed_started' // with a look-back
  | 'feed_realtime' // from here on it reads in real time
  | 'lookback_done'
  | 'lookback_empty'
  | 'feed_silent' // at least ten searches in a row found nothing
  | 'feed_again' // data after such a silence
  | 'feed_errors'
  | 'feed_stopped';

export interface Message {
  readonly at: number;
  readonly kind: MessageKind;
  /** Event time: the job's newest record, of `loading`. */
  readonly latestRecord?: number | undefined;
  /** How often the datafeed searches, of `feed_started`; milliseconds. */
  readonly frequency?: number | undefined;
  /** The datafeed ends by itself, of `feed_started`. */
  readonly ends?: boolean | undefined;
  readonly text?: string | undefined;
}

/** All that the sources say of one job. A list that is undefined was not read. */
export interface Evidence {
  readonly jobId: string;
  readonly createTime?: number | undefined;
  /** When its last close ended; the server clears it at each open. */
  readonly finishedTime?: number | undefined;
  readonly now: Observation;
  /** Whether its datafeed is not stopped now. */
  readonly datafeedRuns: boolean;
  /** How often its datafeed searches by its config, milliseconds. */
  readonly frequency?: number | undefined;
  readonly records?: readonly Observation[] | undefined;
  readonly snapshots?: readonly Snapshot[] | undefined;
  readonly messages?: readonly Message[] | undefined;
}

/** What holds for the messages of the whole cluster. */
export interface MessageCoverage {
  /** From when on no message is missing: the oldest message that was read, or the start of the search. */
  readonly from: number;
  /** Whether silent datafeeds are announced: only then does the absence of such a message prove data. */
  readonly announcesSilence: boolean;
}
