/**
 * @module One random world and what is done in it, as plain JSON: a fleet, requests, clocks, faults, other people's
 * actions. The same case always makes the same world, so a failure can be kept in a file and run again.
 */
import type { FleetJob } from '../simulator/elasticsearch/index.ts';
import type { RequestPayload } from '../src/sweep/request/request.ts';

/** What may be wrong with an answer, or with its way; see the simulator's `Fault`. */
export interface ScriptedFault {
  readonly api: string;
  readonly nth: number;
  /** 0: from then on, every time. */
  readonly times: number;
  readonly kind: FaultKind;
  /** Of delays, in milliseconds; of a cut, the bytes that come through. */
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

/** What somebody else does to the cluster while the sweep is at work. `job` is an index into the case's jobs. */
export interface OutsideAction {
  /** After so many milliseconds, or after so many requests to `api`. */
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

/** Who would come back: nobody is set up, somebody, or somebody whose service fails, hangs or takes only some jobs. */
export type FollowUpMode = 'absent' | 'works' | 'fails' | 'hangs' | 'takes_one' | 'has_pending';

/**
 * One sweep after the other at once, both together, rounds until nobody comes back any more, a saved plan and then, a
 * while later, the sweep that is bound to it, or a plan that a person agrees to and that is then carried out.
 */
export type Repetition = 'once' | 'again' | 'together' | 'rounds' | 'planned' | 'agreed';

export interface CaseJob extends Omit<FleetJob, 'jobId'> {
  /** What an earlier report tells of it (`--history`). */
  readonly history?: { readonly flapping?: boolean; readonly activeAgo?: number };
  /** It stands in the follow-up's payload. */
  readonly waited?: { readonly askedAgo: number; readonly attempts: number; readonly activeAgo?: number };
}

export interface RandomCase {
  readonly seed: number;
  readonly stack: '7.17' | '8.19' | '9.2';
  readonly jobs: readonly CaseJob[];
  readonly payload: RequestPayload;
  /** The sweep is a follow-up of the jobs that have `waited`, and of one that no longer exists. */
  readonly followUpRound: number | null;
  /** That follow-up also judges the whole request anew. */
  readonly followUpRest?: boolean;
  readonly remainingMs: number;
  /** What each request is on its way, milliseconds; none, if not said. */
  readonly networkMs?: number;
  /** How far the sweeping machine's clock is ahead of the cluster's. */
  readonly skewMs: number;
  readonly upgradeMode: boolean;
  readonly privilege: 'manage_ml' | 'monitor_ml';
  readonly followUps: FollowUpMode;
  readonly repetition: Repetition;
  /** How long the person reads a plan before it is `agreed` to. */
  readonly readingMs?: number;
  readonly faults: readonly ScriptedFault[];
  readonly outsideActions: readonly OutsideAction[];
  /** SIGTERM: after so many milliseconds, or after so many requests. */
  readonly stop: OutsideAction['when'] | null;
}

/** When each case begins, by the cluster's clock; epoch milliseconds. */
export const caseStart = Date.parse('2026-11-23T12:00:00Z');

/** Ids of all lengths, some of which look like patterns of others. */
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

/** The id of the job at `index` of a case. */
export const idAt = (index: number): string =>
  ids[index % ids.length] + (index < ids.length ? '' : `-${Math.floor(index / ids.length)}`);
