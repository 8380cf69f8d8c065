/** @module A job as the cluster holds it: config, task, process, counts, model, forecasts and what happened to it. */
import type { Past } from '../../past/life.ts';
import type { DataCounts } from './counts.ts';
import type { MlNode } from './node.ts';

export type JobState = 'opening' | 'opened' | 'closing' | 'closed' | 'failed';
/** A job's config document, in the order in which the server writes its fields. */
export type JobConfig = { readonly job_id: string } & Record<string, unknown>;

/** What the simulator reads from a config, worked out once. Jobs with equal configs may share it. */
export interface JobTraits {
  readonly groups: readonly string[];
  readonly bucketSpan: number;
  readonly latency: number;
  readonly timeField: string;
  readonly timeFormat: string;
  readonly analysisFields: readonly string[];
  readonly memoryLimit: number;
  readonly lazy: boolean;
}

/** How a job's close goes: work in milliseconds (its node's capacity is shared), a hang, or a failure. */
export type CloseBehaviour = number | 'never' | { readonly fails: string; readonly after: number };

export interface JobProcess {
  readonly node: MlNode;
  readonly startedAt: number;
}

/** The persistent task: a job is open, in whatever state, exactly as long as it has one. */
export interface JobTask {
  allocation: number;
  node: MlNode | undefined;
  /** `opening` is a task without a state object. */
  state: Exclude<JobState, 'closed'>;
  reason?: string | undefined;
  explanation: string;
  process: JobProcess | undefined;
  /** The close of the process that is under way, which every close request waits for. */
  closing?: ProcessClose | undefined;
  /** Stops what the task has running on the clock: its opening, its close, its relocation. */
  cancel?: (() => void) | undefined;
  readonly onChange: Set<() => void>;
}

export interface ProcessClose {
  readonly since: number;
  readonly finished: Promise<void>;
  readonly interrupt: (error: Error) => void;
}

export interface Forecast {
  readonly id: string;
  state: 'scheduled' | 'started' | 'finished' | 'failed';
  readonly startedAt: number;
  readonly memoryBytes: number;
  readonly records: number;
  readonly processingMs: number;
  readonly expires: number;
  cancel?: () => void;
}

export interface StateChange {
  readonly at: number;
  readonly state: JobState;
  /** What brought it about, as `close`, `force close`, `process crashed`. */
  readonly cause: string;
}

export interface Blocked {
  readonly reason: 'delete' | 'reset' | 'revert';
  readonly taskId: string;
  /** Settles when what blocks it is done; absent for a job that was described so, and stays so. */
  readonly work?: Promise<void>;
}

export interface Snapshot {
  readonly id: string;
  readonly at: number;
  readonly latestRecord: number | undefined;
}

export interface Job {
  readonly id: string;
  config: JobConfig;
  traits: JobTraits;
  task: JobTask | undefined;
  counts: DataCounts;
  modelBytes: number;
  peakModelBytes: number;
  /** By how much the model would be over its limit. */
  bytesExceeded: number;
  memoryStatus: 'ok' | 'soft_limit' | 'hard_limit';
  modelLogTime: number | undefined;
  forecasts: Forecast[];
  snapshots: Snapshot[];
  blocked: Blocked | undefined;
  /** What happened to it before the cluster began; drawn when it is first asked for. */
  readonly past?: (() => Past) | undefined;
  /** Why the last task ended, for people and tests: no stats show it. */
  ended: 'gracefully' | 'forced' | 'unassigned' | 'orphaned' | 'failed to open' | undefined;
  endedAt: number | undefined;
  /** Event time that a flush moved the job on to. */
  advancedTo?: number | undefined;
  /** How often it was opened: each opening and close has a draw of its own. */
  openings: number;
  openTakes: number | 'never' | 'lost' | undefined;
  closeTakes: CloseBehaviour | undefined;
  readonly history: StateChange[];
}

export function stateOf(job: Job): JobState {
  return job.task?.state ?? 'closed';
}
