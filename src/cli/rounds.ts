/** @module `--wait`: the command comes back itself, and its rounds make one report. */
import type { Clock } from '../sweep/clock.ts';
import type { FollowUpOrder, FollowUps } from '../sweep/ports.ts';
import type { ReportCounts, ReportedJob, SweepReport } from '../sweep/report.ts';
import type { SweepRequest } from '../sweep/request.ts';
import { outcomes } from '../sweep/vocabulary.ts';

/** Follow-ups that this very process will do: it keeps the order and hands it out when its time has come. */
export class OwnFollowUps implements FollowUps {
  #order: FollowUpOrder | undefined;

  async pending(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async arrange(order: FollowUpOrder) {
    this.#order = order;
    return { name: `round-${order.chain.round}`, at: order.at, jobIds: order.jobs.map(({ jobId }) => jobId) };
  }

  /** The request of the next round, once its time has come; undefined when there is none. Rejects when `signal` aborts. */
  async next(clock: Clock, signal: AbortSignal): Promise<SweepRequest | undefined> {
    const order = this.#order;
    this.#order = undefined;
    if (!order) return undefined;
    await clock.sleep(Math.max(0, order.at - clock.now()), signal);
    return { ...order.request, followUpOf: { ...order.chain, jobs: order.jobs } };
  }
}

/** The story so far with the next round told into it: each job counts once, with what became of it last. */
export function tellRound(story: SweepReport, round: SweepReport): SweepReport {
  const counts: Record<string, number> = { ...story.counts };
  const add = (job: ReportedJob, by: 1 | -1) => {
    for (const name of [
      outcomes[job.outcome].count,
      ...(job.verdict === 'close' || job.verdict === 'force' ? ['idle'] : []),
    ]) {
      counts[name] = (counts[name] ?? 0) + by;
    }
  };
  const kept: Partial<Record<string, number>> = { ...story.kept };
  const before = new Map(story.jobs.map((job) => [job.jobId, job]));
  for (const job of round.jobs) {
    const old = before.get(job.jobId);
    if (old) add(old, -1);
    add(job, 1);
    before.set(job.jobId, job);
  }
  for (const [reason, count] of Object.entries(round.kept)) kept[reason] = (kept[reason] ?? 0) + count;
  return {
    ...story,
    status: round.status,
    durationMs: Date.parse(round.startedAt) + round.durationMs - Date.parse(story.startedAt),
    counts: counts as ReportCounts,
    kept,
    freedBytes: story.freedBytes + round.freedBytes,
    jobs: [...before.values()],
    followUp: round.followUp,
    warnings: [...new Set([...story.warnings, ...round.warnings])],
  };
}
