/** @module Installs a case's faults in the embedded cluster, including faults that garble one job in a valid answer. */
import { renderJobStats } from '../simulator/elasticsearch/api/get-jobs.ts';
import type { EmbeddedElasticsearch, Fault } from '../simulator/index.ts';
import type { FaultKind, RandomCase, ScriptedFault } from './case.ts';
import type { Garbling, TrueJob } from './ground-truth.ts';
import { namedBy, type Served, type ServerLog } from './observe.ts';

export interface Struck {
  readonly kind: FaultKind;
  readonly api: string;
}

const page = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';

/** The simulator's fault for each kind; undefined if the kind does not apply to the request. */
const faultOf: Record<
  Exclude<FaultKind, Garbling | 'echo'>,
  (amount: number, path: string, api: string) => Omit<Fault, 'api'> | undefined
> = {
  reset_before: () => ({ reset: 'before' }),
  reset_after: () => ({ reset: 'after' }),
  cut: (amount) => ({ cut: amount % 200 }),
  hang: () => ({ hang: true }),
  delay: (amount) => ({ delay: amount }),
  delay_answer: (amount) => ({ delayAnswer: amount }),
  html_page: (amount) => ({
    status: amount % 2 ? 200 : 502,
    body: page,
    headers: { 'content-type': 'text/html' },
  }),
  not_elasticsearch: () => ({ noProduct: true }),
  status_400: () => ({ status: 400, type: 'illegal_argument_exception', reason: 'scripted' }),
  status_401: () => ({ status: 401, type: 'security_exception', reason: 'unable to authenticate' }),
  status_403: () => ({ status: 403, type: 'security_exception', reason: 'action is unauthorized' }),
  status_404: () => ({ status: 404, body: { error: 'not found here', status: 404 } }),
  // reports as missing an id that the request did not name, so this fault applies only to requests with ids
  missing_other: (_, path) =>
    namedBy('configs', path) === 'all' || namedBy('stats', path) === 'all' || path.endsWith('feeds/_stats')
      ? undefined
      : {
          status: 404,
          type: 'resource_not_found_exception',
          reason: "No known job with id 'nobody-asked-for'",
        },
  status_409: () => ({ status: 409, type: 'status_exception', reason: 'scripted conflict' }),
  failed_jobs: (_, _path, api) =>
    api === 'ml.close_job'
      ? {
          status: 409,
          type: 'status_exception',
          reason: 'one or more jobs have state failed, use force close',
        }
      : undefined,
  status_429: () => ({ status: 429, type: 'circuit_breaking_exception', reason: 'data too large' }),
  status_500: () => ({ status: 500, type: 'illegal_state_exception', reason: 'scripted' }),
  status_502: () => ({ status: 502, type: 'failed_node_exception', reason: 'Failed node [x]' }),
  status_503: () => ({
    status: 503,
    body: { error: { type: 'master_not_discovered_exception', reason: null }, status: 503 },
  }),
  status_500_after: () => ({
    status: 500,
    after: true,
    type: 'illegal_state_exception',
    reason: 'Timed out when waiting for persistent tasks after 1m',
  }),
  status_503_after: () => ({
    status: 503,
    after: true,
    type: 'unavailable_shards_exception',
    reason: 'scripted',
  }),
  retry_later: (amount) => ({
    status: 503,
    headers: { 'retry-after': String(Math.ceil(amount / 1_000)) },
    type: 'unavailable',
    reason: 'later',
  }),
  empty_object: () => ({ status: 200, after: true, body: {} }),
  not_closed: (_, _path, api) =>
    api === 'ml.close_job' ? { status: 200, after: true, body: { closed: false } } : undefined,
  false_success: (_, _path, api) =>
    api === 'ml.close_job' ? { status: 200, body: { closed: true } } : undefined,
  wrong_count: (_, _path, api) =>
    api === 'ml.close_job' ? undefined : { status: 200, after: true, body: { count: 7, jobs: [] } },
};

type Entry = Record<string, unknown>;

