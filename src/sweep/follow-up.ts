/** @module Coming back: which jobs are handed to the next round, and what is said when nobody comes. */
import type { Budget } from './budget.ts';
import type { Clock } from './clock.ts';
import type { Entry } from './closing/ledger.ts';
import { SchedulerError } from './errors.ts';
import { isMoment, lastActivityOf } from './inventory.ts';
import type { FollowUpOrder, FollowUps } from './ports.ts';
import type { ReportedFollowUp } from './report.ts';
import type { SweepRequest } from './request.ts';
import { plural } from './text.ts';

export interface FollowUpCase {
  readonly sweepId: string;
  readonly request: SweepRequest;
  readonly followUps: FollowUps | undefined;
  readonly clock: Clock;
  readonly budget: Budget;
  /** When this sweep started: what it first saw closing then has waited since. */
  readonly startedAt: number;
}

export interface FollowUpResult {
  readonly followUp: ReportedFollowUp | null;
  /** The jobs that somebody comes back for, this follow-up or one that was pending already. */
  readonly comingBackFor: ReadonlySet<string>;
  readonly warnings: readonly string[];
}

/** Arranging may take this long, in milliseconds, and no longer than the deadline leaves. */
const mostForArranging = 8_000;
/** Kept back for writing the report, in milliseconds. */
const forReport = 1_000;

/** Arranges the next round for the jobs left closing, or says why nobody comes. Never throws: the outcome of the sweep matters more. */
export async function followUpOn(entries: readonly Entry[], given: FollowUpCase): Promise<FollowUpResult> {
  const waiting = entries.filter(leftClosing);
  /** Those that wait in another follow-up already. */
  let elsewhere: readonly string[] = [];
  const nobody = (why: string): FollowUpResult => ({
    followUp: null,
    comingBackFor: new Set(elsewhere),
    warnings: [
      `${plural(waiting.length - elsewhere.length, 'job')} left closing, and nobody will come back: ${why}`,
    ],
  });
  if (waiting.length === 0) return { followUp: null, comingBackFor: new Set(), warnings: [] };
  const { request, followUps, clock, budget } = given;
  const { followUp, followUpOf, trigger: _spent, ...rest } = request;
  // break: follow-up-off
  if (followUp === false) return nobody('followUp is false');
  const round = (followUpOf?.round ?? 0) + 1;
  if (round > followUp.max)
    return nobody(
      `given up after ${plural(followUp.max, 'follow-up')} (followUp.max); see why they hang, or close them by hand`,
    );
  if (!followUps)
    return nobody('no scheduler is set up for follow-ups (the command does them itself with --wait)');
  const time = Math.min(mostForArranging, budget.untilDeadline() - forReport);
  if (time <= 0) return nobody('no time was left to arrange it');
  using limit = clock.limit(time);
  try {
    const pending = await followUps.pending(request.cluster, limit.signal);
    // break: pending-follow-up
    const fresh = waiting.filter((entry) => !pending.has(entry.jobId));
    elsewhere = waiting.filter((entry) => pending.has(entry.jobId)).map((entry) => entry.jobId);
    if (fresh.length === 0) return { followUp: null, comingBackFor: new Set(elsewhere), warnings: [] };
    const chain = { sweepId: followUpOf?.sweepId ?? given.sweepId, round };
    const at = clock.now() + followUp.after;
    const arranged = await followUps.arrange(
      { chain, at, request: { ...rest, followUp }, jobs: fresh.map((entry) => told(entry, given.startedAt)) },
      limit.signal,
    );
    const left = fresh.length - arranged.jobIds.length;
    return {
      followUp: {
        name: arranged.name,
        at: new Date(arranged.at).toISOString(),
        round,
        jobs: arranged.jobIds.length,
      },
      comingBackFor: new Set([...elsewhere, ...arranged.jobIds]),
      warnings:
        left > 0
          ? [
              `${plural(left, 'job')} left closing did not fit into the follow-up and will be seen by the next regular sweep`,
            ]
          : [],
    };
  } catch (error) {
    // the scheduler's own error says more, such as the last answer before the time was up
    if (limit.signal.aborted && !(error instanceof SchedulerError))
      return nobody(`the scheduler did not answer within ${Math.ceil(time / 1_000)} s`);
    return nobody(error instanceof Error ? error.message : String(error));
  }
}

/** Still under way; also a stuck job that `force.max` left for later, which no one else would look at again. */
function leftClosing({ outcome, verdict }: Entry): boolean {
  // break: needs-follow-up
  if (outcome?.outcome === 'closing') return true;
  return outcome?.outcome === 'not_attempted' && verdict.reason === 'stuck';
}

function told(entry: Entry, startedAt: number): FollowUpOrder['jobs'][number] {
  const lastActivity = lastActivityOf(entry.job, entry.history.lastActivity);
  return {
    jobId: entry.jobId,
    askedAt: new Date(entry.askedAt ?? startedAt).toISOString(),
    attempts: entry.asks + entry.earlierAttempts,
    // A closing job loses its process, and with it the moment it was opened: a never-fed one would have no clock left.
    ...(isMoment(lastActivity) && { lastActivity: new Date(lastActivity).toISOString() }),
  };
}
