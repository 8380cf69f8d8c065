/** docs/elasticsearch.md §3.4, §3.5, §3.6, §3.13, and other requests about the whole cluster. */
import { describe, expect, test } from 'vitest';
import { embedded, errorOf, startTarget } from '../../../support/elasticsearch.ts';

describe('the root endpoint /', () => {
  test('GET / returns the name and the version of the cluster', async () => {
    await using target = await startTarget();

    const { body, headers } = await target.get('/');

    expect(body.tagline).toBe('You Know, for Search');
    expect(body.version.number).toMatch(/^\d+\.\d+\.\d+/);
    expect(body.cluster_uuid).toMatch(/^[\w-]{22}$/);
    expect(headers.get('x-elastic-product')).toBe('Elasticsearch');
  });

  test('HEAD / is answered with 200 and no body', async () => {
    await using target = await startTarget();

    const { status, text } = await target.request('HEAD', '/');

    expect({ status, text }).toEqual({ status: 200, text: '' });
  });
});

describe('the endpoint _ml/info (elasticsearch.md §3.4)', () => {
  test('_ml/info returns defaults, limits and the upgrade mode', async () => {
    await using target = await startTarget();

    const { body } = await target.get('/_ml/info');

    expect(body).toMatchObject({
      defaults: {
        anomaly_detectors: {
          categorization_analyzer: { tokenizer: 'ml_standard', char_filter: ['first_line_with_letters'] },
          categorization_examples_limit: 4,
          model_snapshot_retention_days: 10,
          daily_model_snapshot_retention_after_days: 1,
        },
        datafeeds: { scroll_size: 1000 },
      },
      upgrade_mode: false,
    });
    expect(body.limits.effective_max_model_memory_limit).toMatch(/^\d+mb$/);
    expect(body.limits.total_ml_memory).toMatch(/^\d+mb$/);
    expect(body.native_code.version).toMatch(/^\d+/);
  });

  embedded(
    'if a maximum memory limit is set, _ml/info returns it, and the default memory limit does not exceed it',
    async () => {
      await using target = await startTarget();
      expect((await target.get('/_ml/info')).body.limits).not.toHaveProperty('max_model_memory_limit');

      target.cluster.setSetting('xpack.ml.max_model_memory_limit', '512mb');

      const { body } = await target.get('/_ml/info');
      expect(body.limits).toMatchObject({
        max_model_memory_limit: '512mb',
        effective_max_model_memory_limit: '512mb',
      });
      expect(body.defaults.anomaly_detectors.model_memory_limit).toBe('512mb');
    },
  );

  embedded('_ml/info returns processors from version 8 on', async () => {
    await using newer = await startTarget({ stack: '8.19' });
    await using older = await startTarget({ stack: '7.17' });

    expect((await newer.get('/_ml/info')).body.limits).toMatchObject({
      max_single_ml_node_processors: 16,
      total_ml_processors: 48,
    });
    expect((await older.get('/_ml/info')).body.limits).not.toHaveProperty('total_ml_processors');
  });
});

describe('memory stats of the nodes (elasticsearch.md §3.5)', () => {
  test('memory stats contain the memory of each node in bytes', async () => {
    await using target = await startTarget();

    const { body } = await target.get('/_ml/memory/_stats');

    expect(body._nodes.failed).toBe(0);
    const [node] = Object.values(body.nodes) as Record<string, Record<string, unknown>>[];
    expect(Object.keys(node?.mem ?? {}).sort()).toEqual(['adjusted_total_in_bytes', 'ml', 'total_in_bytes']);
    expect(node?.mem?.ml).toMatchObject({ data_frame_analytics_in_bytes: 0 });
  });

  embedded(
    'memory stats count open jobs, add readable sizes on request, and can be read for one node',
    async () => {
      await using target = await startTarget({
        jobs: [{ jobId: 'a', node: 'ml-1', lastData: '1h', modelBytes: '100mb' }],
      });

      const one = (await target.get('/_ml/memory/ml-1/_stats?human=true')).body;
      const none = (await target.get('/_ml/memory/nothing/_stats')).body;

      const [node] = Object.values(one.nodes) as {
        name: string;
        mem: { total: string; ml: Record<string, unknown> };
      }[];
      expect(one._nodes.total).toBe(1);
      expect(node?.mem.total).toBe('64gb');
      expect(node?.mem.ml).toMatchObject({
        anomaly_detectors_in_bytes: 110 * 2 ** 20,
        anomaly_detectors: '110mb',
      });
      expect(none._nodes.total).toBe(0);
    },
  );
});

