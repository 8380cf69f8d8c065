import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { JobId } from '../../src/sweep/planning/concrete-id.ts';
import { joinInventory } from '../../src/sweep/planning/inventory.ts';
import {
  answeredAt,
  answersFor,
  configOf,
  datafeedOf,
  type Json,
  listOf,
  type MlAnswers,
  respondWith,
  runningFeed,
  statsOf,
} from '../support/ml-answers.ts';
import { type Exchange, productHeaders, type SeenRequest, serve } from '../support/scripted-server.ts';

const never = new AbortController().signal;
const ids = (...names: string[]) => names as JobId[];

/** Reads answers with the real client. `requests` are those that the server received. */
async function reading<T>(
  answers: MlAnswers | ((exchange: Exchange) => void),
  read: (cluster: ElasticsearchCluster) => Promise<T>,
): Promise<{ result: T; requests: SeenRequest[] }> {
  using clock = new VirtualClock(answeredAt);
  using _tracked = trackHttp(clock);
  await using server = await serve(
    typeof answers === 'function' ? answers : (exchange) => respondWith(answers, exchange),
  );
  await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
  return { result: await read(cluster), requests: server.requests };
}

const one = (stats: Json = {}, config: Json = {}, changes: Partial<MlAnswers> = {}) =>
  answersFor([{ config: configOf('job-a', config), stats: statsOf('job-a', stats) }], changes);

const statsRead = async (stats: Json) => {
  const { result } = await reading(one(stats), (cluster) => cluster.jobStats(never));
  return result[0];
};

const unreadable = (reason: RegExp) => ({
  name: 'UnreadableInventoryError',
  exitCode: 5,
  message: expect.stringMatching(reason) as string,
});

describe('a listing', () => {
  it.each<[string, Json, RegExp]>([
    ['is a JSON list instead of an object', [], /it is not a JSON object/],
    ['has no count', { jobs: [] }, /count is nothing, but 0 jobs are listed/],
    [
      'counts more jobs than it lists',
      { count: 3, jobs: [statsOf('a')] },
      /count is 3, but 1 jobs are listed/,
    ],
    [
      'counts fewer jobs than it lists',
      { count: 0, jobs: [statsOf('a')] },
      /count is 0, but 1 jobs are listed/,
    ],
    [
      'has its count as a string',
      { count: '1', jobs: [statsOf('a')] },
      /count is "1", but 1 jobs are listed/,
    ],
    ['counts a job but lists none', { count: 1 }, /count is 1, but 0 jobs are listed/],
    ['has null for jobs', { count: 0, jobs: null }, /jobs is not a list of objects/],
    ['has null for a job', { count: 1, jobs: [null] }, /jobs is not a list of objects/],
    [
      'has a job without an id',
      { count: 1, jobs: [{ state: 'opened' }] },
      /an entry of jobs has no valid job_id/,
    ],
    [
      'has a job whose id is a number',
      { count: 1, jobs: [statsOf(7 as never)] },
      /an entry of jobs has no valid job_id/,
    ],
    [
      'has a job whose id is empty',
      { count: 1, jobs: [statsOf('')] },
      /an entry of jobs has no valid job_id/,
    ],
    [
      'has a job whose id is too long',
      { count: 1, jobs: [statsOf('x'.repeat(513))] },
      /an entry of jobs has no valid job_id/,
    ],
    [
      'has a terminal escape sequence for a count',
      { count: '\u001b[2J', jobs: [] },
      /count is "\\u001b\[2J", but/,
    ],
  ])('a listing is refused as unreadable if it %s', async (_what, stats, reason) => {
    const read = (cluster: ElasticsearchCluster) => cluster.jobStats(never);
    await expect(reading(one({}, {}, { stats }), read)).rejects.toMatchObject(unreadable(reason));
  });

  it('a listing is refused as unreadable if its count is a deeply nested list', async () => {
    const text = `{"jobs": [], "count": ${'['.repeat(9_000)}${']'.repeat(9_000)}}`;
    const answer = ({ raw }: Exchange) => raw(text, 200, productHeaders);
    await expect(reading(answer, (cluster) => cluster.jobStats(never))).rejects.toMatchObject(
      unreadable(/count is a value that JSON cannot represent, but 0 jobs are listed/),
    );
  });

  it('a listing without jobs is read as empty, whether its field `jobs` is an empty list or missing', async () => {
    for (const stats of [{ count: 0 }, { count: 0, jobs: [] }])
      expect((await reading(one({}, {}, { stats }), (cluster) => cluster.jobStats(never))).result).toEqual(
        [],
      );
  });

  it('a job whose stats are listed twice has no known state, so that it is kept', async () => {
    const twice = listOf('jobs', [statsOf('job-a'), statsOf('job-b'), statsOf('job-a')]);
    const answers = answersFor(
      ['job-a', 'job-b'].map((id) => ({ config: configOf(id), stats: statsOf(id) })),
      { stats: twice },
    );
    const { result } = await reading(answers, async (cluster) =>
      joinInventory({
        configs: await cluster.jobConfigs(never),
        stats: await cluster.jobStats(never),
        datafeeds: await cluster.datafeedStats(never),
        readAt: answeredAt,
      }),
    );
    expect(result.map(({ jobId, state }) => [jobId, state])).toEqual([
      ['job-a', undefined],
      ['job-b', 'opened'],
    ]);
  });
});

