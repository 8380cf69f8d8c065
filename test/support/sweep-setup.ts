/** @module The setup for tests of a sweep: the embedded cluster over real HTTP, the real client, and simulated time. */
import { expect } from 'vitest';
import {
  type ElasticsearchOptions,
  type EmbeddedElasticsearch,
  type Fleet,
  type FleetJob,
  type SimulatedCluster,
  startElasticsearch,
  trackHttp,
  VirtualClock,
} from '../../simulator/index.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { Observer } from '../../src/sweep/closing/ledger.ts';
import type { FollowUps } from '../../src/sweep/ports.ts';
import type { ReportedJob, SweepReport } from '../../src/sweep/reporting/report.ts';
import { warningCode } from '../../src/sweep/reporting/warning-codes.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { carryOut, planSweep, type SweepOrder } from '../../src/sweep/sweep.ts';
import { outcomes } from '../../src/sweep/vocabulary.ts';

export interface SweepOptions {
  readonly remainingMs?: number;
  readonly followUps?: FollowUps;
  readonly stop?: AbortSignal;
  readonly observer?: Observer;
  readonly sweepId?: string;
  readonly histories?: SweepOrder['histories'];
  /** Called between the plan and the closes. */
  readonly between?: () => unknown;
}

export class SweepSetup implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly server: EmbeddedElasticsearch;
  readonly #tracking: Disposable;

  constructor(clock: VirtualClock, server: EmbeddedElasticsearch, tracking: Disposable) {
    this.clock = clock;
    this.server = server;
    this.#tracking = tracking;
  }

  get cluster(): SimulatedCluster {
    return this.server.cluster;
  }

  /** Runs one sweep with the real client in simulated time, and checks that the report adds up. */
  async sweep(payload: RequestPayload = {}, options: SweepOptions = {}): Promise<SweepReport> {
    const { remainingMs = 15 * 60_000, sweepId = 'test-sweep', histories, between, ...rest } = options;
    const cluster = new ElasticsearchCluster({ address: { url: this.server.url } }, this.clock);
    const order = { sweepId, ...parseRequest(payload), ...(histories && { histories }) };
    const setup = { cluster, clock: this.clock, remainingMs, ...rest };
    const plan = await planSweep(order, setup);
    between?.();
    const left = remainingMs - (this.clock.now() - plan.startedAt);
    const { report } = await carryOut(plan, { ...setup, remainingMs: left });
    expectSums(report);
    return report;
  }

  state(jobId: string): string | undefined {
    return this.cluster.job(jobId)?.state;
  }

  /** The ids in each close request, in the order of the requests. */
  closes(): string[][] {
    return this.closeRequests().map(({ path }) => decodeURIComponent(path).split('/')[3]?.split(',') ?? []);
  }

  closeRequests() {
    return this.server.requests.filter(({ path }) => path.endsWith('/_close'));
  }

  forcedIds(): string[] {
    return this.closeRequests()
      .filter(({ query }) => query.includes('force=true'))
      .flatMap(({ path }) => decodeURIComponent(path).split('/')[3]?.split(',') ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    this.#tracking[Symbol.dispose]();
    this.clock[Symbol.dispose]();
  }
}

export interface SetupOptions extends Pick<ElasticsearchOptions, 'seed' | 'stack'> {
  /** A clock that the test shares between this setup and another one. */
  readonly clock?: VirtualClock;
}

/**
 * Starts a setup with these jobs. By default, a job is idle: it was opened 30 days ago and got data until 5 days ago.
 */
export async function startSetup(
  jobs: readonly FleetJob[],
  fleet: Fleet = {},
  { clock = new VirtualClock(), ...options }: SetupOptions = {},
): Promise<SweepSetup> {
  const tracking = trackHttp(clock);
  const described = jobs.map(
    (job): FleetJob => ({ lastData: '5d', modelBytes: '10mb', closeTakes: '2s', ...job }),
  );
  const server = await startElasticsearch({ clock, fleet: { ...fleet, jobs: described }, ...options });
  return new SweepSetup(clock, server, tracking);
}

/** Busy jobs, so that a few idle jobs are less than half of the cluster. */
export const busy = (count: number): FleetJob[] =>
  Array.from({ length: count }, (_, index) => ({ jobId: `busy-${index}`, lastData: '1m' }));

/** Idle jobs whose data stopped at different hours, so that they do not look like an outage. */
export const idle = (count: number, changes: Partial<FleetJob> = {}): FleetJob[] =>
  Array.from({ length: count }, (_, index) => ({
    jobId: `idle-${index}`,
    lastData: `${100 + index}h`,
    ...changes,
  }));

export function jobOf(report: SweepReport, jobId: string): ReportedJob {
  const found = report.jobs.filter((job) => job.jobId === jobId);
  expect(found, `${jobId} in the report`).toHaveLength(1);
  return found[0] as ReportedJob;
}

/** A job's outcome and reason in the report, as `outcome reason`. */
export function fateOf(report: SweepReport, jobId: string): string {
  const job = jobOf(report, jobId);
  return `${job.outcome} ${job.reason}`;
}

/**
 * Checks the rules of every report: each job occurs once, counts are the sums of their parts, and the runbook knows each
 * warning.
 */
export function expectSums({ counts, jobs, kept, warnings }: SweepReport): void {
  expect(warnings.filter((warning) => warningCode(warning) === undefined)).toEqual([]);
  expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(jobs.length);
  const byOutcome = Object.values(outcomes).reduce((sum, { count }) => sum + counts[count], 0);
  expect(byOutcome).toBe(counts.listed);
  expect(Object.values(kept).reduce((sum, count) => sum + count, 0)).toBe(counts.kept);
  for (const [outcome, { count }] of Object.entries(outcomes)) {
    if (outcome === 'kept') continue;
    expect(jobs.filter((job) => job.outcome === outcome).length, outcome).toBe(counts[count]);
  }
  expect(jobs.filter(({ verdict }) => verdict === 'close' || verdict === 'force').length).toBe(counts.idle);
}

/** Checks that the report's outcome of each job matches the state of the cluster. */
export function expectTruth(report: SweepReport, { cluster }: SweepSetup): void {
  for (const { jobId, outcome } of report.jobs) {
    const truth = cluster.job(jobId);
    const state = truth?.state ?? 'gone';
    if (outcome === 'closed' || outcome === 'force_closed' || outcome === 'already_closed')
      expect(state, jobId).toBe('closed');
    if (outcome === 'force_closed') expect(truth?.forced, jobId).toBe(true);
    if (outcome === 'closing') expect(state, jobId).toBe('closing');
    if (outcome === 'gone') expect(state, jobId).toBe('gone');
    if (outcome === 'error' || outcome === 'revived' || outcome === 'not_attempted')
      expect(state, jobId).not.toBe('closed');
  }
}
