import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { builtCommand } from '../support/built-command.ts';
import { sized } from '../support/nightly.ts';
import { interrupt, interruptions, unnamed } from './random.ts';

// `npm run interruptions -- --cases 1000` tests more interruptions
it('after a random interruption, the reports in the state directory name every job that a close request named', {
  timeout: 180_000,
}, async () => {
  const { script } = await builtCommand();
  const cases = fc.sample(interruptions, { numRuns: sized({ push: 2, nightly: 12 }) });
  const run = async (interruption: (typeof cases)[number]) => {
    const after = await interrupt(interruption, script);
    expect(unnamed(interruption, after), JSON.stringify({ interruption, after })).toEqual([]);
  };
  for (let start = 0; start < cases.length; start += 4)
    await Promise.all(cases.slice(start, start + 4).map(run));
});
