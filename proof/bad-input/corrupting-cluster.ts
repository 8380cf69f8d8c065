/**
 * @module A fake cluster with at least one job of each kind. Each of its answers can be corrupted separately. A close
 * takes effect even if the answer to it is corrupted.
 */
import { gzipSync } from 'node:zlib';
import type { VirtualClock } from '../../simulator/index.ts';
import {
  answeredAt,
  answerKey,
  answersFor,
  configOf,
  datafeedOf,
  type MlAnswers,
  runningFeed,
  statsOf,
} from '../../test/support/ml-answers.ts';
import { type Exchange, productHeaders } from '../../test/support/scripted-server.ts';
import type { Json } from './json.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const recent = { ...statsOf('x').data_counts, last_data_time: answeredAt - minute };
const noProcess = { node: undefined, open_time: undefined };
const withFeed = (id: string) => ({ datafeed_config: { datafeed_id: `datafeed-${id}` } });

type Fields = Record<string, unknown>;
interface Kind {
  readonly id: string;
  readonly config?: Fields;
  readonly stats?: Fields;
  readonly feed?: Fields;
}

const kinds: readonly Kind[] = [
  { id: 'idle-1', feed: {}, config: withFeed('idle-1') },
  { id: 'idle-2', config: { groups: ['web', 'old'] } },
  { id: 'never-fed', stats: { data_counts: { input_record_count: 0, processed_record_count: 0 } } },
  { id: 'failed', stats: { state: 'failed', ...noProcess } },
  { id: 'closing', stats: { state: 'closing' } },
  { id: 'recent-data', stats: { data_counts: recent }, feed: {} },
  { id: 'recent-failed', stats: { state: 'failed', ...noProcess, data_counts: recent } },
  { id: 'recently-opened', stats: { open_time: '600s' } },
  { id: 'protected', config: { custom_settings: { jobsweep: { protect: true } } } },
  { id: 'protected-until', config: { custom_settings: { jobsweep: { protectUntil: '2027-01-01' } } } },
  { id: 'managed', config: { custom_settings: { managed: true } } },
  { id: 'excluded', config: { groups: ['do-not-touch'] } },
  { id: 'hibernating', stats: { state: 'hibernating' } },
  { id: 'blocked', config: { blocked: { reason: 'delete', task_id: 'n:1' }, deleting: true } },
  { id: 'opening', stats: { state: 'opening', ...noProcess } },
  { id: 'no-process', stats: noProcess },
  {
    id: 'lookback',
    config: withFeed('lookback'),
    feed: { ...runningFeed, running_state: { real_time_configured: false, real_time_running: false } },
  },
  { id: 'real-time', config: withFeed('real-time'), feed: runningFeed },
  {
    id: 'forecast',
    stats: { forecasts_stats: { total: 2, forecasted_jobs: 1, status: { finished: 1, started: 1 } } },
  },
  { id: 'orphan', feed: runningFeed },
  { id: 'busy-1', stats: { data_counts: recent } },
  { id: 'busy-2', stats: { data_counts: recent } },
];

/**
 * All answers before any corruption or close. Only the config of the datafeed `datafeed-orphan` links the datafeed to
 * its job: the datafeed's stats do not name the job, and the job's config does not name the datafeed.
 */
export function wholeAnswers(): MlAnswers {
  const answers = answersOfKinds();
  delete answers.datafeeds.datafeeds.find(isOrphan).timing_stats;
  return answers;
}

const isOrphan = ({ datafeed_id: id }: { datafeed_id: string }) => id === 'datafeed-orphan';

const answersOfKinds = (): MlAnswers =>
  JSON.parse(
    JSON.stringify(
      answersFor(
        kinds.map(({ id, config, stats, feed }, index) => ({
          // each job's last data arrived in a different hour, so that the mass_idle fuse does not trip
          config: configOf(id, config),
          stats: statsOf(id, { ...staleData(index), ...stats }),
          ...(feed && { datafeed: datafeedOf(id, feed) }),
        })),
      ),
    ),
  ) as MlAnswers;

const staleData = (index: number): Fields => {
  const at = answeredAt - 5 * day - index * 3_600_000;
  return { data_counts: { ...statsOf('x').data_counts, last_data_time: at } };
};

export type AnswerKey = keyof MlAnswers | 'close';

/** A corrupted answer: its text, status and headers, and how the connection fails, if it does. */
export interface CorruptedAnswer {
  readonly text: string | Buffer;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Send this many bytes of the body, then break the connection. */
  readonly cut?: number;
  /** Send half of the body, then nothing until the client disconnects. */
  readonly hang?: boolean;
}

/** The fake cluster. `corrupt` turns each correct answer into the answer that is sent. */
export class CorruptingCluster {
  readonly answers = wholeAnswers();
  readonly closed = new Set<string>();
  /** The ids that each close request named, in the order of the requests. */
  readonly asked: string[][] = [];
  /** Requests, other than closes, that change something. */
  readonly strange: string[] = [];
  requests = 0;
  readonly #clock: VirtualClock;
  readonly #corrupt: (key: AnswerKey, value: Json) => CorruptedAnswer;

  constructor(clock: VirtualClock, corrupt: (key: AnswerKey, value: Json) => CorruptedAnswer) {
    this.#clock = clock;
    this.#corrupt = corrupt;
  }

  async respond(exchange: Exchange): Promise<void> {
    this.requests += 1;
    const key = answerKey(exchange);
    if (key) return this.#send(exchange, this.#corrupt(key, this.#answerTo(exchange, key)));
    const ids = /^\/_ml\/anomaly_detectors\/([^/]*)\/_close$/.exec(exchange.path)?.[1];
    if (ids === undefined) {
      this.strange.push(`${exchange.method} ${exchange.path}`);
      return exchange.json({ error: 'no handler found' }, 400);
    }
    const list = decodeURIComponent(ids).split(',');
    this.asked.push(list);
    for (const id of list) this.#close(id);
    return this.#send(exchange, this.#corrupt('close', { closed: true }));
  }

