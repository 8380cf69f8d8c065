/**
 * @module Budgets of the function benches. `npm run bench` fails if a result exceeds one. They are ratios between
 * programs that are measured in one run, because a slow machine slows all of them down; only memory has an absolute
 * limit.
 */
import { bytes, ratio } from '../numbers.ts';
import type { ColdStartResults, ScaleResults } from './results.ts';

interface Budget {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: (value: number) => string;
}

const exceeded = (budgets: readonly Budget[]) =>
  budgets
    .filter(({ value, limit }) => value >= limit)
    .map(({ what, value, limit, unit }) => `${what}: ${unit(value)}, but the budget is ${unit(limit)}`);

/**
 * The budgets of a cold start that the results exceed, each as a line of text. The function needs 0.42 to 0.52 times
 * the processor time of the unmodified client, and 1.2 times if it uses that client.
 */
export const overColdStartBudget = ({ loads }: ColdStartResults): string[] =>
  exceeded([
    {
      what: 'loading the function, relative to the unmodified client',
      value: loads.sweep.cpuMs / loads.client.cpuMs,
      limit: 0.6,
      unit: ratio,
    },
    {
      what: 'loading the function, relative to an empty handler',
      value: loads.sweep.cpuMs / loads.empty.cpuMs,
      limit: 40,
      unit: ratio,
    },
  ]);

/**
 * The budgets of scale that the results exceed, each as a line of text. A plan of 10,000 jobs needs 6.6 times the
 * processor time and 3 times the memory of a plan of 1,000, although it reads the list twice; its peak is 115 to 140 MB.
 */
export function overScaleBudget({ sizes }: ScaleResults): string[] {
  const [small, large] = [1_000, 10_000].map((size) => sizes.find(({ jobs }) => jobs === size));
  if (!small || !large) throw new Error('the results lack a row for 1,000 or 10,000 jobs');
  return exceeded([
    {
      what: 'the processor time of a plan of 10,000 jobs, relative to 1,000',
      value: large.cpuMs / small.cpuMs,
      limit: 10,
      unit: ratio,
    },
    {
      what: 'the memory growth of a plan of 10,000 jobs, relative to 1,000',
      value: large.grown / small.grown,
      limit: 10,
      unit: ratio,
    },
    {
      what: 'the peak memory of a plan of 10,000 jobs',
      value: large.highestPeak,
      limit: 160 * 2 ** 20,
      unit: bytes,
    },
  ]);
}
