/** @module The bench of scale: inventory, decision and plan for ever more jobs, in fresh processes of the deployed bundle. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { scaledClock } from '../../src/simulator/clock.ts';
import { type Fleet, type FleetJob, startElasticsearch } from '../../src/simulator/elasticsearch/index.ts';
import { bytes, median, table, whole } from '../numbers.ts';
import { bundle } from './bundle.ts';
import { type Invocation, invokeOnce } from './invocation.ts';

/** Every job idle, with a datafeed, ids as long as people make them: the most that has to be looked at and reported. */
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

/** A plan of all of them. */
export const planOfAll = { dryRun: true, fuse: { maxJobs: null, maxShare: null } };

/** Invocations of the deployed bundle on clusters of so many jobs, each in a process of its own. */
export async function invocations(
  sizes: readonly number[],
  times: number,
): Promise<ReadonlyMap<number, readonly Invocation[]>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-scale-'));
  try {
    const { file } = await bundle('src/handler.ts', folder);
    const results = new Map<number, Invocation[]>();
    for (const size of sizes) {
      await using server = await startElasticsearch({ clock: scaledClock(), fleet: idleFleet(size) });
      const runs: Invocation[] = [];
      for (let run = 0; run < times; run += 1) runs.push(await invokeOnce(file, planOfAll, server.url));
      results.set(size, runs);
    }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Returns the report. `times`: fresh processes for each number of jobs. */
export async function scaleBench(times: number, tell: (line: string) => void): Promise<string> {
  const results = await invocations([100, 1_000, 5_000, 10_000], times);
  const rows = [...results].map(([size, runs]) => {
    const of = (pick: (run: Invocation) => number) => median(runs.map(pick));
    const cpuMs = of((run) => run.cpuMs);
    const peak = of((run) => run.peak);
    const grown = of((run) => run.peak - run.atRest);
    tell(`${whole(size)} jobs: ${cpuMs.toFixed(0)} ms, ${bytes(peak)}`);
    return [
      whole(size),
      `${of((run) => run.ms).toFixed(0)} ms`,
      `${cpuMs.toFixed(0)} ms`,
      `${((1_000 * cpuMs) / size).toFixed(0)} µs`,
      bytes(peak),
      bytes(Math.max(...runs.map((run) => run.peak))),
      `${(grown / size / 1_024).toFixed(1)} kB`,
    ];
  });
  const head = [
    'jobs',
    'wall',
    'processor',
    'per job',
    'peak memory',
    'the highest peak',
    'over rest, per job',
  ];
  return [
    '# Scale: inventory, decision and plan',
    `Made by \`npm run bench\` (Node ${process.versions.node}): the deployed bundle plans (\`dryRun\`) on an embedded cluster where every job is idle and has a datafeed, so that every one is read, judged, reported and logged; ${times} fresh processes for each number of jobs, medians. The wall clock holds the time that the embedded cluster takes to answer, on the same machine.`,
    table(head, rows),
  ].join('\n\n');
}
