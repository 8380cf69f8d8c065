/** @module The tests that mutation testing runs (see stryker.config.js). */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The fastest tests run first, because the first test that notices a mutant ends its run. Random worlds are the
 * slowest.
 */
const order = ['/test/sweep/scenarios/', '/proof/'];

class QuickestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => order.findIndex((part) => moduleId.includes(part));
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1)));
  }
}

export default defineConfig({
  test: {
    include: ['test/{sweep,base}/**/*.test.ts', 'proof/model.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    env: { PROOF_SHRINK: 'no', PROOF_CASES: '60' },
    sequence: { sequencer: QuickestFirst },
  },
});
