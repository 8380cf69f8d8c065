/**
 * @module One sweep from top to bottom. `planSweep` reads the cluster and decides; the plan is data that can be shown,
 * saved and approved. `carryOut` closes the jobs of the plan, arranges the follow-up and reports.
 */

import type { Clock } from '../base/clock.ts';
import { AccessDeniedError, JobsweepError, StoppedError, UnreadableInventoryError } from '../base/errors.ts';
import { plural, quote } from '../base/text.ts';
import { Budget } from './budget.ts';
import { closeJobs } from './closing/close.ts';
import { type Closing, Entry, type Observer } from './closing/ledger.ts';
import { plannedJobs, planWarnings } from './planning/approved-plan.ts';
import { checkNames } from './planning/check-names.ts';
import { type DecideContext, type Decision, decide } from './planning/decide.ts';
import { comebackWindow, flappingWindow, isFlapping } from './planning/flapping.ts';
import { type BlownFuse, blownFuse } from './planning/fuse.ts';
import type { JobSnapshot } from './planning/inventory.ts';
import { type Found, readCluster } from './planning/read-cluster.ts';
import { compareClocks, silenceWarnings } from './planning/server-clock.ts';
import { isStuckOpening, isToAct, judgeBy } from './planning/verdict.ts';
import type { Cluster, FollowUps } from './ports.ts';
import { followUpOn, nothingToFollow } from './reporting/follow-up.ts';
import { conclude } from './reporting/last-reading.ts';
import { headOf, type Round, reportEveryJob, reportOf, type SweepReport } from './reporting/report.ts';
import type { SweepRequest } from './request/request-schema.ts';
import type { NotAttemptedReason } from './vocabulary.ts';

/** A valid request and its context. */
export interface SweepOrder extends DecideContext {
  readonly sweepId: string;
  /** Warnings from reading the request. They come first in the report. */
  readonly warnings?: readonly string[];
  /** If false, only `histories` shows which jobs were reopened. By default, the cluster's messages show it as well. */
  readonly comebacks?: boolean;
}

/** The collaborators and limits of a sweep. */
export interface SweepContext {
  readonly cluster: Cluster;
  /** Arranges follow-ups. If undefined, the report says that there is no scheduler. */
  readonly followUps?: FollowUps | undefined;
  readonly clock: Clock;
  /** The time that the sweep may take, in milliseconds. */
  readonly remainingMs: number;
  /** Aborts to end the sweep early; it still returns its report. */
  readonly stop?: AbortSignal;
  readonly observer?: Observer;
}

/** The part of the context that planning needs. Planning only reads. */
export type PlanContext = Pick<SweepContext, 'cluster' | 'clock' | 'remainingMs' | 'stop' | 'observer'>;

/** The decisions of a sweep, and everything that its report needs. Times are epoch milliseconds. */
export interface Plan {
  readonly order: SweepOrder;
  /** When the read of the cluster began. */
  readonly startedAt: number;
  readonly found: Found;
  /** All jobs of the cluster that are not `closed`. */
  readonly open: readonly JobSnapshot[];
  readonly decisions: readonly Decision[];
  /** The fuse that trips, if any. A plan with a tripped fuse is refused. */
  readonly fuse: BlownFuse | undefined;
  readonly warnings: readonly string[];
}

/** The result of carrying out a plan. */
export interface CarriedOut {
  readonly report: SweepReport;
  /** The plan that was carried out. If the given plan was too old, this is a newer plan. */
  readonly plan: Plan;
  /** The data of the report, for a report over several rounds. */
  readonly round: Round;
}

/** Time left after a signal to stop, in milliseconds: the sweep must end within ten seconds. */
const maxAfterStop = 8_000;

/** Maximum time, in milliseconds, that a job's activity may be ahead of this machine's clock without a warning. */
const skew = 5 * 60_000;

/** A plan up to this age (milliseconds) is carried out without a new read. */
const freshFor = 10_000;
/** If a plan is older than this (milliseconds), the whole cluster is read again. */
const staleAfter = 5 * 60_000;

/**
 * Plans a sweep and carries it out within one deadline.
 * @throws {JobsweepError} before anything was changed, if the cluster cannot be used, the inventory is incomplete, or a
 * required name matches nothing. After the first close request, the sweep always returns a report.
 */
