/**
 * @module A report as documents for Elasticsearch: one for the sweep, and one for each job that was not closed. The job
 * documents are also the records that `advise` reads later.
 */
import { createHash } from 'node:crypto';
import { plural } from '../../base/text.ts';
import { lastActivityOf } from '../planning/idle.ts';
import type { JobSnapshot } from '../planning/inventory.ts';
import type { Plan } from '../sweep.ts';
import type { OutcomeName, Reason, VerdictName } from '../vocabulary.ts';
import type { ReportedJob, SweepReport } from './report.ts';
import { datasets, nested, type StreamKind, snakeCase } from './stream-names.ts';

export interface StreamDocument {
  readonly id: string;
  readonly source: Readonly<Record<string, unknown>>;
}

export interface ReportDocuments {
  /**
   * The jobs that the sweep acted on come first, so that a limit drops kept jobs first. The documents are made one by
   * one, to save memory.
   */
  readonly jobs: Iterable<StreamDocument>;
  readonly jobCount: number;
  /** Number of jobs that have no document, because the sweep has more jobs than `maxJobDocuments`. */
  readonly omitted: number;
  /** Whether `jobs` has every job of the cluster that was not closed. */
  readonly isWhole: boolean;
  /** Creates the document of the sweep, which includes the number of job documents that were stored. */
  readonly sweep: (stored: { readonly jobs: number; readonly isWhole: boolean }) => StreamDocument;
}

export interface ReportToStore {
  readonly report: SweepReport;
  /** The plan that was carried out, or a plan that only produces a report. */
  readonly plan: Pick<Plan, 'found' | 'decisions' | 'order'>;
  readonly namespace: string;
  readonly provider: 'function' | 'command';
  /** The version of jobsweep. */
  readonly version: string;
}

/** Maximum number of job documents: twice what an Elasticsearch listing can hold. Each takes about 1,200 bytes. */
export const maxJobDocuments = 20_000;
const maxWarnings = 20;
const maxNames = 100;
/** Longer texts are cut to this many characters. */
const maxText = 1_000;
const ecsVersion = '8.11.0';

export function documentsOf(given: ReportToStore): ReportDocuments {
  const { report, plan } = given;
  const endedAt = Date.parse(report.startedAt) + report.durationMs;
  const jobs = jobsOf(given);
  const kept = jobs.slice(0, maxJobDocuments);
  const omitted = jobs.length - kept.length;
  return {
    jobs: kept.values().map((job) => jobDocument(job, given, endedAt)),
    jobCount: kept.length,
    omitted,
    // False for a follow-up, which records only its own jobs.
    isWhole:
      omitted === 0 &&
      !plan.order.request.followUpOf &&
      plan.found.jobs.every(({ reportedState }) => reportedState !== 'unknown'),
    sweep: (stored) => sweepDocument(given, endedAt, stored),
  };
}

/** The id of a document. It depends only on cluster, sweep and job, so that a repeated event adds no document twice. */
function idOf({ cluster, sweepId }: SweepReport, jobId?: string): string {
  const parts = [cluster.id, sweepId, ...(jobId === undefined ? [] : [jobId])];
  const id = parts.join(':');
  // Elasticsearch accepts ids of up to 512 bytes.
  return Buffer.byteLength(id) <= 512 ? id : createHash('sha256').update(id).digest('hex');
}

/** What is known about one job: its snapshot when the cluster was read, its entry in the report, or both. */
interface StoredJob {
  readonly jobId: string;
  readonly snapshot: JobSnapshot | undefined;
  readonly reported: ReportedJob | undefined;
  readonly verdict: VerdictName | undefined;
  readonly reason: Reason | undefined;
  readonly outcome: OutcomeName | undefined;
  readonly idleMs: number | undefined;
}

function jobsOf({ report, plan }: ReportToStore): StoredJob[] {
  const { found, decisions, order } = plan;
  const isFollowUp = order.request.followUpOf !== undefined;
  const seen = new Map(
    found.jobs
      .filter(({ reportedState }) => reportedState !== 'closed' && reportedState !== 'unknown')
      .map((job) => [job.jobId, job]),
  );
  const decided = new Map(decisions.map((decision) => [decision.jobId, decision]));
  const reported = new Map(report.jobs.map((job) => [job.jobId, job]));
  const ids = new Set([...reported.keys(), ...(isFollowUp ? [] : seen.keys())]);
  return [...ids].map((jobId) => {
    const snapshot = seen.get(jobId);
    const entry = reported.get(jobId);
    const decision = decided.get(jobId);
    const activity = snapshot && lastActivityOf(snapshot, decision?.history.lastActivity);
    return {
      jobId,
      snapshot,
      reported: entry,
      verdict: entry?.verdict ?? decision?.verdict.verdict,
      reason: entry?.reason ?? decision?.verdict.reason,
      // The report omits jobs that are kept for the usual reasons, so their outcome comes from the plan.
      outcome: entry?.outcome ?? (decision?.verdict.verdict === 'keep' ? 'kept' : undefined),
      idleMs: entry?.idleMs ?? (activity === undefined ? undefined : Math.max(0, found.readAt - activity)),
    };
  });
}

