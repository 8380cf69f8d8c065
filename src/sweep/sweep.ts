/**
 * @module The story of one sweep, told once, top to bottom: read, decide, check the fuses, close, come back, report.
 */
import { Budget } from './budget.ts';
import type { Clock } from './clock.ts';
import { closeJobs } from './closing/close.ts';
import { type Closing, Entry, type Observer } from './closing/ledger.ts';
import { conclude } from './conclude.ts';
import {
  AccessDeniedError,
  JobsweepError,
  NoSuchJobError,
  StoppedError,
  UnreadableInventoryError,
} from './errors.ts';
import { type FollowUpResult, followUpOn } from './follow-up.ts';
import { type BlownFuse, blownFuse } from './fuse.ts';
import { type JobSnapshot, joinInventory } from './inventory.ts';
import { matcher, unmatched } from './names.ts';
import type { PlannedJob } from './planned.ts';
import type { Cluster, ClusterIdentity, FollowUps } from './ports.ts';
import {
  countEntries,
  countKept,
  freedBytes,
  leftUndone,
  type ReportHead,
  reportJobs,
  reportPlaces,
  type SweepReport,
} from './report.ts';
import type { SweepRequest } from './request.ts';
import { compareClocks, silenceWarnings } from './server-clock.ts';
import { plural, printable, quote } from './text.ts';
import { together } from './together.ts';
import { type History, isStuckOpening, type Judge, judgeBy } from './verdict.ts';
import type { NotAttemptedReason, Status } from './vocabulary.ts';

/** A valid request and what its reader was told. */
export interface SweepOrder {
  readonly sweepId: string;
  readonly request: SweepRequest;
  /** Warnings from reading the request, the first of the report's. */
  readonly warnings?: readonly string[];
  /** What earlier reports tell of a job, by id (`--history`). */
  readonly histories?: ReadonlyMap<string, History>;
  /** The plan to carry out, by job id: any other job, and any that has changed since, is kept. */
  readonly planned?: ReadonlyMap<string, PlannedJob> | undefined;
}

/** Where the sweep happens. */
export interface SweepWorld {
  readonly cluster: Cluster;
  /** Who comes back for jobs left closing; without it nobody does, and the report says so. */
  readonly followUps?: FollowUps | undefined;
  readonly clock: Clock;
  /** What the function or the command has left, in milliseconds. */
  readonly remainingMs: number;
  /** Aborts when the sweep is to end early, with its report. */
  readonly stop?: AbortSignal;
  readonly observer?: Observer;
}

/** What is left after being told to stop, in milliseconds: a sweep has promised to end within ten seconds. */
const mostAfterStop = 8_000;

/** Activity this far ahead of our clock is no longer rounding between two machines. */
const skew = 5 * 60_000;

/**
 * Carries out one sweep and returns its report (contract §2), whatever happened to the jobs.
 * @throws {JobsweepError} before anything was changed: the cluster cannot be used, the inventory is not whole, or a
 * required name matches nothing. Once a close was sent there is always a report.
 */
