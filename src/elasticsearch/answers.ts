/**
 * @module Turns the server's JSON into configs and stats. Nothing is guessed: an entry that cannot be read is marked or
 * left out, so that its job stays open, and an answer that is not a listing is refused.
 */

import { isJsonObject } from '../base/json.ts';
import { quote } from '../base/text.ts';
import { isDatafeedId, isId } from '../sweep/planning/concrete-id.ts';
import { mayConcernProtection, type ProtectionSettings } from '../sweep/planning/protection.ts';
import type { DatafeedStats, JobConfig, JobStats } from '../sweep/ports.ts';

export type Fields = Readonly<Record<string, unknown>>;

/**
 * The answer cannot be used: for example, it is a gateway's page, an incomplete listing, or a listing with entries
 * that have no id.
 */
export class UnreadableAnswer extends Error {}

const idKeys = { jobs: 'job_id', datafeeds: 'datafeed_id' } as const;
export type ListingKey = keyof typeof idKeys;

/**
 * The entries of a listing, each with an id. Throws if their number differs from the `count` in the body. If the
 * request named ids, `asked` holds them. The server answers 404 if an id does not exist, so a listing must contain each
 * requested id exactly once.
 */
export function readListing(body: unknown, key: ListingKey, asked?: readonly string[]): readonly Fields[] {
  if (!isJsonObject(body)) throw new UnreadableAnswer('it is not a JSON object');
  // filter_path drops empty lists
  const entries = body[key] === undefined ? [] : body[key];
  if (!Array.isArray(entries) || !entries.every(isJsonObject))
    throw new UnreadableAnswer(`${key} is not a list of objects`);
  if (body.count !== entries.length)
    throw new UnreadableAnswer(`count is ${quote(body.count)}, but ${entries.length} ${key} are listed`);
  const listed = entries.map((entry) => idOf(entry, key));
  if (!asked) return entries;
  const ids = new Set(listed);
  if (ids.size !== entries.length) throw new UnreadableAnswer(`${key} lists an id twice`);
  const missing = asked.find((id) => !ids.has(id));
  if (missing !== undefined)
    throw new UnreadableAnswer(`${missing} was requested, but ${key} does not list it`);
  return entries;
}

export function idOf(entry: Fields, key: ListingKey): string {
  const id = entry[idKeys[key]];
  if (typeof id !== 'string' || id === '' || id.length > maxIdLength)
    throw new UnreadableAnswer(`an entry of ${key} has no valid ${idKeys[key]}`);
  return id;
}

/** Elasticsearch stores a datafeed as a document under its id, and document ids have at most 512 bytes. */
const maxIdLength = 512;
/**
 * Maximum length of a state, a node's id or a node's name, in characters. Real values are shorter. The limit keeps the
 * report small.
 */
const mostShown = 255;
const shown = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.slice(0, mostShown) : undefined;

/**
 * A job's config; `unreadable` if a field that can keep a job open has an unexpected value. The other fields are still
 * used. For example, the groups are needed, because no close request may contain the name of a group.
 */
export function readJobConfig(entry: Fields): JobConfig {
  const reader = new FieldReader();
  const settings = reader.fields('custom_settings', entry.custom_settings);
  const { datafeed_config: feedConfig } = entry;
  const feed = feedConfig === undefined ? undefined : reader.fields('datafeed_config', feedConfig);
  const config: JobConfig = {
    jobId: idOf(entry, 'jobs'),
    groups: reader.texts('groups', entry.groups),
    blocked: readBlocked(entry),
    datafeedId: feed && reader.datafeedId('datafeed_config.datafeed_id', feed.datafeed_id),
    protection: protectionIn(settings),
    managed: settings.managed,
    memoryLimit: limitOf(entry.analysis_limits),
  };
  // null does not say whether an app manages the job
  // break: managed-null
  if (settings.managed === null) reader.fail('custom_settings.managed is null');
  return { ...config, ...reader.verdict };
}

/** The custom settings that may opt a job out; undefined if there are none. */
function protectionIn(settings: Fields): ProtectionSettings | undefined {
  const own = Object.entries(settings).filter(([key, value]) => mayConcernProtection(key, value));
  return own.length > 0 ? Object.fromEntries(own) : undefined;
}

/** Why the job is blocked; undefined only if no field says that it is blocked. */
function readBlocked({ blocked, deleting }: Fields): string | undefined {
  if (blocked !== undefined)
    // break: blocked-reason
    return isJsonObject(blocked) && typeof blocked.reason === 'string' ? blocked.reason : 'unknown';
  return deleting === undefined || deleting === false ? undefined : 'delete';
}

