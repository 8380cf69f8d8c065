/**
 * @module Builds the report: counts, jobs, warnings and follow-up (docs/contract.md §2). One sweep is one round; the command
 * with `--wait` makes one report of all its rounds.
 */

import { printable } from '../../base/text.ts';
import type { Entry, NodeLimit, Outcome } from '../closing/ledger.ts';
import type { BlownFuse } from '../planning/fuse.ts';
import { lastActivityOf } from '../planning/idle.ts';
import { isMoment, type JobSnapshot } from '../planning/inventory.ts';
import { isToAct, type Verdict } from '../planning/verdict.ts';
import type { ClusterError, ClusterIdentity } from '../ports.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import {
  type KeepReason,
  type NotAttemptedReason,
  type OutcomeCount,
  type OutcomeName,
  outcomes,
  type PlacesReason,
  type Reason,
  type Status,
  type VerdictName,
} from '../vocabulary.ts';
import type { MlNodes } from './ml-nodes.ts';
import { isPartial } from './partial.ts';
import type { ReportHead } from './report-head.ts';
import { type ReportedRequest, reportRequest } from './reported-request.ts';
import { reportAnchor, runbookLink } from './runbook.ts';

/** One job of the report. Unknown fields are absent. Times are ISO date-times in UTC, sizes are bytes. */
export interface ReportedJob {
  readonly jobId: string;
  readonly state: string;
  readonly lastActivity?: string;
  readonly idleMs?: number;
  readonly verdict: VerdictName;
  readonly reason: Reason;
  readonly outcome: OutcomeName;
  /** Close requests that named the job, including refused ones and those of earlier sweeps of the chain. */
  readonly attempts: number;
  readonly memoryBytes?: number;
  /**
   * The memory that the job reserves on its node: the size that the server uses to assign the job to a node, plus 10 MB
   * for the job's process.
   */
  readonly reservedBytes?: number;
  readonly nodeId?: string;
  readonly nodeName?: string;
  readonly datafeedId?: string;
  readonly datafeedStopped?: boolean;
  readonly askedAt?: string;
  /** When a read first reported the job closed. */
  readonly closedAt?: string;
  /** When the job's outcome became known. */
  readonly settledAt?: string;
  /** The number of the latest close request that named the job, from 1. */
  readonly batch?: number;
  readonly notAttemptedBecause?: NotAttemptedReason;
  readonly error?: ClusterError;
}

export type ReportCounts = { readonly [name in 'open' | 'listed' | 'idle' | OutcomeCount]: number };

export interface ReportedFollowUp {
  readonly name: string;
  readonly at: string;
  readonly round: number;
  readonly jobs: number;
  /** The follow-up also judges the whole request again, because some jobs got no close request for lack of time. */
  readonly rest?: true;
}

/** A later round that the command ran itself (`--wait`), with its result. */
export interface ReportedRound {
  readonly round: number;
  readonly startedAt: string;
  /** The number of jobs that the round judged. */
  readonly jobs: number;
  readonly closed: number;
  readonly forceClosed: number;
  readonly closing: number;
}

/** A job that is open again although sweeps closed it `closes` times, most recently at `lastClosedAt` (ISO). */
export interface ReopenedJob {
  readonly jobId: string;
  readonly closes: number;
  readonly lastClosedAt: string;
  /** When `jobsweep reopen` opened the job, if that was after the last close. */
  readonly reopenedAt?: string;
}

/** The limit on concurrent closes on one node, and its reason. */
export interface ReportedPlaces {
  readonly nodeId: string;
  readonly nodeName?: string;
  readonly places: number;
  readonly because: PlacesReason;
  readonly processors?: number;
}

