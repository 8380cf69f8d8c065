/**
 * @module The audit messages in `.ml-notifications*`: those from the generated past of each job, and those written
 * since the cluster started. A search filters, sorts by one or two fields, and returns at most 10,000 messages.
 */
import { illegalArgument } from '../errors.ts';
import type { Call } from '../http/call.ts';
import type { Document } from '../state/indices.ts';
import type { Job, StateChange } from '../state/job.ts';
import { compileQuery } from './search.ts';

const index = '.ml-notifications-000002';
const window = 10_000;

export const namesNotifications = (expression = ''): boolean => expression.startsWith('.ml-notifications');

interface Search {
  readonly query?: Document;
  readonly size?: number;
  readonly sort?: readonly Readonly<Record<string, 'asc' | 'desc' | { readonly order: 'asc' | 'desc' }>>[];
}

export function searchNotifications(call: Call): object {
  const {
    query = { match_all: {} },
    size = 10,
    sort = [],
  } = (call.body.present ? call.body.json() : {}) as Search;
  if (size > window)
    throw illegalArgument(
      `Result window is too large, from + size must be less than or equal to: [${window}] but was [${size}].`,
    );
  const matches = compileQuery(query);
  const found = [...call.context.cluster.jobs.values()]
    .flatMap(messagesOf)
    .filter(({ id, source }) => matches(source, id))
    .sort((a, b) => compare(a.source, b.source, sort));
  const hits = found.slice(0, size).map(({ id, source }) => ({
    _index: index,
    _id: id,
    _score: null,
    _source: source,
    sort: sort.map((by) => source[Object.keys(by)[0] ?? '']),
  }));
  return {
    took: 3,
    timed_out: false,
    _shards: { total: 1, successful: 1, skipped: 0, failed: 0 },
    hits: { total: { value: found.length, relation: 'eq' }, max_score: null, hits },
  };
}

function compare(a: Document, b: Document, sort: NonNullable<Search['sort']>): number {
  for (const by of sort) {
    const [field = '', given] = Object.entries(by)[0] ?? [];
    const descends = (typeof given === 'object' ? given.order : given) === 'desc';
    const [x, y] = [a[field], b[field]] as [number | string, number | string];
    if (x !== y) return (x < y ? -1 : 1) * (descends ? -1 : 1);
  }
  return 0;
}

function messagesOf(job: Job): { readonly id: string; readonly source: Document }[] {
  const past = job.past?.().notifications ?? [];
  return [...past, ...job.history.flatMap((change) => messageOf(job, change))].map((source, number) => ({
    id: `${job.id}-${number}`,
    source: { ...source },
  }));
}

/** The server's messages for a change of state. The initial state that a fleet describes causes no message. */
function messageOf(job: Job, { at, state, cause }: StateChange): Document[] {
  if (cause === 'fleet') return [];
  const say = (message: string, level = 'info') => [
    {
      job_id: job.id,
      job_type: 'anomaly_detector',
      level,
      message,
      timestamp: at,
      node_name: job.task?.node?.name ?? '',
    },
  ];
  const newest =
    job.counts.latestRecord === undefined ? 'N/A' : new Date(job.counts.latestRecord).toISOString();
  switch (state) {
    case 'opening':
      return say(`Opening job on node [${job.task?.node?.name ?? ''}]`);
    case 'opened':
      return say(`Loading model snapshot [N/A], job latest_record_timestamp [${newest}]`);
    case 'closing':
      return [
        // The server's exact text is not known, only that it contains the name of the setting.
        ...(cause === 'idle job auto close'
          ? say(
              'Job was closed because it was idle; change the setting [xpack.ml.idle_job_auto_close_timeout] to keep such jobs open',
              'warning',
            )
          : []),
        ...say('Job is closing'),
      ];
    case 'closed':
      return cause === 'put' ? say('Job created') : /force/.test(cause) ? say('Job is closing (forced)') : [];
    case 'failed':
      return say(cause, 'error');
  }
}
