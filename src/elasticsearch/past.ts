/**
 * @module Reads the history of all jobs from Elasticsearch, many jobs with each request. If the server refuses one of
 * the reads, that is not an error: the estimate works without its result.
 */

import type { Clock } from '../base/clock.ts';
import { parseDuration } from '../base/duration.ts';
import { isJsonObject } from '../base/json.ts';
import type { Message, Snapshot } from '../sweep/advising/evidence.ts';
import type { JobTimes, Notifications, PastSources, Read } from '../sweep/advising/past-ports.ts';
import { type Fields, momentOf, UnreadableAnswer } from './answers.ts';
import { messageOf, messagesQuery } from './audit-messages.ts';
import type { Connection } from './connection.ts';
import type { Failure } from './failure.ts';
import { readAll } from './listing.ts';
import { Reader, type Reading } from './retry-reads.ts';
import { type Question, Wire } from './wire.ts';

/**
 * Snapshots on a page. Pages are small, because the server loads each snapshot with its quantiles (kilobytes to
 * megabytes), although the answer does not contain them.
 */
const snapshotsPerPage = 500;
const messagesPerPage = 5_000;
/**
 * Maximum number of pages. Ten thousand jobs keep about 150,000 snapshots, which take 300 pages. Older snapshots beyond
 * the limit count as unknown.
 */
const maxPages = 400;
/** The server's maximum for `from` plus `size`, the offset and length of a page. */
const searchWindow = 10_000;
/**
 * Maximum number of snapshots or messages to keep for each job. This is enough to judge a job, and a job with more must
 * not use up the memory for other jobs.
 */
const maxPerJob = 20_000;

export class ElasticsearchPast implements PastSources, AsyncDisposable {
  readonly #wire: Wire;
  readonly #reader: Reader;

  constructor(connection: Connection, clock: Clock) {
    this.#wire = new Wire(connection);
    this.#reader = new Reader(this.#wire, clock);
  }

