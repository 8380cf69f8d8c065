/**
 * @module The fields of the documents that a sweep writes into Elasticsearch. The index template, the documentation and the
 * Kibana dashboard are made from these lists.
 */
import { keepReasons, outcomes } from '../vocabulary.ts';
import { snakeCase } from './stream-names.ts';

export type FieldType =
  | 'date'
  | 'keyword'
  | 'long'
  | 'double'
  | 'boolean'
  | 'match_only_text'
  | 'constant_keyword';

export interface StreamField {
  readonly type: FieldType;
  readonly means: string;
}

export type StreamFields = Readonly<Record<string, StreamField>>;

const keyword = (means: string): StreamField => ({ type: 'keyword', means });
const date = (means: string): StreamField => ({ type: 'date', means });
const long = (means: string): StreamField => ({ type: 'long', means });
const boolean = (means: string): StreamField => ({ type: 'boolean', means });

const sharedFields: StreamFields = {
  '@timestamp': date(
    'the end of the sweep; for a job, the moment its outcome was known, if later reads saw it',
  ),
  'data_stream.type': { type: 'constant_keyword', means: '`logs`' },
  'data_stream.dataset': { type: 'constant_keyword', means: '`jobsweep.sweep` or `jobsweep.job`' },
  'data_stream.namespace': { type: 'constant_keyword', means: '`JOBSWEEP_REPORTS_NAMESPACE`' },
  'ecs.version': keyword('the version of the Elastic Common Schema'),
  message: { type: 'match_only_text', means: 'one sentence' },
  'event.kind': keyword('`event`'),
  'event.category': keyword('`configuration`'),
  'event.type': keyword('`change`, `info` or `error`'),
  'event.action': keyword('what happened, for example `sweep-finished` or `job-closed`'),
  'event.outcome': keyword('`success`, `failure` or `unknown`; absent if nothing was to be done'),
  'event.reason': keyword('the reason of the verdict, or the fuse that tripped'),
  'event.id': keyword('the id of the document'),
  'event.module': keyword('`jobsweep`'),
  'event.dataset': keyword('the same as `data_stream.dataset`'),
  'event.provider': keyword('`function` or `command`'),
  'service.name': keyword('`jobsweep`'),
  'service.version': keyword('the version of jobsweep'),
  'jobsweep.cluster.name': keyword('the cluster, as the request names it'),
  'jobsweep.cluster.id': keyword('its uuid, or a hash of its address'),
  'jobsweep.cluster.version': keyword('its version, if known'),
  'jobsweep.sweep.id': keyword('`sweepId` of the report'),
  'jobsweep.sweep.dry_run': boolean('whether it was a plan, which changes nothing'),
  'jobsweep.sweep.read_at': date('when the cluster was read; of a job, only if its state was read then'),
};

const countFields: StreamFields = {
  'jobsweep.sweep.counts.open': long('jobs of the whole cluster that were not closed'),
  'jobsweep.sweep.counts.listed': long('those that `jobs` names'),
  'jobsweep.sweep.counts.idle': long('those with verdict `close` or `force`'),
  ...Object.fromEntries(
    Object.entries(outcomes).map(([outcome, { count }]) => [
      `jobsweep.sweep.counts.${snakeCase(count)}`,
      long(`jobs with outcome \`${outcome}\``),
    ]),
  ),
};

export const sweepFields: StreamFields = {
  ...sharedFields,
  'event.start': date('when the sweep started'),
  'event.end': date('when it ended'),
  'event.duration': long('nanoseconds'),
  'jobsweep.sweep.request.idle_for': keyword('`idleFor` of the request'),
  'jobsweep.sweep.request.idle_for_ms': long('the same in milliseconds'),
  'jobsweep.sweep.request.jobs': keyword('the first 100 names of `jobs`; absent if it is all jobs'),
  'jobsweep.sweep.request.exclude': keyword('the first 100 names of `exclude`'),
  'jobsweep.sweep.status': keyword('`done`, `partial` or `refused`'),
  'jobsweep.sweep.duration_ms': long('milliseconds'),
  'jobsweep.sweep.freed_bytes': long('model memory of the closed jobs'),
  ...countFields,
  ...Object.fromEntries(
    Object.entries(keepReasons).map(([reason, means]) => [
      `jobsweep.sweep.kept.${reason}`,
      long(`jobs kept, because ${means}`),
    ]),
  ),
  'jobsweep.sweep.fuse.name': keyword('the fuse that tripped'),
  'jobsweep.sweep.fuse.idle': long('jobs that would have been closed'),
  'jobsweep.sweep.fuse.open': long('jobs of the whole cluster that were not closed'),
  'jobsweep.sweep.fuse.limit': { type: 'double', means: 'the limit: a number of jobs, or a share' },
  'jobsweep.sweep.follow_up.name': keyword('the schedule of the follow-up'),
  'jobsweep.sweep.follow_up.at': date('when the follow-up runs'),
  'jobsweep.sweep.follow_up.round': long('its round'),
  'jobsweep.sweep.follow_up.jobs': long('the jobs that it lists'),
  'jobsweep.sweep.follow_up_of.sweep_id': keyword('of a follow-up: the sweep that began the chain'),
  'jobsweep.sweep.follow_up_of.round': long('of a follow-up: its round'),
  'jobsweep.sweep.warnings': keyword('the first 20 warnings'),
  'jobsweep.sweep.warning_count': long('all warnings'),
  'jobsweep.sweep.job_documents': long('how many job documents this sweep wrote'),
  'jobsweep.sweep.whole': boolean('whether every job that was not closed has a job document of this sweep'),
};

export const jobFields: StreamFields = {
  ...sharedFields,
  'error.type': keyword('the type of the cluster’s error'),
  'error.message': { type: 'match_only_text', means: 'its reason' },
  'error.code': keyword('its HTTP status'),
  'jobsweep.job.id': keyword('the job'),
  'jobsweep.job.groups': keyword('its groups'),
  'jobsweep.job.state': keyword('its state when it was judged'),
  'jobsweep.job.verdict': keyword('`keep`, `close`, `force` or `wait`; absent if `jobs` does not name it'),
  'jobsweep.job.reason': keyword('the reason of the verdict'),
  'jobsweep.job.outcome': keyword('the outcome; absent if `jobs` does not name it'),
  'jobsweep.job.attempts': long('close requests that named it'),
  'jobsweep.job.last_data_at': date('when data last arrived'),
  'jobsweep.job.opened_at': date('when its process started'),
  'jobsweep.job.idle_ms': long('milliseconds since its last activity'),
  'jobsweep.job.model_bytes': long('the server’s `model_bytes`'),
  'jobsweep.job.freed_bytes': long('the same, if this sweep closed the job'),
  'jobsweep.job.node.id': keyword('the id of its node'),
  'jobsweep.job.node.name': keyword('the name of its node'),
  'jobsweep.job.datafeed.id': keyword('its datafeed'),
  'jobsweep.job.datafeed.state': keyword('the state of its datafeed'),
  'jobsweep.job.datafeed.stopped': boolean('true: the close stopped the datafeed'),
  'jobsweep.job.asked_at': date('when its close was first requested'),
  'jobsweep.job.closed_at': date('when it was first seen closed'),
  'jobsweep.job.not_attempted_because': keyword('why it was not asked'),
};
