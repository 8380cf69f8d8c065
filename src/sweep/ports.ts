/**
 * @module The interfaces that a sweep needs: a cluster, and follow-ups. `elasticsearch/` and `scheduler/` implement them;
 * tests plug in their own. Each method that sends requests takes a signal, which ends the wait for answers.
 */

import type { CloseBatch, JobId } from './planning/concrete-id.ts';
import type { StateMoment } from './planning/flapping.ts';
import type { ProtectionSettings } from './planning/protection.ts';
import type { FollowUpOf, SweepRequest } from './request/request-schema.ts';

/** The part of a job's config that a sweep uses: `GET _ml/anomaly_detectors`. */
export interface JobConfig {
  readonly jobId: string;
  readonly groups: readonly string[];
  /** `delete`, `reset`, `revert`, or a value that a later version of Elasticsearch adds. */
  readonly blocked?: string | undefined;
  readonly datafeedId?: string | undefined;
  /** The settings in `custom_settings` that may be an attempt to opt out, with their stored values. */
  readonly protection?: ProtectionSettings | undefined;
  /** `custom_settings.managed` as stored, any JSON value. */
  readonly managed?: unknown;
  /** `analysis_limits.model_memory_limit` in bytes. */
  readonly memoryLimit?: number | undefined;
  /**
   * The first required field that could not be read, such as `state is 7`. If it is set, the job is kept, whatever its
   * other fields say.
   */
  readonly unreadable?: string | undefined;
}

/** The part of a job's stats that a sweep uses: `GET _ml/anomaly_detectors/_stats`. */
export interface JobStats {
  readonly jobId: string;
  readonly state: string;
  readonly nodeId?: string | undefined;
  readonly nodeName?: string | undefined;
  /** Processors of the job's node. Read only for a listing by `ids`, and known only from 8.x on. */
  readonly nodeProcessors?: number | undefined;
  /** How long the process has been running on its node, in milliseconds. */
  readonly openForMs?: number | undefined;
  /** Wall clock, epoch milliseconds. */
  readonly lastDataTime?: number | undefined;
  /** Event time, epoch milliseconds. Shown to people, never used to judge. */
  readonly latestRecordTime?: number | undefined;
  readonly modelBytes?: number | undefined;
  /**
   * The size that the server uses to assign the job to a node (`assignment_memory_basis`), in bytes; `limit` stands for
   * the configured limit.
   */
  readonly memoryBasis?: number | 'limit' | undefined;
  /** Number of forecasts that have not ended. A forecast in an unknown state counts as well. */
  readonly runningForecasts: number;
  /**
   * The first required field that could not be read, such as `state is 7`. If it is set, the job is kept, whatever its
   * other fields say.
   */
  readonly unreadable?: string | undefined;
}

/** The part of a datafeed's stats that a sweep uses: `GET _ml/datafeeds/_stats`. */
export interface DatafeedStats {
  readonly datafeedId: string;
  readonly jobId: string;
  readonly state: string;
  /** Whether the datafeed still reads past data; unknown before it runs, and on servers that do not report it. */
  readonly lookback: 'running' | 'done' | 'unknown';
}

export interface ClusterIdentity {
  /** The cluster's uuid, or a hash of its address if the key may not read the uuid. */
  readonly id: string;
  readonly version: string | null;
}

/** The server's error for one request, as in its answer. */
export interface ClusterError {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
  /** The causes that the server gives, the innermost last: which node, and why. */
  readonly causedBy?: string;
}

/**
 * The answer to a close request. It proves nothing, because a close continues after its request has ended. `lost` means
 * no answer or a useless one (a gateway's page, half a body); `missing` lists the ids that a 404 names.
 */
export type CloseAnswer =
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'missing'; readonly jobIds: readonly string[]; readonly error: ClusterError }
  | { readonly kind: 'failed_jobs'; readonly error: ClusterError }
  | { readonly kind: 'timed_out'; readonly error: ClusterError }
  | { readonly kind: 'busy'; readonly retryAfterMs?: number | undefined; readonly error: ClusterError }
  | { readonly kind: 'denied'; readonly error: ClusterError }
  | { readonly kind: 'error'; readonly error: ClusterError }
  | { readonly kind: 'lost'; readonly reason: string };

