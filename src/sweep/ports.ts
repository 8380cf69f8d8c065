/**
 * @module What a sweep needs from the world: a cluster and someone to come back later. `elasticsearch/` and
 * `scheduler/` fulfil these; tests and the command plug in what they need. Every call takes the signal that limits it.
 */

import type { StateMoment } from './planning/flapping.ts';
import type { CloseBatch, JobId } from './planning/job-id.ts';
import type { ProtectionSettings } from './planning/protection.ts';
import type { FollowUpOf, SweepRequest } from './request/request.ts';

/** A job's config, as far as a sweep looks at it: `GET _ml/anomaly_detectors`. */
export interface JobConfig {
  readonly jobId: string;
  readonly groups: readonly string[];
  /** `delete`, `reset`, `revert`, or whatever a later version adds. */
  readonly blocked?: string | undefined;
  readonly datafeedId?: string | undefined;
  /** The keys of `custom_settings` that are or resemble `jobsweep`, with their values as stored. */
  readonly protection?: ProtectionSettings | undefined;
  /** `custom_settings.managed` as stored, any JSON value. */
  readonly managed?: unknown;
  /** The first field that matters and could not be read, such as `state is 7`: the job must not be judged by the others. */
  readonly unreadable?: string | undefined;
}

/** A job's stats, as far as a sweep looks at them: `GET _ml/anomaly_detectors/_stats`. */
export interface JobStats {
  readonly jobId: string;
  readonly state: string;
  readonly nodeId?: string | undefined;
  readonly nodeName?: string | undefined;
  /** Of its node; only read with the jobs of `ids`, and only known from 8.x on. */
  readonly nodeProcessors?: number | undefined;
  /** How long the process has been running on its node, in milliseconds. */
  readonly openForMs?: number | undefined;
  /** Wall clock, epoch milliseconds. */
  readonly lastDataTime?: number | undefined;
  /** Event time, epoch milliseconds; shown to people, never judged by. */
  readonly latestRecordTime?: number | undefined;
  readonly modelBytes?: number | undefined;
  /** Forecasts that are scheduled or started. */
  readonly runningForecasts: number;
  /** The first field that matters and could not be read, such as `state is 7`: the job must not be judged by the others. */
  readonly unreadable?: string | undefined;
}

/** A datafeed's stats, as far as a sweep looks at them: `GET _ml/datafeeds/_stats`. */
export interface DatafeedStats {
  readonly datafeedId: string;
  readonly jobId: string;
  readonly state: string;
  /** Whether it still reads the past; unknown before it runs, and on servers that do not tell. */
  readonly lookback: 'running' | 'done' | 'unknown';
}

export interface ClusterIdentity {
  /** The cluster's uuid, or a hash of its address when the key may not read it. */
  readonly id: string;
  readonly version: string | null;
}

/** The server's error for one request, as it stood in the answer. */
export interface ClusterError {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
  /** What the server gives as the cause, the innermost last: which node, and why. */
  readonly causedBy?: string;
}

/**
 * What came back from a close request: never proof of anything, because a close goes on after its request has ended.
 * `lost` is no answer, or one that says nothing (a gateway's page, half a body); `missing` lists the ids of a 404.
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

/** The `Date` of an answer, and when this machine sent its request and had the answer; all epoch milliseconds. */
export interface ServerDate {
  readonly date: number;
  readonly sentAt: number;
  readonly receivedAt: number;
}

export interface CloseOptions {
  readonly force: boolean;
  /** What the server is given, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends the waiting for an answer; the server's work goes on. */
  readonly signal: AbortSignal;
}

export interface ReadLimits {
  /** A read that is asked to wait beyond this moment (epoch milliseconds) fails at once, with what it was answered. */
  readonly until: number;
  /** Hears of each wait that a person would notice. */
  readonly notice: (message: string) => void;
}

/**
 * One Elasticsearch cluster. Reads are tried again by the implementation (docs/contract.md §3) and are complete or throw an
 * error of `errors.ts`; a read by ids leaves out those that no longer exist. A close is sent once.
 */
export interface Cluster {
  identify(signal: AbortSignal): Promise<ClusterIdentity>;
  /** Whether machine learning is in upgrade mode; undefined when the server does not tell. */
  upgradeMode(signal: AbortSignal): Promise<boolean | undefined>;
  /** The processors of the largest machine learning node, where the read of `upgradeMode` has shown them (8.12 and later). */
  largestNodeProcessors(): number | undefined;
  /** Whether the credentials may close jobs (`manage_ml`); undefined when there are none, or the server does not tell. */
  mayClose(signal: AbortSignal): Promise<boolean | undefined>;
  /** All jobs, or those of `ids`: where there are none, nothing is asked. */
  jobConfigs(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobConfig[]>;
  jobStats(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobStats[]>;
  datafeedStats(signal: AbortSignal, ids?: readonly string[]): Promise<readonly DatafeedStats[]>;
  /** When each job was opened and closed since `from`; undefined when it may not be read. */
  stateMoments?(
    from: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly StateMoment[]> | undefined>;
  close(batch: CloseBatch, options: CloseOptions): Promise<CloseAnswer>;
  /** Bounds what reads wait for from now on; without it they wait as long as they are asked to, until their signal ends. */
  limitReads?(limits: ReadLimits): void;
  /**
   * The `Date` of the answer so far that agrees best with this machine's clock, as a proxy may answer from a cache;
   * undefined when no answer carried one.
   */
  serverDate?(): ServerDate | undefined;
  /** Warnings of the server and of the reads so far, each once. */
  warnings(): readonly string[];
}

/** The jobs to come back for, when, and the payload to come back with. */
export interface FollowUpOrder {
  /**
   * The sweep that began the chain, and which round this will be: together the follow-up's identity. With `rest` the
   * follow-up also judges the whole request anew, and `jobs` may be empty.
   */
  readonly chain: Omit<FollowUpOf, 'jobs'>;
  /** Epoch milliseconds; a service that needs more notice comes as soon as it can. */
  readonly at: number;
  /** The request of the sweep, without `followUpOf` and `trigger`. */
  readonly request: SweepRequest;
  /** The jobs, those that matter most first: when not all fit the payload, the last are left out. */
  readonly jobs: FollowUpOf['jobs'];
}

export interface FollowUpArranged {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The ids that the follow-up will look at: all of the order's, or the first of them. */
  readonly jobIds: readonly string[];
}

/**
 * Who wakes a sweep later. Both calls may throw; a sweep then says that nobody will come back, and why.
 * Arranging the same order twice makes one follow-up.
 */
export interface FollowUps {
  /** The ids of jobs of that cluster (by its name in the request) that wait in a follow-up which has not run yet. */
  pending(cluster: string, signal: AbortSignal): Promise<ReadonlySet<string>>;
  arrange(order: FollowUpOrder, signal: AbortSignal): Promise<FollowUpArranged>;
  /** Whether its follow-ups are bound to the plan that this sweep carries out. A payload cannot carry a plan. */
  readonly holdsToPlan?: boolean;
}
