/** @module Measures plans for growing numbers of jobs, in fresh processes that run the deployed bundle. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { nodeOptions } from '../../deploy/template.ts';
import { type Fleet, type FleetJob, scaledClock, startElasticsearch } from '../../simulator/index.ts';
import { bytes, median, whole } from '../numbers.ts';
import { bundle } from './bundle.ts';
import { type Invocation, invokeOnce } from './invocation.ts';
import type { ScaleResults, SizeFigures } from './results.ts';

/** A demanding fleet: each job is idle and has a datafeed and a long id. */
export function idleFleet(jobs: number): Fleet {
  return {
    jobs: Array.from({ length: jobs }, (_, index): FleetJob => {
      const jobId = `team-${index % 40}-service-latency-by-endpoint-${String(index).padStart(5, '0')}`;
      return {
        jobId,
        groups: [`team-${index % 40}`],
        openedAt: '200d',
        lastData: `${72 + (index % 2_000)}h`,
        datafeed: { state: 'stopped' },
      };
    }),
  };
}

/** A dry run over all jobs of the fleet, without the fuses that would trip. */
export const planOfAll = { dryRun: true, fuse: { maxJobs: null, maxShare: null } };

/** The measurements for one number of jobs. */
export interface Measured {
  /** Plans with the template's options for Node, as in a deployment. */
  readonly runs: readonly Invocation[];
  /** Plans without the template's options for Node. */
  readonly plain: readonly Invocation[];
}

/** Runs plans with the deployed bundle on clusters of the given sizes, each in its own process. */
export async function measurePlans(
  sizes: readonly number[],
  times: number,
  { alsoPlain = false } = {},
): Promise<ReadonlyMap<number, Measured>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-scale-'));
  try {
    const { file } = await bundle('src/function/handler.ts', folder);
    const results = new Map<number, Measured>();
    for (const size of sizes) {
      await using server = await startElasticsearch({ clock: scaledClock(), fleet: idleFleet(size) });
      const [runs, plain]: [Invocation[], Invocation[]] = [[], []];
      for (let run = 0; run < times; run += 1) {
        runs.push(await invokeOnce(file, planOfAll, server.url));
        if (alsoPlain) plain.push(await invokeOnce(file, planOfAll, server.url, ''));
      }
      results.set(size, { runs, plain });
    }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs the bench with `times` fresh processes for each number of jobs. Calls `tell` with a line after each number. */
export async function scaleBench(times: number, tell: (line: string) => void): Promise<ScaleResults> {
  const measured = await measurePlans([100, 1_000, 5_000, 10_000], times, { alsoPlain: true });
  const sizes = [...measured].map(([jobs, { runs, plain }]): SizeFigures => {
    const of = (pick: (run: Invocation) => number, among = runs) => median(among.map(pick));
    const figures = {
      jobs,
      cpuMs: of(({ cpuMs }) => cpuMs),
      peak: of(({ peak }) => peak),
      highestPeak: Math.max(...runs.map(({ peak }) => peak)),
      grown: of(({ peak, atRest }) => peak - atRest),
      plain: { cpuMs: of(({ cpuMs }) => cpuMs, plain), peak: of(({ peak }) => peak, plain) },
    };
    tell(`${whole(jobs)} jobs: ${figures.cpuMs.toFixed(0)} ms, ${bytes(figures.peak)}`);
    return figures;
  });
  return { node: process.versions.node, times, nodeOptions, machine: totalmem(), sizes };
}
