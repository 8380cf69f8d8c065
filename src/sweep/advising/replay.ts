/**
 * @module What a threshold would have done to one job: bounds on the closes, the wrong closes and the memory-hours. A
 * close belongs to a silence: the time between two batches of data, or after the last batch before the job closes. A
 * lower bound counts the silences that occur in every possible past. An upper bound is the most that any one possible
 * past can have.
 */
import type { KnownPast } from './known-past.ts';
import { endOfCover, holds, lengthOf, meets, type Span, spanAt, unionOf } from './spans.ts';

export interface Range {
  readonly atLeast: number;
  readonly atMost: number;
}

export interface Replayed {
  readonly closes: Range;
  readonly wrongCloses: Range;
  readonly gbHours: Range;
}

export const noRange: Range = { atLeast: 0, atMost: 0 };
export const sumOf = (a: Range, b: Range): Range => ({
  atLeast: a.atLeast + b.atLeast,
  atMost: a.atMost + b.atMost,
});

const hour = 3_600_000;

/** The replayed sweeps, oldest first: at fixed intervals, counted back from now to the start of the period. */
export function sweepsOf(asOf: number, periodFrom: number, every: number): number[] {
  const count = Math.floor((asOf - periodFrom) / every);
  return Array.from({ length: count + 1 }, (_, index) => asOf - (count - index) * every);
}

export function replay(past: KnownPast, idleFor: number, sweeps: readonly number[]): Replayed {
  const own = sweeps.filter((sweep) => sweep >= past.knownFrom);
  const asOf = sweeps.at(-1) ?? 0;
  const sure = own.filter((sweep) => surelyCloses(past, sweep, idleFor));
  const possible = own.filter((sweep) => possiblyCloses(past, sweep, idleFor));
  const atMost = mostCloses(past, possible, idleFor);
  return {
    closes: { atLeast: fewestCloses(past, sure), atMost },
    wrongCloses: {
      atLeast: fewestWrong(past, sure, asOf),
      atMost: Math.min(atMost, mostWrong(past, possible, idleFor, asOf)),
    },
    gbHours: {
      atLeast: gbHours(
        past,
        freeFor(sure, (sweep) => surelyFreeUntil(past, sweep, asOf)),
        possible,
        Math.min,
      ),
      atMost: gbHours(
        past,
        freeFor(possible, (sweep) => possiblyFreeUntil(past, sweep, asOf)),
        possible,
        Math.max,
      ),
    },
  };
}

/** Whether, in every possible past, the job is open at the sweep and has been idle for long enough. */
const surelyCloses = ({ open, silent, noStart }: KnownPast, sweep: number, idleFor: number): boolean =>
  spanAt(open, sweep) !== undefined &&
  holds(silent, sweep - idleFor, sweep) &&
  holds(noStart, sweep - idleFor, sweep);

/** Whether, in at least one possible past, the job is open at the sweep and has been idle for long enough. */
function possiblyCloses(
  { data, starts, closes, notOpen }: KnownPast,
  sweep: number,
  idleFor: number,
): boolean {
  const since = sweep - idleFor;
  return (
    !meets(notOpen, since, sweep) &&
    spanAt(notOpen, sweep) === undefined &&
    !data.within(since, sweep) &&
    !starts.within(since, sweep) &&
    !closes.within(since, sweep)
  );
}

function fewestCloses({ data, closes }: KnownPast, sure: readonly number[]): number {
  let count = 0;
  let closedBy = Number.NEGATIVE_INFINITY;
  for (const sweep of sure) {
    if (count > 0 && !data.within(closedBy, sweep) && !closes.within(closedBy, sweep)) continue;
    count += 1;
    closedBy = sweep;
  }
  return count;
}

function mostCloses({ silent, open }: KnownPast, possible: readonly number[], idleFor: number): number {
  let count = 0;
  let last: number | undefined;
  for (const sweep of possible) {
    if (last !== undefined) {
      const until = sweep - idleFor;
      // This sweep and the last one counted belong to one silence if no data came and the job stayed open in between.
      if (until <= last || (holds(silent, last, until) && holds(open, last, until))) continue;
    }
    count += 1;
    last = sweep;
  }
  return count;
}

function fewestWrong({ data, open }: KnownPast, sure: readonly number[], asOf: number): number {
  let count = 0;
  let reopenedBy = Number.NEGATIVE_INFINITY;
  for (const sweep of sure) {
    if (sweep <= reopenedBy) continue;
    const dataBy = data.earliestEndAfter(sweep);
    if (dataBy > asOf || !holds(open, sweep, dataBy)) continue;
    count += 1;
    reopenedBy = dataBy;
  }
  return count;
}

function mostWrong(past: KnownPast, possible: readonly number[], idleFor: number, asOf: number): number {
  let count = 0;
  let dataAt = Number.NEGATIVE_INFINITY;
  while (true) {
    // Chooses the close whose next data comes first, because that leaves the most time for more wrong closes.
    let earliest: number | undefined;
    for (const sweep of possible) {
      if (sweep < dataAt + idleFor) continue;
      if (earliest !== undefined && sweep >= earliest) break;
      const next = earliestData(past, sweep, asOf);
      if (next !== undefined && next < (earliest ?? Number.POSITIVE_INFINITY)) earliest = next;
    }
    if (earliest === undefined) return count;
    count += 1;
    dataAt = earliest;
  }
}

/** The earliest time after the sweep at which the job, if still open, may have received data. */
function earliestData(
  { silent, notOpen, closes }: KnownPast,
  sweep: number,
  asOf: number,
): number | undefined {
  const at = endOfCover(silent, sweep);
  if (at >= asOf || meets(notOpen, sweep, at)) return undefined;
  if (closes.earliestEndAfter(sweep) < at) return undefined;
  return Math.max(at, sweep + 1);
}

const surelyFreeUntil = ({ silent, open }: KnownPast, sweep: number, asOf: number): number =>
  Math.min(endOfCover(silent, sweep), endOfCover(open, sweep), asOf);

function possiblyFreeUntil({ data, closes, notOpen }: KnownPast, sweep: number, asOf: number): number {
  const notOpenFrom = notOpen.find(({ to, from }) => to > sweep && from >= sweep)?.from;
  return Math.min(data.earliestEndAfter(sweep), closes.earliestEndAfter(sweep), notOpenFrom ?? asOf, asOf);
}

const freeFor = (sweeps: readonly number[], until: (sweep: number) => number): Span[] =>
  sweeps.map((sweep) => ({ from: sweep, to: until(sweep) }));

/**
 * Freed memory multiplied by time. Uses the model size recorded closest to the close. If the time of the close is
 * uncertain, `extreme` chooses among the sizes recorded around it.
 */
function gbHours(
  { bytes, data, closes }: KnownPast,
  free: readonly Span[],
  possible: readonly number[],
  extreme: (...sizes: number[]) => number,
): number {
  let sum = 0;
  for (const span of unionOf(free)) {
    // The close may already have happened in an earlier sweep of the same silence.
    const silentFrom = Math.max(data.latestStartBy(span.from), closes.latestStartBy(span.from));
    const closedFrom = possible.find((sweep) => sweep >= silentFrom) ?? span.from;
    const before = bytes.findLastIndex(({ at }) => at <= Math.min(closedFrom, span.from));
    const after = bytes.findIndex(({ at }) => at >= span.to);
    const near = bytes.slice(Math.max(0, before), after < 0 ? undefined : after + 1);
    if (near.length === 0) continue;
    sum += (extreme(...near.map((known) => known.bytes)) / 1e9) * (lengthOf([span]) / hour);
  }
  return sum;
}
