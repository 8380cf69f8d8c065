/** @module What the sources prove of a job's past, before it is put together. */
import type { Span } from './spans.ts';

export const minute = 60_000;
export const hour = 60 * minute;

/** How far two clocks may be apart. */
export const clockError = 60_000;
/** A close that the server was asked for is over by then, unless `finished_time` says more. */
export const longestClose = 10 * minute;
/** From getting a node to the start of the process, unless a message says more. */
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
  /** Stretches of which the sources say something of data throughout. */
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
