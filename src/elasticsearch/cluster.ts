/** @module The Elasticsearch cluster behind a sweep: reads are complete and retried, a close is sent only once. */

import type { Clock } from '../base/clock.ts';
import { type JobsweepError, UnreadableInventoryError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { printable } from '../base/text.ts';
import { type CloseBatch, isDatafeedId, type JobId } from '../sweep/planning/concrete-id.ts';
import type { StateMoment } from '../sweep/planning/flapping.ts';
import type {
  CloseAnswer,
  CloseOptions,
  Cluster,
  ClusterIdentity,
  DatafeedStats,
  JobConfig,
  JobStats,
  ReadLimits,
  ServerDate,
} from '../sweep/ports.ts';
import {
  type Fields,
  idOf,
  type ListingKey,
  ownerOf,
  processorsFrom,
  readDatafeedStats,
  readJobConfig,
  readJobStats,
  readListing,
  UnreadableAnswer,
} from './answers.ts';
import { closeAnswerOf } from './close-answer.ts';
import { addressHash, type Connection } from './connection.ts';
import { concernsAll, type Failure } from './failure.ts';
import { errorFor } from './fatal-errors.ts';
import { EndlessListing, readAll, readByIds, type Source } from './listing.ts';
import { mayPass, Reader, type Reading } from './retry-reads.ts';
import { type Question, Wire } from './wire.ts';

interface Listing<T> {
  /** The path of a request is the prefix, the expression if there is one, and the suffix. */
  readonly prefix: string;
  readonly suffix: string;
  readonly key: ListingKey;
  /**
   * The fields for `filter_path`: only those that verdicts and reports use, which are less than a quarter of a job's
   * stats.
   */
  readonly filter: readonly string[];
  /** Fields to leave out, although `filter` matches them. */
  readonly without?: readonly string[];
  /** Reduces each entry as soon as its answer arrives: ten thousand unreduced entries would take twice the memory. */
  readonly read: (entry: Fields) => T;
  readonly idOf: (entry: T) => string;
}

const jobConfigs: Listing<JobConfig> = {
  prefix: '/_ml/anomaly_detectors',
  suffix: '',
  key: 'jobs',
  filter: [
    'job_id',
    'groups',
    'blocked',
    'deleting',
    // all custom settings, because owners misspell our key
    'custom_settings',
    'datafeed_config.datafeed_id',
    'analysis_limits.model_memory_limit',
  ],
  // written by Kibana, and usually the largest part of the custom settings
  without: ['custom_settings.custom_urls'],
  read: readJobConfig,
  idOf: ({ jobId }) => jobId,
};

const jobStats: Listing<JobStats> = {
  prefix: '/_ml/anomaly_detectors',
  suffix: '/_stats',
  key: 'jobs',
  filter: [
    'job_id',
    'state',
    'open_time',
    'node.id',
    'node.name',
    'data_counts.last_data_time',
    'data_counts.latest_record_timestamp',
    'data_counts.input_record_count',
    'data_counts.processed_record_count',
    // matches `model_bytes` and `peak_model_bytes`
    'model_size_stats.*model_bytes',
    'model_size_stats.assignment_memory_basis',
    'forecasts_stats.total',
    'forecasts_stats.status',
  ],
  read: readJobStats,
  idOf: ({ jobId }) => jobId,
};

/**
 * For reads by ids only. Includes the number of processors of each job's node, which a full listing would repeat
 * thousands of times.
 */
const jobStatsById: Listing<JobStats> = {
  ...jobStats,
  // The wildcard stands for the dots in `ml.allocated_processors` and `ml.allocated_processors_double`.
  filter: [...jobStats.filter, 'node.attributes.*allocated_processors*'],
};

const datafeedStats: Listing<ReturnType<typeof readDatafeedStats>> = {
  prefix: '/_ml/datafeeds',
  suffix: '/_stats',
  key: 'datafeeds',
  filter: ['datafeed_id', 'state', 'timing_stats.job_id', 'running_state'],
  read: readDatafeedStats,
  idOf: ({ datafeedId }) => datafeedId,
};

const datafeedConfigs: Listing<{ readonly datafeedId: string; readonly jobId: string | undefined }> = {
  prefix: '/_ml/datafeeds',
  suffix: '',
  key: 'datafeeds',
  filter: ['datafeed_id', 'job_id'],
  read: (entry) => ({ datafeedId: idOf(entry, 'datafeeds'), jobId: ownerOf(entry) }),
  idOf: ({ datafeedId }) => datafeedId,
};

/** A field of `_ml/info`. It is missing before 8.12, and if autoscaling could add larger nodes. */
const nodeLimit = 'limits.max_single_ml_node_processors';

/** `filter_path` applies to errors as well. Without `error` in it, a 404 would not name the missing ids. */
const unfiltered = ['error'];

/** How long a sweep waits for the optional history, in milliseconds. */
const longestHistoryRead = 5_000;

export class ElasticsearchCluster implements Cluster, AsyncDisposable {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #wire: Wire;
  readonly #reader: Reader;
  #closesSent = false;
  #largestNode: number | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#wire = new Wire(connection);
    this.#reader = new Reader(this.#wire, clock);
  }

  async identify(signal: AbortSignal): Promise<ClusterIdentity> {
    const body = await this.#optional({ method: 'GET', path: '/' }, signal);
    const { cluster_uuid: uuid, version } = isJsonObject(body) ? body : {};
    const number = isJsonObject(version) ? version.number : undefined;
    return {
      id: nameFrom(uuid) ?? addressHash(this.#connection),
      version: nameFrom(number) ?? null,
    };
  }

  async upgradeMode(signal: AbortSignal): Promise<boolean | undefined> {
    const query = { filter_path: [...unfiltered, 'upgrade_mode', nodeLimit].join(',') };
    const question: Question = { method: 'GET', path: '/_ml/info', query };
    const read = (body: unknown) => ({
      mode: readUpgradeMode(body),
      processors: readLargestNode(body),
    });
    const reading = await this.#reader.read(question, read, signal);
    if ('value' in reading) {
      this.#largestNode = reading.value.processors;
      return reading.value.mode;
    }
    // Serverless does not have `_ml/info`. Any other failure could hide that upgrade mode is on.
    if (reading.failure.kind === 'answer' && [400, 404, 405, 410].includes(reading.failure.error.status))
      return undefined;
    throw this.#error(reading.failure, question);
  }

  largestNodeProcessors(): number | undefined {
    return this.#largestNode;
  }

  async mayClose(signal: AbortSignal): Promise<boolean | undefined> {
    if (!this.#connection.credentials) return undefined;
    const body = await this.#optional(
      { method: 'POST', path: '/_security/user/_has_privileges', body: { cluster: ['manage_ml'] } },
      signal,
    );
    const cluster = isJsonObject(body) ? body.cluster : undefined;
    const granted = isJsonObject(cluster) ? cluster.manage_ml : undefined;
    return typeof granted === 'boolean' ? granted : undefined;
  }

  async jobConfigs(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobConfig[]> {
    return this.#list(jobConfigs, signal, ids);
  }

  async jobStats(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobStats[]> {
    return this.#list(ids ? jobStatsById : jobStats, signal, ids);
  }

  async datafeedStats(signal: AbortSignal, ids?: readonly string[]): Promise<readonly DatafeedStats[]> {
    const stats = await this.#list(datafeedStats, signal, ids);
    const orphans = stats.filter(({ jobId }) => jobId === undefined).map(({ datafeedId }) => datafeedId);
    // If the stats of a datafeed do not name its job, the config of the datafeed does. Without that name, a job that a
    // running datafeed feeds would look idle.
    const asked = orphans.filter(isDatafeedId);
    const configs = asked.length > 0 ? await this.#list(datafeedConfigs, signal, asked) : [];
    const jobIds = new Map(configs.map(({ datafeedId, jobId }) => [datafeedId, jobId]));
    return stats.flatMap((entry) => {
      const jobId = entry.jobId ?? jobIds.get(entry.datafeedId);
      if (jobId !== undefined) return [{ ...entry, jobId }];
      if (isDatafeedId(entry.datafeedId) && !jobIds.has(entry.datafeedId)) return []; // deleted between the two reads
      throw new UnreadableInventoryError(
        `the cluster does not say which job the datafeed ${printable(entry.datafeedId)} feeds, so that job could be busy; delete the datafeed if it is left over from a job that is gone`,
      );
    });
  }

  async stateMoments(
    from: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly StateMoment[]> | undefined> {
    using limit = this.#clock.limit(longestHistoryRead);
    // Loaded on demand: most sweeps find no job that was opened recently.
    const { readStateMoments } = await import('./state-moments.ts');
    return await readStateMoments(this.#wire, from, AbortSignal.any([signal, limit.signal]));
  }

  async close(batch: CloseBatch, { force, timeoutMs, signal }: CloseOptions): Promise<CloseAnswer> {
    this.#closesSent = true;
    // All parameters are in the query, because servers refuse query parameters if there is a body. Every name must
    // match a job.
    // break: allow-no-match
    const query = { timeout: `${timeoutMs}ms`, force, allow_no_match: false };
    const path = `/_ml/anomaly_detectors/${batch.join(',')}/_close`;
    return closeAnswerOf(await this.#wire.ask({ method: 'POST', path, query }, signal));
  }

  limitReads(limits: Partial<ReadLimits>): void {
    this.#reader.limit(limits);
  }

  serverDate(): ServerDate | undefined {
    return this.#reader.serverDate;
  }

  warnings(): readonly string[] {
    return this.#wire.warnings.map((warning) => `the cluster warns: ${warning}`);
  }

  /** Closes the connections. Otherwise a warm function would keep the connections of every sweep. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire.close();
  }

  /** The whole listing, or the entries with these ids; ids that do not exist are left out. */
  async #list<T>(listing: Listing<T>, signal: AbortSignal, ids?: readonly string[]): Promise<readonly T[]> {
    const { prefix, suffix, key, filter, without = [] } = listing;
    const query = {
      filter_path: [
        ...unfiltered,
        'count',
        ...filter.map((field) => `${key}.${field}`),
        ...without.map((field) => `-${key}.${field}`),
      ].join(','),
    };
    const question = (expression: string | undefined): Question => ({
      method: 'GET',
      path: `${prefix}${expression === undefined ? '' : `/${expression}`}${suffix}`,
      query,
    });
    const read = (asked: Question, names?: readonly string[], passes?: (failure: Failure) => boolean) =>
      this.#reader.read(asked, (body) => readListing(body, key, names).map(listing.read), signal, passes);
    const source: Source<T> = {
      idOf: listing.idOf,
      matching: async (expression) => {
        const asked = question(expression);
        return this.#valueOf(await read(asked), asked);
      },
      called: async (name) => {
        const asked = question(encodeURIComponent(name));
        const reading = await read(asked);
        return missingIn(reading).includes(name) ? [] : this.#valueOf(reading, asked);
      },
      named: async (names, tries) => {
        const asked = question(names.map(encodeURIComponent).join(','));
        const reading = await read(asked, names, tries === 'one' ? () => false : undefined);
        const missing = missingIn(reading);
        if (missing.length > 0) return { missing };
        if (mayConcernOne(reading)) return { refused: this.#error(reading.failure, asked) };
        return { entries: this.#valueOf(reading, asked) };
      },
    };
    try {
      return await (ids ? readByIds(source, ids) : readAll(source));
    } catch (error) {
      if (!(error instanceof EndlessListing)) throw error;
      throw this.#error({ kind: 'unreadable', reason: error.message }, question(undefined));
    }
  }

  /**
   * Reads something that a sweep can do without. Returns undefined if the server refuses the read, or if the answer is
   * not from Elasticsearch; the required reads report the latter. The sweep still fails if the credentials are wrong or
   * if there is no answer in time.
   */
  async #optional(question: Question, signal: AbortSignal): Promise<unknown> {
    // If security is off, the security APIs answer 500. A retry cannot fix that.
    const passes = (failure: Failure) =>
      mayPass(failure) && !(failure.kind === 'answer' && failure.error.status === 500);
    const reading = await this.#reader.read(question, (body) => body, signal, passes);
    if ('value' in reading) return reading.value;
    const { failure } = reading;
    const harm =
      failure.kind === 'lost' ||
      failure.kind === 'ended' ||
      reading.tooLong ||
      ('error' in failure && failure.error.status === 401);
    if (harm) throw this.#error(failure, question);
    return undefined;
  }

  #valueOf<T>(reading: Reading<T>, question: Question): T {
    if ('value' in reading) return reading.value;
    throw this.#error(reading.failure, question);
  }

  #error(failure: Failure, { method, path }: Question): JobsweepError {
    const shown = path.length > 120 ? `${path.slice(0, 119)}…` : path;
    return errorFor(failure, {
      connection: this.#connection,
      asked: `${method} ${shown}`,
      closesSent: this.#closesSent,
    });
  }
}

/** The ids that the failed read reports as missing. */
const missingIn = (reading: Reading<unknown>): readonly string[] =>
  'failure' in reading && reading.failure.kind === 'answer' ? reading.failure.missing : [];

/**
 * Whether a read by ids failed with an error that may be about a single id, rather than about the caller or the load.
 */
const mayConcernOne = (reading: Reading<unknown>): reading is { readonly failure: Failure } =>
  'failure' in reading &&
  reading.failure.kind === 'answer' &&
  reading.failure.error.status !== 429 &&
  !concernsAll(reading.failure.error);

/** The value of `upgrade_mode`, which must be true or false: anything else could hide that upgrade mode is on. */
function readUpgradeMode(body: unknown): boolean {
  const mode = isJsonObject(body) ? body.upgrade_mode : undefined;
  if (typeof mode === 'boolean') return mode;
  throw new UnreadableAnswer('it does not say whether machine learning is in upgrade mode');
}

function readLargestNode(body: unknown): number | undefined {
  const limits = isJsonObject(body) ? body.limits : undefined;
  return processorsFrom(isJsonObject(limits) ? limits.max_single_ml_node_processors : undefined);
}

/** The server's uuid or version, if short enough to show; `_na_` means that the server has none yet. */
const nameFrom = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value !== '_na_' && value.length <= 100
    ? printable(value)
    : undefined;
