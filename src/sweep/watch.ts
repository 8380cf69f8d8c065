/** @module Jobs that are closing, read together at a pace, each until it is settled or its time to be watched is over. */
import type { Clock } from './clock.ts';
import type { Entry } from './closing/ledger.ts';
import type { States } from './states.ts';

/** Between two reads, milliseconds: quick at first, as most closes are, then at the cluster's ease. */
const firstPace = 1_000;
const slowestPace = 5_000;

export interface WatchWorld {
  readonly clock: Clock;
  readonly ending: AbortSignal;
  /** How long one job is watched, milliseconds. */
  readonly timeoutMs: number;
  /** Undefined when the cluster could not be read. */
  readonly read: (entries: readonly Entry[]) => Promise<States | undefined>;
  /** What was read of one job; `over` when its time has passed. Drops it from the watch when that settles it. */
  readonly seen: (entry: Entry, states: States | undefined, over: boolean) => void;
  /** All jobs of one read were seen. */
  readonly roundDone: () => void;
  /** A bug. */
  readonly failed: (error: unknown) => void;
}

export class Watch {
  readonly #world: WatchWorld;
  /** Each job with the moment until which it is watched. */
  readonly #until = new Map<Entry, number>();
  #running = false;

  constructor(world: WatchWorld) {
    this.#world = world;
  }

  get isEmpty(): boolean {
    return this.#until.size === 0;
  }

  /** Watches a job from now on; one that is watched already keeps its end. */
  add(entry: Entry): void {
    const { clock, timeoutMs, roundDone, failed } = this.#world;
    if (!this.#until.has(entry)) this.#until.set(entry, clock.now() + timeoutMs);
    if (this.#running) return;
    this.#running = true;
    void this.#run().then(roundDone, failed);
  }

  drop(entry: Entry): void {
    this.#until.delete(entry);
  }

  async #run(): Promise<void> {
    const { clock, ending, read, seen, roundDone } = this.#world;
    for (let pace = firstPace; !this.isEmpty; pace = Math.min(pace * 1.5, slowestPace)) {
      // Not past the first end of a watch: what is waited beyond it is billed, and nothing comes of it.
      const end = Math.min(...this.#until.values()) - clock.now();
      // break: poll-pace
      await clock.sleep(Math.min(pace, Math.max(end, 0)), ending).catch(() => undefined);
      if (ending.aborted) break;
      // Only those that the read asked for: one that began to be watched meanwhile would look deleted by it.
      const asked = [...this.#until.entries()];
      const states = await read(asked.map(([entry]) => entry));
      if (ending.aborted) break;
      for (const [entry, until] of asked)
        if (this.#until.has(entry)) seen(entry, states, clock.now() >= until);
      roundDone();
    }
    this.#running = false;
  }
}
