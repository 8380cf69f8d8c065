/** @module What the bench of closing has measured, as `bench/results/closing.json` keeps it: pages and chart are made from that. */
import type { Spread } from '../numbers.ts';
import type { Nodes } from './model.ts';

export interface ClosingResults {
  /** The Node that it ran on. */
  readonly node: string;
  /** Clusters drawn for each number of jobs. */
  readonly repeats: number;
  readonly networkMs: number;
  readonly sizes: readonly SizeResult[];
  readonly traffic: readonly TrafficResult[];
}

/** One number of idle jobs on one kind of nodes; there are as many busy ones. */
export interface SizeResult {
  readonly jobs: number;
  readonly nodes: Nodes;
  /** The lower bound, median; milliseconds. */
  readonly boundMs: number;
  /** Times the lower bound, perfectly carried out with only the models' memory known. */
  readonly biggestFirst: Spread;
  readonly ways: readonly WayResult[];
}

/** Medians, where nothing else is said. */
export interface WayResult {
  readonly name: string;
  readonly ours: boolean;
  /** Times the lower bound. */
  readonly time: Spread;
  /** Times the lower bound of every planner with the same places. */
  readonly overPlacesBound: Spread;
  /** Times what biggest first takes on the same cluster. */
  readonly overBiggestFirst: Spread;
  /** What the cluster answered where it refused everything. */
  readonly refusal?: string | undefined;
  /** Of how many of the clusters it ended within the function's 15 minutes. */
  readonly survived: number;
  readonly closedInTime: number;
  readonly wronglyClosed: number;
  readonly forced: number;
  readonly unknown: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Without the reads of configs and datafeeds, which only looks right before a close make. */
  readonly requestsPerSecondWithoutLooks: number;
  readonly closeRequests: number;
  /** The most closes on one node at once, over half of its processors; the worst cluster. */
  readonly peak: number;
  /** The same, without closes that had taken longer than the default `close.timeout`. */
  readonly peakWithinTimeout: number;
  readonly bytes: number;
}

/** What one calm sweep asks of a cluster. */
export interface TrafficResult {
  readonly fleet: string;
  readonly openJobs: number;
  /** Null for a plan, which closes nothing. */
  readonly closeRequests: number | null;
  readonly requests: number;
  /** Of the one answer with the stats of all jobs. */
  readonly statsBytes: number;
  readonly unfilteredStatsBytes: number;
}
