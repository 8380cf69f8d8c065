/** Tests `SimulatedCluster`: reading the actual state, and changing it from outside. */
import { describe, expect, test, vi } from 'vitest';
import { type Fleet, SimulatedCluster, VirtualClock } from '../../../simulator/index.ts';

const hour = 3_600_000;
const day = 24 * hour;

function setup(jobs: Fleet['jobs'] = [], fleet: Fleet = {}) {
  const clock = new VirtualClock();
  const cluster = new SimulatedCluster(clock, { ...fleet, jobs }, '9.2', 1);
  return { clock, cluster, states: (id: string) => cluster.job(id)?.stateHistory.map(({ state }) => state) };
}

describe('a job of a fleet', () => {
  test('a job of a fleet has the times and the state that the fleet describes', () => {
    const { clock, cluster } = setup([
      {
        jobId: 'a',
        groups: ['web'],
        openedAt: '10d',
        lastData: '3d',
        latestRecord: '4d',
        modelBytes: '20mb',
        node: 'ml-1',
        datafeed: { datafeedId: 'df', state: 'started' },
      },
    ]);

    expect(cluster.job('a')).toMatchObject({
      jobId: 'a',
      state: 'opened',
      groups: ['web'],
      openedAt: clock.now() - 10 * day,
      lastDataTime: clock.now() - 3 * day,
      latestRecordTime: clock.now() - 4 * day,
      modelBytes: 20 * 2 ** 20,
      node: 'ml-1',
      closedCleanly: false,
      forced: false,
      datafeed: { datafeedId: 'df', state: 'started' },
    });
  });

  test('a fleet may give the times of a job as ages, instants or numbers', () => {
    const { clock, cluster } = setup([
      { jobId: 'age', lastData: '90m' },
      { jobId: 'instant', lastData: '2026-11-20T00:00:00Z' },
      { jobId: 'number', lastData: 1_700_000_000_000 },
      { jobId: 'now', lastData: 'now' },
      { jobId: 'never' },
    ]);

    expect(cluster.jobs().map(({ jobId, lastDataTime }) => [jobId, lastDataTime])).toEqual([
      ['age', clock.now() - 90 * 60_000],
      ['instant', Date.parse('2026-11-20T00:00:00Z')],
      ['never', undefined],
      ['now', clock.now()],
      ['number', 1_700_000_000_000],
    ]);
  });

  test('a job of a fleet is refused if its node does not exist', () => {
    expect(() => setup([{ jobId: 'a', node: 'nowhere' }])).toThrow(
      'job a: there is no node "nowhere"; the nodes are ml-0, ml-1, ml-2',
    );
  });

  test('the id of a simulated cluster is the same for the same seed, and differs for another seed', () => {
    const ids = (seed: number) =>
      new SimulatedCluster(new VirtualClock(), { jobs: [{ jobId: 'a' }] }, '9.2', seed).cluster.uuid;

    expect(ids(1)).toBe(ids(1));
    expect(ids(1)).not.toBe(ids(2));
  });
});

