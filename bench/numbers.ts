/** @module Statistics over repeated runs, and how they are formatted. */

/**
 * The median. For an even count, this is the lower of the two middle values, so that the median is a measured value.
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.ceil(sorted.length / 2) - 1];
  if (middle === undefined) throw new Error('there is no median of nothing');
  return middle;
}

/** The statistics over repeated runs. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export const seconds = (ms: number): string => {
  const value = ms / 1_000;
  return value < 10
    ? `${value.toFixed(1)} s`
    : value < 7_200
      ? `${whole(value)} s`
      : `${(value / 3_600).toFixed(1)} h`;
};

export const whole = (value: number): string => Math.round(value).toLocaleString('en');

export const bytes = (value: number): string =>
  value < 2 ** 20 ? `${whole(value / 2 ** 10)} kB` : `${(value / 2 ** 20).toFixed(1)} MB`;

export const ratio = (value: number): string => `${value < 10 ? value.toFixed(2) : whole(value)}×`;

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join(
    '\n',
  );
}
