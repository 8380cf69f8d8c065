/** docs/elasticsearch.md §1.3 and §3.2: the job stats in each situation, and the meaning of their times. */
import { describe, expect, test } from 'vitest';
import { embedded, startTarget, type Target } from '../../../support/elasticsearch.ts';

const hour = 3_600_000;

const stats = async (target: Target, id: string, query = '') =>
  (await target.get(`/_ml/anomaly_detectors/${id}/_stats${query}`)).body.jobs[0];

describe('job stats in each situation of a job (elasticsearch.md §1.3)', () => {
  const live = ['state', 'node', 'open_time', 'assignment_explanation'];
  const shown = (job: object) => live.filter((field) => field in job);

  test('the stats of a closed job that never ran contain its state and zero counts, but no node and no open time', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const job = await stats(target, 'conformance-a');

    expect(shown(job)).toEqual(['state']);
    expect(job).toMatchObject({
      job_id: 'conformance-a',
      state: 'closed',
      data_counts: {
        job_id: 'conformance-a',
        processed_record_count: 0,
        input_record_count: 0,
        bucket_count: 0,
      },
      forecasts_stats: { total: 0, forecasted_jobs: 0 },
      model_size_stats: { job_id: 'conformance-a', result_type: 'model_size_stats', memory_status: 'ok' },
      timing_stats: { job_id: 'conformance-a', bucket_count: 0, total_bucket_processing_time_ms: 0 },
    });
  });

  embedded(
    'a job with a process stays opening if the write of its state was lost (elastic/elasticsearch#126148)',
    async () => {
      await using target = await startTarget({
        jobs: ['a', 'b', 'c'].map((jobId) => ({
          jobId,
          state: 'opening',
          openTakes: 'lost',
          openedAt: '3h',
          node: 'ml-1',
        })),
      });
      const job = await stats(target, 'a');
      expect(shown(job)).toEqual(['state', 'node', 'open_time', 'assignment_explanation']);
      expect(job).toMatchObject({ state: 'opening', open_time: '10800s' });
      // two jobs use both opening slots of the node, so the third waits until one of them is closed
      expect(shown(await stats(target, 'c'))).not.toContain('open_time');
      await target.post('/_ml/anomaly_detectors/a/_close');
      expect(await stats(target, 'a')).toMatchObject({ state: 'closed' });
      expect(await stats(target, 'c')).toMatchObject({ state: 'opening', open_time: '0s' });
    },
  );

  test('the stats of a running job contain its state, node, open time and assignment explanation', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');

    const job = await stats(target, 'conformance-a');

    expect(shown(job)).toEqual(live);
    expect(job).toMatchObject({ state: 'opened', assignment_explanation: '' });
    expect(job.open_time).toMatch(/^\d+s$/);
    expect(Object.keys(job.node).sort()).toEqual([
      'attributes',
      'ephemeral_id',
      'id',
      'name',
      'transport_address',
    ]);
  });

  embedded.each([
    ['waits for a node', { state: 'opening', node: null }, 'opening', ['state', 'assignment_explanation']],
    [
      'is assigned, but has no process yet',
      { state: 'opening', openTakes: '1h' },
      'opening',
      ['state', 'assignment_explanation'],
    ],
    [
      'is closing and still has its process',
      { state: 'closing', lastData: '3d', closeTakes: 'never' },
      'closing',
      live,
    ],
    [
      'is closing and no longer has its process',
      { state: 'closing', node: null },
      'closing',
      ['state', 'assignment_explanation'],
    ],
    ['is failed', { state: 'failed' }, 'failed', ['state', 'assignment_explanation']],
    ['is between nodes', { state: 'opened', node: null }, 'opened', ['state', 'assignment_explanation']],
  ] as const)(
    'the stats of a job that %s have the documented fields',
    async (_what, description, state, fields) => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', ...description }] });

      const job = await stats(target, 'a');

      expect(job.state).toBe(state);
      expect(shown(job)).toEqual(fields);
    },
  );

  embedded('the stats of a job that waits for a node say why it waits', async () => {
    await using target = await startTarget({
      fleet: { nodes: [{ name: 'small', memory: '1gb' }] },
      jobs: [],
    });
    await target.putJob('a', { allow_lazy_open: true, analysis_limits: { model_memory_limit: '4gb' } });

    const opened = await target.post('/_ml/anomaly_detectors/a/_open');

    expect(opened.body).toEqual({ opened: true, node: '' });
    expect((await stats(target, 'a')).assignment_explanation).toBe(
      'persistent task is awaiting node assignment.',
    );
  });

  embedded('a job in upgrade mode is opened, without a node and with the explanation', async () => {
    await using target = await startTarget({ fleet: { upgradeMode: true }, jobs: [{ jobId: 'a' }] });

    const job = await stats(target, 'a');

    expect(shown(job)).toEqual(['state', 'assignment_explanation']);
    expect(job).toMatchObject({
      state: 'opened',
      assignment_explanation: 'persistent task cannot be assigned while upgrade mode is enabled.',
    });
  });

  embedded('a job that is being deleted is not listed', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', state: 'closed', blocked: 'delete' }, { jobId: 'b' }],
    });

    const { body } = await target.get('/_ml/anomaly_detectors/_stats');

    expect(body.jobs.map(({ job_id }: { job_id: string }) => job_id)).toEqual(['b']);
    expect((await target.get('/_ml/anomaly_detectors/a/_stats')).reason).toBe("No known job with id 'a'");
  });

  embedded('open_time is a duration that restarts on another node', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', node: 'ml-0', openedAt: '2d' }] });
    expect((await stats(target, 'a')).open_time).toBe('172800s');

    target.cluster.crashNode('ml-0');
    expect(await stats(target, 'a')).not.toHaveProperty('open_time');
    await target.clock.advance(60_000);

    const moved = await stats(target, 'a');
    expect(Number.parseInt(moved.open_time, 10)).toBeLessThan(60);
    expect(moved.node.name).not.toBe('ml-0');
    expect(moved.state).toBe('opened');
  });
});

