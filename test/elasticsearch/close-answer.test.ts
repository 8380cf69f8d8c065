import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import { Entry } from '../../src/sweep/closing/ledger.ts';
import { closeBatch, nextBatch, waitingOf } from '../../src/sweep/closing/places.ts';
import type { CloseBatch, JobId } from '../../src/sweep/planning/concrete-id.ts';
import type { CloseAnswer } from '../../src/sweep/ports.ts';
import { idleJob } from '../support/jobs.ts';
import { type Exchange, type ScriptedServer, serve } from '../support/scripted-server.ts';

const batch = (first: string, ...rest: string[]): CloseBatch => [first as JobId, ...(rest as JobId[])];

const closeAt = async (
  server: ScriptedServer,
  jobs: CloseBatch = batch('a', 'b'),
  signal = new AbortController().signal,
): Promise<CloseAnswer> => {
  await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, systemClock);
  return await cluster.close(jobs, { force: false, timeoutMs: 90_000, signal });
};

/** An error body. Like Elasticsearch's own, it contains the cause twice and repeats the HTTP status. */
const errorBody = (status: number, type: string, reason: string | null) => {
  const cause = { type, reason };
  return { error: { root_cause: [cause], ...cause }, status };
};
const error =
  (status: number, type: string, reason: string | null, headers?: Record<string, string>) =>
  ({ json }: Exchange) =>
    json(errorBody(status, type, reason), status, headers);
const page =
  (status: number, title: string, headers: Record<string, string> = {}) =>
  ({ raw }: Exchange) =>
    raw(`<html><head><title>${title}</title></head><body>…</body></html>`, status, {
      'content-type': 'text/html',
      ...headers,
    });

const longIds = Array.from({ length: 50 }, (_, index) => `${'x'.repeat(61)}${100 + index}`);

describe('a close request', () => {
  it('a close request names the jobs in the path and all parameters in the query, without a body', async () => {
    await using server = await serve(({ json }) => json({ closed: true }));
    await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, systemClock);
    const signal = new AbortController().signal;
    await cluster.close(batch('web-1', 'a.b_c'), { force: true, timeoutMs: 1_500, signal });
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/_ml/anomaly_detectors/web-1,a.b_c/_close',
      body: '',
    });
    expect(Object.fromEntries(request?.query ?? [])).toEqual({
      timeout: '1500ms',
      force: 'true',
      allow_no_match: 'false',
    });
  });

  it('if 100 jobs with ids of 64 characters are closed, each close request has a request line of at most 4,096 bytes', async () => {
    await using server = await serve(({ json }) => json({ closed: true }));
    const entries = Array.from({ length: 100 }, (_, index) => {
      const jobId = `${'x'.repeat(60)}-${100 + index}`;
      return new Entry(idleJob({ jobId }), { verdict: 'close', reason: 'idle' });
    });
    for (let waiting = waitingOf(entries); waiting.length > 0; ) {
      const some = nextBatch(waiting, new Map(), { maxJobs: 100, now: 0 });
      waiting = waiting.filter((each) => !some.includes(each));
      const jobs = closeBatch(some.map(({ entry }) => entry));
      if (jobs) await closeAt(server, jobs);
    }
    expect(server.requests.length).toBeGreaterThan(1);
    for (const { lineBytes } of server.requests) expect(lineBytes).toBeLessThanOrEqual(4_096);
    const named = server.requests.flatMap(({ path }) => path.split('/')[3]?.split(','));
    expect(new Set(named).size).toBe(100);
  });

  it.each<[string, (exchange: Exchange) => void]>([
    ['502', page(502, 'Bad Gateway')],
    ['503', error(503, 'master_not_discovered_exception', null)],
    ['504', page(504, 'Gateway Timeout')],
    ['429', error(429, 'es_rejected_execution_exception', 'rejected')],
    ['a reset connection', ({ request }) => request.socket.resetAndDestroy()],
    [
      'a connection closed in the middle of the answer',
      ({ response, request }) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '15' });
        response.write('{"clos', () => request.socket.destroy());
      },
    ],
    [
      'an answer that is not JSON',
      ({ raw }) =>
        raw('nonsense', 200, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' }),
    ],
  ])('a close request is never retried after %s', async (_what, respond) => {
    await using server = await serve(respond);
    expect((await closeAt(server)).kind).not.toBe('acknowledged');
    expect(server.requests).toHaveLength(1);
  });

  it('a close request waits for an answer until the signal aborts, and is not sent again', async () => {
    using clock = new VirtualClock();
    using _tracked = trackHttp(clock);
    const gone = Promise.withResolvers<void>();
    await using server = await serve(({ request, response }) =>
      clock
        .parked(request.socket.remotePort, new Promise<void>((resolve) => response.once('close', resolve)))
        .then(gone.resolve),
    );
    await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
    using limit = clock.limit(100_000);
    const began = clock.now();
    const answer = await cluster.close(batch('a'), { force: false, timeoutMs: 90_000, signal: limit.signal });
    expect(answer).toEqual({ kind: 'lost', reason: 'no answer in time' });
    expect(clock.now() - began).toBe(100_000);
    await gone.promise;
    expect(server.requests).toHaveLength(1);
  });

  it('a close request is not sent if its signal is already aborted', async () => {
    await using server = await serve(({ json }) => json({ closed: true }));
    expect(await closeAt(server, batch('a'), AbortSignal.abort())).toMatchObject({ kind: 'lost' });
    expect(server.requests).toEqual([]);
  });
});

