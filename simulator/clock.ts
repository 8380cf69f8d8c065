/**
 * @module The clocks of the embedded servers. `scaledClock` follows the machine's time, optionally faster.
 * `VirtualClock` stands still until every participant waits, then jumps to the next event.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Limit } from '../src/base/clock.ts';
import { systemClock, timeoutError } from '../src/base/system-clock.ts';

export interface SimulatorClock extends Clock {
  /**
   * Runs `event` at `when`, in epoch milliseconds. If `when` is past, `event` runs right after this call returns.
   * Returns a function that cancels the event. If `event` throws, that is a bug in the simulator, and the process
   * crashes.
   */
  at(when: number, event: () => void): () => void;
  /**
   * Marks the request from `clientPort` as waiting for simulated time until `answer` settles, so that a virtual clock
   * may move meanwhile. Returns `answer`. A clock that runs by itself only returns `answer`.
   */
  parked<T>(clientPort: number | undefined, answer: Promise<T>): Promise<T>;
}

/**
 * A clock that starts at `start` (epoch milliseconds, default: now) and runs `speed` times as fast as the machine's.
 */
export function scaledClock(speed = 1, start: number = Date.now()): SimulatorClock {
  const origin = Date.now();
  // A server's timestamps are whole milliseconds.
  const now = () => Math.floor(start + (Date.now() - origin) * speed);
  return {
    now,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    limit: (ms) => systemClock.limit(ms / speed),
    at: (when, event) => {
      let timer: NodeJS.Timeout;
      // Waits in steps of at most a day: the machine's timers overflow at 24.8 days and would then fire at once.
      const arm = () => {
        const left = (when - now()) / speed;
        timer = left > 86_400_000 ? setTimeout(arm, 86_400_000) : setTimeout(event, Math.max(0, left));
        timer.unref();
      };
      arm();
      return () => clearTimeout(timer);
    },
    parked: (_clientPort, answer) => answer,
  };
}

interface Entry {
  readonly when: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Stored in `#byPort` for a port whose exchange has ended. */
const released = Symbol('released');

/**
 * A clock for tests: time passes only when every participant waits. The clock moves by itself while a sleeper or a
 * parked request waits and no tracked HTTP exchange is in flight (see `trackHttp`). `advance` moves the clock by hand.
 */
export class VirtualClock implements SimulatorClock, Disposable {
  #now: number;
  #order = 0;
  readonly #queue: Entry[] = [];
  /** The number of sleepers and of parked requests from untracked clients. The clock moves while there are any. */
  #waiting = 0;
  /** Exchanges in flight, by key. */
  readonly #busy = new Set<unknown>();
  readonly #byPort = new Map<number, unknown>();
  readonly #portOf = new Map<unknown, number>();
  /** For each parked exchange, the number of its pending waits. */
  readonly #parkedTimes = new Map<unknown, number>();
  #running = false;
  #stopped = false;

  constructor(start: number = Date.parse('2026-11-23T12:00:00Z')) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = this.at(this.#now + Math.max(0, ms), resolve);
    const abort = () => {
      cancel();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await this.#whileWaiting(promise);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  limit(ms: number): Limit {
    const controller = new AbortController();
    const cancel = this.at(this.#now + Math.max(0, ms), () => controller.abort(timeoutError(ms)));
    return { signal: controller.signal, [Symbol.dispose]: cancel };
  }

  at(when: number, event: () => void): () => void {
    const entry: Entry = {
      when: Math.max(when, this.#now),
      order: this.#order++,
      run: event,
      cancelled: false,
    };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#queue[middle]?.when ?? 0) > entry.when) high = middle;
      else low = middle + 1;
    }
    this.#queue.splice(low, 0, entry);
    this.#wake();
    return () => {
      entry.cancelled = true;
    };
  }

  async parked<T>(clientPort: number | undefined, answer: Promise<T>): Promise<T> {
    const key = clientPort === undefined ? undefined : this.#byPort.get(clientPort);
    if (key === undefined) return this.#whileWaiting(answer);
    // the client has disconnected, so time need not wait for this answer
    if (!this.#busy.has(key)) return answer;
    this.#parkedTimes.set(key, (this.#parkedTimes.get(key) ?? 0) + 1);
    this.#wake();
    try {
      return await answer;
    } finally {
      const times = this.#parkedTimes.get(key) ?? 0;
      if (times > 1) this.#parkedTimes.set(key, times - 1);
      else this.#parkedTimes.delete(key);
    }
  }

  /** Stops the clock until the returned function is called. `key` is the exchange in flight, if any. */
  hold(key: unknown = Symbol('hold')): () => void {
    this.#busy.add(key);
    return () => {
      this.#busy.delete(key);
      this.#parkedTimes.delete(key);
      // Forget the exchange. Otherwise, each of the thousands of ports in a test would keep an exchange in memory.
      const port = this.#portOf.get(key);
      this.#portOf.delete(key);
      if (port !== undefined && this.#byPort.get(port) === key) this.#byPort.set(port, released);
      this.#wake();
    };
  }

  /** Records the client port of the exchange `key`, so that the server at the other end can park the exchange. */
  holdUsesPort(key: unknown, clientPort: number): void {
    const isHeld = this.#busy.has(key);
    this.#byPort.set(clientPort, isHeld ? key : released);
    if (isHeld) this.#portOf.set(key, clientPort);
  }

  /**
   * Moves the clock by `ms`, runs every event that falls due, and waits until the exchanges that those events start
   * have settled.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await this.#quiet();
      const next = this.#next();
      if (!next || next.when > target) break;
      this.#fire(next);
    }
    this.#now = Math.max(this.#now, target);
    await this.#quiet();
  }

  /** Stops the clock for good. Pending sleeps never end. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#queue.length = 0;
  }

  async #whileWaiting<T>(promise: Promise<T>): Promise<T> {
    this.#waiting += 1;
    this.#wake();
    try {
      return await promise;
    } finally {
      this.#waiting -= 1;
    }
  }

  #next(): Entry | undefined {
    while (this.#queue[0]?.cancelled) this.#queue.shift();
    return this.#queue[0];
  }

  #fire(entry: Entry): void {
    this.#queue.shift();
    this.#now = Math.max(this.#now, entry.when);
    entry.run();
  }

  /** Resolves after three turns of the event loop without activity. After that, only time can change anything. */
  async #quiet(): Promise<void> {
    let calm = 0;
    while (calm < 3 && !this.#stopped) {
      await turn();
      calm = this.#moving() ? 0 : calm + 1;
    }
  }

  #moving(): boolean {
    for (const key of this.#busy) if (!this.#parkedTimes.has(key)) return true;
    return false;
  }

  get #awaited(): boolean {
    return this.#waiting > 0 || this.#parkedTimes.size > 0;
  }

  #wake(): void {
    if (this.#running || this.#stopped || !this.#awaited) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#quiet();
      const next = this.#next();
      if (!this.#awaited || !next) break;
      this.#fire(next);
    }
    // must be cleared in the same turn of the event loop as the decision to stop, or a wake-up in between is lost
    this.#running = false;
  }
}