describe('a list of job stats (elasticsearch.md §3.2)', () => {
  test('a list of job stats is sorted by job id and contains the number of jobs', async () => {
    await using target = await startTarget();
    for (const id of ['conformance-b', 'conformance-a', 'conformance-a.1', 'conformance-a_1'])
      await target.putJob(id);

    const { body } = await target.get('/_ml/anomaly_detectors/conformance-*/_stats');

    expect(body.count).toBe(4);
    expect(body.jobs.map(({ job_id }: { job_id: string }) => job_id)).toEqual([
      'conformance-a',
      'conformance-a.1',
      'conformance-a_1',
      'conformance-b',
    ]);
  });

  test('a request for job stats without a job id returns all jobs', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const ids = (body: { jobs: { job_id: string }[] }) => body.jobs.map(({ job_id }) => job_id);

    expect(ids((await target.get('/_ml/anomaly_detectors/_stats')).body)).toContain('conformance-a');
    expect(ids((await target.get('/_ml/anomaly_detectors/_all/_stats')).body)).toContain('conformance-a');
  });

  test('a request for job stats is answered with 404 for an unknown id, and with an empty list for a pattern without a match', async () => {
    await using target = await startTarget();

    const unknown = await target.get('/_ml/anomaly_detectors/conformance-x/_stats');
    expect({ status: unknown.status, reason: unknown.reason }).toEqual({
      status: 404,
      reason: "No known job with id 'conformance-x'",
    });
    expect((await target.get('/_ml/anomaly_detectors/conformance-x*/_stats')).body).toEqual({
      count: 0,
      jobs: [],
    });
    expect(
      (await target.get('/_ml/anomaly_detectors/conformance-x*/_stats?allow_no_match=false')).status,
    ).toBe(404);
  });

  embedded('at most ten thousand jobs are listed, without a hint that there are more', async () => {
    await using target = await startTarget({
      jobs: Array.from({ length: 10_003 }, (_, index) => ({ jobId: `job-${index}`, state: 'closed' })),
    });

    const { body } = await target.get('/_ml/anomaly_detectors/_stats?filter_path=count,jobs.job_id');

    expect(body.count).toBe(10_000);
    expect(body.jobs).toHaveLength(10_000);
  });

  test('human=true adds readable timestamps to job stats', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    await target.post('/_ml/anomaly_detectors/conformance-a/_data', '{"time":1403481600000}');

    const job = await stats(target, 'conformance-a', '?human=true');

    expect(job.data_counts.latest_record_timestamp).toBe(1_403_481_600_000);
    expect(job.data_counts.latest_record_timestamp_string).toBe('2014-06-23T00:00:00.000Z');
    expect(job.data_counts.last_data_time_string).toMatch(/^\d{4}-\d\d-\d\dT/);
  });
});

