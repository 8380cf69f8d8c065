/** @module Updating a datafeed (docs/elasticsearch.md §3.11). */
import { completeDatafeed, datafeedParser, datafeedTraits } from '../config/datafeed-config.ts';
import { badRequest, conflict } from '../errors.ts';
import { type Route, route } from '../http/call.ts';
import { type JsonObject, type ObjectParser, textOf } from '../http/object-parser.ts';
import { datafeedStateOf } from '../state/datafeed.ts';
import { renderDatafeed } from './get-datafeeds.ts';
import { oneDatafeed, oneJob } from './name-parameter.ts';

const parser: ObjectParser = { ...datafeedParser, name: 'datafeed_update' };

export const updateDatafeedRoute: Route = route(
  'ml.update_datafeed',
  'POST',
  '/_ml/datafeeds/{datafeed_id}/_update',
  ['manage_ml', 'cluster:admin/xpack/ml/datafeeds/update'],
  (call) => {
    call.query.ignore('ignore_unavailable', 'allow_no_indices', 'ignore_throttled', 'expand_wildcards');
    const body = call.body.read(parser);
    return () => {
      const { cluster } = call.context;
      cluster.requireMaster();
      const datafeed = oneDatafeed(call, call.parameters.datafeed_id ?? '');
      const job = oneJob(call, datafeed.jobId);
      if (body.job_id !== undefined && body.job_id !== datafeed.jobId)
        throw badRequest("Datafeed's job_id cannot be changed");
      if (datafeed.task)
        throw conflict(
          `Cannot update datafeed [${datafeed.id}] while its status is ${datafeedStateOf(datafeed)}`,
        );
      const { aggs, indexes, ...given } = body;
      const changes: JsonObject = {
        ...given,
        ...(indexes !== undefined && { indices: indexes }),
        ...(aggs !== undefined && { aggregations: aggs }),
      };
      // the default chunking depends on the aggregations, so it is recalculated
      const { chunking_config: chunking, ...own } = datafeed.config;
      const keeps = changes.aggregations === undefined ? { chunking_config: chunking } : {};
      datafeed.config = completeDatafeed(
        datafeed.id,
        datafeed.jobId,
        { ...own, ...keeps, ...changes },
        textOf(datafeed.config.query_delay),
      );
      datafeed.traits = datafeedTraits(datafeed.config, job.traits.bucketSpan);
      if (changes.indices !== undefined) datafeed.source = cluster.sourceOf(datafeed.config, job);
      return { body: renderDatafeed(datafeed) };
    };
  },
);
