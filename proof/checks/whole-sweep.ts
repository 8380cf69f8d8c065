/**
 * @module Checks of a sweep as a whole: repetition, plans, inventories that cannot be read, credentials, and whether
 * idle jobs are closed.
 */
import { type CaseJob, idAt } from '../case.ts';
import type { Observation } from '../observe.ts';
import { inventoryOf, namesWithoutJob, type Wanted } from '../reference.ts';
import { looks } from './looks.ts';
import type { Trial } from './trial.ts';

export function doesNothingTwice({ seen, run, claim }: Trial): void {
  const earlier = run.sweeps.slice(0, run.sweeps.indexOf(seen));
  if (earlier.length === 0 || run.case.repetition === 'together') return;
  const undisturbed = run.done.length + run.struck.length === 0;
  for (const [jobId, { state }] of seen.before) {
    const closes = seen.closes.filter((close) => close.ids.includes(jobId));
    const opened = run.done.some(
      (action) => action.jobId === jobId && action.kind.includes('opened') && action.at >= seen.startedAt,
    );
    if (state === 'closed' && !opened)
      claim(closes.length === 0, () => `${jobId} was closed before this sweep and was asked to close`);
    if (state === 'closing' && undisturbed)
      claim(
        closes.every(({ force }) => force),
        () => `${jobId} was closing before this sweep and was asked to close again`,
      );
  }
}

export function sharesTheCluster({ seen, run, claim }: Trial): void {
  const other = run.sweeps.find((each) => each !== seen);
  if (run.case.repetition !== 'together' || !other) return;
  const closes = [...seen.closes, ...other.closes].sort((a, b) => a.begunAt - b.begunAt);
  const undisturbed = run.done.length + run.struck.length === 0;
  // Jobs that fail to close, including those whose datafeed does not stop in time.
  const failing = new Set(
    run.case.jobs.flatMap(({ closeTakes, datafeed }, index) =>
      typeof closeTakes === 'object' ||
      datafeed?.state === 'stopping' ||
      (datafeed?.stopTakes ?? '50ms') !== '50ms'
        ? [idAt(index)]
        : [],
    ),
  );
  const forced = new Set(closes.flatMap(({ ids, force }) => (force ? ids : [])));
  const counts = new Map<string, number>();
  for (const { ids } of closes)
    for (const jobId of ids) {
      const count = (counts.get(jobId) ?? 0) + 1;
      counts.set(jobId, count);
      // The maximum number of close requests for one job from two concurrent sweeps. For most jobs, it is 3: one
      // request from each sweep, and one more if a request fails. For a forced job, it is 4: each sweep may also force
      // the job once. For a job that fails to close, it is 6: each sweep may send three requests, because neither knows
      // the other's requests.
      const allowed = failing.has(jobId) ? 6 : forced.has(jobId) ? 4 : 3;
      claim(!undisturbed || count <= allowed, () => `${jobId} got ${count} close requests from two sweeps`);
    }
  // if one sweep has begun to close a job, the other sweep waits until the job is closed
  for (const { jobId, close, known } of looks(seen))
    claim(
      close.force || known?.stats?.state !== 'closing',
      () => `${jobId} got a close request from a sweep that had read it as closing`,
    );
  for (const { jobIds, call } of other.arranged)
    for (const jobId of jobIds)
      claim(
        call > (seen.pendingCall ?? Number.POSITIVE_INFINITY) ||
          seen.arranged.every((own) => own.call < call || !own.jobIds.includes(jobId)),
        () => `${jobId} is in a follow-up of both sweeps`,
      );
}

export function hidesCredentials({ seen, run, claim }: Trial): void {
  const { error, report } = seen;
  const output = error
    ? `${error.stack}\n${JSON.stringify(error)}\n${String(error.cause)}`
    : JSON.stringify(report);
  for (const secret of run.secrets) claim(!output.includes(secret), () => 'a credential is in the output');
}

