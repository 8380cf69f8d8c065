/** @module The time that a sweep may spend on closing: what is left before its deadline, less what its ending needs. */
import type { Clock } from '../base/clock.ts';

/** For the last look at the jobs (10 s), the follow-up (8 s) and the report, when there is time for all of it. */
const fullReserve = 20_000;
/** Of a short deadline the ending takes this share: a command given ten seconds must still close something. */
const reserveShare = 0.25;
/** The last look may take three quarters of what the ending has: of so many times what a read took, twice that and more. */
const readsInReserve = 3;
/** How much longer than the server the client waits for the answer of a close (docs/contract.md §3). */
export const answerMargin = 10_000;
/** A close that gets less than this would only be watched, not answered; what is asked for less gets what it asked for. */
const leastTimeout = 2_000;

/** The time limits of one close request, in milliseconds. */
export interface CloseAllowance {
  /** What the server is given. */
  readonly timeoutMs: number;
  /** How long the client waits for the answer. */
  readonly answerMs: number;
}

export class Budget {
  #workEnd: number;
  /** When the sweep must have returned, epoch milliseconds. */
  #deadline: number;
  readonly #clock: Clock;

  /** `remainingMs`: what the function (its context) or the command (`--deadline`) has left now. */
  constructor(clock: Clock, remainingMs: number) {
    this.#clock = clock;
    this.#deadline = clock.now() + remainingMs;
    this.#workEnd = this.#deadline - Math.min(fullReserve, remainingMs * reserveShare);
  }

  /** When new work ends, epoch milliseconds. */
  get workEnd(): number {
    return this.#workEnd;
  }

  /** A read took `ms`. Of a short deadline its share may be too little for another one: the ending then takes more. */
  readTook(ms: number): void {
    this.#workEnd = Math.min(this.#workEnd, this.#deadline - Math.min(fullReserve, readsInReserve * ms));
  }

  /** The sweep must return within `ms` from now, or sooner if that was promised already. */
  endWithin(ms: number): void {
    this.#deadline = Math.min(this.#deadline, this.#clock.now() + ms);
  }

  /** Milliseconds left for work. */
  left(): number {
    // break: kept-back
    return Math.max(0, this.#workEnd - this.#clock.now());
  }

  /** Milliseconds left for the ending. */
  untilDeadline(): number {
    return Math.max(0, this.#deadline - this.#clock.now());
  }

  /**
   * What one close request may take, or undefined when it could no longer be accounted for. `phases` is 2 when running
   * datafeeds are stopped first: the server spends up to its timeout on them, and then begins to count (docs/elasticsearch.md §2.7).
   */
  allow(wantedMs: number, phases: 1 | 2): CloseAllowance | undefined {
    const left = this.left();
    const margin = Math.min(answerMargin, left * reserveShare);
    // break: close-phases
    const timeoutMs = Math.floor(Math.min(wantedMs, (left - margin) / phases));
    if (timeoutMs < Math.min(wantedMs, leastTimeout)) return undefined;
    return { timeoutMs, answerMs: Math.min(timeoutMs + answerMargin, left) };
  }
}