export async function sweep(order: SweepOrder, world: SweepWorld): Promise<SweepReport> {
  const { request } = order;
  const { clock, cluster } = world;
  const startedAt = clock.now();
  const budget = new Budget(clock, world.remainingMs);
  const stop = world.stop ? [world.stop] : [];
  using readLimit = clock.limit(budget.left());
  const observer = world.observer ?? {};
  // break: end-after-stop
  const cut = () => budget.endWithin(mostAfterStop);
  if (world.stop?.aborted) cut();
  else world.stop?.addEventListener('abort', cut);
  const judge = judgeBy(request);

  const reading = AbortSignal.any([readLimit.signal, ...stop]);
  const notice = (message: string) => observer.notice?.(message);
  cluster.limitReads?.({ until: startedAt + budget.left(), notice });
  const found = await readCluster(cluster, clock, reading).catch((error: unknown) => {
    throw endedEarly(world.stop, readLimit.signal, error) ?? error;
  });
  // break: read-takes
  budget.readTook(found.readAt - startedAt);
  // the last look, in which no new work begins, is a read as well
  cluster.limitReads?.({ until: found.readAt + budget.untilDeadline(), notice });
  const warnings = [
    ...(order.warnings ?? []),
    ...compareClocks(cluster.serverDate?.()),
    ...checkNames(request, found.jobs),
    ...skewWarnings(found),
    ...silenceWarnings(request, found.jobs, found.readAt),
  ];
  // break: open-jobs
  const open = found.jobs.filter((job) => job.reportedState !== 'closed');
  const entries = decide(order, judge, found);
  warnings.push(...protectionWarnings(entries), ...stuckOpeningWarnings(entries, found.readAt));
  warnings.push(...checkPrivilege(request, found.mayClose, entries));
  const fuse = checkFuses(request, found, open, entries);
  const head: ReportHead = {
    sweepId: order.sweepId,
    cluster: { name: request.cluster, id: found.identity.id, version: found.identity.version },
    startedAt: new Date(startedAt).toISOString(),
    ...(request.followUpOf && {
      followUpOf: { sweepId: request.followUpOf.sweepId, round: request.followUpOf.round },
    }),
  };
  observer.decided?.(entries, head);

  let followUp: FollowUpResult = { comingBackFor: new Set(), followUp: null, warnings: [] };
  const idle = entries.filter((entry) => !entry.settled);
  // break: stop-before-acting
  if (fuse || request.dryRun) {
    leaveAlone(idle, fuse ? 'fuse' : 'dry_run', clock.now());
    if (!fuse) warnings.push(...overForceMax(request, entries));
    if (!request.dryRun) warnings.push(...leftByFuse(entries));
  } else {
    using workLimit = clock.limit(budget.left());
    const ending = AbortSignal.any([workLimit.signal, ...stop]);
    const closing: Closing = { request, judge, cluster, clock, budget, ending, observer };
    warnings.push(...(await act(idle, closing, world.stop)));
    followUp = await followUpOn(entries, {
      sweepId: order.sweepId,
      request,
      followUps: world.followUps,
      clock,
      budget,
      startedAt,
    });
  }
  warnings.push(...followUp.warnings, ...unclearWarnings(entries));

  const places = reportPlaces(entries);
  const undone = !request.dryRun && leftUndone(entries, followUp.comingBackFor);
  // break: status
  const status: Status = fuse ? 'refused' : undone ? 'partial' : 'done';
  return {
    sweepId: head.sweepId,
    cluster: head.cluster,
    dryRun: request.dryRun,
    status,
    startedAt: head.startedAt,
    durationMs: clock.now() - startedAt,
    counts: countEntries(entries, open.length),
    kept: countKept(entries),
    freedBytes: freedBytes(entries),
    jobs: reportJobs(entries, found.readAt, request.followUpOf !== undefined),
    fuse: fuse ?? null,
    followUp: followUp.followUp,
    warnings: [...new Set([...warnings, ...cluster.warnings()])].map(printable),
    ...(places.length > 0 && { places }),
    ...(head.followUpOf && { followUpOf: head.followUpOf }),
  };
}

/** The cluster at one moment, whole. */
export interface Found {
  readonly identity: ClusterIdentity;
  readonly upgradeMode: boolean | undefined;
  readonly mayClose: boolean | undefined;
  readonly jobs: readonly JobSnapshot[];
  readonly readAt: number;
}

/** Everything that is decided by, read at once. Any part that cannot be read ends the sweep: half an inventory could close a busy job. */
export async function readCluster(cluster: Cluster, clock: Clock, signal: AbortSignal): Promise<Found> {
  const [identity, upgradeMode, mayClose, configs, stats, datafeeds] = await together(signal, (joint) => [
    cluster.identify(joint),
    cluster.upgradeMode(joint),
    cluster.mayClose(joint),
    cluster.jobConfigs(joint),
    cluster.jobStats(joint),
    cluster.datafeedStats(joint), // break: datafeed-stats
  ]);
  const readAt = clock.now();
  return {
    identity,
    upgradeMode,
    mayClose,
    jobs: joinInventory({ configs, stats, datafeeds, readAt }),
    readAt,
  };
}

/** Why a read of the inventory was cut off by us, where it was. */
function endedEarly(stop: AbortSignal | undefined, limit: AbortSignal, error: unknown): Error | undefined {
  if (stop?.aborted) return new StoppedError('told to stop before the cluster was read; nothing was closed');
  // the cluster's own error says what was waited for
  if (!limit.aborted || error instanceof JobsweepError) return undefined;
  return new UnreadableInventoryError(
    'the cluster was not read within the time left; nothing was closed. Give the sweep more time',
  );
}

