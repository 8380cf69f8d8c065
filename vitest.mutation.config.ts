/** @module The tests that mutation testing runs (see stryker.config.js). */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The quickest to tell first: a mutant dies with the first test that notices it, and a random world takes longest. */
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
