/**
 * @module Entries of the sweep's ledger, for tests of single decisions: by default, an idle job in the middle of a
 * sweep.
 */

import { Entry } from '../../src/sweep/closing/ledger.ts';
import type { JobSnapshot } from '../../src/sweep/planning/inventory.ts';
import type { History, Verdict } from '../../src/sweep/planning/verdict.ts';
import type { ClusterError, JobStats } from '../../src/sweep/ports.ts';
import { idleJob, minute, now } from './jobs.ts';

/** What the sweep has recorded about a job so far. */
type Noted = Partial<
  Pick<Entry, 'asks' | 'askedAt' | 'lastAskAt' | 'forced' | 'lastError' | 'stopsDatafeed' | 'datafeedStopped'>
> & { readonly seen?: JobStats };

interface EntryParts {
  readonly job?: Partial<JobSnapshot>;
  readonly verdict?: Verdict;
  readonly history?: History;
  readonly earlierAttempts?: number;
}

/** A job to be closed that has had no close request yet. */
export function entryOf(jobId: string, noted: Noted = {}, parts: EntryParts = {}): Entry {
  const { job, verdict = { verdict: 'close', reason: 'idle' }, history, earlierAttempts } = parts;
  const { seen, ...rest } = noted;
  const entry = Object.assign(new Entry(idleJob({ jobId, ...job }), verdict, history, earlierAttempts), rest);
  if (seen) entry.note({ read: 1, stats: seen });
  return entry;
}

/** A job with one close request, sent a minute ago. */
export const askedOnce = (noted: Noted = {}, parts: EntryParts = {}): Entry =>
  entryOf('idle-1', { asks: 1, askedAt: now - minute, lastAskAt: now - minute, ...noted }, parts);

/** A job that was found closing, without a close request from this chain of follow-ups. */
export const foundClosing = (jobId: string, noted: Noted = {}, parts: EntryParts = {}): Entry =>
  entryOf(jobId, noted, {
    verdict: { verdict: 'wait', reason: 'already_closing' },
    ...parts,
    job: { state: 'closing', openedAt: undefined, nodeId: undefined, ...parts.job },
  });

/** The stats of a job in this state, without the age of its process. */
export const statsOf = (jobId: string, state: string, changes: Partial<JobStats> = {}): JobStats => ({
  jobId,
  state,
  runningForecasts: 0,
  ...changes,
});

/** The server's error for a request. */
export const refusal = (status: number, type = 'status_exception', reason = 'no'): ClusterError => ({
  status,
  type,
  reason,
});
