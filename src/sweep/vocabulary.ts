/**
 * @module Every state, verdict, reason, outcome and fuse that a report can name, with its meaning. Types, the report's
 * schema and the tables of the documentation are made from these lists. The lists are in the order
 * of docs/contract.md §2.
 */

/** The states of a job, as Elasticsearch names them. */
export const jobStates = ['opening', 'opened', 'closing', 'closed', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

export const verdicts = {
  keep: 'kept open',
  close: 'to be closed gracefully',
  force: 'to be closed with force, because nothing else closes it and the request allows it',
  wait: 'already closing: polled, without another close request',
} as const;
export type VerdictName = keyof typeof verdicts;

/** Why a job is kept: the first rule that applies, in this order. */
export const keepReasons = {
  excluded: 'named by `exclude`',
  recent_data: 'data arrived less than `idleFor` ago',
  recently_opened: 'its process started less than `idleFor` ago',
  protected: 'its own `custom_settings.jobsweep` protects it, or cannot be read',
  managed: 'one of Elastic’s apps manages it',
  unknown_state: 'this version does not know its state, or its config or stats are missing',
  blocked: 'a delete, reset or revert of the job is running',
  opening: 'it is being opened, or `stuckOpening` says keep',
  no_process:
    'it is `opened` but runs nowhere: it is moving between nodes, or machine learning is in upgrade mode',
  lookback_running: 'its datafeed is still reading past data',
  forecast_running: 'a forecast is running',
  datafeed_running: 'its datafeed is not stopped',
  never_fed: 'it never had data, and `neverFed` says keep',
  no_clock: 'idle time unknown: it reports neither its last data nor its start',
  state_not_chosen: '`states` does not include its state',
  force_not_allowed: 'only force could close it, and `force` does not allow it',
  flapping: 'it was opened again after at least three closes',
  not_as_planned: 'the sweep carries out an approved plan, and the job is not in it or has changed since',
} as const;
export type KeepReason = keyof typeof keepReasons;

/** Why a job is closed, forced or watched. */
export const actReasons = {
  idle: 'no activity for at least `idleFor`',
  never_fed: 'opened at least `idleFor` ago, and never had data',
  failed: 'idle, and in state `failed`, which only force can close',
  stuck: 'idle, and still `closing` more than `force.stuckFor` after its close was first requested or seen',
  stuck_opening:
    'idle, and `opening` for at least 90 minutes although its process runs: the write of its state was lost',
  already_closing: 'it was already closing when this sweep read it',
} as const;
export type ActReason = keyof typeof actReasons;
export type Reason = KeepReason | ActReason;

/** The outcomes of jobs, each with the report's counter that it increments. */
export const outcomes = {
  closed: {
    count: 'closed',
    means: 'a request of this sweep named it, and the cluster reports it closed',
  },
  force_closed: {
    count: 'forceClosed',
    means: 'closed with force; model changes since its last snapshot are lost',
  },
  already_closed: {
    count: 'alreadyClosed',
    means: 'closed by another user or program before this sweep could request it',
  },
  closing: { count: 'closing', means: 'asked to close or found closing, and not closed yet' },
  error: { count: 'errors', means: 'asked to close, but not closed; with the cluster’s error' },
  unknown: { count: 'unknown', means: 'asked to close, but the cluster could not be read afterwards' },
  revived: {
    count: 'revived',
    means: 'must be kept by now: it was read again right before its close request',
  },
  gone: { count: 'gone', means: 'deleted during the sweep' },
  not_attempted: { count: 'notAttempted', means: 'to be closed, but never asked to close' },
  kept: { count: 'kept', means: 'kept open' },
} as const;
export type OutcomeName = keyof typeof outcomes;
export type OutcomeCount = (typeof outcomes)[OutcomeName]['count'];

export const notAttemptedReasons = {
  time: 'too little time was left',
  limit: '`force.max` was reached',
  fuse: 'a fuse stopped the sweep',
  dry_run: 'a dry run closes nothing',
  signal: 'the sweep was interrupted by a signal',
} as const;
export type NotAttemptedReason = keyof typeof notAttemptedReasons;

/** How the limit on concurrent closes on a node was determined (`close.perNode`). */
export const placesReasons = {
  request: '`close.perNode`',
  own_node: 'half of the node’s processors',
  largest_node: 'half of the processors of the cluster’s largest node, because the node’s own are unknown',
  unknown: 'the default number, because the node’s processors are unknown',
} as const;
export type PlacesReason = keyof typeof placesReasons;

/**
 * The limits that stop a sweep before it changes anything, in the order in which they are checked. The first that trips
 * is reported.
 */
export const fuses = {
  upgrade_mode: 'machine learning is in upgrade mode: a job closed now would not reopen with the others',
  mass_idle: 'many jobs stopped getting data together: an ingest outage, not idleness',
  max_jobs: 'more jobs than `fuse.maxJobs` would be closed',
  max_share: 'more than the share `fuse.maxShare` of the open jobs would be closed',
} as const;
export type FuseName = keyof typeof fuses;

export const statuses = {
  done: 'every job to close is closed or has a follow-up',
  partial: 'a job failed, is unknown, or is left without a follow-up',
  refused: 'a fuse stopped the sweep before it changed anything',
} as const;
export type Status = keyof typeof statuses;
