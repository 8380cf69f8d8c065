/** @module Recommends a threshold if the evidence supports one. */
import { plural } from '../../base/text.ts';
import type { KnownPast } from './known-past.ts';
import type { Replayed } from './replay.ts';

export interface Recommendation {
  readonly idleFor: string;
  readonly because: string;
}

/** Maximum share of wrong closes among the certain closes. */
const tolerated = 0.1;
/** Minimum share of the period that must be known, over all judged jobs. */
const knownShare = 0.5;
const minDays = 7;

interface Period {
  readonly asOf: number;
  readonly periodFrom: number;
  readonly days: number;
}

/**
 * The shortest threshold with at most one wrong close in ten, in the worst case. A past that begins only with the
 * job's last data cannot show a wrong close, so it supports no recommendation.
 */
export function recommend(
  thresholds: readonly ({ readonly idleFor: string } & Replayed)[],
  pasts: readonly KnownPast[],
  { asOf, periodFrom, days }: Period,
): { readonly recommended: Recommendation | null; readonly because: string } {
  const none = (because: string) => ({ recommended: null, because });
  if (pasts.length === 0) return none('no job could be judged');
  if (days < minDays) return none(`${plural(days, 'day')} are too short; ask for at least ${minDays}`);
  const known = pasts.reduce((sum, { knownFrom }) => sum + asOf - Math.max(knownFrom, periodFrom), 0);
  const share = known / (pasts.length * (asOf - periodFrom));
  if (share < knownShare)
    return none(
      `only ${Math.round(share * 100)} % of the period is known of the jobs judged, and half of it is needed`,
    );
  for (const { idleFor, closes, wrongCloses } of thresholds) {
    if (closes.atLeast === 0 || wrongCloses.atMost > tolerated * closes.atLeast) continue;
    return {
      recommended: {
        idleFor,
        because: `of at least ${plural(closes.atLeast, 'close')}, ${wrongCloses.atMost === 0 ? 'none' : `at most ${wrongCloses.atMost}`} would have been wrong, and no shorter threshold given is as safe`,
      },
      because: '',
    };
  }
  return none('under each threshold more than one close in ten may have been wrong');
}
