/**
 * @module The parts of machine learning's hidden indices that a client can see: a job's counts as a document, its
 * buckets, documents that other clients wrote, and an index that was closed or deleted.
 */
import { ElasticsearchError } from '../errors.ts';
import type { ClusterState } from './cluster-state.ts';
import { noCounts, renderCounts } from './counts.ts';
import { wildcard } from './expressions.ts';
import type { Document } from './indices.ts';
import type { Job } from './job.ts';

/** The index that holds a job's results. */
export function resultsIndexOf(job: Job): string {
  return `.ml-anomalies-${String(job.config.results_index_name as string)}`;
}

export function resultsAlias(job: Job): string {
  return `.ml-anomalies-${job.id}`;
}

export const isHidden = (name: string) => name.startsWith('.ml-');

/** Whether `expression` names the results index of `job`, either directly or through the job's alias. */
function names(expression: string, job: Job): boolean {
  return expression
    .split(',')
    .map((token) => wildcard(token.trim()))
    .some((matches) => matches(resultsIndexOf(job)) || matches(resultsAlias(job)));
}

/** A job's counts as a document of the results index. */
export function countsDocument(cluster: ClusterState, index: string, id: string): object | undefined {
  const job = cluster.jobs.get(id.replace(/_data_counts$/, ''));
  if (!job || !id.endsWith('_data_counts') || !names(index, job)) return undefined;
  cluster.settle(job);
  return renderCounts(job.id, job.counts, job.traits.analysisFields.length);
}

/** A closed job loses its counts when its results index is deleted. */
export function dropResults(cluster: ClusterState, expression: string): void {
  for (const job of cluster.jobs.values()) {
    if (job.task?.process || !names(expression, job)) continue;
    job.counts = noCounts();
    job.modelBytes = 0;
  }
}

/**
 * Closes or opens the results indices that `expression` names. No stats can be read while a results index is closed.
 */
export function closeResults(cluster: ClusterState, expression: string, closed: boolean): void {
  for (const job of cluster.jobs.values()) {
    const index = resultsIndexOf(job);
    if (!names(expression, job)) continue;
    if (closed) cluster.closedResults.add(index);
    else cluster.closedResults.delete(index);
  }
}

/** @throws 403 for the whole stats request if the results of one job cannot be read */
export function requireResults(cluster: ClusterState, jobs: readonly Job[]): void {
  if (cluster.closedResults.size === 0) return;
  const closed = jobs.map(resultsIndexOf).find((index) => cluster.closedResults.has(index));
  if (closed !== undefined)
    throw new ElasticsearchError(403, {
      type: 'cluster_block_exception',
      reason: `index [${closed}] blocked by: [FORBIDDEN/4/index closed];`,
    });
}

/** Documents about a job that were written into a hidden index by hand. */
export function documentsAbout(
  cluster: ClusterState,
  jobId: string,
): { readonly id: string; readonly source: Document }[] {
  const { found } = cluster.indices.resolve('.ml-*');
  return found.flatMap(({ documents }) =>
    [...documents].flatMap(([id, { source }]) =>
      source.job_id === jobId || id.startsWith(`${jobId}_`) ? [{ id, source }] : [],
    ),
  );
}

/** Bytes of the job's model, as reported by the process or stored in its results. */
export function modelBytesOf(cluster: ClusterState, job: Job): number {
  const written = documentsAbout(cluster, job.id)
    .filter(({ source }) => source.result_type === 'model_size_stats')
    .map(({ source }) => Number(source.model_bytes));
  return Math.max(job.modelBytes, ...written);
}
