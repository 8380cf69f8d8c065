import { describe, expect, it } from 'vitest';
import { firstProblems, type Problem } from '../../src/base/errors.ts';

describe('the problems of one input', () => {
  const problem = (index: number): Problem => ({
    field: 'jobs',
    path: ['jobs', index],
    message: `no. ${index}`,
  });
  const many = (count: number) => Array.from({ length: count }, (_, index) => problem(index));

  it('all problems with an input are reported if there are at most a hundred', () => {
    expect(firstProblems([])).toEqual([]);
    expect(firstProblems(many(100))).toEqual(many(100));
  });

  it('after a hundred problems with an input, the search for problems stops, and a note says that there are more', () => {
    const expected = [
      ...many(100),
      { field: '', path: [], message: 'and more: only the first 100 problems are shown' },
    ];
    expect(firstProblems(many(101))).toEqual(expected);
    let looked = 0;
    const endless = (function* () {
      for (;;) yield problem(looked++);
    })();
    expect(firstProblems(endless)).toEqual(expected);
    expect(looked).toBe(101);
  });
});
