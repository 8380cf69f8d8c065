/**
 * @module Where a datafeed's records come from. A source is a formula, not a stream: how many records lie in a span
 * of event time is computed, so that an idle cluster of ten thousand jobs needs no timers and no memory.
 */

export interface Records {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  readonly fields: number;
}

/** Records with `from` <= time < `to`; undefined when there are none. Epoch milliseconds. */
export interface Source {
  between(from: number, to: number): Records | undefined;
  /** The latest record before `to` and not before `from`. */
}

export interface Rhythm {
  /** Milliseconds of event time from one record to the next. */
  readonly every: number;
  readonly from: number;
  /** When the source dries up; undefined for never. */
  readonly until?: number | undefined;
  readonly bytesPerRecord: number;
  readonly fieldsPerRecord: number;
}

/** One record each `every` milliseconds, until it dries up. */
export function rhythm({ every, from, until, bytesPerRecord, fieldsPerRecord }: Rhythm): Source {
  return {
    between(low, high) {
      const start = Math.max(0, Math.ceil((low - from) / every));
      const end = Math.ceil((Math.min(high, until ?? high) - from) / every);
      const count = end - start;
      if (count <= 0) return undefined;
      return {
        count,
        first: from + start * every,
        last: from + (end - 1) * every,
        bytes: count * bytesPerRecord,
        fields: count * fieldsPerRecord,
      };
    },
  };
}

export const drySource: Source = { between: () => undefined };
