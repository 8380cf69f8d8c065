/**
 * @module Checks of the close requests: which jobs they name, how they name them, and what the sweep read right before
 * them.
 */
import { answerFor, lastRead, type Observation, type ObservedSweep } from '../observe.ts';
import { decide, groupsListed, inventoryOf } from '../reference.ts';
import { isAfter, looks } from './looks.ts';
import type { Trial } from './trial.ts';

export function neverClosesActive({ seen, wanted, claim }: Trial): void {
  for (const { jobId, known } of looks(seen)) {
    const { lastData, opened } = known?.stats ?? {};
    const now = known?.at ?? 0;
    // The sweep's clock, which may be ahead by `skewMs`, decides how old the last data is. The cluster's clock decides
    // how long the job is open, so `skewMs` is subtracted.
    const ages = [lastData && now - lastData, opened && now - seen.skewMs - opened];
    for (const age of ages)
      claim(
        age === undefined || age >= wanted.idleFor,
        () => `${jobId} was active ${age} ms before and was asked to close`,
      );
  }
}

export function looksRightBefore({ seen, claim }: Trial): void {
  for (const { jobId, close, known, previous } of looks(seen)) {
    claim(
      known !== undefined && !known.feedUnread,
      () => `${jobId} was asked to close without being read completely`,
    );
    const configs = lastRead(seen, 'configs', jobId, close.begunSeq);
    const stats = lastRead(seen, 'stats', jobId, close.begunSeq);
    claim(
      configs?.ids !== undefined && stats?.ids !== undefined,
      () => `${jobId} was asked to close on the basis of the first inventory`,
    );
    for (const read of [configs, stats])
      claim(
        previous === undefined || (read !== undefined && isAfter(read, previous)),
        () => `${jobId} was asked to close again without a look since the last request`,
      );
    // What the sweep knows is as old as the older of the two reads. Up to 30 s are allowed, because a slow cluster may
    // take that long to answer.
    const servedAt = [configs, stats].map((read) => (read && answerFor(read, jobId)?.at) ?? 0);
    const age = close.begunAt - Math.min(...servedAt);
    claim(age <= 30_000, () => `${jobId} was asked to close ${age} ms after it was read`);
  }
}

export function neverClosesUntouchable({ seen, wanted, claim }: Trial): void {
  const inventory = inventoryOf(seen, wanted);
  for (const { jobId, known, past } of looks(seen, wanted)) {
    claim(
      inventory?.listed.some((entry) => entry.jobId === jobId) === true,
      () => `${jobId} is not in the sweep's scope and was asked to close`,
    );
    const decision = known && decide(wanted, known, past);
    claim(
      decision?.verdict === 'close' || decision?.verdict === 'force',
      () => `${jobId} had to be kept (${decision?.reason}) and was asked to close`,
    );
    claim(known?.stats?.state !== 'closed', () => `${jobId} was already closed and was asked to close`);
    const first = inventory?.listed.find((entry) => entry.jobId === jobId)?.decision;
    claim(
      first?.verdict !== 'keep',
      () => `${jobId} was kept at first (${first?.reason}) and was asked to close`,
    );
  }
}

export function namesConcreteJobs({ seen, wanted, run, claim }: Trial): void {
  const sent = closeRequests(run, seen);
  const groupNames = groupsListed(seen);
  for (const { path, query, lineBytes, body } of sent) {
    const named = decodeURIComponent(path.slice('/_ml/anomaly_detectors/'.length, -'/_close'.length)).split(
      ',',
    );
    for (const name of named) {
      claim(/^[a-z0-9]([a-z0-9_.-]{0,62}[a-z0-9])?$/.test(name), () => `"${name}" was in a close request`);
      claim(run.jobIds.has(name), () => `"${name}" is not a job and was in a close request`);
      claim(!groupNames.has(name), () => `"${name}" is a group and was in a close request`);
    }
    claim(new Set(named).size === named.length, () => `${path} names a job twice`);
    claim(
      named.length <= wanted.batch,
      () => `${named.length} jobs in one request, close.batch is ${wanted.batch}`,
    );
    claim(lineBytes <= 4_096, () => `the request line has ${lineBytes} bytes`);
    claim(
      query.includes('allow_no_match=false') && body === '',
      () => `${path}?${query} could close nothing or more`,
    );
  }
  claim(
    sent.length <= seen.closes.length,
    () => `${seen.closes.length} closes were decided and ${sent.length} were sent`,
  );
}

export function limitsCloseRequests({ seen, wanted, claim }: Trial): void {
  const counts = new Map<string, number>();
  for (const close of seen.closes) {
    for (const jobId of close.ids) {
      const count = (counts.get(jobId) ?? 0) + 1;
      counts.set(jobId, count);
      claim(count <= 3, () => `${jobId} got ${count} close requests`);
      claim(
        count < 3 || close.ids.length === 1,
        () => `${jobId} was in a third close request together with others`,
      );
    }
    const together = seen.closes.filter(
      (other) => other.begunSeq <= close.begunSeq && other.endedSeq > close.begunSeq,
    ).length;
    claim(together <= wanted.concurrency, () => `${together} requests at once`);
  }
}

function closeRequests(run: Observation, seen: ObservedSweep) {
  return run.requests.filter(
    ({ path, headers, at }) =>
      path.endsWith('/_close') &&
      headers.authorization === seen.authorization &&
      at >= seen.startedAt &&
      at <= seen.endedAt,
  );
}
