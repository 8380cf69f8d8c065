/** @module The properties over bad input, the same cases each time. Many more, and others: `npm run proof`. */
import { expect, it } from 'vitest';
import { badInputs } from './bad-input/index.ts';

it.each(badInputs)('$name: $sentence', { timeout: 120_000 }, async ({ run }) => {
  const { cases, problems } = await run({ seed: 20_261_123, cases: 150 });
  expect(problems).toEqual([]);
  expect(cases).toBeGreaterThan(0);
});
