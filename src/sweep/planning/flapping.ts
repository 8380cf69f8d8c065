/** @module Jobs that come back: each time one is closed, by anybody, it is opened again before it could count as idle. */

/** A close, or an open, of one job; epoch milliseconds. */
export interface StateMoment {
  readonly at: number;
  readonly kind: 'opened' | 'closed';
}

/** After this many closes that were undone, a job is left open. */
export const maxComebacks = 3;
/** How far back comebacks count, in milliseconds. */
export const flappingWindow = 30 * 86_400_000;

/** A job that has been open for longer did not come back three times within the other window. */
export const comebackWindow = 29 * 86_400_000;

/** Whether it was opened again within `idleFor` after at least three closes. Moving to another node is no comeback. */
export function isFlapping(moments: readonly StateMoment[], idleFor: number, now: number): boolean {
  let closedAt: number | undefined;
  let comebacks = 0;
  for (const { at, kind } of moments.toSorted((a, b) => a.at - b.at)) {
    if (at < now - flappingWindow) continue;
    if (kind === 'closed') closedAt = at;
    else if (closedAt !== undefined) {
      if (at - closedAt <= idleFor) comebacks += 1;
      closedAt = undefined;
    }
  }
  return comebacks >= maxComebacks;
}
