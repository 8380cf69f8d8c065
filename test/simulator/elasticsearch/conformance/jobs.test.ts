/** docs/elasticsearch.md §3.1, §3.7, §3.8, §3.9, §3.12: putting, reading, updating, opening, deleting and resetting jobs. */
import { describe, expect, test } from 'vitest';
import { embedded, errorOf, minimalJob, startTarget } from '../../../support/elasticsearch.ts';

const jobs = '/_ml/anomaly_detectors';
const detectors = (...list: object[]) => ({
  ...minimalJob,
  analysis_config: { bucket_span: '1h', detectors: list },
});

describe('creating a job (elasticsearch.md §3.7)', () => {
  test('a job that was created with only the required fields is returned with all defaults', async () => {
    await using target = await startTarget();

    const { status, body } = await target.put(`${jobs}/conformance-a`, {
      analysis_config: { detectors: [{ function: 'count' }] },
      data_description: {},
    });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      job_id: 'conformance-a',
      job_type: 'anomaly_detector',
      analysis_config: {
        bucket_span: '5m',
        detectors: [{ detector_description: 'count', function: 'count', detector_index: 0 }],
        influencers: [],
        model_prune_window: '30d',
      },
      analysis_limits: { model_memory_limit: '1024mb', categorization_examples_limit: 4 },
      data_description: { time_field: 'time', time_format: 'epoch_ms' },
      model_snapshot_retention_days: 10,
      daily_model_snapshot_retention_after_days: 1,
      results_index_name: 'shared',
      allow_lazy_open: false,
    });
    expect(body.create_time).toBeTypeOf('number');
    for (const absent of [
      'groups',
      'description',
      'finished_time',
      'custom_settings',
      'model_snapshot_id',
      'datafeed_config',
    ])
      expect(body).not.toHaveProperty(absent);
  });

  test.each([
    [
      { function: 'mean', field_name: 'latency', by_field_name: 'service' },
      'mean(latency) by service',
      'mean',
    ],
    [{ function: 'avg', field_name: 'a.b' }, 'mean("a.b")', 'mean'],
    [{ function: 'nzc', by_field_name: 'airport' }, 'non_zero_count by airport', 'non_zero_count'],
    [
      { function: 'HIGH_DC', field_name: 'x', over_field_name: 'y' },
      'high_distinct_count(x) over y',
      'high_distinct_count',
    ],
    [
      {
        function: 'sum',
        field_name: 'b',
        partition_field_name: 'p',
        use_null: true,
        exclude_frequent: 'all',
      },
      'sum(b) usenull=true partitionfield=p excludefrequent=all',
      'sum',
    ],
  ])('the detector %j has the default description %s', async (detector, description, fn) => {
    await using target = await startTarget();

    const { body } = await target.put(`${jobs}/conformance-a`, detectors(detector));

    expect(body.analysis_config.detectors[0]).toMatchObject({
      detector_description: description,
      function: fn,
    });
  });

  test('a new job is stored as given, except that its memory limit is in MB and its results index name begins with `custom-`', async () => {
    await using target = await startTarget();

    const { body } = await target.put(`${jobs}/conformance-a`, {
      ...minimalJob,
      groups: ['conformance-web'],
      description: 'about it',
      analysis_limits: { model_memory_limit: '2gb' },
      custom_settings: { created_by: 'me', nested: { any: [1, null] } },
      results_index_name: 'conformance',
      model_plot_config: { enabled: true },
      allow_lazy_open: true,
      background_persist_interval: '3h',
      results_retention_days: 30,
      model_snapshot_retention_days: 3,
    });

    expect(body).toMatchObject({
      groups: ['conformance-web'],
      description: 'about it',
      analysis_limits: { model_memory_limit: '2048mb' },
      custom_settings: { created_by: 'me', nested: { any: [1, null] } },
      results_index_name: 'custom-conformance',
      model_plot_config: { enabled: true, annotations_enabled: true },
      allow_lazy_open: true,
      background_persist_interval: '3h',
      results_retention_days: 30,
      model_snapshot_retention_days: 3,
      daily_model_snapshot_retention_after_days: 1,
    });
  });

  test('a new job may contain a datafeed, which by default gets the id of the job', async () => {
    await using target = await startTarget();

    const { body } = await target.put(`${jobs}/conformance-a`, {
      ...minimalJob,
      datafeed_config: { indices: ['conformance-data'] },
    });

    expect(body.datafeed_config).toMatchObject({
      datafeed_id: 'conformance-a',
      job_id: 'conformance-a',
      indices: ['conformance-data'],
      query: { match_all: {} },
      chunking_config: { mode: 'auto' },
      scroll_size: 1000,
      delayed_data_check_config: { enabled: true },
      indices_options: { expand_wildcards: ['open'], ignore_unavailable: false, allow_no_indices: true },
    });
    expect((await target.get('/_ml/datafeeds/conformance-a')).body.count).toBe(1);
  });

  test('creating a job is refused with 400 if a job with its id exists', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect(errorOf(await target.put(`${jobs}/conformance-a`, minimalJob))).toEqual({
      status: 400,
      type: 'resource_already_exists_exception',
      reason: "The job cannot be created with the Id 'conformance-a'. The Id is already used.",
    });
  });

  test('creating a job is refused with 400 if its id is the name of a group, or if one of its groups has the id of a job', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a', { groups: ['conformance-web'] });
    const same = (name: string) => ({
      status: 400,
      type: 'resource_already_exists_exception',
      reason: `job and group names must be unique but job [${name}] and group [${name}] have the same name`,
    });

    expect(errorOf(await target.put(`${jobs}/conformance-web`, minimalJob))).toEqual(same('conformance-web'));
    expect(
      errorOf(await target.put(`${jobs}/conformance-b`, { ...minimalJob, groups: ['conformance-a'] })),
    ).toEqual(same('conformance-a'));
    expect(
      errorOf(await target.put(`${jobs}/conformance-c`, { ...minimalJob, groups: ['conformance-c'] })),
    ).toEqual(same('conformance-c'));
  });

  const rule =
    'can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric';
  test.each([
    ['a bad id', 'FOO', minimalJob, `Invalid job_id; 'FOO' ${rule}`],
    ['an id that ends in a hyphen', 'foo-', minimalJob, `Invalid job_id; 'foo-' ${rule}`],
    [
      'an id of 65 characters',
      'a'.repeat(65),
      minimalJob,
      'The job id cannot contain more than 64 characters.',
    ],
    [
      'a bad group',
      'a',
      { ...minimalJob, groups: ['$'] },
      "Invalid group id '$'; must be non-empty string and may contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric",
    ],
    ['no analysis', 'a', { data_description: {} }, 'An analysis_config must be set'],
    [
      'no data description',
      'a',
      { analysis_config: { detectors: [{ function: 'count' }] } },
      'A data_description must be set',
    ],
    [
      'no detectors',
      'a',
      { analysis_config: { detectors: [] }, data_description: {} },
      'No detectors configured',
    ],
    [
      'a function that needs a field',
      'a',
      detectors({ function: 'mean' }),
      "field_name must be set when the 'mean' function is used",
    ],
    ['an unknown function', 'a', detectors({ function: 'foo' }), "Unknown function 'foo'"],
    [
      'the same detector twice',
      'a',
      detectors({ function: 'count', by_field_name: 'x' }, { function: 'count', by_field_name: 'x' }),
      'Duplicate detectors are not allowed: [count by x]',
    ],
    [
      'the time field in the analysis',
      'a',
      { ...detectors({ function: 'max', field_name: 'time' }), data_description: { time_field: 'time' } },
      'data_description.time_field may not be used in the analysis_config',
    ],
    [
      'another id in the body',
      'b',
      { ...minimalJob, job_id: 'a' },
      "Inconsistent job_id; 'a' specified in the body differs from 'b' specified as a URL argument",
    ],
    [
      'a field that only the server sets',
      'a',
      { ...minimalJob, model_snapshot_id: 'x' },
      'The job is configured with fields [model_snapshot_id] that are illegal to set at job creation',
    ],
  ])('creating a job with %s is refused with 400', async (_what, id, body, reason) => {
    await using target = await startTarget();

    expect(errorOf(await target.put(`${jobs}/${id}`, body))).toEqual({
      status: 400,
      type: 'illegal_argument_exception',
      reason,
    });
  });

  test('an unknown field of a new job is reported with its line and column', async () => {
    await using target = await startTarget();

    const { status, type, reason } = await target.put(`${jobs}/conformance-a`, '{\n  "foo": 1\n}');

    expect({ status, type, reason }).toEqual({
      status: 400,
      type: 'x_content_parse_exception',
      reason: '[2:3] [job_details] unknown field [foo]',
    });
  });

  test('the error for an unknown field in a section of a new job names the section, and its root cause names the field', async () => {
    await using target = await startTarget();

    const { body } = await target.put(
      `${jobs}/conformance-a`,
      '{"analysis_config":{"bucket_spam":"1h","detectors":[{"function":"count"}]},"data_description":{}}',
    );

    expect(body.error.reason).toContain('[job_details] failed to parse field [analysis_config]');
    expect(body.error.root_cause[0].reason).toBe(
      '[1:21] [analysis_config] unknown field [bucket_spam] did you mean [bucket_span]?',
    );
  });

  embedded('a memory limit over the maximum is refused', async () => {
    await using target = await startTarget();
    await target.put('/_cluster/settings', { persistent: { 'xpack.ml.max_model_memory_limit': '9gb' } });

    const over = await target.put(`${jobs}/a`, {
      ...minimalJob,
      analysis_limits: { model_memory_limit: '10gb' },
    });
    const under = await target.put(`${jobs}/a`, {
      ...minimalJob,
      analysis_limits: { model_memory_limit: '8gb' },
    });

    expect(errorOf(over)).toEqual({
      status: 400,
      type: 'illegal_argument_exception',
      reason:
        'model_memory_limit [10gb] must be less than the value of the xpack.ml.max_model_memory_limit setting [9gb]',
    });
    expect(under.body.analysis_limits.model_memory_limit).toBe('8192mb');
  });

  test('a validate request accepts a valid job and a valid detector, and refuses a detector that lacks a required field', async () => {
    await using target = await startTarget();

    const ok = await target.post(`${jobs}/_validate`, minimalJob);
    const bad = await target.post(`${jobs}/_validate`, detectors({ function: 'mean' }));
    const detector = await target.post(`${jobs}/_validate/detector`, { function: 'count' });

    expect(ok.body).toEqual({ acknowledged: true });
    expect(detector.body).toEqual({ acknowledged: true });
    expect(bad.reason).toBe("field_name must be set when the 'mean' function is used");
  });
});

