/**
 * @module Stores the report of a sweep in Elasticsearch, if the environment asks for it. Loaded on demand. Problems are
 * returned as texts: they never change the result of the sweep.
 */
import manifest from '../../package.json' with { type: 'json' };
import type { Clock } from '../base/clock.ts';
import type { Connection } from '../elasticsearch/connection.ts';
import { ReportStreams } from '../elasticsearch/report-streams.ts';
import { documentsOf, maxJobDocuments, type ReportToStore } from '../sweep/reporting/stream-documents.ts';
import { streamName } from '../sweep/reporting/stream-names.ts';
import type { Environment } from './environment.ts';
import type { ReadSecret } from './find-connection.ts';
import { findReportTarget } from './report-settings.ts';

export interface StoreReport extends Omit<ReportToStore, 'namespace' | 'version'> {
  readonly environment: Environment;
  /** The connection of the swept cluster. */
  readonly swept: Connection;
  readonly readSecret: ReadSecret;
  readonly clock: Clock;
  /** Time limit for storing the report, in milliseconds. */
  readonly limitMs: number;
  /** Aborts to stop storing early. */
  readonly stop?: AbortSignal | undefined;
}

/**
 * The share of the time that job documents may take. The rest of the time is for the sweep document, which matters
 * most.
 */
const shareOfJobs = 0.75;
/** Minimum time left for sending anything, in milliseconds. */
const minTime = 500;

/** Stores the report. Returns texts that say what could not be stored, and why; empty if there were no problems. */
export async function storeReport({
  environment,
  swept,
  readSecret,
  clock,
  limitMs,
  stop,
  ...given
}: StoreReport): Promise<string[]> {
  if (limitMs < minTime) return ['there was no time left to store the report in Elasticsearch'];
  const endsAt = clock.now() + limitMs;
  try {
    const target = await findReportTarget(environment, swept, readSecret);
    if (!target) return [];
    const { namespace, connection } = target;
    const documents = documentsOf({ ...given, namespace, version: manifest.version });
    await using streams = new ReportStreams(connection, clock, stop);
    const left = () => Math.max(0, endsAt - clock.now());
    const jobs = await streams.store(streamName('job', namespace), documents.jobs, {
      total: documents.jobCount,
      limitMs: left() * shareOfJobs,
    });
    const problems = [
      ...(documents.omitted > 0
        ? [`only the first ${maxJobDocuments} job documents were stored; ${documents.omitted} were left out`]
        : []),
      ...(jobs.problem === undefined ? [] : [jobs.problem]),
    ];
    if (jobs.isHopeless) return problems;
    const document = documents.sweep({
      jobs: jobs.created,
      // Documents that an earlier delivery of the event created may show another point in time.
      isWhole: documents.isWhole && jobs.created === documents.jobCount,
    });
    const sweep = await streams.store(streamName('sweep', namespace), [document], {
      total: 1,
      limitMs: left(),
    });
    return [...problems, ...(sweep.problem === undefined ? [] : [sweep.problem])];
  } catch (error) {
    return [
      `the report could not be stored in Elasticsearch: ${error instanceof Error ? error.message : String(error)}`,
    ];
  }
}