/** How each kind of garbling changes the list of stats; `index` selects the job. */
const garblings: Record<Garbling, (entries: Entry[], index: number) => Entry[]> = {
  wrong_types: (entries, index) =>
    entries.with(index, { ...entries[index], data_counts: { last_data_time: 'yesterday' } }),
  strange_state: (entries, index) => entries.with(index, { ...entries[index], state: 'hibernating' }),
  without_clock: (entries, index) =>
    entries.with(index, { ...entries[index], data_counts: { input_record_count: 17 } }),
  doubled_entry: (entries, index) => entries.toSpliced(index, 0, entries[index] as Entry),
};

const garbles = (kind: FaultKind): kind is Garbling => kind in garblings;

/**
 * Installs the faults. Returns the list of faults that occurred, which grows during the run. After `max` requests, the
 * server no longer answers.
 */
export function scriptFaults(
  server: EmbeddedElasticsearch,
  log: ServerLog,
  { faults, networkMs = 0 }: Pick<RandomCase, 'faults' | 'networkMs'>,
  max: number,
): Struck[] {
  const struck: Struck[] = [];
  const seen = faults.map(() => 0);
  server.faults.strike = (api, path) => {
    if (server.requests.length > max) return { api, hang: true };
    let found: Fault | undefined;
    for (const [index, fault] of faults.entries()) {
      if (fault.api !== '*' && fault.api !== api) continue;
      const count = (seen[index] ?? 0) + 1;
      seen[index] = count;
      if (found || count < fault.nth || (fault.times > 0 && count >= fault.nth + fault.times)) continue;
      found = faultFor(fault, server, log, api, path);
      if (found) struck.push({ kind: fault.kind, api });
    }
    // adds the network delay with `Object.create`, because an object spread would evaluate the fault's getters too
    // early
    if (networkMs === 0) return found;
    if (!found) return { api, delay: networkMs };
    return Object.create(found, { delay: { value: (found.delay ?? 0) + networkMs } }) as Fault;
  };
  return struck;
}

function faultFor(
  { kind, amount }: ScriptedFault,
  server: EmbeddedElasticsearch,
  log: ServerLog,
  api: string,
  path: string,
): Fault | undefined {
  if (kind === 'echo') return echo(amount, api, () => log.served.findLast(({ url }) => url.startsWith(path)));
  if (!garbles(kind)) {
    const fault = faultOf[kind](amount, path, api);
    return fault && { api, ...fault };
  }
  if (api !== 'ml.get_job_stats') return undefined;
  // The getter runs when the answer is sent. It returns the server's answer at that time, with one job garbled.
  return {
    api,
    status: 200,
    after: true,
    get body() {
      return garbled(kind, amount, server, log, path);
    },
  };
}

/**
 * A fault that answers with an error from the cluster, or with a proxy's error page. Both quote the request's
 * credentials.
 */
function echo(amount: number, api: string, served: () => Served | undefined): Fault {
  const status = [400, 401, 403, 500, 503][amount % 5] as number;
  const quoted = () => `cannot serve Authorization: ${served()?.authorization}`;
  if (amount % 2)
    return {
      api,
      status,
      after: true,
      headers: { 'content-type': 'text/html' },
      get body() {
        return `<html><title>${quoted()}</title></html>`;
      },
    };
  return {
    api,
    status,
    after: true,
    type: 'security_exception',
    get reason() {
      return quoted();
    },
  };
}

function garbled(
  kind: Garbling,
  amount: number,
  { cluster }: EmbeddedElasticsearch,
  log: ServerLog,
  path: string,
): object {
  const named = namedBy('stats', path);
  const served = log.served.findLast(({ url }) => url.startsWith(path));
  const ids = [...cluster.cluster.jobs.keys()].sort().filter((id) => {
    const asked = named === 'all' || named?.includes(id);
    return asked && cluster.cluster.jobs.get(id)?.blocked?.reason !== 'delete';
  });
  const entries = ids.flatMap((id) => {
    const job = cluster.cluster.jobs.get(id);
    return job ? [renderJobStats(cluster.cluster, job) as Entry] : [];
  });
  if (entries.length === 0) return { count: 0, jobs: [] };
  const index = amount % entries.length;
  const id = ids[index] as string;
  const truth = served?.truth.get(id);
  if (served && truth) (served.truth as Map<string, TrueJob>).set(id, { ...truth, garbled: kind });
  const jobs = garblings[kind](entries, index);
  return { count: jobs.length, jobs };
}
