/** @module How much it matters to know one's nodes and to be patient, and how it goes on other clusters than the bench's. */
import { median } from '../numbers.ts';
import { biggestFirst } from './biggest-first.ts';
import { endless } from './compare.ts';
import { measure } from './measure.ts';
import { benchCase, lowerBound, type Nodes, nodesOfTheBench } from './model.ts';
import {
  type ElsewhereResult,
  jobsElsewhere,
  type KnowingResult,
  type PatienceResult,
  sizesOfPatience,
} from './results.ts';
import { eager, jobsweep, swift } from './ways.ts';

/** The bench's nodes, and another `close.perNode` than theirs. */
export async function knowing(
  seeds: readonly number[],
  tell: (line: string) => void,
): Promise<KnowingResult[]> {
  const results: KnowingResult[] = [];
  for (const perNode of [4, 6, 8, 9, 10, 12, 16, null]) {
    const result = { perNode, ...(await timed(seeds, nodesOfTheBench, perNode)) };
    results.push(result);
    tell(`perNode ${perNode ?? 'left out'}: ${result.time.toFixed(2)}`);
  }
  return results;
}

/** Places per node, and less time for each close: what outlasts its request gives its place away, and is watched. */
export async function patience(
  seeds: readonly number[],
  tell: (line: string) => void,
): Promise<PatienceResult[]> {
  const results: PatienceResult[] = [];
  for (const timeout of ['2m', '5m', '15m']) {
    const request = swift();
    const payload = { ...request, close: { ...request.close, timeout } };
    const times: number[] = [];
    for (const jobs of sizesOfPatience) {
      const all: number[] = [];
      for (const seed of seeds) {
        const each = benchCase(jobs, seed);
        const { doneMs } = await measure(jobsweep(payload, endless), each);
        all.push(doneMs / lowerBound(each.idle));
      }
      times.push(median(all));
    }
    results.push({ timeout, times });
    tell(`close.timeout ${timeout}: ${times.map((time) => time.toFixed(2)).join(', ')}`);
  }
  return results;
}

/** Other nodes, with their capacity and one as `close.perNode`, and without it. */
export async function elsewhere(
  seeds: readonly number[],
  tell: (line: string) => void,
): Promise<ElsewhereResult[]> {
  const results: ElsewhereResult[] = [];
  for (const nodes of [
    { count: 1, capacity: 8 },
    { count: 2, capacity: 8 },
    { count: 3, capacity: 8 },
    { count: 4, capacity: 4 },
    { count: 8, capacity: 8 },
  ]) {
    const marks = seeds.map((seed) => {
      const { idle } = benchCase(jobsElsewhere, seed, nodes);
      return biggestFirst(idle, nodes) / lowerBound(idle, nodes);
    });
    const { time: places } = await timed(seeds, nodes, nodes.capacity + 1);
    const { time: none } = await timed(seeds, nodes, null);
    results.push({ nodes, biggestFirst: median(marks), places, none });
    tell(`${nodes.count} × ${nodes.capacity}: ${places.toFixed(2)}`);
  }
  return results;
}

async function timed(seeds: readonly number[], nodes: Nodes, perNode: number | null) {
  const times: number[] = [];
  const requests: number[] = [];
  const { close, ...rest } = swift(nodes);
  const payload = perNode === null ? eager : { ...rest, close: { ...close, perNode } };
  for (const seed of seeds) {
    const each = benchCase(jobsElsewhere, seed, nodes);
    const measures = await measure(jobsweep(payload, endless), each);
    times.push(measures.doneMs / lowerBound(each.idle, nodes));
    requests.push(measures.requests);
  }
  return { time: median(times), requests: median(requests) };
}
