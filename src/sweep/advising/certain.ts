/** @module A set of time spans, each certain to contain at least one event, with lookups by time. */
import type { Span } from './spans.ts';

export class Certain {
  /** Sorted by their end. */
  readonly spans: readonly Span[];
  readonly #ends: readonly number[];
  /** For each span in `spans`: the latest start of this span and all earlier ones. */
  readonly #latestStarts: readonly number[];
  readonly #starts: readonly number[];
  /** For each span, in the order of `#starts`: the earliest end of this span and all later ones. */
  readonly #earliestEnds: readonly number[];

  constructor(spans: readonly Span[]) {
    this.spans = spans.toSorted((a, b) => a.to - b.to);
    this.#ends = this.spans.map(({ to }) => to);
    let latest = Number.NEGATIVE_INFINITY;
    this.#latestStarts = this.spans.map(({ from }) => {
      latest = Math.max(latest, from);
      return latest;
    });
    const byStart = spans.toSorted((a, b) => a.from - b.from);
    this.#starts = byStart.map(({ from }) => from);
    let earliest = Number.POSITIVE_INFINITY;
    this.#earliestEnds = byStart
      .toReversed()
      .map(({ to }) => {
        earliest = Math.min(earliest, to);
        return earliest;
      })
      .toReversed();
  }

  /** The latest start among the spans that end by `end`. */
  latestStartBy(end: number): number {
    return this.#latestStarts[firstAbove(this.#ends, end) - 1] ?? Number.NEGATIVE_INFINITY;
  }

  /** The earliest end among the spans that begin after `start`. */
  earliestEndAfter(start: number): number {
    return this.#earliestEnds[firstAbove(this.#starts, start)] ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a span begins after `start` and ends by `end`. */
  within(start: number, end: number): boolean {
    return this.latestStartBy(end) > start;
  }
}

/** The index of the first value above `value`; the values are sorted. */
function firstAbove(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
