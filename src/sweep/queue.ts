/** @module The requests that wait to be sent: in order, and not before their time. */
import type { Clock } from './clock.ts';
import type { Batch } from './plan.ts';

export class RequestQueue {
  readonly #clock: Clock;
  readonly #ending: AbortSignal;
  readonly #wake: () => void;
  readonly #batches: Batch[] = [];
  #napping = false;

  /** `wake` is called when a batch becomes due that `next` had to hold back. */
  constructor(clock: Clock, ending: AbortSignal, wake: () => void) {
    this.#clock = clock;
    this.#ending = ending;
    this.#wake = wake;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  push(...batches: readonly Batch[]): void {
    this.#batches.push(...batches);
  }

  /** The first batch whose time has come; when all wait, `wake` is called as the first of them becomes due. */
  next(): Batch | undefined {
    const now = this.#clock.now();
    const due = this.#batches.findIndex(({ notBefore = 0 }) => notBefore <= now);
    if (due >= 0) return this.#batches.splice(due, 1)[0];
    if (!this.isEmpty && !this.#napping) this.#nap(now);
    return undefined;
  }

  #nap(now: number): void {
    this.#napping = true;
    const earliest = Math.min(...this.#batches.map(({ notBefore = 0 }) => notBefore));
    void this.#clock.sleep(earliest - now, this.#ending).then(
      () => {
        this.#napping = false;
        this.#wake();
      },
      () => undefined, // the sweep is ending: nothing is asked any more
    );
  }
}
