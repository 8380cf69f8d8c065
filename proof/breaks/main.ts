/**
 * @module `npm run breaks`: applies each break to a copy of the source, runs random cases on that copy, and prints how
 * many cases it took to notice the break. The last line of the output is `N passed, N failed`.
 */
import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import pMap from 'p-map';
import { atLeastOne, proofCommand, seedOption } from '../command-options.ts';
import { breakable, breaks } from './index.ts';
import { type Found, tryBreak } from './scratch.ts';

const { cases, seed, only } = proofCommand(
  'npm run breaks --',
  'Breaks each property on purpose and checks that it is noticed.',
)
  .option('--cases <count>', 'maximum number of worlds or inputs to try for each break', atLeastOne, 10_000)
  .addOption(seedOption(20_261_123))
  .addOption(new Option('--only <property>', 'only the breaks of one property').choices(breakable))
  .parse()
  .opts<{ readonly cases: number; readonly seed: number; readonly only?: string }>();
const say = (text: string) => process.stdout.write(`${text}\n`);

const chosen = breaks.filter(({ property }) => only === undefined || property === only);
const unbroken = breakable.filter((name) => !breaks.some(({ property }) => property === name));
for (const name of unbroken) say(`${name}: has no break`);
let failed = only === undefined ? unbroken.length : 0;
await pMap(
  chosen,
  async (each) => {
    const found = await tryBreak(each, { cases, seed });
    if (!found.violated.includes(each.property)) failed += 1;
    say(`${each.property.padEnd(16)}  ${describe(found, each.property)}  ${each.wrong}`);
  },
  { concurrency: availableParallelism() },
);
say(`${chosen.length + unbroken.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || chosen.length === 0 ? 1 : 0;

function describe({ cases, violated }: Found, property: string): string {
  if (violated.includes(property)) return `found by case ${String(cases).padStart(5)}`;
  return violated.length > 0 ? `MISSED, but noticed by ${violated.join(', ')}` : `MISSED in ${cases} cases`;
}
