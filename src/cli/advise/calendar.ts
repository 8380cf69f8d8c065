/** @module A job's days: data, silence, closed, or not known. */
import type { KnownPast } from '../../sweep/advising/known-past.ts';
import { holds, meets } from '../../sweep/advising/spans.ts';

const day = 86_400_000;

export type DayKind = 'data' | 'silent' | 'closed' | 'unknown';

export interface CalendarDay {
  readonly from: number;
  readonly kind: DayKind;
  readonly mark: string;
}

export const dayMarks: Readonly<Record<DayKind, string>> = {
  data: '█',
  silent: '·',
  closed: ' ',
  unknown: '?',
};
export const calendarLegend = '█ data  · open and silent  (blank) closed  ? not known';

/** One entry per 24 hours, counted back from `asOf` to `from`; oldest first. */
export function calendarOf(
  { data, silent, open, notOpen, knownFrom }: KnownPast,
  from: number,
  asOf: number,
): CalendarDay[] {
  const count = Math.max(1, Math.ceil((asOf - from) / day));
  return Array.from({ length: count }, (_, index) => {
    const begins = asOf - (count - index) * day;
    const ends = begins + day;
    // If data came at an unknown moment within more than two days, no day is marked.
    const hasData = data.spans.some(
      (span) => span.from < ends && span.to > begins && span.to - span.from <= 2 * day,
    );
    const kind: DayKind = holds(notOpen, begins, ends)
      ? 'closed'
      : hasData
        ? 'data'
        : holds(silent, begins, ends) && holds(open, begins, ends)
          ? 'silent'
          : ends > knownFrom && meets(data.spans, begins, ends)
            ? 'data'
            : 'unknown';
    return { from: begins, kind, mark: dayMarks[kind] };
  });
}
