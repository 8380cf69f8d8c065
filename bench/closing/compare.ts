/** @module Every way of closing on the same clusters: what people do today, and the sweep. */
import { median, spread } from '../numbers.ts';
import { biggestFirst } from './biggest-first.ts';
import { functionLimitMs, type Measures, measure, type Way } from './measure.ts';
import { type BenchCase, lowerBound } from './model.ts';
import type { WayResult } from './results.ts';
import {
  allAtOnce,
  allWithForce,
  eager,
  fixedBatches,
  jobsweep,
  loop,
  oneList,
  polite,
  swift,
} from './ways.ts';

/** So long that no deadline cuts a measured time short; the function's own deadline is looked at besides. */
export const endless = 24 * 3_600_000;

interface Contender {
  readonly name: string;
  readonly way: Way;
  /** As the function would run it, where that differs: a sweep ends itself before its deadline. */
  readonly inFunction?: Way;
}

const contenders: readonly Contender[] = [
  { name: 'one close per job, in a loop', way: loop },
  { name: 'batches of 20 in list order', way: fixedBatches },
  { name: 'all at once', way: allAtOnce },
  { name: 'one list with commas', way: oneList },
  { name: '`_all` with force', way: allWithForce },
  sweepOf('jobsweep, default request', polite),
  sweepOf('jobsweep, 32 requests at once', eager),
  sweepOf('jobsweep, places per node', swift()),
];

function sweepOf(name: string, payload: Parameters<typeof jobsweep>[0]): Contender {
  return { name, way: jobsweep(payload, endless), inFunction: jobsweep(payload, functionLimitMs) };
}

interface Run {
  readonly free: Measures;
  readonly inFunction: Measures;
  /** Jobs closed that were not idle, by whoever chose for himself. */
  readonly wronglyClosed: number;
  readonly bound: number;
  readonly biggestFirst: number;
}

/** One number of jobs: each contender on each case. `tell` gets a result as each is done. */
export async function compare(
  cases: readonly BenchCase[],
  tell: (result: WayResult) => void,
): Promise<WayResult[]> {
  const results: WayResult[] = [];
  for (const contender of contenders) {
    const runs: Run[] = [];
    for (const each of cases) runs.push(await runOf(contender, each));
    const result = resultOf(contender, runs);
    results.push(result);
    tell(result);
  }
  return results;
}

async function runOf({ way, inFunction }: Contender, each: BenchCase): Promise<Run> {
  const free = await measure(way, each, 'told');
  const fits = free.durationMs < functionLimitMs * 0.9;
  // a sweep finds out by itself, told or not
  const { wronglyClosed } = inFunction ? free : await measure(way, each, 'own');
  return {
    free,
    inFunction: inFunction && !fits ? await measure(inFunction, each) : free,
    wronglyClosed,
    bound: lowerBound(each.idle),
    biggestFirst: biggestFirst(each.idle),
  };
}

function resultOf({ name, inFunction: ours }: Contender, runs: readonly Run[]): WayResult {
  const of = (pick: (measures: Measures) => number) => median(runs.map(({ free }) => pick(free)));
  const inFunction = (pick: (measures: Measures) => number) =>
    median(runs.map((run) => pick(run.inFunction)));
  return {
    name,
    ours: ours !== undefined,
    time: spread(runs.map(({ free, bound }) => free.doneMs / bound)),
    overBiggestFirst: spread(runs.map(({ free, biggestFirst: mark }) => free.doneMs / mark)),
    refusal: of(({ closed }) => closed) === 0 ? runs[0]?.free.refusal : undefined,
    survived: runs.filter((run) => run.inFunction.durationMs <= functionLimitMs).length,
    closedInTime: inFunction(({ closedInTime }) => closedInTime),
    wronglyClosed: median(runs.map(({ wronglyClosed }) => wronglyClosed)),
    forced: of(({ forced }) => forced),
    unknown: inFunction(({ unknown }) => unknown),
    requests: of(({ requests }) => requests),
    closeRequests: of(({ closeRequests }) => closeRequests),
    bytes: of(({ bytes }) => bytes),
  };
}