export interface SweepReport {
  readonly sweepId: string;
  readonly cluster: ReportHead['cluster'];
  /** The rules by which jobs were chosen. */
  readonly request: ReportedRequest;
  readonly dryRun: boolean;
  readonly status: Status;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly counts: ReportCounts;
  readonly kept: Readonly<Partial<Record<KeepReason, number>>>;
  readonly freedBytes: number;
  /** The sum of the known `reservedBytes` of the jobs with the outcome `closed` or `force_closed`. */
  readonly freedReservedBytes: number;
  readonly jobs: readonly ReportedJob[];
  readonly fuse: BlownFuse | null;
  readonly followUp: ReportedFollowUp | null;
  readonly warnings: readonly string[];
  /** The section of the runbook that says what to do; absent if there is nothing to do. */
  readonly runbook?: string;
  /** The nodes on which concurrent closes were limited (`close.perNode`). */
  readonly places?: readonly ReportedPlaces[];
  /** For a follow-up: the sweep that started the chain, and the number of this follow-up in the chain. */
  readonly followUpOf?: NonNullable<ReportHead['followUpOf']>;
  /** The later rounds that this report includes, in order. Without `--wait`, each later round has its own report. */
  readonly rounds?: readonly ReportedRound[];
  /** Jobs that are open again although at least three sweeps in the history closed them. */
  readonly flapping?: readonly ReopenedJob[];
  /** Jobs that are open again although one or two sweeps in the history closed them. */
  readonly reopened?: readonly ReopenedJob[];
  /**
   * The number of machine learning nodes, and how many would be enough for the jobs that stay open; absent if all are
   * needed or if this is uncertain.
   */
  readonly mlNodes?: MlNodes;
  /** How many jobs were left out of `jobs` to keep the answer within the function's limit. */
  readonly jobsOmitted?: number;
}

/** The data of one sweep's report. Times are epoch milliseconds. */
export interface Round {
  readonly sweepId: string;
  readonly request: SweepRequest;
  readonly identity: ClusterIdentity;
  readonly startedAt: number;
  readonly endedAt: number;
  /** When the cluster was read. Idle times count up to this time. */
  readonly readAt: number;
  /** Number of jobs that are not `closed`, in the whole cluster. */
  readonly open: number;
  readonly entries: readonly Entry[];
  readonly fuse: BlownFuse | undefined;
  readonly followUp: FollowUpResult;
  readonly warnings: readonly string[];
}

export interface FollowUpResult {
  readonly followUp: ReportedFollowUp | null;
  /** The jobs in a pending follow-up of this sweep or of an earlier sweep. */
  readonly comingBackFor: ReadonlySet<string>;
  /** Whether the follow-up includes the jobs that got no close request for lack of time. */
  readonly takesRest: boolean;
  readonly warnings: readonly string[];
}

/**
 * The report of a sweep and its later rounds. Each job counts once, with its latest outcome. `endedBecause` is the reason
 * why the last round has no follow-up.
 */
export function reportOf(rounds: readonly [Round, ...Round[]], endedBecause?: string): SweepReport {
  const [first, ...later] = rounds;
  const last = rounds.at(-1) ?? first;
  const { dryRun } = first.request;
  const head = headOf(first);
  const fates = fatesOf(rounds);
  const places = reportPlaces(fates);
  const { followUp, comingBackFor, takesRest } = endedBecause === undefined ? last.followUp : noFollowUp;
  const partial = !dryRun && isPartial(fates, comingBackFor, takesRest);
  const refused = later.length === 0 && first.fuse !== undefined;
  // break: status
  const status: Status = refused ? 'refused' : partial ? 'partial' : 'done';
  const fuse = last.fuse ?? null;
  const warnings = [
    ...rounds.flatMap((round) => [...round.warnings, ...round.followUp.warnings]),
    ...(endedBecause === undefined ? [] : [endedBecause]),
  ];
  const counts = countEntries(fates, first.open);
  const anchor = reportAnchor({ status, fuse, counts, warnings });
  return {
    sweepId: head.sweepId,
    cluster: head.cluster,
    request: reportRequest(first.request), // break: reported-request
    dryRun,
    status,
    startedAt: head.startedAt,
    durationMs: last.endedAt - first.startedAt,
    counts,
    kept: countKept(fates),
    freedBytes: freed(fates, 'modelBytes'),
    freedReservedBytes: freed(fates, 'reservedBytes'),
    jobs: reportJobs(fates),
    fuse,
    followUp,
    warnings: [...new Set(warnings)].map(printable),
    ...(anchor !== undefined && { runbook: runbookLink(anchor) }),
    ...(places.length > 0 && { places }),
    ...(head.followUpOf && { followUpOf: head.followUpOf }),
    ...(later.length > 0 && { rounds: later.map(reportRound) }),
  };
}

/** The part of the report that is known before the first request to close. */
export function headOf({
  sweepId,
  request: { cluster, followUpOf },
  identity: { id, version },
  startedAt,
}: Pick<Round, 'sweepId' | 'request' | 'identity' | 'startedAt'>): ReportHead {
  return {
    sweepId,
    cluster: { name: cluster, id, version },
    startedAt: new Date(startedAt).toISOString(),
    ...(followUpOf && {
      followUpOf: {
        sweepId: followUpOf.sweepId,
        round: followUpOf.round,
        ...(followUpOf.rest && { rest: true }),
      },
    }),
  };
}

