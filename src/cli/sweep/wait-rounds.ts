/** @module `--wait`: the command comes back itself instead of leaving the later rounds to a schedule. */
import type { Clock } from '../../base/clock.ts';
import type { FollowUpOrder, FollowUps } from '../../sweep/ports.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';

/** Follow-ups that this very process carries out: it keeps the order and hands it out when it is due. */
export class OwnFollowUps implements FollowUps {
  /** The command plans each round itself, so it knows the plan that was agreed to. */
  readonly holdsToPlan = true;
  #order: FollowUpOrder | undefined;

  async pending(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async arrange(order: FollowUpOrder) {
    this.#order = order;
    return { name: `round-${order.chain.round}`, at: order.at, jobIds: order.jobs.map(({ jobId }) => jobId) };
  }

  /** The request of the next round, once it is due; undefined if there is none. Rejects when `signal` aborts. */
  async next(clock: Clock, signal: AbortSignal): Promise<SweepRequest | undefined> {
    const order = this.#order;
    this.#order = undefined;
    if (!order) return undefined;
    await clock.sleep(Math.max(0, order.at - clock.now()), signal);
    return { ...order.request, followUpOf: { ...order.chain, jobs: order.jobs } };
  }
}