/** @throws {NoSuchJobError} when a name must match a job and matches none; otherwise such names are warnings. */
function checkNames(
  { jobs: names, allowNoMatch, followUpOf }: SweepRequest,
  jobs: readonly JobSnapshot[],
): string[] {
  if (followUpOf) return [];
  const missing = unmatched(names, jobs);
  if (missing.length === 0) return [];
  const list = missing.map((name) => `"${name}"`).join(', ');
  // break: must-match
  if (!allowNoMatch)
    throw new NoSuchJobError(
      `jobs: ${list} matches no job of the cluster, and allowNoMatch is false; nothing was closed`,
    );
  return [`jobs: ${list} matches no job of the cluster`];
}

/** One entry for each job that the request names, or that the follow-up comes back for; judged, and settled if that is all. */
function decide({ request, histories, planned }: SweepOrder, judge: Judge, { jobs, readAt }: Found): Entry[] {
  if (request.followUpOf) return decideFollowUp(request.followUpOf.jobs, { judge, jobs, readAt, histories });
  const named = matcher(request.jobs);
  return jobs
    .filter((job) => job.reportedState !== 'closed' && named(job)) // break: jobs-pattern
    .map((job) => {
      const history: History = {
        ...histories?.get(job.jobId),
        ...(planned && { planned: planned.get(job.jobId) ?? null }),
      };
      const entry = new Entry(job, judge.judge(job, readAt, history), history);
      // Nobody is known to have asked a job that is found closing: it counts as asked when it was first seen.
      if (job.state === 'closing') entry.askedAt ??= readAt;
      if (entry.verdict.verdict === 'keep') entry.settle({ outcome: 'kept' }, readAt);
      return entry;
    });
}

interface FollowUpDecisions {
  readonly judge: Judge;
  readonly jobs: readonly JobSnapshot[];
  readonly readAt: number;
  readonly histories: SweepOrder['histories'];
}

function decideFollowUp(
  waiting: NonNullable<SweepRequest['followUpOf']>['jobs'],
  { judge, jobs, readAt, histories }: FollowUpDecisions,
): Entry[] {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const once = new Map(waiting.map((told) => [told.jobId, told]));
  return [...once.values()].map(({ jobId, askedAt, attempts, lastActivity }) => {
    const job = byId.get(jobId);
    // When it was asked matters only while that ask is still under way.
    const underWay = job === undefined || job.state === 'closing' || job.state === 'closed';
    const history: History = {
      ...histories?.get(jobId),
      ...(lastActivity !== undefined && { lastActivity: Date.parse(lastActivity) }),
      ...(underWay && { askedAt: Date.parse(askedAt) }),
    };
    const ended = { verdict: 'wait', reason: 'already_closing' } as const;
    if (!job || job.reportedState === 'closed') {
      const entry = new Entry(job ?? missingJob(jobId), ended, history, attempts);
      entry.settle({ outcome: job ? 'closed' : 'gone' }, readAt);
      return entry;
    }
    const entry = new Entry(job, judge.judge(job, readAt, history), history, attempts);
    if (entry.verdict.verdict === 'keep') entry.settle({ outcome: 'kept' }, readAt);
    return entry;
  });
}

const missingJob = (jobId: string): JobSnapshot => ({
  jobId,
  target: undefined,
  reportedState: 'unknown',
  state: undefined,
  groups: [],
  runningForecasts: 0,
  protection: { kind: 'none' },
  managed: false,
});

function checkFuses(
  request: SweepRequest,
  found: Found,
  open: readonly JobSnapshot[],
  entries: readonly Entry[],
): BlownFuse | undefined {
  const toAct = entries.filter(({ verdict }) => verdict.verdict === 'close' || verdict.verdict === 'force');
  return blownFuse({
    request,
    upgradeMode: found.upgradeMode,
    idle: toAct.length,
    open: open.length,
    silentSince: toAct.flatMap(({ job }) => job.lastDataTime ?? []),
    everFed: open.filter((job) => job.lastDataTime !== undefined).length,
  });
}

/** @throws {AccessDeniedError} when there is something to close and the credentials may not: a refusal halfway would be worse. */
function checkPrivilege(
  { dryRun }: SweepRequest,
  mayClose: boolean | undefined,
  entries: readonly Entry[],
): string[] {
  if (mayClose !== false) return [];
  const lacking = 'the credentials lack the cluster privilege manage_ml: they can plan, and cannot sweep';
  // break: lacking-privilege
  if (dryRun) return [lacking];
  if (entries.every(({ verdict }) => verdict.verdict !== 'close' && verdict.verdict !== 'force'))
    return [lacking];
  throw new AccessDeniedError(403, `${lacking}; nothing was closed. Use a key with manage_ml, or a dry run`);
}

