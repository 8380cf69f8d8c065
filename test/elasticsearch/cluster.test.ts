import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import {
  defaultFleet,
  type EmbeddedElasticsearch,
  type Fleet,
  type FleetJob,
  startElasticsearch,
} from '../../simulator/elasticsearch/index.ts';
import { type Stack, stacks } from '../../simulator/elasticsearch/versions.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { JobId } from '../../src/sweep/planning/concrete-id.ts';
import { sized } from '../support/nightly.ts';

const never = () => new AbortController().signal;
const idsOf = (jobs: readonly { jobId: string }[]) => jobs.map(({ jobId }) => jobId).sort();
const ids = (...names: string[]) => names as JobId[];

interface Here extends AsyncDisposable {
  readonly server: EmbeddedElasticsearch;
  readonly cluster: ElasticsearchCluster;
  readonly clock: VirtualClock;
}

async function start(
  fleet: Fleet | ((now: number) => Fleet),
  options: { stack?: Stack; apiKey?: string } = {},
): Promise<Here> {
  const clock = new VirtualClock();
  const tracking = trackHttp(clock);
  const server = await startElasticsearch({
    clock,
    fleet: typeof fleet === 'function' ? fleet(clock.now()) : fleet,
    ...(options.stack && { stack: options.stack }),
  });
  const { apiKey } = options;
  const cluster = new ElasticsearchCluster(
    { address: { url: server.url }, ...(apiKey !== undefined && { credentials: { apiKey } }) },
    clock,
  );
  return {
    server,
    cluster,
    clock,
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]();
      await server.stop();
      tracking[Symbol.dispose]();
      clock[Symbol.dispose]();
    },
  };
}

describe.each(stacks)('an Elasticsearch %s', (stack) => {
  const fleet: Fleet = {
    users: [{ username: 'owner', password: 'pass-word', cluster: ['all'] }],
    apiKeys: [{ id: 'sweeper', key: 'the-key', owner: 'owner', cluster: ['manage_ml'] }],
    jobs: [
      {
        jobId: 'web-1',
        groups: ['web'],
        lastData: '5d',
        datafeed: { state: 'stopped' },
        customSettings: { managed: true, jobsweep: { protect: true }, created_by: 'app' },
      },
      { jobId: 'web-2', lastData: '1m', datafeed: { state: 'started', source: { every: '10s' } } },
      { jobId: 'never', openedAt: '3d' },
      { jobId: 'done', state: 'closed', lastData: '9d' },
    ],
  };
  const apiKey = Buffer.from('sweeper:the-key').toString('base64');

  it('ElasticsearchCluster lists all jobs and datafeeds, and closes a job', async () => {
    await using here = await start(fleet, { stack, apiKey });
    const { cluster, server } = here;
    // a key whose only privilege is manage_ml may not read GET /
    expect(await cluster.identify(never())).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      version: null,
    });
    expect(await cluster.mayClose(never())).toBe(true);
    expect(await cluster.upgradeMode(never())).toBe(false);
    const [configs, stats, feeds] = await Promise.all([
      cluster.jobConfigs(never()),
      cluster.jobStats(never()),
      cluster.datafeedStats(never()),
    ]);
    expect(configs.find(({ jobId }) => jobId === 'web-1')).toEqual({
      jobId: 'web-1',
      groups: ['web'],
      blocked: undefined,
      datafeedId: 'datafeed-web-1',
      protection: { jobsweep: { protect: true } },
      managed: true,
      memoryLimit: 64 * 2 ** 20,
    });
    expect(idsOf(configs)).toEqual(['done', 'never', 'web-1', 'web-2']);
    expect(idsOf(stats)).toEqual(['done', 'never', 'web-1', 'web-2']);
    expect(stats.filter(({ unreadable }) => unreadable)).toEqual([]);
    expect(stats.find(({ jobId }) => jobId === 'never')).toMatchObject({
      state: 'opened',
      lastDataTime: undefined,
      openForMs: 3 * 86_400_000,
    });
    expect(feeds.map(({ jobId, state, lookback }) => ({ jobId, state, lookback }))).toEqual([
      { jobId: 'web-1', state: 'stopped', lookback: 'unknown' },
      { jobId: 'web-2', state: 'started', lookback: 'done' },
    ]);
    const options = { force: false, timeoutMs: 60_000, signal: never() };
    expect(await cluster.close([...ids('never')] as unknown as [JobId], options)).toEqual({
      kind: 'acknowledged',
    });
    expect(server.cluster.job('never')).toMatchObject({ state: 'closed', closedCleanly: true });
    expect(cluster.warnings()).toEqual([]);
  });

  it('a key with the privileges monitor and manage_ml reads the cluster’s version and upgrade mode', async () => {
    const cluster = ['monitor', 'manage_ml'];
    const apiKeys = [{ id: 'sweeper', key: 'the-key', owner: 'owner', cluster }];
    await using here = await start({ ...fleet, apiKeys, upgradeMode: true }, { stack, apiKey });
    expect((await here.cluster.identify(never())).version?.startsWith(stack)).toBe(true);
    expect(await here.cluster.upgradeMode(never())).toBe(true);
  });

  it('the cluster refuses a wrong key, and a key without monitor_ml', async () => {
    const wrong = Buffer.from('sweeper:another').toString('base64');
    await using here = await start(fleet, { stack, apiKey: wrong });
    await expect(here.cluster.jobStats(never())).rejects.toMatchObject({
      name: 'AccessDeniedError',
      status: 401,
    });
    expect(here.server.requests).toHaveLength(1);
    const powerless = { ...fleet, apiKeys: [{ id: 'sweeper', key: 'the-key', owner: 'owner', cluster: [] }] };
    await using other = await start(powerless, { stack, apiKey });
    await expect(other.cluster.jobStats(never())).rejects.toMatchObject({
      name: 'AccessDeniedError',
      status: 403,
      message: expect.stringContaining('monitor_ml'),
    });
  });
});

