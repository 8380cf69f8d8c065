/** @module The state of a job on each day: data, silence, closed or unknown. */
import type { KnownPast } from '../../sweep/advising/known-past.ts';
import { holds, meets, type Span, spanAt } from '../../sweep/advising/spans.ts';

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
export function calendarOf(past: KnownPast, from: number, asOf: number): CalendarDay[] {
  const count = Math.max(1, Math.ceil((asOf - from) / day));
  const data = dataSpans(past);
  return Array.from({ length: count }, (_, index) => {
    const begins = asOf - (count - index) * day;
    const kind = kindOf(past, data, begins, begins + day);
    return { from: begins, kind, mark: dayMarks[kind] };
  });
}

function kindOf(past: KnownPast, data: readonly Span[], begins: number, ends: number): DayKind {
  const { silent, notOpen, knownFrom } = past;
  if (holds(notOpen, begins, ends)) return 'closed';
  const inDay = data.filter(({ from, to }) => from < ends && to > begins);
  // If data arrived within a span of at most two days, each day of the span counts as a day with data. In a longer
  // span, it is uncertain on which day the data arrived, so a day of known silence stays silent.
  if (inDay.some(({ from, to }) => to - from <= 2 * day)) return 'data';
  if (holds(silent, begins, ends)) return wasOpenIn(past, begins, ends) ? 'silent' : 'unknown';
  return ends > knownFrom && inDay.length > 0 ? 'data' : 'unknown';
}

/**
 * The spans within which data arrived, without known silence at their start or end. For example, a span may end with
 * silence and then a close, because a close saves the model even if its newest record arrived long before.
 */
function dataSpans({ data, silent }: KnownPast): Span[] {
  return data.spans.flatMap((span) => {
    const from = spanAt(silent, span.from)?.to ?? span.from;
    const to = spanAt(silent, span.to)?.from ?? span.to;
    return from <= to ? [{ from, to }] : [];
  });
}

/** Whether the job was open for part of the day. Being opened or closed on that day also counts. */
function wasOpenIn({ open, closes, starts }: KnownPast, begins: number, ends: number): boolean {
  const within = ({ from, to }: Span) => from >= begins && to <= ends;
  return meets(open, begins, ends) || closes.spans.some(within) || starts.spans.some(within);
}
