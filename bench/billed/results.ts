/** @module The type of `bench/results/billed.json`, the results of the billed-time bench. */

export interface BilledResults {
  readonly node: string;
  /**
   * The number of random clusters for each row. The bench runs on each cluster twice: once with the biggest job stuck,
   * which is closed first, and once with the smallest job stuck.
   */
  readonly repeats: number;
  readonly sweeps: readonly BilledSweep[];
  readonly scripts: readonly BilledScript[];
}

/** Medians unless stated otherwise; times in milliseconds. */
export interface BilledSweep {
  readonly request: string;
  /** Number of idle jobs, including the stuck one. */
  readonly jobs: number;
  readonly timeout: string;
  /** The billed time without a stuck job. */
  readonly calmMs: number;
  readonly billedMs: number;
  readonly boundMs: number;
  /** Number of idle jobs that the first sweep closed, without its follow-ups. */
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
  /** Number of idle jobs that were closed when the function was killed. */
  readonly closed: number;
  /** Number of jobs whose close request was still unanswered when the function was killed. */
  readonly unknown: number;
}