describe('reading jobs (elasticsearch.md §3.1)', () => {
  test('jobs are found by id, group and pattern, and returned in the order of their ids', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-b', { groups: ['conformance-web'] });
    await target.putJob('conformance-a', { groups: ['conformance-web'] });
    const ids = async (expression: string) =>
      (await target.get(`${jobs}/${expression}`)).body.jobs.map(({ job_id }: { job_id: string }) => job_id);

    expect(await ids('conformance-b')).toEqual(['conformance-b']);
    expect(await ids('conformance-web')).toEqual(['conformance-a', 'conformance-b']);
    expect(await ids('conformance-*')).toEqual(['conformance-a', 'conformance-b']);
    expect((await target.get(`${jobs}/conformance-x`)).reason).toBe("No known job with id 'conformance-x'");
  });

  test('a job that is read with exclude_generated contains only fields that are accepted for a new job', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a', { groups: ['conformance-web'] });

    const { body } = await target.get(`${jobs}/conformance-a?exclude_generated=true`);

    for (const field of ['create_time', 'finished_time', 'job_version', 'job_type'])
      expect(body.jobs[0]).not.toHaveProperty(field);
    expect(body.jobs[0].groups).toEqual(['conformance-web']);
    const { job_id: _id, ...again } = body.jobs[0];
    expect((await target.put(`${jobs}/conformance-copy`, again)).status).toBe(200);
  });

  embedded('a job that is being deleted is listed and marked as such', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed', blocked: 'delete' }] });

    const { body } = await target.get(`${jobs}/a`);

    expect(body.jobs[0]).toMatchObject({ deleting: true, blocked: { reason: 'delete' } });
    expect(body.jobs[0].blocked.task_id).toMatch(/^[\w-]+:\d+$/);
  });

  test('finished_time of a job is set by a clean close, and removed when the job is opened again', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    await target.post(`${jobs}/conformance-a/_close`);
    const closed = (await target.get(`${jobs}/conformance-a`)).body.jobs[0];
    await target.post(`${jobs}/conformance-a/_open`);
    const reopened = (await target.get(`${jobs}/conformance-a`)).body.jobs[0];

    expect(closed.finished_time).toBeGreaterThanOrEqual(closed.create_time);
    expect(reopened).not.toHaveProperty('finished_time');
  });
});

