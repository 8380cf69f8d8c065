/** docs/elasticsearch.md §3.3 and §3.11: datafeeds and their stats. */
import { describe, expect, test } from 'vitest';
import { embedded, errorOf, startTarget, type Target } from '../../../support/elasticsearch.ts';

const feeds = '/_ml/datafeeds';
const hour = 3_600_000;

const statsOf = async (target: Target, id: string) =>
  (await target.get(`${feeds}/${id}/_stats`)).body.datafeeds[0];

describe('creating a datafeed (elasticsearch.md §3.11)', () => {
  test('a datafeed that was created with only the required fields is returned with all defaults', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const { status, body } = await target.put(`${feeds}/conformance-f`, {
      job_id: 'conformance-a',
      indices: ['conformance-data'],
    });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      datafeed_id: 'conformance-f',
      job_id: 'conformance-a',
      indices: ['conformance-data'],
      query: { match_all: {} },
      scroll_size: 1000,
      chunking_config: { mode: 'auto' },
      delayed_data_check_config: { enabled: true },
      indices_options: { expand_wildcards: ['open'], ignore_unavailable: false, allow_no_indices: true },
    });
    const delay = /^(\d+)(ms|s)$/.exec(body.query_delay);
    const ms = Number(delay?.[1]) * (delay?.[2] === 's' ? 1_000 : 1);
    expect(ms).toBeGreaterThanOrEqual(60_000);
    expect(ms).toBeLessThan(120_000);
  });

  test('a datafeed id may be longer than a job id, because Kibana creates ids such as datafeed-<job id>', async () => {
    await using target = await startTarget();
    const jobId = `conformance-${'a'.repeat(52)}`;
    await target.putJob(jobId);
    const { status } = await target.put(`${feeds}/datafeed-${jobId}`, {
      job_id: jobId,
      indices: ['conformance-data'],
    });
    expect(status).toBe(200);
    const { body } = await target.get(`${feeds}/datafeed-${jobId}/_stats`);
    expect(body).toMatchObject({ count: 1, datafeeds: [{ datafeed_id: `datafeed-${jobId}` }] });
  });

  test('if a datafeed has aggregations, each of its chunks covers a thousand histogram intervals', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a', {
      analysis_config: {
        bucket_span: '1h',
        summary_count_field_name: 'doc_count',
        detectors: [{ function: 'count' }],
      },
    });

    const { body } = await target.put(`${feeds}/conformance-f`, {
      job_id: 'conformance-a',
      indices: ['conformance-data'],
      aggregations: {
        buckets: {
          date_histogram: { field: 'time', fixed_interval: '3600000ms' },
          aggregations: { time: { max: { field: 'time' } } },
        },
      },
    });

    expect(body.chunking_config).toEqual({ mode: 'manual', time_span: '3600000000ms' });
  });

  test('a new datafeed is refused if its job is unknown, if its job already has a datafeed, or if its id is in use', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    await target.putJob('conformance-b');
    const feed = (job: string) => ({ job_id: job, indices: ['conformance-data'] });
    await target.put(`${feeds}/conformance-f`, feed('conformance-a'));

    expect(errorOf(await target.put(`${feeds}/conformance-x`, feed('conformance-x')))).toEqual({
      status: 404,
      type: 'resource_not_found_exception',
      reason: "No known job with id 'conformance-x'",
    });
    expect(errorOf(await target.put(`${feeds}/conformance-g`, feed('conformance-a')))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'A datafeed [conformance-f] already exists for job [conformance-a]',
    });
    expect(errorOf(await target.put(`${feeds}/conformance-f`, feed('conformance-b')))).toEqual({
      status: 400,
      type: 'resource_already_exists_exception',
      reason: 'A datafeed with id [conformance-f] already exists',
    });
  });

  test('a datafeed without indices or with an unknown field is refused', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect((await target.put(`${feeds}/conformance-f`, { job_id: 'conformance-a' })).status).toBe(400);
    expect((await target.put(`${feeds}/conformance-f`, '{"headers":{}}')).reason).toContain(
      '[1:2] [datafeed_config] unknown field [headers]',
    );
  });

  test('an update of a datafeed changes the given fields and cannot change its job', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    await target.put(`${feeds}/conformance-f`, { job_id: 'conformance-a', indices: ['conformance-data'] });

    const { body } = await target.post(`${feeds}/conformance-f/_update`, {
      scroll_size: 10,
      frequency: '2m',
    });

    expect(body).toMatchObject({ scroll_size: 10, frequency: '2m', indices: ['conformance-data'] });
    expect(await target.post(`${feeds}/conformance-f/_update`, { job_id: 'conformance-b' })).toMatchObject({
      status: 400,
      reason: "Datafeed's job_id cannot be changed",
    });
  });
});

