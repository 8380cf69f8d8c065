/** Tests scripted faults and events. */
import { Client, errors } from '@elastic/elasticsearch';
import { describe, expect, test } from 'vitest';
import { startTarget } from '../../support/elasticsearch.ts';

const jobs = [{ jobId: 'a', lastData: '3d', closeTakes: '10s' }] as const;
const close = '/_ml/anomaly_detectors/a/_close';

describe('a scripted fault', () => {
  test('a scripted fault can be limited to the second request to an API, which is then answered with the status of the fault', async () => {
    await using target = await startTarget({ jobs });
    target.server.faults.add({
      api: 'ml.get_job_stats',
      nth: 2,
      status: 429,
      type: 'es_rejected_execution_exception',
    });

    const statuses = [];
    for (const path of [
      '/_ml/anomaly_detectors/_stats',
      '/_ml/info',
      '/_ml/anomaly_detectors/a/_stats',
      '/_ml/anomaly_detectors/_stats',
    ])
      statuses.push((await target.get(path)).status);

    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  test('a scripted fault answers with an error status, either without carrying out the request or after carrying it out', async () => {
    await using before = await startTarget({ jobs });
    before.server.faults.add({ api: 'ml.close_job', status: 503 });
    await using after = await startTarget({ jobs });
    after.server.faults.add({ api: 'ml.close_job', status: 503, after: true });

    expect((await before.post(close)).status).toBe(503);
    expect((await after.post(close)).status).toBe(503);
    expect([before.state('a'), after.state('a')]).toEqual(['opened', 'closed']);
  });

  test('a scripted fault breaks the connection before or after the request is carried out', async () => {
    await using before = await startTarget({ jobs });
    before.server.faults.add({ api: 'ml.close_job', reset: 'before' });
    await using after = await startTarget({ jobs });
    after.server.faults.add({ api: 'ml.close_job', reset: 'after' });

    await expect(before.post(close)).rejects.toThrow('fetch failed');
    await expect(after.post(close)).rejects.toThrow('fetch failed');
    expect([before.state('a'), after.state('a')]).toEqual(['opened', 'closed']);
    expect(before.server.requests[0]?.api).toBe('ml.close_job');
    expect(before.server.requests[0]?.status).toBeUndefined();
  });

  test('a scripted fault delays a request before it is carried out, or delays the answer', async () => {
    await using target = await startTarget({ jobs });
    const begun = target.clock.now();
    target.server.faults.add({ api: 'ml.info', delay: 5_000 });
    target.server.faults.add({ api: 'ml.get_jobs', delayAnswer: 7_000 });

    await target.get('/_ml/info');
    const first = target.clock.now() - begun;
    await target.get('/_ml/anomaly_detectors');

    expect([first, target.clock.now() - begun]).toEqual([5_000, 12_000]);
  });

  test('a scripted fault truncates the body of an answer', async () => {
    await using target = await startTarget({ jobs });
    target.server.faults.add({ api: 'ml.info', cut: 20 });

    await expect(target.get('/_ml/info')).rejects.toThrow();
    expect((await target.get('/_ml/info')).status).toBe(200);
  });

  test('a scripted fault answers with another content type, or with an HTML page instead of JSON', async () => {
    await using target = await startTarget({ jobs });
    target.server.faults.add({ api: 'ml.info', contentType: 'text/html' });
    target.server.faults.add({
      api: 'ml.get_jobs',
      status: 502,
      body: '<html>Bad Gateway</html>',
      headers: { 'content-type': 'text/html', 'retry-after': '7' },
    });

    expect((await target.get('/_ml/info')).headers.get('content-type')).toBe('text/html');
    const page = await target.get('/_ml/anomaly_detectors');
    expect({ status: page.status, text: page.text, retry: page.headers.get('retry-after') }).toEqual({
      status: 502,
      text: '<html>Bad Gateway</html>',
      retry: '7',
    });
  });

  test('a scripted fault omits the product header, so that the official client refuses the answer', async () => {
    await using target = await startTarget({ jobs });
    target.server.faults.add({ api: 'info', noProduct: true });
    const client = new Client({ node: target.url, maxRetries: 0 });

    await expect(client.info()).rejects.toThrow(errors.ProductNotSupportedError);
    await expect(client.info()).resolves.toBeDefined();
    await client.close();
  });

  test('a scripted fault leaves a request unanswered until the client disconnects', async () => {
    await using target = await startTarget({ jobs });
    target.server.faults.add({ api: 'ml.info', hang: true });
    const limit = target.clock.limit(60_000);

    await expect(target.get('/_ml/info', { signal: limit.signal })).rejects.toThrow();
    expect((await target.get('/_ml/info')).status).toBe(200);
  });

  test('a scripted fault can select requests by path or wildcard, apply several times, and be removed', async () => {
    await using target = await startTarget({ jobs });
    const remove = target.server.faults.add({
      api: 'ml.*',
      path: '*/anomaly_detectors/*',
      times: Number.POSITIVE_INFINITY,
      status: 500,
    });

    expect((await target.get('/_ml/info')).status).toBe(200);
    expect((await target.get('/_ml/anomaly_detectors/a')).status).toBe(500);
    expect((await target.get('/_ml/anomaly_detectors/a/_stats')).status).toBe(500);
    remove();
    expect((await target.get('/_ml/anomaly_detectors/a')).status).toBe(200);
  });
});

describe('a scripted event', () => {
  test('a scripted event happens after the nth request to an API and before the answer to that request', async () => {
    await using target = await startTarget({ jobs });
    target.server.faults.afterRequest(2, () => target.cluster.removeJob('a'), 'ml.get_job_stats');

    expect((await target.get('/_ml/anomaly_detectors/_stats')).body.count).toBe(1);
    expect((await target.get('/_ml/anomaly_detectors/_stats')).body.count).toBe(1);
    expect((await target.get('/_ml/anomaly_detectors/_stats')).body.count).toBe(0);
  });

  test('an event in a fleet happens at the given time or after the given number of requests', async () => {
    await using target = await startTarget({
      fleet: {
        jobs: ['a', 'b', 'c', 'd', 'e', 'f'].map((jobId) => ({
          jobId,
          node: jobId === 'f' ? 'ml-1' : 'ml-0',
          lastData: '3d',
          state: jobId === 'd' ? 'closed' : 'opened',
        })),
        events: [
          { event: 'dataArrives', jobId: 'a', at: '1m' },
          { event: 'jobFails', jobId: 'b', reason: 'crashed', at: '2m' },
          { event: 'jobForceClosed', jobId: 'c', at: '3m' },
          { event: 'jobOpened', jobId: 'd', at: '4m' },
          { event: 'jobDeleted', jobId: 'e', afterRequest: 1, api: 'ml.info' },
          { event: 'nodeLeaves', node: 'ml-1', at: '5m' },
        ],
        faults: [{ api: 'ml.get_jobs', status: 502, times: 'always', delay: '2s' }],
      },
    });
    const start = target.clock.now();
    await target.get('/_ml/info');
    await target.clock.advance(5 * 60_000);

    expect(target.cluster.job('a')?.lastDataTime).toBe(start + 60_000);
    expect(target.cluster.job('b')?.stateHistory.at(-1)).toMatchObject({ state: 'failed', cause: 'crashed' });
    expect(target.cluster.job('c')).toMatchObject({ state: 'closed', forced: true });
    expect(target.state('d')).toBe('opened');
    expect(target.cluster.job('e')).toBeUndefined();
    expect(target.cluster.job('f')?.openedAt).toBeUndefined();
    for (let time = 0; time < 3; time++)
      expect((await target.get('/_ml/anomaly_detectors')).status).toBe(502);
    expect(target.clock.now() - start).toBe(5 * 60_000 + 6_000);
  });
});

describe('the request log', () => {
  test('the request log contains each request with its times, the length of its request line, and the status of the answer', async () => {
    await using target = await startTarget({ jobs });

    await target.post(`${close}?timeout=1m`, undefined);

    const [request] = target.server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: close,
      query: 'timeout=1m',
      api: 'ml.close_job',
      body: '',
      status: 200,
      lineBytes: `POST ${close}?timeout=1m HTTP/1.1\r\n`.length,
      responseBytes: '{"closed":true}'.length,
    });
    expect((request?.answeredAt ?? 0) - (request?.at ?? 0)).toBeGreaterThanOrEqual(10_000);
  });
});