describe('updating a job', () => {
  test('an update of a job changes its groups and description, and replaces its custom settings as a whole', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a', {
      groups: ['conformance-old'],
      custom_settings: { a: 1, b: { c: 2 } },
    });

    const { body } = await target.post(`${jobs}/conformance-a/_update`, {
      groups: ['conformance-new'],
      description: 'changed',
      custom_settings: { b: { d: 3 } },
    });

    expect(body).toMatchObject({ groups: ['conformance-new'], description: 'changed' });
    expect(body.custom_settings).toEqual({ b: { d: 3 } });
    expect((await target.get(`${jobs}/conformance-new`)).body.count).toBe(1);
    expect((await target.get(`${jobs}/conformance-old`)).status).toBe(404);
  });

  test('an update of a closed job changes its detectors, memory limit and plot settings', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const { body } = await target.post(`${jobs}/conformance-a/_update`, {
      detectors: [{ detector_index: 0, description: 'how many' }],
      analysis_limits: { model_memory_limit: '20mb' },
      model_plot_config: { enabled: false },
      results_retention_days: 5,
    });

    expect(body.analysis_config.detectors[0].detector_description).toBe('how many');
    expect(body).toMatchObject({
      analysis_limits: { model_memory_limit: '20mb', categorization_examples_limit: 4 },
      model_plot_config: { enabled: false },
      results_retention_days: 5,
    });
  });

  test('an update of a job is refused if the job is unknown, a group name is invalid or a field is unknown', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect((await target.post(`${jobs}/conformance-x/_update`, {})).status).toBe(404);
    expect((await target.post(`${jobs}/conformance-a/_update`, { groups: ['$'] })).status).toBe(400);
    expect((await target.post(`${jobs}/conformance-a/_update`, '{"foo":1}')).reason).toBe(
      '[1:2] [job_update] unknown field [foo]',
    );
  });
});

