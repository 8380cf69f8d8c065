/** @module One Elasticsearch cluster as a sweep needs it: whole reads, and closes that are sent once. */
import { createHash } from 'node:crypto';
import type { Client } from '@elastic/elasticsearch';
import type { Clock } from '../sweep/clock.ts';
import {
  AccessDeniedError,
  ClusterUnreachableError,
  NotElasticsearchError,
  UnreadableInventoryError,
} from '../sweep/errors.ts';
import type { CloseBatch, JobId } from '../sweep/job-id.ts';
import type {
  CloseAnswer,
  CloseOptions,
  Cluster,
  ClusterIdentity,
  DatafeedStats,
  JobConfig,
  JobStats,
} from '../sweep/ports.ts';
import {
  isFields,
  readDatafeedStats,
  readJobConfig,
  readJobStats,
  readListing,
  UnreadableAnswer,
} from './answers.ts';
import { type Connection, connect, shownAddress } from './connection.ts';
import { type Failure, failureOf } from './errors.ts';
import { chunks, listAll, missingIds } from './listing.ts';

/** Only what is judged by or shown: of a job's stats less than a quarter of the bytes, of its config far less. */
const filters = {
  configs:
    'count,jobs.job_id,jobs.groups,jobs.blocked,jobs.deleting,jobs.custom_settings.jobsweep,jobs.custom_settings.managed,jobs.datafeed_config.datafeed_id',
  stats:
    'count,jobs.job_id,jobs.state,jobs.open_time,jobs.node.id,jobs.node.name,jobs.data_counts.last_data_time,jobs.data_counts.latest_record_timestamp,' +
    'jobs.data_counts.input_record_count,jobs.model_size_stats.model_bytes,jobs.forecasts_stats.status',
  datafeeds:
    'count,datafeeds.datafeed_id,datafeeds.state,datafeeds.timing_stats.job_id,datafeeds.running_state',
} as const;

const mostTries = 4;
const firstPause = 500;
/** One try of a read; a cluster that needs longer is not fit to close jobs on. */
const mostForRead = 30_000;

interface Answer {
  readonly body: unknown;
}