describe('the answer to a close', () => {
  it.each<[string, (exchange: Exchange) => void, object]>([
    ['closed', ({ json }) => json({ closed: true }), { kind: 'acknowledged' }],
    [
      'ids that do not exist [ML APIs 2.3]',
      error(404, 'resource_not_found_exception', "No known job with id 'a,gone-2'"),
      {
        kind: 'missing',
        jobIds: ['a', 'gone-2'],
        error: { status: 404, type: 'resource_not_found_exception' },
      },
    ],
    [
      'fifty long ids that do not exist',
      error(404, 'resource_not_found_exception', `No known job with id '${longIds.join(',')}'`),
      { kind: 'missing', jobIds: longIds },
    ],
    [
      'an error about missing ids with a status other than 404',
      error(500, 'x', "No known job with id 'a'"),
      { kind: 'error', error: { status: 500 } },
    ],
    [
      'one failed job (elasticsearch.md §2.4)',
      error(409, 'status_exception', 'cannot close job [a] because it failed, use force close'),
      { kind: 'failed_jobs', error: { status: 409, type: 'status_exception' } },
    ],
    [
      'a failed job among others (elasticsearch.md §2.4)',
      error(409, 'status_exception', 'one or more jobs have state failed, use force close'),
      { kind: 'failed_jobs' },
    ],
    [
      'jobs that are still closing (elasticsearch.md §2.5)',
      error(500, 'illegal_state_exception', 'Timed out when waiting for persistent tasks after 1.5m'),
      { kind: 'timed_out', error: { status: 500 } },
    ],
    [
      'a process that could not end (elasticsearch.md §2.5)',
      error(500, 'status_exception', 'Exception closing autodetect process'),
      { kind: 'error', error: { status: 500, reason: 'Exception closing autodetect process' } },
    ],
    [
      'a process that was killed in the meantime (elasticsearch.md §2.5)',
      error(409, 'status_exception', 'Close job interrupted by kill request'),
      { kind: 'error', error: { status: 409 } },
    ],
    [
      'a node that left the cluster (elasticsearch.md §2.5)',
      error(502, 'failed_node_exception', 'Failed node [2spCyo1pRi2Ajo-j-_dnPX]'),
      { kind: 'error', error: { status: 502, type: 'failed_node_exception' } },
    ],
    [
      'a cluster without a master (elasticsearch.md §2.5)',
      error(503, 'master_not_discovered_exception', null),
      {
        kind: 'error',
        error: { status: 503, type: 'master_not_discovered_exception', reason: 'no reason given' },
      },
    ],
    [
      'a datafeed that could not be stopped, in the same words as a failed job (elasticsearch.md §2.6)',
      error(
        409,
        'status_exception',
        'failed to close jobs as one or more had started datafeeds that could not be stopped: started datafeeds [df1], error stopping them [job has state failed]',
      ),
      { kind: 'error', error: { status: 409 } },
    ],
    [
      'a parameter that the cluster does not know (elasticsearch.md §2.10)',
      error(
        400,
        'illegal_argument_exception',
        'request [/_ml/anomaly_detectors/a/_close] contains unrecognized parameter: [force]',
      ),
      { kind: 'error', error: { status: 400 } },
    ],
    [
      'a missing privilege',
      error(403, 'security_exception', 'action [cluster:admin/xpack/ml/job/close] is unauthorized'),
      { kind: 'denied', error: { status: 403 } },
    ],
    [
      'missing credentials',
      error(401, 'security_exception', 'missing authentication'),
      { kind: 'denied', error: { status: 401 } },
    ],
    [
      'a missing licence, with the status of a missing privilege',
      error(403, 'security_exception', 'current license is non-compliant for [ml]'),
      { kind: 'denied', error: { status: 403 } },
    ],
    [
      'one job whose index is blocked, also with 403',
      error(
        403,
        'cluster_block_exception',
        'index [.ml-anomalies-custom-a] blocked by: [FORBIDDEN/8/index write (api)];',
      ),
      { kind: 'error', error: { status: 403, type: 'cluster_block_exception' } },
    ],
    [
      'any other refusal by Elasticsearch with 403',
      error(403, 'status_exception', 'job [a] may not be closed'),
      { kind: 'error', error: { status: 403 } },
    ],
    ['a proxy that refuses the caller', page(403, 'Forbidden'), { kind: 'denied', error: { status: 403 } }],
    [
      'a busy server',
      error(429, 'es_rejected_execution_exception', 'rejected', { 'retry-after': '7' }),
      { kind: 'busy', retryAfterMs: 7_000, error: { status: 429 } },
    ],
    [
      'a busy server without Retry-After',
      error(429, 'circuit_breaking_exception', 'Data too large'),
      { kind: 'busy' },
    ],
    [
      'a busy server with a date in Retry-After',
      error(503, 'x', 'later', {
        date: 'Mon, 23 Nov 2026 12:00:00 GMT',
        'retry-after': 'Mon, 23 Nov 2026 12:01:30 GMT',
      }),
      { kind: 'busy', retryAfterMs: 90_000 },
    ],
    [
      'an unreadable Retry-After',
      error(429, 'x', 'y', { 'retry-after': 'soon' }),
      { kind: 'busy', retryAfterMs: undefined },
    ],
    [
      'a failed job, behind a gateway that adds Retry-After to every answer',
      error(409, 'status_exception', 'cannot close job [a] because it failed, use force close', {
        'retry-after': '1',
      }),
      { kind: 'failed_jobs' },
    ],
    ['not closed', ({ json }) => json({ closed: false }), { kind: 'lost' }],
    ['closed, as a text', ({ json }) => json({ closed: 'true' }), { kind: 'lost' }],
    ['null', ({ json }) => json(null), { kind: 'lost' }],
    ['an empty body', ({ raw }) => raw('', 200, { 'x-elastic-product': 'Elasticsearch' }), { kind: 'lost' }],
    [
      'a web page with 200',
      page(200, 'Welcome'),
      { kind: 'lost', reason: expect.stringMatching(/not from Elasticsearch/) },
    ],
    [
      'a web page with 200 and the header of Elasticsearch',
      page(200, 'Welcome', { 'x-elastic-product': 'Elasticsearch' }),
      { kind: 'lost' },
    ],
    [
      'a redirect that claims closed',
      ({ json }) => json({ closed: true }, 302, { location: '/login' }),
      { kind: 'lost', reason: expect.stringMatching(/redirects to .*\/login$/) },
    ],
    [
      "a gateway's page with 404, which names no job",
      page(404, 'Not Found'),
      { kind: 'lost', reason: 'HTTP 404 from something in front of the cluster: Not Found' },
    ],
    [
      'a gateway that timed out, although the close may continue',
      page(504, 'Gateway Timeout'),
      { kind: 'lost', reason: 'HTTP 504 from something in front of the cluster: Gateway Timeout' },
    ],
    [
      'a gateway that forbids',
      page(403, 'Forbidden'),
      { kind: 'denied', error: { status: 403, reason: 'Forbidden' } },
    ],
    [
      'a gateway that is busy',
      page(503, 'Busy', { 'retry-after': '20' }),
      { kind: 'busy', retryAfterMs: 20_000 },
    ],
    [
      'JSON from a gateway',
      ({ raw }) => raw('{"message":"no healthy upstream"}', 503, { 'content-type': 'application/json' }),
      {
        kind: 'lost',
        reason: 'HTTP 503 from something in front of the cluster: no healthy upstream',
      },
    ],
    [
      'a status in the body that differs from the status of the answer',
      ({ json }) => json({ ...errorBody(500, 'x', 'y'), status: 404 }, 500),
      { kind: 'error', error: { status: 500 } },
    ],
    [
      'an error whose fields are not texts',
      ({ json }) => json({ error: { type: 7, reason: ['x'] } }, 500),
      { kind: 'error', error: { status: 500, type: 'unknown', reason: 'no reason given' } },
    ],
  ])(
    'the answer to a close request is classified to decide the next step: %s',
    async (_what, respond, expected) => {
      await using server = await serve(respond);
      expect(await closeAt(server)).toMatchObject(expected);
    },
  );

  it('the error in the answer to a close request contains no control characters and is cut to 1,000 characters', async () => {
    await using server = await serve(
      error(500, 'bad\u001b[2Jtype', `\u001b]0;owned\u0007\u202e${'x'.repeat(5_000)}`),
    );
    const answer = await closeAt(server);
    expect(answer).toMatchObject({ kind: 'error', error: { type: 'bad\\u{1b}[2Jtype' } });
    const { reason } = (answer as Extract<CloseAnswer, { kind: 'error' }>).error;
    expect(reason).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(reason.length).toBeLessThanOrEqual(1_000);
  });
});