  /**
   * Reads the jobs' configs a second time, for the times of their creation and last close and for their datafeeds'
   * frequencies. Empty if this read fails; the estimate is then less exact.
   */
  async jobTimes(signal: AbortSignal, jobId?: string): Promise<ReadonlyMap<string, JobTimes>> {
    const matching = async (expression: string | undefined) => {
      const reading = await this.#reader.read(
        {
          method: 'GET',
          path: `/_ml/anomaly_detectors${expression === undefined ? '' : `/${expression}`}`,
          query: {
            filter_path: ['error', 'status', ...configFields.map((field) => `jobs.${field}`)].join(','),
          },
        },
        (body) => listOf(body, 'jobs'),
        signal,
      );
      if ('value' in reading) return reading.value;
      const { failure } = reading;
      // `readAll` also requests a prefix as an id, so a 404 is not an error.
      if (failure.kind === 'answer' && failure.error.status === 404) return [];
      throw new Unread(whyOf(failure));
    };
    const called = (name: string) => matching(encodeURIComponent(name));
    const all = () =>
      readAll<Fields>({
        matching,
        called,
        named: async (ids) => ({ entries: await matching(ids.join(',')) }),
        idOf: ({ job_id: id }) => String(id),
      });
    const entries = await (jobId === undefined ? all() : called(jobId)).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof Unread) return [];
      throw error;
    });
    return new Map(
      entries.map((entry) => [
        String(entry.job_id),
        {
          createTime: momentOf(entry.create_time),
          finishedTime: momentOf(entry.finished_time),
          frequency: frequencyOf(entry),
        },
      ]),
    );
  }

  /** Reads the model snapshots since `from`, the newest first, so that a limit drops the oldest ones. */
  async snapshots(
    from: number,
    signal: AbortSignal,
    jobId = '*',
  ): Promise<Read<ReadonlyMap<string, readonly Snapshot[]>>> {
    const byJob = new Map<string, Map<string, Snapshot>>();
    let end: number | undefined;
    let skip = 0;
    for (let page = 0; page < maxPages; page += 1) {
      const reading = await this.#reader.read(
        {
          method: 'GET',
          path: `/_ml/anomaly_detectors/${jobId === '*' ? jobId : encodeURIComponent(jobId)}/model_snapshots`,
          query: snapshotsQuery(from, end, skip),
        },
        (body) => listOf(body, 'model_snapshots'),
        signal,
      );
      signal.throwIfAborted();
      if ('failure' in reading) return { why: whyOf(reading.failure) };
      const entries = reading.value;
      for (const entry of entries) keep(byJob, entry);
      if (entries.length < snapshotsPerPage) break;
      const last = momentOf(entries.at(-1)?.timestamp);
      if (last === undefined) return { why: 'a model snapshot has no timestamp' };
      skip += snapshotsPerPage;
      if (skip + snapshotsPerPage > searchWindow) {
        // Continues at the last timestamp with a new search. Snapshots with that timestamp are read twice and counted
        // once. If all 10,000 snapshots of a search have the same timestamp, further snapshots with that timestamp are
        // skipped.
        end = end === last + 1 ? last : last + 1;
        skip = 0;
      }
    }
    return { value: new Map([...byJob].map(([jobId, own]) => [jobId, [...own.values()]])) };
  }

  async notifications(
    from: number,
    asOf: number,
    signal: AbortSignal,
    jobId?: string,
  ): Promise<Read<Notifications>> {
    const oldest = await this.#search({ size: 1, sort: [{ timestamp: 'asc' }] }, signal);
    if ('failure' in oldest) return { why: whyOf(oldest.failure) };
    const begins = oldest.value
      .map(({ source }) => momentOf(source.timestamp))
      .filter((moment) => moment !== undefined)
      .sort((a, b) => a - b)[0];
    const byJob = new Map<string, Map<string, Message>>();
    let coveredFrom = Math.max(from, begins ?? asOf);
    let before = asOf + 10 * 60_000;
    let announcesSilence = false;
    for (let page = 0; ; page += 1) {
      const query = messagesQuery(from, before, jobId);
      const reading = await this.#search(
        { size: messagesPerPage, sort: [{ timestamp: 'desc' }], query },
        signal,
      );
      if ('failure' in reading) return { why: whyOf(reading.failure) };
      const hits = reading.value;
      for (const { id, source } of hits) {
        const { job_id: jobId, message: text } = source;
        const at = momentOf(source.timestamp);
        if (typeof jobId !== 'string' || typeof text !== 'string' || at === undefined) continue;
        const message = messageOf(text, at);
        if (message?.kind === 'feed_silent') announcesSilence = true;
        const own = byJob.get(jobId) ?? new Map<string, Message>();
        byJob.set(jobId, own);
        if (message && own.size < maxPerJob) own.set(id, message);
      }
      if (hits.length < messagesPerPage) break;
      const last = momentOf(hits.at(-1)?.source.timestamp) ?? before;
      if (page + 1 >= maxPages || last >= before) {
        coveredFrom = Math.max(coveredFrom, last + 1);
        break;
      }
      before = last;
    }
    const crowded = [...byJob.values()].some((own) => own.size >= maxPerJob);
    const coverage = begins === undefined || crowded ? undefined : { from: coveredFrom, announcesSilence };
    return {
      value: {
        byJob: new Map([...byJob].map(([jobId, own]) => [jobId, [...own.values()]])),
        coverage,
        isEmpty: begins === undefined,
      },
    };
  }

  async #search(
    body: object,
    signal: AbortSignal,
  ): Promise<Reading<readonly { readonly id: string; readonly source: Fields }[]>> {
    const question: Question = {
      method: 'POST',
      path: '/.ml-notifications*/_search',
      query: { ignore_unavailable: true, filter_path: 'error,status,hits.hits._id,hits.hits._source' },
      body: { ...body, track_total_hits: false, _source: ['job_id', 'message', 'timestamp'] },
    };
    const reading = await this.#reader.read(question, hitsOf, signal);
    signal.throwIfAborted();
    return reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire.close();
  }
}

