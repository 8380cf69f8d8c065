/** @module The type of `bench/results/billed.json`, the results of the billed-time bench. */

export interface BilledResults {
  readonly node: string;
  /**
   * The number of clusters for each row. Each cluster runs twice. In one run the stuck job is the biggest job, which is
   * closed first. In the other run it is the smallest job.
   */
  readonly repeats: number;
  readonly sweeps: readonly BilledSweep[];
  readonly scripts: readonly BilledScript[];
}

/** Medians unless stated otherwise; times in milliseconds. */
export interface BilledSweep {
  readonly request: string;
  /** Idle jobs, including the stuck one. */
  readonly jobs: number;
  readonly timeout: string;
  /** The billed time without a stuck job. */
  readonly calmMs: number;
  readonly billedMs: number;
  readonly boundMs: number;
  /** Idle jobs that this first sweep closed. */
  readonly closed: number;
  /**
   * The maximum of the billed time minus its upper bound, over all invocations including follow-ups. Negative if every
   * invocation was billed for less than its bound.
   */
  readonly maxOverMs: number;
  readonly followUps: number;
  readonly followUpsMs: number;
  /** Time from the first close request for the stuck job until the sweep force-closed the job. */
  readonly forcedAfterMs: number;
}

export interface BilledScript {
  readonly name: string;
  readonly jobs: number;
  readonly billedMs: number;
  /** Idle jobs that were closed when the function was killed. */
  readonly closed: number;
  /** Jobs with a close request that was still unanswered when the function was killed. */
  readonly unknown: number;
}
