/**
 * @module The records that a datafeed reads. A source is a formula, not a stream: it calculates how many records a span
 * of event time contains. An idle cluster of ten thousand jobs therefore needs no timers or memory for its data.
 */

/** The records within a span of event time. */
export interface Records {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  readonly fields: number;
}

/** All times are event times in epoch milliseconds. */
export interface Source {
  /** The records with `from` <= time < `to`; undefined when there are none. */
  between(from: number, to: number): Records | undefined;
  /** The time of the first record at or after `from`; undefined when there is none. */
  first(from: number): number | undefined;
}

export interface Rhythm {
  /** Milliseconds of event time from one record to the next. */
  readonly every: number;
  readonly from: number;
  /** When the data ends; undefined if it never ends. */
  readonly until?: number | undefined;
  readonly bytesPerRecord: number;
  readonly fieldsPerRecord: number;
}

/** One record every `every` milliseconds, until the data ends. */
export function rhythm({ every, from, until, bytesPerRecord, fieldsPerRecord }: Rhythm): Source {
  const indexAt = (time: number) => Math.max(0, Math.ceil((time - from) / every));
  return {
    between(low, high) {
      const start = indexAt(low);
      const count = indexAt(Math.min(high, until ?? high)) - start;
      if (count <= 0) return undefined;
      return {
        count,
        first: from + start * every,
        last: from + (start + count - 1) * every,
        bytes: count * bytesPerRecord,
        fields: count * fieldsPerRecord,
      };
    },
    first(low) {
      const time = from + indexAt(low) * every;
      return until !== undefined && time >= until ? undefined : time;
    },
  };
}

export const drySource: Source = { between: () => undefined, first: () => undefined };
