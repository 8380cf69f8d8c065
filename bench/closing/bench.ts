/** @module Runs the closing bench and returns its results. */
import { median, ratio, seconds, spread, whole } from '../numbers.ts';
import { biggestFirst } from './biggest-first.ts';
import { compare } from './compare.ts';
import { benchCase, lowerBound, type Nodes, networkMs, nodesOfTheBench, otherNodes } from './model.ts';
import type { ClosingResults, SizeResult } from './results.ts';
import { traffic } from './traffic.ts';

/** `repeats` is the number of random clusters for each number of jobs. All ways of closing run on the same clusters. */
export async function closingBench(
  sizes: readonly number[],
  repeats: number,
  tell: (line: string) => void,
): Promise<ClosingResults> {
  const seeds = Array.from({ length: repeats }, (_, index) => index + 1);
  const measured: SizeResult[] = [];
  for (const nodes of [nodesOfTheBench, ...otherNodes])
    for (const jobs of sizes) measured.push(await measureSize(jobs, nodes, seeds, tell));
  return {
    node: process.versions.node,
    repeats,
    networkMs,
    sizes: measured,
    traffic: await traffic(tell),
  };
}

async function measureSize(
  jobs: number,
  nodes: Nodes,
  seeds: readonly number[],
  tell: (line: string) => void,
): Promise<SizeResult> {
  const cases = seeds.map((seed) => benchCase(jobs, seed, nodes));
  const boundMs = median(cases.map(({ idle }) => lowerBound(idle, nodes)));
  tell(`${whole(jobs)} idle jobs on ${nodes.count} × ${nodes.processors}, lower bound ${seconds(boundMs)}`);
  const marks = cases.map(({ idle }) => biggestFirst(idle, nodes) / lowerBound(idle, nodes));
  const ways = await compare(cases, nodes, ({ name, time, peak }) =>
    tell(`${name}: ${ratio(time.median)}, at most ${ratio(time.max)}, peak ${ratio(peak)}`),
  );
  return { jobs, nodes, boundMs, biggestFirst: spread(marks), ways };
}
