/** @module What the bench of billed time has measured, as `bench/results/billed.json` keeps it. */

export interface BilledResults {
  readonly node: string;
  /** Clusters for each row; in each the stuck job is once the biggest, which is asked first, and once the smallest. */
  readonly repeats: number;
  readonly sweeps: readonly BilledSweep[];
  readonly scripts: readonly BilledScript[];
}

/** Medians, where nothing else is said; milliseconds. */
export interface BilledSweep {
  readonly request: string;
  /** Idle jobs, the stuck one included. */
  readonly jobs: number;
  readonly timeout: string;
  /** Without a stuck job. */
  readonly calmMs: number;
  readonly billedMs: number;
  readonly boundMs: number;
  /** Idle jobs that this first sweep closed. */
  readonly closed: number;
  /** The most by which one was over its bound, follow-ups included; negative when none was. */
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
  /** Jobs asked for without an answer by then. */
  readonly unknown: number;
}
