/** @module The billed-time bench: measures how long invocations are billed when one idle job never finishes closing. */
import type { Fleet } from '../../simulator/index.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { functionLimitMs, measure } from '../closing/measure.ts';
import { type BenchCase, benchCase } from '../closing/model.ts';
import { allAtOnce, defaults, fixedBatches, loop } from '../closing/ways.ts';
import { median, seconds } from '../numbers.ts';
import type { BilledResults, BilledScript, BilledSweep } from './results.ts';
import { billedStory } from './story.ts';

const sizes = [20, 200];

const requests = [
  ...['30s', '2m', '5m'].map((timeout) => ({ name: 'default request', timeout })),
  ...['2m', '5m', '15m'].map((timeout) => ({ name: 'more time for each close', timeout })),
];

const scripts = [
  { name: 'one close per job, in a loop', way: loop },
  { name: 'batches of 20 in list order', way: fixedBatches },
  { name: 'all at once', way: allAtOnce },
];

/**
 * The idle job that is stuck: the one with the biggest model, which a sweep closes first, or the one with the smallest
 * model, which it closes last.
 */
export type Stuck = 'biggest' | 'smallest';

/**
 * The fleet of a case, changed so that closing one idle job takes `closeTakes`. By default, that close never ends. Runs
 * with scripts pass a finite time, because the run goes on until every close has ended.
 */
export function withStuck(
  each: BenchCase,
  which: Stuck,
  closeTakes = 'never',
): { readonly fleet: Fleet; readonly jobId: string } {
  const bySize = each.idle.toSorted((a, b) => b.modelBytes - a.modelBytes);
  const jobId = bySize.at(which === 'biggest' ? 0 : -1)?.jobId ?? '';
  const jobs = each.fleet.jobs?.map((job) => (job.jobId === jobId ? { ...job, closeTakes } : job));
  return { fleet: { ...each.fleet, ...(jobs && { jobs }) }, jobId };
}

/** `repeats` is the number of random clusters for each row. */
export async function billedBench(repeats: number, tell: (line: string) => void): Promise<BilledResults> {
  const seeds = Array.from({ length: repeats }, (_, index) => index + 1);
  const sweeps: BilledSweep[] = [];
  const killed: BilledScript[] = [];
  for (const jobs of sizes) {
    const cases = seeds.map((seed) => benchCase(jobs, seed));
    for (const { name, timeout } of requests) {
      const payload = { ...defaults, close: { timeout } };
      const row = { request: name, jobs, timeout, ...(await billedFor(cases, payload)) };
      sweeps.push(row);
      tell(`${jobs} jobs, ${name}, ${timeout}: ${seconds(row.billedMs)} of ${seconds(row.boundMs)}`);
    }
    for (const { name, way } of scripts) {
      const row = { name, jobs, ...(await scriptFor(cases, way)) };
      killed.push(row);
      tell(`${jobs} jobs, ${name}: ${seconds(row.billedMs)}`);
    }
  }
  return { node: process.versions.node, repeats, sweeps, scripts: killed };
}

async function billedFor(
  cases: readonly BenchCase[],
  payload: RequestPayload,
): Promise<Omit<BilledSweep, 'request' | 'jobs' | 'timeout'>> {
  const calm: number[] = [];
  const stories: Awaited<ReturnType<typeof storyOf>>[] = [];
  for (const each of cases) {
    const [first] = await billedStory(each.fleet, payload);
    calm.push(first?.billedMs ?? Number.NaN);
    for (const which of ['biggest', 'smallest'] as const) stories.push(await storyOf(each, which, payload));
  }
  const of = (pick: (story: (typeof stories)[number]) => number) => median(stories.map(pick));
  return {
    calmMs: median(calm),
    billedMs: of(({ billedMs }) => billedMs),
    boundMs: of(({ boundMs }) => boundMs),
    closed: of(({ closed }) => closed),
    maxOverMs: Math.max(...stories.map(({ maxOverMs }) => maxOverMs)),
    followUps: of(({ followUps }) => followUps),
    followUpsMs: of(({ followUpsMs }) => followUpsMs),
    forcedAfterMs: of(({ forcedAfterMs }) => forcedAfterMs),
  };
}

async function storyOf(each: BenchCase, which: Stuck, payload: RequestPayload) {
  const { fleet, jobId } = withStuck(each, which);
  const [first, ...followUps] = await billedStory(fleet, payload);
  const job = followUps.at(-1)?.report.jobs.find((known) => known.jobId === jobId);
  if (!first || job?.outcome !== 'force_closed') throw new Error(`${jobId} was not forced in the end`);
  return {
    billedMs: first.billedMs,
    boundMs: first.boundMs,
    closed: first.report.counts.closed,
    maxOverMs: Math.max(...[first, ...followUps].map(({ billedMs, boundMs }) => billedMs - boundMs)),
    followUps: followUps.length,
    followUpsMs: followUps.reduce((sum, { billedMs }) => sum + billedMs, 0),
    forcedAfterMs: Date.parse(job.settledAt ?? '') - Date.parse(job.askedAt ?? ''),
  };
}

/**
 * Measures a script that Lambda kills after 15 minutes. The server completes the closes that the script requested
 * before that.
 */
async function scriptFor(
  cases: readonly BenchCase[],
  way: Parameters<typeof measure>[0],
): Promise<Omit<BilledScript, 'name' | 'jobs'>> {
  const runs: Awaited<ReturnType<typeof measure>>[] = [];
  for (const each of cases)
    for (const which of ['biggest', 'smallest'] as const) {
      const { fleet } = withStuck(each, which, '24h');
      runs.push(await measure(way, { ...each, fleet }, 'given'));
    }
  return {
    billedMs: median(runs.map(({ durationMs }) => Math.min(durationMs, functionLimitMs))),
    closed: median(runs.map(({ closedInTime }) => closedInTime)),
    unknown: median(runs.map(({ unknown }) => unknown)),
  };
}
