/** @module `--wait`: the command runs the later rounds itself instead of scheduling them. */
import type { Clock } from '../../base/clock.ts';
import type { FollowUpOrder, FollowUps } from '../../sweep/ports.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';

/** Keeps the follow-up in this process, and returns its request when it is due. */
export class OwnFollowUps implements FollowUps {
  /** The command plans each round itself, and so still has the plan that the user confirmed. */
  readonly holdsToPlan = true;
  #order: FollowUpOrder | undefined;

  async pending(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async arrange(order: FollowUpOrder) {
    this.#order = order;
    return { name: `round-${order.chain.round}`, at: order.at, jobIds: order.jobs.map(({ jobId }) => jobId) };
  }

  /** The request of the next round, as soon as it is due; undefined if there is none. Rejects when `signal` aborts. */
  async next(clock: Clock, signal: AbortSignal): Promise<SweepRequest | undefined> {
    const order = this.#order;
    this.#order = undefined;
    if (!order) return undefined;
    await clock.sleep(Math.max(0, order.at - clock.now()), signal);
    return { ...order.request, followUpOf: { ...order.chain, jobs: order.jobs } };
  }
}
