/** @module Outcomes into the report: the counts, every job that was looked at closely, warnings and follow-up (contract §2). */

import type { Entry } from './closing/ledger.ts';
import type { BlownFuse } from './fuse.ts';
import { isMoment, lastActivityOf } from './inventory.ts';
import type { ClusterError } from './ports.ts';
import { plural } from './text.ts';
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
} from './vocabulary.ts';

/** One job of the report. What is not known is absent. Moments are ISO date-times in UTC, sizes bytes. */
export interface ReportedJob {
  readonly jobId: string;
  readonly state: string;
  readonly lastActivity?: string;
  readonly idleMs?: number;
  readonly verdict: VerdictName;
  readonly reason: Reason;
  readonly outcome: OutcomeName;
  /** Close requests that named it, refused ones included, earlier sweeps of the chain included. */
  readonly attempts: number;
  readonly memoryBytes?: number;
  readonly nodeId?: string;
  readonly nodeName?: string;
  readonly datafeedId?: string;
  readonly datafeedStopped?: boolean;
  readonly askedAt?: string;
  /** When the cluster was first seen to say that it is closed. */
  readonly closedAt?: string;
  /** When its outcome was known. */
  readonly settledAt?: string;
  /** The number of the close request that last named it, from 1. */
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
}

/** A later round that the command did itself (`--wait`), and what it came to. */
export interface ReportedRound {
  readonly round: number;
  readonly startedAt: string;
  /** The jobs that it came back for. */
  readonly jobs: number;
  readonly closed: number;
  readonly forceClosed: number;
  readonly closing: number;
}

/** A job that was opened again after each of `closes` sweeps that closed it, the last of them at `lastClosedAt` (ISO). */
export interface FlappingJob {
  readonly jobId: string;
  readonly closes: number;
  readonly lastClosedAt: string;
}

/** How many jobs of one node this sweep had closing at once at most, and why. */
export interface ReportedPlaces {
  readonly nodeId: string;
  readonly nodeName?: string;
  readonly places: number;
  readonly because: PlacesReason;
  readonly processors?: number;
}

/** What is known of a report when the cluster has been read. */
export interface ReportHead {
  readonly sweepId: string;
  readonly cluster: { readonly name: string; readonly id: string; readonly version: string | null };
  readonly startedAt: string;
  readonly followUpOf?: SweepReport['followUpOf'];
}

export interface SweepReport {
  readonly sweepId: string;
  readonly cluster: ReportHead['cluster'];
  readonly dryRun: boolean;
  readonly status: Status;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly counts: ReportCounts;
  readonly kept: Readonly<Partial<Record<KeepReason, number>>>;
  readonly freedBytes: number;
  readonly jobs: readonly ReportedJob[];
  readonly fuse: BlownFuse | null;
  readonly followUp: ReportedFollowUp | null;
  readonly warnings: readonly string[];
  /** The nodes whose jobs were asked under a limit (`close.perNode`). */
  readonly places?: readonly ReportedPlaces[];
  /** For a follow-up: the sweep that began its chain, and which round this is. */
  readonly followUpOf?: { readonly sweepId: string; readonly round: number };
  /** The rounds that are told into this report, in their order; without `--wait` each is a report of its own. */
  readonly rounds?: readonly ReportedRound[];
  /** Jobs of the history given (`--history`) that are open again after a sweep closed them. */
  readonly flapping?: readonly FlappingJob[];
  /** How many jobs were left out of `jobs` to keep the answer within the function's limit. */
  readonly jobsOmitted?: number;
}

/** Kept for these reasons, a job is only counted: they are most of a healthy cluster. */
// break: unlisted
const unlisted: ReadonlySet<Reason> = new Set(['recent_data', 'recently_opened', 'excluded']);

const isoOf = (moment: number | undefined) =>
  moment === undefined ? undefined : new Date(moment).toISOString();

/** The entries as a report lists them; a follow-up (`all`) names each of its jobs, or one that is kept would vanish from its story. */
export function reportJobs(entries: readonly Entry[], now: number, all = false): ReportedJob[] {
  return entries
    .filter((entry) => all || entry.outcome?.outcome !== 'kept' || !unlisted.has(entry.verdict.reason))
    .map((entry) => reportJob(entry, now))
    .sort(
      (a, b) =>
        // Stryker disable next-line EqualityOperator: each id stands once, so none is equal to another
        rank(a) - rank(b) || (b.memoryBytes ?? 0) - (a.memoryBytes ?? 0) || (a.jobId < b.jobId ? -1 : 1),
    );
}

/** Acted-on jobs first, so that what has to be cut is what was left alone. */
const rank = (job: ReportedJob) => (job.outcome === 'kept' ? 1 : 0);

function reportJob(entry: Entry, now: number): ReportedJob {
  const { job } = entry;
  if (!entry.outcome) throw new Error(`the job ${entry.jobId} was given no outcome`);
  const { outcome, because, error } = entry.outcome;
  const lastActivity = lastActivityOf(job, entry.history.lastActivity);
  return withoutAbsent({
    jobId: entry.jobId,
    state: job.reportedState,
    lastActivity: isMoment(lastActivity) ? isoOf(lastActivity) : undefined,
    idleMs: lastActivity === undefined ? undefined : Math.max(0, now - lastActivity),
    verdict: entry.verdict.verdict,
    reason: entry.verdict.reason,
    outcome,
    attempts: entry.asks + entry.earlierAttempts,
    memoryBytes: job.modelBytes,
    nodeId: job.nodeId,
    nodeName: job.nodeName,
    datafeedId: job.datafeed?.datafeedId,
    datafeedStopped: entry.datafeedStopped,
    askedAt: isoOf(entry.askedAt),
    closedAt: isoOf(entry.closedAt),
    settledAt: entry.asks === 0 ? undefined : isoOf(entry.settledAt),
    batch: entry.batch,
    notAttemptedBecause: because,
    error,
  });
}

