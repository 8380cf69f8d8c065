/**
 * @module A random case as plain JSON: a fleet, a request, clocks, faults, and actions of other users. A case runs the
 * same way every time, so a case that fails can be saved in a file and repeated.
 */
import type { FleetJob } from '../simulator/index.ts';
import type { RequestPayload } from '../src/sweep/request/request-schema.ts';

/** A fault in an answer or in the connection; see `Fault` in the simulator. */
export interface ScriptedFault {
  readonly api: string;
  readonly nth: number;
  /** How many requests have the fault. 0 means all requests from the `nth` on. */
  readonly times: number;
  readonly kind: FaultKind;
  /**
   * For a delay, its milliseconds. For a cut, how many bytes arrive before the connection breaks. For other kinds, a
   * random number.
   */
  readonly amount: number;
}

export const faultKinds = [
  'reset_before',
  'reset_after',
  'cut',
  'hang',
  'delay',
  'delay_answer',
  'html_page',
  'not_elasticsearch',
  'status_400',
  'status_401',
  'status_403',
  'status_404',
  'missing_other',
  'status_409',
  'failed_jobs',
  'status_429',
  'status_500',
  'status_502',
  'status_503',
  'status_500_after',
  'status_503_after',
  'retry_later',
  'echo',
  'empty_object',
  'not_closed',
  'false_success',
  'wrong_count',
  'wrong_types',
  'strange_state',
  'without_clock',
  'doubled_entry',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** An action of another user or of the cluster itself during the sweep. `job` is an index into the case's jobs. */
export interface OutsideAction {
  /** The action happens after this many milliseconds, or after this many requests to `api`. */
  readonly when: { readonly at: number } | { readonly after: number; readonly api: string };
  readonly kind: OutsideActionKind;
  readonly job: number;
}

export const outsideActionKinds = [
  'data_arrives',
  'process_dies',
  'deleted',
  'opened',
  'closed',
  'force_closed',
  'closed_and_opened',
  'protected',
  'blocked',
  'datafeed_started',
  'datafeed_stopped',
  'node_leaves',
  'master_leaves',
  'master_comes',
  'upgrade_begins',
  'upgrade_ends',
  'job_made',
  'close_hangs',
] as const;
export type OutsideActionKind = (typeof outsideActionKinds)[number];

/**
 * How the follow-up service behaves: it is not configured, works, fails, hangs, accepts only the first job of each
 * follow-up, or already has a follow-up for one of the jobs.
 */
export type FollowUpMode = 'absent' | 'works' | 'fails' | 'hangs' | 'takes_one' | 'has_pending';

/**
 * How the sweep runs: once (`once`), a second time right after the first (`again`), twice at the same time
 * (`together`), with its follow-ups until none is left (`rounds`), as a saved plan and a later sweep with `--plan`
 * (`planned`), or as a plan that a user confirms (`agreed`).
 */
export type Repetition = 'once' | 'again' | 'together' | 'rounds' | 'planned' | 'agreed';

export interface CaseJob extends Omit<FleetJob, 'jobId'> {
  /** What an earlier report, given with `--history`, says about the job. */
  readonly history?: { readonly flapping?: boolean; readonly activeAgo?: number };
  /**
   * If the sweep is a follow-up: what the follow-up's payload says about this job. Absent if the payload does not list
   * the job.
   */
  readonly waited?: { readonly askedAgo: number; readonly attempts: number; readonly activeAgo?: number };
}

export interface RandomCase {
  readonly seed: number;
  readonly stack: '7.17' | '8.19' | '9.2';
  readonly jobs: readonly CaseJob[];
  readonly payload: RequestPayload;
  /**
   * If the sweep is a follow-up: the follow-up's number in its series, from 1. The follow-up's payload lists the jobs
   * that have `waited`, and one job that does not exist. Null if the sweep is not a follow-up.
   */
  readonly followUpRound: number | null;
  /**
   * Whether the follow-up sweeps all jobs of the original request, not only the jobs that the follow-up's payload
   * lists.
   */
  readonly followUpRest?: boolean;
  readonly remainingMs: number;
  /** Network delay of each request, in milliseconds; default 0. */
  readonly networkMs?: number;
  /** By how many milliseconds the sweep's clock is ahead of the cluster's clock. */
  readonly skewMs: number;
  readonly upgradeMode: boolean;
  readonly privilege: 'manage_ml' | 'monitor_ml';
  readonly followUps: FollowUpMode;
  readonly repetition: Repetition;
  /** How many milliseconds the user reads a plan before confirming it. */
  readonly readingMs?: number;
  readonly faults: readonly ScriptedFault[];
  readonly outsideActions: readonly OutsideAction[];
  /** When SIGTERM arrives: after a number of milliseconds or requests. Null if it does not arrive. */
  readonly stop: OutsideAction['when'] | null;
}

/** The time at which every case starts, by the cluster's clock, in epoch milliseconds. */
export const caseStart = Date.parse('2026-11-23T12:00:00Z');

/**
 * Ids of various lengths. In cases with more than 16 jobs, `idAt` appends a number, so some ids are prefixes of others.
 */
const ids = [
  'web-1',
  'web-2',
  'web-3',
  'db-1',
  'db-2',
  'api',
  'logs.a',
  'logs_b',
  `long-${'a'.repeat(59)}`,
  `long-${'b'.repeat(59)}`,
  'x',
  'team',
  '0',
  'job-with-a-name',
  'nightly.batch',
  'all',
] as const;

/**
 * The nodes of every case. They have so few processors that `close.perNode: "auto"` does not allow all jobs of a case
 * to close at once.
 */
export const nodes = [
  { name: 'ml-0', processors: 5, closeCapacity: 8 },
  { name: 'ml-1', processors: 2, closeCapacity: 2 },
];

/** The id of the job at `index` of a case. */
export const idAt = (index: number): string =>
  ids[index % ids.length] + (index < ids.length ? '' : `-${Math.floor(index / ids.length)}`);
