import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { overColdStartBudget, overScaleBudget } from '../../bench/function/budgets.ts';
import type { ColdStartResults, ScaleResults } from '../../bench/function/results.ts';

const results = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../bench/results/${name}.json`, import.meta.url), 'utf8'));
const coldStart = results('cold-start') as ColdStartResults;
const scale = results('scale') as ScaleResults;

describe('the budgets of the function benches', () => {
  it('the published bench results are within the budgets of the function benches', () => {
    expect(overColdStartBudget(coldStart)).toEqual([]);
    expect(overScaleBudget(scale)).toEqual([]);
  });

  it('a function that loads as slowly as one with the unmodified client exceeds the cold-start budgets', () => {
    const loads = { ...coldStart.loads, sweep: coldStart.loads.asItComes };
    expect(overColdStartBudget({ ...coldStart, loads })).toEqual([
      expect.stringMatching(
        /^loading the function, relative to the unmodified client: 1\.\d\d×, but the budget is 0\.60×$/,
      ),
      expect.stringMatching(
        /^loading the function, relative to an empty handler: \d+×, but the budget is 40×$/,
      ),
    ]);
  });

  it('a plan whose time grows with the square of the number of jobs exceeds the budget of the scale bench', () => {
    const sizes = scale.sizes.map((size) => ({ ...size, cpuMs: size.jobs ** 2 / 1_000 }));
    expect(overScaleBudget({ ...scale, sizes })).toEqual([
      'the processor time of a plan of 10,000 jobs, relative to 1,000: 100×, but the budget is 10×',
    ]);
  });
});