/** The limits under which jobs were asked, by node; none without a limit. */
export function reportPlaces(entries: readonly Entry[]): ReportedPlaces[] {
  const byNode = new Map<string, ReportedPlaces>();
  for (const { job, limit } of entries) {
    if (!limit || !Number.isFinite(limit.places) || job.nodeId === undefined) continue;
    byNode.set(job.nodeId, withoutAbsent({ nodeId: job.nodeId, nodeName: job.nodeName, ...limit }));
  }
  return [...byNode.values()].sort((a, b) => (nodeText(a) < nodeText(b) ? -1 : 1));
}

const nodeText = ({ nodeName, nodeId }: ReportedPlaces): string => nodeName ?? nodeId;

export function countEntries(entries: readonly Entry[], open: number): ReportCounts {
  const counts: Record<string, number> = { open, listed: entries.length, idle: 0 };
  for (const { count } of Object.values(outcomes)) counts[count] = 0;
  for (const { verdict, outcome } of entries) {
    if (verdict.verdict === 'close' || verdict.verdict === 'force') counts.idle = (counts.idle ?? 0) + 1;
    if (!outcome) continue;
    const { count } = outcomes[outcome.outcome];
    counts[count] = (counts[count] ?? 0) + 1;
  }
  return counts as ReportCounts;
}

export function countKept(entries: readonly Entry[]): SweepReport['kept'] {
  const kept: Partial<Record<KeepReason, number>> = {};
  for (const { verdict, outcome } of entries) {
    if (outcome?.outcome === 'kept' && verdict.verdict === 'keep')
      kept[verdict.reason] = (kept[verdict.reason] ?? 0) + 1;
  }
  return kept;
}

export function freedBytes(entries: readonly Entry[]): number {
  return entries
    .filter(({ outcome }) => outcome?.outcome === 'closed' || outcome?.outcome === 'force_closed') // break: freed-memory
    .reduce((sum, { job }) => sum + (job.modelBytes ?? 0), 0);
}

const undone: ReadonlySet<NotAttemptedReason> = new Set(['time', 'limit', 'signal']);

/** Whether anything was left that nobody comes back for, or that is not known: exactly the cases of exit 3. */
export function leftUndone(entries: readonly Entry[], comingBackFor: ReadonlySet<string>): boolean {
  return entries.some(({ jobId, outcome }) => {
    if (outcome?.outcome === 'closing') return !comingBackFor.has(jobId);
    if (outcome?.outcome === 'not_attempted') return undone.has(outcome.because);
    return outcome?.outcome === 'error' || outcome?.outcome === 'unknown';
  });
}

/** Of a report that has to be cut, what else grows with the cluster may have this share of the bytes, each. */
const besideJobs = 0.1;
/** A job that takes more than this share is left out by itself; it would else take all that follow with it. */
const oversize = 0.01;

/**
 * The report in at most `mostBytes` of JSON: with as many jobs as fit, of which the last go first, as those were left
 * alone; and with as many warnings, the last of which says how many more there were. Without the lists a report takes
 * some 1,000 bytes, which `mostBytes` must leave room for.
 */
export function fitReport(report: SweepReport, mostBytes: number): SweepReport {
  if (bytesOf(report) <= mostBytes) return report;
  const { jobs, warnings, flapping, ...rest } = report;
  const share = mostBytes * besideJobs;
  const cut: SweepReport = {
    ...rest,
    jobs: [],
    warnings: fitWarnings(warnings, share),
    ...(flapping && { flapping: fitting(flapping, share) }),
  };
  const fit = fitting(jobs, mostBytes - bytesOf({ ...cut, jobsOmitted: jobs.length }), mostBytes * oversize);
  const jobsOmitted = jobs.length - fit.length;
  return { ...cut, jobs: fit, ...(jobsOmitted > 0 && { jobsOmitted }) };
}

function fitWarnings(warnings: readonly string[], mostBytes: number): string[] {
  if (bytesOf(warnings) <= mostBytes) return [...warnings];
  const note = (left: number) => `${plural(left, 'more warning')} left out, as the report is too long`;
  const fit = fitting(warnings, mostBytes - bytesOf(note(warnings.length)), mostBytes / 2);
  return [...fit, note(warnings.length - fit.length)];
}

/** The first of `items` that fit into `mostBytes`; those that are over `tooLarge` by themselves are skipped. */
function fitting<T>(items: readonly T[], mostBytes: number, tooLarge = Number.POSITIVE_INFINITY): T[] {
  const fit: T[] = [];
  let room = mostBytes;
  for (const item of items) {
    const bytes = bytesOf(item) + 1; // and a comma
    if (bytes > tooLarge) continue;
    if (bytes > room) break;
    room -= bytes;
    fit.push(item);
  }
  return fit;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>;
}