describe('an answer to a request that names jobs', () => {
  it('an answer with status 200 that leaves out a requested job is refused, so that the job does not count as deleted', async () => {
    const read = (cluster: ElasticsearchCluster) => cluster.jobStats(never, ids('job-a', 'job-b'));
    await expect(reading(one(), read)).rejects.toMatchObject(
      unreadable(/job-b was requested, but jobs does not list it/),
    );
  });

  it('if a requested job is deleted before a retry, a read by ids returns the other requested jobs', async () => {
    let requestCount = 0;
    const { result } = await reading(
      (exchange) => {
        requestCount += 1;
        if (requestCount === 2) {
          const reason = "No known job with id 'job-b'";
          exchange.json({ error: { type: 'resource_not_found_exception', reason }, status: 404 }, 404);
        } else respondWith(one(), exchange);
      },
      (cluster) => cluster.jobStats(never, ids('job-a', 'job-b')),
    );
    expect(result.map(({ jobId }) => jobId)).toEqual(['job-a']);
    expect(requestCount).toBe(3);
  });

  const notFound =
    (reason: string) =>
    ({ json }: Exchange) =>
      json({ error: { type: 'resource_not_found_exception', reason }, status: 404 }, 404);

  it('a read by ids reads the whole listing after a 404 that names none of the requested jobs', async () => {
    const elsewhere = notFound("No known job with id 'another'");
    const { result, requests } = await reading(
      (exchange) => (exchange.path.includes('job-') ? elsewhere(exchange) : respondWith(one(), exchange)),
      (cluster) => cluster.jobStats(never, ids('job-a', 'job-b')),
    );
    expect(result.map(({ jobId }) => jobId)).toEqual(['job-a']);
    expect(requests.map(({ path }) => path)).toEqual([
      '/_ml/anomaly_detectors/job-a,job-b/_stats',
      '/_ml/anomaly_detectors/_stats',
    ]);
  });

  it('a read by ids fails if its request and then the request for the whole listing are answered with 404', async () => {
    const nothing = notFound("No known job with id 'another'");
    await expect(reading(nothing, (cluster) => cluster.jobStats(never, ids('job-a')))).rejects.toMatchObject({
      name: 'NotElasticsearchError',
    });
    await expect(reading(nothing, (cluster) => cluster.datafeedStats(never))).rejects.toMatchObject({
      name: 'NotElasticsearchError',
    });
  });

  it('a read by ids fails if the answer lists a job twice', async () => {
    const answers = one(
      {},
      {},
      { stats: listOf('jobs', [statsOf('job-a'), statsOf('job-a', { state: 'closed' })]) },
    );
    await expect(reading(answers, (cluster) => cluster.jobStats(never, ids('job-a')))).rejects.toMatchObject(
      unreadable(/jobs lists an id twice/),
    );
  });
});

