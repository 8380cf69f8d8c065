/** @module Options for a run of random cases, which test either sweeps or bad input. */
import type { Parameters as CheckOptions } from 'fast-check';

export interface RunOptions {
  readonly seed: number;
  readonly cases: number;
  /** Milliseconds after which no further case starts. */
  readonly timeMs?: number | undefined;
  /** The path that was printed for an earlier failure. If given, only that case runs. */
  readonly path?: string | undefined;
  /** Whether to shrink the first failing case; default true. */
  readonly shrink?: boolean;
}

export function checkOptions<T>({ seed, cases, timeMs, path, shrink = true }: RunOptions): CheckOptions<T> {
  return {
    seed,
    numRuns: cases,
    ...(path !== undefined && { path }),
    endOnFailure: path !== undefined || !shrink,
    ...(timeMs !== undefined && { interruptAfterTimeLimit: timeMs, markInterruptAsFailure: false }),
  };
}
