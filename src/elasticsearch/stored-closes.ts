/** @module Reads which sweeps closed a given job, from the data stream with the job documents of reports. */
import type { Clock } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';
import type { Read } from '../sweep/advising/past-ports.ts';
import { streamName } from '../sweep/reporting/stream-names.ts';
import type { Fields } from './answers.ts';
import type { Connection } from './connection.ts';
import { Reader } from './retry-reads.ts';
import type { RecordsQuery } from './stored-records.ts';
import { jobsweepIn, momentIn, StreamSearch, Unread } from './stream-search.ts';
import { Wire } from './wire.ts';

/** What one sweep did with a job. Times are ISO date-times. */
export interface StoredClose {
  readonly sweepId: string;
  /** When the sweep read the cluster, or, if that time is unknown, when the outcome became known. */
  readonly startedAt: string;
  readonly jobId: string;
  readonly outcome: string;
  readonly attempts?: number;
  readonly reason?: string;
  readonly idleMs?: number;
  readonly askedAt?: string;
  readonly closedAt?: string;
  readonly datafeedId?: string;
  readonly datafeedStopped?: boolean;
}

/** Outcomes after which the sweep may have closed the job. */
const closing = ['closed', 'force_closed', 'closing', 'unknown'];
const fields = ['id', 'outcome', 'attempts', 'reason', 'idle_ms', 'asked_at', 'closed_at', 'datafeed'];

/** The sweeps that closed or may have closed the job, the oldest first. */
export async function readStoredCloses(
  connection: Connection,
  clock: Clock,
  { namespace, clusterIds, from, jobId, signal }: RecordsQuery & { readonly jobId: string },
): Promise<Read<readonly StoredClose[]>> {
  const wire = new Wire(connection);
  try {
    const search = new StreamSearch(new Reader(wire, clock), signal);
    const body = {
      filter: [
        { terms: { 'jobsweep.cluster.id': clusterIds } },
        { term: { 'jobsweep.job.id': jobId } },
        { terms: { 'jobsweep.job.outcome': closing } },
        { range: { '@timestamp': { gte: new Date(Math.max(0, from)).toISOString() } } },
      ],
      fields: [
        '@timestamp',
        'jobsweep.sweep.id',
        'jobsweep.sweep.read_at',
        ...fields.map((field) => `jobsweep.job.${field}`),
      ],
    };
    const closes = new Map<string, StoredClose>();
    // One page is enough: a job is not closed thousands of times.
    for await (const hits of search.pages(streamName('job', namespace), body, 1))
      for (const { source } of hits) {
        const close = closeIn(source, jobId);
        // A sweep that is stored again has two documents. The newest is read first.
        if (close && !closes.has(close.sweepId)) closes.set(close.sweepId, close);
      }
    return { value: [...closes.values()].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1)) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Unread) return { why: error.message };
    throw error;
  } finally {
    await wire.close();
  }
}

function closeIn(source: Fields, jobId: string): StoredClose | undefined {
  const { sweep, job } = jobsweepIn(source);
  const startedAt = isoIn(sweep.read_at) ?? isoIn(source['@timestamp']);
  if (typeof sweep.id !== 'string' || typeof job.outcome !== 'string' || startedAt === undefined)
    return undefined;
  const datafeed = isJsonObject(job.datafeed) ? job.datafeed : {};
  const askedAt = isoIn(job.asked_at);
  const closedAt = isoIn(job.closed_at);
  return {
    sweepId: sweep.id,
    startedAt,
    jobId,
    outcome: job.outcome,
    ...(typeof job.attempts === 'number' && { attempts: job.attempts }),
    ...(typeof job.reason === 'string' && { reason: job.reason }),
    ...(typeof job.idle_ms === 'number' && { idleMs: job.idle_ms }),
    ...(askedAt !== undefined && { askedAt }),
    ...(closedAt !== undefined && { closedAt }),
    ...(typeof datafeed.id === 'string' && { datafeedId: datafeed.id }),
    ...(datafeed.stopped === true && { datafeedStopped: true }),
  };
}

function isoIn(value: unknown): string | undefined {
  const at = momentIn(value);
  return at === undefined || Math.abs(at) > 8.64e15 ? undefined : new Date(at).toISOString();
}
