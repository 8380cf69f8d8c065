import { describe, expect, it } from 'vitest';
import { ForceLimit } from '../../../src/sweep/planning/force-max.ts';
import { isStuckClosing } from '../../../src/sweep/planning/force-stuck.ts';

describe('a job that is still closing', () => {
  it('a closing job counts as stuck as soon as force.stuckFor has passed', () => {
    expect(isStuckClosing(4_499_999, 4_500_000)).toBe(false);
    expect(isStuckClosing(4_500_000, 4_500_000)).toBe(true);
  });

  it('a closing job is never stuck when force.stuckFor is null', () => {
    expect(isStuckClosing(Number.MAX_SAFE_INTEGER, null)).toBe(false);
  });
});

describe('force.max', () => {
  it('force.max is the number of jobs that may be forced, and 0 allows none', () => {
    const limit = new ForceLimit<string>(2);
    expect(['a', 'b', 'c'].map((job) => limit.take(job))).toEqual([true, true, false]);
    expect(new ForceLimit<string>(0).take('a')).toBe(false);
  });

  it('a job that was already forced may be forced again even if force.max is used up', () => {
    const limit = new ForceLimit<string>(1);
    expect([limit.take('a'), limit.take('a'), limit.take('b')]).toEqual([true, true, false]);
  });
});