describe('the fields that show when a job last got data (elasticsearch.md §3.2)', () => {
  test('the stats of a job that never got data contain no times of data', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');

    const { data_counts: counts, timing_stats: timing } = await stats(target, 'conformance-a');

    for (const field of [
      'earliest_record_timestamp',
      'latest_record_timestamp',
      'last_data_time',
      'latest_empty_bucket_timestamp',
    ])
      expect(counts).not.toHaveProperty(field);
    expect(Object.keys(timing).sort()).toEqual([
      'bucket_count',
      'exponential_average_bucket_processing_time_per_hour_ms',
      'job_id',
      'total_bucket_processing_time_ms',
    ]);
  });

  test('last_data_time is wall-clock time, and the record timestamps are event time', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const { status } = await target.post(
      '/_ml/anomaly_detectors/conformance-a/_data',
      '{"time":1403481600000}\n{"time":1403485200000}',
    );

    const { data_counts: counts } = await stats(target, 'conformance-a');

    expect(status).toBe(202);
    expect(counts).toMatchObject({
      earliest_record_timestamp: 1_403_481_600_000,
      latest_record_timestamp: 1_403_485_200_000,
      processed_record_count: 2,
    });
    expect(counts.last_data_time).toBeGreaterThan(1_700_000_000_000);
  });

  test('last_data_time advances even if every record is refused', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    await target.post('/_ml/anomaly_detectors/conformance-a/_data', '{"time":"no date"}');

    const { data_counts: counts } = await stats(target, 'conformance-a');

    expect(counts).toMatchObject({ invalid_date_count: 1, processed_record_count: 0 });
    expect(counts).toHaveProperty('last_data_time');
    expect(counts).not.toHaveProperty('latest_record_timestamp');
  });

  embedded('a datafeed that finds nothing does not change last_data_time', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          lastData: '3h',
          datafeed: { state: 'started', source: { every: '30s', until: '3h' } },
        },
      ],
    });
    const before = (await stats(target, 'a')).data_counts.last_data_time;

    await target.clock.advance(5 * hour);

    expect((await stats(target, 'a')).data_counts.last_data_time).toBe(before);
  });

  embedded('a datafeed that finds data advances last_data_time with each search', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          lastData: '1m',
          bucketSpan: '15m',
          datafeed: { state: 'started', source: { every: '30s' } },
        },
      ],
    });
    const before = (await stats(target, 'a')).data_counts;

    await target.clock.advance(24 * hour);

    const { data_counts: after } = await stats(target, 'a');
    expect(after.processed_record_count - before.processed_record_count).toBeGreaterThan(2_800);
    expect(after.bucket_count - before.bucket_count).toBeGreaterThanOrEqual(95);
    // a search runs every half bucket span (450 s) and reads the data that is older than the query delay
    expect(target.clock.now() - after.last_data_time).toBeLessThan(450_000);
    expect(target.clock.now() - after.latest_record_timestamp).toBeLessThan(450_000 + 90_000 + 30_000);
  });

  embedded(
    'when the source has no more data, last_data_time stays at the last search that found data',
    async () => {
      await using target = await startTarget({
        jobs: [{ jobId: 'a', lastData: '1m', datafeed: { state: 'started', source: { every: '30s' } } }],
      });
      await target.clock.advance(hour);
      const dryAt = target.clock.now();
      target.cluster.setSource('a', { every: 30_000, until: dryAt });

      await target.clock.advance(48 * hour);

      const { data_counts: counts } = await stats(target, 'a');
      expect(counts.latest_record_timestamp).toBeLessThan(dryAt);
      expect(counts.last_data_time - dryAt).toBeLessThan(10 * 60_000);
    },
  );

  embedded('a backfill has old event times and a recent last_data_time', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          lastData: '1m',
          latestRecord: '300d',
          datafeed: {
            state: 'started',
            source: { every: '1m' },
            lookback: { from: '300d', end: '10d', rate: 100 },
          },
        },
      ],
    });
    await target.clock.advance(hour);

    const { data_counts: counts } = await stats(target, 'a');

    expect(target.clock.now() - counts.last_data_time).toBeLessThan(1_000);
    expect(target.clock.now() - counts.latest_record_timestamp).toBeGreaterThan(200 * 24 * hour);
  });

  test('a job that was opened again keeps its earlier last_data_time', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    await target.post('/_ml/anomaly_detectors/conformance-a/_data', '{"time":1403481600000}');
    const before = (await stats(target, 'conformance-a')).data_counts.last_data_time;
    await target.post('/_ml/anomaly_detectors/conformance-a/_close');
    const closed = await stats(target, 'conformance-a');
    await target.post('/_ml/anomaly_detectors/conformance-a/_open');
    const reopened = await stats(target, 'conformance-a');

    expect(closed.data_counts).toMatchObject({ processed_record_count: 1, last_data_time: before });
    expect(reopened.data_counts).toMatchObject({ processed_record_count: 1, last_data_time: before });
  });

  embedded(
    'a job that moves with a running datafeed reverts its event time to the snapshot and keeps last_data_time',
    async () => {
      await using target = await startTarget({
        jobs: [
          {
            jobId: 'a',
            node: 'ml-0',
            lastData: '1m',
            datafeed: { state: 'started', source: { every: '30s' } },
          },
        ],
      });
      const snapshotAt = (await stats(target, 'a')).data_counts.latest_record_timestamp;
      await target.clock.advance(6 * hour);
      const before = (await stats(target, 'a')).data_counts;

      target.cluster.crashNode('ml-0');
      await target.clock.advance(2_100);

      const { data_counts: after } = await stats(target, 'a');
      expect(before.latest_record_timestamp - snapshotAt).toBeGreaterThan(5 * hour);
      expect(after.latest_record_timestamp).toBe(snapshotAt);
      expect(after.last_data_time).toBe(before.last_data_time);
    },
  );

  embedded('a job that moves without a snapshot shows no data at all', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          node: 'ml-0',
          openedAt: '1h',
          datafeed: { state: 'started', source: { every: '30s' } },
        },
      ],
    });
    await target.clock.advance(hour);
    expect((await stats(target, 'a')).data_counts).toHaveProperty('last_data_time');

    target.cluster.crashNode('ml-0');
    await target.clock.advance(2_100);

    expect((await stats(target, 'a')).data_counts).not.toHaveProperty('last_data_time');
  });

  embedded('a job that moves without a datafeed keeps its counts', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', node: 'ml-0', lastData: '3d' }] });
    const before = (await stats(target, 'a')).data_counts;

    target.cluster.crashNode('ml-0');
    await target.clock.advance(60_000);

    expect((await stats(target, 'a')).data_counts).toEqual(before);
  });

  test('empty buckets of a job are counted when data for a later bucket arrives', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const quarter = 900_000;
    const lines = [0, 1, 5].map((bucket) => `{"time":${1_403_481_600_000 + bucket * quarter}}`).join('\n');
    await target.post('/_ml/anomaly_detectors/conformance-a/_data', lines);

    const { data_counts: counts } = await stats(target, 'conformance-a');

    expect(counts).toMatchObject({
      bucket_count: 5,
      empty_bucket_count: 3,
      latest_empty_bucket_timestamp: 1_403_481_600_000 + 4 * quarter,
    });
  });
});