function shared(kind: StreamKind, id: string, { report, namespace, provider, version }: ReportToStore) {
  const { cluster, sweepId, dryRun } = report;
  return {
    'data_stream.type': 'logs',
    'data_stream.dataset': datasets[kind],
    'data_stream.namespace': namespace,
    'ecs.version': ecsVersion,
    'event.kind': 'event',
    'event.category': ['configuration'],
    'event.id': id,
    'event.module': 'jobsweep',
    'event.dataset': datasets[kind],
    'event.provider': provider,
    'service.name': 'jobsweep',
    'service.version': version,
    'jobsweep.cluster.name': cluster.name,
    'jobsweep.cluster.id': cluster.id,
    'jobsweep.cluster.version': cluster.version ?? undefined,
    'jobsweep.sweep.id': sweepId,
    'jobsweep.sweep.dry_run': dryRun,
  };
}

function sweepDocument(
  given: ReportToStore,
  endedAt: number,
  stored: { readonly jobs: number; readonly isWhole: boolean },
): StreamDocument {
  const { report, plan } = given;
  const { request, counts, fuse, followUp, followUpOf, warnings, status, dryRun } = report;
  const id = idOf(report);
  const hasChanged = counts.closed + counts.forceClosed > 0;
  const source = nested({
    '@timestamp': isoOf(endedAt),
    ...shared('sweep', id, given),
    message: sweepMessage(report),
    'event.type': [hasChanged ? 'change' : 'info'],
    'event.action': status === 'refused' ? 'sweep-refused' : dryRun ? 'sweep-planned' : 'sweep-finished',
    'event.outcome': status === 'done' ? 'success' : 'failure',
    'event.reason': fuse?.name,
    'event.start': report.startedAt,
    'event.end': isoOf(endedAt),
    'event.duration': Math.round(report.durationMs) * 1_000_000,
    'jobsweep.sweep.read_at': isoOf(plan.found.readAt),
    'jobsweep.sweep.request.idle_for': request.idleFor,
    'jobsweep.sweep.request.idle_for_ms': plan.order.request.idleFor,
    'jobsweep.sweep.request.jobs': request.jobs?.slice(0, maxNames),
    'jobsweep.sweep.request.exclude': request.exclude?.slice(0, maxNames),
    'jobsweep.sweep.status': status,
    'jobsweep.sweep.duration_ms': Math.round(report.durationMs),
    'jobsweep.sweep.freed_bytes': report.freedBytes,
    ...Object.fromEntries(
      Object.entries(counts).map(([name, count]) => [`jobsweep.sweep.counts.${snakeCase(name)}`, count]),
    ),
    ...Object.fromEntries(
      Object.entries(report.kept).map(([reason, count]) => [`jobsweep.sweep.kept.${reason}`, count]),
    ),
    'jobsweep.sweep.fuse.name': fuse?.name,
    'jobsweep.sweep.fuse.idle': fuse?.idle,
    'jobsweep.sweep.fuse.open': fuse?.open,
    'jobsweep.sweep.fuse.limit': fuse?.limit ?? undefined,
    'jobsweep.sweep.follow_up.name': followUp?.name,
    'jobsweep.sweep.follow_up.at': followUp?.at,
    'jobsweep.sweep.follow_up.round': followUp?.round,
    'jobsweep.sweep.follow_up.jobs': followUp?.jobs,
    'jobsweep.sweep.follow_up_of.sweep_id': followUpOf?.sweepId,
    'jobsweep.sweep.follow_up_of.round': followUpOf?.round,
    'jobsweep.sweep.warnings': warnings.length > 0 ? warnings.slice(0, maxWarnings).map(cut) : undefined,
    'jobsweep.sweep.warning_count': warnings.length,
    'jobsweep.sweep.job_documents': stored.jobs,
    'jobsweep.sweep.whole': stored.isWhole,
  });
  return { id, source };
}