describe('reading datafeeds and their stats (elasticsearch.md §3.3)', () => {
  test('datafeeds are found by id and by pattern, but not by the group of their jobs', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a', { groups: ['conformance-g'] });
    await target.put(`${feeds}/conformance-f`, { job_id: 'conformance-a', indices: ['conformance-data'] });

    expect((await target.get(`${feeds}/conformance-*`)).body.count).toBe(1);
    expect((await target.get(`${feeds}/_all`)).body.count).toBeGreaterThanOrEqual(1);
    expect(errorOf(await target.get(`${feeds}/conformance-g`))).toEqual({
      status: 404,
      type: 'resource_not_found_exception',
      reason: 'No datafeed with id [conformance-g] exists',
    });
    expect((await target.get(`${feeds}/missing-*`)).body).toEqual({ count: 0, datafeeds: [] });
    expect((await target.get(`${feeds}/missing-*?allow_no_match=false`)).reason).toBe(
      'No datafeed with id [missing-*] exists',
    );
    expect((await target.get(`${feeds}/missing-*/_stats?allow_no_match=false`)).reason).toBe(
      'No datafeed with id [missing-*] exists',
    );
  });

  test('the stats of a datafeed that never ran contain its id, its state, the id of its job, and timing stats of 0', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    await target.put(`${feeds}/conformance-f`, { job_id: 'conformance-a', indices: ['conformance-data'] });

    expect(await statsOf(target, 'conformance-f')).toEqual({
      datafeed_id: 'conformance-f',
      state: 'stopped',
      timing_stats: {
        job_id: 'conformance-a',
        search_count: 0,
        bucket_count: 0,
        total_search_time_ms: 0,
        exponential_average_search_time_per_hour_ms: 0,
      },
    });
  });

  test('the stats of a running datafeed contain its node, an empty assignment explanation and its running state', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const id = await target.putDatafeed('conformance-a');
    await target.post(`${feeds}/${id}/_start`);

    const stats = await statsOf(target, id);

    expect(stats).toMatchObject({
      state: 'started',
      assignment_explanation: '',
      timing_stats: { job_id: 'conformance-a' },
      running_state: { real_time_configured: true },
    });
    expect(Object.keys(stats.node).sort()).toEqual([
      'attributes',
      'ephemeral_id',
      'id',
      'name',
      'transport_address',
    ]);
  });

  embedded('the stats of a datafeed in its lookback show the lookback and its progress', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          datafeed: {
            datafeedId: 'f',
            state: 'started',
            source: { every: '1m' },
            lookback: { from: '90d', rate: 1000 },
          },
        },
      ],
    });
    await target.clock.advance(hour);

    const running = await statsOf(target, 'f');
    await target.clock.advance(2 * hour);
    const done = await statsOf(target, 'f');

    expect(running.running_state).toMatchObject({ real_time_configured: true, real_time_running: false });
    expect(running.running_state.search_interval.end_ms).toBe(
      target.clock.now() - 3 * hour - 90 * 24 * hour + 1_000 * hour,
    );
    expect(done.running_state).toMatchObject({ real_time_configured: true, real_time_running: true });
  });
});

