/**
 * @module Decides which jobs flap, that is, which are opened again after each close before they could count as idle. It
 * does not matter who closed them.
 */

/** When a job was closed or opened; epoch milliseconds. */
export interface StateMoment {
  readonly at: number;
  readonly kind: 'opened' | 'closed';
}

/** Number of closes after which a job counts as flapping, if it was opened again within `idleFor` after each of them. */
export const maxComebacks = 3;
/** How far back reopenings count, in milliseconds. */
export const flappingWindow = 30 * 86_400_000;

/** A job that has been open for longer than this cannot have been reopened three times within `flappingWindow`. */
export const comebackWindow = 29 * 86_400_000;

/** Whether the job was opened again within `idleFor` after at least three closes. A move to another node does not count. */
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