/** A job's stats; `unreadable` if a field that the job's verdict needs is missing or has an unexpected value. */
export function readJobStats(entry: Fields): JobStats {
  const reader = new FieldReader();
  const state = reader.text('state', entry.state);
  const counts = reader.fields('data_counts', entry.data_counts);
  const node = reader.fields('node', entry.node);
  const openForMs = reader.elapsed('open_time', entry.open_time);
  const size = isJsonObject(entry.model_size_stats) ? entry.model_size_stats : {};
  const stats: JobStats = {
    jobId: idOf(entry, 'jobs'),
    state: shown(state) ?? 'unknown',
    nodeId: shown(node.id),
    nodeName: shown(node.name),
    nodeProcessors: readProcessors(node.attributes),
    openForMs,
    lastDataTime: readLastDataTime(counts, reader),
    latestRecordTime:
      typeof counts.latest_record_timestamp === 'number' ? counts.latest_record_timestamp : undefined,
    modelBytes: sizeOf(size.model_bytes),
    memoryBasis: basisOf(size),
    runningForecasts: readForecasts(entry.forecasts_stats, reader),
  };
  // If a `closing` job is on a node, its process still runs, so the stats must contain open_time. (The verdict handles
  // an `opened` job without an open_time.)
  if (state === 'closing' && entry.node !== undefined && openForMs === undefined)
    reader.fail('open_time is missing, although node is present');
  return { ...stats, ...reader.verdict };
}

/**
 * The number of processors of a node, from its attributes. No verdict depends on this number, so an invalid value
 * counts as unknown.
 */
function readProcessors(attributes: unknown): number | undefined {
  if (!isJsonObject(attributes)) return undefined;
  const exact = processorsFrom(attributes['ml.allocated_processors_double']);
  return exact ?? processorsFrom(attributes['ml.allocated_processors']);
}

/** A number of processors, which servers write as a JSON number or string. */
export function processorsFrom(value: unknown): number | undefined {
  const processors = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof processors === 'number' && processors > 0 && processors <= maxProcessors
    ? processors
    : undefined;
}

const maxProcessors = 65_536;

/** When data last arrived; undefined only if the counts say that no data has ever arrived. */
function readLastDataTime(counts: Fields, reader: FieldReader): number | undefined {
  const lastDataTime = reader.moment('data_counts.last_data_time', counts.last_data_time);
  const input = reader.amount('data_counts.input_record_count', counts.input_record_count);
  const processed = reader.amount('data_counts.processed_record_count', counts.processed_record_count);
  // Servers always send the counts, zeros included. If they are missing, or records have no time of arrival, the
  // answer is incomplete and the job would wrongly look as if it never got data.
  if (input === undefined && processed === undefined)
    reader.fail('the record counts of data_counts are missing');
  const fed = Number(input) > 0 || Number(processed) > 0 || counts.latest_record_timestamp !== undefined;
  if (fed && lastDataTime === undefined)
    reader.fail('data_counts.last_data_time is missing, though records were counted');
  return lastDataTime;
}

/**
 * The number of forecasts that may still run: all that have not ended, even those in an unknown state. If the
 * counts by state add up to less than `total`, some states are missing.
 */
function readForecasts(stats: unknown, reader: FieldReader): number {
  const { total, status } = reader.fields('forecasts_stats', stats);
  const byState = Object.entries(reader.fields('forecasts_stats.status', status)).map(
    ([state, count]) => [state, reader.amount('forecasts_stats.status', count) ?? 0] as const,
  );
  const sum = (counts: typeof byState) => counts.reduce((so, [, count]) => so + count, 0);
  const all = reader.amount('forecasts_stats.total', total);
  if (all === undefined && status === undefined) reader.fail('forecasts_stats.total is missing');
  // break: forecast-status
  if ((all ?? 0) > sum(byState))
    reader.fail('forecasts_stats.status does not say the state of each forecast');
  // break: forecast-states
  return sum(byState.filter(([state]) => !endedForecasts.has(state)));
}

/** The states in which a forecast has ended. In any other state, such as `scheduled` or `started`, it may still run. */
const endedForecasts: ReadonlySet<string> = new Set(['finished', 'failed', 'stopped']);

/** A datafeed's stats; `jobId` is undefined if the answer does not name the datafeed's job. */
export function readDatafeedStats(
  entry: Fields,
): Omit<DatafeedStats, 'jobId'> & { readonly jobId: string | undefined } {
  const timing = isJsonObject(entry.timing_stats) ? entry.timing_stats : {};
  const running = isJsonObject(entry.running_state) ? entry.running_state : {};
  const { real_time_configured: configured, real_time_running: current } = running;
  const known = typeof configured === 'boolean' && typeof current === 'boolean';
  return {
    datafeedId: idOf(entry, 'datafeeds'),
    jobId: ownerOf(timing),
    state: shown(entry.state) ?? 'unknown',
    lookback: !known ? 'unknown' : configured && current ? 'done' : 'running',
  };
}

