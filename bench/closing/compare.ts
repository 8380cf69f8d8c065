/** @module Compares all ways of closing on the same clusters: common scripts, the previous default, and the sweep. */
import { median, spread } from '../numbers.ts';
import { biggestFirst } from './biggest-first.ts';
import { functionLimitMs, type Measures, measure, type Way } from './measure.ts';
import { type BenchCase, capacityOf, lowerBound, type Nodes, nodesOfTheBench, placesBound } from './model.ts';
import type { WayResult } from './results.ts';
import { allAtOnce, allWithForce, before, defaults, fixedBatches, jobsweep, loop, oneList } from './ways.ts';

/**
 * A remaining time, in milliseconds, that is longer than any measured run takes. Runs with the function's real deadline
 * are measured separately.
 */
export const endless = 24 * 3_600_000;

interface Contender {
  readonly name: string;
  readonly way: Way;
  /**
   * Like `way`, but with the deadline of the function. Only a sweep respects deadlines, so scripts have no such
   * variant.
   */
  readonly inFunction?: Way;
}

const contenders: readonly Contender[] = [
  { name: 'one close per job, in a loop', way: loop },
  { name: 'batches of 20 in list order', way: fixedBatches },
  { name: 'all at once', way: allAtOnce },
  { name: 'one comma-separated list', way: oneList },
  { name: '`_all` with force', way: allWithForce },
  { name: 'the previous default', way: before },
  {
    name: 'jobsweep, default request',
    way: jobsweep(defaults, endless),
    inFunction: jobsweep(defaults, functionLimitMs),
  },
];

/** The ways of closing that are also measured on `otherNodes`. */
const contendersElsewhere = new Set([
  'batches of 20 in list order',
  'all at once',
  'the previous default',
  'jobsweep, default request',
]);

interface Run {
  readonly free: Measures;
  readonly inFunction: Measures;
  /** The number of busy jobs that were closed when the way of closing chose the jobs itself. */
  readonly wronglyClosed: number;
  readonly bound: number;
  readonly placesBound: number;
  readonly biggestFirst: number;
}

/**
 * Runs every contender on every case. All cases have the same number of jobs and the same kind of nodes. Calls `tell`
 * with each result.
 */
export async function compare(
  cases: readonly BenchCase[],
  nodes: Nodes,
  tell: (result: WayResult) => void,
): Promise<WayResult[]> {
  const results: WayResult[] = [];
  const isUsual = nodes === nodesOfTheBench;
  for (const contender of contenders.filter(({ name }) => isUsual || contendersElsewhere.has(name))) {
    const runs: Run[] = [];
    for (const each of cases) runs.push(await runOf(contender, each, nodes));
    const result = resultOf(contender, runs, nodes);
    results.push(result);
    tell(result);
  }
  return results;
}

async function runOf({ way, inFunction }: Contender, each: BenchCase, nodes: Nodes): Promise<Run> {
  const free = await measure(way, each, 'given');
  const fits = free.durationMs < functionLimitMs * 0.9;
  // a sweep always chooses the jobs itself, so its first run already shows how many busy jobs it closes
  const { wronglyClosed } = inFunction ? free : await measure(way, each, 'own');
  return {
    free,
    inFunction: inFunction && !fits ? await measure(inFunction, each) : free,
    wronglyClosed,
    bound: lowerBound(each.idle, nodes),
    placesBound: placesBound(each.idle, nodes),
    biggestFirst: biggestFirst(each.idle, nodes),
  };
}

function resultOf({ name, inFunction: ours }: Contender, runs: readonly Run[], nodes: Nodes): WayResult {
  const of = (pick: (measures: Measures) => number) => median(runs.map(({ free }) => pick(free)));
  const inFunction = (pick: (measures: Measures) => number) =>
    median(runs.map((run) => pick(run.inFunction)));
  const worst = (pick: (measures: Measures) => number) => Math.max(...runs.map(({ free }) => pick(free)));
  const perSecond = (requests: number, { durationMs }: Measures) => (1_000 * requests) / durationMs;
  return {
    name,
    ours: ours !== undefined,
    time: spread(runs.map(({ free, bound }) => free.doneMs / bound)),
    overPlacesBound: spread(runs.map(({ free, placesBound: bound }) => free.doneMs / bound)),
    overBiggestFirst: spread(runs.map(({ free, biggestFirst: mark }) => free.doneMs / mark)),
    refusal: of(({ closed }) => closed) === 0 ? runs[0]?.free.refusal : undefined,
    survived: runs.filter((run) => run.inFunction.durationMs <= functionLimitMs).length,
    closedInTime: inFunction(({ closedInTime }) => closedInTime),
    wronglyClosed: median(runs.map(({ wronglyClosed }) => wronglyClosed)),
    forced: of(({ forced }) => forced),
    unknown: inFunction(({ unknown }) => unknown),
    requests: of(({ requests }) => requests),
    requestsPerSecond: of((measures) => perSecond(measures.requests, measures)),
    requestsPerSecondWithoutLooks: of((measures) =>
      perSecond(measures.requests - measures.lookRequests, measures),
    ),
    closeRequests: of(({ closeRequests }) => closeRequests),
    peak: worst(({ peak }) => peak) / capacityOf(nodes),
    peakWithinTimeout: worst(({ peakWithinTimeout }) => peakWithinTimeout) / capacityOf(nodes),
    bytes: of(({ bytes }) => bytes),
  };
}
