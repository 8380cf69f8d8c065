/** @module Datafeed previews: the fields that the datafeed would send to its job, from the documents in its indices. */
import { completeDatafeed, datafeedParser } from '../config/datafeed-config.ts';
import { completeJob, traitsOf } from '../config/job-config.ts';
import { jobParser } from '../config/job-parser.ts';
import { badRequest, illegalArgument } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import type { JsonObject, ObjectParser } from '../http/object-parser.ts';
import type { DatafeedConfig } from '../state/datafeed.ts';
import type { JobTraits } from '../state/job.ts';
import { missingIndex } from './index-calls.ts';
import { oneDatafeed, oneJob } from './name-parameter.ts';
import { jobContext } from './put-job.ts';
import { compileQuery } from './search.ts';

const parser: ObjectParser = {
  name: 'preview_datafeed_action',
  fields: { datafeed_config: { nested: datafeedParser }, job_config: { nested: jobParser(datafeedParser) } },
};

/** The most records that a preview shows. */
const maxRecords = 1_000;

export const previewDatafeedRoute: Route = route(
  'ml.preview_datafeed',
  'GET POST',
  ['/_ml/datafeeds/_preview', '/_ml/datafeeds/{datafeed_id}/_preview'],
  ['manage_ml', 'cluster:admin/xpack/ml/datafeeds/preview'],
  (call) => {
    const id = call.parameters.datafeed_id ?? '';
    call.query.ignore('start', 'end');
    const given = call.body.read(parser);
    const { datafeed_config: datafeed, job_config: job } = given as Record<string, JsonObject | undefined>;
    if (id !== '' && (datafeed || job))
      throw badRequest(
        '[datafeed_id] cannot be supplied when either [job_config] or [datafeed_config] is present',
      );
    if (id === '' && !datafeed && !job?.datafeed_config)
      throw illegalArgument('either [datafeed_id] or [datafeed_config] is required');
    return () => {
      const { config, traits } = id === '' ? described(call, datafeed, job) : existing(call, id);
      return { body: preview(call, config, traits) };
    };
  },
);

interface Previewed {
  readonly config: DatafeedConfig;
  readonly traits: JobTraits;
}

function existing(call: Call, id: string): Previewed {
  const datafeed = oneDatafeed(call, id);
  return { config: datafeed.config, traits: oneJob(call, datafeed.jobId).traits };
}

function described(call: Call, datafeed: JsonObject | undefined, job: JsonObject | undefined): Previewed {
  const feed = datafeed ?? (job?.datafeed_config as JsonObject);
  const jobId = ((job?.job_id ?? feed.job_id) as string | undefined) ?? 'preview_id';
  const traits = job
    ? traitsOf(completeJob(jobId === '' ? 'preview_id' : jobId, job, jobContext(call.context.cluster)))
    : oneJob(call, jobId).traits;
  return { config: completeDatafeed('preview_id', jobId, feed, '60s'), traits };
}

function preview({ context: { cluster } }: Call, config: DatafeedConfig, traits: JobTraits): object[] {
  const { found, missing } = cluster.indices.resolve((config.indices as string[]).join(','));
  if (missing[0] !== undefined) throw missingIndex(missing[0]);
  const matches = compileQuery(config.query as JsonObject);
  const fields = [...traits.analysisFields, traits.timeField].sort();
  return found
    .flatMap(({ documents }) =>
      [...documents].flatMap(([id, { source }]) =>
        matches(source, id) ? [pick(source, fields, traits.timeField)] : [],
      ),
    )
    .sort((a, b) => Number(a[traits.timeField]) - Number(b[traits.timeField]))
    .slice(0, maxRecords);
}

function pick(source: JsonObject, fields: readonly string[], timeField: string): JsonObject {
  const picked: JsonObject = {};
  for (const field of fields) {
    const value = source[field];
    if (value === undefined) continue;
    picked[field] = field === timeField && typeof value === 'string' ? Date.parse(value) : value;
  }
  return picked;
}
