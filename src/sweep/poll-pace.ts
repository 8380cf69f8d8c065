/**
 * @module The pace at which a sweep polls the jobs that it closes: the intervals between reads, the pauses after failed
 * reads, and the rate limit of all requests.
 */

/** Poll interval, milliseconds: short at first, because most closes are quick, then longer. */
const firstInterval = 1_000;
const longestInterval = 4_000;
/** Reading more jobs than this takes a dozen requests, so they are polled less often. */
const manyJobs = 1_000;
const longestIntervalOfMany = 9_000;
/**
 * Minimum time between two reads, in milliseconds: after a close request was answered, and while a job waits for a free
 * place on its node.
 */
const gapAfterAnswer = 100;
const gapForPlace = 500;
/**
 * Pause after a read that failed, in milliseconds; doubled after each further failure, up to the maximum. A read that
 * fails takes up to 26 requests, because it searches for the job at fault.
 */
const firstPause = 1_000;
const longestPause = 16_000;
/**
 * Rate limit in milliseconds per request: four requests a second on average. It counts reads, looks (the checks right
 * before a close) and closes. Starting the next close takes a read, a look and a close request, which is about a second
 * at this rate. Unused requests are saved for a later burst, up to `maxBurst`; a sweep starts with `firstBurst`.
 */
const msPerRequest = 250;
const firstBurst = 12;
const maxBurst = 400;

/** Why a read should not wait for the end of the poll interval. */
export type Hurry = 'answered' | 'place_wanted';

/** When the next poll is due. All times are epoch milliseconds. */
export class PollPace {
  #interval = firstInterval;
  /** When the interval ends. */
  #dueAt = Number.POSITIVE_INFINITY;
  #lastReadAt = Number.NEGATIVE_INFINITY;
  #failedReads = 0;
  /** After a failed read, no poll begins before this time. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** Until this time, the requests sent so far use up the rate limit. */
  #paidUntil: number;

  constructor(now: number) {
    this.#paidUntil = now - firstBurst * msPerRequest;
  }

  /** Restarts polling at the shortest interval. */
  restart(now: number): void {
    this.#interval = firstInterval;
    this.#dueAt = now + firstInterval;
  }

  /** Makes the next interval the shortest one. */
  shorten(): void {
    this.#interval = firstInterval;
  }

  /** Charges requests to the rate limit. */
  pay(requests: number, now: number): void {
    const earliest = now - maxBurst * msPerRequest;
    this.#paidUntil = Math.max(this.#paidUntil, earliest) + requests * msPerRequest;
  }

  /** Notes that a poll of jobs begins. */
  began(now: number): void {
    this.#lastReadAt = now;
  }

  /** Lengthens the interval after a poll of `jobs` jobs, and pauses if the poll failed, even for only one of them. */
  ended({
    jobs,
    hasFailed,
    now,
  }: {
    readonly jobs: number;
    readonly hasFailed: boolean;
    readonly now: number;
  }): void {
    this.#interval = Math.min(
      this.#interval * 1.5,
      jobs > manyJobs ? longestIntervalOfMany : longestInterval,
    );
    this.#failedReads = hasFailed ? this.#failedReads + 1 : 0;
    if (hasFailed)
      this.#pausedUntil = now + Math.min(firstPause * 2 ** (this.#failedReads - 1), longestPause);
  }

  /** Schedules the next poll for the end of the interval. */
  schedule(now: number): void {
    // break: poll-pace
    this.#dueAt = now + this.#interval;
  }

  /** When the next poll is due. A reason to hurry brings it forward, as far as the rate limit allows. */
  nextAt(hurry: Hurry | undefined): number {
    const soon = hurry ? this.#soonestAt(hurry) : Number.POSITIVE_INFINITY;
    return Math.max(this.#pausedUntil, Math.min(this.#dueAt, soon));
  }

  #soonestAt(hurry: Hurry): number {
    return Math.max(
      this.#paidUntil,
      this.#lastReadAt + (hurry === 'answered' ? gapAfterAnswer : gapForPlace),
    );
  }
}
