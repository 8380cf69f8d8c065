/** @module The breaks of `npm run breaks` still stand for lines of the source: one for each property at least. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { breakable, breaks } from './breaks/index.ts';
import { breakLine, tryBreak } from './breaks/scratch.ts';

it.each(breaks)('$property can be broken: $wrong', (each) => {
  const text = readFileSync(new URL(`../../src/${each.file}`, import.meta.url), 'utf8');
  expect(breakLine(text, each)).not.toBe(text);
});

it('every property has a break, and each break is of a property', () => {
  const broken = new Set(breaks.map(({ property }) => property));
  expect([...broken].sort()).toEqual(breakable.toSorted());
});

it.each(['plan', 'log-lines'])('a broken copy is found by the property that it breaks: %s', async (name) => {
  const broken = breaks.find(({ property }) => property === name);
  if (!broken) throw new Error(`there is no break of the property ${name}`);
  const { violated } = await tryBreak(broken, { cases: 300, seed: 20_261_123 });
  expect(violated).toContain(name);
});
