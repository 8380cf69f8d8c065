/** @module Decides which jobs the next follow-up includes, and warns about jobs that no follow-up includes. */

import type { Clock } from '../../base/clock.ts';
import { SchedulerError } from '../../base/errors.ts';
import { plural } from '../../base/text.ts';
import type { Budget } from '../budget.ts';
import type { Entry } from '../closing/ledger.ts';
import { lastActivityOf } from '../planning/idle.ts';
import { isMoment } from '../planning/inventory.ts';
import type { FollowUpOrder, FollowUps } from '../ports.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import type { FollowUpResult } from './report.ts';

export interface FollowUpContext {
  readonly sweepId: string;
  readonly request: SweepRequest;
  readonly followUps: FollowUps | undefined;
  readonly clock: Clock;
  readonly budget: Budget;
  /** When this sweep started. Jobs that it found closing count as closing since then. */
  readonly startedAt: number;
  /** Whether the sweep carries out an approved plan. */
  readonly isPlanned?: boolean;
}

/** Limit for arranging the follow-up, in milliseconds; less if the deadline is near. */
const maxForArranging = 8_000;
/** Reserve for writing the report, in milliseconds. */
const forReport = 1_000;

export const nothingToFollow: FollowUpResult = {
  followUp: null,
  comingBackFor: new Set(),
  takesRest: false,
  warnings: [],
};

/**
 * Arranges a follow-up for jobs that are left closing, and for jobs that got no close request for lack of time. If it
 * includes jobs that got no close request, it starts as soon as possible. If no follow-up can be scheduled, warns why.
 * Never throws, because the sweep must still report its outcome.
 */
export async function followUpOn(entries: readonly Entry[], given: FollowUpContext): Promise<FollowUpResult> {
  const waiting = entries.filter(leftClosing);
  const unasked = entries.filter((entry) => entry.outcome?.because === 'time' && !leftClosing(entry));
  // break: unasked
  if (waiting.length + unasked.length === 0) return nothingToFollow;
  /** The jobs that another pending follow-up lists. That follow-up looks at them in any state. */
  let pending: ReadonlySet<string> = new Set();
  const isLeft = ({ jobId }: Entry) => !pending.has(jobId);
  const noRound = (why: string) => withoutRound({ waiting, unasked, pending }, why);
  const { request, followUps, clock, budget } = given;
  const { followUp, followUpOf, trigger: _spent, ...payload } = request;
  // break: follow-up-off
  if (followUp === false) return noRound('followUp is false');
  const round = (followUpOf?.round ?? 0) + 1;
  if (round > followUp.max)
    return noRound(`given up after ${plural(followUp.max, 'follow-up')} (followUp.max)`);
  if (!followUps)
    return noRound('no scheduler is set up for follow-ups (the command can do them itself with --wait)');
  // break: bound-to-plan
  const rest = unasked.length > 0 && (!given.isPlanned || followUps.holdsToPlan === true);
  const time = Math.min(maxForArranging, budget.untilDeadline() - forReport);
  if (time <= 0) return noRound('no time was left to schedule it');
  using limit = clock.limit(time);
  try {
    pending = await followUps.pending(request.cluster, limit.signal);
    // break: pending-follow-up
    const fresh = waiting.filter(isLeft);
    const restWarnings = rest
      ? []
      : notTaken(unasked.filter(isLeft).length, 'a follow-up cannot contain the approved plan');
    const elsewhere = [...waiting, ...unasked].flatMap(({ jobId }) => (pending.has(jobId) ? [jobId] : []));
    if (fresh.length === 0 && !rest)
      return withoutRound({ waiting, unasked, pending }, 'a follow-up cannot contain the approved plan');
    const chain = { sweepId: followUpOf?.sweepId ?? given.sweepId, round, ...(rest && { rest }) };
    const at = clock.now() + (rest ? 0 : followUp.after);
    const jobs = fresh.map((entry) => describe(entry, given.startedAt));
    const arranged = await followUps.arrange(
      { chain, at, request: { ...payload, followUp }, jobs },
      limit.signal,
    );
    const left = fresh.length - arranged.jobIds.length;
    return {
      followUp: {
        name: arranged.name,
        at: new Date(arranged.at).toISOString(),
        round,
        jobs: arranged.jobIds.length,
        ...(rest && { rest }),
      },
      comingBackFor: new Set([...elsewhere, ...arranged.jobIds]),
      takesRest: rest,
      warnings: [
        ...(left > 0
          ? [
              `${plural(left, 'job')} left closing did not fit into the follow-up; the next regular sweep checks them`,
            ]
          : []),
        ...restWarnings,
      ],
    };
  } catch (error) {
    // The scheduler's own error says more than a timeout, for example what its last answer was.
    if (limit.signal.aborted && !(error instanceof SchedulerError))
      return noRound(`the scheduler did not answer within ${Math.ceil(time / 1_000)} s`);
    return noRound(error instanceof Error ? error.message : String(error));
  }
}

interface LeftOver {
  readonly waiting: readonly Entry[];
  readonly unasked: readonly Entry[];
  /** The jobs that another pending follow-up lists. */
  readonly pending: ReadonlySet<string>;
}

/** The result if no follow-up is arranged: warnings about the jobs that no pending follow-up lists. */
function withoutRound({ waiting, unasked, pending }: LeftOver, why: string): FollowUpResult {
  const countOf = (entries: readonly Entry[]) => entries.filter(({ jobId }) => !pending.has(jobId)).length;
  const listed = [...waiting, ...unasked].filter(({ jobId }) => pending.has(jobId));
  return {
    ...nothingToFollow,
    comingBackFor: new Set(listed.map(({ jobId }) => jobId)),
    warnings: [...stillClosing(countOf(waiting), why), ...notTaken(countOf(unasked), why)],
  };
}

function stillClosing(count: number, why: string): string[] {
  if (count === 0) return [];
  const are = count === 1 ? 'is' : 'are';
  return [`${plural(count, 'job')} ${are} still closing and no follow-up is scheduled: ${why}`];
}

function notTaken(count: number, why: string): string[] {
  if (count === 0) return [];
  const them = count === 1 ? 'it' : 'them';
  return [
    `${plural(count, 'job')} did not fit into the time and no follow-up takes ${them}: ${why}. The next sweep looks at ${them} again`,
  ];
}

/**
 * Whether the job is still closing, or is a stuck job that `force.max` left for later. No other sweep would check it
 * soon.
 */
function leftClosing({ outcome, verdict }: Entry): boolean {
  // break: needs-follow-up
  if (outcome?.outcome === 'closing') return true;
  return outcome?.outcome === 'not_attempted' && verdict.reason === 'stuck';
}

function describe(entry: Entry, startedAt: number): FollowUpOrder['jobs'][number] {
  const lastActivity = lastActivityOf(entry.job, entry.history.lastActivity);
  return {
    jobId: entry.jobId,
    askedAt: new Date(entry.askedAt ?? startedAt).toISOString(),
    attempts: entry.asks + entry.earlierAttempts,
    // For a job that never had data, `openedAt` is the only sign of activity. A closing job loses its process and with
    // it `openedAt`, so this sweep passes the time on to the follow-up.
    ...(isMoment(lastActivity) && { lastActivity: new Date(lastActivity).toISOString() }),
  };
}
