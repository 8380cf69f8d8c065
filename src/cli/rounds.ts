/** @module `--wait`: the command comes back itself, and its rounds make one report. */
import type { Clock } from '../sweep/clock.ts';
import type { FollowUpOrder, FollowUps } from '../sweep/ports.ts';
import type { ReportCounts, ReportedJob, ReportedRound, SweepReport } from '../sweep/report.ts';
import type { SweepRequest } from '../sweep/request.ts';
import { type KeepReason, outcomes } from '../sweep/vocabulary.ts';

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

/**
 * The story so far with the next round told into it: each job counts once, with what became of it last, and keeps the
 * verdict that it was asked by. A round's report has all of its jobs, kept ones too.
 */
export function tellRound(story: SweepReport, round: SweepReport): SweepReport {
  const told = new Map(story.jobs.map((job) => [job.jobId, job]));
  const batches = story.jobs.reduce((most, { batch = 0 }) => Math.max(most, batch), 0);
  const counts: Record<string, number> = { ...story.counts };
  const kept: Partial<Record<KeepReason, number>> = { ...story.kept };
  for (const job of round.jobs) {
    const before = told.get(job.jobId);
    const after = before ? merge(before, job, round, batches) : job;
    if (before) count(counts, before, -1);
    count(counts, after, 1);
    if (after.outcome === 'kept')
      kept[after.reason as KeepReason] = (kept[after.reason as KeepReason] ?? 0) + 1;
    told.set(job.jobId, after);
  }
  const jobs = [...told.values()];
  return {
    ...story,
    status: isPartial(jobs, round.followUp !== null) ? 'partial' : 'done',
    durationMs: Date.parse(round.startedAt) + round.durationMs - Date.parse(story.startedAt),
    counts: counts as ReportCounts,
    kept,
    freedBytes: jobs.filter(isClosed).reduce((sum, { memoryBytes = 0 }) => sum + memoryBytes, 0),
    jobs,
    fuse: round.fuse,
    followUp: round.followUp,
    rounds: [...(story.rounds ?? []), roundOf(round)],
    warnings: [...new Set([...story.warnings, ...round.warnings])],
  };
}

function roundOf({ followUpOf, startedAt, counts }: SweepReport): ReportedRound {
  const { listed, closed, forceClosed, closing } = counts;
  return { round: followUpOf?.round ?? 1, startedAt, jobs: listed, closed, forceClosed, closing };
}

/** The story when no further round comes, because of what `why` says: what is closing goes on, and nobody looks. */
export function endStory(story: SweepReport, why: string): SweepReport {
  return {
    ...story,
    status: isPartial(story.jobs, false) ? 'partial' : story.status,
    followUp: null,
    warnings: [...story.warnings, why],
  };
}

const isClosed = ({ outcome }: ReportedJob) => outcome === 'closed' || outcome === 'force_closed';

function count(counts: Record<string, number>, job: ReportedJob, by: 1 | -1): void {
  const idle = job.verdict === 'close' || job.verdict === 'force';
  for (const name of [outcomes[job.outcome].count, ...(idle ? ['idle'] : [])])
    counts[name] = (counts[name] ?? 0) + by;
}

/** A round that finds a job closed or closing has no verdict of its own on it, and no longer its clocks and node. */
function merge(before: ReportedJob, job: ReportedJob, round: SweepReport, batches: number): ReportedJob {
  if (job.outcome === 'kept')
    return { ...job, ...pick(before, ['askedAt', 'memoryBytes', 'datafeedStopped']) };
  // Upgrade mode stopped the round: what was closing before goes on closing.
  if (job.notAttemptedBecause === 'fuse') return before;
  const { notAttemptedBecause: _because, error: _error, ...known } = before;
  const asked = job.verdict === 'wait' ? before : job;
  return {
    ...known,
    ...job,
    state: before.state,
    verdict: asked.verdict,
    reason: asked.reason,
    settledAt: job.settledAt ?? round.startedAt,
    ...(job.batch !== undefined && { batch: job.batch + batches }),
    ...pick(before, ['memoryBytes', 'idleMs', 'lastActivity']),
    ...(before.datafeedStopped && { datafeedStopped: true }),
  };
}

function pick<K extends keyof ReportedJob>(job: ReportedJob, keys: readonly K[]): Pick<ReportedJob, K> {
  return Object.fromEntries(keys.filter((key) => key in job).map((key) => [key, job[key]])) as Pick<
    ReportedJob,
    K
  >;
}

/** The cases of exit 3 (contract §5). */
function isPartial(jobs: readonly ReportedJob[], somebodyComesBack: boolean): boolean {
  return jobs.some(({ outcome, notAttemptedBecause: because }) => {
    if (outcome === 'closing') return !somebodyComesBack;
    if (outcome === 'not_attempted') return because === 'time' || because === 'limit' || because === 'signal';
    return outcome === 'error' || outcome === 'unknown';
  });
}
