/**
 * @module Every state, verdict, reason, outcome and fuse that a report can name, once, with what it means. Types, the
 * report's schema and the tables of the documentation are made from these lists; their order is docs/contract.md §2.
 */

/** The states that a job task can be in, as Elasticsearch names them. */
export const jobStates = ['opening', 'opened', 'closing', 'closed', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

export const verdicts = {
  keep: 'left alone',
  close: 'to be closed gracefully',
  force: 'to be closed with force, because nothing else closes it and the policy allows it',
  wait: 'already closing: watched, not asked again',
} as const;
export type VerdictName = keyof typeof verdicts;

/** Why a job is kept: the first that holds, in this order. */
export const keepReasons = {
  excluded: 'named by `exclude`',
  recent_data: 'data arrived less than `idleFor` ago',
  recently_opened: 'its process started less than `idleFor` ago',
  protected: 'its own `custom_settings.jobsweep` protects it, or cannot be read',
  managed: 'one of Elastic’s apps manages it',
  unknown_state: 'its state is not known to this version, or its config or its stats are missing',
  blocked: 'a delete, reset or revert of the job is running',
  opening: 'it is being opened, or `stuckOpening` says keep',
  no_process:
    'it is `opened` but runs nowhere: it is moving between nodes, or machine learning is in upgrade mode',
  lookback_running: 'its datafeed is still reading the past',
  forecast_running: 'a forecast is running',
  datafeed_running: 'its datafeed is not stopped',
  never_fed: 'it never had data, and `neverFed` says keep',
  no_clock: 'nothing tells how long it has been idle',
  state_not_chosen: '`states` leaves its state out',
  force_not_allowed: 'only force could close it, and `force` does not allow that',
  flapping: 'it was reopened after each of the last three sweeps that closed it',
  not_as_planned:
    'the sweep carries out a plan that was seen before, and the job is not in it or has changed since',
} as const;
export type KeepReason = keyof typeof keepReasons;

/** Why a job is acted on. */
export const actReasons = {
  idle: 'no activity for at least `idleFor`',
  never_fed: 'opened at least `idleFor` ago, and never had data',
  failed: 'idle, and in state `failed`, which only force can close',
  stuck: 'idle, and still `closing` more than `force.stuckFor` after it was first asked',
  stuck_opening:
    'idle, and `opening` for at least 90 minutes though its process runs: the write of its state was lost',
  already_closing: 'somebody asked before this sweep',
} as const;
export type ActReason = keyof typeof actReasons;
export type Reason = KeepReason | ActReason;

/** What became of a job, with the count of the report that it falls under. */
export const outcomes = {
  closed: {
    count: 'closed',
    means: 'a request of this sweep named it, and the cluster says that it is closed',
  },
  force_closed: {
    count: 'forceClosed',
    means: 'closed with force; model changes since its last snapshot are lost',
  },
  already_closed: { count: 'alreadyClosed', means: 'closed by someone else before we asked' },
  closing: { count: 'closing', means: 'asked, or found so, and still under way' },
  error: { count: 'errors', means: 'asked and not closed, with the cluster’s error' },
  unknown: { count: 'unknown', means: 'asked, and the cluster could not be read since' },
  revived: { count: 'revived', means: 'judged anew right before we asked, and no longer to be closed' },
  gone: { count: 'gone', means: 'deleted meanwhile' },
  not_attempted: { count: 'notAttempted', means: 'to be closed, but never asked' },
  kept: { count: 'kept', means: 'left alone' },
} as const;
export type OutcomeName = keyof typeof outcomes;
export type OutcomeCount = (typeof outcomes)[OutcomeName]['count'];

export const notAttemptedReasons = {
  time: 'the time left could not account for it',
  limit: '`force.max` was reached',
  fuse: 'a fuse stopped the sweep',
  dry_run: 'the sweep only decides',
  signal: 'the sweep was told to stop',
} as const;
export type NotAttemptedReason = keyof typeof notAttemptedReasons;

/** Where the number of places on a node comes from (`close.perNode`). */
export const placesReasons = {
  request: '`close.perNode`',
  own_node: 'half of the node’s processors',
  largest_node: 'half of the processors of the cluster’s largest node, because the node’s own are unknown',
  unknown: 'the usual number, because the node’s processors are unknown',
} as const;
export type PlacesReason = keyof typeof placesReasons;

/** What stops a sweep before it changes anything; the first that holds, in this order. */
export const fuses = {
  upgrade_mode: 'machine learning is in upgrade mode: a job closed now would not come back with the others',
  mass_idle: 'many jobs fell silent together: that is an ingest outage, not idleness',
  max_jobs: 'more jobs than `fuse.maxJobs` would be closed',
  max_share: 'more than the share `fuse.maxShare` of the open jobs would be closed',
} as const;
export type FuseName = keyof typeof fuses;

export const statuses = {
  done: 'everything that was to be done is done, or has a follow-up',
  partial: 'something was left that nobody will come back for, or is not known',
  refused: 'a fuse stopped the sweep before it changed anything',
} as const;
export type Status = keyof typeof statuses;
