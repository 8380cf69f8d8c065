/**
 * @module The sources that `advise` reads in addition to stats. If access to a source is refused, the estimate says
 * what that source would add.
 */
import type { Message, MessageCoverage, Observation, Snapshot } from './evidence.ts';

export type SourceName = 'stats' | 'snapshots' | 'notifications' | 'records';

/** The entries of a source by job id, or why the source could not be read. */
export type Read<T> = { readonly value: T } | { readonly why: string };

/** Times in a job's config. */
export interface JobTimes {
  readonly createTime?: number | undefined;
  readonly finishedTime?: number | undefined;
  /** The interval between the searches of the job's datafeed, in milliseconds. */
  readonly frequency?: number | undefined;
}

export interface Notifications {
  readonly byJob: ReadonlyMap<string, readonly Message[]>;
  readonly coverage: MessageCoverage | undefined;
  /** Whether no messages of any job were found. This is also true if the API key may not read messages. */
  readonly isEmpty: boolean;
}

export interface PastSources {
  /** When each job, or the given one, was created and last closed, and how often its datafeed searches. */
  jobTimes(signal: AbortSignal, jobId?: string): Promise<ReadonlyMap<string, JobTimes>>;
  /** The snapshots of all jobs, or of the given one, since `from`. */
  snapshots(
    from: number,
    signal: AbortSignal,
    jobId?: string,
  ): Promise<Read<ReadonlyMap<string, readonly Snapshot[]>>>;
  /** The messages about all jobs, or about the given one, since `from`. `asOf` is the current time. */
  notifications(
    from: number,
    asOf: number,
    signal: AbortSignal,
    jobId?: string,
  ): Promise<Read<Notifications>>;
}

export interface Records {
  readonly byJob: ReadonlyMap<string, readonly Observation[]>;
  /** Times at which all open jobs were recorded. A job without a record at one of these times was closed. */
  readonly wholeAt: readonly number[];
}
