/** @module The facts that each source alone proves about a job's past. */
import type { Span } from './spans.ts';

export const minute = 60_000;
export const hour = 60 * minute;

/** Assumed maximum difference between the clocks of two sources, in milliseconds. */
export const clockError = 60_000;
/** Assumed maximum duration of a close if `finished_time` is unknown. */
export const longestClose = 10 * minute;
/** Maximum time from node assignment to the start of the process, for starts that no message reports. */
export const longestStart = 15 * minute;

export interface Facts {
  readonly silent: Span[];
  readonly data: Span[];
  readonly open: Span[];
  readonly notOpen: Span[];
  readonly noStart: Span[];
  readonly starts: Span[];
  readonly closes: Span[];
  readonly reopened: { readonly closedAt: number; readonly openedAt: number }[];
  /** Spans for which it is known whether data arrived. */
  readonly watched: Span[];
}

export const noFacts = (): Facts => ({
  silent: [],
  data: [],
  open: [],
  notOpen: [],
  noStart: [],
  starts: [],
  closes: [],
  reopened: [],
  watched: [],
});

export const around = (moment: number): Span => ({ from: moment - clockError, to: moment + clockError });
