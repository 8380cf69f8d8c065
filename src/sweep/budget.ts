/**
 * @module The time that a sweep may spend on closing: the time before its deadline, minus a reserve for its final
 * steps.
 */
import type { Clock } from '../base/clock.ts';

/** Reserve for the last reading (10 s), the follow-up (8 s) and the report, if the deadline allows it. Milliseconds. */
const fullReserve = 20_000;
/**
 * If the deadline is near, the reserve is only this share of the time left, so that even a command with ten seconds
 * can close something.
 */
const reserveShare = 0.25;
/**
 * After a slow read of the cluster, the reserve is this many times the duration of that read, but at most
 * `fullReserve`. The last reading gets three quarters of the reserve.
 */
const readsInReserve = 3;
/** How much longer than the server's timeout the client waits for an answer, in milliseconds (docs/contract.md §3). */
export const answerMargin = 10_000;
/**
 * A close with a shorter timeout (milliseconds) would probably end without an answer. It is sent only if the sweep's
 * request itself sets a shorter timeout.
 */
const minTimeout = 2_000;

/** The time limits of one close request, in milliseconds. */
export interface CloseAllowance {
  /** The server's timeout. */
  readonly timeoutMs: number;
  /** How long the client waits for the answer. */
  readonly answerMs: number;
}

export class Budget {
  #workEnd: number;
  /** The time by which the sweep must return, epoch milliseconds. */
  #deadline: number;
  readonly #clock: Clock;

  /** `remainingMs`: the time that the function's context or `--deadline` leaves. */
  constructor(clock: Clock, remainingMs: number) {
    this.#clock = clock;
    this.#deadline = clock.now() + remainingMs;
    this.#workEnd = this.#deadline - Math.min(fullReserve, remainingMs * reserveShare);
  }

  /** When the time for closing ends and the reserve begins, epoch milliseconds. */
  get workEnd(): number {
    return this.#workEnd;
  }

  /** Enlarges the reserve after a read that took `ms`, so that there is time for another read at the end. */
  readTook(ms: number): void {
    this.#workEnd = Math.min(this.#workEnd, this.#deadline - Math.min(fullReserve, readsInReserve * ms));
  }

  /** Moves the deadline to `ms` from now, unless it is earlier already. */
  endWithin(ms: number): void {
    this.#deadline = Math.min(this.#deadline, this.#clock.now() + ms);
  }

  /** Milliseconds left for work. */
  left(): number {
    // break: kept-back
    return Math.max(0, this.#workEnd - this.#clock.now());
  }

  /** Milliseconds left until the deadline, the reserve included. */
  untilDeadline(): number {
    return Math.max(0, this.#deadline - this.#clock.now());
  }

  /**
   * The timeouts of one close request; undefined if too little time is left to learn its result. `phases` is 2 if
   * running datafeeds must be stopped first: the server may spend up to its timeout on stopping them, and only then
   * starts the timeout of the close (docs/elasticsearch.md §2.7).
   */
  allow(wantedMs: number, phases: 1 | 2): CloseAllowance | undefined {
    const left = this.left();
    const margin = Math.min(answerMargin, left * reserveShare);
    // break: close-phases
    const timeoutMs = Math.floor(Math.min(wantedMs, (left - margin) / phases));
    if (timeoutMs < Math.min(wantedMs, minTimeout)) return undefined;
    return { timeoutMs, answerMs: Math.min(timeoutMs + answerMargin, left) };
  }
}
