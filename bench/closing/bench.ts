/** @module The bench of closing, from its first cluster to its results. */
import { median, ratio, seconds, spread, whole } from '../numbers.ts';
import { biggestFirst } from './biggest-first.ts';
import { compare } from './compare.ts';
import { elsewhere, knowing, patience } from './elsewhere.ts';
import { benchCase, lowerBound, networkMs, nodesOfTheBench } from './model.ts';
import type { ClosingResults, SizeResult } from './results.ts';
import { traffic } from './traffic.ts';
import { eager, swift } from './ways.ts';

/** `repeats`: clusters drawn for each number of jobs; the n-th has the same jobs whoever closes them. */
export async function closingBench(
  sizes: readonly number[],
  repeats: number,
  tell: (line: string) => void,
): Promise<ClosingResults> {
  const seeds = Array.from({ length: repeats }, (_, index) => index + 1);
  const measured: SizeResult[] = [];
  for (const jobs of sizes) {
    const cases = seeds.map((seed) => benchCase(jobs, seed));
    const boundMs = median(cases.map(({ idle }) => lowerBound(idle)));
    tell(`${whole(jobs)} idle jobs, lower bound ${seconds(boundMs)}`);
    const mark = spread(cases.map(({ idle }) => biggestFirst(idle) / lowerBound(idle)));
    const ways = await compare(cases, ({ name, time }) => tell(`${name}: ${ratio(time.median)}`));
    measured.push({ jobs, boundMs, biggestFirst: mark, ways });
  }
  return {
    node: process.versions.node,
    repeats,
    nodes: nodesOfTheBench,
    networkMs,
    requests: { eager: eager.close ?? {}, swift: swift().close ?? {} },
    sizes: measured,
    knowing: await knowing(seeds, tell),
    patience: await patience(seeds, tell),
    elsewhere: await elsewhere(seeds, tell),
    traffic: await traffic(tell),
  };
}