describe('a simulated cluster with other users', () => {
  test('a job that another user closes is `closing` until its process has ended, and then `closed`', async () => {
    const { clock, cluster, states } = setup([{ jobId: 'a', lastData: '3d', closeTakes: '1m' }]);

    cluster.closeJob('a');
    expect(cluster.job('a')?.state).toBe('closing');
    await clock.advance(2 * 60_000);

    expect(cluster.job('a')).toMatchObject({
      state: 'closed',
      closedCleanly: true,
      closedAt: clock.now() - 60_000 + 150,
    });
    expect(states('a')).toEqual(['opened', 'closing', 'closed']);
  });

  test('a job can be closed with force, opened again and deleted by another user', async () => {
    const { clock, cluster } = setup([{ jobId: 'a', lastData: '3d' }]);

    cluster.forceCloseJob('a');
    expect(cluster.job('a')).toMatchObject({ state: 'closed', forced: true, closedCleanly: false });
    cluster.openJob('a');
    await clock.advance(10_000);
    expect(cluster.job('a')).toMatchObject({
      state: 'opened',
      forced: false,
      lastDataTime: clock.now() - 10_000 - 3 * day,
    });
    cluster.removeJob('a');
    expect(cluster.job('a')).toBeUndefined();
    expect(cluster.jobIds).toEqual([]);
  });

  test('a job that another user puts into the simulated cluster replaces a job with the same id', () => {
    const { cluster } = setup([{ jobId: 'a', lastData: '3d', datafeed: {} }]);

    cluster.putJob({ jobId: 'a', state: 'failed', reason: 'oom' });
    cluster.putJob({ jobId: 'b' });

    expect(cluster.jobs().map(({ jobId, state, datafeed }) => [jobId, state, datafeed])).toEqual([
      ['a', 'failed', undefined],
      ['b', 'opened', undefined],
    ]);
  });

  test('a job without a datafeed can get data from another user', () => {
    const { clock, cluster } = setup([{ jobId: 'a', lastData: '3d' }]);

    cluster.receiveData('a', { records: 5, latest: clock.now() - hour });

    expect(cluster.job('a')).toMatchObject({
      lastDataTime: clock.now(),
      latestRecordTime: clock.now() - hour,
    });
  });

  test('a simulated cluster can make the close of a job fail, never end, or take a given time', async () => {
    const { clock, cluster } = setup(['never', 'fails', 'long'].map((jobId) => ({ jobId, lastData: '3d' })));
    cluster.setCloseDuration('never', 'never');
    cluster.setCloseDuration('fails', { fails: 'disk full' });
    cluster.setCloseDuration('long', 10 * hour);

    for (const id of cluster.jobIds) cluster.closeJob(id);
    await clock.advance(9 * hour);
    expect(cluster.jobs().map(({ state }) => state)).toEqual(['failed', 'closing', 'closing']);
    await clock.advance(2 * hour);
    expect(cluster.jobs().map(({ state }) => state)).toEqual(['failed', 'closed', 'closing']);
  });

  test('a second close by another user joins the close in progress', async () => {
    const { clock, cluster, states } = setup([{ jobId: 'a', lastData: '3d', closeTakes: '1m' }]);

    cluster.closeJob('a');
    cluster.closeJob('a');
    await clock.advance(hour);

    expect(states('a')).toEqual(['opened', 'closing', 'closed']);
  });
});

describe('a forecast', () => {
  test('a forecast in a simulated cluster runs for the given duration', async () => {
    const { clock, cluster } = setup([{ jobId: 'a', lastData: '1h' }]);

    cluster.startForecast('a', { takes: 60_000 });
    await clock.advance(30_000);
    expect(cluster.job('a')?.runningForecasts).toBe(1);
    await clock.advance(31_000);

    expect(cluster.job('a')?.runningForecasts).toBe(0);
  });
});

describe('a fleet made in code', () => {
  test.each([
    [{ lastData: 'yesterday' }, 'expected a moment'],
    [{ closeTakes: 'two minutes' }, 'expected a duration'],
    [{ datafeed: { state: 'started', source: { every: 'often' } } }, 'expected a duration'],
  ] as const)(
    'the invalid job description %j is refused, even if it comes from code and no schema has validated it',
    (description, message) => {
      expect(() => setup([{ jobId: 'a', ...description }])).toThrow(message);
    },
  );
});

describe('nodes that leave and join the cluster', () => {
  test('jobs lose no data when their node shuts down cleanly, but do when their node crashes', async () => {
    const fed = { datafeed: { state: 'started' as const, source: { every: '30s' } }, lastData: '1m' };
    const { clock, cluster } = setup([
      { jobId: 'a', node: 'ml-0', ...fed },
      { jobId: 'b', node: 'ml-1', ...fed },
    ]);
    await clock.advance(6 * hour);
    const before = cluster.jobs().map(({ latestRecordTime }) => latestRecordTime ?? 0);

    cluster.removeNode('ml-0');
    cluster.crashNode('ml-1');
    await clock.advance(2_050);

    const [a = 0, b = 0] = cluster.jobs().map(({ latestRecordTime }) => latestRecordTime);
    expect(a).toBe(before[0]);
    expect(b).toBeLessThan((before[1] ?? 0) - 5 * hour);
  });

  test('jobs of a lost node move to another node with a new process', async () => {
    const { clock, cluster } = setup([
      { jobId: 'a', node: 'ml-0', openedAt: '5d' },
      { jobId: 'b', node: 'ml-1', openedAt: '5d' },
    ]);

    cluster.crashNode('ml-0');
    expect(cluster.job('a')).toMatchObject({ state: 'opened', openedAt: undefined });
    await clock.advance(60_000);

    expect(cluster.job('a')?.node).not.toBe('ml-0');
    expect(cluster.job('a')?.openedAt).toBeGreaterThan(clock.now() - 60_000);
    expect(cluster.job('b')?.openedAt).toBe(clock.now() - 60_000 - 5 * day);
  });

  test('if the last node leaves the cluster, its jobs wait until another node joins', async () => {
    const { clock, cluster } = setup([{ jobId: 'a' }], { nodes: [{ name: 'only' }] });

    cluster.crashNode('only');
    await clock.advance(hour);
    expect(cluster.job('a')).toMatchObject({ state: 'opened', node: undefined, openedAt: undefined });
    cluster.addNode({ name: 'another' });
    await clock.advance(60_000);

    expect(cluster.job('a')).toMatchObject({ state: 'opened', node: 'another' });
  });

  test('when a node crashes, its failed jobs stay `failed`, and its closing jobs become `closed`', async () => {
    const { clock, cluster } = setup([
      { jobId: 'failed', node: 'ml-0', state: 'failed' },
      { jobId: 'closing', node: 'ml-0', state: 'closing', lastData: '1d', closeTakes: 'never' },
    ]);

    cluster.crashNode('ml-0');
    await clock.advance(60_000);

    expect(cluster.job('failed')?.state).toBe('failed');
    expect(cluster.job('closing')).toMatchObject({ state: 'closed', closedCleanly: false });
  });

  test('jobs do not move while persistent task assignment is disabled', async () => {
    const { clock, cluster } = setup([{ jobId: 'a', node: 'ml-0' }]);
    cluster.setSetting('cluster.persistent_tasks.allocation.enable', 'none');

    cluster.crashNode('ml-0');
    await clock.advance(hour);
    expect(cluster.job('a')?.node).toBeUndefined();
    cluster.setSetting('cluster.persistent_tasks.allocation.enable', null);
    await clock.advance(60_000);

    expect(cluster.job('a')?.node).toBeDefined();
  });
});

