/**
 * @module Work that shares a node's capacity. Each participant gets an equal share, and at most full speed. One timer
 * serves all participants.
 */
import type { SimulatorClock } from '../../clock.ts';

interface Work {
  /** This work is done when `#progress` reaches this value. */
  readonly until: number;
  readonly done: () => void;
}

export class SharedCapacity {
  readonly #clock: SimulatorClock;
  readonly #capacity: number;
  readonly #work = new Set<Work>();
  /** Milliseconds of work that each participant has received since the start. */
  #progress = 0;
  #updatedAt: number;
  #cancel: (() => void) | undefined;

  /** `capacity` is how many participants can run at full speed; with `Infinity`, all of them can. */
  constructor(clock: SimulatorClock, capacity: number) {
    this.#clock = clock;
    this.#capacity = capacity;
    this.#updatedAt = clock.now();
  }

  /** Calls `done` after `ms` of full-speed work. Returns a function that cancels the work. */
  start(ms: number, done: () => void): () => void {
    this.#advance();
    const work = { until: this.#progress + ms, done };
    this.#work.add(work);
    this.#schedule();
    return () => {
      this.#advance();
      this.#work.delete(work);
      this.#schedule();
    };
  }

  /** Drops all work, for example when the node leaves. */
  clear(): void {
    this.#work.clear();
    this.#cancel?.();
  }

  get #speed(): number {
    return Math.min(1, this.#capacity / Math.max(1, this.#work.size));
  }

  #advance(): void {
    const now = this.#clock.now();
    this.#progress += (now - this.#updatedAt) * this.#speed;
    this.#updatedAt = now;
  }

  #schedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const work of this.#work) next = Math.min(next, work.until);
    if (next === Number.POSITIVE_INFINITY) return;
    const left = Math.max(0, next - this.#progress) / this.#speed;
    this.#cancel = this.#clock.at(this.#clock.now() + Math.ceil(left), () => this.#finish());
  }

  #finish(): void {
    this.#advance();
    // timers have whole milliseconds, so round up; the tolerance absorbs rounding errors
    const finished = [...this.#work].filter((work) => work.until <= this.#progress + 1e-6);
    for (const work of finished) this.#work.delete(work);
    this.#schedule();
    for (const work of finished) work.done();
  }
}
