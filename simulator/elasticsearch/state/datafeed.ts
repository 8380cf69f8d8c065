/** @module A datafeed as the cluster holds it: config, task, what it has read, and where it reads from. */
import type { MlNode } from './node.ts';
import type { Source } from './record-source.ts';

export type DatafeedState = 'starting' | 'started' | 'stopping' | 'stopped';
export type DatafeedConfig = { readonly datafeed_id: string; readonly job_id: string } & Record<
  string,
  unknown
>;

/** How a stop goes: milliseconds until the running search has ended, a hang, or a failure. */
export type StopBehaviour = number | 'never' | { readonly fails: string };

export interface DatafeedTraits {
  readonly queryDelay: number;
  /** How often it searches in real time, in milliseconds. */
  readonly frequency: number;
  readonly maxEmptySearches: number | undefined;
}

export interface DatafeedTask {
  allocation: number;
  node: MlNode | undefined;
  state: Exclude<DatafeedState, 'stopped'>;
  explanation: string;
  /** Isolated datafeeds keep their state and fetch nothing: upgrade mode and forced closes do that. */
  isolated: boolean;
  /** Event time of its `end`; undefined reads in real time for ever. */
  readonly end: number | undefined;
  readonly start: number;
  /** Records before this event time have been handed to the job. */
  readTo: number;
  /** While it reads the past: since when, and from which event time on. */
  lookback: { readonly since: number; readonly from: number } | undefined;
  /** Real-time searches before this moment are done. */
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
  /** Whether a fleet describes its source: then nobody asks for its indices. */
  described: boolean;
  /** Milliseconds of event time that a look-back reads in one millisecond. */
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
