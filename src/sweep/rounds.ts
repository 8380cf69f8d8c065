/**
 * @module Places given out round by round. A round is one read for three ends: of the jobs that hold places, to see
 * which are closed; of those that are next, as part of the look before their request; and of those whose request was
 * answered since, to know what became of them. Five requests a batch are not exceeded so, nor a node's places.
 */
import type { Clock } from './clock.ts';
import type { Entry } from './closing/ledger.ts';
import type { Places } from './closing/places.ts';
import type { Batch } from './plan.ts';
import type { JobStats } from './ports.ts';
import type { States } from './states.ts';

/** From one round to the next: at once again while places get free, at the cluster's ease when none do. Milliseconds. */
const firstPace = 1_000;
const slowestPace = 5_000;
/** Places of a node that get free from one round to the next, mostly; when it is more, the look reads for itself. */
const likelyFree = 3;

export interface RoundsWorld {
  readonly clock: Clock;
  readonly ending: AbortSignal;
  /** Whether one more request may be in flight. */
  readonly mayStart: () => boolean;
  /** Sends a batch; `areTold`: the stats of all its jobs were read just now. */
  readonly start: (batch: Batch, areTold: boolean) => void;
  /** Undefined when the cluster could not be read. */
  readonly read: (entries: readonly Entry[]) => Promise<States | undefined>;
  /** Nothing more is to be asked. */
  readonly isOver: () => boolean;
}

interface Answered {
  readonly entries: readonly Entry[];
  readonly read: (states: States | undefined) => void;
}

export class Rounds {
  readonly #places: Places;
  readonly #world: RoundsWorld;
  #answered: Answered[] = [];

  constructor(places: Places, world: RoundsWorld) {
    this.#places = places;
    this.#world = world;
  }

  /** Gives out places until nobody waits for one, or all is over. */
  async run(): Promise<void> {
    const { clock, ending, isOver, read } = this.#world;
    if (!this.#places.someWait) return;
    let states = await read(this.#places.candidates());
    for (let pace = firstPace; ; ) {
      pace = this.#giveOut(states) ? firstPace : Math.min(pace * 2, slowestPace);
      if (!this.#places.someWait || isOver()) break;
      await clock.sleep(pace, ending).catch(() => undefined);
      if (isOver()) break;
      const answered = this.#answered.splice(0);
      const seen = await read([
        ...this.#places.running,
        ...this.#places.candidates(likelyFree),
        ...answered.flatMap(({ entries }) => entries),
      ]);
      if (seen) this.#places.leaveWhere((entry) => !closesStill(seen.get(entry.jobId)));
      for (const asked of answered) asked.read(seen);
      states = seen;
    }
    const left = this.#answered.splice(0);
    if (left.length === 0) return;
    const last = await read(left.flatMap(({ entries }) => entries));
    for (const asked of left) asked.read(last);
  }

  /** The stats of jobs whose request was answered, as of the next round; at once when there is none. */
  readAnswered(entries: readonly Entry[]): Promise<States | undefined> {
    if (!this.#places.someWait || this.#world.isOver()) return this.#world.read(entries);
    const { promise, resolve } = Promise.withResolvers<States | undefined>();
    this.#answered.push({ entries, read: resolve });
    return promise;
  }

  #giveOut(states: States | undefined): boolean {
    let given = false;
    while (this.#world.mayStart()) {
      const batch = this.#places.take();
      if (!batch) break;
      given = true;
      const areTold = batch.entries.every(({ jobId }) => states?.has(jobId));
      this.#world.start(batch, areTold);
    }
    return given;
  }
}

/** Whether a job that was asked still needs its place: it is closing, or the request has not come to it yet. */
function closesStill(stats: JobStats | undefined): boolean {
  return stats !== undefined && stats.state !== 'closed' && stats.state !== 'failed';
}
