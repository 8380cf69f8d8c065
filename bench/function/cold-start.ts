/**
 * @module Measures the cold start: the time to load the deployed bundle, an empty handler, and the official client
 * alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultFleet, scaledClock, startElasticsearch } from '../../simulator/index.ts';
import { median } from '../numbers.ts';
import { type StartBundles, startBundles } from './contenders.ts';
import { type Invocation, invokeOnce } from './invocation.ts';
import { minLoads } from './load.ts';
import { type ColdStartResults, type Contender, contenders } from './results.ts';

const each = <T>(value: (name: Contender) => T) =>
  Object.fromEntries(contenders.map((name) => [name, value(name)])) as Record<Contender, T>;

/** Runs the bench with `times` fresh processes for each contender. Calls `tell` with a line after each contender. */
export async function coldStartBench(times: number, tell: (line: string) => void): Promise<ColdStartResults> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-start-'));
  try {
    const bundles = await startBundles(folder);
    const loads = await minLoads(
      each((name) => bundles[name].file),
      times,
    );
    for (const name of contenders) tell(`${name}: ${loads[name].cpuMs.toFixed(1)} ms`);
    return {
      node: process.versions.node,
      times,
      loads: each((name) => ({ ...loads[name], bytes: bundles[name].loadedBytes })),
      allBytes: bundles.sweep.bytes,
      shares: bundles.sweep.shares.slice(0, 8),
      firstPlan: await firstPlan(bundles, times, tell),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Measures the first plan of a fresh process. This includes loading the bundle and sending the first request,
 * which compiles parsers and opens sockets.
 */
async function firstPlan(
  bundles: StartBundles,
  times: number,
  tell: (line: string) => void,
): Promise<ColdStartResults['firstPlan']> {
  const clock = scaledClock();
  await using server = await startElasticsearch({ clock, fleet: defaultFleet(clock.now()) });
  const runs = { asItComes: [] as Invocation[], sweep: [] as Invocation[] };
  for (let run = 0; run < times; run += 1) {
    runs.asItComes.push(await invokeOnce(bundles.asItComes.file, { dryRun: true }, server.url));
    runs.sweep.push(await invokeOnce(bundles.sweep.file, { dryRun: true }, server.url));
  }
  const figures = (of: readonly Invocation[]) => ({
    cpuMs: median(of.map(({ loadCpuMs, cpuMs }) => loadCpuMs + cpuMs)),
    peak: median(of.map(({ peak }) => peak)),
  });
  const [asItComes, sweep] = [figures(runs.asItComes), figures(runs.sweep)];
  tell(`until the first plan: ${sweep.cpuMs.toFixed(0)} ms, as it comes ${asItComes.cpuMs.toFixed(0)} ms`);
  return { jobs: runs.sweep[0]?.counts.listed ?? 0, asItComes, sweep };
}
