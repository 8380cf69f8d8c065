/**
 * @module Plans sweeps of a very large cluster in one warm function, which starts as Lambda starts it, and measures the
 * peak memory of each invocation. The cluster runs in this process and is not measured.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { nodeOptions } from '../../deploy/template.ts';
import { scaledClock } from '../../simulator/clock.ts';
import { type FleetJob, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { startFunction } from '../deployment/runtime-api.ts';
import { type LoadResult, Problems } from './result.ts';

export interface WarmFleet {
  /** The path of the deployed bundle, or of a module around it that leaks. */
  readonly handler: string;
  readonly jobs: number;
  readonly calls: number;
  /** Maximum memory of an invocation, in bytes. */
  readonly maxBytes: number;
  /**
   * Maximum ratio of the last invocation's memory to that of the second. The first one also compiles code, so it does
   * not count.
   */
  readonly maxGrowth: number;
}

/** The longest id that a job may have. */
const idLength = 64;

/** Every job is idle and has a datafeed, so that each is read, judged, reported and logged. */
function fleetJob(_: unknown, index: number): FleetJob {
  const prefix = `team-${index % 40}-${String(index).padStart(5, '0')}-`;
  return {
    jobId: prefix.padEnd(idLength, 'service-latency-by-endpoint-'),
    groups: [`team-${index % 40}`],
    openedAt: '200d',
    lastData: `${72 + (index % 2_000)}h`,
    datafeed: { state: 'stopped' },
  };
}

const plan = JSON.stringify({ dryRun: true, fuse: { maxJobs: null, maxShare: null } });

/** Invokes one function repeatedly. In the result, `cases` counts the invocations. */
export async function planWarm({
  handler,
  jobs,
  calls,
  maxBytes,
  maxGrowth,
}: WarmFleet): Promise<LoadResult> {
  const fleet = { jobs: Array.from({ length: jobs }, fleetJob) };
  await using server = await startElasticsearch({ clock: scaledClock(), fleet, rememberedRequests: 1 });
  await using running = await startFunction({
    task: path.dirname(handler),
    handler: `${path.parse(handler).name}.handler`,
    functionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep',
    environment: { NODE_OPTIONS: nodeOptions, ELASTICSEARCH_URL: server.url },
    keepsOutput: false,
  });
  await running.initMs;
  const problems = new Problems();
  const peaks: number[] = [];
  for (let call = 1; call <= calls; call += 1) {
    // resets the peak memory of the process (proc(5))
    writeFileSync(`/proc/${running.pid}/clear_refs`, '5');
    const { result, error } = await running.invoke(plan);
    const { counts } = (result ?? {}) as Partial<SweepReport>;
    problems.expect(
      counts?.idle === jobs,
      `call ${call} plans to close ${counts?.idle ?? error?.errorMessage}, of ${jobs}`,
    );
    peaks.push(peakOf(running.pid));
  }
  const shown = peaks.map((peak) => `${(peak / 2 ** 20).toFixed(0)} MB`).join(', ');
  const [, second = 0] = peaks;
  problems.expect(
    peaks.every((peak) => peak <= maxBytes),
    `the peaks are ${shown}, over ${(maxBytes / 2 ** 20).toFixed(0)} MB`,
  );
  problems.expect(
    (peaks.at(-1) ?? 0) <= second * maxGrowth,
    `the peaks grow from call to call: ${shown}, over ${maxGrowth} times the second`,
  );
  return { cases: calls, measured: `${jobs} jobs, peaks ${shown}`, problems: problems.all };
}

/** The peak resident memory of a process since its last reset, in bytes. */
function peakOf(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
