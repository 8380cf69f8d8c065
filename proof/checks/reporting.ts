/** @module Checks that the report adds up and is correct. */
import type { ReportedJob, SweepReport } from '../../src/sweep/reporting/report.ts';
import { warningCode } from '../../src/sweep/reporting/warning-codes.ts';
import { answerFor, lastRead, type ObservedSweep, type ReadKind } from '../observe.ts';
import { type Decision, decide, inventoryOf, keysToWarnOf, knownOf, milliseconds } from '../reference.ts';
import { isAfter, pastOf } from './looks.ts';
import type { Trial } from './trial.ts';

export function countsOnce(trial: Trial): void {
  const { seen, wanted, run, claim } = trial;
  const { report } = seen;
  checkRequest(trial);
  const inventory = inventoryOf(seen, wanted);
  if (!report || !inventory) return;
  const { counts, jobs, kept } = report;
  const sum = outcomeCounts.reduce((total, [, count]) => total + counts[count], 0);
  claim(sum === counts.listed, () => `listed ${counts.listed}, and the outcomes sum to ${sum}`);
  // If a sweep carries out a plan, its report also lists the jobs that were deleted after the plan was made.
  const listedIds = new Set(inventory.listed.map(({ jobId }) => jobId));
  const ofPlan = run.case.repetition === 'planned' || run.case.repetition === 'agreed';
  const deleted = jobs.filter(({ jobId, outcome }) => outcome === 'gone' && !listedIds.has(jobId));
  const expected = inventory.listed.length + (ofPlan ? deleted.length : 0);
  claim(counts.listed === expected, () => `listed ${counts.listed} of ${expected}`);
  claim(counts.open === inventory.open.length, () => `open ${counts.open}, and ${inventory.open.length} are`);
  const ids = jobs.map(({ jobId }) => jobId);
  claim(new Set(ids).size === ids.length, () => 'a job is in `jobs` twice');
  for (const [outcome, count] of outcomeCounts) {
    const known = jobs.filter((job) => job.outcome === outcome).length;
    const silent = outcome === 'kept' ? quiet.reduce((total, reason) => total + (kept[reason] ?? 0), 0) : 0;
    claim(
      known <= counts[count] && known >= counts[count] - silent,
      () => `${counts[count]} ${outcome}, and ${known} in jobs`,
    );
  }
  const reasons = Map.groupBy(
    inventory.listed.filter(({ decision }) => decision.verdict === 'keep'),
    ({ decision }) => decision.reason,
  );
  for (const reason of new Set([...reasons.keys(), ...Object.keys(kept)])) {
    const expected = reasons.get(reason)?.length ?? 0;
    const got = kept[reason as keyof typeof kept] ?? 0;
    claim(got === expected, () => `${got} kept for ${reason}, expected ${expected}`);
  }
  const idle = jobs.filter(({ verdict }) => verdict === 'close' || verdict === 'force').length;
  claim(idle === counts.idle, () => `idle ${counts.idle}, and ${idle} have such a verdict`);
  const freed = jobs
    .filter(({ outcome }) => outcome === 'closed' || outcome === 'force_closed')
    .reduce((total, { memoryBytes = 0 }) => total + memoryBytes, 0);
  claim(freed === report.freedBytes, () => `freed ${report.freedBytes}, the jobs closed had ${freed}`);
  const reserved = jobs
    .filter(({ outcome }) => outcome === 'closed' || outcome === 'force_closed')
    .reduce((total, { reservedBytes = 0 }) => total + reservedBytes, 0);
  claim(
    reserved === report.freedReservedBytes,
    () => `freed ${report.freedReservedBytes} reserved, the jobs closed reserved ${reserved}`,
  );
  for (const { jobId, decision } of inventory.listed) {
    const job = jobs.find((entry) => entry.jobId === jobId);
    if (quiet.some((reason) => reason === decision.reason)) continue;
    claim(job !== undefined, () => `${jobId} (${decision.reason}) is not in jobs`);
    if (decision.verdict === 'keep')
      claim(
        job?.outcome === 'kept' && job.reason === decision.reason,
        () => `${jobId} was to be kept for ${decision.reason}, and is ${job?.outcome} ${job?.reason}`,
      );
    else
      claim(
        job?.outcome !== 'kept',
        () => `${jobId} was kept for ${job?.reason}, expected ${decision.verdict}`,
      );
  }
}

