/**
 * @module The meaning of each field in a report. The types make sure that each field has a text, and that each text
 * belongs to a field.
 */
import type { BlownFuse } from '../../src/sweep/planning/fuse.ts';
import type {
  ReopenedJob,
  ReportedFollowUp,
  ReportedJob,
  ReportedRound,
  SweepReport,
} from '../../src/sweep/reporting/report.ts';

type Described<T> = { readonly [K in keyof T]-?: string };

export const reportFields: Described<SweepReport> = {
  sweepId:
    'the id of the sweep: the same for every delivery of one due time of a schedule. Without a schedule, the invocation’s request id',
  cluster:
    '`name`, as in the request; `id`, the cluster’s uuid; `version`. If the key may not read the uuid, `id` is a hash of the address and `version` is null',
  request:
    'the rules of the sweep: `idleFor` (in hours if it is under a week), and `jobs` and `exclude` if they were given. `namesOmitted` says how many of these names were left out to keep the report within the function’s limit',
  dryRun: 'true: the sweep sent nothing that changes the cluster',
  status: 'see [statuses](#statuses)',
  startedAt: 'ISO date-time in UTC',
  durationMs: 'milliseconds',
  counts: 'see [counts](#counts); `listed` is the sum of the outcomes',
  kept: 'how many jobs were kept, by reason',
  freedBytes: 'the model memory (`model_bytes`) of the jobs that were closed, with force or without',
  freedReservedBytes:
    'the memory that those jobs reserved on their nodes: the sum of their known `reservedBytes`. Node assignment and autoscaling use this number. It is not part of `freedBytes`',
  jobs: 'every listed job that was not kept for `recent_data`, `recently_opened` or `excluded`; first those that the sweep acted on',
  fuse: 'null, or the fuse that stopped the sweep',
  followUp: 'null, or the follow-up that was scheduled',
  warnings: 'sentences that a person should read',
  runbook:
    'the link to the section of [the runbook](runbook.md) for the fuse, the status, forced jobs or warnings, in this order; absent if there is nothing to look up',
  places:
    'for each node, how many of its jobs were allowed to close at once: `nodeId`, `nodeName`, `places`, `because` (see [places](#places)), `processors`',
  followUpOf:
    'for a follow-up: the sweep that began the chain, the number of this round, and `rest` if it judges the whole request again',
  rounds:
    'with `--wait`: the rounds that this report includes, in their order. Without `--wait`, each round has a report of its own',
  flapping:
    'from the command only: jobs that are open again after at least three sweeps closed them, by `--history` or else by the kept reports; without protected and excluded jobs',
  reopened: 'the same for jobs that one or two sweeps closed',
  mlNodes:
    'from the command only: the number of machine learning nodes (`total`), and how many of them would be `enough` for the jobs that stay open. Absent if the memory is unknown or all nodes are needed',
  jobsOmitted: 'how many entries of `jobs` were left out to keep the function’s answer under 5 MB',
};

export const jobFields: Described<ReportedJob> = {
  jobId: 'its id',
  state: 'its state when it was last judged. A job that was closed after that still has `opened`',
  lastActivity: 'the latest wall-clock time at which data arrived or its process started',
  idleMs: 'milliseconds since the last activity, never negative',
  verdict: 'see [verdicts](#verdicts)',
  reason: 'see [reasons](#reasons-to-keep-a-job)',
  outcome: 'see [outcomes](#outcomes)',
  attempts:
    'the number of close requests that named it, including refused ones and those of earlier sweeps of the chain',
  memoryBytes: 'the server’s `model_bytes`',
  reservedBytes:
    'the memory that it reserves on its node: its memory limit, model size or peak, depending on its `assignment_memory_basis`, and 10 MB for its process; 0 for a failed job',
  nodeId: 'the id of the node on which its process runs',
  nodeName: 'the name of that node',
  datafeedId: 'its datafeed',
  datafeedStopped: 'true: the sweep stopped the datafeed; `reopen` starts it again',
  askedAt: 'when its close was first requested, or when it was first seen closing',
  closedAt:
    'when a read first showed it closed: at most 5 s late, or 10 s with more than 1,000 jobs in flight',
  settledAt: 'when its outcome was known',
  batch: 'the number of the close request that last named it, from 1',
  notAttemptedBecause: 'see [reasons not to have asked](#reasons-not-to-have-asked)',
  error:
    'the cluster’s `status`, `type` and `reason`; type `reopened`: the job was opened again after our close request',
};

export const fuseFields: Described<BlownFuse> = {
  name: 'see [fuses](#fuses)',
  idle: 'jobs that would be closed or forced',
  open: 'jobs of the whole cluster that are not closed',
  limit: 'the limit: a number of jobs, or a share for `max_share`; null for `upgrade_mode`',
  together: 'for `mass_idle`: the number of `jobs` that fell silent together, and the period `from` … `to`',
};

export const followUpFields: Described<ReportedFollowUp> = {
  name: 'the name of the schedule',
  at: 'when it runs, ISO date-time in UTC',
  round: 'which round of the chain it is, from 1',
  jobs: 'the number of jobs that it lists: those still closing',
  rest: 'true: it also judges the whole request again, because the time was not enough for all jobs',
};

export const roundFields: Described<ReportedRound> = {
  round: 'its number, from 1',
  startedAt: 'ISO date-time in UTC',
  jobs: 'the number of jobs that it judged',
  closed: 'how many of them it closed',
  forceClosed: 'how many of them it closed with force',
  closing: 'how many of them were still closing',
};

export const reopenedFields: Described<ReopenedJob> = {
  jobId: 'its id',
  closes: 'how many sweeps closed it before it was opened again',
  lastClosedAt: 'when the last of these sweeps began, ISO date-time in UTC',
  reopenedAt: 'when `jobsweep reopen` opened it, if it did so after that',
};

export const countMeanings = {
  open: 'jobs of the whole cluster in any state but `closed`, when listed',
  listed: 'those of them that `jobs` names, excluded ones too; in a follow-up, its jobs',
  idle: 'those with verdict `close` or `force`',
} as const;

/** The lines that the function logs, in addition to Lambda's own. */
export const logLines = {
  'sweep finished':
    'one for each sweep: the report without `jobs`, and without the last warnings if the line would be too long',
  'job swept':
    'for each entry of `jobs` that is not kept: that entry, with `sweepId`, `cluster`, `startedAt` and, in a follow-up, `followUpOf` of its sweep',
  'sweep waits': 'the cluster asked to wait: `notice` says why and how long, `sweepId` which sweep waits',
  'report not stored':
    'the report, or part of it, could not be written into Elasticsearch ([reports in Elasticsearch](reports-in-elasticsearch.md)): `problem` says what and why, `runbook` is the link to its section',
  'sweep failed':
    'the sweep threw: `error` with name, message and stack, `runbook`, the link to its section, and `sweepId` and `cluster.name` if they are known; the function throws it too',
  'notification sent': 'after each message: the `targets` that took it, and the metric `notifyErrors`',
  'notification failed':
    'for each target that did not take a message, and each wrong setting of notifications: `target`, `why`, `cluster` and `runbook`; the sweep’s result is the same',
  'roll call finished': 'the result of a roll call, as a warning with `runbook` if a cluster is missing',
  'roll call failed': 'the roll call threw, as for `sweep failed`',
} as const;