describe('opening a job (elasticsearch.md §3.8)', () => {
  test('a request to open a job returns the id of its node when the job is `opened`', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    const { status, body } = await target.post(`${jobs}/conformance-a/_open`);
    const stats = (await target.get(`${jobs}/conformance-a/_stats`)).body.jobs[0];

    expect(status).toBe(200);
    expect(body).toEqual({ opened: true, node: stats.node.id });
    expect(stats.state).toBe('opened');
  });

  test('a request to open a job is answered with 404 if the job is unknown, and with 409 if it has already been opened', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');

    expect((await target.post(`${jobs}/conformance-x/_open`)).status).toBe(404);
    expect(errorOf(await target.post(`${jobs}/conformance-a/_open`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'Cannot open job [conformance-a] because it has already been opened',
    });
  });

  test('a request to open a job may contain its timeout in the body', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect((await target.post(`${jobs}/conformance-a/_open`, { timeout: '1m' })).body.opened).toBe(true);
  });

  embedded(
    'a request to open a failed job is refused, because the job counts as opened already',
    async () => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'failed' }] });

      expect((await target.post(`${jobs}/a/_open`)).reason).toBe(
        'Cannot open job [a] because it has already been opened',
      );
    },
  );

  embedded.each(['delete', 'reset', 'revert'] as const)(
    'a job blocked by a %s cannot be opened',
    async (blocked) => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed', blocked }] });

      expect(errorOf(await target.post(`${jobs}/a/_open`))).toEqual({
        status: 409,
        type: 'status_exception',
        reason: `Cannot open job [a] because it is executing [${blocked}]`,
      });
    },
  );

  embedded(
    'if no node has capacity, an open request is answered with 429 and an explanation, and the job stays closed',
    async () => {
      await using target = await startTarget({ fleet: { nodes: [{ name: 'small', memory: '1gb' }] } });
      await target.putJob('a', { analysis_limits: { model_memory_limit: '4gb' } });

      const reply = await target.post(`${jobs}/a/_open`);

      expect(errorOf(reply)).toEqual({
        status: 429,
        type: 'status_exception',
        reason: 'Could not open job because no ML nodes with sufficient capacity were found',
      });
      expect(reply.body.error.caused_by).toMatchObject({ type: 'illegal_state_exception' });
      expect(reply.body.error.caused_by.reason).toContain(
        'because this node has insufficient available memory',
      );
      expect(target.state('a')).toBe('closed');
    },
  );

  embedded('a node accepts a limited number of jobs', async () => {
    await using target = await startTarget({
      fleet: { nodes: [{ name: 'ml-0' }], settings: { 'xpack.ml.max_open_jobs': '1' } },
      jobs: [{ jobId: 'a' }, { jobId: 'b', state: 'closed' }],
    });

    const reply = await target.post(`${jobs}/b/_open`);

    expect(reply.status).toBe(429);
    expect(reply.body.error.caused_by.reason).toContain('because this node is full');
  });

  embedded('a job that waits for capacity is opened when another job closes', async () => {
    await using target = await startTarget({
      fleet: { nodes: [{ name: 'ml-0' }], settings: { 'xpack.ml.max_open_jobs': '1' } },
      jobs: [{ jobId: 'a' }, { jobId: 'b', state: 'closed', config: { allow_lazy_open: true } }],
    });
    expect((await target.post(`${jobs}/b/_open`)).body).toEqual({ opened: true, node: '' });
    expect(target.state('b')).toBe('opening');

    await target.post(`${jobs}/a/_close`);
    await target.clock.advance(120_000);

    expect(target.state('b')).toBe('opened');
  });

  embedded('at most two jobs are opening at once on a node', async () => {
    await using target = await startTarget({
      fleet: { nodes: [{ name: 'ml-0' }] },
      jobs: ['a', 'b', 'c', 'd'].map((jobId) => ({ jobId, state: 'closed', openTakes: '10s' })),
    });
    const before = target.clock.now();

    await Promise.all(['a', 'b', 'c', 'd'].map((id) => target.post(`${jobs}/${id}/_open`)));

    expect(target.clock.now() - before).toBe(20_000);
  });

  embedded(
    'two jobs that hang in opening block all other openings on their node until one of the two is closed with force',
    async () => {
      await using target = await startTarget({
        fleet: { nodes: [{ name: 'ml-0' }] },
        jobs: [
          { jobId: 'a', state: 'opening', openTakes: 'never' },
          { jobId: 'b', state: 'opening', openTakes: 'never' },
          { jobId: 'c', state: 'closed' },
        ],
      });

      expect((await target.post(`${jobs}/c/_open?timeout=10m`)).status).toBe(408);
      await target.post(`${jobs}/a/_close?force=true`);
      await target.clock.advance(10_000);

      expect(['a', 'b', 'c'].map((id) => target.state(id))).toEqual(['closed', 'opening', 'opened']);
    },
  );

  embedded(
    'without a licence nothing can be put, opened or started, but everything can be read and closed',
    async () => {
      await using target = await startTarget({
        fleet: { unlicensed: true },
        jobs: [
          { jobId: 'a', datafeed: { datafeedId: 'f' } },
          { jobId: 'b', state: 'closed' },
        ],
      });
      const refused = {
        status: 403,
        type: 'security_exception',
        reason: 'current license is non-compliant for [ml]',
      };

      expect(errorOf(await target.post(`${jobs}/b/_open`))).toEqual(refused);
      expect(errorOf(await target.put(`${jobs}/c`, minimalJob))).toEqual(refused);
      expect(errorOf(await target.post('/_ml/datafeeds/f/_start'))).toEqual(refused);
      expect((await target.get(`${jobs}/_stats`)).status).toBe(200);
      expect((await target.post(`${jobs}/a/_close`)).body).toEqual({ closed: true });
    },
  );

  embedded('a job cannot be opened if its model is from a version that is too old', async () => {
    await using target = await startTarget({
      jobs: [
        {
          jobId: 'a',
          state: 'closed',
          config: { model_snapshot_id: '17', model_snapshot_min_version: '7.17.0' },
        },
        {
          jobId: 'b',
          state: 'closed',
          config: { model_snapshot_id: '18', model_snapshot_min_version: '8.10.0' },
        },
      ],
    });

    expect(errorOf(await target.post(`${jobs}/a/_open`))).toEqual({
      status: 400,
      type: 'status_exception',
      reason:
        '[a] job model snapshot [17] has min version before [8.3.0], please revert to a newer model snapshot or reset the job',
    });
    expect((await target.post(`${jobs}/b/_open`)).status).toBe(200);
  });

  embedded(
    'an open request is answered with 429 while assignment is disabled and in upgrade mode',
    async () => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed' }] });
      const key = 'cluster.persistent_tasks.allocation.enable';

      await target.put('/_cluster/settings', { transient: { [key]: 'none' } });
      expect(errorOf(await target.post(`${jobs}/a/_open`))).toEqual({
        status: 429,
        type: 'status_exception',
        reason: `Cannot open jobs because persistent task assignment is disabled by the [${key}] setting`,
      });
      await target.put('/_cluster/settings', { transient: { [key]: null } });
      await target.post('/_ml/set_upgrade_mode?enabled=true');
      expect(errorOf(await target.post(`${jobs}/a/_open`))).toEqual({
        status: 429,
        type: 'status_exception',
        reason: 'Cannot open jobs when upgrade mode is enabled',
      });
    },
  );

  embedded.each([
    ['9.2', 408, 'status_exception'],
    ['7.17', 500, 'illegal_state_exception'],
  ] as const)(
    'on %s a timed-out open is answered with %d, and the opening continues',
    async (stack, status, type) => {
      await using target = await startTarget({
        stack,
        jobs: [{ jobId: 'a', state: 'closed', openTakes: '5m' }],
      });

      expect(errorOf(await target.post(`${jobs}/a/_open?timeout=30s`))).toEqual({
        status,
        type,
        reason: 'Opening job [a] timed out after [30s]',
      });
      await target.clock.advance(300_000);
      expect(target.state('a')).toBe('opened');
    },
  );

  embedded('an open request is answered with 500 and the reason if the job fails meanwhile', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed', openTakes: '1m' }] });
    target.clock.at(target.clock.now() + 5_000, () => target.cluster.failJob('a', 'no snapshot'));

    expect(errorOf(await target.post(`${jobs}/a/_open`))).toEqual({
      status: 500,
      type: 'status_exception',
      reason: 'Unexpected job state [failed] with reason [no snapshot] while waiting for job to be opened',
    });
  });

  test('a job can be opened and closed many times', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    for (let time = 0; time < 3; time++) {
      expect((await target.post(`${jobs}/conformance-a/_open`)).body.opened).toBe(true);
      expect((await target.post(`${jobs}/conformance-a/_close`)).body).toEqual({ closed: true });
    }
    const refused = await target.post(`${jobs}/conformance-a/_data`, '{"time":1403481600000}');
    expect(refused.status).toBe(409);
  });
});