function sweepMessage({ cluster, counts, status, fuse, dryRun }: SweepReport): string {
  const { idle, closed, forceClosed, kept } = counts;
  if (status === 'refused')
    return `the sweep of ${cluster.name} was refused by the fuse ${fuse?.name}: ${plural(idle, 'job')} would have been closed`;
  if (dryRun) return `the plan for ${cluster.name} closes ${plural(idle, 'job')} and keeps ${kept}`;
  const forced = forceClosed > 0 ? `, ${forceClosed} with force` : '';
  return `the sweep of ${cluster.name} closed ${plural(closed + forceClosed, 'job')}${forced} and kept ${kept}`;
}

/** For each outcome of a job, the `event.action` and `event.outcome` of its document. */
const actions: Readonly<
  Record<OutcomeName, { action: string; outcome?: 'success' | 'failure' | 'unknown' }>
> = {
  closed: { action: 'job-closed', outcome: 'success' },
  force_closed: { action: 'job-force-closed', outcome: 'success' },
  already_closed: { action: 'job-already-closed' },
  closing: { action: 'job-closing', outcome: 'unknown' },
  error: { action: 'job-close-failed', outcome: 'failure' },
  unknown: { action: 'job-close-unknown', outcome: 'unknown' },
  revived: { action: 'job-revived' },
  gone: { action: 'job-gone' },
  not_attempted: { action: 'job-not-attempted' },
  kept: { action: 'job-kept' },
};

function jobDocument(job: StoredJob, given: ReportToStore, endedAt: number): StreamDocument {
  const { report, plan } = given;
  const { jobId, snapshot, reported, verdict, reason, outcome } = job;
  const id = idOf(report, jobId);
  const isClosed = outcome === 'closed' || outcome === 'force_closed';
  const { action, outcome: result } = outcome
    ? actions[outcome]
    : { action: 'job-recorded', outcome: undefined };
  const bytes = reported?.memoryBytes ?? snapshot?.modelBytes;
  const source = nested({
    '@timestamp': reported?.closedAt ?? reported?.settledAt ?? isoOf(endedAt),
    ...shared('job', id, given),
    message: `${jobId}: ${[action.replace(/^job-/, '').replaceAll('-', ' '), ...(reason ? [`(${reason})`] : [])].join(' ')}`,
    'event.type': [isClosed ? 'change' : outcome === 'error' ? 'error' : 'info'],
    'event.action': action,
    'event.outcome': result,
    'event.reason': reason,
    'error.type': reported?.error?.type,
    'error.message': reported?.error && cut(reported.error.reason),
    'error.code': reported?.error && String(reported.error.status),
    'jobsweep.sweep.read_at': snapshot && isoOf(plan.found.readAt),
    'jobsweep.job.id': jobId,
    'jobsweep.job.groups': snapshot && snapshot.groups.length > 0 ? snapshot.groups : undefined,
    'jobsweep.job.state': snapshot?.reportedState ?? reported?.state,
    'jobsweep.job.verdict': verdict,
    'jobsweep.job.reason': reason,
    'jobsweep.job.outcome': outcome,
    'jobsweep.job.attempts': reported?.attempts,
    'jobsweep.job.last_data_at': isoOf(snapshot?.lastDataTime),
    'jobsweep.job.opened_at': isoOf(snapshot?.openedAt),
    'jobsweep.job.idle_ms': job.idleMs === undefined ? undefined : Math.round(job.idleMs),
    'jobsweep.job.model_bytes': bytes,
    'jobsweep.job.freed_bytes': isClosed ? (bytes ?? 0) : undefined,
    'jobsweep.job.node.id': snapshot?.nodeId ?? reported?.nodeId,
    'jobsweep.job.node.name': snapshot?.nodeName ?? reported?.nodeName,
    'jobsweep.job.datafeed.id': snapshot?.datafeed?.datafeedId ?? reported?.datafeedId,
    'jobsweep.job.datafeed.state': snapshot?.datafeed?.state,
    'jobsweep.job.datafeed.stopped': reported?.datafeedStopped,
    'jobsweep.job.asked_at': reported?.askedAt,
    'jobsweep.job.closed_at': reported?.closedAt,
    'jobsweep.job.not_attempted_because': reported?.notAttemptedBecause,
  });
  return { id, source };
}

/** The last moment of the year 9999. Elasticsearch refuses later dates. */
const maxMoment = 253_402_300_799_999;

/** Undefined for a time that cannot be stored. */
const isoOf = (moment: number | undefined) =>
  moment !== undefined && moment >= 0 && moment <= maxMoment ? new Date(moment).toISOString() : undefined;

const cut = (text: string) => (text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text);
