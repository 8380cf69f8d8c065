/**
 * @module Sweeps a very large cluster with the deployed bundle in a separate process. Compares the report with the
 * actual state of the cluster, and measures the peak memory. The cluster runs in this process and is not measured.
 */
import { invokeOnce } from '../../bench/function/invocation.ts';
import { scaledClock } from '../../simulator/clock.ts';
import { type FleetJob, type JobTruth, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { type LoadResult, Problems } from './result.ts';

export interface LargeFleet {
  /** The path of the deployed bundle. */
  readonly handler: string;
  readonly jobs: number;
  /** How many of the jobs are idle. They are spread over the whole listing. */
  readonly idle: number;
  /** The field `close` of the request. Default: absent. */
  readonly close?: RequestPayload['close'];
  /** Maximum memory of the process, in bytes. */
  readonly mostBytes: number;
}

const isIdle = ({ jobs, idle }: LargeFleet, index: number) =>
  Math.floor(((index + 1) * idle) / jobs) > Math.floor((index * idle) / jobs);

function fleetJob(size: LargeFleet, index: number): FleetJob {
  const idle = isIdle(size, index);
  return {
    jobId: `team-${index % 40}-service-latency-by-endpoint-${String(index).padStart(5, '0')}`,
    groups: [`team-${index % 40}`],
    openedAt: '200d',
    lastData: idle ? `${72 + (index % 2_000)}h` : `${1 + (index % 40)}h`,
    datafeed: { state: idle || index % 2 === 0 ? 'stopped' : 'started' },
    // closes take real time, so they are short
    closeTakes: `${20 + ((index * 37) % 100)}ms`,
  };
}

/** Sweeps a fleet of this size, and compares the report with the cluster. In the result, `cases` counts the jobs. */
export async function sweepLargeFleet(size: LargeFleet): Promise<LoadResult> {
  const jobs = Array.from({ length: size.jobs }, (_, index) => fleetJob(size, index));
  await using server = await startElasticsearch({ clock: scaledClock(), fleet: { jobs } });
  const payload: RequestPayload = { fuse: { maxJobs: null }, close: size.close };
  const { counts, outcomes, peak, ms } = await invokeOnce(size.handler, payload, server.url);
  const problems = new Problems();
  const truth = new Map(server.cluster.jobs().map((job) => [job.jobId, job]));
  for (const [index, { jobId }] of jobs.entries()) {
    const told = outcomes.get(jobId);
    const { state, closedCleanly } = truth.get(jobId) as JobTruth;
    const right = isIdle(size, index)
      ? told === 'closed' && state === 'closed' && closedCleanly
      : told !== 'closed' && state === 'opened';
    problems.expect(right, `${jobId} is ${state}, the report says ${told ?? 'nothing'} of it`);
  }
  const inState = (state: string) => [...truth.values()].filter((job) => job.state === state).length;
  const expected = {
    open: size.jobs,
    listed: size.jobs,
    idle: size.idle,
    closed: inState('closed'),
    kept: inState('opened'),
    closing: inState('closing'),
    errors: 0,
    unknown: 0,
    notAttempted: 0,
  };
  for (const [name, count] of Object.entries(expected))
    problems.expect(
      counts[name] === count,
      `${name} is ${counts[name]} in the report, and ${count} in truth`,
    );
  const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
  problems.expect(peak < size.mostBytes, `the peak is ${mb(peak)}, over ${mb(size.mostBytes)}`);
  return {
    cases: size.jobs,
    measured: `${counts.closed} of ${size.jobs} closed in ${(ms / 1_000).toFixed(0)} s, peak ${mb(peak)}`,
    problems: problems.all,
  };
}