describe('upgrade mode (elasticsearch.md §3.6)', () => {
  test('upgrade mode can be turned on and off, and is shown in _ml/info', async () => {
    await using target = await startTarget();

    expect((await target.post('/_ml/set_upgrade_mode?enabled=true&timeout=30s')).body).toEqual({
      acknowledged: true,
    });
    expect((await target.post('/_ml/set_upgrade_mode?enabled=true')).body).toEqual({ acknowledged: true });
    expect((await target.get('/_ml/info')).body.upgrade_mode).toBe(true);
    expect((await target.post('/_ml/set_upgrade_mode?enabled=false')).body).toEqual({ acknowledged: true });
    expect((await target.get('/_ml/info')).body.upgrade_mode).toBe(false);
  });

  embedded(
    'upgrade mode removes jobs and datafeeds from their nodes, and they return afterwards',
    async () => {
      await using target = await startTarget({
        jobs: [
          {
            jobId: 'a',
            lastData: '1m',
            datafeed: { datafeedId: 'f', state: 'started', source: { every: '30s' } },
          },
        ],
      });
      const job = async () => (await target.get('/_ml/anomaly_detectors/a/_stats')).body.jobs[0];
      const feed = async () => (await target.get('/_ml/datafeeds/f/_stats')).body.datafeeds[0];
      const explanation = 'persistent task cannot be assigned while upgrade mode is enabled.';

      await target.post('/_ml/set_upgrade_mode?enabled=true');
      const records = (await job()).data_counts.processed_record_count;
      await target.clock.advance(3_600_000);

      expect(await job()).toMatchObject({ state: 'opened', assignment_explanation: explanation });
      expect(await feed()).toMatchObject({ state: 'started', assignment_explanation: explanation });
      expect(await feed()).not.toHaveProperty('node');
      expect((await job()).data_counts.processed_record_count).toBe(records);
      expect((await target.post('/_ml/datafeeds/f/_start')).status).toBe(429);

      await target.post('/_ml/set_upgrade_mode?enabled=false');
      await target.clock.advance(3_600_000);

      expect((await job()).node).toBeDefined();
      expect((await feed()).node).toBeDefined();
      expect((await job()).data_counts.processed_record_count).toBeGreaterThan(records);
    },
  );
});

describe('closes and lookbacks during upgrade mode (elasticsearch.md §3.6)', () => {
  embedded('upgrade mode ends a close in progress with an error', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', closeTakes: '10m' }] });
    target.clock.at(target.clock.now() + 60_000, () => target.cluster.setUpgradeMode(true));

    const { status } = await target.post('/_ml/anomaly_detectors/a/_close');
    await target.post('/_ml/set_upgrade_mode?enabled=false');
    await target.clock.advance(60_000);

    expect(status).toBe(409);
    expect(target.cluster.job('a')).toMatchObject({ state: 'closed', closedCleanly: false });
  });

  embedded('after upgrade mode, a lookback continues where it stopped', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          lastData: '1m',
          latestRecord: '90d',
          datafeed: {
            state: 'started',
            source: { every: '1m' },
            lookback: { from: '90d', end: '10d', rate: 100 },
          },
        },
      ],
    });
    await target.clock.advance(3_600_000);
    await target.post('/_ml/set_upgrade_mode?enabled=true');
    await target.clock.advance(10 * 3_600_000);
    await target.post('/_ml/set_upgrade_mode?enabled=false');
    await target.clock.advance(3_600_000);

    const { data_counts: counts } = (await target.get('/_ml/anomaly_detectors/a/_stats')).body.jobs[0];
    const start = target.clock.now() - 12 * 3_600_000;
    // the datafeed read one or two hours twice, because the job reverted to its snapshot when it moved
    expect(counts.latest_record_timestamp).toBeLessThan(start - 90 * 86_400_000 + 101 * 3_600_000);
    expect(counts.latest_record_timestamp).toBeGreaterThan(start - 90 * 86_400_000 + 98 * 3_600_000);
  });
});

