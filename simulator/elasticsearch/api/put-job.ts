/** @module Creating a job, and its datafeed if the body contains one (docs/elasticsearch.md §3.7). */
import { completeDatafeed, datafeedParser } from '../config/datafeed-config.ts';
import { completeJob, sameName } from '../config/job-config.ts';
import { jobParser } from '../config/job-parser.ts';
import { alreadyExists, conflict, illegalArgument } from '../errors.ts';
import { type Route, route } from '../http/call.ts';
import { type JsonObject, textOf } from '../http/object-parser.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { newDatafeed, newJob } from '../state/create.ts';
import { documentsAbout } from '../state/results-index.ts';
import { stackFacts } from '../versions.ts';
import { renderJob } from './get-jobs.ts';
import { humanized } from './readable-times.ts';

const parser = jobParser(datafeedParser);

export const putJobRoute: Route = route(
  'ml.put_job',
  'PUT',
  '/_ml/anomaly_detectors/{job_id}',
  ['manage_ml', 'cluster:admin/xpack/ml/job/put'],
  (call) => {
    call.query.ignore('ignore_unavailable', 'allow_no_indices', 'ignore_throttled', 'expand_wildcards');
    const id = call.parameters.job_id ?? '';
    const body = call.body.read(parser);
    if (body.job_id !== undefined && body.job_id !== id)
      throw illegalArgument(
        `Inconsistent job_id; '${textOf(body.job_id)}' specified in the body differs from '${id}' specified as a URL argument`,
      );
    const config = completeJob(id, body, jobContext(call.context.cluster));
    return () => {
      const { cluster } = call.context;
      cluster.requireLicense();
      cluster.requireMaster();
      checkNames(cluster, id, (config.groups as string[] | undefined) ?? []);
      const leftovers = documentsAbout(cluster, id);
      if (leftovers.length > 0)
        throw conflict(
          `Result and/or state documents exist for a prior job with Id [${id}]. Please create the job with a different Id`,
        );
      const job = newJob(config);
      const given = body.datafeed_config as JsonObject | undefined;
      if (given) {
        const datafeedId = (given.datafeed_id as string | undefined) ?? id;
        if (given.job_id !== undefined && given.job_id !== id)
          throw illegalArgument(
            `A datafeed_config.job_id [${textOf(given.job_id)}] must be the same as the job id [${id}]`,
          );
        const complete = completeDatafeed(datafeedId, id, given, randomQueryDelay(cluster, id));
        if (cluster.datafeeds.has(datafeedId))
          throw alreadyExists(`A datafeed with id [${datafeedId}] already exists`);
        cluster.addJob(job);
        cluster.addDatafeed(newDatafeed(complete, job, cluster.sourceOf(complete, job)));
      } else {
        cluster.addJob(job);
      }
      cluster.record(job, 'closed', 'put');
      return { body: humanized(call, renderJob(call, job)) };
    };
  },
);

export function jobContext(cluster: ClusterState) {
  return {
    now: cluster.clock.now(),
    version: stackFacts[cluster.stack].number,
    maxModelMemory: cluster.settings.bytes('xpack.ml.max_model_memory_limit'),
    maxModelMemoryText: cluster.settings.text('xpack.ml.max_model_memory_limit'),
  };
}

/** A random time between one and two minutes, so that a cluster's datafeeds do not all search at the same time. */
export function randomQueryDelay(cluster: ClusterState, jobId: string): string {
  return `${cluster.random.integer(60_000, 119_999, 'query delay', jobId)}ms`;
}

/** @throws 400 if a name is in use, because job ids and group names share one namespace */
export function checkNames(
  cluster: ClusterState,
  id: string,
  groups: readonly string[],
  existing = false,
): void {
  if (!existing && cluster.jobs.has(id))
    throw alreadyExists(`The job cannot be created with the Id '${id}'. The Id is already used.`);
  if (cluster.groups.has(id)) throw sameName(id, id);
  for (const group of groups) if (cluster.jobs.has(group)) throw sameName(group, group);
}
