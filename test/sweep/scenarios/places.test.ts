/**
 * @module Tests `close.perNode`: how many jobs of a node close at a time, and how freed places are filled, over real
 * HTTP in simulated time.
 */
import { describe, expect, it } from 'vitest';
import type { FleetJob } from '../../../simulator/elasticsearch/index.ts';
import { isNightly, sized } from '../../support/nightly.ts';
import {
  busy,
  expectTruth,
  fateOf,
  idle,
  jobOf,
  type SweepSetup,
  startSetup,
} from '../../support/sweep-setup.ts';

const nodes = ['a', 'b', 'c'].map((name) => ({ name, closeCapacity: 4 }));

const request = (perNode: number, close: object = {}) => ({
  close: { concurrency: 32, batch: 20, perNode, ...close },
  fuse: { maxJobs: null, maxShare: null, massIdle: false },
});

/** Idle jobs on three nodes, whose sizes and close times are unrelated. */
const spreadJobs = (count: number): FleetJob[] =>
  idle(count).map((job, index) => ({
    ...job,
    node: nodes[index % 3]?.name ?? null,
    modelBytes: `${1 + ((index * 37) % 101)}mb`,
    closeTakes: `${500 + ((index * 7_919) % 12_000)}ms`,
  }));

/** The maximum number of these jobs that were closing at the same time. */
function maxClosingAtOnce({ cluster }: SweepSetup, jobIds: readonly string[]): number {
  const spans = jobIds.map((jobId) => {
    const history = cluster.job(jobId)?.stateHistory ?? [];
    const at = (state: string) => history.find((change) => change.state === state)?.at ?? Number.NaN;
    return { from: at('closing'), to: at('closed') };
  });
  return Math.max(
    ...spans.map(({ from }) => spans.filter((other) => other.from <= from && from < other.to).length),
  );
}

describe('a sweep with the default limit per node', () => {
  const sizes = [
    { name: 'a', processors: 16 },
    { name: 'b', processors: 5 },
    { name: 'c', processors: 1 },
  ];
  const fuse = request(1).fuse;

  const known = { a: 8, b: 2, c: 1 };
  it.each([
    ['9.2', known, 'own_node'],
    ['7.17', { a: 4, b: 4, c: 4 }, 'unknown'],
    ...(isNightly ? [['8.19', known, 'own_node'] as const] : []),
  ] as const)(
    'on Elasticsearch %s, a sweep with default settings closes at most this many jobs of each node at once, and reports why: %o',
    async (stack, places, because) => {
      const jobs = spreadJobs(36);
      await using setup = await startSetup([...jobs, ...busy(5)], { nodes: sizes }, { stack });
      const report = await setup.sweep({ fuse });
      expect(report.counts).toMatchObject({ closed: 36, errors: 0 });
      for (const [name, max] of Object.entries(places)) {
        const ofNode = jobs.filter(({ node }) => node === name).map(({ jobId }) => jobId);
        expect(maxClosingAtOnce(setup, ofNode), name).toBe(max);
      }
      const reported = report.places?.map((each) => [each.nodeName, each.places, each.because]);
      expect(reported).toEqual(Object.entries(places).map(([name, max]) => [name, max, because]));
    },
  );

  it('a request with close.perNode null sets no limit per node', async () => {
    await using setup = await startSetup([...spreadJobs(60), ...busy(5)], { nodes: sizes });
    const report = await setup.sweep({ close: { perNode: null }, fuse });
    expect(setup.closes().map((ids) => ids.length)).toEqual([20, 20, 20]);
    expect(report.places).toBeUndefined();
  });

  it('the report shows the time at which a job closed, not the later end of its close request', async () => {
    const jobs = [
      { jobId: 'slow', node: 'a', lastData: '9d', modelBytes: '50mb', closeTakes: '70s' },
      ...idle(6).map((job, index) => ({
        ...job,
        node: 'a',
        modelBytes: '50mb',
        closeTakes: `${8 * (index + 1)}s`,
      })),
    ];
    await using setup = await startSetup([...jobs, ...busy(5)], { nodes: sizes });
    const report = await setup.sweep({ fuse });
    expect(setup.closes()).toHaveLength(1);
    for (const { jobId } of jobs) {
      const closed = setup.cluster.job(jobId)?.closedAt ?? Number.NaN;
      const late = Date.parse(jobOf(report, jobId).closedAt ?? '') - closed;
      expect(late, jobId).toBeGreaterThanOrEqual(0);
      expect(late, jobId).toBeLessThanOrEqual(5_000);
      expect(Date.parse(jobOf(report, jobId).askedAt ?? '')).toBeLessThan(closed);
    }
  });
});

