/** @module Tables that fit the terminal they are printed on. */
import stringWidth from 'string-width';
import { printable } from '../../base/text.ts';
import { type Paint, plain, type Tone } from './paint.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** The fewest columns that it may be cut to, to make the table fit; without it, it keeps its width. */
  readonly least?: number;
  /** Where a cut is made: ids differ at both ends, so they are cut in the middle. Default: at the end. */
  readonly cut?: 'middle' | 'end';
  /** Left out when cutting is not enough, the highest number first; without it, it always stays. */
  readonly leftOut?: number;
  readonly tone?: (row: Row) => Tone | undefined;
}

export interface TableLooks {
  /** Columns of the terminal; unlimited when left out. */
  readonly width?: number | undefined;
  readonly paint?: Paint;
}

const gap = '  ';

/** Rows under their titles, no line wider than `width` as long as the columns allow it; what is cut is marked by `…`. */
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
  const line = (cellOf: (column: Column<Row>) => string, toneOf: (column: Column<Row>) => Tone | undefined) =>
    shown
      .map((column, index) => {
        const tone = toneOf(column);
        const cell = place(cellOf(column), widths[index] ?? 0, column);
        return tone ? paint(tone, cell) : cell;
      })
      .join(gap)
      .replace(/ +$/, '');
  return [
    line(
      ({ title }) => title,
      () => 'faint',
    ),
    ...rows.map((row, index) =>
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
    Math.min(natural(column), column.least ?? Number.POSITIVE_INFINITY);
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

/** Takes what is too much from the widest column that may be cut, so that none loses all. */
function squeeze<Row>(columns: readonly Column<Row>[], natural: Widths<Row>, width: number): number[] {
  const widths = columns.map(natural);
  for (let excess = sum(widths) - width; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const each = widths[index] as number;
      if (column.least !== undefined && each > column.least && each > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] as number) - 1;
  }
  return widths;
}

function place<Row>(cell: string, width: number, { align = 'left', cut = 'end' }: Column<Row>): string {
  const shown = shorten(cell, width, cut);
  const space = ' '.repeat(Math.max(0, width - stringWidth(shown)));
  return align === 'right' ? space + shown : shown + space;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** `text` in at most `width` columns, with `…` where something was left out. */
export function shorten(text: string, width: number, cut: 'middle' | 'end' = 'end'): string {
  if (stringWidth(text) <= width) return text;
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment);
  const room = width - 1;
  const back = cut === 'middle' ? Math.floor(room / 2) : 0;
  const head = take(parts, room - back);
  const tail = take(parts.toReversed(), back).reverse();
  return `${head.join('')}…${tail.join('')}`;
}

function take(parts: readonly string[], room: number): string[] {
  let left = room;
  const taken: string[] = [];
  for (const part of parts) {
    left -= stringWidth(part);
    if (left < 0) break;
    taken.push(part);
  }
  return taken;
}
