/** @module A fake follow-up service that can work or fail in each way that `FollowUpMode` lists. */
import type { VirtualClock } from '../simulator/index.ts';
import type { FollowUpOrder, FollowUps } from '../src/sweep/ports.ts';
import type { FollowUpMode } from './case.ts';
import type { ObservedSweep } from './observe.ts';

export class FakeFollowUps {
  readonly #mode: FollowUpMode;
  readonly #clock: VirtualClock;
  readonly #always: string;
  readonly #waiting: FollowUpOrder[] = [];
  #calls = 0;

  /** In the mode `has_pending`, the job `always` already has a follow-up. */
  constructor(mode: FollowUpMode, clock: VirtualClock, always: string) {
    this.#mode = mode;
    this.#clock = clock;
    this.#always = always;
  }

  seenBy(seen: ObservedSweep): FollowUps {
    return {
      pending: async () => {
        if (this.#mode === 'fails') throw new Error('the scheduler cannot be reached');
        const jobs = this.#waiting.flatMap((order) => order.jobs.map(({ jobId }) => jobId));
        const pending = new Set([...jobs, ...(this.#mode === 'has_pending' ? [this.#always] : [])]);
        seen.pending = pending;
        seen.pendingCall = ++this.#calls;
        return pending;
      },
      arrange: async (order, signal) => {
        // the service does not answer for an hour of simulated time, so the sweep must stop waiting
        if (this.#mode === 'hangs') await this.#clock.sleep(3_600_000, signal);
        const jobs = this.#mode === 'takes_one' ? order.jobs.slice(0, 1) : order.jobs;
        const jobIds = jobs.map(({ jobId }) => jobId);
        // like the real service, does not run a follow-up until at least two minutes later
        const at = Math.max(order.at, this.#clock.now() + 120_000);
        const taken = { ...order, at, jobs };
        this.#waiting.push(taken);
        seen.arranged.push({ order: taken, jobIds, call: ++this.#calls });
        return { name: `${order.chain.sweepId}-${order.chain.round}`, at, jobIds };
      },
    };
  }

  /** Removes and returns the follow-up that is due next. */
  takeNext(): FollowUpOrder | undefined {
    this.#waiting.sort((a, b) => a.at - b.at);
    return this.#waiting.shift();
  }
}