/** Checks that the report repeats the parts of the request that select the jobs. */
function checkRequest({ seen: { report }, wanted, claim }: Trial): void {
  if (!report) return;
  const { idleFor, jobs = ['*'], exclude = [] } = report.request;
  claim(
    milliseconds(idleFor) === wanted.idleFor &&
      jobs.join() === wanted.jobs.join() &&
      exclude.join() === wanted.exclude.join(),
    () => `the report repeats another request: ${JSON.stringify(report.request)}`,
  );
}

export function reportsTheTruth(trial: Trial): void {
  const { report } = trial.seen;
  if (!report) return;
  for (const job of report.jobs) checkTruth(job, report, trial);
  const undone = report.jobs.some((job) => leavesUndone(job, trial.seen));
  const expected = report.fuse ? 'refused' : undone && !report.dryRun ? 'partial' : 'done';
  trial.claim(report.status === expected, () => `the status is ${report.status}, expected ${expected}`);
  trial.claim(
    !report.warnings.some((warning) => warning.includes('bug')),
    () => `a bug: ${report.warnings.join('; ')}`,
  );
}

export function leadsToRunbook({ seen: { report }, claim }: Trial): void {
  if (!report) return;
  const { status, fuse, counts, warnings, runbook } = report;
  const section = fuse
    ? `refused-${fuse.name}`
    : status === 'partial'
      ? 'status-partial'
      : counts.forceClosed > 0
        ? 'a-job-was-forced'
        : warnings.length > 0
          ? 'warnings'
          : undefined;
  claim(
    section === undefined ? runbook === undefined : runbook?.endsWith(`/docs/runbook.md#${section}`) === true,
    () => `the link is ${runbook}, expected ${section}`,
  );
  for (const warning of warnings)
    claim(warningCode(warning) !== undefined, () => `the runbook does not know the warning: ${warning}`);
}

export function warnsOfMisspelledOptOuts({ seen, wanted, claim }: Trial): void {
  const { report } = seen;
  const inventory = inventoryOf(seen, wanted);
  if (!report || !inventory) return;
  for (const { jobId, known } of inventory.listed) {
    const keys = keysToWarnOf(known?.config?.customSettings ?? {});
    if (keys.length === 0) continue;
    // a warning names at most ten jobs and counts the others
    const names = (warning: string, key: string) =>
      warning.includes(JSON.stringify(key)) && (warning.includes(jobId) || / and \d+ more /.test(warning));
    claim(
      report.warnings.some((warning) => keys.some((key) => names(warning, key))),
      () => `${jobId} has ${keys.join(' and ')}, and no warning names it`,
    );
  }
  for (const key of ['managed', 'created_by'])
    claim(
      !report.warnings.some((warning) => warning.includes(`key "${key}"`)),
      () => `the key ${key} belongs to others, and a warning names it`,
    );
}

export function readsAfterEachClose({ seen, claim }: Trial): void {
  if (seen.closes.length > 0)
    claim(
      seen.report !== undefined,
      () => `a close request was sent, and there is no report: ${seen.error?.message}`,
    );
  for (const close of seen.closes)
    for (const jobId of close.ids) {
      const looked = seen.reads.some(
        (read) => read.kind === 'stats' && isAfter(read, close) && (read.ids?.includes(jobId) ?? true),
      );
      claim(looked, () => `${jobId} was asked to close and never read again`);
    }
}