export class ElasticsearchCluster implements Cluster {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #warnings = new Set<string>();

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#client = connect(connection);
  }

  async identify(signal: AbortSignal): Promise<ClusterIdentity> {
    const answer = await this.#optional('/', {}, signal);
    const { cluster_uuid: uuid, version } = isFields(answer?.body) ? answer.body : {};
    const number = isFields(version) ? version.number : undefined;
    const id =
      typeof uuid === 'string' && uuid
        ? uuid
        : createHash('sha256').update(shownAddress(this.#connection)).digest('base64url').slice(0, 22);
    return { id, version: typeof number === 'string' ? number : null };
  }

  async upgradeMode(signal: AbortSignal): Promise<boolean | undefined> {
    const answer = await this.#optional('/_ml/info', { filter_path: 'error,upgrade_mode' }, signal);
    const mode = isFields(answer?.body) ? answer.body.upgrade_mode : undefined;
    return typeof mode === 'boolean' ? mode : undefined;
  }

  async mayClose(signal: AbortSignal): Promise<boolean | undefined> {
    if (!this.#connection.credentials) return undefined;
    const answer = await this.#optional('/_security/user/_has_privileges', {}, signal, {
      cluster: ['manage_ml'],
    });
    const cluster = isFields(answer?.body) ? answer.body.cluster : undefined;
    const granted = isFields(cluster) ? cluster.manage_ml : undefined;
    return typeof granted === 'boolean' ? granted : undefined;
  }

  async jobConfigs(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobConfig[]> {
    const read = this.#listing('/_ml/anomaly_detectors', '', 'jobs', filters.configs, signal);
    const entries = await this.#entries(read, (entry) => String(entry.job_id), ids);
    return entries.flatMap((entry) => readJobConfig(entry) ?? []);
  }

  async jobStats(signal: AbortSignal, ids?: readonly JobId[]): Promise<readonly JobStats[]> {
    const read = this.#listing('/_ml/anomaly_detectors', '/_stats', 'jobs', filters.stats, signal);
    const entries = await this.#entries(read, (entry) => String(entry.job_id), ids);
    return entries.map(readJobStats);
  }

  async datafeedStats(signal: AbortSignal, ids?: readonly string[]): Promise<readonly DatafeedStats[]> {
    const idOf = (entry: Readonly<Record<string, unknown>>) => String(entry.datafeed_id);
    const read = this.#listing('/_ml/datafeeds', '/_stats', 'datafeeds', filters.datafeeds, signal);
    const stats = (await this.#entries(read, idOf, ids)).map(readDatafeedStats);
    const orphans = stats.filter(({ jobId }) => jobId === undefined).map(({ datafeedId }) => datafeedId);
    if (orphans.length === 0) return stats as DatafeedStats[];
    // Without its job a running datafeed would make a busy job look idle: its config tells.
    const readConfigs = this.#listing(
      '/_ml/datafeeds',
      '',
      'datafeeds',
      'count,datafeeds.datafeed_id,datafeeds.job_id',
      signal,
    );
    const configs = new Map(
      (await this.#entries(readConfigs, idOf, orphans)).map((entry) => [entry.datafeed_id, entry.job_id]),
    );
    return stats.flatMap((entry) => {
      const jobId = entry.jobId ?? configs.get(entry.datafeedId);
      if (typeof jobId === 'string') return [{ ...entry, jobId }];
      if (!configs.has(entry.datafeedId)) return []; // deleted between the two reads
      throw new UnreadableInventoryError(
        `the cluster does not tell which job the datafeed ${entry.datafeedId} feeds; nothing was closed`,
      );
    });
  }

  async close(batch: CloseBatch, { force, timeoutMs, signal }: CloseOptions): Promise<CloseAnswer> {
    const path = `/_ml/anomaly_detectors/${batch.join(',')}/_close`;
    // All parameters in the query: with a body, servers refuse those in the query. No name is ever allowed to match nothing.
    const querystring = { timeout: `${timeoutMs}ms`, force, allow_no_match: false };
    try {
      const { body } = await this.#send('POST', path, querystring, undefined, signal);
      if (isFields(body) && body.closed === true) return { kind: 'acknowledged' };
      return { kind: 'lost', reason: 'the answer to the close did not say that it was done' };
    } catch (error) {
      return closeAnswer(failureOf(error, signal));
    }
  }

  warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** A listing by expression, each part read with tries and checked to be whole. */
  #listing(prefix: string, suffix: string, key: 'jobs' | 'datafeeds', filter: string, signal: AbortSignal) {
    return (expression: string | undefined) => {
      const path = `${prefix}${expression === undefined ? '' : `/${expression}`}${suffix}`;
      // the filter applies to error answers too: without `error` a 404 would not say which ids
      return this.#read(path, { filter_path: `error,${filter}` }, signal, undefined, ({ body }) =>
        readListing(body, key),
      );
    };
  }

  async #entries(
    read: (expression: string | undefined) => Promise<readonly Readonly<Record<string, unknown>>[]>,
    idOf: (entry: Readonly<Record<string, unknown>>) => string,
    ids: readonly string[] | undefined,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    // Only a part of a listing may be empty by a 404; the whole one answered so is no listing.
    if (!ids)
      return listAll(
        (expression) => (expression === undefined ? read(expression) : orNone(read(expression))),
        idOf,
      );
    const wanted = new Set(ids);
    const lists = await Promise.all(chunks(ids).map((chunk) => this.#byIds(read, idOf, chunk)));
    return lists.flat().filter((entry) => wanted.has(idOf(entry)));
  }

  /** The entries of `ids` that exist: a 404 names those that do not, and the rest is asked for again. */
  async #byIds(
    read: (expression: string | undefined) => Promise<readonly Readonly<Record<string, unknown>>[]>,
    idOf: (entry: Readonly<Record<string, unknown>>) => string,
    ids: readonly string[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    let left = ids;
    while (left.length > 0) {
      try {
        return await read(left.map(encodeURIComponent).join(','));
      } catch (error) {
        if (!(error instanceof NotFound)) throw error;
        const gone = new Set(error.ids);
        const rest = left.filter((id) => !gone.has(id));
        // A 404 that names none of ours: the whole listing tells what is there.
        if (rest.length === left.length) return listAll(read, idOf);
        left = rest;
      }
    }
    return [];
  }

  /** A read that servers and keys may refuse without harm: undefined then. Everything else is as for any read. */
  async #optional(
    path: string,
    querystring: object,
    signal: AbortSignal,
    body?: object,
  ): Promise<Answer | undefined> {
    try {
      return await this.#read(path, querystring, signal, body, (answer) => answer);
    } catch (error) {
      const harmless =
        error instanceof NotFound ||
        error instanceof RefusedRead ||
        (error instanceof AccessDeniedError && error.status === 403);
      if (harmless) return undefined;
      throw error;
    }
  }

  /** Tries a read up to four times, with pauses, and understands its answer with `understand`. */
  async #read<T>(
    path: string,
    querystring: object,
    signal: AbortSignal,
    body: object | undefined,
    understand: (answer: Answer) => T,
  ): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const failure = await this.#try(path, querystring, signal, body, understand);
      if ('value' in failure) return failure.value;
      signal.throwIfAborted();
      if (tries === mostTries || !passing(failure.failure)) throw this.#errorFor(failure.failure, path);
      const pause = firstPause * 2 ** (tries - 1);
      const { failure: met } = failure;
      await this.#clock.sleep(met.kind === 'answer' ? (met.retryAfterMs ?? pause) : pause, signal);
    }
  }

  async #try<T>(
    path: string,
    querystring: object,
    signal: AbortSignal,
    body: object | undefined,
    understand: (answer: Answer) => T,
  ): Promise<{ value: T } | { failure: Failure }> {
    signal.throwIfAborted();
    using limit = this.#clock.limit(mostForRead);
    const either = AbortSignal.any([signal, limit.signal]);
    try {
      return { value: understand(await this.#send(body ? 'POST' : 'GET', path, querystring, body, either)) };
    } catch (error) {
      if (error instanceof UnreadableAnswer) return { failure: { kind: 'lost', reason: error.message } };
      if (limit.signal.aborted && !signal.aborted)
        return { failure: { kind: 'lost', reason: `no answer within ${mostForRead / 1000} s` } };
      return { failure: failureOf(error, signal) };
    }
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    querystring: object,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    // A signal of its own for each request: the client aborts the one it is given when it gives up.
    const options = { signal: AbortSignal.any([signal]), meta: true as const, maxRetries: 0 };
    const result = await this.#client.transport.request<unknown>(
      { method, path, querystring, ...(body && { body }) },
      options,
    );
    for (const warning of result.warnings ?? [])
      this.#warnings.add(`the cluster warns: ${warning.replace(/^299 \S+ /, '')}`);
    return { body: result.body };
  }

  #errorFor(failure: Failure, path: string): Error {
    const where = shownAddress(this.#connection);
    const untouched = 'nothing was closed';
    switch (failure.kind) {
      case 'not_elasticsearch':
        return new NotElasticsearchError(
          `${where} answers, but not as an Elasticsearch; ${untouched}. Check the address: is it Kibana's, or a proxy's?`,
        );
      case 'ended':
        return new ClusterUnreachableError(`${where} could not be read in the time left; ${untouched}`);
      case 'lost':
        return failure.reason.includes('JSON') || failure.reason.includes('the answer')
          ? new UnreadableInventoryError(
              `${where} gave an answer to ${path} that cannot be read (${failure.reason}); ${untouched}. Is a proxy in between?`,
            )
          : new ClusterUnreachableError(
              `${where} cannot be reached: ${failure.reason}; ${untouched}. ${adviceFor(failure.reason)}`,
            );
      case 'answer':
        return this.#errorForAnswer(failure, path, where, untouched);
    }
  }

  #errorForAnswer(
    { error }: Extract<Failure, { kind: 'answer' }>,
    path: string,
    where: string,
    untouched: string,
  ): Error {
    const said = `HTTP ${error.status} ${error.type}: ${error.reason}`;
    if (error.status === 401) {
      const none = this.#connection.credentials
        ? 'The key or password is wrong, expired or revoked'
        : 'No credentials are set: set ELASTICSEARCH_API_KEY';
      return new AccessDeniedError(
        error.status,
        `${where} refused the credentials (${said}); ${untouched}. ${none}.`,
      );
    }
    if (error.status === 403) {
      return new AccessDeniedError(
        error.status,
        `${where} does not allow this (${said}); ${untouched}. Planning needs the cluster privilege monitor_ml, sweeping manage_ml.`,
      );
    }
    if (error.status === 404) {
      const ids = missingIds(error.reason);
      if (ids.length > 0 || error.type === 'resource_not_found_exception') return new NotFound(said, ids);
    }
    if (error.status >= 400 && error.status < 500 && error.status !== 429) {
      return new RefusedRead(
        `${where} does not understand ${path} (${said}); ${untouched}. Is it an Elasticsearch with machine learning?`,
      );
    }
    return new UnreadableInventoryError(
      `${where} could not answer ${path} in ${mostTries} tries (${said}); ${untouched}. Try again when the cluster is well.`,
    );
  }
}

