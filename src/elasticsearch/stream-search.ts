/** @module Searches the data streams of reports, page by page. */
import { isJsonObject } from '../base/json.ts';
import { type Fields, UnreadableAnswer } from './answers.ts';
import type { Failure } from './failure.ts';
import type { Reader } from './retry-reads.ts';

export const pageSize = 5_000;

/** Thrown if a data stream cannot be searched. */
export class Unread extends Error {}

interface Hit {
  readonly source: Fields;
  readonly sort: readonly unknown[];
}

export class StreamSearch {
  readonly #reader: Reader;
  readonly #signal: AbortSignal;

  constructor(reader: Reader, signal: AbortSignal) {
    this.#reader = reader;
    this.#signal = signal;
  }

  /** The pages of a search, at most `maxPages`, with the newest documents first. */
  async *pages(
    stream: string,
    body: { readonly filter: readonly object[]; readonly fields: readonly string[] },
    maxPages: number,
  ): AsyncGenerator<readonly Hit[]> {
    let after: readonly unknown[] | undefined;
    for (let page = 0; page < maxPages; page += 1) {
      const reading = await this.#reader.read(
        {
          method: 'POST',
          path: `/${stream}/_search`,
          query: {
            // If partial results were allowed, an incomplete result would look complete.
            allow_partial_search_results: false,
            filter_path: 'error,status,hits.hits._source,hits.hits.sort',
          },
          body: {
            size: pageSize,
            track_total_hits: false,
            _source: body.fields,
            query: { bool: { filter: body.filter } },
            // `event.id` needs `unmapped_type`, because a new backing index may have no mapping for that field yet.
            sort: [
              { '@timestamp': { order: 'desc' } },
              { 'event.id': { order: 'asc', unmapped_type: 'keyword' } },
            ],
            ...(after && { search_after: after }),
          },
        },
        hitsOf,
        this.#signal,
      );
      this.#signal.throwIfAborted();
      if ('failure' in reading) throw new Unread(`${stream}: ${whyOf(reading.failure)}`);
      yield reading.value;
      after = reading.value.at(-1)?.sort;
      if (reading.value.length < pageSize || after === undefined) return;
    }
  }
}

export function momentIn(value: unknown): number | undefined {
  const moment = typeof value === 'string' ? Date.parse(value) : value;
  return typeof moment === 'number' && Number.isFinite(moment) ? moment : undefined;
}

/** The fields `jobsweep.sweep` and `jobsweep.job` of a document; empty if missing. */
export function jobsweepIn({ jobsweep }: Fields): { readonly sweep: Fields; readonly job: Fields } {
  const own = isJsonObject(jobsweep) ? jobsweep : {};
  return {
    sweep: isJsonObject(own.sweep) ? own.sweep : {},
    job: isJsonObject(own.job) ? own.job : {},
  };
}

function hitsOf(body: unknown): Hit[] {
  // If there are no hits, the filtered answer is empty.
  const hits = isJsonObject(body) && isJsonObject(body.hits) ? (body.hits.hits ?? []) : [];
  if (!Array.isArray(hits)) throw new UnreadableAnswer('hits is not a list');
  return hits.map((hit: unknown) => {
    if (!isJsonObject(hit) || !isJsonObject(hit._source) || !Array.isArray(hit.sort))
      throw new UnreadableAnswer('a hit has no source or no sort values');
    return { source: hit._source, sort: hit.sort };
  });
}

function whyOf(failure: Failure): string {
  if (!('error' in failure)) return failure.kind === 'ended' ? 'it took too long' : failure.reason;
  const { status, type, reason } = failure.error;
  return type === 'index_not_found_exception'
    ? 'no sweep or plan has stored a report yet'
    : `${status} ${type}: ${reason}`;
}
