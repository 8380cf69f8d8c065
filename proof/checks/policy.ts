/** @module Checks that a sweep keeps its limits: the force policy, the fuses, the deadline. */
import { decide, fuseOf, inventoryOf, names } from '../reference.ts';
import { looks } from './looks.ts';
import type { Trial } from './trial.ts';

export function forcesByPolicy({ seen, wanted, claim }: Trial): void {
  const forced = new Set<string>();
  for (const { jobId, close, known, past } of looks(seen, wanted)) {
    const decision = known && decide(wanted, known, past);
    if (!close.force) {
      claim(
        decision?.verdict !== 'force',
        () => `${jobId} had to be forced and was asked to close gracefully`,
      );
      continue;
    }
    forced.add(jobId);
    claim(close.ids.length === 1, () => `${close.ids.length} jobs were forced in one request`);
    claim(
      decision?.verdict === 'force',
      () => `${jobId} was forced: ${known?.stats?.state}, ${decision?.verdict} ${decision?.reason}`,
    );
    claim(
      !names(wanted.neverForced, jobId, known?.config?.groups ?? []),
      () => `${jobId} is in force.exclude and was forced`,
    );
    const answerable = seen.closes.some(
      (other) =>
        other !== close &&
        other.ids.includes(jobId) &&
        other.begunSeq < close.begunSeq &&
        other.endedSeq > close.begunSeq,
    );
    claim(!answerable, () => `${jobId} was forced while its own close could still be answered`);
  }
  if (forced.size > 0)
    claim(
      forced.size <= wanted.maxForced,
      () => `${forced.size} jobs forced, force.max is ${wanted.maxForced}`,
    );
}

export function obeysFuses({ seen, wanted, claim }: Trial): void {
  const inventory = inventoryOf(seen, wanted);
  const { report } = seen;
  if (!inventory || !report) return;
  const fuse = fuseOf(wanted, inventory, seen.upgradeMode);
  if (fuse !== null) claim(seen.closes.length === 0, () => `${fuse} tripped and a close request was sent`);
  claim(
    (report.fuse?.name ?? null) === fuse,
    () => `the fuse is ${report.fuse?.name}, and should be ${fuse}`,
  );
  if (seen.plan?.foundAt !== undefined && seen.closes.length > 0) {
    // The fuses must be checked with current values. If a plan is more than 10 s old when the user confirms it, the
    // sweep must read upgrade mode again. If it is more than 5 minutes old, the sweep must read the whole inventory
    // again.
    const age = seen.startedAt - seen.plan.foundAt;
    const since = (moment = 0) => moment >= seen.startedAt;
    claim(age <= 10_000 || since(seen.upgradeReadAt), () => `upgrade mode was read ${age} ms before`);
    claim(age <= 300_000 || since(seen.foundAt), () => `a plan of ${age} ms ago was carried out as it was`);
  }
  claim((report.status === 'refused') === (fuse !== null), () => `${report.status} with the fuse ${fuse}`);
}

export function endsInTime({ seen, wanted, run, claim }: Trial): void {
  const deadline = seen.startedAt + seen.remainingMs;
  claim(seen.endedAt <= deadline, () => `ended ${seen.endedAt - deadline} ms after its deadline`);
  if (seen.stoppedAt !== undefined && seen.stoppedAt <= seen.endedAt)
    claim(
      seen.endedAt - seen.stoppedAt <= 10_000,
      () => `ended ${seen.endedAt - (seen.stoppedAt ?? 0)} ms after SIGTERM`,
    );
  for (const { jobId, close, known } of looks(seen)) {
    const phases = known?.feed && known.feed.state !== 'stopped' ? 2 : 1;
    const end = close.begunAt + phases * close.timeoutMs;
    claim(end < deadline, () => `${jobId} was given until ${end - deadline} ms after the deadline`);
    claim(close.timeoutMs <= wanted.closeTimeout, () => `the server was given ${close.timeoutMs} ms`);
    claim(
      close.endedAt - close.begunAt <= close.timeoutMs + 10_000,
      () => `${jobId} was waited for too long`,
    );
    claim(
      seen.stoppedAt === undefined || close.begunAt <= seen.stoppedAt,
      () => `${jobId} was asked to close after SIGTERM`,
    );
  }
  const undisturbed = run.struck.length + run.done.length === 0;
  for (const { jobId, outcome } of seen.report?.jobs ?? [])
    if (undisturbed && seen.closes.some(({ ids }) => ids.includes(jobId)))
      claim(
        outcome !== 'unknown',
        () => `${jobId} was asked to close, and no time was left to read its outcome`,
      );
  claim(run.lingering === 0, () => `${run.lingering} requests after the last sweep had ended`);
}