const noFollowUp = { followUp: null, comingBackFor: new Set<string>(), takesRest: false };

function reportRound({ request, startedAt, entries, open }: Round): ReportedRound {
  const { listed, closed, forceClosed, closing } = countEntries(entries, open);
  const started = new Date(startedAt).toISOString();
  return {
    round: request.followUpOf?.round ?? 1,
    startedAt: started,
    jobs: listed,
    closed,
    forceClosed,
    closing,
  };
}

/** The result of one job over one or several rounds. */
export interface Fate {
  readonly jobId: string;
  readonly job: JobSnapshot;
  readonly lastActivity: number | undefined;
  readonly readAt: number;
  readonly verdict: Verdict;
  readonly outcome: Outcome;
  readonly attempts: number;
  readonly askedAt: number | undefined;
  readonly closedAt: number | undefined;
  readonly settledAt: number | undefined;
  /** The limit on concurrent closes on the job's node at the time of its latest close request. */
  readonly limit: NodeLimit | undefined;
  readonly batch: number | undefined;
  readonly datafeedStopped: boolean | undefined;
  /** Whether an earlier sweep asked the job to close. If so, the report lists the job whatever its outcome is. */
  readonly awaited: boolean;
}

/** The result of an entry. @throws {Error} if it has no outcome, which is a bug. */
export function fateOf(entry: Entry, readAt: number): Fate {
  const { jobId, job, verdict, outcome, history } = entry;
  if (!outcome) throw new Error(`the job ${jobId} was given no outcome`);
  return {
    jobId,
    job,
    lastActivity: lastActivityOf(job, history.lastActivity),
    readAt,
    verdict,
    outcome,
    attempts: entry.asks + entry.earlierAttempts,
    askedAt: entry.askedAt,
    closedAt: entry.closedAt,
    limit: entry.limit,
    settledAt: entry.asks === 0 ? undefined : entry.settledAt,
    batch: entry.batch,
    datafeedStopped: entry.datafeedStopped,
    awaited: history.awaited === true,
  };
}

function fatesOf(rounds: readonly Round[]): Fate[] {
  const fates = new Map<string, Fate>();
  let batches = 0;
  for (const { entries, readAt, startedAt } of rounds) {
    const earlier = batches;
    for (const entry of entries) {
      const before = fates.get(entry.jobId);
      const own = fateOf(entry, readAt);
      const fate = { ...own, batch: own.batch === undefined ? undefined : own.batch + earlier };
      batches = Math.max(batches, fate.batch ?? 0);
      fates.set(entry.jobId, before ? continued(before, fate, entry, startedAt) : fate);
    }
  }
  return [...fates.values()];
}

/** Merges the result of a later round into a job's earlier result. */
function continued(before: Fate, after: Fate, entry: Entry, startedAt: number): Fate {
  // A fuse stopped the later round, so the job is unchanged.
  if (after.outcome.because === 'fuse') return before;
  if (before.outcome.outcome === 'kept') return after;
  const attempts = Math.max(before.attempts + entry.asks, after.attempts);
  const datafeedStopped = before.datafeedStopped ? true : after.datafeedStopped;
  if (after.outcome.outcome === 'kept') {
    // The sweep closed the job and someone opened it again: the job still counts as closed.
    if (before.outcome.outcome !== 'closing' && before.outcome.outcome !== 'not_attempted') return before;
    const { modelBytes, reservedBytes } = before.job;
    const job = { ...after.job, modelBytes, reservedBytes };
    const { askedAt } = before;
    return {
      ...after,
      job,
      askedAt,
      attempts,
      datafeedStopped,
      awaited: after.awaited || before.attempts > 0,
    };
  }
  return {
    ...before,
    // A job that is closing no longer reports its node, activity or size, so keep the earlier values.
    verdict: after.verdict.verdict === 'wait' ? before.verdict : after.verdict,
    outcome: after.outcome,
    attempts,
    askedAt: after.askedAt ?? before.askedAt,
    closedAt: after.closedAt,
    limit: after.limit ?? before.limit,
    settledAt: after.settledAt ?? startedAt,
    batch: after.batch ?? before.batch,
    datafeedStopped,
  };
}

/** Jobs kept for these reasons are only counted, because most jobs of a healthy cluster are among them. */
export const unlisted = [
  'recent_data',
  'recently_opened',
  'excluded',
] as const satisfies readonly KeepReason[];

