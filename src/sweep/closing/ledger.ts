/**
 * @module The ledger of a running sweep: one entry for each listed job, which gets exactly one outcome. Also the context
 * that closing needs.
 */

import type { Clock } from '../../base/clock.ts';
import type { Budget } from '../budget.ts';
import type { JobSnapshot } from '../planning/inventory.ts';
import type { History, Judge, Verdict } from '../planning/verdict.ts';
import type { Cluster, ClusterError, JobStats } from '../ports.ts';
import type { ReportHead } from '../reporting/report-head.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import type { NotAttemptedReason, OutcomeName, PlacesReason } from '../vocabulary.ts';

/** The outcome of a job, with the details that each outcome requires. */
export type Outcome =
  | {
      readonly outcome: Exclude<OutcomeName, 'error' | 'not_attempted'>;
      readonly error?: never;
      readonly because?: never;
    }
  | { readonly outcome: 'error'; readonly error: ClusterError; readonly because?: never }
  | { readonly outcome: 'not_attempted'; readonly error?: never; readonly because: NotAttemptedReason };

/** The result of one read of a job. */
export interface Seen {
  /** The number of the read. Reads are numbered in the order in which they begin. */
  readonly read: number;
  /** Undefined if the job no longer exists. */
  readonly stats: JobStats | undefined;
}

/** How many jobs of one node a sweep may be closing at the same time. */
export interface NodeLimit {
  readonly places: number;
  readonly because: PlacesReason;
  readonly processors?: number;
}

const closedOutcomes: ReadonlySet<OutcomeName> = new Set(['closed', 'force_closed', 'already_closed']);

export class Entry {
  readonly jobId: string;
  /**
   * The latest snapshot of the job: from the listing, from a check right before a close request, or from the last
   * reading.
   */
  job: JobSnapshot;
  verdict: Verdict;
  readonly history: History;
  /** Close requests that named the job in earlier sweeps of this chain of follow-ups. */
  readonly earlierAttempts: number;
  /** Close requests that named the job in this sweep. */
  asks = 0;
  /** How often the job was read right before a close request. */
  looks = 0;
  /** When the job was first asked to close, or first seen closing. */
  askedAt: number | undefined;
  /** When this sweep last asked the job to close. */
  lastAskAt: number | undefined;
  /** The limit on concurrent closes on the job's node at the time of its latest close request. */
  limit: NodeLimit | undefined;
  forced = false;
  /** The number of the latest close request that named the job, from 1. */
  batch: number | undefined;
  lastError: ClusterError | undefined;
  /** The datafeed that a close of this sweep stops. */
  stopsDatafeed: string | undefined;
  datafeedStopped: boolean | undefined;
  settledAt: number | undefined;
  /** When a read first reported the job closed. */
  closedAt: number | undefined;
  #outcome: Outcome | undefined;
  #seen: Seen | undefined;
  #newestRead = 0;

  constructor(job: JobSnapshot, verdict: Verdict, history: History = {}, earlierAttempts = 0) {
    this.jobId = job.jobId;
    this.job = job;
    this.verdict = verdict;
    this.history = history;
    this.earlierAttempts = earlierAttempts;
    this.askedAt = history.askedAt;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  get settled(): boolean {
    return this.#outcome !== undefined;
  }

  /** Whether the job's outcome is one of `names`. */
  endedAs(...names: readonly OutcomeName[]): boolean {
    return names.some((name) => name === this.#outcome?.outcome);
  }

  /** The job's history, to judge it again. A close request of this sweep counts like one of an earlier sweep. */
  get presentHistory(): History {
    return { ...this.history, askedAt: this.askedAt };
  }

  /** The newest read since the last close request, if any. */
  get seen(): Seen | undefined {
    return this.#seen;
  }

  /** Remembers a read. Ignores a read that a newer one has overtaken. */
  note(seen: Seen): void {
    // break: newest-reading
    if (seen.read <= this.#newestRead) return;
    this.#newestRead = seen.read;
    this.#seen = seen;
  }

  /** Forgets what was seen before a close request: the first `reads` reads no longer count. */
  forgetSeen(reads: number): void {
    this.#newestRead = reads;
    this.#seen = undefined;
  }

  settle(outcome: Outcome, now: number): void {
    // Each job counts once: the first outcome stands.
    if (this.#outcome) return;
    this.#outcome = outcome;
    this.settledAt = now;
    this.closedAt = closedOutcomes.has(outcome.outcome) ? (this.closedAt ?? now) : undefined;
  }
}

/** The outcome of a job that the cluster reports as closed. */
export function closedAs(entry: Entry): 'closed' | 'force_closed' | 'already_closed' {
  // break: force-closed
  if (entry.forced) return 'force_closed';
  const wasAsked = entry.asks > 0 || entry.earlierAttempts > 0 || entry.history.askedAt !== undefined;
  return wasAsked ? 'closed' : 'already_closed';
}

/** What the code that closes jobs needs from the running sweep. */
export interface Closing {
  readonly request: SweepRequest;
  readonly judge: Judge;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly budget: Budget;
  /** Aborts when work must end: the budget is used up, or the sweep was interrupted. */
  readonly ending: AbortSignal;
  readonly observer: Observer;
}

/** Follows a running sweep, for a progress display. */
export interface Observer {
  /** Called when closing begins, with the jobs to act on. */
  begun?(entries: readonly Entry[], head: ReportHead): void;
  /** Called right before a close request is sent. */
  asking?(entries: readonly Entry[], batch: number): void;
  settled?(entry: Entry): void;
  /** Called with each message for the person who watches the sweep. */
  notice?(message: string): void;
}
