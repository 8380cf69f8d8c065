/**
 * @module The budgets of the function benches. `npm run bench` fails if a result exceeds its budget. Each budget limits
 * a ratio between two measurements of the same run, because a slow machine slows both of them down.
 */
import { ratio } from '../numbers.ts';
import type { ColdStartResults, ScaleResults } from './results.ts';

interface Budget {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
}

const exceeded = (budgets: readonly Budget[]) =>
  budgets
    .filter(({ value, limit }) => value >= limit)
    .map(({ what, value, limit }) => `${what}: ${ratio(value)}, but the budget is ${ratio(limit)}`);

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
    },
    {
      what: 'loading the function, relative to an empty handler',
      value: loads.sweep.cpuMs / loads.empty.cpuMs,
      limit: 40,
    },
  ]);

/**
 * Returns a line of text for each budget of scale that the results exceed. A plan of 10,000 jobs needs 6.6 times the
 * processor time of a plan of 1,000 jobs, although a plan of 10,000 jobs reads everything twice. Memory has no budget
 * here: other load does not change it, so a test checks it (test/bench/scale.test.ts).
 */
export function overScaleBudget({ sizes }: ScaleResults): string[] {
  const [small, large] = [1_000, 10_000].map((size) => sizes.find(({ jobs }) => jobs === size));
  if (!small || !large) throw new Error('the results lack a row for 1,000 or 10,000 jobs');
  return exceeded([
    {
      what: 'the processor time of a plan of 10,000 jobs, relative to 1,000',
      value: large.cpuMs / small.cpuMs,
      limit: 10,
    },
  ]);
}