/** A 404 that says which ids, or that none of a pattern, exist. */
class NotFound extends Error {
  readonly ids: readonly string[];

  constructor(message: string, ids: readonly string[]) {
    super(message);
    this.ids = ids;
  }
}

/** A request that this server has no handler for; what is optional does without. */
class RefusedRead extends NotElasticsearchError {
  override readonly name = 'NotElasticsearchError';
}

const orNone = async <T>(read: Promise<readonly T[]>): Promise<readonly T[]> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof NotFound) return [];
    throw error;
  }
};

/** Whether trying again could help. */
function passing(failure: Failure): boolean {
  if (failure.kind === 'answer') return failure.error.status === 429 || failure.error.status >= 500;
  return failure.kind === 'lost' && !/certificate|fingerprint|ENOTFOUND/i.test(failure.reason);
}

function adviceFor(reason: string): string {
  if (/fingerprint/i.test(reason)) return 'ELASTICSEARCH_CA_FINGERPRINT is not that of the certificate.';
  if (/certificate|self-signed/i.test(reason))
    return "Its certificate is not trusted: set ELASTICSEARCH_CA_CERT to the authority's certificate.";
  if (/ENOTFOUND/.test(reason)) return 'The host name does not exist: check ELASTICSEARCH_URL.';
  return 'Check the address, and that this machine may reach it.';
}

/** The failure of a close as a hint for what to do next. */
function closeAnswer(failure: Failure): CloseAnswer {
  if (failure.kind === 'lost') return { kind: 'lost', reason: failure.reason };
  if (failure.kind === 'ended') return { kind: 'lost', reason: 'no answer within the time for it' };
  if (failure.kind === 'not_elasticsearch')
    return { kind: 'lost', reason: 'what answered is not an Elasticsearch' };
  const { error, retryAfterMs } = failure;
  if (error.status === 401 || error.status === 403) return { kind: 'denied', error };
  if (error.status === 429 || retryAfterMs !== undefined) return { kind: 'busy', error, retryAfterMs };
  const missing = error.status === 404 ? missingIds(error.reason) : [];
  if (missing.length > 0) return { kind: 'missing', error, jobIds: missing };
  if (error.status === 409 && /because it failed|state failed/.test(error.reason))
    return { kind: 'failed_jobs', error };
  if (error.status === 500 && error.reason.startsWith('Timed out when waiting for persistent tasks'))
    return { kind: 'timed_out', error };
  return { kind: 'error', error };
}
