/** Tests requests about things other than jobs and datafeeds: indices, documents, results, tasks, cluster settings. */

import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { embedded, startTarget } from '../../../support/elasticsearch.ts';

const jobs = '/_ml/anomaly_detectors';

describe('plain indices', () => {
  test('plain indices can be created, filled, counted, searched and deleted', async () => {
    await using target = await startTarget();
    const index = '/conformance-plain';

    const made = await target.put(index, { mappings: { properties: { time: { type: 'date' } } } });
    expect(made.body).toEqual({ acknowledged: true, shards_acknowledged: true, index: 'conformance-plain' });
    const first = await target.put(`${index}/_doc/1?refresh=true`, { time: 1, kind: 'a' });
    const again = await target.put(`${index}/_doc/1?refresh=true`, { time: 2, kind: 'a' });
    const created = await target.post(`${index}/_doc?refresh=true`, { time: 5, kind: 'b' });
    expect([first.status, first.body.result, again.status, again.body.result, created.status]).toEqual([
      201,
      'created',
      200,
      'updated',
      201,
    ]);
    expect((await target.get(`${index}/_doc/1`)).body).toMatchObject({ found: true, _source: { time: 2 } });
    expect((await target.get(`${index}/_doc/2`)).status).toBe(404);
    expect((await target.get(`${index}/_count`)).body.count).toBe(2);
    const found = await target.post(`${index}/_search`, { query: { range: { time: { gte: 3 } } } });
    expect(found.body.hits).toMatchObject({ total: { value: 1, relation: 'eq' } });
    expect(found.body.hits.hits[0]._source).toEqual({ time: 5, kind: 'b' });
    expect(
      (await target.post(`${index}/_search`, { query: { term: { kind: 'a' } } })).body.hits.hits,
    ).toHaveLength(1);
    expect((await target.delete(`${index}/_doc/1?refresh=true`)).body.result).toBe('deleted');
    expect((await target.post(`${index}/_refresh`)).status).toBe(200);
    expect((await target.delete(index)).body).toEqual({ acknowledged: true });
    expect((await target.get(index)).status).toBe(404);
  });

  test('an index cannot be created with an existing or invalid name, and the documents of an unknown index cannot be counted', async () => {
    await using target = await startTarget();
    await target.put('/conformance-plain');

    expect((await target.put('/conformance-plain')).type).toBe('resource_already_exists_exception');
    expect((await target.put('/CONFORMANCE')).reason).toBe(
      'Invalid index name [CONFORMANCE], must be lowercase',
    );
    expect(await target.get('/conformance-none/_count')).toMatchObject({
      status: 404,
      type: 'index_not_found_exception',
      reason: 'no such index [conformance-none]',
    });
    expect((await target.get('/conformance-none*/_count')).body.count).toBe(0);
  });

  test('one bulk request can index, create, update and delete documents', async () => {
    await using target = await startTarget();
    const lines = [
      { index: { _index: 'conformance-bulk', _id: '1' } },
      { n: 1 },
      { create: { _index: 'conformance-bulk', _id: '2' } },
      { n: 2 },
      { update: { _index: 'conformance-bulk', _id: '1' } },
      { doc: { m: 3 } },
      { delete: { _index: 'conformance-bulk', _id: '2' } },
    ];

    const { body } = await target.post(
      '/_bulk?refresh=true',
      `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`,
      {
        headers: { 'content-type': 'application/x-ndjson' },
      },
    );

    expect(body.errors).toBe(false);
    expect(body.items.map((item: object) => Object.keys(item)[0])).toEqual([
      'index',
      'create',
      'update',
      'delete',
    ]);
    expect((await target.get('/conformance-bulk/_doc/1')).body._source).toEqual({ n: 1, m: 3 });
    expect((await target.get('/conformance-bulk/_count')).body.count).toBe(1);
  });

  embedded('plain indices store and return aliases, mappings and settings', async () => {
    await using target = await startTarget();
    await target.put('/plain', { aliases: { other: {} }, settings: { index: { number_of_replicas: '0' } } });
    await target.put('/plain/_mapping', { properties: { a: { type: 'keyword' } } });
    await target.put('/plain/_alias/third');

    expect((await target.get('/other')).body.plain).toMatchObject({
      aliases: { other: {}, third: {} },
      mappings: { properties: { a: { type: 'keyword' } } },
      settings: { index: { number_of_replicas: '0', provided_name: 'plain' } },
    });
    expect((await target.request('HEAD', '/plain')).status).toBe(200);
    expect((await target.request('HEAD', '/none')).status).toBe(404);
    expect((await target.get('/plain/_alias')).body.plain.aliases).toHaveProperty('third');
  });
});

