/** @module What the bench of closing has measured, as `bench/results/closing.json` keeps it: pages and chart are made from that. */
import type { Spread } from '../numbers.ts';
import type { Nodes } from './model.ts';

export interface ClosingResults {
  /** The Node that it ran on. */
  readonly node: string;
  /** Clusters drawn for each number of jobs. */
  readonly repeats: number;
  readonly nodes: Nodes;
  readonly networkMs: number;
  /** `close` of the requests that ask for more than the defaults. */
  readonly requests: { readonly eager: object; readonly swift: object };
  readonly sizes: readonly SizeResult[];
  readonly knowing: readonly KnowingResult[];
  readonly patience: readonly PatienceResult[];
  readonly elsewhere: readonly ElsewhereResult[];
  readonly traffic: readonly TrafficResult[];
}

/** One number of idle jobs; there are as many busy ones. */
export interface SizeResult {
  readonly jobs: number;
  /** The lower bound, median; milliseconds. */
  readonly boundMs: number;
  /** Times the lower bound, perfectly carried out by one who knows only the models' memory. */
  readonly biggestFirst: Spread;
  readonly ways: readonly WayResult[];
}

/** Medians, where nothing else is said. */
export interface WayResult {
  readonly name: string;
  readonly ours: boolean;
  /** Times the lower bound. */
  readonly time: Spread;
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
  readonly closeRequests: number;
  readonly bytes: number;
}

/** Idle jobs of each cluster in the two that follow. */
export const jobsElsewhere = 500;

/** The same jobs with another `close.perNode`, or none. */
export interface KnowingResult {
  readonly perNode: number | null;
  readonly time: number;
  readonly requests: number;
}

/** Idle jobs of the clusters that other timeouts are tried on. */
export const sizesOfPatience = [500, 2_000];

/** Another `close.timeout`; times over the lower bound, one for each of the sizes. */
export interface PatienceResult {
  readonly timeout: string;
  readonly times: readonly number[];
}

/** Other nodes; times over the lower bound. */
export interface ElsewhereResult {
  readonly nodes: Nodes;
  readonly biggestFirst: number;
  readonly places: number;
  readonly none: number;
}

/** The requests that a calm sweep aims to stay within. */
export const allowedRequests = (closeRequests: number): number => 5 + 5 * closeRequests;

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