/** The `Date` of an answer, and when this machine sent the request and received the answer; epoch milliseconds. */
export interface ServerDate {
  readonly date: number;
  readonly sentAt: number;
  readonly receivedAt: number;
}

export interface CloseOptions {
  readonly force: boolean;
  /** The server's timeout, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends the wait for an answer; the server continues its work. */
  readonly signal: AbortSignal;
}

export interface ReadLimits {
  /** A read fails immediately if the server asks it to wait beyond this time (epoch milliseconds). */
  readonly until: number;
  /** Called for each wait that a person would notice. */
  readonly notice: (message: string) => void;
}

/**
 * One Elasticsearch cluster. The implementation retries reads (docs/contract.md §3). A read is complete or throws an error
 * of `errors.ts`; a read by ids omits ids that no longer exist. A close request is never retried.
 */
export interface Cluster {
  identify(signal: AbortSignal): Promise<ClusterIdentity>;
  /** Whether machine learning is in upgrade mode; undefined if the server does not report it. */
  upgradeMode(signal: AbortSignal): Promise<boolean | undefined>;
  /** Processors of the largest machine learning node, if the read of `upgradeMode` reported them (8.12 and later). */
  largestNodeProcessors(): number | undefined;
  /** Whether the credentials may close jobs (`manage_ml`); undefined without credentials, or if the server does not say. */
  mayClose(signal: AbortSignal): Promise<boolean | undefined>;
  /** All jobs, or those of `ids`. An empty list sends no request. */
  jobConfigs(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobConfig[]>;
  jobStats(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobStats[]>;
  datafeedStats(signal: AbortSignal, ids?: readonly string[]): Promise<readonly DatafeedStats[]>;
  /** When each job was opened and closed since `from`; undefined if that cannot be read. */
  stateMoments?(
    from: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly StateMoment[]> | undefined>;
  close(batch: CloseBatch, options: CloseOptions): Promise<CloseAnswer>;
  /** Limits the waits of all reads after this call. Without a limit, a read waits as long as the server asks. */
  limitReads?(limits: ReadLimits): void;
  /**
   * The `Date` of the answer that agrees best with this machine's clock; undefined if no answer had one. Other answers
   * may be old, because a proxy may answer from a cache.
   */
  serverDate?(): ServerDate | undefined;
  /** Warnings from the server and from the reads so far, without duplicates. */
  warnings(): readonly string[];
}

/** A follow-up to arrange: its jobs, its time and its payload. */
export interface FollowUpOrder {
  /**
   * The id of the sweep that started the chain of follow-ups, and this follow-up's number in the chain; together they
   * identify the follow-up. With `rest`, the follow-up also judges the whole request again, and `jobs` may be empty.
   */
  readonly chain: Omit<FollowUpOf, 'jobs'>;
  /**
   * When to start the follow-up, epoch milliseconds. If the scheduler needs more lead time, it starts the follow-up as
   * soon as it can.
   */
  readonly at: number;
  /** The request of the sweep, without `followUpOf` and `trigger`. */
  readonly request: SweepRequest;
  /** The jobs, the most important first. If not all fit into the payload, the last are left out. */
  readonly jobs: FollowUpOf['jobs'];
}

export interface FollowUpArranged {
  readonly name: string;
  /** When the follow-up starts, epoch milliseconds. */
  readonly at: number;
  /** The ids that the follow-up includes: all ids of the order, or only the first ones. */
  readonly jobIds: readonly string[];
}

/**
 * Arranges follow-ups. If a method throws, the report says that no follow-up is scheduled, and why. Arranging
 * the same order twice creates only one follow-up.
 */
export interface FollowUps {
  /**
   * The ids of the cluster's jobs that are listed by follow-ups that have not run yet. `cluster` is the cluster's name
   * in the request.
   */
  pending(cluster: string, signal: AbortSignal): Promise<ReadonlySet<string>>;
  arrange(order: FollowUpOrder, signal: AbortSignal): Promise<FollowUpArranged>;
  /**
   * Whether the follow-ups close only what this sweep's approved plan allows. A follow-up that starts from a payload
   * cannot know the plan, because a payload cannot carry it.
   */
  readonly holdsToPlan?: boolean;
}
