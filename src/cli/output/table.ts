/** @module Tables that fit the terminal they are printed on. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { printable } from '../../base/text.ts';
import { type Paint, plain, type Tone } from './paint.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** The width down to which its texts may be wrapped, to make the table fit; without it, it keeps its width. */
  readonly min?: number;
  /** Left out when wrapping is not enough, the highest number first; without it, it always stays. */
  readonly leftOut?: number;
  readonly tone?: (row: Row) => Tone | undefined;
}

export interface TableLooks {
  /** Columns of the terminal; unlimited when left out. */
  readonly width?: number | undefined;
  readonly paint?: Paint;
}

const gap = '  ';

/** Rows under their titles, no line wider than `width` as long as the columns allow it. Nothing is cut. */
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

/** Leaves out, one by one, the columns that matter least until the rest fits at its narrowest. */
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

/** Takes what is too much from the widest column that may be wrapped, so that none loses all. */
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

/** Narrower than this, a text is not readable. */
const minWrap = 8;

/**
 * A text wrapped by word into lines of `width` columns; the first `indent` characters of it are a margin that the other
 * lines leave blank. A word that is longer stays whole, because it may be an id, unless `tears` is true.
 */
export function wrapped(text: string, width = Number.POSITIVE_INFINITY, indent = 0, tears = false): string[] {
  if (stringWidth(text) <= width) return [text];
  const lines = wrapAnsi(text.slice(indent), Math.max(minWrap, width - indent), { hard: tears }).split('\n');
  const blank = ' '.repeat(indent);
  return lines.map((line, index) => (index === 0 ? text.slice(0, indent) : blank) + line);
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** `text` in at most `width` columns, with `…` at its end if something was left out. */
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