// break: unlisted
const isUnlisted = (reason: Reason) => unlisted.some((each) => each === reason);

const isoOf = (moment: number | undefined) =>
  moment === undefined ? undefined : new Date(moment).toISOString();

/**
 * The jobs that a report lists, in order. The report of a follow-up lists each of its jobs, even those that are kept.
 */
export function reportJobs(fates: readonly Fate[]): ReportedJob[] {
  return inOrder(
    fates.filter(
      ({ awaited, outcome, verdict }) => awaited || outcome.outcome !== 'kept' || !isUnlisted(verdict.reason),
    ),
  );
}

/** Every listed job, including those that a report only counts. */
export const reportEveryJob = (round: Round): ReportedJob[] => inOrder(fatesOf([round]));

function inOrder(fates: readonly Fate[]): ReportedJob[] {
  return fates.map(reportJob).sort(
    (a, b) =>
      // Stryker disable next-line EqualityOperator: ids are unique, so two are never equal
      rank(a) - rank(b) || (b.memoryBytes ?? 0) - (a.memoryBytes ?? 0) || (a.jobId < b.jobId ? -1 : 1),
  );
}

/** Jobs that were acted on come first, so that a cut removes kept jobs. */
const rank = (job: ReportedJob) => (job.outcome === 'kept' ? 1 : 0);

function reportJob(fate: Fate): ReportedJob {
  const { job, lastActivity } = fate;
  const { outcome, because, error } = fate.outcome;
  return withoutAbsent({
    jobId: fate.jobId,
    state: job.reportedState,
    lastActivity: isMoment(lastActivity) ? isoOf(lastActivity) : undefined,
    idleMs: lastActivity === undefined ? undefined : Math.max(0, fate.readAt - lastActivity),
    verdict: fate.verdict.verdict,
    reason: fate.verdict.reason,
    outcome,
    attempts: fate.attempts,
    memoryBytes: job.modelBytes,
    reservedBytes: job.reservedBytes,
    nodeId: job.nodeId,
    nodeName: job.nodeName,
    datafeedId: job.datafeed?.datafeedId,
    datafeedStopped: fate.datafeedStopped,
    askedAt: isoOf(fate.askedAt),
    closedAt: isoOf(fate.closedAt),
    settledAt: isoOf(fate.settledAt),
    batch: fate.batch,
    notAttemptedBecause: because,
    error,
  });
}

/** The limit of each node on which closes were limited. */
function reportPlaces(fates: readonly Fate[]): ReportedPlaces[] {
  const byNode = new Map<string, ReportedPlaces>();
  for (const { job, limit } of fates) {
    if (!limit || !Number.isFinite(limit.places) || job.nodeId === undefined) continue;
    byNode.set(job.nodeId, withoutAbsent({ nodeId: job.nodeId, nodeName: job.nodeName, ...limit }));
  }
  return [...byNode.values()].sort((a, b) => (nodeText(a) < nodeText(b) ? -1 : 1));
}

const nodeText = ({ nodeName, nodeId }: ReportedPlaces): string => nodeName ?? nodeId;

/** The fields of a job that the counts need. A job without an outcome is still in progress. */
export type Counted = Pick<Fate, 'jobId' | 'job' | 'verdict'> & { readonly outcome: Outcome | undefined };

export function countEntries(entries: readonly Counted[], open: number): ReportCounts {
  const counts: Record<string, number> = { open, listed: entries.length, idle: 0 };
  for (const { count } of Object.values(outcomes)) counts[count] = 0;
  for (const { verdict, outcome } of entries) {
    if (isToAct(verdict)) counts.idle = (counts.idle ?? 0) + 1;
    if (!outcome) continue;
    const { count } = outcomes[outcome.outcome];
    counts[count] = (counts[count] ?? 0) + 1;
  }
  return counts as ReportCounts;
}

export function countKept(entries: readonly Counted[]): SweepReport['kept'] {
  const kept: Partial<Record<KeepReason, number>> = {};
  for (const { verdict, outcome } of entries) {
    if (outcome?.outcome === 'kept' && verdict.verdict === 'keep')
      kept[verdict.reason] = (kept[verdict.reason] ?? 0) + 1;
  }
  return kept;
}

export function freed(entries: readonly Counted[], memory: 'modelBytes' | 'reservedBytes'): number {
  return entries
    .filter(({ outcome }) => outcome?.outcome === 'closed' || outcome?.outcome === 'force_closed') // break: freed-memory
    .reduce((sum, { job }) => sum + (job[memory] ?? 0), 0);
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>;
}