/** Nothing is changed: what would have been asked was not attempted, what is closing goes on closing. */
function leaveAlone(entries: readonly Entry[], because: NotAttemptedReason, now: number): void {
  for (const entry of entries) {
    entry.settle(
      entry.verdict.verdict === 'wait' ? { outcome: 'closing' } : { outcome: 'not_attempted', because },
      now,
    );
  }
}

/** What a dry run counts as to be closed, and a sweep would leave. */
function overForceMax({ force: { max } }: SweepRequest, entries: readonly Entry[]): string[] {
  const forced = entries.filter(({ verdict }) => verdict.verdict === 'force').length;
  return forced > max
    ? [
        `${plural(forced, 'job')} would be closed with force, and force.max lets one sweep do ${max}: the rest is left to the next`,
      ]
    : [];
}

/** A refused sweep arranges nothing: who is closing already is told, or nobody would look for it. */
function leftByFuse(entries: readonly Entry[]): string[] {
  const left = entries.filter((entry) => entry.endedAs('closing')).length;
  return left > 0
    ? [`${plural(left, 'job')} left closing, and this sweep will not come back: a fuse stopped it`]
    : [];
}

/** Closes, and gives every entry an outcome even when something here is broken: what was asked must be accounted for. */
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
  // Stryker disable next-line OptionalChaining: each has an outcome by now, which the types do not know
  const unasked = entries.filter(({ outcome }) => outcome?.because === 'time').length;
  if (unasked > 0)
    warnings.push(`${plural(unasked, 'job')} did not fit into the time and will be seen by the next sweep`);
  return warnings;
}

/** A cluster's clock ahead of ours keeps jobs open that are idle; one behind would close what is busy, and shows here first. */
function skewWarnings({ jobs, readAt }: Found): string[] {
  // one by one: as arguments of one call, a hundred thousand jobs overflow the stack
  const ahead = jobs.reduce((most, job) => Math.max(most, (job.lastDataTime ?? readAt) - readAt), 0);
  if (ahead <= skew) return [];
  return [
    `a job's last data is ${Math.round(ahead / 60_000)} minutes in the future: the clocks of the cluster and of this machine differ`,
  ];
}

/** Jobs that are kept because an answer about them could not be used, by what was wrong with it. */
function unclearWarnings(entries: readonly Entry[]): string[] {
  // a job that is being deleted is listed by one of the two answers only, and its config says so
  const unclear = entries.filter(
    ({ verdict, job }) => verdict.reason === 'unknown_state' && job.blocked === undefined,
  );
  return [...Map.groupBy(unclear, ({ job }) => job.unclear ?? 'its state is not known')].map(
    ([why, jobs]) => {
      const ids = jobs.slice(0, maxIdsNamed).map(({ jobId }) => jobId);
      const more = jobs.length > ids.length ? ` and ${jobs.length - ids.length} more` : '';
      return `${ids.join(', ')}${more}: kept as unknown_state, because ${why}`;
    },
  );
}

/** The most jobs that one warning names. */
const maxIdsNamed = 10;

/** Whatever becomes of such a job, the jobs that wait for its place cannot open: its owner must hear of it. */
function stuckOpeningWarnings(entries: readonly Entry[], now: number): string[] {
  return entries
    .filter(({ job }) => isStuckOpening(job, now))
    .map(({ jobId, job: { openedAt = now, nodeName, nodeId }, verdict }) => {
      const hours = Math.floor((now - openedAt) / 3_600_000);
      const cure =
        verdict.reason === 'stuck_opening'
          ? 'stuckOpening says close'
          : `close it: POST _ml/anomaly_detectors/${jobId}/_close, or "stuckOpening": "close" once it is idle`;
      return `${jobId} has been opening for ${plural(hours, 'hour')} on ${nodeName ?? nodeId}, though its process runs: the write of its state was lost, and it holds one of the openings of its node (elastic/elasticsearch#126148); ${cure}`;
    });
}

function protectionWarnings(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ jobId, job: { protection } }) => {
    if (protection.kind === 'unreadable')
      return `custom_settings.jobsweep of ${jobId} cannot be read, so the job is protected: expected {"protect": true} or {"protectUntil": "<ISO date or date-time with zone>"}`;
    if (protection.kind === 'misspelled')
      return `custom_settings of ${jobId} has the key ${quote(protection.key)}, so the job is protected: the key is spelled "jobsweep", for example {"jobsweep": {"protect": true}}`;
    return [];
  });
}