describe('deleting a job (elasticsearch.md §3.9)', () => {
  test('deleting a closed job also deletes the job’s datafeed', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');
    const datafeed = await target.putDatafeed('conformance-a');

    expect((await target.delete(`${jobs}/conformance-a`)).body).toEqual({ acknowledged: true });

    expect((await target.get(`${jobs}/conformance-a`)).status).toBe(404);
    expect((await target.get(`/_ml/datafeeds/${datafeed}`)).status).toBe(404);
  });

  test('deleting an open job is refused with 409 unless force=true', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');

    expect(errorOf(await target.delete(`${jobs}/conformance-a`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'Cannot delete job [conformance-a] because the job is opened',
    });
    expect((await target.delete(`${jobs}/conformance-a?force=true`)).body).toEqual({ acknowledged: true });
    expect((await target.get(`${jobs}/conformance-a`)).status).toBe(404);
  });

  embedded.each(['closing', 'failed', 'opening'] as const)(
    'deleting a job in another state is refused, and the error names the state: %s',
    async (state) => {
      await using target = await startTarget({
        jobs: [{ jobId: 'a', state, lastData: '1d', closeTakes: 'never', openTakes: '1h' }],
      });

      expect((await target.delete(`${jobs}/a`)).reason).toBe(
        `Cannot delete job [a] because the job is ${state}`,
      );
    },
  );

  embedded('deleting a job with a running datafeed is refused with 409 unless force=true', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', state: 'closed', datafeed: { datafeedId: 'f', state: 'started' } }],
    });

    expect(errorOf(await target.delete(`${jobs}/a`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'failed to delete job [a] as its datafeed [f] could not be deleted',
    });
    expect((await target.delete(`${jobs}/a?force=true`)).body).toEqual({ acknowledged: true });
  });

  test('deleting an unknown job is refused with 404', async () => {
    await using target = await startTarget();

    expect((await target.delete(`${jobs}/conformance-x`)).reason).toBe(
      "No known job with id 'conformance-x'",
    );
  });

  embedded(
    'a delete without waiting returns a task and marks the job, and a second delete waits for the first',
    async () => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed' }] });

      const { body } = await target.delete(`${jobs}/a?wait_for_completion=false`);

      expect(body.task).toMatch(/^[\w-]+:\d+$/);
      expect((await target.get(`${jobs}/a`)).body.jobs[0].blocked.reason).toBe('delete');
      expect((await target.delete(`${jobs}/a`)).body).toEqual({ acknowledged: true });
      expect((await target.get(`${jobs}/a`)).status).toBe(404);
      expect((await target.get(`/_tasks/${body.task}`)).body.completed).toBe(true);
    },
  );
});

