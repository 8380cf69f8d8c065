/** @module Reads the past of jobs from the cluster, and turns it into evidence for `advise` and `explain --history`. */
import type { AdvisedJob, MissingSource } from '../../sweep/advising/advise.ts';
import type { Evidence, Message, MessageCoverage, Observation } from '../../sweep/advising/evidence.ts';
import type { PastSources, Read, Records, SourceName } from '../../sweep/advising/past-ports.ts';
import { isFlapping, type StateMoment } from '../../sweep/planning/flapping.ts';
import type { JobSnapshot } from '../../sweep/planning/inventory.ts';
import { runs } from '../../sweep/planning/inventory.ts';
import { matcher } from '../../sweep/planning/job-patterns.ts';
import { type History, judgeBy } from '../../sweep/planning/verdict.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import type { KeepReason } from '../../sweep/vocabulary.ts';

export interface PastOfJobs {
  readonly sources: readonly SourceName[];
  readonly missing: readonly MissingSource[];
  readonly coverage: MessageCoverage | undefined;
  readonly warnings: readonly string[];
  readonly evidenceOf: (job: JobSnapshot) => Evidence;
  /** The times when the job was opened or closed. */
  readonly momentsOf: (jobId: string) => readonly StateMoment[];
}

interface Asked {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly asOf: number;
  readonly records: Read<Records>;
  /** Why the data stream could not be read, if `records` come from the state directory alone. */
  readonly recordsProblem?: string | undefined;
  readonly signal: AbortSignal;
  /** If set, only the past of this job is read. */
  readonly jobId?: string | undefined;
}

const adds: Readonly<Record<Exclude<SourceName, 'stats'>, string>> = {
  records:
    'the exact last data of each job at every plan and sweep that keeps records, in the data stream or without --no-save',
  snapshots: 'about ten days of upper bounds',
  notifications: 'when each job was opened and closed, and when datafeeds fell silent',
};
/** Privileges to suggest after a refusal. (On serverless, no key can read snapshots, so no privilege helps there.) */
const needs: Readonly<Partial<Record<SourceName, string>>> = {
  snapshots: '; needs the cluster privilege monitor_ml',
  notifications: '; needs read on .ml-notifications*',
  records: '; needs read on logs-jobsweep.*-*',
};
const addedBy = (source: keyof typeof adds, why: string) =>
  `${adds[source]}${/\b40[13] /.test(why) ? (needs[source] ?? '') : ''}`;

/** Reads each source once for all jobs, or for one job if `jobId` is set. */
export async function readPast(
  past: PastSources,
  { from, asOf, records, recordsProblem, signal, jobId }: Asked,
): Promise<PastOfJobs> {
  const [times, snapshots, notifications] = await Promise.all([
    past.jobTimes(signal, jobId),
    past.snapshots(from, signal, jobId),
    past.notifications(from, asOf, signal, jobId),
  ]);
  const read = { records, snapshots, notifications };
  const names = ['snapshots', 'notifications', 'records'] as const;
  return {
    sources: ['stats', ...names.filter((name) => 'value' in read[name])],
    missing: names.flatMap((source) => {
      const result: Read<unknown> = read[source];
      const why = 'why' in result ? result.why : source === 'records' ? recordsProblem : undefined;
      return why === undefined ? [] : [{ source, why, adds: addedBy(source, why) }];
    }),
    momentsOf: (jobId) =>
      'value' in notifications ? (notifications.value.byJob.get(jobId) ?? []).flatMap(momentIn) : [],
    warnings:
      'value' in notifications && notifications.value.isEmpty
        ? [
            'the search of .ml-notifications* found no message at all: if the key lacks read on it, opens and closes are missing',
          ]
        : [],
    coverage: 'value' in notifications ? notifications.value.coverage : undefined,
    evidenceOf: (job) => ({
      jobId: job.jobId,
      ...times.get(job.jobId),
      now: observationOf(job, asOf),
      datafeedRuns: runs(job.datafeed),
      records: 'value' in records ? recordsOf(job.jobId, records.value) : undefined,
      snapshots: 'value' in snapshots ? (snapshots.value.get(job.jobId) ?? []) : undefined,
      messages: 'value' in notifications ? (notifications.value.byJob.get(job.jobId) ?? []) : undefined,
    }),
  };
}

function momentIn({ at, kind }: Message): StateMoment[] {
  if (kind === 'opening') return [{ at, kind: 'opened' }];
  return kind === 'closing' || kind === 'forced' ? [{ at, kind: 'closed' }] : [];
}

function recordsOf(jobId: string, { byJob, wholeAt }: Records): Observation[] {
  const own = byJob.get(jobId) ?? [];
  const seenAt = new Set(own.map(({ at }) => at));
  const closed = wholeAt.filter((at) => !seenAt.has(at)).map((at): Observation => ({ at, state: 'closed' }));
  return [...own, ...closed].sort((a, b) => a.at - b.at);
}

export const observationOf = (job: JobSnapshot, at: number): Observation => ({
  at,
  state: job.reportedState,
  lastData: job.lastDataTime,
  openedAt: job.openedAt,
  bytes: job.modelBytes,
});

/**
 * Rules that do not exclude a job from the advice: they depend on the threshold, or on values that a closed job lacks.
 */
const notLeftOutBy: ReadonlySet<KeepReason> = new Set([
  'recent_data',
  'recently_opened',
  'not_as_planned',
  // If flapping jobs were excluded, the list of reopened jobs would lack those that are reopened most often.
  'flapping',
]);
const onlyOfOpenJobs: ReadonlySet<KeepReason> = new Set([
  'no_process',
  'no_clock',
  'state_not_chosen',
  'opening',
]);

/**
 * The jobs that the request names. `leftOut` is true for a job that a sweep would keep today for a reason other than
 * the threshold.
 */
export function advisedJobs(
  jobs: readonly JobSnapshot[],
  request: SweepRequest,
  histories: ReadonlyMap<string, History>,
  evidenceOf: (job: JobSnapshot) => Evidence,
  now: number,
): AdvisedJob[] {
  const judge = judgeBy(request);
  const named = matcher(request.jobs);
  return jobs.filter(named).map((job) => ({
    evidence: evidenceOf(job),
    leftOut: judge
      .rules(job, now, histories.get(job.jobId))
      .some(
        ({ reason, holds }) =>
          holds &&
          !notLeftOutBy.has(reason) &&
          !(job.reportedState === 'closed' && onlyOfOpenJobs.has(reason)),
      ),
  }));
}

/**
 * The number of jobs that a sweep with this request would close now: `counts.idle` in the report of `jobsweep plan`.
 */
export function idleToday(
  jobs: readonly JobSnapshot[],
  request: SweepRequest,
  histories: ReadonlyMap<string, History>,
  momentsOf: PastOfJobs['momentsOf'],
  now: number,
): number {
  const judge = judgeBy(request);
  const named = matcher(request.jobs);
  return jobs.filter((job) => {
    if (job.reportedState === 'closed' || !named(job)) return false;
    const flapping = isFlapping(momentsOf(job.jobId), request.idleFor, now);
    const { verdict } = judge.judge(job, now, { ...histories.get(job.jobId), ...(flapping && { flapping }) });
    return verdict === 'close' || verdict === 'force';
  }).length;
}
