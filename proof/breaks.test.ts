/**
 * @module Checks the deliberate breaks, each of which changes one line of the source so that a property no longer
 * holds. Every break must match its mark in the source, and every property must have a break.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { expect, it } from 'vitest';
import { sized } from '../test/support/nightly.ts';
import type { Break } from './breaks/break.ts';
import { breakable, breaks } from './breaks/index.ts';
import { breakLine, fileOf, findMarks } from './breaks/marks.ts';
import { tryBreak } from './breaks/scratch.ts';

const root = path.join(import.meta.dirname, '..');

const strippedSources = new Map<string, string>();

/** The source without its types. Cached, because many breaks are in the same file. */
function strippedOnce(text: string): string {
  const stripped = strippedSources.get(text) ?? stripTypeScriptTypes(text);
  strippedSources.set(text, stripped);
  return stripped;
}

it.each(breaks)(
  'the deliberate break "$wrong" (of the property "$property") changes exactly one marked line of the source',
  (each) => {
    const text = readFileSync(path.join(root, fileOf(each)), 'utf8');
    const broken = breakLine(text, each);
    expect(broken).not.toBe(text);
    // throws if the broken source is not valid TypeScript
    expect(stripTypeScriptTypes(broken)).not.toBe(strippedOnce(text));
  },
);

it('every `// break:` mark in the source belongs to a deliberate break', () => {
  const marks = new Set(breaks.map(({ mark }) => mark));
  expect([...findMarks().keys()].filter((mark) => !marks.has(mark))).toEqual([]);
});

it('every property has a deliberate break, and every break names an existing property', () => {
  const broken = new Set(breaks.map(({ property }) => property));
  expect([...broken].sort()).toEqual(breakable.toSorted());
});

// This test tries one or two breaks. `npm run breaks` tries all of them.
it.each(sized({ push: ['log-lines'], nightly: ['plan', 'log-lines'] }))(
  'the property "%s" fails in a copy of the source with its deliberate break',
  async (name) => {
    const broken = breaks.find(({ property }) => property === name);
    if (!broken) throw new Error(`there is no break of the property ${name}`);
    const { violated } = await tryBreak(broken, { cases: 300, seed: 20_261_123 });
    expect(violated).toContain(name);
  },
);

const twoLines: Break = { property: 'activity', wrong: '', mark: 'at-least', becomes: ['>=', '>'] };

it.each([
  ['above its line', '  // break: at-least\n  return a >= b;', '  // break: at-least\n  return a > b;'],
  ['at the end of its line', '  return a >= b; // break: at-least', '  return a > b;'],
  [
    'above another comment',
    '// break: at-least\n// why\nreturn a >= b;',
    '// break: at-least\n// why\nreturn a > b;',
  ],
])(
  'a deliberate break changes the line of code with the comment `// break:` if the comment is %s',
  (_where, text, broken) => {
    expect(breakLine(text, twoLines)).toBe(broken);
  },
);

it.each([
  ['the text has no mark', 'return a >= b;', 'no line carries the mark "at-least"'],
  ['the marked line changed', '// break: at-least\nreturn a > b;', '">=" occurs 0 times in: return a > b;'],
])('a deliberate break is refused if %s', (_why, text, message) => {
  expect(() => breakLine(text, twoLines)).toThrow(message);
});
