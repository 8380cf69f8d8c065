/** @module What `advise` reads besides stats. Each source may be refused: the estimate then says what it would add. */
import type { Message, MessageCoverage, Observation, Snapshot } from './evidence.ts';

export type SourceName = 'stats' | 'snapshots' | 'notifications' | 'records';

/** What a source holds by job id, or why it could not be read. */
export type Read<T> = { readonly value: T } | { readonly why: string };

/** Times in a job's config. */
export interface JobTimes {
  readonly createTime?: number | undefined;
  readonly finishedTime?: number | undefined;
  /** How often its datafeed searches, milliseconds. */
  readonly frequency?: number | undefined;
}

export interface Notifications {
  readonly byJob: ReadonlyMap<string, readonly Message[]>;
  readonly coverage: MessageCoverage | undefined;
  /** Not one message of any job: a key without the privilege gets the same answer. */
  readonly isEmpty: boolean;
}

export interface PastSources {
  /** When each job was created and last closed, and how often its datafeed searches. */
  jobTimes(signal: AbortSignal): Promise<ReadonlyMap<string, JobTimes>>;
  /** Of all jobs, or of one, back to `from`. */
  snapshots(
    from: number,
    signal: AbortSignal,
    jobId?: string,
  ): Promise<Read<ReadonlyMap<string, readonly Snapshot[]>>>;
  /** Of all jobs, or of one, back to `from`; `asOf` is now. */
  notifications(
    from: number,
    asOf: number,
    signal: AbortSignal,
    jobId?: string,
  ): Promise<Read<Notifications>>;
}

export interface Records {
  readonly byJob: ReadonlyMap<string, readonly Observation[]>;
  /** When all open jobs were recorded: one without a record was closed. */
  readonly wholeAt: readonly number[];
}
