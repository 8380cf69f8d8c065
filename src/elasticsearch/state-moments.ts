/**
 * @module Reads from `.ml-notifications*` the times of recent opens and closes of jobs, no matter who opened or closed
 * them. A sweep works without the result.
 */
import { isJsonObject } from '../base/json.ts';
import type { StateMoment } from '../sweep/planning/flapping.ts';
import { momentOf } from './answers.ts';
import { messageOf, stateMessagesQuery } from './audit-messages.ts';
import type { Wire } from './wire.ts';

const pageSize = 5_000;
/**
 * Maximum number of pages, so that a sweep does not wait long. 20 pages hold 100,000 messages. Ten thousand jobs write
 * fewer in a month.
 */
const maxPages = 20;

const kinds: Readonly<Record<string, StateMoment['kind'] | undefined>> = {
  opening: 'opened',
  closing: 'closed',
  forced: 'closed',
};

/** The opens and closes of each job, from its audit messages; undefined if a read fails. A read is never retried. */
export async function readStateMoments(
  wire: Wire,
  from: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly StateMoment[]> | undefined> {
  const seen = new Set<string>();
  const byJob = new Map<string, StateMoment[]>();
  let to: number | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await wire.ask(
      {
        // Sent as a GET, with the search in the request line, so that no read of a sweep looks like a change.
        method: 'GET',
        path: '/.ml-notifications*/_search',
        query: {
          ignore_unavailable: true,
          filter_path: 'hits.hits._id,hits.hits._source',
          source_content_type: 'application/json',
          source: JSON.stringify({
            size: pageSize,
            track_total_hits: false,
            sort: [{ timestamp: 'desc' }],
            _source: ['job_id', 'message', 'timestamp'],
            query: stateMessagesQuery(from, to),
          }),
        },
      },
      signal,
    );
    if ('failure' in answer) return undefined;
    const { body } = answer;
    const hits = isJsonObject(body) && isJsonObject(body.hits) ? (body.hits.hits ?? []) : [];
    if (!Array.isArray(hits)) return undefined;
    let oldest = to;
    for (const hit of hits) {
      if (!isJsonObject(hit) || !isJsonObject(hit._source) || seen.has(String(hit._id))) continue;
      seen.add(String(hit._id));
      const { job_id: jobId, message } = hit._source;
      const at = momentOf(hit._source.timestamp);
      if (typeof jobId !== 'string' || typeof message !== 'string' || at === undefined) continue;
      oldest = at;
      const kind = kinds[messageOf(message, at)?.kind ?? ''];
      if (!kind) continue;
      const own = byJob.get(jobId) ?? [];
      byJob.set(jobId, own);
      own.push({ at, kind });
    }
    if (hits.length < pageSize || oldest === to) break;
    to = oldest;
  }
  return byJob;
}
