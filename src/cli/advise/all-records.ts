/** @module Merges the records of earlier sweeps from two sources: the data stream and the state directory. */
import type { Clock } from '../../base/clock.ts';
import { JobsweepError } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import { addressHash, type Connection } from '../../elasticsearch/connection.ts';
import { readStoredCloses, type StoredClose } from '../../elasticsearch/stored-closes.ts';
import { type RecordsQuery, readStoredRecords } from '../../elasticsearch/stored-records.ts';
import { findReportTarget } from '../../settings/report-settings.ts';
import { secretReader } from '../../settings/secrets.ts';
import type { Observation } from '../../sweep/advising/evidence.ts';
import type { Read, Records } from '../../sweep/advising/past-ports.ts';
import { stateFolder } from '../input/kept-reports.ts';
import { readRecords } from '../input/records.ts';
import type { Target } from '../input/target.ts';
import type { Io } from '../io.ts';

export interface RecordsOf {
  readonly target: Pick<Target, 'connection' | 'clock'>;
  readonly clusterId: string;
  readonly embedded: boolean | undefined;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly jobId?: string | undefined;
  readonly signal: AbortSignal;
}

export interface AllRecords {
  readonly records: Read<Records>;
  /** Why the data stream could not be read, if the records come from the state directory alone. */
  readonly recordsProblem?: string;
}

export async function readAllRecords(given: RecordsOf, { env }: Pick<Io, 'env'>): Promise<AllRecords> {
  if (given.embedded) return { records: { why: 'the embedded cluster keeps none' } };
  const stored = await readStream(given, env, readStoredRecords);
  const kept = await readRecords(stateFolder(env), given.clusterId, given.from);
  if (!stored) return { records: kept };
  if ('value' in stored)
    return { records: 'value' in kept ? { value: merged(stored.value, kept.value) } : stored };
  return 'value' in kept
    ? { records: kept, recordsProblem: stored.why }
    : { records: { why: `${stored.why}; the state directory: ${kept.why}` } };
}

/** The sweeps in the data stream that closed the job or may have closed it; empty if the stream cannot be read. */
export async function readStoredClosesOf(
  given: RecordsOf & { readonly jobId: string },
  { env }: Pick<Io, 'env'>,
): Promise<readonly StoredClose[]> {
  if (given.embedded) return [];
  const { jobId } = given;
  const stored = await readStream(given, env, (connection, clock, query) =>
    readStoredCloses(connection, clock, { ...query, jobId }),
  );
  return stored && 'value' in stored ? stored.value : [];
}

/** Returns undefined if the environment names no data stream. */
async function readStream<T>(
  { target, clusterId, from, jobId, signal }: RecordsOf,
  env: Io['env'],
  read: (connection: Connection, clock: Clock, query: RecordsQuery) => Promise<Read<T>>,
): Promise<Read<T> | undefined> {
  const { connection: swept, clock } = target;
  try {
    const reports = await findReportTarget(env, swept, secretReader(systemClock, env));
    if (!reports) return undefined;
    return await read(reports.connection, clock, {
      namespace: reports.namespace,
      // If the API key may not read the cluster's uuid, reports identify the cluster by the hash of its address.
      clusterIds: [...new Set([clusterId, addressHash(swept)])],
      from,
      jobId,
      signal,
    });
  } catch (error) {
    if (error instanceof JobsweepError) return { why: error.message };
    throw error;
  }
}

/**
 * Merges the records of both sources. A sweep that is in both, because the command writes to both, is counted only
 * once.
 */
function merged(one: Records, other: Records): Records {
  const byJob = new Map<string, readonly Observation[]>();
  for (const jobId of new Set([...one.byJob.keys(), ...other.byJob.keys()])) {
    const all = [...(one.byJob.get(jobId) ?? []), ...(other.byJob.get(jobId) ?? [])];
    byJob.set(jobId, [...new Map(all.map((each) => [each.at, each])).values()]);
  }
  return { byJob, wholeAt: [...new Set([...one.wholeAt, ...other.wholeAt])].sort((a, b) => a - b) };
}
