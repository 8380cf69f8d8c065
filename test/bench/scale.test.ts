/**
 * @module The memory of large plans: ten times the jobs take at most ten times the memory, and 10,000 fit into 160 MB.
 * How long they take is measured by `npm run bench`.
 */
import { describe, expect, it } from 'vitest';
import { measurePlans } from '../../bench/function/scale.ts';
import { sized } from '../support/nightly.ts';

describe('a plan of the deployed function, in a fresh process', () => {
  it('a plan of 10,000 jobs takes at most 10 times the memory of a plan of 1,000 jobs, and at most 160 MB', {
    timeout: 120_000,
  }, async () => {
    const measured = await measurePlans([1_000, 10_000], sized({ push: 1, nightly: 3 }));
    const minimum = (size: number) => {
      const runs = measured.get(size)?.runs ?? [];
      return {
        grown: Math.min(...runs.map(({ peak, atRest }) => peak - atRest)),
        peak: Math.max(...runs.map(({ peak }) => peak)),
        counts: runs[0]?.counts,
      };
    };
    const [small, large] = [minimum(1_000), minimum(10_000)];
    expect(large.counts).toMatchObject({ open: 10_000, listed: 10_000, idle: 10_000, notAttempted: 10_000 });
    // The measured ratio is 3, and the measured peak is 115 to 140 MB.
    expect(large.grown / small.grown).toBeLessThan(10);
    expect(large.peak).toBeLessThan(160 * 2 ** 20);
  });
});