describe('starting a datafeed (elasticsearch.md §3.11)', () => {
  test('a request to start a datafeed returns the id of the node on which the datafeed runs', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const id = await target.putDatafeed('conformance-a');

    const { status, body } = await target.post(`${feeds}/${id}/_start?start=0`);

    expect(status).toBe(200);
    expect(body.started).toBe(true);
    expect(body.node).toBe((await statsOf(target, id)).node.id);
  });

  embedded(
    'a started datafeed reads the documents of its index, including documents that are indexed after the start',
    async () => {
      await using target = await startTarget();
      await target.openJob('a');
      const id = await target.putDatafeed('a');
      await target.post(`${feeds}/${id}/_start`);
      await target.clock.advance(5_000);
      const lookback = target.cluster.job('a')?.latestRecordTime;

      const later = target.clock.now() + 30 * 60_000;
      await target.put('/conformance-data-a/_doc/late', { time: later });
      await target.clock.advance(hour);

      expect(lookback).toBeGreaterThan(0);
      expect(target.cluster.job('a')?.latestRecordTime).toBe(later);
      expect((target.cluster.job('a')?.lastDataTime ?? 0) - later).toBeLessThan(10 * 60_000);
    },
  );

  test('a datafeed with an end stops by itself and closes its job', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const id = await target.putDatafeed('conformance-a');

    await target.post(`${feeds}/${id}/_start?start=0&end=now`);

    await expect
      .poll(
        async () => {
          await target.passTime(1_000);
          return [
            (await statsOf(target, id)).state,
            (await target.get('/_ml/anomaly_detectors/conformance-a/_stats')).body.jobs[0].state,
          ];
        },
        { timeout: 20_000 },
      )
      .toEqual(['stopped', 'closed']);
    const { data_counts: counts } = (await target.get('/_ml/anomaly_detectors/conformance-a/_stats')).body
      .jobs[0];
    expect(counts.processed_record_count).toBe(120);
  });

  test('a datafeed cannot be started if it is unknown or running, or if its job is closed', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    const id = await target.putDatafeed('conformance-a');

    expect((await target.post(`${feeds}/conformance-x/_start`)).reason).toBe(
      'No datafeed with id [conformance-x] exists',
    );
    expect(errorOf(await target.post(`${feeds}/${id}/_start`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: `cannot start datafeed [${id}] because job [conformance-a] is closed`,
    });
    await target.post('/_ml/anomaly_detectors/conformance-a/_open');
    await target.post(`${feeds}/${id}/_start`);
    expect(errorOf(await target.post(`${feeds}/${id}/_start`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: `cannot start datafeed [${id}] because it has already been started`,
    });
  });

  embedded.each(['closing', 'failed'] as const)(
    'a datafeed of a job that is %s cannot be started',
    async (state) => {
      await using target = await startTarget({
        jobs: [{ jobId: 'a', state, lastData: '1d', closeTakes: 'never', datafeed: { datafeedId: 'f' } }],
      });

      expect((await target.post(`${feeds}/f/_start`)).reason).toBe(
        `cannot start datafeed [f] because job [a] is ${state}`,
      );
    },
  );

  test('a datafeed cannot be started with an end before the start', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const id = await target.putDatafeed('conformance-a');

    const { status, reason } = await target.post(
      `${feeds}/${id}/_start?start=1403485200000&end=1403481600000`,
    );

    expect(status).toBe(400);
    expect(reason).toContain('start [1403485200000] must be earlier than end [1403481600000]');
  });

  embedded('a datafeed of an unknown index cannot be started', async () => {
    await using target = await startTarget();
    await target.openJob('a');
    await target.put(`${feeds}/f`, { job_id: 'a', indices: ['nothing'] });

    expect((await target.post(`${feeds}/f/_start`)).reason).toBe(
      'datafeed [f] cannot retrieve data because index [nothing] does not exist',
    );
  });

  embedded.each([
    ['9.2', 408, 'status_exception'],
    ['7.17', 500, 'illegal_state_exception'],
  ] as const)(
    'on %s, while a job is still opening, its datafeed stays starting, and the answer after the timeout is %d',
    async (stack, status, type) => {
      await using target = await startTarget({
        stack,
        jobs: [
          {
            jobId: 'a',
            state: 'opening',
            openTakes: '1m',
            datafeed: { datafeedId: 'f', source: { every: '1m' } },
          },
        ],
      });

      const reply = await target.post(`${feeds}/f/_start?timeout=20s`);

      expect(errorOf(reply)).toEqual({ status, type, reason: 'Starting datafeed [f] timed out after [20s]' });
      expect((await statsOf(target, 'f')).state).toBe('starting');
      await target.clock.advance(60_000);
      expect((await statsOf(target, 'f')).state).toBe('started');
    },
  );

  embedded('while a job waits for a node, its datafeed starts without a node', async () => {
    await using target = await startTarget({
      fleet: { nodes: [{ name: 'ml-0' }], settings: { 'xpack.ml.max_open_jobs': '1' } },
      jobs: [
        { jobId: 'first' },
        { jobId: 'a', state: 'closed', config: { allow_lazy_open: true }, datafeed: { datafeedId: 'f' } },
      ],
    });
    await target.post('/_ml/anomaly_detectors/a/_open');

    expect((await target.post(`${feeds}/f/_start`)).body).toEqual({ started: true, node: '' });
    expect((await statsOf(target, 'f')).state).toBe('starting');
    await target.post('/_ml/anomaly_detectors/first/_close');
    await target.clock.advance(60_000);
    expect((await statsOf(target, 'f')).state).toBe('started');
  });

  embedded('a datafeed cannot be started while assignment is disabled', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', datafeed: { datafeedId: 'f' } }] });
    target.cluster.setSetting('cluster.persistent_tasks.allocation.enable', 'none');

    expect((await target.post(`${feeds}/f/_start`)).reason).toContain(
      'no persistent task assignments are allowed due to cluster settings',
    );
  });
});