it('no request is sent if the list of ids is empty', async () => {
  await using here = await start({ jobs: [{ jobId: 'a', datafeed: { state: 'stopped' } }] });
  expect(await here.cluster.jobConfigs(never(), [])).toEqual([]);
  expect(await here.cluster.jobStats(never(), [])).toEqual([]);
  expect(await here.cluster.datafeedStats(never(), [])).toEqual([]);
  expect(here.server.requests).toHaveLength(0);
});

describe('ids that no longer exist', () => {
  const jobs: FleetJob[] = ['a', 'b', 'c'].map((jobId) => ({
    jobId,
    lastData: '5d',
    datafeed: { state: 'stopped' },
  }));

  it('ids that no longer exist are skipped, both for jobs and datafeeds', async () => {
    await using here = await start({ jobs });
    const { cluster } = here;
    expect(idsOf(await cluster.jobStats(never(), ids('a', 'gone', 'c', 'gone-2')))).toEqual(['a', 'c']);
    expect(idsOf(await cluster.jobConfigs(never(), ids('gone', 'b')))).toEqual(['b']);
    expect(idsOf(await cluster.datafeedStats(never(), ['datafeed-a', 'datafeed-gone']))).toEqual(['a']);
  });

  it('a read by ids is empty if none of the ids exist any more', async () => {
    await using here = await start({ jobs });
    expect(await here.cluster.jobStats(never(), ids('x', 'y'))).toEqual([]);
    expect(await here.cluster.datafeedStats(never(), ['x'])).toEqual([]);
    expect(here.server.requests).toHaveLength(2);
  });

  it('a read by ids skips all missing ids, even if the 404 names too many to show in an error message', async () => {
    const long = Array.from({ length: 120 }, (_, index) => `${'x'.repeat(60)}-${100 + index}`);
    await using here = await start({ jobs });
    const { cluster, server } = here;
    expect(idsOf(await cluster.jobStats(never(), ids(...long, 'a')))).toEqual(['a']);
    expect(server.requests.length).toBeLessThanOrEqual(4);
    expect(Math.max(...server.requests.map(({ lineBytes }) => lineBytes))).toBeLessThanOrEqual(4_096);
  });
});

// Numbers of jobs below, at and above the size limit of a listing. large-clusters.test.ts sweeps clusters of the first
// two sizes on every push.
const sizes = sized({ push: [12_000], nightly: [9_999, 10_000, 12_000] });

describe.each(sizes)('a cluster of %i jobs', (count) => {
  let here: Here;
  const jobIds = Array.from({ length: count }, (_, index) => `fleet-${String(index).padStart(5, '0')}`);

  beforeAll(async () => {
    here = await start({
      jobs: jobIds.map(
        (jobId, index): FleetJob => ({
          jobId,
          groups: index % 3 === 0 ? ['fle'] : ['prod'],
          state: index % 10 === 0 ? 'opened' : 'closed',
          lastData: '5d',
          ...(index % 2 === 0 && { datafeed: { state: 'stopped' } }),
        }),
      ),
    });
  });
  afterAll(() => here[Symbol.asyncDispose]());

  it('a large cluster is listed completely, each job and each datafeed once', async () => {
    const { cluster, server } = here;
    const [configs, stats, feeds] = await Promise.all([
      cluster.jobConfigs(never()),
      cluster.jobStats(never()),
      cluster.datafeedStats(never()),
    ]);
    expect(idsOf(configs)).toEqual(jobIds);
    expect(idsOf(stats)).toEqual(jobIds);
    expect(idsOf(feeds)).toEqual(jobIds.filter((_id, index) => index % 2 === 0));
    expect(server.requests.length).toBeLessThanOrEqual(count < 10_000 ? 3 : 70);
    expect(
      server.requests.every(
        ({ status, lineBytes }) => lineBytes <= 4_096 && (status === 200 || status === 404),
      ),
    ).toBe(true);
  });
});

describe('the size of the job stats', () => {
  it('the job stats that a sweep reads are at most a quarter of the size of the unfiltered answer', async () => {
    await using here = await start(defaultFleet);
    const { cluster, server } = here;
    await cluster.jobStats(never());
    const whole = await fetch(`${server.url}/_ml/anomaly_detectors/_stats`);
    const wholeBytes = (await whole.text()).length;
    const filteredBytes = server.requests[0]?.responseBytes ?? Number.NaN;
    expect(filteredBytes / wholeBytes).toBeLessThanOrEqual(0.25);
  });
});
