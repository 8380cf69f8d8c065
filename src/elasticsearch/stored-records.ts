/**
 * @module Reads the records of jobs from the data streams of reports: first the sweeps, then the job documents of a
 * limited number of sweeps, in pages.
 */
import type { Clock } from '../base/clock.ts';
import type { Observation } from '../sweep/advising/evidence.ts';
import type { Read, Records } from '../sweep/advising/past-ports.ts';
import { streamName } from '../sweep/reporting/stream-names.ts';
import type { Fields } from './answers.ts';
import type { Connection } from './connection.ts';
import { Reader } from './retry-reads.ts';
import { jobsweepIn, momentIn, pageSize, StreamSearch, Unread } from './stream-search.ts';
import { Wire } from './wire.ts';

/**
 * Maximum number of sweeps to read. If there are more, some are skipped evenly over the period. The limit allows for
 * one sweep a day over a year.
 */
const maxSweeps = 400;
/** Maximum number of job documents to read. For example, 45 daily sweeps of 10,000 jobs have 450,000. */
const maxJobDocuments = 1_500_000;
const maxSweepPages = 40;
/** Number of sweep ids in one search. */
const sweepsPerSearch = 50;

export interface RecordsQuery {
  readonly namespace: string;
  /** The ids under which the cluster may appear in reports. */
  readonly clusterIds: readonly string[];
  /** Epoch milliseconds. */
  readonly from: number;
  /** If set, reads the records of this job only. */
  readonly jobId?: string | undefined;
  readonly signal: AbortSignal;
}

interface StoredSweep {
  readonly id: string;
  readonly readAt: number;
  readonly documents: number;
  readonly isWhole: boolean;
}

/** The records since `from` of all jobs of a cluster, or of one job. */
export async function readStoredRecords(
  connection: Connection,
  clock: Clock,
  query: RecordsQuery,
): Promise<Read<Records>> {
  const wire = new Wire(connection);
  try {
    const search = new StreamSearch(new Reader(wire, clock), query.signal);
    const sweeps = await readSweeps(search, query);
    if (sweeps.length === 0)
      return { why: `${streamName('sweep', query.namespace)} has no sweep of this cluster in the period` };
    return { value: await readJobs(search, thinned(sweeps), query) };
  } catch (error) {
    query.signal.throwIfAborted();
    if (error instanceof Unread) return { why: error.message };
    throw error;
  } finally {
    await wire.close();
  }
}

async function readSweeps(
  search: StreamSearch,
  { namespace, clusterIds, from }: RecordsQuery,
): Promise<StoredSweep[]> {
  const sweeps = new Map<string, StoredSweep>();
  const body = {
    filter: [
      { terms: { 'jobsweep.cluster.id': clusterIds } },
      { range: { '@timestamp': { gte: new Date(Math.max(0, from)).toISOString() } } },
    ],
    fields: [
      'jobsweep.sweep.id',
      'jobsweep.sweep.read_at',
      'jobsweep.sweep.job_documents',
      'jobsweep.sweep.whole',
    ],
  };
  for await (const hits of search.pages(streamName('sweep', namespace), body, maxSweepPages))
    for (const { source } of hits) {
      const { sweep } = jobsweepIn(source);
      const readAt = momentIn(sweep.read_at);
      if (typeof sweep.id !== 'string' || readAt === undefined || readAt < from) continue;
      // A sweep that is stored again after a rollover has two documents with the same id. The newest is read first.
      if (sweeps.has(sweep.id)) continue;
      const documents = typeof sweep.job_documents === 'number' ? sweep.job_documents : 0;
      sweeps.set(sweep.id, { id: sweep.id, readAt, documents, isWhole: sweep.whole === true });
    }
  return [...sweeps.values()].sort((a, b) => a.readAt - b.readAt);
}

/**
 * Skips sweeps evenly over the whole period, until those that remain are few enough to be read. The newest sweep always
 * remains.
 */
function thinned(sweeps: readonly StoredSweep[]): StoredSweep[] {
  const first = sweeps[0]?.readAt ?? 0;
  const last = sweeps.at(-1)?.readAt ?? 0;
  for (let interval = (last - first) / maxSweeps; ; interval = Math.max(interval, 1) * 1.5) {
    const kept: StoredSweep[] = [];
    for (const sweep of sweeps.toReversed()) {
      const next = kept.at(-1);
      if (!next || next.readAt - sweep.readAt >= interval) kept.push(sweep);
    }
    const documents = kept.reduce((sum, each) => sum + each.documents, 0);
    if (kept.length === 1 || (kept.length <= maxSweeps + 1 && documents <= maxJobDocuments))
      return kept.reverse();
  }
}

async function readJobs(
  search: StreamSearch,
  sweeps: readonly StoredSweep[],
  { namespace, clusterIds, jobId }: RecordsQuery,
): Promise<Records> {
  const byJob = new Map<string, Map<number, Observation>>();
  const seen = new Map<string, Set<string>>();
  for (let at = 0; at < sweeps.length; at += sweepsPerSearch) {
    const own = sweeps.slice(at, at + sweepsPerSearch);
    const body = {
      filter: [
        { terms: { 'jobsweep.cluster.id': clusterIds } },
        { terms: { 'jobsweep.sweep.id': own.map(({ id }) => id) } },
        ...(jobId === undefined ? [] : [{ term: { 'jobsweep.job.id': jobId } }]),
      ],
      fields: [
        'jobsweep.sweep.id',
        'jobsweep.sweep.read_at',
        ...['id', 'state', 'last_data_at', 'opened_at', 'model_bytes'].map(
          (field) => `jobsweep.job.${field}`,
        ),
      ],
    };
    for await (const hits of search.pages(streamName('job', namespace), body, maxPagesOf(own)))
      for (const { source } of hits) add(source, byJob, seen);
  }
  const isComplete = ({ id, isWhole, documents }: StoredSweep) => isWhole && seen.get(id)?.size === documents;
  return {
    byJob: new Map([...byJob].map(([id, own]) => [id, [...own.values()]])),
    // Only sweeps of which all job documents still exist. Retention deletes documents from the two streams separately,
    // and a job whose document is deleted must not look closed.
    wholeAt: jobId === undefined ? sweeps.filter(isComplete).map(({ readAt }) => readAt) : [],
  };
}

/**
 * Enough pages for twice the number of documents that the sweeps report, because a repeated event may have written some
 * documents again.
 */
const maxPagesOf = (sweeps: readonly StoredSweep[]): number =>
  2 + Math.ceil((2 * sweeps.reduce((sum, { documents }) => sum + documents, 0)) / pageSize);

function add(
  source: Fields,
  byJob: Map<string, Map<number, Observation>>,
  seen: Map<string, Set<string>>,
): void {
  const { sweep, job } = jobsweepIn(source);
  if (typeof sweep.id !== 'string' || typeof job.id !== 'string') return;
  const jobs = seen.get(sweep.id) ?? new Set<string>();
  seen.set(sweep.id, jobs.add(job.id));
  const at = momentIn(sweep.read_at);
  // A document without a read time has only the job's outcome, not the state that the sweep read.
  if (at === undefined || typeof job.state !== 'string') return;
  const own = byJob.get(job.id) ?? new Map<number, Observation>();
  byJob.set(job.id, own);
  own.set(at, {
    at,
    state: job.state,
    lastData: momentIn(job.last_data_at),
    openedAt: momentIn(job.opened_at),
    bytes: typeof job.model_bytes === 'number' && job.model_bytes >= 0 ? job.model_bytes : undefined,
  });
}
