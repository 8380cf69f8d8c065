/**
 * @module The server's JSON into what a sweep looks at. What is not understood is never guessed: an entry that cannot
 * be read is marked or left out, so that its job is kept, and an answer that is no listing is refused.
 */
import type { DatafeedStats, JobConfig, JobStats } from '../sweep/ports.ts';

type Fields = Readonly<Record<string, unknown>>;

/** An answer that is not what was asked for: a gateway's page, half a listing, entries without an id. */
export class UnreadableAnswer extends Error {}

/** The `count` of a listing and its entries; throws when they do not agree. `key` is `jobs` or `datafeeds`. */
export function readListing(body: unknown, key: 'jobs' | 'datafeeds'): readonly Fields[] {
  if (!isFields(body)) throw new UnreadableAnswer(`the answer is not a JSON object`);
  // filter_path leaves an empty list out
  const entries = body[key] ?? [];
  if (!Array.isArray(entries) || !entries.every(isFields))
    throw new UnreadableAnswer(`${key} is not a list of objects`);
  if (body.count !== entries.length)
    throw new UnreadableAnswer(`count is ${String(body.count)}, and ${entries.length} ${key} came`);
  return entries;
}

/** A job's config; undefined when a field that keeps jobs open cannot be read, which keeps the job. */
export function readJobConfig(entry: Fields): JobConfig | undefined {
  const jobId = idOf(entry, 'job_id');
  const groups = entry.groups ?? [];
  const settings = entry.custom_settings ?? {};
  const blocked = entry.blocked ?? {};
  if (!isStrings(groups) || !isFields(settings) || !isFields(blocked)) return undefined;
  const feed = isFields(entry.datafeed_config) ? entry.datafeed_config.datafeed_id : undefined;
  const reason = blocked.reason ?? (entry.deleting === true ? 'delete' : undefined);
  return {
    jobId,
    groups,
    blocked: reason === undefined ? undefined : typeof reason === 'string' ? reason : 'unknown',
    datafeedId: typeof feed === 'string' ? feed : undefined,
    protection: settings.jobsweep,
    managed: settings.managed,
  };
}

/** A job's stats; `unreadable` when a clock or a busy signal stands there in a form that is not known. */
export function readJobStats(entry: Fields): JobStats {
  const jobId = idOf(entry, 'job_id');
  const reader = new FieldReader();
  const counts = reader.fields(entry.data_counts);
  const node = reader.fields(entry.node);
  const forecasts = reader.fields(reader.fields(entry.forecasts_stats).status);
  const lastDataTime = reader.amount(counts.last_data_time);
  // Counted data without a time of arrival: part of the answer is missing, and the job only looks never fed.
  if (
    lastDataTime === undefined &&
    (Number(counts.input_record_count) > 0 || Number(counts.processed_record_count) > 0)
  )
    reader.failed = true;
  const stats: JobStats = {
    jobId,
    state: reader.text(entry.state) ?? 'unknown',
    nodeId: typeof node.id === 'string' ? node.id : undefined,
    nodeName: typeof node.name === 'string' ? node.name : undefined,
    openForMs: reader.elapsed(entry.open_time),
    lastDataTime,
    latestRecordTime:
      typeof counts.latest_record_timestamp === 'number' ? counts.latest_record_timestamp : undefined,
    modelBytes: sizeOf(entry.model_size_stats),
    runningForecasts: (reader.amount(forecasts.scheduled) ?? 0) + (reader.amount(forecasts.started) ?? 0),
  };
  return reader.failed ? { ...stats, unreadable: true } : stats;
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
    datafeedId: idOf(entry, 'datafeed_id'),
    jobId: typeof timing.job_id === 'string' ? timing.job_id : undefined,
    state: typeof entry.state === 'string' ? entry.state : 'unknown',
    lookback: !known ? 'unknown' : configured && current ? 'done' : 'running',
  };
}

/** Reads fields and remembers whether one of them stood there in a form that is not known. */
class FieldReader {
  failed = false;

  fields(value: unknown): Fields {
    if (value === undefined) return {};
    if (isFields(value)) return value;
    this.failed = true;
    return {};
  }

  text(value: unknown): string | undefined {
    if (typeof value === 'string') return value;
    this.failed = true;
    return undefined;
  }

  /** A number of milliseconds or things, 0 or more. */
  amount(value: unknown): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    this.failed = true;
    return undefined;
  }

  /** Elapsed time as the server writes it, `"93784s"`, in milliseconds. */
  elapsed(value: unknown): number | undefined {
    if (value === undefined) return undefined;
    const match = typeof value === 'string' ? /^([0-9]{1,12})(ms|s|m|h|d)$/.exec(value) : null;
    if (match)
      return Number(match[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 's'];
    this.failed = true;
    return undefined;
  }
}

function idOf(entry: Fields, key: string): string {
  const id = entry[key];
  if (typeof id !== 'string' || id === '') throw new UnreadableAnswer(`an entry has no ${key}`);
  return id;
}

function sizeOf(stats: unknown): number | undefined {
  const bytes = isFields(stats) ? stats.model_bytes : undefined;
  return typeof bytes === 'number' && Number.isFinite(bytes) && bytes >= 0 ? bytes : undefined;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