describe('model and timing in job stats (elasticsearch.md §3.2)', () => {
  embedded('a model grows with its data up to its limit', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          openedAt: '1h',
          memoryLimit: '1mb',
          datafeed: { state: 'started', source: { every: '1s' }, lookback: { from: '30d', rate: 100_000 } },
        },
      ],
    });
    const sizes = [];
    for (let step = 0; step < 3; step++) {
      await target.clock.advance(step === 0 ? 200 : 3_600_000);
      sizes.push((await stats(target, 'a')).model_size_stats);
    }

    expect(sizes[0].model_bytes).toBeGreaterThan(40_000);
    expect(sizes[0]).toMatchObject({ memory_status: 'ok', model_bytes_memory_limit: 2 ** 20 });
    expect(sizes[2]).toMatchObject({ model_bytes: 2 ** 20, memory_status: 'hard_limit' });
    expect(sizes[2].model_bytes_exceeded).toBeGreaterThan(0);
    expect(sizes[2].total_by_field_count).toBeGreaterThan(sizes[0].total_by_field_count);
  });

  embedded('bucket times appear after the first bucket and are consistent', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '1h', modelBytes: '64mb' }] });

    const { timing_stats: timing, data_counts: counts } = await stats(target, 'a');

    expect(timing.bucket_count).toBe(counts.bucket_count);
    expect(timing.average_bucket_processing_time_ms * timing.bucket_count).toBeCloseTo(
      timing.total_bucket_processing_time_ms,
    );
    expect(timing.minimum_bucket_processing_time_ms).toBeLessThan(timing.average_bucket_processing_time_ms);
    expect(timing.maximum_bucket_processing_time_ms).toBeGreaterThan(
      timing.average_bucket_processing_time_ms,
    );
  });
});

