/**
 * @module The clock of a sweep. Every wait and every time limit uses it, so that tests can simulate an hour in an
 * instant and nothing in `sweep/` reads the machine's own time.
 */

/** A time limit. `signal` aborts with a `TimeoutError` when the time is over. Dispose the limit after the work. */
export interface Limit extends Disposable {
  readonly signal: AbortSignal;
}

export interface Clock {
  /** The current time, in milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A signal that aborts after `ms`. */
  limit(ms: number): Limit;
}
