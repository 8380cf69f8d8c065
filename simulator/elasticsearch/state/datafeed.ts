/** @module A datafeed in the cluster state: config, task, progress and source. */
import type { MlNode } from './node.ts';
import type { Source } from './record-source.ts';

export type DatafeedState = 'starting' | 'started' | 'stopping' | 'stopped';
export type DatafeedConfig = { readonly datafeed_id: string; readonly job_id: string } & Record<
  string,
  unknown
>;

/** How a stop of a datafeed behaves: it waits this many milliseconds for the running search, never ends, or fails. */
export type StopBehaviour = number | 'never' | { readonly fails: string };

export interface DatafeedTraits {
  readonly queryDelay: number;
  /** The interval between the datafeed's real-time searches, in milliseconds. */
  readonly frequency: number;
  readonly maxEmptySearches: number | undefined;
}

export interface DatafeedTask {
  allocation: number;
  node: MlNode | undefined;
  state: Exclude<DatafeedState, 'stopped'>;
  explanation: string;
  /** An isolated datafeed keeps its state and fetches nothing. Upgrade mode and forced closes isolate it. */
  isolated: boolean;
  /** The event time at which the datafeed ends; undefined if it runs in real time without an end. */
  readonly end: number | undefined;
  readonly start: number;
  /** The job has received all records whose event time is earlier than this. */
  readTo: number;
  /** Set while the datafeed reads the past: when the lookback began, and from which event time. */
  lookback: { readonly since: number; readonly from: number } | undefined;
  /** All real-time searches that were due by this time are done. */
  searchedAt: number;
  searchInterval: { readonly start: number; readonly end: number } | undefined;
  emptySearches: number;
  cancel?: (() => void) | undefined;
  readonly onChange: Set<() => void>;
}

export interface Datafeed {
  readonly id: string;
  readonly jobId: string;
  config: DatafeedConfig;
  traits: DatafeedTraits;
  source: Source;
  /** Whether a fleet describes the datafeed's source. If so, its indices need not exist. */
  described: boolean;
  /** Milliseconds of event time that a lookback reads in one millisecond. */
  lookbackRate: number;
  task: DatafeedTask | undefined;
  stopTakes: StopBehaviour | undefined;
  searches: number;
  buckets: number;
  searchMs: number;
}

export function datafeedStateOf(datafeed: Datafeed): DatafeedState {
  return datafeed.task?.state ?? 'stopped';
}