export async function sweep(order: SweepOrder, context: SweepContext): Promise<SweepReport> {
  const { clock, remainingMs } = context;
  const begun = clock.now();
  const plan = await planSweep(order, context);
  const { report } = await carryOut(plan, { ...context, remainingMs: remainingMs - (clock.now() - begun) });
  return report;
}

/**
 * Reads the cluster, decides for every listed job and checks the fuses. Changes nothing.
 * @throws {JobsweepError} when the cluster cannot be used or read completely, a required name matches nothing, or the
 * credentials may not close what is to be closed.
 */
export async function planSweep(order: SweepOrder, context: PlanContext): Promise<Plan> {
  const { request } = order;
  const { clock, cluster } = context;
  const startedAt = clock.now();
  const found = await beforeClosing(context, (signal) => readCluster(cluster, clock, signal));
  // break: open-jobs
  const open = found.jobs.filter((job) => job.reportedState !== 'closed');
  const clocks = compareClocks(cluster.serverDate?.());
  const names = checkNames(request, found.jobs);
  const decisions = await decideWithComebacks(order, found, context);
  return {
    order,
    startedAt,
    found,
    open,
    decisions,
    fuse: checkFuses(request, found, open, decisions),
    warnings: [
      ...(order.warnings ?? []),
      ...clocks,
      ...names,
      ...(order.planned && !request.followUpOf ? planWarnings(order.planned, found.jobs) : []),
      ...skewWarnings(found),
      ...silenceWarnings(request, found.jobs, found.readAt),
      ...protectionWarnings(decisions),
      ...stuckOpeningWarnings(decisions, found.readAt),
      ...checkPrivilege(request, found.mayClose, decisions),
      ...cluster.warnings(),
    ],
  };
}

/** Marks the plan as approved by a person: carrying it out keeps jobs that are not in it or have changed since. */
export function agreedTo(plan: Plan): Plan {
  const planned = plannedJobs(plan.decisions);
  return {
    ...plan,
    order: { ...plan.order, planned },
    decisions: plan.decisions.map((decision) =>
      decision.history.awaited || decision.outcome
        ? decision
        : { ...decision, history: { ...decision.history, planned: planned.get(decision.jobId) ?? null } },
    ),
  };
}

/** The report of a plan that is not carried out. With `listsAll`, its `jobs` has every listed job. */
export function reportPlan(plan: Plan, { listsAll = false } = {}): SweepReport {
  const request = { ...plan.order.request, dryRun: true };
  const round = leftAlone({ ...plan, order: { ...plan.order, request } });
  return { ...reportOf([round]), ...(listsAll && { jobs: reportEveryJob(round) }) };
}

/**
 * Carries the plan out and reports the outcome of every job (docs/contract.md §2). A dry run and a refused plan change
 * nothing.
 *
 * `remainingMs` counts from this call, so the time that a person takes to approve costs the sweep nothing. The older
 * the plan, the more is read again before anything is closed:
 * - up to ten seconds: nothing, as in a sweep that acts immediately after it has planned;
 * - up to five minutes: upgrade mode, because reading a job does not show it;
 * - older: the whole cluster. Fuses are checked again, and only unchanged jobs of the old plan are closed.
 *
 * However old the plan is, each job is read once more right before its close request.
 * @throws {JobsweepError} before anything was changed, like `planSweep`.
 */
