/** @module How random cases are run, whether they are worlds or bad input. */
import type { Parameters as CheckOptions } from 'fast-check';

export interface RunOptions {
  readonly seed: number;
  readonly cases: number;
  /** Milliseconds after which no further case is begun. */
  readonly timeMs?: number | undefined;
  /** Of a failure that was told before: that case alone. */
  readonly path?: string | undefined;
  /** Whether the first failing case is made small; default true. */
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