describe('the stats of a job', () => {
  it('every field of a job’s stats is read', async () => {
    expect(await statsRead({})).toEqual({
      jobId: 'job-a',
      state: 'opened',
      nodeId: '2spCyo1pRi2Ajo-j-_dnPX',
      nodeName: 'ml-0',
      openForMs: 30 * 86_400_000,
      lastDataTime: answeredAt - 5 * 86_400_000,
      latestRecordTime: answeredAt - 5 * 86_400_000 - 60_000,
      modelBytes: 11_263_372,
      runningForecasts: 0,
    });
  });

  const size = (basis: string) => ({
    model_size_stats: { model_bytes: 5, peak_model_bytes: 7, assignment_memory_basis: basis },
  });
  const counts = (changes: Json) => ({ data_counts: { ...statsOf('x').data_counts, ...changes } });
  it.each<[string, Json, string]>([
    ['no state', { state: undefined }, 'state is missing'],
    ['null for a state', { state: null }, 'state is null'],
    ['no counts', { data_counts: undefined }, 'the record counts of data_counts are missing'],
    [
      'data counts without any number',
      { data_counts: { job_id: 'job-a' } },
      'the record counts of data_counts are missing',
    ],
    [
      'processed data without a time of arrival',
      counts({ last_data_time: undefined }),
      'data_counts.last_data_time is missing, though records were counted',
    ],
    ['null for the time of arrival', counts({ last_data_time: null }), 'data_counts.last_data_time is null'],
    [
      'a text for the time of arrival',
      counts({ last_data_time: '2026-11-23' }),
      'data_counts.last_data_time is "2026-11-23"',
    ],
    ['a negative time of arrival', counts({ last_data_time: -1 }), 'data_counts.last_data_time is -1'],
    [
      'a time of arrival in 1970',
      counts({ last_data_time: 86_400_000 }),
      'data_counts.last_data_time is 86400000',
    ],
    [
      'an input record without a time of arrival',
      counts({ last_data_time: undefined, input_record_count: 0, processed_record_count: 0 }),
      'data_counts.last_data_time is missing, though records were counted',
    ],
    ['a number for how long the job is open', { open_time: 93_784 }, 'open_time is 93784'],
    ['words for how long the job is open', { open_time: 'long' }, 'open_time is "long"'],
    ['a fraction for how long the job is open', { open_time: '1.5s' }, 'open_time is "1.5s"'],
    [
      'an impossibly long time for how long the job is open',
      { open_time: '999999999999d' },
      'open_time is "999999999999d"',
    ],
    ['no forecasts', { forecasts_stats: undefined }, 'forecasts_stats.total is missing'],
    [
      'forecasts without their states',
      { forecasts_stats: { total: 2, forecasted_jobs: 1 } },
      'forecasts_stats.status does not say the state of each forecast',
    ],
    [
      'more forecasts than states',
      { forecasts_stats: { total: 2, status: { finished: 1 } } },
      'forecasts_stats.status does not say the state of each forecast',
    ],
    [
      'words for a count of forecasts',
      { forecasts_stats: { total: 1, status: { started: 'one' } } },
      'forecasts_stats.status is "one"',
    ],
    ['a text for the node', { node: 'ml-0' }, 'node is "ml-0"'],
    [
      'a node but no open time, while the job is closing',
      { state: 'closing', open_time: undefined },
      'open_time is missing, although node is present',
    ],
    ['a very long list for the state', { state: ['x'.repeat(500)] }, `state is ["${'x'.repeat(37)}…`],
  ])(
    'job stats count as unreadable if they hold %s, so that the job is kept',
    async (_what, changes, field) => {
      expect(await statsRead(changes)).toMatchObject({ unreadable: field });
    },
  );

  it.each<[string, Json, object]>([
    [
      'no data yet',
      { data_counts: { input_record_count: 0, processed_record_count: 0 } },
      { lastDataTime: undefined },
    ],
    [
      'no data yet, and only one of the two counts',
      { data_counts: { processed_record_count: 0 } },
      { lastDataTime: undefined },
    ],
    ['no process', { node: undefined, open_time: undefined }, { openForMs: undefined, nodeId: undefined }],
    [
      'a process that ended while the job is closing',
      { state: 'closing', node: undefined, open_time: undefined },
      { state: 'closing' },
    ],
    ['a node without a name', { node: undefined }, { nodeId: undefined, openForMs: 30 * 86_400_000 }],
    [
      'forecasts that have ended',
      { forecasts_stats: { total: 4, status: { finished: 2, failed: 1, stopped: 1 } } },
      { runningForecasts: 0 },
    ],
    [
      'forecasts in states that only a later version knows',
      { forecasts_stats: { total: 4, status: { finished: 1, paused: 2, STARTED: 1 } } },
      { runningForecasts: 3 },
    ],
    [
      'running forecasts',
      { forecasts_stats: { total: 3, status: { scheduled: 1, started: 1, failed: 1 } } },
      { runningForecasts: 2 },
    ],
    ['a state that only a later version knows', { state: 'hibernating' }, { state: 'hibernating' }],
    ['a time of arrival in the far future', counts({ last_data_time: 9e18 }), { lastDataTime: 9e18 }],
    [
      'a model larger than any memory',
      { model_size_stats: { model_bytes: 1e300 } },
      { modelBytes: undefined },
    ],
    [
      'a model size that is not a number',
      { model_size_stats: { model_bytes: '11mb' } },
      { modelBytes: undefined },
    ],
    ['no model', { model_size_stats: undefined }, { modelBytes: undefined, memoryBasis: undefined }],
    ['the memory basis of a settled job', size('current_model_bytes'), { modelBytes: 5, memoryBasis: 5 }],
    [
      'the memory basis of a job that was larger before',
      size('peak_model_bytes'),
      { modelBytes: 5, memoryBasis: 7 },
    ],
    ['the memory basis of a young job', size('model_memory_limit'), { modelBytes: 5, memoryBasis: 'limit' }],
    [
      'a memory basis that only a later version knows',
      size('mean_model_bytes'),
      { modelBytes: 5, memoryBasis: undefined },
    ],
    [
      'no memory basis and an empty model',
      { model_size_stats: { model_bytes: 0 } },
      { modelBytes: 0, memoryBasis: 'limit' },
    ],
    [
      'no memory basis, although there is a model',
      { model_size_stats: { model_bytes: 5 } },
      { memoryBasis: undefined },
    ],
    [
      'a node with a very long name',
      { node: { id: 'n', name: 'x'.repeat(10_000) } },
      { nodeName: 'x'.repeat(255) },
    ],
  ])(
    'job stats with %s are readable, and a missing or impossible value counts as unknown',
    async (_what, changes, expected) => {
      const stats = await statsRead(changes);
      expect(stats).toMatchObject(expected);
      expect(stats).not.toHaveProperty('unreadable');
    },
  );
});

