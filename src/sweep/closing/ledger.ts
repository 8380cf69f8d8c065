/** @module What a sweep knows of each listed job while it runs: one entry a job, each with one outcome at the end. */
import type { JobSnapshot } from '../inventory.ts';
import type { ClusterError, JobStats } from '../ports.ts';
import type { ReportHead } from '../report.ts';
import type { History, Verdict } from '../verdict.ts';
import type { NotAttemptedReason, OutcomeName } from '../vocabulary.ts';

/** What became of a job; the types hold what each outcome must say. */
export type Outcome =
  | {
      readonly outcome: Exclude<OutcomeName, 'error' | 'not_attempted'>;
      readonly error?: never;
      readonly because?: never;
    }
  | { readonly outcome: 'error'; readonly error: ClusterError; readonly because?: never }
  | { readonly outcome: 'not_attempted'; readonly error?: never; readonly because: NotAttemptedReason };

export class Entry {
  readonly jobId: string;
  /** As it was last looked at. */
  job: JobSnapshot;
  verdict: Verdict;
  readonly history: History;
  /** Close requests of earlier sweeps of this chain that named it. */
  readonly earlierAttempts: number;
  /** Close requests of this sweep that named it. */
  asks = 0;
  /** Times it was read again right before an ask. */
  looks = 0;
  /** When it was first asked, or first seen closing. */
  askedAt: number | undefined;
  /** When this sweep last asked. */
  lastAskAt: number | undefined;
  /** Its stats as they were last read after this sweep's last ask, or while it was watched. */
  seen: JobStats | undefined;
  forced = false;
  /** The number of the request that last named it, from 1. */
  batch: number | undefined;
  lastError: ClusterError | undefined;
  /** The datafeed that a close of ours was to stop. */
  stopsDatafeed: string | undefined;
  datafeedStopped: boolean | undefined;
  settledAt: number | undefined;
  #outcome: Outcome | undefined;

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

  /** Whether it has an outcome, and one of these. */
  endedAs(...names: readonly OutcomeName[]): boolean {
    return names.some((name) => name === this.#outcome?.outcome);
  }

  /** The history as it is now, for judging again: an ask of this sweep counts like one of an earlier sweep. */
  get presentHistory(): History {
    return { ...this.history, askedAt: this.askedAt };
  }

  settle(outcome: Outcome, now: number): void {
    // A job is in the counts once: what was said first about it stands.
    if (this.#outcome) return;
    this.#outcome = outcome;
    this.settledAt = now;
  }
}

/** How a running sweep tells what it is doing, for a progress display. */
export interface Observer {
  /** The verdicts are in, and nothing was changed yet. */
  decided?(entries: readonly Entry[], head: ReportHead): void;
  /** A close request is about to leave: it is sent when this returns. */
  asking?(entries: readonly Entry[], batch: number): void;
  settled?(entry: Entry): void;
  /** Something the person should know while it happens. */
  notice?(message: string): void;
}