/** The job that a datafeed feeds; undefined if the field is missing or not a valid job id. */
export const ownerOf = ({ job_id: id }: Fields): string | undefined =>
  typeof id === 'string' && isId(id) ? id : undefined;

/** Reads fields and remembers the first one with an unexpected value; null counts as unexpected. */
class FieldReader {
  #failed: string | undefined;

  /**
   * An object to merge into a config or into stats: `unreadable` has the first problem found, and is missing if there
   * is none.
   */
  get verdict(): { readonly unreadable?: string } {
    return this.#failed === undefined ? {} : { unreadable: this.#failed };
  }

  fail(what: string): void {
    this.#failed ??= what;
  }

  /** An object; empty if missing. */
  fields(name: string, value: unknown): Fields {
    return value === undefined ? {} : isJsonObject(value) ? value : this.#failure(name, value, {});
  }

  /** A required string. */
  text(name: string, value: unknown): string | undefined {
    return typeof value === 'string' ? value : this.#failure(name, value, undefined);
  }

  /** A required datafeed id. */
  datafeedId(name: string, value: unknown): string | undefined {
    return typeof value === 'string' && isDatafeedId(value) ? value : this.#failure(name, value, undefined);
  }

  /** A list of strings; empty if missing. */
  texts(name: string, value: unknown): readonly string[] {
    if (value === undefined) return [];
    const texts = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
    return Array.isArray(value) && texts.length === value.length ? texts : this.#failure(name, value, texts);
  }

  /** A number of milliseconds or a count, 0 or more. */
  amount(name: string, value: unknown): number | undefined {
    if (value === undefined) return undefined;
    return typeof value === 'number' && Number.isFinite(value) && value >= 0
      ? value
      : this.#failure(name, value, undefined);
  }

  /** A time by the server's clock, in epoch milliseconds. A time before Elasticsearch existed is an error. */
  moment(name: string, value: unknown): number | undefined {
    const moment = this.amount(name, value);
    return moment === undefined || moment >= firstServers ? moment : this.#failure(name, value, undefined);
  }

  /**
   * An elapsed time in milliseconds. The server writes it in the form `"93784s"`. An impossibly long time is an error.
   */
  elapsed(name: string, value: unknown): number | undefined {
    if (value === undefined) return undefined;
    const [, digits, unit] = (typeof value === 'string' && /^([0-9]{1,12})(ms|s|m|h|d)$/.exec(value)) || [];
    const elapsed = Number(digits) * units[unit as keyof typeof units];
    return elapsed <= longestProcess ? elapsed : this.#failure(name, value, undefined);
  }

  #failure<T>(name: string, value: unknown, instead: T): T {
    this.fail(value === undefined ? `${name} is missing` : `${name} is ${quote(value, maxValueShown)}`);
    return instead;
  }
}

/**
 * Maximum length of an unreadable value in a message: many jobs may have such a value, and the report has a size limit.
 */
const maxValueShown = 40;

/** Elasticsearch was first released in 2010, its anomaly detection in 2017. */
const firstServers = Date.UTC(2010, 0, 1);
const longestProcess = 50 * 365 * 86_400_000;

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A size in bytes, for display and sums only. An impossible size counts as unknown. */
function sizeOf(bytes: unknown): number | undefined {
  return typeof bytes === 'number' && bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}

/**
 * The memory that the server counts when it assigns the job to a node: a number of bytes, or `limit` if the server
 * counts the configured limit. `assignment_memory_basis` names what it counts. If that field is missing, the server
 * counts the limit for a job without a model; for a job with a model, the result is undefined.
 */
function basisOf({ assignment_memory_basis: basis, model_bytes: now, peak_model_bytes: peak }: Fields) {
  if (basis === 'model_memory_limit' || (basis === undefined && now === 0)) return 'limit';
  return sizeOf(basis === 'current_model_bytes' ? now : basis === 'peak_model_bytes' ? peak : undefined);
}

/** Bytes of a limit, which the server always writes in megabytes, such as `"1024mb"`. */
function limitOf(limits: unknown): number | undefined {
  const [, mb] = /^(\d{1,9})mb$/.exec(isJsonObject(limits) ? String(limits.model_memory_limit) : '') ?? [];
  return mb === undefined ? undefined : Number(mb) * 2 ** 20;
}

/** Epoch milliseconds from a number or a date string; undefined if the value is neither. */
export function momentOf(value: unknown): number | undefined {
  const moment = typeof value === 'string' ? Date.parse(value) : value;
  return typeof moment === 'number' && Number.isFinite(moment) && Math.abs(moment) < 8.64e15
    ? moment
    : undefined;
}
