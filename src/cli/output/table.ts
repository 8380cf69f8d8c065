/** @module Tables that fit the width of the terminal. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { printable } from '../../base/text.ts';
import { type Output, widthOf } from '../io.ts';
import { type Paint, plain, type Tone } from './paint.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** The minimum width to which this column may be narrowed by wrapping its texts. If undefined, the width is fixed. */
  readonly min?: number;
  /**
   * If wrapping is not enough, the column with the highest number is dropped first. Without a number, the column always
   * stays.
   */
  readonly leftOut?: number;
  readonly tone?: (row: Row) => Tone | undefined;
}

export interface TableLooks {
  /** Width of the terminal, in characters; unlimited by default. */
  readonly width?: number | undefined;
  readonly paint?: Paint;
}

const gap = '  ';

/** The rows under the column titles, at most `width` wide if the columns allow it. Texts are never cut. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width = Number.POSITIVE_INFINITY, paint = plain }: TableLooks = {},
): string {
  const cells = new Map(
    // break: printable-cell
    columns.map((column) => [column, rows.map((row) => printable(column.value(row)))] as const),
  );
  const natural = (column: Column<Row>) =>
    (cells.get(column) ?? []).reduce(
      (widest, cell) => Math.max(widest, stringWidth(cell)),
      column.title.length,
    );
  const shown = chooseColumns(columns, natural, width);
  const widths = squeeze(shown, natural, width);
  const line = (
    cellOf: (column: Column<Row>) => string,
    toneOf: (column: Column<Row>) => Tone | undefined,
  ) => {
    const parts = shown.map((column, index) => wrapped(cellOf(column), widths[index], 0, true));
    const height = Math.max(...parts.map(({ length }) => length));
    return Array.from({ length: height }, (_line, at) =>
      shown
        .map((column, index) => {
          const tone = toneOf(column);
          const cell = place(parts[index]?.[at] ?? '', widths[index] ?? 0, column);
          return tone ? paint(tone, cell) : cell;
        })
        .join(gap)
        .replace(/ +$/, ''),
    );
  };
  return [
    ...line(
      ({ title }) => title,
      () => 'faint',
    ),
    ...rows.flatMap((row, index) =>
      line(
        (column) => cells.get(column)?.[index] ?? '',
        (column) => column.tone?.(row),
      ),
    ),
  ].join('\n');
}

type Widths<Row> = (column: Column<Row>) => number;

const sum = (widths: readonly number[]) =>
  widths.reduce((total, each) => total + each, gap.length * (widths.length - 1));

/** Drops the least important columns until the others fit at their minimum widths. */
function chooseColumns<Row>(
  columns: readonly Column<Row>[],
  natural: Widths<Row>,
  width: number,
): Column<Row>[] {
  const narrowest = (column: Column<Row>) =>
    Math.min(natural(column), column.min ?? Number.POSITIVE_INFINITY);
  let shown = [...columns];
  while (sum(shown.map(narrowest)) > width) {
    const last = shown.reduce<Column<Row> | undefined>(
      (most, column) => ((column.leftOut ?? 0) > (most?.leftOut ?? 0) ? column : most),
      undefined,
    );
    if (!last) break;
    shown = shown.filter((column) => column !== last);
  }
  return shown;
}

/** Narrows the widest column that may be wrapped, step by step, until the table fits. */
function squeeze<Row>(columns: readonly Column<Row>[], natural: Widths<Row>, width: number): number[] {
  const widths = columns.map(natural);
  for (let excess = sum(widths) - width; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const each = widths[index] as number;
      if (column.min !== undefined && each > column.min && each > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] as number) - 1;
  }
  return widths;
}

function place<Row>(cell: string, width: number, { align = 'left' }: Column<Row>): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(cell)));
  return align === 'right' ? space + cell : cell + space;
}

/** Minimum readable width of a text. */
const minWrap = 8;

/**
 * A text wrapped between words into lines of `width` columns. Its first `indent` characters form a margin, which is
 * blank on later lines. Unless `tears` is true, a word longer than the line stays whole, because it may be an id.
 */
export function wrapped(text: string, width = Number.POSITIVE_INFINITY, indent = 0, tears = false): string[] {
  if (stringWidth(text) <= width) return [text];
  const lines = wrapAnsi(text.slice(indent), Math.max(minWrap, width - indent), { hard: tears }).split('\n');
  const blank = ' '.repeat(indent);
  return lines.map((line, index) => (index === 0 ? text.slice(0, indent) : blank) + line);
}

/** Wraps sentences between words. Each sentence keeps its own indent on every line. */
export const sentences = (texts: readonly string[], width: number | undefined): string[] =>
  texts.flatMap((text) => wrapped(text, width, /^ */.exec(text)?.[0].length));

/** A message for `output`, wrapped between words if `output` is a terminal. */
export const fitted = (text: string, output: Output): string => wrapped(text, widthOf(output)).join('\n');

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** `text` cut to at most `width` columns, with `…` at the end if it was cut. */
export function shorten(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let left = width - 1;
  let head = '';
  for (const { segment } of graphemes.segment(text)) {
    left -= stringWidth(segment);
    if (left < 0) break;
    head += segment;
  }
  return `${head}…`;
}