describe('the tables of _cat (elasticsearch.md §3.13)', () => {
  const listing = '/_cat/ml/anomaly_detectors';

  test('_cat lists jobs as a table', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    await target.openJob('conformance-b');

    const { text, headers } = await target.get(`${listing}/conformance-*?h=id,s`);

    expect(headers.get('content-type')).toContain('text/plain');
    expect(text).toBe('conformance-a closed\nconformance-b opened\n');
  });

  test('the _cat table of jobs has the documented default columns', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const { text } = await target.get(`${listing}/conformance-a?v=true`);

    expect(text.split('\n')[0]?.trim().split(/\s+/)).toEqual([
      'id',
      'state',
      'data.processed_records',
      'model.bytes',
      'model.memory_status',
      'forecasts.total',
      'buckets.count',
    ]);
    expect(text.split('\n')[1]?.trim().split(/\s+/)).toEqual([
      'conformance-a',
      'closed',
      '0',
      '0b',
      'ok',
      '0',
      '0',
    ]);
  });

  test('_cat returns every value as a string or null if the client requests JSON', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const { body } = await target.get(`${listing}/conformance-a?format=json&h=id,state,dpr,dl,node.name`);

    expect(body).toEqual([{ id: 'conformance-a', state: 'closed', dpr: '0', dl: null, 'node.name': null }]);
  });

  test('_cat sorts rows in descending order of a column if the client requests `:desc`', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    await target.openJob('conformance-b');

    const { text } = await target.get(`${listing}/conformance-*?h=id&s=state:desc`);

    expect(text).toBe('conformance-b\nconformance-a\n');
  });

  embedded('_cat uses the requested units', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', lastData: '1h', modelBytes: 3 * 2 ** 20 }],
    });

    expect((await target.get(`${listing}?h=mb`)).text.trim()).toBe('3mb');
    expect((await target.get(`${listing}?h=mb&bytes=kb`)).text.trim()).toBe('3072');
  });

  test('_cat lists the columns of a table if the client requests `help`', async () => {
    await using target = await startTarget();

    const { text } = await target.get(`${listing}?help=true`);

    for (const column of [
      'data.last',
      'model.categorization_status',
      'forecasts.time.avg',
      'buckets.time.exp_avg_hour',
    ])
      expect(text).toMatch(new RegExp(`^${column.replaceAll('.', '\\.')} +\\|`, 'm'));
  });

  test('_cat refuses an unknown id with an error that names the id, and returns an empty table for a pattern without a match', async () => {
    await using target = await startTarget();

    expect((await target.get(`${listing}/conformance-x`)).reason).toBe(
      "No known job with id 'conformance-x'",
    );
    expect((await target.get('/_cat/ml/datafeeds/conformance-x')).reason).toBe(
      'No datafeed with id [conformance-x] exists',
    );
    expect((await target.get(`${listing}/conformance-x*`)).text).toBe('');
  });

  test('_cat lists datafeeds as a table', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    await target.put('/_ml/datafeeds/conformance-f', {
      job_id: 'conformance-a',
      indices: ['conformance-data'],
    });

    const { text } = await target.get('/_cat/ml/datafeeds/conformance-f?v');

    expect(text.split('\n').map((line) => line.trim().split(/\s+/))).toEqual([
      ['id', 'state', 'buckets.count', 'search.count'],
      ['conformance-f', 'stopped', '0', '0'],
      [''],
    ]);
  });
});

describe('cluster settings', () => {
  test('cluster settings can be set, read nested or flat, and removed', async () => {
    await using target = await startTarget();
    const name = 'xpack.ml.node_concurrent_job_allocations';

    const put = await target.put('/_cluster/settings', { persistent: { [name]: 5 } });
    expect(put.body).toEqual({
      acknowledged: true,
      persistent: { xpack: { ml: { node_concurrent_job_allocations: '5' } } },
      transient: {},
    });
    expect((await target.get('/_cluster/settings?flat_settings=true')).body.persistent[name]).toBe('5');
    await target.put('/_cluster/settings', { persistent: { [name]: null } });
    const { body } = await target.get('/_cluster/settings?flat_settings=true&include_defaults=true');
    expect(body.persistent).not.toHaveProperty([name]);
    expect(body.defaults[name]).toBe('2');
  });

  test('a cluster setting of machine learning with an unknown name is refused with 400', async () => {
    await using target = await startTarget();

    const reply = await target.put('/_cluster/settings', { persistent: { 'xpack.ml.nonsense': 1 } });

    expect(errorOf(reply)).toEqual({
      status: 400,
      type: 'illegal_argument_exception',
      reason: 'persistent setting [xpack.ml.nonsense], not recognized',
    });
  });

  embedded(
    "the server's own idle closer exists only in version 9, and closes jobs by event time each night",
    async () => {
      const name = 'xpack.ml.idle_job_auto_close_timeout';
      await using older = await startTarget({ stack: '8.19' });
      expect((await older.put('/_cluster/settings', { persistent: { [name]: '24h' } })).status).toBe(400);

      await using target = await startTarget({
        jobs: [
          { jobId: 'idle', lastData: '3d', datafeed: { state: 'stopped' } },
          { jobId: 'no-datafeed', lastData: '3d' },
          { jobId: 'never-fed', datafeed: { state: 'stopped' } },
          { jobId: 'running', lastData: '3d', datafeed: { state: 'started' } },
          { jobId: 'fresh', lastData: '1m', datafeed: { state: 'stopped' } },
        ],
      });
      await target.clock.advance(24 * 3_600_000);
      expect(target.state('idle')).toBe('opened');
      await target.put('/_cluster/settings', { persistent: { [name]: '48h' } });
      await target.clock.advance(24 * 3_600_000);

      expect(
        target.cluster
          .jobs()
          .filter(({ state }) => state === 'closed')
          .map(({ jobId }) => jobId),
      ).toEqual(['idle']);
      expect(target.cluster.job('idle')?.closedCleanly).toBe(true);
    },
  );
});
