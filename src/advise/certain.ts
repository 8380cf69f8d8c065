/** @module Spans in each of which something certainly happened, found by time. */
import type { Span } from './spans.ts';

export class Certain {
  /** Sorted by their end. */
  readonly spans: readonly Span[];
  readonly #ends: readonly number[];
  /** For each, the latest start among it and those before it. */
  readonly #latestStarts: readonly number[];
  readonly #starts: readonly number[];
  /** For each start in order, the earliest end among it and those after it. */
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

  /** Of the spans that are over by `end`, the latest start. */
  latestStartBy(end: number): number {
    return this.#latestStarts[firstAbove(this.#ends, end) - 1] ?? Number.NEGATIVE_INFINITY;
  }

  /** Of the spans that begin after `start`, the earliest end. */
  earliestEndAfter(start: number): number {
    return this.#earliestEnds[firstAbove(this.#starts, start)] ?? Number.POSITIVE_INFINITY;
  }

  /** Whether one of the spans begins after `start` and is over by `end`. */
  within(start: number, end: number): boolean {
    return this.latestStartBy(end) > start;
  }
}

/** The first position at which the sorted values are above `value`. */
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