export function followsUpOrWarns({ seen, claim }: Trial): void {
  const { report } = seen;
  if (!report || report.dryRun || seen.onlyPlans) return;
  const followed = new Set([...seen.arranged.flatMap(({ jobIds }) => jobIds), ...seen.pending]);
  const warns = (words: RegExp) => report.warnings.some((warning) => words.test(warning));
  const warned = warns(/without a follow-up|no follow-up is scheduled|did not fit into the follow-up/);
  for (const { jobId, outcome } of report.jobs)
    if (outcome === 'closing')
      claim(followed.has(jobId) || warned, () => `${jobId} is left closing without follow-up and warning`);
  const outOfTime = report.jobs.filter(isOutOfTime);
  const rest = seen.arranged.some(({ order }) => order.chain.rest);
  // jobs in a pending follow-up need no other follow-up: the pending follow-up checks them, whatever their state
  const untaken = outOfTime.filter(({ jobId }) => !seen.pending.has(jobId));
  if (untaken.length > 0)
    claim(
      rest || warns(/did not fit into the time and no follow-up takes/),
      () => `${untaken.length} jobs did not fit into the time, and no follow-up is scheduled`,
    );
  if (seen.plan) claim(!rest, () => 'a follow-up closes more than the plan');
  for (const { order, jobIds } of seen.arranged) {
    claim(
      order.at >= seen.endedAt + 110_000 - Math.abs(seen.skewMs),
      () => 'a follow-up in less than two minutes',
    );
    claim(order.chain.rest === true || jobIds.length > 0, () => 'an empty follow-up');
    claim(order.chain.rest !== true || outOfTime.length > 0, () => 'the request is judged again needlessly');
    claim(order.jobs.length === jobIds.length, () => 'a follow-up contains other jobs than it reports');
    for (const { jobId, attempts } of order.jobs) {
      const job = report.jobs.find((entry) => entry.jobId === jobId);
      claim(
        job?.outcome === 'closing' || (job?.outcome === 'not_attempted' && job.reason === 'stuck'),
        () => `${jobId} is ${job?.outcome} and has a follow-up`,
      );
      claim(attempts === job?.attempts, () => `${jobId}: ${attempts} attempts known, ${job?.attempts} made`);
      claim(!seen.pending.has(jobId), () => `${jobId} is in two pending follow-ups`);
    }
    claim(report.followUp?.jobs === jobIds.length, () => `the report counts ${report.followUp?.jobs}`);
    claim(report.followUp?.rest === order.chain.rest, () => 'the report is wrong about the rest');
  }
}

/**
 * Whether the sweep had no time to close this idle job. Stuck jobs do not count, because the follow-up lists them by
 * id.
 */
const isOutOfTime = ({ notAttemptedBecause, reason }: ReportedJob) =>
  notAttemptedBecause === 'time' && reason !== 'stuck';

const quiet = ['recent_data', 'recently_opened', 'excluded'] as const;

const outcomeCounts = [
  ['closed', 'closed'],
  ['force_closed', 'forceClosed'],
  ['already_closed', 'alreadyClosed'],
  ['closing', 'closing'],
  ['error', 'errors'],
  ['unknown', 'unknown'],
  ['revived', 'revived'],
  ['gone', 'gone'],
  ['not_attempted', 'notAttempted'],
  ['kept', 'kept'],
] as const;

function checkTruth(job: ReportedJob, report: SweepReport, trial: Trial): void {
  const { seen, wanted, claim } = trial;
  const { jobId, outcome } = job;
  const closes = seen.closes.filter(({ ids }) => ids.includes(jobId));
  const chained = wanted.chain?.jobs.findLast((entry) => entry.jobId === jobId);
  const read = lastRead(seen, 'stats', jobId);
  const truth = read && answerFor(read, jobId)?.truth.get(jobId);
  const state = truth === undefined || truth.hidden ? 'gone' : truth.state;
  const says = (holds: boolean, why: string) =>
    claim(
      holds,
      () =>
        `${jobId} is reported ${outcome} (${job.reason}); ${why}; last known state: ${state}, ${closes.length} close requests`,
    );
  claim(
    job.attempts === closes.length + (chained?.attempts ?? 0),
    () => `${jobId} has ${job.attempts} attempts, and ${closes.length} close requests`,
  );
  const wasForced = closes.some(({ force }) => force);
  const lastClose = closes.at(-1);
  // a read that began during the close request also counts, because the sweep polls states while a request is in flight
  const readSince = lastClose === undefined || (read !== undefined && read.begunSeq > lastClose.begunSeq);
  switch (outcome) {
    case 'closed':
      says(state === 'closed' && readSince, 'it is not closed');
      says(closes.length > 0 || chained !== undefined, 'no sweep asked it to close');
      says(!wasForced, 'it was forced');
      break;
    case 'force_closed':
      says(state === 'closed' && readSince, 'it is not closed');
      says(wasForced, 'it was not forced');
      break;
    case 'already_closed':
      says(state === 'closed', 'it is not closed');
      says(closes.length === 0, 'it was asked to close');
      break;
    case 'closing':
      says(state === 'closing', 'it is not closing');
      if (!report.dryRun && !report.fuse && readSince && lastClose) {
        const before = sinceLastStats(seen, jobId);
        says(before <= 20_000, `it was looked at ${before} ms before the end`);
      }
      break;
    case 'gone':
      says(state === 'gone', 'it exists');
      break;
    case 'unknown':
      says(closes.length > 0 && !readSince, 'it was read since');
      break;
    case 'error':
      if (lastClose) says(readSince && (state !== 'closed' || truth?.garbled !== undefined), 'it is closed');
      else says(!wasReadClosed(trial.seen, jobId, job.error?.type), 'it is closed');
      says(
        job.error !== undefined && job.error.type !== 'internal_error',
        `the error is ${JSON.stringify(job.error)}`,
      );
      break;
    case 'revived': {
      const reasons = lastDecisions(trial, jobId);
      const isRight = reasons.some((each) => each?.verdict === 'keep' && each.reason === job.reason);
      says(job.verdict === 'keep', `its verdict is ${job.verdict}`);
      says(isRight, `it should be ${reasons.map((each) => `${each?.verdict} ${each?.reason}`).join(' or ')}`);
      break;
    }
    case 'not_attempted':
    case 'kept':
      says(closes.length === 0, 'it was asked to close');
      break;
  }
}

