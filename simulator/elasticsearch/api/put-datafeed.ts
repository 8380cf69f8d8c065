/** @module Creating a datafeed (docs/elasticsearch.md §3.11). */
import { completeDatafeed, datafeedParser } from '../config/datafeed-config.ts';
import { alreadyExists, conflict, illegalArgument } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import { textOf } from '../http/object-parser.ts';
import { newDatafeed } from '../state/create.ts';
import { renderDatafeed } from './get-datafeeds.ts';
import { oneJob } from './name-parameter.ts';
import { randomQueryDelay } from './put-job.ts';

export const putDatafeedRoute: Route = route(
  'ml.put_datafeed',
  'PUT',
  '/_ml/datafeeds/{datafeed_id}',
  ['manage_ml', 'cluster:admin/xpack/ml/datafeeds/put'],
  (call) => {
    const indicesOptions = indicesOptionsOf(call);
    const id = call.parameters.datafeed_id ?? '';
    const body = call.body.read(datafeedParser);
    if (body.datafeed_id !== undefined && body.datafeed_id !== id)
      throw illegalArgument(
        `Inconsistent datafeed_id; '${textOf(body.datafeed_id)}' specified in the body differs from '${id}' specified as a URL argument`,
      );
    if (body.job_id === undefined)
      throw illegalArgument("Invalid job_id value 'null' in datafeed configuration");
    const jobId = textOf(body.job_id);
    const given = { ...body, indices_options: { ...indicesOptions, ...(body.indices_options as object) } };
    const config = completeDatafeed(id, jobId, given, randomQueryDelay(call.context.cluster, jobId));
    return () => {
      const { cluster } = call.context;
      cluster.requireLicense();
      cluster.requireMaster();
      const job = oneJob(call, jobId);
      if (cluster.datafeeds.has(id)) throw alreadyExists(`A datafeed with id [${id}] already exists`);
      const other = cluster.datafeedOf(jobId);
      if (other) throw conflict(`A datafeed [${other.id}] already exists for job [${jobId}]`);
      const datafeed = newDatafeed(config, job, cluster.sourceOf(config, job));
      cluster.addDatafeed(datafeed);
      return { body: renderDatafeed(datafeed) };
    };
  },
);

/** The index options among the query parameters. Options in the body override them. */
function indicesOptionsOf({ query }: Call): object {
  const wildcards = query.text('expand_wildcards');
  return {
    ...(wildcards !== undefined && { expand_wildcards: wildcards.split(',') }),
    ...Object.fromEntries(
      ['ignore_unavailable', 'allow_no_indices', 'ignore_throttled']
        .filter((name) => query.has(name))
        .map((name) => [name, query.flag(name, false)]),
    ),
  };
}
