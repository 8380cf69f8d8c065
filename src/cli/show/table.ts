/** @module Tables that fit the terminal they are printed on. */
import stringWidth from 'string-width';
import { printable } from '../../sweep/text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** May be cut to make the table fit; without it a column keeps its width. */
  readonly shrinks?: boolean;
}

const gap = '  ';
const narrowest = 8;

/** Rows under their titles, at most `width` columns wide; what a shrinking column loses ends in `…`. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = Number.POSITIVE_INFINITY,
): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ value }) => printable(value(row)))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => stringWidth(line[index] ?? ''))));
  squeeze(widths, columns, width);
  return cells
    .map((line) =>
      line
        .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

/** Takes what is too much from the widest column that shrinks, a step at a time, so that none loses all. */
function squeeze(widths: number[], columns: readonly { readonly shrinks?: boolean }[], width: number): void {
  const total = () => widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1));
  while (total() > width) {
    const widest = widths
      .map((each, index) => ({ each, index }))
      .filter(({ each, index }) => columns[index]?.shrinks && each > narrowest)
      .sort((a, b) => b.each - a.each)[0];
    if (!widest) return;
    widths[widest.index] = widest.each - 1;
  }
}

function pad(cell: string, width: number, align: 'left' | 'right' = 'left'): string {
  const shown = stringWidth(cell) > width ? `${cell.slice(0, Math.max(0, width - 1))}…` : cell;
  const space = ' '.repeat(Math.max(0, width - stringWidth(shown)));
  return align === 'right' ? space + shown : shown + space;
}
