/** @module A job in the cluster state: config, task, process, counts, model, forecasts and history. */
import type { Past } from '../../past/life.ts';
import type { DataCounts } from './counts.ts';
import type { MlNode } from './node.ts';

export type JobState = 'opening' | 'opened' | 'closing' | 'closed' | 'failed';
/** A job's config document, with its fields in the server's order. */
export type JobConfig = { readonly job_id: string } & Record<string, unknown>;

/** Values that the simulator derives once from a config. Jobs with equal configs may share them. */
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

/** How a job's close behaves: it takes this many milliseconds at full speed on its node, never ends, or fails. */
export type CloseBehaviour = number | 'never' | { readonly fails: string; readonly after: number };

export interface JobProcess {
  readonly node: MlNode;
  readonly startedAt: number;
}

/** The persistent task. A job is open, in some state, exactly as long as it has a task. */
export interface JobTask {
  allocation: number;
  node: MlNode | undefined;
  /** `opening` means that the task has no state object yet. */
  state: Exclude<JobState, 'closed'>;
  reason?: string | undefined;
  explanation: string;
  process: JobProcess | undefined;
  /** The close in progress, for which every close request waits. */
  closing?: ProcessClose | undefined;
  /** Cancels the task's pending event: an opening, a close or a move to another node. */
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
  /** The cause, for example `close`, `force close`, `process crashed`. */
  readonly cause: string;
}

export interface Blocked {
  readonly reason: 'delete' | 'reset' | 'revert';
  readonly taskId: string;
  /** Settles when the blocking work is done; absent if the fleet describes a permanently blocked job. */
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
  /** How many more bytes the model needs than its limit allows. */
  bytesExceeded: number;
  memoryStatus: 'ok' | 'soft_limit' | 'hard_limit';
  modelLogTime: number | undefined;
  forecasts: Forecast[];
  snapshots: Snapshot[];
  blocked: Blocked | undefined;
  /** The job's history before the cluster started; generated on first use. */
  readonly past?: (() => Past) | undefined;
  /** Why the last task ended. For people and tests only, because no API shows the reason. */
  ended: 'gracefully' | 'forced' | 'unassigned' | 'orphaned' | 'failed to open' | undefined;
  endedAt: number | undefined;
  /** The event time to which a flush advanced the job. */
  advancedTo?: number | undefined;
  /** How often the job was opened. Each time, opening and closing use new random numbers. */
  openings: number;
  openTakes: number | 'never' | 'lost' | undefined;
  closeTakes: CloseBehaviour | undefined;
  readonly history: StateChange[];
}

export function stateOf(job: Job): JobState {
  return job.task?.state ?? 'closed';
}