describe('the hidden indices of machine learning', () => {
  embedded('the hidden indices contain the counts of a job', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', records: 7 }] });

    const { body } = await target.get('/.ml-anomalies-shared/_doc/a_data_counts');

    expect(body._source).toMatchObject({ job_id: 'a', processed_record_count: 7 });
    expect((await target.get('/.ml-anomalies-a/_doc/a_data_counts')).status).toBe(200);
    expect((await target.get('/.ml-anomalies-shared/_doc/b_data_counts')).status).toBe(404);
  });

  embedded('closed jobs lose their counts when the hidden indices are deleted', async () => {
    await using target = await startTarget({
      jobs: [
        { jobId: 'a', state: 'closed', lastData: '3d' },
        { jobId: 'b', lastData: '3d' },
      ],
    });

    await target.delete('/.ml-anomalies-shared');

    expect(target.cluster.job('a')?.lastDataTime).toBeUndefined();
    expect(target.cluster.job('b')?.lastDataTime).toBeDefined();
    const { status } = await target.get(`${jobs}/_stats`);
    expect(status).toBe(200);
  });

  embedded(
    'a request for the stats of all jobs fails while the results index of one job is closed',
    async () => {
      await using target = await startTarget({
        jobs: [
          { jobId: 'a', lastData: '3d' },
          { jobId: 'b', config: { results_index_name: 'custom-other' } },
        ],
      });

      await target.post('/.ml-anomalies-shared/_close');

      expect(await target.get(`${jobs}/_stats`)).toMatchObject({
        status: 403,
        type: 'cluster_block_exception',
      });
      expect((await target.get(`${jobs}/b/_stats`)).status).toBe(200);
      expect((await target.get(jobs)).status).toBe(200);
      await target.post('/.ml-anomalies-shared/_open');
      expect((await target.get(`${jobs}/_stats`)).status).toBe(200);
    },
  );

  embedded(
    'a new job is refused if the hidden indices contain documents of an earlier job with its id',
    async () => {
      await using target = await startTarget();
      await target.put('/.ml-state/_doc/a_quantiles', { quantiles: 'x' });

      expect(
        (
          await target.put(`${jobs}/a`, {
            analysis_config: { detectors: [{ function: 'count' }] },
            data_description: {},
          })
        ).status,
      ).toBe(409);
    },
  );

  embedded('a memory limit is refused if the results show a memory usage above it', async () => {
    await using target = await startTarget();
    await target.putJob('a', { analysis_limits: { model_memory_limit: '30mb' } });
    await target.put('/.ml-anomalies-shared/_doc/a_model_size_stats_1', {
      job_id: 'a',
      result_type: 'model_size_stats',
      model_bytes: 10_000_000,
    });

    const reply = await target.post(`${jobs}/a/_update`, { analysis_limits: { model_memory_limit: '1mb' } });

    expect(reply.reason).toBe(
      'Invalid update value for analysis_limits: model_memory_limit cannot be decreased below current usage; current usage [10mb], update had [1mb]',
    );
    expect(
      (await target.post(`${jobs}/a/_update`, { analysis_limits: { model_memory_limit: '20mb' } })).status,
    ).toBe(200);
  });
});

describe('the results of a job', () => {
  test('the results of a closed job include its finished buckets', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    const quarter = 900_000;
    const start = 1_403_481_600_000;
    const lines = [0, 1, 2, 3].map((bucket) => JSON.stringify({ time: start + bucket * quarter }));
    await target.post(`${jobs}/conformance-a/_data`, lines.join('\n'));
    await target.post(`${jobs}/conformance-a/_close`);

    const { body } = await target.get(`${jobs}/conformance-a/results/buckets`);
    const page = await target.post(`${jobs}/conformance-a/results/buckets`, { page: { from: 1, size: 1 } });

    expect(body.count).toBeGreaterThanOrEqual(3);
    expect(body.buckets[0]).toMatchObject({
      job_id: 'conformance-a',
      timestamp: start,
      result_type: 'bucket',
    });
    expect(page.body.buckets.map(({ timestamp }: { timestamp: number }) => timestamp)).toEqual([
      start + quarter,
    ]);
  });

  test('a request for the results of an unknown job is answered with 404', async () => {
    await using target = await startTarget();

    for (const kind of ['buckets', 'records', 'influencers'])
      expect((await target.get(`${jobs}/conformance-x/results/${kind}`)).status).toBe(404);
  });

  embedded('a clean close of a job adds a model snapshot', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '1d' }] });
    const before = (await target.get(`${jobs}/a/model_snapshots`)).body.count;
    await target.post(`${jobs}/a/_close`);

    const { body } = await target.get(`${jobs}/a/model_snapshots`);

    expect(body.count).toBe(before + 1);
    expect((await target.get(`${jobs}/a`)).body.jobs[0].model_snapshot_id).toBe(
      body.model_snapshots.at(0).snapshot_id,
    );
  });
});

