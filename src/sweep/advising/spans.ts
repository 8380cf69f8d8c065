/** @module Sets of points in time, as sorted, disjoint, closed intervals. Times are epoch milliseconds or infinite. */

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Sorted and disjoint; touching spans are joined. */
export type Spans = readonly Span[];

/** Turns spans into a set. Drops spans that end before they begin. */
export function unionOf(spans: readonly Span[]): Spans {
  const sorted = spans.filter(({ from, to }) => from <= to).sort((a, b) => a.from - b.from);
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of sorted) {
    const last = joined.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** The times that are in both sets. */
export function intersectionOf(a: Spans, b: Spans): Spans {
  const common: Span[] = [];
  let i = 0;
  let j = 0;
  for (let x = a[i], y = b[j]; x && y; x = a[i], y = b[j]) {
    const from = Math.max(x.from, y.from);
    const to = Math.min(x.to, y.to);
    if (from <= to) common.push({ from, to });
    if (x.to < y.to) i += 1;
    else j += 1;
  }
  return common;
}

/** The span of the set that contains `moment`. */
export function spanAt(set: Spans, moment: number): Span | undefined {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const span = set[middle] as Span;
    if (span.to < moment) low = middle + 1;
    else if (span.from > moment) high = middle - 1;
    else return span;
  }
  return undefined;
}

/** Whether the set contains every point in time from `from` to `to`. */
export const holds = (set: Spans, from: number, to: number): boolean => {
  const span = spanAt(set, from);
  return span !== undefined && span.to >= to;
};

/** Whether the set and the open interval from `from` to `to` overlap. */
export const meets = (set: Spans, from: number, to: number): boolean =>
  set.some((span) => span.from < to && span.to > from);

/** The start of the first gap after `moment`; `moment` itself if it is not in the set. */
export const endOfCover = (set: Spans, moment: number): number => spanAt(set, moment)?.to ?? moment;

/** The length of all spans together. */
export const lengthOf = (set: Spans): number => set.reduce((sum, { from, to }) => sum + to - from, 0);
