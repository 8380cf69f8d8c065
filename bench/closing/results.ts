/** @module The type of `bench/results/closing.json`, from which the pages and the chart are made. */
import type { Spread } from '../numbers.ts';
import type { Nodes } from './model.ts';

export interface ClosingResults {
  /** The version of Node. */
  readonly node: string;
  /** Number of random clusters for each number of jobs. */
  readonly repeats: number;
  readonly networkMs: number;
  readonly sizes: readonly SizeResult[];
  readonly traffic: readonly TrafficResult[];
}

/** The results for one number of idle jobs on one kind of nodes. Each cluster has the same number of busy jobs. */
export interface SizeResult {
  readonly jobs: number;
  readonly nodes: Nodes;
  /** The median of the lower bounds, in milliseconds. */
  readonly boundMs: number;
  /** The time of the planner in `biggest-first.ts`, as a multiple of the lower bound. */
  readonly biggestFirst: Spread;
  readonly ways: readonly WayResult[];
}

/** Medians unless stated otherwise. */
export interface WayResult {
  readonly name: string;
  readonly ours: boolean;
  /** The time of the way of closing, as a multiple of the lower bound. */
  readonly time: Spread;
  /** The time as a multiple of the lower bound for planners that limit the concurrent closes on a node. */
  readonly overPlacesBound: Spread;
  /** The time as a multiple of the biggest-first planner's time on the same cluster. */
  readonly overBiggestFirst: Spread;
  /** The cluster's error, if the cluster refused everything. */
  readonly refusal?: string | undefined;
  /** The number of clusters on which this way ended within the function's 15 minutes. */
  readonly survived: number;
  readonly closedInTime: number;
  readonly wronglyClosed: number;
  readonly forced: number;
  readonly unknown: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Leaves out the checks right before a close: a sweep's reads of configs and datafeeds by id. */
  readonly requestsPerSecondWithoutLooks: number;
  readonly closeRequests: number;
  /**
   * The peak number of simultaneous closes on a node, divided by half of the node's processors; the highest value of
   * all clusters.
   */
  readonly peak: number;
  /** Like `peak`, but each close counts at most for the default `close.timeout`. */
  readonly peakWithinTimeout: number;
  readonly bytes: number;
}

/** The requests and answers of one sweep in which every close is answered in time. */
export interface TrafficResult {
  readonly fleet: string;
  readonly openJobs: number;
  /** Null for a plan, which closes no job. */
  readonly closeRequests: number | null;
  readonly requests: number;
  /** Size in bytes of the answer with the stats of all jobs. */
  readonly statsBytes: number;
  readonly unfilteredStatsBytes: number;
}
