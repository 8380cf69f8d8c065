/**
 * @module Decides what to do with one job, and why. The rules are in the order of docs/contract.md §2: the first that
 * applies gives the reason. `explain` shows the same list with the values that each rule saw.
 */

import type { SweepRequest } from '../request/request-schema.ts';
import type { KeepReason } from '../vocabulary.ts';
import { isAsPlanned, type PlannedJob } from './approved-plan.ts';
import { isStuckClosing } from './force-stuck.ts';
import { isRecent, lastActivityOf } from './idle.ts';
import { type JobSnapshot, runs } from './inventory.ts';
import { matcher, type Named } from './job-patterns.ts';
import { protects } from './protection.ts';

export type Verdict =
  | { readonly verdict: 'keep'; readonly reason: KeepReason }
  | { readonly verdict: 'close'; readonly reason: 'idle' | 'never_fed' | 'stuck_opening' }
  | { readonly verdict: 'force'; readonly reason: 'failed' | 'stuck' }
  | { readonly verdict: 'wait'; readonly reason: 'already_closing' };

/** Whether a sweep asks a job with this verdict to close. */
export const isToAct = ({ verdict }: Verdict): boolean => verdict === 'close' || verdict === 'force';

/** Facts about a job from before this sweep. */
export interface History {
  /** When the job was first asked to close, or first seen closing; epoch milliseconds. */
  readonly askedAt?: number | undefined;
  /** The job's last activity as an earlier sweep saw it. A job that is closing no longer reports its activity. */
  readonly lastActivity?: number | undefined;
  /** Whether the job was opened again after at least `maxComebacks` closes. */
  readonly flapping?: boolean | undefined;
  /** Whether a follow-up lists the job. If so, the job is judged in any state. */
  readonly awaited?: boolean | undefined;
  /** The job as the approved plan saw it; null if that plan would not act on it. */
  readonly planned?: PlannedJob | null | undefined;
}

/** Judges jobs by the rules of one request. `now` is a parameter, because a sweep judges again right before it acts. */
export interface Judge {
  judge(job: JobSnapshot, now: number, history?: History): Verdict;
  /** Every rule in order, and whether it applies, for `explain`. */
  rules(
    job: JobSnapshot,
    now: number,
    history?: History,
  ): readonly { readonly reason: KeepReason; readonly holds: boolean }[];
  mayForce(job: Named): boolean;
}

interface Case {
  readonly job: JobSnapshot;
  readonly now: number;
  readonly history: History;
}

type Rule = (given: Case) => boolean;

/**
 * No healthy opening takes this long. Restoring a large model takes minutes, and a snapshot revert is retried for 15
 * minutes.
 */
export const stuckOpeningAfter = 90 * 60_000;

/**
 * Whether a job's process runs while its state stays `opening`: the write of `opened` was lost, and no retry follows
 * (elastic/elasticsearch#126148). Each node can open only a few jobs at once, and this job occupies one of those slots
 * until it is closed.
 */
export const isStuckOpening = ({ state, nodeId, openedAt }: JobSnapshot, now: number): boolean =>
  state === 'opening' &&
  nodeId !== undefined &&
  openedAt !== undefined &&
  now - openedAt >= stuckOpeningAfter;

function keepRules(request: SweepRequest): ReadonlyMap<KeepReason, Rule> {
  const excluded = matcher(request.exclude);
  const neverForced = matcher(request.force.exclude);
  const rules: Record<KeepReason, Rule> = {
    // break: exclude
    excluded: ({ job }) => excluded(job),
    recent_data: ({ job, now }) => isRecent(job.lastDataTime, now, request.idleFor),
    // break: opened-at
    recently_opened: ({ job, now }) => isRecent(job.openedAt, now, request.idleFor),
    // break: protection
    protected: ({ job, now }) => protects(job.protection, now),
    // break: managed
    managed: ({ job }) => job.managed && request.managed === 'keep',
    unknown_state: ({ job }) => job.state === undefined,
    // break: blocked
    blocked: ({ job }) => job.blocked !== undefined,
    opening: ({ job, now }) =>
      // break: stuck-opening
      job.state === 'opening' && !(request.stuckOpening === 'close' && isStuckOpening(job, now)),
    no_process: ({ job }) => job.state === 'opened' && job.openedAt === undefined,
    lookback_running: ({ job: { datafeed } }) =>
      runs(datafeed) &&
      (datafeed.lookback === 'running' ||
        // A datafeed is not stopped if it is unknown whether its look-back still runs.
        (datafeed.lookback === 'unknown' && request.runningDatafeeds === 'stop')),
    forecast_running: ({ job }) => job.runningForecasts > 0 && job.state !== 'failed',
    datafeed_running: ({ job }) => runs(job.datafeed) && request.runningDatafeeds === 'keep',
    never_fed: ({ job }) => job.lastDataTime === undefined && request.neverFed === 'keep',
    no_clock: ({ job, history }) => lastActivityOf(job, history.lastActivity) === undefined,
    state_not_chosen: ({ job, history }) =>
      // A follow-up judges its jobs in any state, because an earlier sweep already asked them to close. An unknown
      // state has its own rule.
      history.awaited !== true &&
      job.state !== undefined &&
      // The request's `stuckOpening` decides about jobs that are `opening`.
      job.state !== 'opening' &&
      !request.states.some((state) => state === job.state),
    // break: force-failed
    force_not_allowed: ({ job }) => job.state === 'failed' && (!request.force.failed || neverForced(job)),
    flapping: ({ job, history }) => history.flapping === true && job.state !== 'closing',
    not_as_planned: ({ job, history: { planned } }) =>
      planned !== undefined && (planned === null || !isAsPlanned(job, planned)),
  };
  return new Map(Object.entries(rules) as [KeepReason, Rule][]);
}

/** The judge of one request. Callers must not pass closed jobs. */
export function judgeBy(request: SweepRequest): Judge {
  const rules = keepRules(request);
  const neverForced = matcher(request.force.exclude);
  const mayForce = (job: Named) => !neverForced(job);
  const { stuckFor } = request.force;
  return {
    mayForce,
    rules: (job, now, history = {}) =>
      [...rules].map(([reason, rule]) => ({ reason, holds: rule({ job, now, history }) })),
    judge: (job, now, history = {}) => {
      for (const [reason, rule] of rules) if (rule({ job, now, history })) return { verdict: 'keep', reason };
      if (job.state === 'failed') return { verdict: 'force', reason: 'failed' };
      // break: closing-already
      if (job.state === 'closing') {
        // break: stuck-excluded
        const isStuck = isStuckClosing(now - (history.askedAt ?? now), stuckFor) && mayForce(job);
        return isStuck
          ? { verdict: 'force', reason: 'stuck' }
          : { verdict: 'wait', reason: 'already_closing' };
      }
      if (job.state === 'opening') return { verdict: 'close', reason: 'stuck_opening' };
      return { verdict: 'close', reason: job.lastDataTime === undefined ? 'never_fed' : 'idle' };
    },
  };
}
