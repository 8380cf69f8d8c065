/**
 * @module Lambda's queue for asynchronous invocations. It accepts an event at once; the Scheduler never gets the
 * function's result.
 */
import { randomUUID } from 'node:crypto';
import type { SimulatorClock } from '../clock.ts';

/** One run of the function. */
export interface Invocation {
  /** The event, as the handler gets it. */
  readonly payload: unknown;
  /** The request id, which is the same for all runs of one event. */
  readonly requestId: string;
  /** The target's ARN, with its qualifier if it has one. */
  readonly functionArn: string;
  /** 1 for the first run, 2 and 3 for Lambda's own retries. */
  readonly run: number;
}

export interface LambdaOptions {
  /** How often Lambda retries an event after a function error: 0 to 2; default 2. */
  readonly retries?: number;
  /** How many events may run at the same time (reserved concurrency); default: no limit. */
  readonly concurrency?: number;
  /** How long an event may wait to run or to be retried; default 6 hours. */
  readonly maxEventAgeMs?: number;
}

/** An event that Lambda gave up on, as an on-failure destination receives it. */
export interface FailedEvent {
  readonly invocation: Invocation;
  readonly condition: 'RetriesExhausted' | 'EventAgeExceeded';
  readonly error: unknown;
}

/** An event in the queue. */
interface Queued {
  readonly invocation: Invocation;
  readonly acceptedAt: number;
  readonly throttles: number;
}

// Lambda's delays before its first and second retry
const retryWaits = [60_000, 120_000];

export class LambdaQueue {
  readonly #clock: SimulatorClock;
  readonly #invoke: (invocation: Invocation) => unknown;
  readonly #retries: number;
  readonly #concurrency: number;
  readonly #maxEventAgeMs: number;
  #running = 0;
  readonly failures: FailedEvent[] = [];

  constructor(
    clock: SimulatorClock,
    invoke: (invocation: Invocation) => unknown,
    options: LambdaOptions = {},
  ) {
    this.#clock = clock;
    this.#invoke = invoke;
    this.#retries = options.retries ?? 2;
    this.#concurrency = options.concurrency ?? Number.POSITIVE_INFINITY;
    this.#maxEventAgeMs = options.maxEventAgeMs ?? 21_600_000;
  }

  /** How many events are running now. */
  get running(): number {
    return this.#running;
  }

  /** Accepts an event, as Lambda does with status 202. */
  accept(functionArn: string, payload: unknown): void {
    const invocation = { payload, functionArn, requestId: randomUUID(), run: 1 };
    void this.#attempt({ invocation, acceptedAt: this.#clock.now(), throttles: 0 });
  }

  async #attempt(event: Queued): Promise<void> {
    if (this.#running >= this.#concurrency) {
      // a throttled event waits a second at first and five minutes at most, and uses up no retry
      const wait = Math.min(300_000, 1_000 * 2 ** event.throttles);
      this.#later(wait, { ...event, throttles: event.throttles + 1 }, new Error('Rate exceeded'));
      return;
    }
    this.#running += 1;
    try {
      await this.#invoke(event.invocation);
    } catch (error) {
      const wait = event.invocation.run <= this.#retries ? retryWaits[event.invocation.run - 1] : undefined;
      if (wait === undefined)
        this.failures.push({ invocation: event.invocation, condition: 'RetriesExhausted', error });
      else {
        const again = { ...event.invocation, run: event.invocation.run + 1 };
        this.#later(wait, { ...event, invocation: again }, error);
      }
    } finally {
      this.#running -= 1;
    }
  }

  #later(ms: number, event: Queued, error: unknown): void {
    const when = this.#clock.now() + ms;
    if (when - event.acceptedAt > this.#maxEventAgeMs)
      this.failures.push({ invocation: event.invocation, condition: 'EventAgeExceeded', error });
    else this.#clock.at(when, () => void this.#attempt(event));
  }
}