export function changesNothingInPlan({ seen, wanted, run, claim }: Trial): void {
  if (!wanted.dryRun && !seen.onlyPlans) return;
  claim(
    seen.closes.length === 0 && seen.arranged.length === 0,
    () => 'a plan sent a close request or scheduled a follow-up',
  );
  const own = run.requests.filter(({ headers }) => headers.authorization === seen.authorization);
  for (const { method, path } of own)
    claim(method === 'GET' || path.endsWith('/_has_privileges'), () => `a plan sent ${method} ${path}`);
  for (const job of seen.report?.jobs ?? [])
    claim(
      ['kept', 'not_attempted', 'closing', 'closed', 'gone'].includes(job.outcome),
      () => `${job.jobId} is ${job.outcome} in a plan`,
    );
}

export function refusesHalfAnInventory({ seen, wanted, claim }: Trial): void {
  const inventory = inventoryOf(seen, wanted);
  const known = { error: seen.error };
  const named = seen.error !== undefined && 'exitCode' in seen.error;
  if (seen.error) claim(named, () => `an unexpected error: ${seen.error?.stack}`);
  if (!inventory) {
    claim(
      seen.closes.length === 0 && named,
      () => `half an inventory: ${known.error?.message ?? 'a report'}`,
    );
    return;
  }
  const missing = namesWithoutJob(seen, wanted);
  const acts = inventory.listed.some(
    ({ decision }) => decision.verdict === 'close' || decision.verdict === 'force',
  );
  const refused =
    missing.length > 0 && !wanted.allowNoMatch
      ? 'NoSuchJobError'
      : acts && seen.mayClose === false && !wanted.dryRun
        ? 'AccessDeniedError'
        : undefined;
  if (refused) claim(seen.error?.name === refused, () => `expected ${refused}, got ${seen.error?.name}`);
  else
    claim(
      seen.report !== undefined,
      () => `expected a report, got ${seen.error?.name}: ${seen.error?.message}`,
    );
  for (const [field, list] of [
    ['jobs', wanted.jobs],
    ['exclude', wanted.exclude],
    ['force.exclude', wanted.neverForced],
  ] as const)
    if (seen.report && namesWithoutJob(seen, wanted, list).length > 0)
      claim(
        seen.report.warnings.some((text) => text.startsWith(`${field}: `) && text.includes('matches no job')),
        () => `a name of ${field} matches no job, and no warning says so`,
      );
}

export function closesWhatIsIdle({ seen, wanted, run, claim }: Trial): void {
  const { report } = seen;
  const inventory = inventoryOf(seen, wanted);
  if (!report || report.fuse || wanted.dryRun || !inventory) return;
  const acting = inventory.listed.filter(({ decision }) => ['close', 'force'].includes(decision.verdict));
  if (!calm(run, wanted, new Set(acting.map(({ jobId }) => jobId)))) return;
  const fates = new Map(report.jobs.map(({ jobId, outcome }) => [jobId, outcome]));
  for (const { jobId, decision } of acting)
    if (decision.verdict === 'close')
      claim(fates.get(jobId) === 'closed', () => `${jobId} is idle, and ${fates.get(jobId)}`);
  const toForce = acting.filter(({ decision }) => decision.verdict === 'force');
  const forced = toForce.filter(({ jobId }) => fates.get(jobId) === 'force_closed').length;
  const expected = Math.min(toForce.length, wanted.maxForced);
  claim(forced >= expected, () => `${forced} of ${expected} jobs were forced`);
}

/** Whether nothing fails or interferes, and there is enough time to close every selected job. */
function calm({ case: given }: Observation, wanted: Wanted, acting: ReadonlySet<string>): boolean {
  const { faults, outsideActions, stop, remainingMs, jobs, repetition } = given;
  const quick = ({ closeTakes, datafeed }: CaseJob) =>
    typeof closeTakes === 'string' &&
    /^\d{1,2}s$/.test(closeTakes) &&
    (datafeed?.state === undefined || datafeed.state === 'started') &&
    datafeed?.stopTakes === undefined;
  return (
    faults.length + outsideActions.length === 0 &&
    stop === null &&
    repetition === 'once' &&
    remainingMs >= 900_000 &&
    wanted.closeTimeout >= 60_000 &&
    acting.size <= 10 &&
    jobs.every((job, index) => !acting.has(idAt(index)) || quick(job))
  );
}