class Unread extends Error {}

const configFields = [
  'job_id',
  'create_time',
  'finished_time',
  'analysis_config.bucket_span',
  'datafeed_config.datafeed_id',
  'datafeed_config.frequency',
];

/**
 * The datafeed's frequency from its config. If the config has none, the server's default, which depends on the bucket
 * span.
 */
function frequencyOf({ analysis_config: analysis, datafeed_config: datafeed }: Fields): number | undefined {
  if (!isJsonObject(datafeed)) return undefined;
  if (typeof datafeed.frequency === 'string') return parseDuration(datafeed.frequency);
  const span = isJsonObject(analysis) ? parseDuration(String(analysis.bucket_span)) : undefined;
  if (span === undefined) return undefined;
  const minute = 60_000;
  if (span <= 2 * minute) return minute;
  if (span <= 20 * minute) return span / 2;
  return span <= 12 * 60 * minute ? 10 * minute : 60 * minute;
}

const snapshotsQuery = (from: number, end: number | undefined, skip: number) => ({
  sort: 'timestamp',
  desc: true, // The servers' default differs from the documented one.
  start: String(Math.max(0, Math.floor(from))),
  ...(end !== undefined && { end: String(end) }),
  from: String(skip),
  size: String(snapshotsPerPage),
  filter_path: [
    'error',
    'status',
    'count',
    ...[
      'job_id',
      'snapshot_id',
      'timestamp',
      'description',
      'latest_record_time_stamp',
      'model_size_stats.model_bytes',
    ].map((field) => `model_snapshots.${field}`),
  ].join(','),
});

function keep(byJob: Map<string, Map<string, Snapshot>>, entry: Fields): void {
  const at = momentOf(entry.timestamp);
  const { job_id: jobId, snapshot_id: id, description, model_size_stats: sizes } = entry;
  // Reverting a job to the snapshot `empty` empties its model. That snapshot has no timestamp.
  if (typeof jobId !== 'string' || at === undefined || at === 0 || id === 'empty') return;
  const own = byJob.get(jobId) ?? new Map<string, Snapshot>();
  byJob.set(jobId, own);
  if (own.size >= maxPerJob) return;
  const bytes = isJsonObject(sizes) ? sizes.model_bytes : undefined;
  own.set(`${String(id)} ${at}`, {
    at,
    latestRecord: momentOf(entry.latest_record_time_stamp),
    atClose: typeof description === 'string' && description.startsWith('State persisted due to job close'),
    bytes: typeof bytes === 'number' && bytes >= 0 ? bytes : undefined,
  });
}

function listOf(body: unknown, key: 'jobs' | 'model_snapshots'): readonly Fields[] {
  if (!isJsonObject(body)) throw new UnreadableAnswer('it is not a JSON object');
  // filter_path drops empty lists.
  const entries = body[key] === undefined ? [] : body[key];
  if (!Array.isArray(entries) || !entries.every(isJsonObject))
    throw new UnreadableAnswer(`${key} is not a list of objects`);
  return entries;
}

function hitsOf(body: unknown): { readonly id: string; readonly source: Fields }[] {
  // If no index matches, the filtered answer is empty.
  const hits = isJsonObject(body) && isJsonObject(body.hits) ? (body.hits.hits ?? []) : [];
  if (!Array.isArray(hits)) throw new UnreadableAnswer('hits is not a list');
  return hits.flatMap((hit: unknown) =>
    isJsonObject(hit) && isJsonObject(hit._source) ? [{ id: String(hit._id), source: hit._source }] : [],
  );
}

function whyOf(failure: Failure): string {
  if ('error' in failure) return `${failure.error.status} ${failure.error.type}: ${failure.error.reason}`;
  return failure.kind === 'ended' ? 'it took too long' : failure.reason;
}
