import { describe, expect, it } from 'vitest';
import { firstProblems, type Problem } from '../../src/base/errors.ts';

describe('the problems of one input', () => {
  const problem = (index: number): Problem => ({
    field: 'jobs',
    path: ['jobs', index],
    message: `no. ${index}`,
  });
  const many = (count: number) => Array.from({ length: count }, (_, index) => problem(index));

  it('are all told up to a hundred', () => {
    expect(firstProblems([])).toEqual([]);
    expect(firstProblems(many(100))).toEqual(many(100));
  });

  it('are the first hundred of more, and a last one that says so, and no more is looked for', () => {
    const told = [
      ...many(100),
      { field: '', path: [], message: 'and more: only the first 100 problems are shown' },
    ];
    expect(firstProblems(many(101))).toEqual(told);
    let looked = 0;
    const endless = (function* () {
      for (;;) yield problem(looked++);
    })();
    expect(firstProblems(endless)).toEqual(told);
    expect(looked).toBe(101);
  });
});
