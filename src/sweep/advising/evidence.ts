/**
 * @module The evidence about a job's past, from all sources. Times are wall-clock times in epoch milliseconds, except
 * in fields marked "event time". The clocks of two sources may differ by a minute.
 */

/** A job's stats at one point in time: now, or when one of our sweeps recorded them. */
export interface Observation {
  readonly at: number;
  readonly state: string;
  /** When data last arrived. Absent if none has arrived since the job was created or reset. */
  readonly lastData?: number | undefined;
  /** When the job's process started. */
  readonly openedAt?: number | undefined;
  readonly bytes?: number | undefined;
}

/** One model snapshot. */
export interface Snapshot {
  readonly at: number;
  /** Event time of the newest record; absent if there was none. */
  readonly latestRecord?: number | undefined;
  readonly atClose: boolean;
  readonly bytes?: number | undefined;
}

/** The kinds of audit messages that the estimate uses. */
export type MessageKind =
  | 'opening' // the job was assigned to a node
  | 'loading' // the job's process starts
  | 'closing'
  | 'forced'
  | 'killed'
  | 'idle_closer' // the server's own closer announces a close
  | 'failed'
  | 'created'
  | 'deleted'
  | 'reset'
  | 'reverted'
  | 'feed_started' // the datafeed started, and first reads the past
  | 'feed_realtime' // from here on, the datafeed reads in real time
  | 'lookback_done'
  | 'lookback_empty'
  | 'feed_silent' // at least ten searches in a row found nothing
  | 'feed_again' // after that, a search found data again
  | 'feed_errors'
  | 'feed_stopped';

export interface Message {
  readonly at: number;
  readonly kind: MessageKind;
  /** For messages of the kind `loading`: the event time of the job's newest record. */
  readonly latestRecord?: number | undefined;
  /** For messages of the kind `feed_started`: the interval between the searches of the datafeed, in milliseconds. */
  readonly frequency?: number | undefined;
  /** For messages of the kind `feed_started`: whether the datafeed has an end time. */
  readonly ends?: boolean | undefined;
  readonly text?: string | undefined;
}

/** All evidence about one job. A list is undefined if its source was not read. */
export interface Evidence {
  readonly jobId: string;
  readonly createTime?: number | undefined;
  /** When the job's last close ended; the server clears this field at each open. */
  readonly finishedTime?: number | undefined;
  readonly now: Observation;
  /** Whether the job's datafeed is running now. */
  readonly datafeedRuns: boolean;
  /** The search interval in the config of the job's datafeed, in milliseconds. */
  readonly frequency?: number | undefined;
  readonly records?: readonly Observation[] | undefined;
  readonly snapshots?: readonly Snapshot[] | undefined;
  readonly messages?: readonly Message[] | undefined;
}

/** What is known about the messages of the whole cluster. */
export interface MessageCoverage {
  /** All messages after this time are known. It is the time of the oldest message read, or the start of the search. */
  readonly from: number;
  /**
   * Whether the cluster announces silent datafeeds. If it does, a missing announcement proves that data came; if not,
   * it proves nothing.
   */
  readonly announcesSilence: boolean;
}
