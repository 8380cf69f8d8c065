/**
 * @module Sweeps a cluster in which every read takes five seconds, over real HTTP in simulated time, with the
 * function's remaining time as the limit. Each sweep must end in time, and its report must match the cluster.
 */

import { VirtualClock } from '../../simulator/clock.ts';
import {
  type EmbeddedElasticsearch,
  type FleetJob,
  startElasticsearch,
} from '../../simulator/elasticsearch/index.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { JobsweepError } from '../../src/base/errors.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { FollowUps } from '../../src/sweep/ports.ts';
import type { ReportedJob, SweepReport } from '../../src/sweep/reporting/report.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import { type LoadResult, Problems } from './result.ts';

export interface SlowSweep {
  readonly idle: number;
  /** The function's remaining time when it is invoked, in milliseconds. */
  readonly remainingMs: number;
  readonly payload?: RequestPayload;
}

const readTakes = 5_000;
const reads = ['info', 'ml.info', 'ml.get_*', 'security.has_privileges'];
const busy = 10;
/**
 * The minimum remaining time, in milliseconds, of a sweep that keeps the full reserve for its final steps. With less
 * time, the reserve may be too short for the last read of the jobs, because each read takes five seconds.
 */
const leastForTruth = 80_000;

/**
 * One job in ten takes longer to close than its request waits, one in fifty never closes, and one in fifty has failed.
 */
function fleetJob(index: number): FleetJob {
  return {
    jobId: `idle-${String(index).padStart(4, '0')}`,
    lastData: `${72 + (index % 1_000)}h`,
    ...(index % 50 === 7 ? { state: 'failed' } : {}),
    closeTakes: index % 50 === 3 ? 'never' : index % 10 === 5 ? '3m' : `${1 + (index % 30)}s`,
  };
}

/** Runs each sweep on its own cluster. In the result, `cases` counts the sweeps. */
export async function sweepSlowClusters(sweeps: readonly SlowSweep[]): Promise<LoadResult> {
  const problems = new Problems();
  let closed = 0;
  let leastLeft = Number.POSITIVE_INFINITY;
  for (const each of sweeps) {
    const { took, counts } = await sweepSlowly(each, problems);
    closed += (counts?.closed ?? 0) + (counts?.forceClosed ?? 0);
    leastLeft = Math.min(leastLeft, each.remainingMs - took);
  }
  return {
    cases: sweeps.length,
    measured: `${closed} closed, each ended ${(leastLeft / 1_000).toFixed(1)} s or more before its time was up`,
    problems: problems.all,
  };
}

async function sweepSlowly({ idle, remainingMs, payload = {} }: SlowSweep, problems: Problems) {
  using clock = new VirtualClock(Date.parse('2026-11-23T12:00:00Z'));
  using _tracked = trackHttp(clock);
  const jobs = [
    ...Array.from({ length: idle }, (_, index) => fleetJob(index)),
    ...Array.from({ length: busy }, (_, index): FleetJob => ({ jobId: `busy-${index}`, lastData: '1m' })),
  ];
  await using server = await startElasticsearch({ clock, fleet: { jobs } });
  for (const api of reads) server.faults.add({ api, times: Number.POSITIVE_INFINITY, delay: readTakes });
  const started = clock.now();
  const expect = (holds: boolean, otherwise: string) =>
    problems.expect(holds, `${idle} idle jobs in ${remainingMs / 1_000} s: ${otherwise}`);
  await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
  const order = { sweepId: 'slow', ...parseRequest({ fuse: { maxJobs: null, maxShare: null }, ...payload }) };
  const report = await sweep(order, { cluster, clock, remainingMs, followUps }).catch((error: unknown) => {
    // Exit code 5: the cluster could not be read in time, so nothing was closed.
    if (!(error instanceof JobsweepError) || error.exitCode !== 5) throw error;
    return undefined;
  });
  const took = clock.now() - started;
  expect(took < remainingMs, `it took ${took} ms`);
  if (report) compare(report, server, remainingMs, expect);
  else {
    const closes = server.requests.filter(({ path }) => path.endsWith('/_close')).length;
    expect(closes === 0, `no report, and ${closes} requests to close`);
    expect(remainingMs < 4 * readTakes, 'no report, though there was time to read the cluster');
  }
  return { took, counts: report?.counts };
}

/** Accepts every follow-up, like a working scheduler. */
const followUps: FollowUps = {
  pending: () => Promise.resolve(new Set()),
  arrange: ({ chain, at, jobs }) =>
    Promise.resolve({ name: `${chain.sweepId}-${chain.round}`, at, jobIds: jobs.map(({ jobId }) => jobId) }),
};

/**
 * For each outcome in the report, the states that an idle job may have. A close may end after the last read, so a job
 * that is reported as closing may be closed.
 */
const trueOf: Readonly<Record<string, readonly string[]>> = {
  closed: ['closed'],
  force_closed: ['closed'],
  closing: ['closing', 'closed'],
  not_attempted: ['opened', 'failed'],
  unknown: ['opened', 'closing', 'closed'],
};

function compare(
  report: SweepReport,
  { cluster }: EmbeddedElasticsearch,
  remainingMs: number,
  expect: (holds: boolean, otherwise: string) => void,
): void {
  const told = new Map(report.jobs.map((job) => [job.jobId, job]));
  const seen: Record<string, number> = {};
  for (const { jobId, state } of cluster.jobs()) {
    const job: ReportedJob | undefined = told.get(jobId);
    if (jobId.startsWith('busy')) {
      expect(job === undefined && state === 'opened', `${jobId} is ${state}, and ${job?.outcome}`);
      continue;
    }
    const outcome = job?.outcome ?? 'not in the report';
    seen[outcome] = (seen[outcome] ?? 0) + 1;
    expect(trueOf[outcome]?.includes(state) ?? false, `${jobId} is ${state}, the report says ${outcome}`);
  }
  const { counts, followUp, status, warnings } = report;
  const counted = {
    closed: counts.closed,
    force_closed: counts.forceClosed,
    closing: counts.closing,
    not_attempted: counts.notAttempted,
    unknown: counts.unknown,
  };
  for (const [outcome, count] of Object.entries(counted))
    expect(count === (seen[outcome] ?? 0), `${count} ${outcome} are counted, of ${seen[outcome] ?? 0}`);
  const left = counts.listed - counts.kept - Object.values(counted).reduce((sum, count) => sum + count, 0);
  expect(left === 0, `${left} jobs have another outcome`);
  if (counts.closing > 0)
    expect(
      followUp?.jobs === counts.closing || warnings.length > 0,
      `${counts.closing} are left closing, and nobody comes back for ${counts.closing - (followUp?.jobs ?? 0)}`,
    );
  if (remainingMs >= leastForTruth)
    expect(counts.unknown === 0, `${counts.unknown} are unknown, though there was time for a last read`);
  const undone =
    (counts.notAttempted > 0 && followUp === null) ||
    // More jobs have failed than a sweep may force-close (`force.max`).
    report.jobs.some(({ notAttemptedBecause }) => notAttemptedBecause === 'limit') ||
    counts.unknown > 0 ||
    (counts.closing > 0 && followUp?.jobs !== counts.closing);
  expect(status === (undone ? 'partial' : 'done'), `the status is ${status}`);
}
