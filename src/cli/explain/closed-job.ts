/** @module Finds the last sweep in the given reports that closed a job, and whether something else closed it later. */
import type { JobSnapshot } from '../../sweep/planning/inventory.ts';
import type { KeepReason } from '../../sweep/vocabulary.ts';
import type { PastDeed } from '../input/history.ts';
import { mayHaveClosed } from '../input/past-sweeps.ts';

export interface ExplainedClose {
  /** When the cluster last finished a close of the job, ISO; absent if the cluster does not report it. */
  readonly finishedAt?: string;
  /** The last known sweep that closed the job, or asked it to close. */
  readonly by?: PastDeed;
  /** Whether data or another close came after the close by the sweep in `by`. If so, something else closed the job. */
  readonly isLater: boolean;
  /**
   * The first rule that would keep the job if it were open, no matter how long it has been idle; null if no rule would.
   */
  readonly onceOpen: { readonly reason: KeepReason; readonly saw: string } | null;
}

/** How far the clocks of the cluster and of the sweep may differ. Reports warn of larger differences. */
const clockError = 5 * 60_000;
/**
 * The assumed duration of a close whose end the sweep did not see, in milliseconds: one hour, the maximum for a healthy
 * close.
 */
const longestClose = 3_600_000;

export function closeOf(
  { lastDataTime }: JobSnapshot,
  past: readonly PastDeed[],
  finishedTime: number | undefined,
): Omit<ExplainedClose, 'onceOpen'> {
  const by = past.findLast(mayHaveClosed);
  const ended = by && endOf(by);
  const isLater =
    ended !== undefined &&
    [finishedTime, lastDataTime].some((at) => at !== undefined && at > ended + clockError);
  return {
    ...(finishedTime !== undefined && { finishedAt: new Date(finishedTime).toISOString() }),
    ...(by && { by }),
    isLater,
  };
}

function endOf({ closedAt, askedAt, startedAt }: PastDeed): number {
  return closedAt === undefined ? Date.parse(askedAt ?? startedAt) + longestClose : Date.parse(closedAt);
}
