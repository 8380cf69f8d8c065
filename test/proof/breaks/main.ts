/**
 * @module `npm run breaks [-- --cases N] [--seed S] [--only PROPERTY]`: breaks each property on purpose in a scratch copy,
 * runs random cases there, and tells after how many the break was found. Ends with `N passed, N failed`.
 */
import { parseArgs } from 'node:util';
import { badInputs } from '../bad-input/index.ts';
import { properties } from '../properties.ts';
import { badInputBreaks } from './bad-input.ts';
import { breaks as worldBreaks } from './list.ts';
import { type Found, tryBreak } from './scratch.ts';

const { values } = parseArgs({
  options: {
    /** Of each try. */
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '20261123' },
    only: { type: 'string' },
  },
});
const say = (text: string) => process.stdout.write(`${text}\n`);

const breaks = [...worldBreaks, ...badInputBreaks];
const chosen = breaks.filter(({ property }) => values.only === undefined || property === values.only);
const unbroken = [...properties, ...badInputs].filter(
  ({ name }) => !breaks.some(({ property }) => property === name),
);
for (const { name } of unbroken) say(`${name}: no break is known that it would find`);
let failed = values.only === undefined ? unbroken.length : 0;
for (const each of chosen) {
  const found = await tryBreak(each, { cases: Number(values.cases), seed: Number(values.seed) });
  if (!found.violated.includes(each.property)) failed += 1;
  say(`${each.property.padEnd(16)}  ${tell(found, each.property)}  ${each.wrong}`);
}
say(`${chosen.length + unbroken.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || chosen.length === 0 ? 1 : 0;

function tell({ cases, violated }: Found, property: string): string {
  if (violated.includes(property)) return `found by case ${String(cases).padStart(5)}`;
  return violated.length > 0 ? `MISSED, though ${violated.join(', ')} saw it` : `MISSED in ${cases} cases`;
}