describe('closing times', () => {
  const closingTimes = async (sizes: readonly number[], seed = 1) => {
    const clock = new VirtualClock();
    const nodes = [{ name: 'ml-0', memory: '1024gb', closeCapacity: 10_000 }];
    const jobs = sizes.map((modelBytes, index) => ({ jobId: `job-${index}`, lastData: '3d', modelBytes }));
    const cluster = new SimulatedCluster(clock, { nodes, jobs }, '9.2', seed);
    const start = clock.now();
    for (const id of cluster.jobIds) cluster.closeJob(id);
    await clock.advance(hour);
    return jobs.map(({ jobId }) => (cluster.job(jobId)?.closedAt ?? Number.NaN) - start - 150);
  };
  const quantile = (values: readonly number[], share: number) =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

  test('closing times have a median of about two seconds and a long tail for models of common size', async () => {
    const times = await closingTimes(Array.from({ length: 2_000 }, () => 16 * 2 ** 20));

    expect(quantile(times, 0.5)).toBeGreaterThan(1_700);
    expect(quantile(times, 0.5)).toBeLessThan(2_300);
    expect(quantile(times, 0.99)).toBeGreaterThan(15_000);
  });

  test('closing times are mostly longer for larger models', async () => {
    const small = await closingTimes(Array.from({ length: 500 }, () => 2 ** 20));
    const large = await closingTimes(Array.from({ length: 500 }, () => 512 * 2 ** 20));

    expect(quantile(large, 0.5)).toBeGreaterThan(4 * quantile(small, 0.5));
  });

  test('closing times depend only on the seed, not on other activity in the cluster', async () => {
    const sizes = [1, 10, 100].map((mb) => mb * 2 ** 20);

    expect(await closingTimes(sizes)).toEqual(await closingTimes(sizes));
    expect(await closingTimes(sizes)).not.toEqual(await closingTimes(sizes, 2));
  });

  test('the close of a job without data takes less than a second', async () => {
    const { clock, cluster } = setup([{ jobId: 'a' }]);
    cluster.closeJob('a');
    await clock.advance(1_000);

    expect(cluster.job('a')?.state).toBe('closed');
  });
});

describe('the simulator', () => {
  test('the simulator schedules no event during a day in which ten thousand datafeeds read 28,800,000 records', async () => {
    const { clock, cluster } = setup(
      Array.from({ length: 10_000 }, (_, index) => ({
        jobId: `job-${index}`,
        lastData: '1m',
        modelBytes: 2 ** 20,
        datafeed: { state: 'started' as const, source: { every: '30s' } },
      })),
      { nodes: Array.from({ length: 30 }, (_, index) => ({ name: `ml-${index}`, memory: '512gb' })) },
    );
    const events = vi.spyOn(clock, 'at');

    await clock.advance(day);

    expect(events).not.toHaveBeenCalled();
    expect(cluster.job('job-9999')?.lastDataTime).toBeGreaterThan(clock.now() - hour);
  });
});