describe('forecasts in job stats (elasticsearch.md §3.2)', () => {
  embedded('forecasts are counted by state while they run and afterwards', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '1h' }] });
    await target.post('/_ml/anomaly_detectors/a/_forecast?duration=3d');

    const running = (await stats(target, 'a')).forecasts_stats;
    await target.clock.advance(600_000);
    const finished = (await stats(target, 'a')).forecasts_stats;

    expect(running).toMatchObject({ total: 1, forecasted_jobs: 1, status: { scheduled: 1 } });
    expect(finished).toMatchObject({ total: 1, status: { finished: 1 } });
    expect(Object.keys(finished.memory_bytes)).toEqual(['total', 'min', 'avg', 'max']);
  });

  embedded('forecasts stay started after a forced close until the job is opened again', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '1h', forecast: 'started' }] });
    await target.post('/_ml/anomaly_detectors/a/_close?force=true');

    expect((await stats(target, 'a')).forecasts_stats.status).toEqual({ started: 1 });
    await target.post('/_ml/anomaly_detectors/a/_open');
    expect((await stats(target, 'a')).forecasts_stats.status).toEqual({ failed: 1 });
  });
});

describe('filter_path (elasticsearch.md §3)', () => {
  test.each([
    ['count', { count: 1 }],
    ['jobs.job_id', { jobs: [{ job_id: 'conformance-a' }] }],
    ['jobs.*_id,count', { count: 1, jobs: [{ job_id: 'conformance-a' }] }],
    ['**.total', { jobs: [{ forecasts_stats: { total: 0 } }] }],
    [
      'jobs.forecasts_stats,-jobs.forecasts_stats.total',
      { jobs: [{ forecasts_stats: { forecasted_jobs: 0 } }] },
    ],
    ['nothing.here', {}],
  ])('filter_path=%s returns only the fields that match', async (path, expected) => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const { body } = await target.get(`/_ml/anomaly_detectors/conformance-a/_stats?filter_path=${path}`);

    expect(body).toEqual(expected);
  });

  test('filter_path also filters the body of an error', async () => {
    await using target = await startTarget();

    const reply = await target.get('/_ml/anomaly_detectors/conformance-x/_stats?filter_path=jobs.job_id');

    expect({ status: reply.status, body: reply.body }).toEqual({ status: 404, body: {} });
  });
});
