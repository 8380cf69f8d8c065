/**
 * @module The budgets of the function benches. `npm run bench` fails if a result exceeds its budget. Nearly all budgets
 * limit a ratio between two measurements of the same run, because a slow machine slows both of them down. Only the
 * budget of the peak memory is absolute.
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
 * Returns a line of text for each budget of a cold start that the results exceed. The function needs 0.42 to 0.52 times
 * the processor time of the unmodified client alone. If the function used that client, it would need 1.2 times as much.
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
 * Returns a line of text for each budget of scale that the results exceed. A plan of 10,000 jobs needs 6.6 times the
 * processor time and 3 times the memory of a plan of 1,000 jobs, although everything is read twice from 10,000 jobs on.
 * The peak memory of a plan of 10,000 jobs is 115 to 140 MB.
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
