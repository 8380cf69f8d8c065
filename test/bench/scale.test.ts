/** @module Budgets of scale: ten times the jobs take at most ten times the time and memory, and 10,000 fit into 160 MB. */
import { describe, expect, it } from 'vitest';
import { measurePlans } from '../../bench/function/scale.ts';

describe('a plan of the deployed function, in a fresh process', () => {
  it('a plan of 10,000 jobs takes at most 10 times the time and memory of a plan of 1,000, and at most 160 MB', {
    timeout: 120_000,
  }, async () => {
    const measured = await measurePlans([1_000, 10_000], 2);
    const minimum = (size: number) => {
      const runs = measured.get(size)?.runs ?? [];
      return {
        cpuMs: Math.min(...runs.map(({ cpuMs }) => cpuMs)),
        grown: Math.min(...runs.map(({ peak, atRest }) => peak - atRest)),
        peak: Math.max(...runs.map(({ peak }) => peak)),
        counts: runs[0]?.counts,
      };
    };
    const [small, large] = [minimum(1_000), minimum(10_000)];
    expect(large.counts).toMatchObject({ open: 10_000, listed: 10_000, idle: 10_000, notAttempted: 10_000 });
    // Measured: 6.6 times the CPU time and 3 times the memory, although the list of 10,000 jobs is read twice. The peak
    // is 115 to 140 MB.
    expect(large.cpuMs / small.cpuMs).toBeLessThan(10);
    expect(large.grown / small.grown).toBeLessThan(10);
    expect(large.peak).toBeLessThan(160 * 2 ** 20);
  });
});