describe('a sweep with a limit per node', () => {
  it.each(sized({ push: [1, 3], nightly: [1, 3, 8] }))(
    'no more than %i jobs on each node close at once, and all jobs are closed',
    async (perNode) => {
      const jobs = spreadJobs(36);
      await using setup = await startSetup([...jobs, ...busy(5)], { nodes });
      const report = await setup.sweep(request(perNode));
      expect(report.status).toBe('done');
      expect(report.counts).toMatchObject({ closed: 36, errors: 0 });
      for (const { name } of nodes) {
        const ofNode = jobs.filter(({ node }) => node === name).map(({ jobId }) => jobId);
        expect(maxClosingAtOnce(setup, ofNode), name).toBe(perNode);
      }
      expectTruth(report, setup);
    },
  );

  it('each job gets only one close request, and the sweep sends at most 5 requests plus 5 per batch', async () => {
    await using setup = await startSetup(
      spreadJobs(120).map((job) => ({ ...job, datafeed: { state: 'stopped' } })),
      { nodes },
    );
    const report = await setup.sweep(request(5));
    expect(report.jobs.every(({ attempts, outcome }) => attempts === 1 && outcome === 'closed')).toBe(true);
    expect(setup.closes().flat()).toHaveLength(120);
    expect(setup.server.requests.length).toBeLessThanOrEqual(5 + 5 * setup.closeRequests().length);
  });

  it('the biggest jobs on each node are closed first, and each closed job makes room for the next biggest', async () => {
    const jobs = idle(8).map((job, index) => ({
      ...job,
      node: index % 2 === 0 ? 'a' : 'b',
      modelBytes: `${(8 - index) * 50}mb`,
      closeTakes: index === 0 ? '40s' : '3s',
    }));
    await using setup = await startSetup([...jobs, ...busy(20)], { nodes });
    await setup.sweep(request(2));
    expect(setup.closes()[0]).toEqual(['idle-0', 'idle-1', 'idle-2', 'idle-3']);
    // three places are free after three seconds, one of them on the node of the slow job
    expect(setup.closes().slice(1)).toEqual([['idle-4', 'idle-5', 'idle-7'], ['idle-6']]);
  });

  it('a waiting job is judged again right before its close, and stays open if it has new data', async () => {
    await using setup = await startSetup(
      [
        ...idle(3, { node: 'a', closeTakes: '20s', modelBytes: '50mb' }),
        { jobId: 'late', node: 'a', modelBytes: '1mb' },
        { jobId: 'deleted', node: 'a', modelBytes: '1mb' },
        ...busy(10),
      ],
      { nodes },
    );
    setup.clock.at(setup.clock.now() + 10_000, () => {
      setup.cluster.receiveData('late');
      setup.cluster.removeJob('deleted');
    });
    const report = await setup.sweep(request(3));
    expect(fateOf(report, 'late')).toBe('revived recent_data');
    expect(jobOf(report, 'deleted').outcome).toBe('gone');
    expect(setup.state('late')).toBe('opened');
    expect(report.counts).toMatchObject({ closed: 3, revived: 1, gone: 1 });
  });

  it('a job that never closes delays the next close on its node only until the close request times out', async () => {
    await using setup = await startSetup(
      [
        { jobId: 'stuck', node: 'a', closeTakes: 'never', modelBytes: '900mb' },
        ...idle(3, { node: 'a' }),
        ...busy(10),
      ],
      { nodes },
    );
    const report = await setup.sweep({ ...request(1, { timeout: '1m' }), followUp: false });
    expect(report.counts).toMatchObject({ closed: 3, closing: 1 });
    expect(report.durationMs).toBeLessThanOrEqual(70_000 + 60_000);
    expectTruth(report, setup);
  });

  it('a job whose datafeed must stop first never shares a request with other jobs', async () => {
    const fed = (index: number): FleetJob => ({
      jobId: `fed-${index}`,
      node: nodes[index % 3]?.name ?? null,
      datafeed: { state: 'started' },
    });
    await using setup = await startSetup([...spreadJobs(12), ...[0, 1, 2, 3].map(fed), ...busy(20)], {
      nodes,
    });
    const report = await setup.sweep({ ...request(2), runningDatafeeds: 'stop' });
    expect(report.counts.closed).toBe(16);
    for (const ids of setup.closes())
      expect(new Set(ids.map((id) => id.startsWith('fed-'))).size, ids.join()).toBe(1);
  });

  it('a sweep continues when a poll fails, and reports only states that it has read', async () => {
    await using setup = await startSetup([...spreadJobs(30), ...busy(5)], { nodes });
    setup.server.faults.add({ api: 'ml.get_job_stats', nth: 4, times: 5, status: 503 });
    const report = await setup.sweep(request(2));
    expect(report.counts).toMatchObject({ closed: 30, errors: 0, unknown: 0 });
    expectTruth(report, setup);
  });

  it('a sweep with a limit per node sends no more close requests after its credentials were refused', async () => {
    await using setup = await startSetup([...spreadJobs(30), ...busy(5)], { nodes });
    setup.server.faults.add({
      api: 'ml.close_job',
      times: Number.POSITIVE_INFINITY,
      status: 403,
      type: 'security_exception',
      reason: 'action is unauthorized',
    });
    const report = await setup.sweep(request(1));
    expect(report.counts.errors).toBe(30);
    expect(setup.closeRequests().length).toBeLessThanOrEqual(3);
    expect(jobOf(report, 'idle-29').error?.status).toBe(403);
  });

  it('jobs that got no close request in time are reported as left for lack of time', async () => {
    await using setup = await startSetup([...idle(40, { node: 'a', closeTakes: '15s' }), ...busy(60)], {
      nodes,
    });
    const report = await setup.sweep(request(2), { remainingMs: 90_000 });
    expect(report.durationMs).toBeLessThan(90_000);
    expect(report.status).toBe('partial');
    expect(report.counts.unknown).toBe(0);
    const left = report.jobs.filter(({ outcome }) => outcome === 'not_attempted');
    expect(left.length).toBeGreaterThan(20);
    expect(new Set(left.map(({ notAttemptedBecause }) => notAttemptedBecause))).toEqual(new Set(['time']));
    expect(left.every(({ jobId }) => setup.state(jobId) === 'opened')).toBe(true);
    expectTruth(report, setup);
  });
});