  #close(id: string): void {
    this.closed.add(id);
    const entry = this.answers.stats.jobs.find((job: { job_id: string }) => job.job_id === id);
    if (!entry) return;
    entry.state = 'closed';
    delete entry.node;
    delete entry.open_time;
  }

  /** The correct answer to a request. If the request names ids, the answer contains only the entries with these ids. */
  #answerTo({ path }: Exchange, key: keyof MlAnswers): Json {
    const answer = this.answers[key];
    const names = /^\/_ml\/(?:anomaly_detectors|datafeeds)\/([^/]+?)(?:\/_stats)?$/.exec(path)?.[1];
    if (names === undefined || names === '_stats' || names.includes('*')) return answer;
    const wanted = new Set(decodeURIComponent(names).split(','));
    const list = 'jobs' in answer ? 'jobs' : 'datafeeds';
    const entries = answer[list].filter(
      (entry: Fields) =>
        wanted.has(String(entry.job_id ?? entry.datafeed_id)) || wanted.has(String(entry.datafeed_id)),
    );
    return { count: entries.length, [list]: entries };
  }

  async #send(
    { request, response }: Exchange,
    { text, status = 200, headers, cut, hang }: CorruptedAnswer,
  ): Promise<void> {
    const bytes = Buffer.from(text);
    response.writeHead(status, { ...productHeaders, ...headers });
    if (cut !== undefined) {
      response.write(bytes.subarray(0, cut), () => request.socket.destroy());
      return;
    }
    if (!hang) {
      response.end(bytes);
      return;
    }
    response.write(bytes.subarray(0, bytes.length >> 1));
    const gone = new Promise<void>((resolve) => response.once('close', () => resolve()));
    await this.#clock.parked(request.socket.remotePort, gone);
  }
}

const page = '<html><head><title>502 Bad Gateway</title></head><body><script>alert(1)</script></body></html>';
const times = ['0', '7', '999999', '-1', '1e9', 'soon', 'Wed, 21 Oct 2099 07:28:00 GMT'];
const statuses = [
  201, 204, 206, 301, 304, 400, 401, 403, 404, 408, 409, 410, 413, 418, 429, 431, 500, 502, 503, 504, 599,
];
const scalars = ['', 'null', 'true', '0', '"text"', '[]', '{}', '[null]', 'NaN', '{"jobs": null}', '\0'];
const pick = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;

/**
 * Corruptions that happen between the cluster and the client, caused by gateways, broken connections, other servers or
 * attackers.
 */
export const ways = {
  cut: (text, at) => ({ text, cut: at % (text.length + 1) }),
  truncated: (text, at) => ({ text: text.slice(0, at % Math.max(1, text.length)) }),
  hang: (text) => ({ text, hang: true }),
  page: (_text, at) => ({
    text: page,
    status: pick([200, 302, 401, 502, 503], at),
    headers: { 'content-type': 'text/html' },
  }),
  scalar: (_text, at) => ({ text: pick(scalars, at) }),
  status: (text, at) => ({
    text: pick(
      [204, 304].includes(pick(statuses, at))
        ? ['']
        : [text, '', '{"error":{"type":"t","reason":"r"}}', '{"error":"no","status":200}'],
      at,
    ),
    status: pick(statuses, at),
  }),
  later: (_text, at) => ({
    text: '{"error":{"type":"circuit_breaking_exception","reason":"later"}}',
    status: pick([429, 503], at),
    headers: { 'retry-after': pick(times, at) },
  }),
  redirect: (_text, at) => ({
    text: '',
    status: 302,
    headers: {
      location: pick(['/login?token=x', 'http://127.0.0.1:1/', '//', 'javascript:alert(1)', '\u00ff'], at),
    },
  }),
  no_product: (text) => ({ text, headers: { 'x-elastic-product': 'Something else' } }),
  media_type: (text, at) => ({
    text,
    headers: { 'content-type': pick(['text/html', 'text/plain', 'application/cbor', 'x'], at) },
  }),
  mark: (text) => ({ text: `\ufeff${text}` }),
  repeated: (text) => ({ text: text + text }),
  overflow: (text) => ({ text: text.replaceAll(/: ?\d{4,}/g, ':1e999').replaceAll(/:(\d{4,})/g, ':1e999') }),
  doubled_keys: (text) => ({ text: text.replaceAll('"state":', '"state":"closed","state":') }),
  prototype: (text) => ({ text: text.replaceAll('"job_id":', '"__proto__":{"state":"closed"},"job_id":') }),
  deeper: (text) => ({ text: text.replace('{', `{"deep":${'['.repeat(50_000)}${']'.repeat(50_000)},`) }),
  padded: (text, at) => ({ text: `${' '.repeat(pick([10, 1_000, 100_000, 3_000_000], at))}${text}` }),
  gzip: (text) => ({ text: gzipSync(text), headers: { 'content-encoding': 'gzip' } }),
  no_gzip: (text) => ({ text, headers: { 'content-encoding': 'gzip' } }),
  warnings: (text, at) => ({
    text,
    headers: {
      warning: pick(
        [
          `299 Elasticsearch-9.2.1 "${'\\"x'.repeat(500)}"`,
          '299 Elasticsearch-" "'.repeat(400),
          '299 Elasticsearch-9 "<script>\u00ff"',
        ],
        at,
      ),
    },
  }),
} as const satisfies Record<string, (text: string, at: number) => CorruptedAnswer>;
export type Way = keyof typeof ways;