describe('stopping datafeeds (elasticsearch.md §3.11)', () => {
  test('stopping a datafeed leaves its job open, and a second request to stop the datafeed also succeeds', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const id = await target.putDatafeed('conformance-a');
    await target.post(`${feeds}/${id}/_start`);

    expect((await target.post(`${feeds}/${id}/_stop`)).body).toEqual({ stopped: true });
    expect((await target.post(`${feeds}/${id}/_stop`)).body).toEqual({ stopped: true });
    expect((await target.post(`${feeds}/${id}/_stop`, { force: true })).body).toEqual({ stopped: true });
    expect((await statsOf(target, id)).state).toBe('stopped');
    expect((await target.get('/_ml/anomaly_detectors/conformance-a/_stats')).body.jobs[0].state).toBe(
      'opened',
    );
  });

  test('a request to stop datafeeds fails for an unknown id, and for a pattern without a match only if allow_no_match=false', async () => {
    await using target = await startTarget();

    expect((await target.post(`${feeds}/conformance-*/_stop`)).body).toEqual({ stopped: true });
    expect((await target.post(`${feeds}/conformance-x/_stop`)).reason).toBe(
      'No datafeed with id [conformance-x] exists',
    );
    expect((await target.post(`${feeds}/conformance-*/_stop?allow_no_match=false`)).status).toBe(404);
  });

  test('a request to stop datafeeds is refused if it has query parameters in addition to a body', async () => {
    await using target = await startTarget();

    expect((await target.post(`${feeds}/conformance-*/_stop?force=true`, {})).reason).toBe(
      `request [${feeds}/conformance-*/_stop] contains unrecognized parameter: [force]`,
    );
  });

  embedded('a datafeed with an end closes its job when it is stopped', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          lastData: '1m',
          datafeed: {
            datafeedId: 'f',
            state: 'started',
            source: { every: '1m' },
            lookback: { from: '90d', end: '10d' },
          },
        },
      ],
    });

    await target.post(`${feeds}/f/_stop`);
    await target.clock.advance(60 * 60_000);

    expect(target.cluster.job('a')).toMatchObject({ state: 'closed', closedCleanly: true });
  });

  embedded('a datafeed with max_empty_searches stops by itself and closes its job', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          lastData: '1m',
          bucketSpan: '5m',
          datafeed: {
            datafeedId: 'f',
            state: 'started',
            source: { every: '30s' },
            config: { max_empty_searches: 10 },
          },
        },
      ],
    });
    await target.clock.advance(hour);
    expect(target.state('a')).toBe('opened');
    target.cluster.setSource('a', { every: 30_000, until: target.clock.now() });

    await target.clock.advance(hour);

    expect(target.cluster.job('a')).toMatchObject({ state: 'closed', datafeed: { state: 'stopped' } });
  });
});

describe('deleting a datafeed (elasticsearch.md §3.11)', () => {
  test('deleting a running datafeed is refused unless force=true', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const id = await target.putDatafeed('conformance-a');
    await target.post(`${feeds}/${id}/_start`);

    expect(errorOf(await target.delete(`${feeds}/${id}`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: `Cannot delete datafeed [${id}] while its status is started`,
    });
    expect((await target.delete(`${feeds}/${id}?force=true`)).body).toEqual({ acknowledged: true });
    expect((await target.get(`${feeds}/${id}`)).status).toBe(404);
  });
});
