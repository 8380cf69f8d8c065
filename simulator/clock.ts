/**
 * @module The clocks of the embedded servers. `scaledClock` runs with the machine's time, faster if asked;
 * `VirtualClock` stands still until everyone waits, then jumps to the next thing due.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Limit } from '../src/base/clock.ts';
import { systemClock, timeoutError } from '../src/base/system-clock.ts';

export interface SimulatorClock extends Clock {
  /**
   * Runs `event` at `when` (epoch milliseconds; at once, but not in this call, when that is past). Returns what
   * cancels it. An event that throws is a bug of the simulator and crashes the process.
   */
  at(when: number, event: () => void): () => void;
  /**
   * A server tells that the request on the connection from `clientPort` waits for something that only time can
   * bring, until `answer` settles. A clock that runs by itself takes no notice.
   */
  parked<T>(clientPort: number | undefined, answer: Promise<T>): Promise<T>;
}

/** A clock that starts at `start` (epoch milliseconds, now by default) and runs `speed` times as fast as the machine's. */
export function scaledClock(speed = 1, start: number = Date.now()): SimulatorClock {
  const origin = Date.now();
  // whole milliseconds, as every timestamp of a server is
  const now = () => Math.floor(start + (Date.now() - origin) * speed);
  return {
    now,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    limit: (ms) => systemClock.limit(ms / speed),
    at: (when, event) => {
      let timer: NodeJS.Timeout;
      // In steps of a day at most: the machine's timers overflow at 24.8 days and would fire at once.
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

/**
 * A clock for tests: time passes only when every participant waits. It moves by itself while someone sleeps on it
 * or has a request parked, and no tracked HTTP exchange is on its way (`trackHttp`); `advance` moves it by hand.
 */
export class VirtualClock implements SimulatorClock, Disposable {
  #now: number;
  #order = 0;
  readonly #queue: Entry[] = [];
  /** Sleepers, and parked requests of clients that are not tracked: their waiting makes time pass. */
  #waiting = 0;
  /** Exchanges on their way, by key. */
  readonly #busy = new Set<unknown>();
  readonly #byPort = new Map<number, unknown>();
  /** How often each of them is parked. One that nobody waits for any more, being aborted, is not in here. */
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
    // its client has gone already: what the server still does for it makes nobody wait
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

  /** Something is on its way that the clock must wait for, until the returned function is called. */
  hold(key: unknown = Symbol('hold')): () => void {
    this.#busy.add(key);
    return () => {
      this.#busy.delete(key);
      this.#parkedTimes.delete(key);
      this.#wake();
    };
  }

  /** Tells which connection a held exchange uses, so that the server at its other end can park it. */
  holdUsesPort(key: unknown, clientPort: number): void {
    this.#byPort.set(clientPort, key);
  }

  /** Moves by `ms`, running what falls due, and lets every exchange that this sets off come to rest. */
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

  /** Stops moving for good. Whoever still sleeps, sleeps on. */
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

  /** Resolves when nothing but time can make anything happen: three turns of the event loop without a move. */
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
    // in the same turn as the decision to stop, or a wake-up in between would be lost
    this.#running = false;
  }
}