/**
 * Whether the sweep's last read of the job's stats showed that the job was closed. Garbled stats do not show that. If
 * the error is a failed check right before a close (`unreadable`), only reads that ended before the check count.
 */
function wasReadClosed(seen: ObservedSweep, jobId: string, error: string | undefined): boolean {
  const failed = seen.reads.findLast(
    ({ ok, kind, ids }) => !ok && ids !== undefined && (ids.includes(jobId) || kind === 'datafeeds'),
  );
  const end = error === 'unreadable' && failed ? failed.endedSeq : Number.POSITIVE_INFINITY;
  const read = lastRead(seen, 'stats', jobId, end);
  const truth = read && answerFor(read, jobId)?.truth.get(jobId);
  return truth?.state === 'closed' && !truth.hidden && truth.garbled === undefined;
}

/** Milliseconds between the last read of the job's stats and the end of the sweep. */
function sinceLastStats(seen: ObservedSweep, jobId: string): number {
  const last = seen.reads.findLast((entry) => entry.kind === 'stats' && entry.ids?.includes(jobId));
  return seen.endedAt - (last?.endedAt ?? 0);
}

/**
 * The correct decisions about a job, one for each moment at which the sweep's last check before a close may have ended.
 * If the sweep found the job closing and sent no close request, the last read of the job's stats decides.
 */
function lastDecisions({ seen, wanted }: Trial, jobId: string): (Decision | undefined)[] {
  return endsOfLastLook(seen, jobId).map((seq) => {
    const known = knownOf(seen, jobId, seq);
    return known && decide(wanted, known, pastOf(seen, wanted, jobId, seq));
  });
}

/** Whether this job makes the sweep end with exit code 3. */
function leavesUndone({ jobId, outcome, notAttemptedBecause }: ReportedJob, seen: ObservedSweep): boolean {
  if (outcome === 'error' || outcome === 'unknown') return true;
  const listed = seen.pending.has(jobId) || seen.arranged.some(({ jobIds }) => jobIds.includes(jobId));
  if (outcome === 'closing') return !listed;
  if (notAttemptedBecause === 'time') return !listed && !seen.arranged.some(({ order }) => order.chain.rest);
  return outcome === 'not_attempted' && ['limit', 'signal'].includes(notAttemptedBecause ?? '');
}

/**
 * Right before a close, the sweep checks the job once more. Returns the sequence numbers at which the last check may
 * have ended. Nothing else reads the config of a single job, so such a read marks a check, which reads the stats at
 * about the same time. The last number is infinity: if the sweep found the job closing, it may have judged the job
 * again after the check, by the stats alone.
 */
function endsOfLastLook(seen: ObservedSweep, jobId: string): number[] {
  const configs = lastRead(seen, 'configs', jobId);
  if (!configs) return [Number.POSITIVE_INFINITY];
  const feedId = answerFor(configs, jobId)?.truth.get(jobId)?.feed?.datafeedId;
  const next = (kind: ReadKind, id: string | undefined) =>
    id === undefined
      ? undefined
      : seen.reads.find(
          (read) =>
            read.kind === kind &&
            read.ok &&
            read.begunSeq > configs.begunSeq &&
            (read.ids?.includes(id) ?? true),
        );
  const withFeeds = Math.max(configs.endedSeq, next('datafeeds', feedId)?.endedSeq ?? 0) + 1;
  const withStats = Math.max(withFeeds, (next('stats', jobId)?.endedSeq ?? 0) + 1);
  return [withStats, withFeeds, Number.POSITIVE_INFINITY];
}
