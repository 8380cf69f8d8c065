/**
 * The target of the conformance suite. By default, each test has its own embedded cluster, in simulated time. If
 * ELASTICSEARCH_TEST_URL is set, the target is a real cluster. Never set it to a production cluster: jobs and datafeeds
 * named `conformance-*` are deleted.
 */
import { test } from 'vitest';
import {
  type EmbeddedElasticsearch,
  type Fleet,
  type FleetJob,
  type SimulatedCluster,
  type Stack,
  startElasticsearch,
  trackHttp,
  VirtualClock,
} from '../../simulator/index.ts';

const liveUrl = process.env.ELASTICSEARCH_TEST_URL;

/**
 * A test that needs the embedded cluster, because it reads the internal state, uses simulated time, or needs its own
 * cluster.
 */
export const embedded = test.skipIf(liveUrl !== undefined);

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests check the server's answer, so it has no type
  readonly body: any;
  readonly text: string;
  readonly headers: Headers;
  /** The `error.type` and `error.reason` of an error response. */
  readonly type: string | undefined;
  readonly reason: string | undefined;
}

/** The part of a reply that describes an error. */
export const errorOf = ({ status, type, reason }: Reply) => ({ status, type, reason });

export interface Content {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface TargetOptions {
  readonly stack?: Stack;
  readonly fleet?: Fleet;
  readonly jobs?: readonly FleetJob[];
}

/** The minimum body that creates a job. */
export const minimalJob = {
  analysis_config: { bucket_span: '15m', detectors: [{ function: 'count' }] },
  data_description: { time_field: 'time', time_format: 'epoch_ms' },
} as const;

export class Target implements AsyncDisposable {
  readonly url: string;
  readonly #server: EmbeddedElasticsearch | undefined;
  readonly #clock: VirtualClock | undefined;
  readonly #tracking: Disposable | undefined;

  constructor(
    url: string,
    embedded?: { server: EmbeddedElasticsearch; clock: VirtualClock; tracking: Disposable },
  ) {
    this.url = url;
    this.#server = embedded?.server;
    this.#clock = embedded?.clock;
    this.#tracking = embedded?.tracking;
  }

  /** The embedded server. A test that uses it cannot run on a real cluster. */
  get server(): EmbeddedElasticsearch {
    if (!this.#server) throw new Error('this test needs the embedded cluster: mark it `embedded`');
    return this.#server;
  }

  get cluster(): SimulatedCluster {
    return this.server.cluster;
  }

  get clock(): VirtualClock {
    if (!this.#clock) throw new Error('this test needs simulated time: mark it `embedded`');
    return this.#clock;
  }

  /** Advances the simulated time. Does nothing on a real cluster, where time passes by itself. */
  async passTime(ms: number): Promise<void> {
    await this.#clock?.advance(ms);
  }

  state(jobId: string): string | undefined {
    return this.cluster.job(jobId)?.state;
  }

  async request(method: string, path: string, { body, headers = {}, signal }: Content = {}): Promise<Reply> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...(liveUrl !== undefined && liveCredentials()),
        ...headers,
      },
      ...(text !== undefined && { body: text }),
      ...(signal && { signal }),
    });
    return reply(response);
  }

  get(path: string, content?: Content): Promise<Reply> {
    return this.request('GET', path, content);
  }

  post(path: string, body?: unknown, content: Content = {}): Promise<Reply> {
    return this.request('POST', path, { ...content, ...(body !== undefined && { body }) });
  }

  put(path: string, body?: unknown, content: Content = {}): Promise<Reply> {
    return this.request('PUT', path, { ...content, ...(body !== undefined && { body }) });
  }

  delete(path: string, content?: Content): Promise<Reply> {
    return this.request('DELETE', path, content);
  }

  /** Creates a job from the minimum body and `changes`. */
  async putJob(id: string, changes: Record<string, unknown> = {}): Promise<void> {
    const { status, text } = await this.put(`/_ml/anomaly_detectors/${id}`, { ...minimalJob, ...changes });
    if (status !== 200) throw new Error(`the job ${id} could not be put: ${text}`);
  }

  async openJob(id: string, changes: Record<string, unknown> = {}): Promise<void> {
    await this.putJob(id, changes);
    const { status, text } = await this.post(`/_ml/anomaly_detectors/${id}/_open`);
    if (status !== 200) throw new Error(`the job ${id} could not be opened: ${text}`);
  }

  /** Creates an index with one record per minute for the last two hours, and a datafeed that reads the index. */
  async putDatafeed(jobId: string, changes: Record<string, unknown> = {}): Promise<string> {
    const index = `conformance-data-${jobId}`;
    const now = this.#clock?.now() ?? Date.now();
    await this.put(`/${index}`, { mappings: { properties: { time: { type: 'date' } } } });
    const lines = Array.from({ length: 120 }, (_, minute) => [
      JSON.stringify({ index: { _index: index } }),
      JSON.stringify({ time: now - (120 - minute) * 60_000 }),
    ]).flat();
    await this.post('/_bulk?refresh=true', `${lines.join('\n')}\n`, {
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const id = `conformance-feed-${jobId}`;
    const { status, text } = await this.put(`/_ml/datafeeds/${id}`, {
      job_id: jobId,
      indices: [index],
      query_delay: '60s',
      ...changes,
    });
    if (status !== 200) throw new Error(`the datafeed ${id} could not be put: ${text}`);
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server) {
      await this.cleanUp();
      return;
    }
    await this.#server.stop();
    this.#tracking?.[Symbol.dispose]();
    this.#clock?.[Symbol.dispose]();
  }

  /** Deletes everything that the suite may have created on a real cluster. */
  async cleanUp(): Promise<void> {
    await this.post('/_ml/set_upgrade_mode?enabled=false');
    await this.post('/_ml/datafeeds/conformance-*/_stop?force=true');
    const { body } = await this.get('/_ml/anomaly_detectors/conformance-*');
    for (const { job_id } of body.jobs) await this.delete(`/_ml/anomaly_detectors/${job_id}?force=true`);
    const indices = await this.get('/conformance-*?expand_wildcards=open');
    for (const index of Object.keys(indices.body)) await this.delete(`/${index}`);
  }
}

/** Starts the embedded target, or connects to the real one. */
export async function startTarget({ stack, fleet = {}, jobs }: TargetOptions = {}): Promise<Target> {
  if (liveUrl !== undefined) {
    const target = new Target(liveUrl.replace(/\/$/, ''));
    // removes what an interrupted test left behind
    await target.cleanUp();
    return target;
  }
  const clock = new VirtualClock();
  const tracking = trackHttp(clock);
  const server = await startElasticsearch({
    clock,
    fleet: { ...fleet, ...(jobs && { jobs: [...jobs] }) },
    ...(stack && { stack }),
  });
  return new Target(server.url, { server, clock, tracking });
}

function liveCredentials(): Record<string, string> {
  const { ELASTICSEARCH_TEST_USERNAME: user, ELASTICSEARCH_TEST_PASSWORD: password } = process.env;
  if (user === undefined || password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

async function reply(response: Response): Promise<Reply> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // the body is not JSON: it is empty, or a table of `_cat`
  }
  const error = (body as { error?: { type?: string; reason?: string } } | null)?.error;
  return {
    status: response.status,
    body,
    text,
    headers: response.headers,
    type: error?.type,
    reason: error?.reason,
  };
}