export async function carryOut(given: Plan, context: SweepContext): Promise<CarriedOut> {
  const { clock, cluster, observer = {} } = context;
  const calledAt = clock.now();
  // break: fresh-plan
  const isFresh = calledAt - given.found.readAt <= freshFor;
  const plan = isFresh || given.order.request.dryRun ? given : await upToDate(given, context);
  const { order, found, decisions, warnings } = plan;
  const { request, sweepId } = order;
  // break: stop-before-acting
  if (plan.fuse || request.dryRun) {
    const round = leftAlone(plan);
    return { plan, round, report: reportOf([round]) };
  }
  const budget = new Budget(clock, context.remainingMs - (clock.now() - calledAt));
  // break: read-takes
  budget.readTook(found.readAt - plan.startedAt);
  // break: end-after-stop
  const cut = () => budget.endWithin(maxAfterStop);
  // Reads may wait until the deadline, because the last reading takes place after the time for closing has ended.
  cluster.limitReads?.({
    until: clock.now() + budget.untilDeadline(),
    notice: (message) => observer.notice?.(message),
  });
  if (context.stop?.aborted) cut();
  else context.stop?.addEventListener('abort', cut);
  // The time that a person took to approve does not count as part of the sweep.
  const startedAt = isFresh ? plan.startedAt : calledAt;
  const entries = decisions.map((decision) => entryOf(decision, found.readAt));
  const idle = entries.filter((entry) => !entry.settled);
  observer.begun?.(idle, headOf({ ...roundOf(plan), startedAt }));
  using workLimit = clock.limit(budget.left());
  const ending = AbortSignal.any([workLimit.signal, ...(context.stop ? [context.stop] : [])]);
  const closing: Closing = { request, judge: judgeBy(request), cluster, clock, budget, ending, observer };
  const acted = await act(idle, closing, context.stop);
  const followUp = await followUpOn(entries, {
    sweepId,
    request,
    followUps: context.followUps,
    clock,
    budget,
    startedAt,
    isPlanned: order.planned !== undefined,
  });
  context.stop?.removeEventListener('abort', cut);
  const round: Round = {
    ...roundOf(plan),
    startedAt,
    endedAt: clock.now(),
    entries,
    followUp,
    warnings: [...warnings, ...acted, ...unclearWarnings(entries), ...cluster.warnings()],
  };
  return { plan, round, report: reportOf([round]) };
}

/** Brings an older plan up to date before it is carried out. */
async function upToDate(plan: Plan, context: SweepContext): Promise<Plan> {
  const { order, found } = plan;
  // break: stale-plan
  if (context.clock.now() - found.readAt > staleAfter)
    return planSweep({ ...order, planned: plannedJobs(plan.decisions) }, context);
  const upgradeMode = await beforeClosing(context, (signal) => context.cluster.upgradeMode(signal));
  const now = { ...found, upgradeMode };
  return { ...plan, found: now, fuse: checkFuses(order.request, now, plan.open, plan.decisions) };
}

/** Reads from the cluster within the time left. If the read is cut off, the error says why. */
async function beforeClosing<T>(
  { cluster, clock, remainingMs, stop, observer }: PlanContext,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const left = new Budget(clock, remainingMs).left();
  cluster.limitReads?.({ until: clock.now() + left, notice: (message) => observer?.notice?.(message) });
  using limit = clock.limit(left);
  const signal = AbortSignal.any([limit.signal, ...(stop ? [stop] : [])]);
  return await read(signal).catch((error: unknown) => {
    if (stop?.aborted) throw new StoppedError('interrupted before the cluster was read; nothing was closed');
    // The cluster's own error is more specific.
    if (!limit.signal.aborted || error instanceof JobsweepError) throw error;
    throw new UnreadableInventoryError(
      'the cluster was not read within the time left; nothing was closed. Give the sweep more time',
    );
  });
}

/**
 * Takes recent opens and closes into account, if they can be read. Reads them only if a job to close was opened
 * recently.
 */
async function decideWithComebacks(
  order: SweepOrder,
  found: Found,
  { cluster, stop }: PlanContext,
): Promise<Decision[]> {
  const decisions = decide(order, found);
  const { request, comebacks = true } = order;
  if (!comebacks || (request.followUpOf && !request.followUpOf.rest)) return decisions;
  const isRecent = ({ job: { openedAt }, verdict }: Decision) =>
    verdict.verdict === 'close' && openedAt !== undefined && openedAt > found.readAt - comebackWindow;
  if (!decisions.some(isRecent)) return decisions;
  const signal = stop ?? new AbortController().signal;
  const moments = await cluster.stateMoments?.(found.readAt - flappingWindow, signal).catch(() => undefined);
  if (!moments) return decisions;
  const histories = new Map(order.histories);
  for (const [jobId, own] of moments)
    if (isFlapping(own, request.idleFor, found.readAt))
      histories.set(jobId, { ...histories.get(jobId), flapping: true });
  return decide({ ...order, histories }, found);
}