describe('datafeed stats', () => {
  const fed = (feed: Json, changes: Partial<MlAnswers> = {}) =>
    answersFor(
      [{ config: configOf('job-a'), stats: statsOf('job-a'), datafeed: datafeedOf('job-a', feed) }],
      changes,
    );
  const owners = (jobId: unknown) => listOf('datafeeds', [{ datafeed_id: 'datafeed-job-a', job_id: jobId }]);
  const read = (cluster: ElasticsearchCluster) => cluster.datafeedStats(never);

  it.each<[string, Json]>([
    ['do not name their job', { timing_stats: undefined }],
    ['name their job with a number instead of a string', { timing_stats: { job_id: 7 } }],
    ['name a job with an empty id', { timing_stats: { job_id: '' } }],
    ['name a job with an invalid id', { timing_stats: { job_id: '<script>' } }],
  ])('for datafeed stats that %s, the job is taken from the datafeed’s config', async (_what, feed) => {
    const answers = fed({ ...runningFeed, ...feed }, { datafeedConfigs: owners('job-a') });
    const { result, requests } = await reading(answers, read);
    expect(result).toEqual([
      { datafeedId: 'datafeed-job-a', jobId: 'job-a', state: 'started', lookback: 'done' },
    ]);
    expect(requests.map(({ path }) => path)).toEqual([
      '/_ml/datafeeds/_stats',
      '/_ml/datafeeds/datafeed-job-a',
    ]);
  });

  it('datafeed stats are refused as unreadable if neither they nor the datafeed’s config name the job', async () => {
    for (const owner of [undefined, null, '', 7, 'job a', '*'])
      await expect(
        reading(fed({ timing_stats: undefined }, { datafeedConfigs: owners(owner) }), read),
      ).rejects.toMatchObject(unreadable(/does not say which job the datafeed datafeed-job-a feeds/));
  });

  it('the stats of a datafeed are skipped if the datafeed is deleted before its config is read', async () => {
    const { result } = await reading((exchange) => {
      const reason = 'No datafeed with id [datafeed-job-a] exists';
      if (exchange.path === '/_ml/datafeeds/datafeed-job-a')
        exchange.json({ error: { type: 'resource_not_found_exception', reason }, status: 404 }, 404);
      else respondWith(fed({ timing_stats: undefined }), exchange);
    }, read);
    expect(result).toEqual([]);
  });

  it('an error about datafeed stats contains no control characters from the datafeed’s id', async () => {
    const id = 'feed\u001b[2J';
    const answers = fed(
      { datafeed_id: id, timing_stats: undefined },
      { datafeedConfigs: listOf('datafeeds', [{ datafeed_id: id }]) },
    );
    await expect(reading(answers, read)).rejects.toMatchObject(
      unreadable(/the datafeed feed\\u\{1b\}\[2J feeds/),
    );
  });

  it.each<[string, Json, object]>([
    ['is stopped', {}, { state: 'stopped', lookback: 'unknown' }],
    ['runs in real time', runningFeed, { state: 'started', lookback: 'done' }],
    [
      'still reads past data',
      { state: 'started', running_state: { real_time_configured: true, real_time_running: false } },
      { lookback: 'running' },
    ],
    [
      'has an end',
      { state: 'started', running_state: { real_time_configured: false, real_time_running: false } },
      { lookback: 'running' },
    ],
    [
      'comes from a server that sends no running state',
      { state: 'started' },
      { state: 'started', lookback: 'unknown' },
    ],
    [
      'has only half of the running state',
      { state: 'started', running_state: { real_time_running: true } },
      { lookback: 'unknown' },
    ],
    ['has no state', { state: undefined }, { state: 'unknown' }],
    ['has a state that is not a string', { state: 1 }, { state: 'unknown' }],
  ])('datafeed stats are read for a datafeed that %s', async (_what, feed, expected) => {
    expect((await reading(fed(feed), read)).result).toMatchObject([expected]);
  });
});

describe('the config of a job', () => {
  const configRead = async (config: Json) => {
    const { result } = await reading(one({}, config), (cluster) => cluster.jobConfigs(never));
    return result;
  };

  it.each<[string, Json, string]>([
    ['null for its groups', { groups: null }, 'groups is null'],
    ['a text for its groups', { groups: 'web' }, 'groups is "web"'],
    ['a number among its groups', { groups: ['web', 7] }, 'groups is ["web",7]'],
    ['null for its custom settings', { custom_settings: null }, 'custom_settings is null'],
    ['a list for its custom settings', { custom_settings: [] }, 'custom_settings is []'],
    [
      'null for the field that names the app that manages the job',
      { custom_settings: { managed: null } },
      'custom_settings.managed is null',
    ],
    ['null for its datafeed', { datafeed_config: null }, 'datafeed_config is null'],
    [
      'a datafeed without an id',
      { datafeed_config: { job_id: 'job-a' } },
      'datafeed_config.datafeed_id is missing',
    ],
  ])(
    'a job config counts as unreadable if it holds %s, so that the job is kept',
    async (_what, config, field) => {
      expect(await configRead(config)).toMatchObject([{ jobId: 'job-a', unreadable: field }]);
    },
  );

  it('a job config may contain a datafeed id longer than any job id', async () => {
    const datafeed_id = `datafeed-${'x'.repeat(64)}`;
    const [config] = await configRead({ datafeed_config: { datafeed_id } });
    expect(config).toMatchObject({ datafeedId: datafeed_id });
    expect(config).not.toHaveProperty('unreadable');
  });

  it('if one group of a job is unreadable, the job’s other groups still apply', async () => {
    expect(await configRead({ groups: ['web', 7] })).toMatchObject([
      { groups: ['web'], unreadable: 'groups is ["web",7]' },
    ]);
  });

  it.each<[string, Json, string | undefined]>([
    ['no field', {}, undefined],
    ['deleting: false', { deleting: false }, undefined],
    ['deleting: true', { deleting: true }, 'delete'],
    ['a text for deleting', { deleting: 'maybe' }, 'delete'],
    ['null for deleting', { deleting: null }, 'delete'],
    ['blocked, with a reason', { blocked: { reason: 'revert' } }, 'revert'],
    ['blocked, with a reason that only a later version knows', { blocked: { reason: 'audit' } }, 'audit'],
    ['blocked, without a reason', { blocked: { task_id: 'n:1' } }, 'unknown'],
    ['null for blocked', { blocked: null }, 'unknown'],
  ])(
    'a job counts as blocked if its config says so or is unclear, and otherwise not: %s',
    async (_what, config, expected) => {
      expect(await configRead(config)).toMatchObject([{ blocked: expected }]);
    },
  );
});