describe('datafeed previews', () => {
  test('a datafeed preview shows the fields that the job would receive, oldest record first', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a', {
      analysis_config: {
        bucket_span: '1h',
        detectors: [{ function: 'sum', field_name: 'n', by_field_name: 'who' }],
      },
    });
    await target.put('/conformance-data', {
      mappings: { properties: { time: { type: 'date' }, n: { type: 'long' }, who: { type: 'keyword' } } },
    });
    await target.put('/conformance-data/_doc/2?refresh=true', {
      time: '2017-02-18T01:00:00Z',
      n: 2,
      who: 'b',
      other: 1,
    });
    await target.put('/conformance-data/_doc/1?refresh=true', {
      time: '2017-02-18T00:00:00Z',
      n: 1,
      who: 'a',
    });
    await target.put('/_ml/datafeeds/conformance-f', {
      job_id: 'conformance-a',
      indices: ['conformance-data'],
    });

    const { body } = await target.get('/_ml/datafeeds/conformance-f/_preview');

    expect(body).toEqual([
      { time: 1_487_376_000_000, n: 1, who: 'a' },
      { time: 1_487_379_600_000, n: 2, who: 'b' },
    ]);
  });
});

describe('the list of tasks', () => {
  embedded('tasks are listed for open jobs and running datafeeds while they have a node', async () => {
    await using target = await startTarget({
      jobs: [
        { jobId: 'a', datafeed: { datafeedId: 'f', state: 'started' } },
        { jobId: 'b', state: 'closed' },
      ],
    });
    const listed = async () => (await target.get('/_cat/tasks?h=action')).text;

    expect(await listed()).toBe('xpack/ml/job[c]\nxpack/ml/datafeed[c]\n');
    await target.post('/_ml/set_upgrade_mode?enabled=true');
    expect(await listed()).toBe('');
    const { body } = await target.get(
      '/_cluster/state/metadata?filter_path=metadata.persistent_tasks.tasks.id',
    );
    expect(body.metadata.persistent_tasks.tasks).toEqual([{ id: 'job-a' }, { id: 'datafeed-f' }]);
    expect((await target.get('/_tasks')).body).toEqual({ nodes: {} });
  });
});

describe('the cluster as a whole, and the content of requests', () => {
  test('health, licence and nodes of the cluster can be read', async () => {
    await using target = await startTarget();

    expect(['green', 'yellow']).toContain((await target.get('/_cluster/health')).body.status);
    expect((await target.get('/_license')).body.license.status).toBe('active');
    expect(Object.keys((await target.get('/_nodes')).body.nodes).length).toBeGreaterThan(0);
  });

  embedded('a reset of the features deletes everything of machine learning', async () => {
    await using target = await startTarget({
      jobs: [
        { jobId: 'a', datafeed: { state: 'started' } },
        { jobId: 'b', state: 'failed' },
      ],
    });

    expect((await target.post('/_features/_reset')).status).toBe(200);
    expect((await target.get(jobs)).body.count).toBe(0);
    expect((await target.get('/_ml/datafeeds')).body.count).toBe(0);
  });

  embedded('requests may have compressed content', async () => {
    await using target = await startTarget();
    const response = await fetch(`${target.url}${jobs}/a`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync('{"analysis_config":{"detectors":[{"function":"count"}]},"data_description":{}}'),
    });

    expect(response.status).toBe(200);
  });

  embedded('content over 100mb is refused (elasticsearch.md §6)', async () => {
    await using target = await startTarget();
    const socket = connect(Number(new URL(target.url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString();
    });
    socket.on('error', () => undefined);
    const chunk = Buffer.alloc(2 ** 20, ' ');
    socket.write(`POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: ${101 * 2 ** 20}\r\n\r\n`);
    for (let megabytes = 0; megabytes < 101 && answer === ''; megabytes++)
      if (!socket.write(chunk)) await new Promise((resolve) => setImmediate(resolve));

    // on a busy machine, a hundred megabytes may take longer than the second that `expect.poll` waits by default
    await expect.poll(() => answer, { timeout: 20_000 }).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });
});