describe('resetting a job (elasticsearch.md §3.12)', () => {
  test('a reset clears the data of a closed job', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');
    await target.post(`${jobs}/conformance-a/_data`, '{"time":1403481600000}');
    await target.post(`${jobs}/conformance-a/_close`);

    expect((await target.post(`${jobs}/conformance-a/_reset`)).body).toEqual({ acknowledged: true });

    const { data_counts: counts } = (await target.get(`${jobs}/conformance-a/_stats`)).body.jobs[0];
    expect(counts.processed_record_count).toBe(0);
    expect(counts).not.toHaveProperty('last_data_time');
  });

  test('a reset of an open job is refused', async () => {
    await using target = await startTarget();
    await target.openJob('conformance-a');

    expect(errorOf(await target.post(`${jobs}/conformance-a/_reset`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'Can only reset a job when it is closed.',
    });
  });

  embedded.each(['delete', 'revert'] as const)('a job blocked by a %s cannot be reset', async (blocked) => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed', blocked }] });

    expect((await target.post(`${jobs}/a/_reset`)).reason).toBe(
      `cannot reset job while it is blocked with [${blocked}]`,
    );
  });

  embedded('a reset without waiting returns a task and blocks the job until it is done', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed', lastData: '3d' }] });

    const { body } = await target.post(`${jobs}/a/_reset?wait_for_completion=false`);

    expect(body.task).toMatch(/:\d+$/);
    expect(target.cluster.job('a')?.blocked).toBe('reset');
    await target.clock.advance(5_000);
    expect(target.cluster.job('a')).toMatchObject({ blocked: undefined, lastDataTime: undefined });
  });
});
