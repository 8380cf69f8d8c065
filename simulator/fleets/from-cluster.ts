/**
 * @module Copies the jobs, stats and datafeeds of a real cluster into a fleet. The cluster is only read, never changed.
 * Times become ages: a job that has been idle for three days is idle for three days whenever the copy starts.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Fleet, FleetDatafeed, FleetJob } from './schema.ts';

/** Reads one path from a cluster with `GET`. */
export type Read = (path: string) => Promise<unknown>;

export interface CopyOptions {
  /** When the cluster is read, in epoch milliseconds. */
  readonly now: number;
  /** Replaces ids, groups, node names and free text with hashes. The hash key is discarded. */
  readonly hashIds: boolean;
}

interface Config {
  readonly job_id: string;
  readonly groups?: readonly string[];
  readonly description?: string;
  readonly create_time?: number;
  readonly finished_time?: number;
  readonly custom_settings?: Readonly<Record<string, unknown>>;
  readonly analysis_config?: { readonly bucket_span?: string };
  readonly analysis_limits?: { readonly model_memory_limit?: string };
  readonly blocked?: { readonly reason?: string };
  readonly datafeed_config?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

interface Stats {
  readonly job_id: string;
  readonly state: string;
  readonly open_time?: string;
  readonly node?: { readonly name: string };
  readonly data_counts: {
    readonly processed_record_count?: number;
    readonly earliest_record_timestamp?: number;
    readonly latest_record_timestamp?: number;
    readonly last_data_time?: number;
  };
  readonly model_size_stats?: { readonly model_bytes?: number };
  readonly forecasts_stats?: { readonly status?: Readonly<Record<string, number>> };
}

interface DatafeedStats {
  readonly datafeed_id: string;
  readonly state: string;
  readonly timing_stats?: { readonly job_id?: string };
  readonly running_state?: { readonly real_time_configured?: boolean; readonly real_time_running?: boolean };
}

/** Reads the fleet of a cluster. Rejects if `read` rejects. */
export async function copyFleet(read: Read, { now, hashIds }: CopyOptions): Promise<Fleet> {
  const [configs, stats, datafeeds] = await Promise.all([
    read('/_ml/anomaly_detectors') as Promise<{ jobs: Config[] }>,
    read('/_ml/anomaly_detectors/_stats') as Promise<{ jobs: Stats[] }>,
    read('/_ml/datafeeds/_stats') as Promise<{ datafeeds: DatafeedStats[] }>,
  ]);
  const names = new Names(hashIds);
  const statsOf = new Map(stats.jobs.map((entry) => [entry.job_id, entry]));
  const datafeedOf = new Map(datafeeds.datafeeds.map((entry) => [entry.timing_stats?.job_id, entry]));
  const nodes = [...new Set(stats.jobs.flatMap(({ node }) => node?.name ?? []))].sort();
  return {
    nodes: (nodes.length > 0 ? nodes : ['ml-0']).map((name) => ({ name: names.node(name), memory: '256gb' })),
    jobs: configs.jobs.flatMap((config) => {
      const own = statsOf.get(config.job_id);
      return own ? [copyJob(config, own, datafeedOf.get(config.job_id), names, now)] : [];
    }),
  };
}

function copyJob(
  config: Config,
  stats: Stats,
  datafeed: DatafeedStats | undefined,
  names: Names,
  now: number,
): FleetJob {
  const { data_counts: counts } = stats;
  const age = (time: number | undefined) => (time === undefined ? undefined : ageOf(now - time));
  const openFor = Number.parseInt(stats.open_time ?? '', 10);
  const bytes = stats.model_size_stats?.model_bytes;
  const blocked = config.blocked?.reason;
  const open = stats.state !== 'closed';
  const job: FleetJob = {
    jobId: names.id(config.job_id),
    groups: config.groups?.map((group) => names.id(group)),
    description: names.hidden ? undefined : config.description,
    customSettings: copySettings(config.custom_settings, names.hidden),
    config: names.hidden ? undefined : copyConfig(config),
    bucketSpan: names.hidden ? wholeDuration(config.analysis_config?.bucket_span) : undefined,
    memoryLimit: names.hidden ? size(config.analysis_limits?.model_memory_limit) : undefined,
    created: age(config.create_time),
    state: isState(stats.state) ? stats.state : 'opened',
    openedAt: Number.isNaN(openFor) ? undefined : `${Math.max(1, openFor)}s`,
    finishedAt: open ? undefined : age(config.finished_time),
    firstData: age(counts.earliest_record_timestamp),
    lastData: age(counts.last_data_time),
    latestRecord: age(counts.latest_record_timestamp),
    records: counts.processed_record_count,
    modelBytes: bytes,
    node: open ? (stats.node ? names.node(stats.node.name) : processless(stats.state)) : undefined,
    blocked: blocked === 'delete' || blocked === 'reset' || blocked === 'revert' ? blocked : undefined,
    forecast: (stats.forecasts_stats?.status?.started ?? 0) > 0 ? 'started' : undefined,
    datafeed: config.datafeed_config && copyDatafeed(config.datafeed_config, datafeed, stats, names, now),
  };
  return withoutUndefined(job);
}

/**
 * The fleet's `node` for an open job without a node. Null means that the copy has no process. A failed job never has a
 * process, so its copy may be on any node (undefined).
 */
function processless(state: string): null | undefined {
  return state === 'failed' ? undefined : null;
}

function copyDatafeed(
  config: Readonly<Record<string, unknown>>,
  stats: DatafeedStats | undefined,
  { data_counts: counts }: Stats,
  names: Names,
  now: number,
): FleetDatafeed {
  const state = stats?.state;
  const running = stats?.running_state;
  const lookingBack = state === 'started' && running?.real_time_running === false;
  const latest = counts.latest_record_timestamp;
  const datafeed: FleetDatafeed = {
    datafeedId: names.id(typeof config.datafeed_id === 'string' ? config.datafeed_id : ''),
    state: state === 'started' || state === 'starting' || state === 'stopping' ? state : 'stopped',
    source: state === 'started' ? rhythmOf(counts, now) : undefined,
    lookback:
      lookingBack && latest !== undefined
        ? withoutUndefined({
            from: ageOf(now - latest),
            // the API does not show when the datafeed ends, so the copied datafeed ends now
            end: running?.real_time_configured === false ? 'now' : undefined,
          })
        : undefined,
    config: names.hidden ? undefined : copyDatafeedConfig(config),
  };
  return withoutUndefined(datafeed);
}

/** If data was still arriving when the cluster was read, the copied datafeed continues at the data's average pace. */
function rhythmOf(counts: Stats['data_counts'], now: number): FleetDatafeed['source'] {
  const {
    processed_record_count: records = 0,
    earliest_record_timestamp: first,
    latest_record_timestamp: latest,
  } = counts;
  // two different times are needed to calculate a pace
  const known = first !== undefined && latest !== undefined && latest > first && records > 1;
  const every = known ? Math.max(1, Math.round((latest - first) / records)) : 60_000;
  const dry = now - (counts.last_data_time ?? 0) > 3_600_000;
  return withoutUndefined({ every: `${every}ms`, until: dry ? ageOf(now - (latest ?? now)) : undefined });
}

/** Config fields that have other names in the fleet, and fields that only the server sets. */
const describedElsewhere = new Set(
  [
    'job_id groups description custom_settings datafeed_config create_time finished_time job_version job_type',
    'model_snapshot_id model_snapshot_min_version blocked deleting',
  ].flatMap((fields) => fields.split(' ')),
);

function copyConfig(config: Config): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !describedElsewhere.has(name)));
}

function copyDatafeedConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { datafeed_id: _id, job_id: _job, authorization: _authorization, ...rest } = config;
  return rest;
}

/** The custom settings; with `hidden`, only those that a sweep reads. */
function copySettings(settings: Config['custom_settings'], hidden: boolean): FleetJob['customSettings'] {
  if (!settings || !hidden) return settings;
  const { managed, jobsweep } = settings;
  const kept = withoutUndefined({ managed, jobsweep });
  return Object.keys(kept).length > 0 ? kept : undefined;
}

class Names {
  readonly hidden: boolean;
  readonly #key = randomBytes(32);
  readonly #nodes = new Map<string, string>();

  constructor(hidden: boolean) {
    this.hidden = hidden;
  }

  id(id: string): string {
    return this.hidden ? `x${createHmac('sha256', this.#key).update(id).digest('hex').slice(0, 15)}` : id;
  }

  node(name: string): string {
    if (!this.hidden) return name;
    const known = this.#nodes.get(name) ?? `ml-${this.#nodes.size}`;
    this.#nodes.set(name, known);
    return known;
  }
}

/** An age of `ms` milliseconds as a fleet file writes it. A time that is not in the past becomes `now`. */
function ageOf(ms: number): string | number {
  return ms >= 1 ? `${Math.round(ms)}ms` : 'now';
}

const isState = (state: string): state is NonNullable<FleetJob['state']> =>
  ['opening', 'opened', 'closing', 'closed', 'failed'].includes(state);

const wholeDuration = (text: string | undefined) =>
  text !== undefined && /^[1-9]\d*(ms|s|m|h|d)$/.test(text) ? text : undefined;

const size = (text: string | undefined) =>
  text !== undefined && /^\d+(b|kb|mb|gb)$/.test(text) ? text : undefined;

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;
}