function checkFuses(
  request: SweepRequest,
  found: Found,
  open: readonly JobSnapshot[],
  decisions: readonly Decision[],
): BlownFuse | undefined {
  const toAct = decisions.filter(({ verdict }) => isToAct(verdict));
  return blownFuse({
    request,
    upgradeMode: found.upgradeMode,
    idle: toAct.length,
    open: open.length,
    silentSince: toAct.flatMap(({ job }) => job.lastDataTime ?? []),
    everFed: open.filter((job) => job.lastDataTime !== undefined).length,
  });
}

/** @throws {AccessDeniedError} if there are jobs to close and the credentials may not close them. */
function checkPrivilege(
  { dryRun }: SweepRequest,
  mayClose: boolean | undefined,
  decisions: readonly Decision[],
): string[] {
  if (mayClose !== false) return [];
  const lacking = 'the credentials lack the cluster privilege manage_ml: they can plan but not sweep';
  // break: lacking-privilege
  if (dryRun) return [lacking];
  if (!decisions.some(({ verdict }) => isToAct(verdict))) return [lacking];
  throw new AccessDeniedError(403, `${lacking}; nothing was closed. Use a key with manage_ml, or a dry run`);
}

function entryOf({ job, verdict, history, earlierAttempts, outcome }: Decision, readAt: number): Entry {
  const entry = new Entry(job, verdict, history, earlierAttempts);
  // If a job is found closing, its close is assumed to start now, unless an earlier close request is known.
  if (job.state === 'closing') entry.askedAt ??= readAt;
  if (outcome) entry.settle(outcome, readAt);
  return entry;
}

/** The fields that a round takes from its plan. */
const roundOf = ({ order, found, open, fuse }: Plan) => ({
  sweepId: order.sweepId,
  request: order.request,
  identity: found.identity,
  readAt: found.readAt,
  open: open.length,
  fuse,
});

/**
 * The data of a report on a plan that closes nothing: jobs to close are `not_attempted`, and jobs that were already
 * closing are `closing`.
 */
function leftAlone(plan: Plan): Round {
  const { order, found, decisions, fuse, warnings } = plan;
  const { dryRun } = order.request;
  const because: NotAttemptedReason = fuse ? 'fuse' : 'dry_run';
  const entries = decisions.map((decision) => entryOf(decision, found.readAt));
  for (const entry of entries) {
    entry.settle(
      entry.verdict.verdict === 'wait' ? { outcome: 'closing' } : { outcome: 'not_attempted', because },
      found.readAt,
    );
  }
  return {
    ...roundOf(plan),
    startedAt: plan.startedAt,
    endedAt: found.readAt,
    entries,
    followUp: nothingToFollow,
    warnings: [
      ...warnings,
      ...(fuse ? [] : overForceMax(order.request, entries)),
      ...(dryRun ? [] : leftByFuse(entries)),
      ...unclearWarnings(entries),
    ],
  };
}

/** Warns about jobs that a dry run would close with force, although `force.max` leaves them for a later sweep. */
function overForceMax({ force: { max } }: SweepRequest, entries: readonly Entry[]): string[] {
  const forced = entries.filter(({ verdict }) => verdict.verdict === 'force').length;
  return forced > max
    ? [
        `${plural(forced, 'job')} would be closed with force, but force.max allows ${max} per sweep: the next sweep takes the rest`,
      ]
    : [];
}

/** Warns about jobs left closing, because a refused sweep arranges no follow-up. */
function leftByFuse(entries: readonly Entry[]): string[] {
  const left = entries.filter((entry) => entry.endedAs('closing')).length;
  return left > 0
    ? [`${plural(left, 'job')} left closing without a follow-up, because a fuse stopped the sweep`]
    : [];
}

/**
 * Closes the jobs, and gives every entry an outcome even after a bug: the report must account for every job that got a
 * close request.
 */
