/**
 * @module The server's JSON into what a sweep looks at. What is not understood is never guessed: an entry that cannot
 * be read is marked or left out, so that its job is kept, and an answer that is no listing is refused.
 */

import { quote } from '../base/text.ts';
import { isDatafeedId, isId } from '../sweep/planning/job-id.ts';
import { isProtectionKey, type ProtectionSettings } from '../sweep/planning/protection.ts';
import type { DatafeedStats, JobConfig, JobStats } from '../sweep/ports.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** An answer that is not what was asked for: a gateway's page, half a listing, entries without an id. */
export class UnreadableAnswer extends Error {}

const idKeys = { jobs: 'job_id', datafeeds: 'datafeed_id' } as const;
export type ListingKey = keyof typeof idKeys;

/**
 * The entries of a listing, each with an id; throws when there are not as many as its `count` says. `asked`: the ids
 * that were asked for by name. The server answers 404 when one does not exist, so each must be there, and once.
 */
export function readListing(body: unknown, key: ListingKey, asked?: readonly string[]): readonly Fields[] {
  if (!isFields(body)) throw new UnreadableAnswer('it is not a JSON object');
  // filter_path leaves an empty list out
  const entries = body[key] === undefined ? [] : body[key];
  if (!Array.isArray(entries) || !entries.every(isFields))
    throw new UnreadableAnswer(`${key} is not a list of objects`);
  if (body.count !== entries.length)
    throw new UnreadableAnswer(`count is ${quote(body.count)}, and ${entries.length} ${key} came`);
  const ids = new Set(entries.map((entry) => idOf(entry, key)));
  if (asked && ids.size !== entries.length) throw new UnreadableAnswer(`an id is twice in ${key}`);
  const missing = asked?.find((id) => !ids.has(id));
  if (missing !== undefined) throw new UnreadableAnswer(`${missing} was asked for, and is not among ${key}`);
  return entries;
}

export function idOf(entry: Fields, key: ListingKey): string {
  const id = entry[idKeys[key]];
  if (typeof id !== 'string' || id === '' || id.length > maxIdLength)
    throw new UnreadableAnswer(`an entry of ${key} has no ${idKeys[key]}, or none that an id can be`);
  return id;
}

/** A datafeed is stored under its id, and Elasticsearch stores nothing under an id of more than 512 bytes. */
const maxIdLength = 512;
/** Names and states are shorter; more would only swell the report. */
const mostShown = 255;
const shown = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.slice(0, mostShown) : undefined;

/**
 * A job's config; `unreadable` when a field that keeps jobs open is not in a known form. What could be read of it counts
 * all the same: its groups are names that no close may hold.
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
  };
  // an app's mark that is there and holds nothing does not say whether an app manages the job
  // break: managed-null
  if (settings.managed === null) reader.fail('custom_settings.managed is null');
  return { ...config, ...reader.verdict };
}

/** Of a job's settings, which may be many, those that may opt it out; undefined when there are none. */
function protectionIn(settings: Fields): ProtectionSettings | undefined {
  const own = Object.entries(settings).filter(([key]) => isProtectionKey(key));
  return own.length > 0 ? Object.fromEntries(own) : undefined;
}

/** Why the job is blocked: undefined only where nothing says that it is. */
function readBlocked({ blocked, deleting }: Fields): string | undefined {
  if (blocked !== undefined)
    // break: blocked-reason
    return isFields(blocked) && typeof blocked.reason === 'string' ? blocked.reason : 'unknown';
  return deleting === undefined || deleting === false ? undefined : 'delete';
}

/** A job's stats; `unreadable` when what its verdict rests on is missing where servers always say it, or is not in a known form. */
export function readJobStats(entry: Fields): JobStats {
  const reader = new FieldReader();
  const state = reader.text('state', entry.state);
  const counts = reader.fields('data_counts', entry.data_counts);
  const node = reader.fields('node', entry.node);
  const openForMs = reader.elapsed('open_time', entry.open_time);
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
    modelBytes: sizeOf(entry.model_size_stats),
    runningForecasts: readForecasts(entry.forecasts_stats, reader),
  };
  // A process on a node tells how long it has run. (An `opened` job that does not is judged by that itself.)
  if (state === 'closing' && entry.node !== undefined && openForMs === undefined)
    reader.fail('open_time is missing beside node');
  return { ...stats, ...reader.verdict };
}

/** The processors of a node, by its attributes; never judged by, so what is not understood is only unknown. */
function readProcessors(attributes: unknown): number | undefined {
  if (!isFields(attributes)) return undefined;
  const exact = processorsFrom(attributes['ml.allocated_processors_double']);
  return exact ?? processorsFrom(attributes['ml.allocated_processors']);
}

/** A number of processors, written as a number or as text. */
export function processorsFrom(value: unknown): number | undefined {
  const processors = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof processors === 'number' && processors > 0 && processors <= maxProcessors
    ? processors
    : undefined;
}

const maxProcessors = 65_536;

