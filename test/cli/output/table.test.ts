import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { printable } from '../../../src/base/text.ts';
import { bytes, span } from '../../../src/base/words.ts';
import { type Paint, paintFor } from '../../../src/cli/output/paint.ts';
import { type Column, shorten, table, wrapped } from '../../../src/cli/output/table.ts';

interface Row {
  readonly id: string;
  readonly state: string;
  readonly size: string;
}
const columns: readonly Column<Row>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'STATE', value: ({ state }) => state, leftOut: 2 },
  { title: 'SIZE', value: ({ size }) => size, align: 'right', leftOut: 1 },
];
const rows: readonly Row[] = [
  { id: 'web-latency-by-country-production', state: 'opened', size: '9 MB' },
  { id: 'web', state: 'failed', size: '310 MB' },
];

describe('a table', () => {
  it('a table aligns its columns under their titles, and no line ends with spaces', () => {
    expect(table(rows, columns).split('\n')).toEqual([
      'ID                                 STATE     SIZE',
      'web-latency-by-country-production  opened    9 MB',
      'web                                failed  310 MB',
    ]);
  });

  it('a table that is too wide leaves out the least important columns first, and never cuts an id', () => {
    expect(table(rows, columns, { width: 45 }).split('\n')[1]).toBe(
      'web-latency-by-country-production    9 MB',
    );
    for (const width of [33, 20, 1])
      expect(table(rows, columns, { width }).split('\n')[1], String(width)).toBe(
        'web-latency-by-country-production',
      );
  });

  it('a table wraps text between words within a column, and breaks only words that are longer than the column', () => {
    const wrapping = columns.map((column) => (column.title === 'STATE' ? { ...column, min: 10 } : column));
    const long = [{ id: 'web', state: 'error: index_closed_exception', size: '9 MB' }];
    expect(table(long, wrapping, { width: 24 }).split('\n')).toEqual([
      'ID   STATE          SIZE',
      'web  error:         9 MB',
      '     index_closed_',
      '     exception',
    ]);
  });

  it('a sentence is wrapped between words, with an indent, and a word longer than the line stays whole', () => {
    expect(wrapped('  5  because data arrived lately', 18, 5)).toEqual([
      '  5  because data',
      '     arrived',
      '     lately',
    ]);
    expect(wrapped('job web-latency-by-country is open', 10)).toEqual([
      'job',
      'web-latency-by-country',
      'is open',
    ]);
  });

  it('a table shows control characters as their codes', () => {
    expect(table([{ id: '\u001b[2Jx\nb', state: '', size: '' }], columns)).toContain('\\u{1b}[2Jx\\u{a}b');
  });

  it('a table is wider than the terminal only if its longest id is wider than the terminal', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 40 });
    const widest = (some: readonly Row[]) => Math.max(2, ...some.map(({ id }) => stringWidth(printable(id))));
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: cell, state: cell, size: cell })),
        fc.integer({ min: 8, max: 100 }),
        (some, width) => {
          for (const line of table(some, columns, { width }).split('\n'))
            expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(width, widest(some)));
        },
      ),
    );
  });

  it('a table has the same layout with and without colours', () => {
    const paint: Paint = (tone, text) => `<${tone}>${text}</${tone}>`;
    const coloured = table(
      rows,
      columns.map((column) => ({ ...column, tone: () => 'good' as const })),
      { paint },
    );
    expect(coloured.replace(/<\/?\w+>/g, '').replace(/ +$/gm, '')).toBe(table(rows, columns));
  });
});

describe('shortened text', () => {
  it('shortened text ends with an ellipsis and keeps whole characters', () => {
    expect(shorten('abcdefghij', 5)).toBe('abcd…');
    expect(shorten('日本語日本語', 6)).toBe('日本…');
    expect(shorten('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 4)).toBe('👩‍👩‍👧…');
  });
});

describe('colours', () => {
  const terminal = { isTTY: true } as Parameters<typeof paintFor>[0];
  const pipe = { isTTY: false } as Parameters<typeof paintFor>[0];
  const shows = (
    output: typeof terminal,
    env: Record<string, string>,
    choice: Parameters<typeof paintFor>[2] = 'auto',
  ) => paintFor(output, { env }, choice)('bad', 'x') !== 'x';

  it('colours are used on terminals', () => {
    expect(shows(terminal, {})).toBe(true);
    expect(shows(pipe, {})).toBe(false);
    expect(shows(terminal, { TERM: 'dumb' })).toBe(false);
  });

  it('colours are turned off by any non-empty NO_COLOR, even with FORCE_COLOR', () => {
    expect(shows(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(shows(terminal, { NO_COLOR: '0', FORCE_COLOR: '1' })).toBe(false);
    expect(shows(terminal, { NO_COLOR: '' })).toBe(true);
  });

  it('colours are turned on by FORCE_COLOR without a terminal, and off by FORCE_COLOR=0', () => {
    expect(shows(pipe, { FORCE_COLOR: '1' })).toBe(true);
    expect(shows(terminal, { FORCE_COLOR: '0' })).toBe(false);
  });

  it('the flags --color and --no-color override all other settings for colours', () => {
    expect(shows(pipe, { NO_COLOR: '1' }, 'always')).toBe(true);
    expect(shows(terminal, { FORCE_COLOR: '1' }, 'never')).toBe(false);
  });
});

describe('durations and sizes', () => {
  it.each([
    [0, '0 s'],
    [999, '0 s'],
    [61_000, '1 min 1 s'],
    [3_600_000, '1 h'],
    [90_061_000, '1 d 1 h'],
    [90 * 86_400_000, '90 d'],
  ])('the duration of %i ms is written as %s', (ms, text) => expect(span(ms)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 KB'],
    [1_048_575, '1.0 MB'],
    [10_485_760, '10 MB'],
    [10_380_902, '9.9 MB'],
    [2 ** 31, '2.0 GB'],
    [5 * 2 ** 50, '5120 TB'],
  ])('the size of %i bytes is written as %s', (count, text) => expect(bytes(count)).toBe(text));
});