async function act(
  entries: readonly Entry[],
  closing: Closing,
  stop: AbortSignal | undefined,
): Promise<string[]> {
  const warnings: string[] = [];
  try {
    await closeJobs(entries, closing);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    warnings.push(`a bug ended the closing early, please report it: ${text}`);
    for (const entry of entries) {
      if (entry.asks === 0 && entry.verdict.verdict !== 'wait') {
        entry.settle(
          { outcome: 'error', error: { status: 0, type: 'internal_error', reason: text } },
          closing.clock.now(),
        );
      }
    }
  }
  warnings.push(...(await conclude(entries, stop?.aborted ? 'signal' : 'time', closing)));
  return warnings;
}

/** Warns if a job's last data is in the future. If the cluster's clock is ahead of ours, idle jobs look busy. */
function skewWarnings({ jobs, readAt }: Found): string[] {
  // Not Math.max(...): a hundred thousand arguments overflow the stack.
  const ahead = jobs.reduce((max, job) => Math.max(max, (job.lastDataTime ?? readAt) - readAt), 0);
  if (ahead <= skew) return [];
  return [
    `a job's last data is ${Math.round(ahead / 60_000)} minutes in the future: the clocks of the cluster and of this machine differ`,
  ];
}

/** Warns about jobs that are kept because an answer about them was missing or unusable, grouped by the problem. */
function unclearWarnings(entries: readonly Entry[]): string[] {
  // A job that is being deleted may be missing from one answer. Its config says so, so it needs no warning.
  const unclear = entries.filter(
    ({ verdict, job }) => verdict.reason === 'unknown_state' && job.blocked === undefined,
  );
  return [...Map.groupBy(unclear, ({ job }) => job.unclear ?? 'its state is unknown')].map(([why, jobs]) => {
    return `${namesOf(jobs)}: kept as unknown_state, because ${why}`;
  });
}

/** Maximum number of jobs that one warning names. */
const maxIdsNamed = 10;

function namesOf(jobs: readonly { readonly jobId: string }[]): string {
  const ids = jobs.slice(0, maxIdsNamed).map(({ jobId }) => jobId);
  return `${ids.join(', ')}${jobs.length > ids.length ? ` and ${jobs.length - ids.length} more` : ''}`;
}

/** Warns about jobs stuck in `opening`: they keep other jobs of their node from opening. */
function stuckOpeningWarnings(entries: readonly Decision[], now: number): string[] {
  return entries
    .filter(({ job }) => isStuckOpening(job, now))
    .map(({ jobId, job: { openedAt = now, nodeName, nodeId }, verdict }) => {
      const hours = Math.floor((now - openedAt) / 3_600_000);
      const cure =
        verdict.reason === 'stuck_opening'
          ? 'stuckOpening says close'
          : `close it: POST _ml/anomaly_detectors/${jobId}/_close, or "stuckOpening": "close" once it is idle`;
      return `${jobId} has been opening for ${plural(hours, 'hour')} on ${nodeName ?? nodeId}, although its process runs: the write of its state was lost, and it occupies one of its node's openings (elastic/elasticsearch#126148); ${cure}`;
    });
}

function protectionWarnings(entries: readonly Decision[]): string[] {
  const warnings = entries.flatMap(({ jobId, job: { protection } }) => {
    if (protection.kind === 'unreadable')
      return `custom_settings.jobsweep of ${jobId} cannot be read, so the job is protected: expected {"protect": true} or {"protectUntil": "<ISO date or date-time with zone>"}`;
    if (protection.kind === 'misspelled')
      return `custom_settings of ${jobId} has the key ${quote(protection.key)}, so the job is protected: the key is spelled "jobsweep", for example {"jobsweep": {"protect": true}}`;
    return [];
  });
  return [...warnings, ...unreadKeyWarnings(entries)];
}

/** Warns about opt-outs that have no effect, because their key resembles `jobsweep` too little; grouped by the key. */
function unreadKeyWarnings(entries: readonly Decision[]): string[] {
  const byKey = Map.groupBy(entries, ({ job: { protection } }) =>
    protection.kind === 'none' ? protection.unreadKey : undefined,
  );
  return [...byKey].flatMap(([key, jobs]) =>
    // break: unread-key
    key === undefined
      ? []
      : `the key ${quote(key)} in custom_settings of ${namesOf(jobs)} is not read and protects nothing: to keep a job out of sweeps, write {"jobsweep": {"protect": true}}`,
  );
}
