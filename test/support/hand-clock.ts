import type { Clock, Limit } from '../../src/base/clock.ts';
import { timeoutError } from '../../src/base/system-clock.ts';

/**
 * A clock for tests with real connections. Its sleeps end at once, and its limits end only when the test calls
 * `expire`, so that the speed of the machine does not affect the test.
 */
export class HandClock implements Clock {
  /** The sleeps so far, in milliseconds. */
  readonly sleeps: number[] = [];
  readonly #running = new Map<AbortController, number>();
  #slept = 0;

  now(): number {
    return Date.now() + this.#slept;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.#slept += ms;
  }

  limit(ms: number): Limit {
    const controller = new AbortController();
    this.#running.set(controller, ms);
    return { signal: controller.signal, [Symbol.dispose]: () => this.#running.delete(controller) };
  }

  /** The running limits, in milliseconds. */
  get limits(): number[] {
    return [...this.#running.values()];
  }

  /** Ends every limit that is running. */
  expire(): void {
    for (const [controller, ms] of this.#running) controller.abort(timeoutError(ms));
  }
}