/** When data last arrived; undefined only where the counts say that none ever did. */
function readLastDataTime(counts: Fields, reader: FieldReader): number | undefined {
  const lastDataTime = reader.moment('data_counts.last_data_time', counts.last_data_time);
  const input = reader.amount('data_counts.input_record_count', counts.input_record_count);
  const processed = reader.amount('data_counts.processed_record_count', counts.processed_record_count);
  // Counts are always told, zeros included. Without them, or with data that has no time of arrival, a part of the
  // answer is missing, and the job only looks never fed.
  if (input === undefined && processed === undefined)
    reader.fail('the record counts of data_counts are missing');
  const fed = Number(input) > 0 || Number(processed) > 0 || counts.latest_record_timestamp !== undefined;
  if (fed && lastDataTime === undefined)
    reader.fail('data_counts.last_data_time is missing, though records were counted');
  return lastDataTime;
}

/** Forecasts that are scheduled or started. Each of the `total` is counted under its state, so the two can be compared. */
function readForecasts(stats: unknown, reader: FieldReader): number {
  const { total, status } = reader.fields('forecasts_stats', stats);
  const byState = reader.fields('forecasts_stats.status', status);
  const told = Object.values(byState).reduce<number>(
    (sum, count) => sum + (reader.amount('forecasts_stats.status', count) ?? 0),
    0,
  );
  const all = reader.amount('forecasts_stats.total', total);
  if (all === undefined && status === undefined) reader.fail('forecasts_stats.total is missing');
  // break: forecast-status
  if ((all ?? 0) > told) reader.fail('forecasts_stats.status does not say the state of each forecast');
  return (
    (reader.amount('forecasts_stats.status.scheduled', byState.scheduled) ?? 0) +
    (reader.amount('forecasts_stats.status.started', byState.started) ?? 0)
  );
}

/** A datafeed's stats; `jobId` is undefined when the answer does not tell whose it is. */
export function readDatafeedStats(
  entry: Fields,
): Omit<DatafeedStats, 'jobId'> & { readonly jobId: string | undefined } {
  const timing = isFields(entry.timing_stats) ? entry.timing_stats : {};
  const running = isFields(entry.running_state) ? entry.running_state : {};
  const { real_time_configured: configured, real_time_running: current } = running;
  const known = typeof configured === 'boolean' && typeof current === 'boolean';
  return {
    datafeedId: idOf(entry, 'datafeeds'),
    jobId: ownerOf(timing),
    state: shown(entry.state) ?? 'unknown',
    lookback: !known ? 'unknown' : configured && current ? 'done' : 'running',
  };
}

/** The job that a datafeed feeds; undefined when that is not told, or is nothing that a job can be called. */
export const ownerOf = ({ job_id: id }: Fields): string | undefined =>
  typeof id === 'string' && isId(id) ? id : undefined;

/** Reads fields and remembers the first that is not in a known form; null is no known form. */
class FieldReader {
  #failed: string | undefined;

  /** What a config or stats say of themselves: nothing, or the first field that could not be read. */
  get verdict(): { readonly unreadable?: string } {
    return this.#failed === undefined ? {} : { unreadable: this.#failed };
  }

  fail(what: string): void {
    this.#failed ??= what;
  }

  /** A section; empty when it is not there. */
  fields(name: string, value: unknown): Fields {
    return value === undefined ? {} : isFields(value) ? value : this.#failure(name, value, {});
  }

  /** A text that must be there. */
  text(name: string, value: unknown): string | undefined {
    return typeof value === 'string' ? value : this.#failure(name, value, undefined);
  }

  /** The id of a datafeed, which must be there. */
  datafeedId(name: string, value: unknown): string | undefined {
    return typeof value === 'string' && isDatafeedId(value) ? value : this.#failure(name, value, undefined);
  }

  /** A list of texts; empty when it is not there. */
  texts(name: string, value: unknown): readonly string[] {
    if (value === undefined) return [];
    const texts = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
    return Array.isArray(value) && texts.length === value.length ? texts : this.#failure(name, value, texts);
  }

  /** A number of milliseconds or things, 0 or more. */
  amount(name: string, value: unknown): number | undefined {
    if (value === undefined) return undefined;
    return typeof value === 'number' && Number.isFinite(value) && value >= 0
      ? value
      : this.#failure(name, value, undefined);
  }

  /** A moment of the server's clock, epoch milliseconds. One before there were such servers is a number gone wrong. */
  moment(name: string, value: unknown): number | undefined {
    const moment = this.amount(name, value);
    return moment === undefined || moment >= firstServers ? moment : this.#failure(name, value, undefined);
  }

  /** Elapsed time as the server writes it, `"93784s"`, in milliseconds; no process is older than the first servers. */
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

/** A value that cannot be read is shown that far: many jobs may share it, and a report has limits. */
const maxValueShown = 40;

/** Elasticsearch is of 2010, and its anomaly detection of 2017. */
const firstServers = Date.UTC(2010, 0, 1);
const longestProcess = 50 * 365 * 86_400_000;

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Bytes of the model; shown and summed, never judged by. What is beyond any memory is not told. */
function sizeOf(stats: unknown): number | undefined {
  const bytes = isFields(stats) ? stats.model_bytes : undefined;
  return typeof bytes === 'number' && bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Epoch milliseconds, as a number or as a date's text. */
export function momentOf(value: unknown): number | undefined {
  const moment = typeof value === 'string' ? Date.parse(value) : value;
  return typeof moment === 'number' && Number.isFinite(moment) && Math.abs(moment) < 8.64e15
    ? moment
    : undefined;
}
