/** @module The type of `bench/results/billed.json`, the results of the billed-time bench. */

export interface BilledResults {
  readonly node: string;
  /** Clusters for each row. Each runs twice: with the biggest job stuck, which is closed first, and with the smallest. */
  readonly repeats: number;
  readonly sweeps: readonly BilledSweep[];
  readonly scripts: readonly BilledScript[];
}

/** Medians unless noted, in milliseconds. */
export interface BilledSweep {
  readonly request: string;
  /** Idle jobs, including the stuck one. */
  readonly jobs: number;
  readonly timeout: string;
  /** Without a stuck job. */
  readonly calmMs: number;
  readonly billedMs: number;
  readonly boundMs: number;
  /** Idle jobs that this first sweep closed. */
  readonly closed: number;
  /** The largest excess over the bound, including follow-ups; negative if there was none. */
  readonly mostOverMs: number;
  readonly followUps: number;
  readonly followUpsMs: number;
  /** From the first close request that named the stuck job until it was forced. */
  readonly forcedAfterMs: number;
}

export interface BilledScript {
  readonly name: string;
  readonly jobs: number;
  readonly billedMs: number;
  /** Idle jobs that were closed when the function was killed. */
  readonly closed: number;
  /** Jobs with a close request that was not answered by then. */
  readonly unknown: number;
}
