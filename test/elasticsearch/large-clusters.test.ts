/**
 * @module Tests whole sweeps on clusters with about 10,000 jobs and more. From that number on, a server silently leaves
 * out entries. The sweeps run over real HTTP while other users add and delete jobs.
 */
import { describe, expect, it } from 'vitest';
import type { Fleet, FleetJob } from '../../simulator/elasticsearch/index.ts';
import { isNightly, sized } from '../support/nightly.ts';
import { expectTruth, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const nodes: Fleet['nodes'] = [{ name: 'ml-0', memory: '9000gb', closeCapacity: 100 }];
const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');

/** `count` jobs, of which those at the positions `idleAt` are idle. Their data stopped on different days. */
function jobsOf(
  count: number,
  idOf: (index: number) => string,
  idleAt: readonly number[],
): { readonly jobs: FleetJob[]; readonly idle: string[] } {
  const idle = new Set(idleAt);
  const jobs = Array.from({ length: count }, (_, index) => ({
    jobId: idOf(index),
    openedAt: '900d',
    lastData: idle.has(index) ? `${100 + [...idle].indexOf(index) * 24}h` : '1m',
  }));
  return { jobs, idle: [...idle].map(idOf) };
}

const numbered = (index: number) => `job-${String(index).padStart(5, '0')}`;
/** Ids with 26 different first letters. A listing in parts then needs only a few parts. */
const spread = (index: number) => `${letters[index % 26]}-${String(index).padStart(5, '0')}`;

const wholeReads = ({ server }: SweepSetup) =>
  server.requests.filter(({ path }) =>
    /^\/_ml\/(anomaly_detectors|datafeeds)(\/_stats)?$/.test(decodeURIComponent(path)),
  );
const partReads = ({ server }: SweepSetup) => server.requests.filter(({ path }) => path.includes('*'));

const closedIds = ({ cluster }: SweepSetup) =>
  cluster
    .jobs()
    .filter(({ state }) => state === 'closed')
    .map(({ jobId }) => jobId)
    .sort();

describe('a sweep over a large cluster', () => {
  // Sizes below and at the limit of a listing. Other tests sweep more jobs, and test/elasticsearch/cluster.test.ts
  // lists 12,000.
  const atTheLimit = [
    [9_999, numbered, [0, 5_000, 9_997, 9_998]],
    [10_000, spread, [0, 5_000, 9_983, 9_984, 9_998, 9_999]],
  ] as const;
  const beyond = [[12_000, numbered, [0, 5_000, 9_999, 10_000, 11_998, 11_999]]] as const;

  it.each([...atTheLimit, ...(isNightly ? beyond : [])])(
    'a sweep over %i jobs closes every idle job and no other job',
    async (count, idOf, idleAt) => {
      const { jobs, idle } = jobsOf(count, idOf, idleAt);
      await using setup = await startSetup(jobs, { nodes });
      const report = await setup.sweep();
      expect(report.status).toBe('done');
      expect(report.counts).toMatchObject({
        open: count,
        listed: count,
        idle: idle.length,
        closed: idle.length,
        kept: count - idle.length,
      });
      expect(report.kept).toEqual({ recent_data: count - idle.length });
      expect(closedIds(setup)).toEqual(idle.sort());
      expectTruth(report, setup);
      // Configs, stats and datafeeds are each requested as a whole once. From 10,000 jobs on, configs and stats are
      // then read in parts; the list of datafeeds is not, because it is empty.
      expect(wholeReads(setup)).toHaveLength(3);
      if (count < 10_000) expect(partReads(setup)).toEqual([]);
      else expect(partReads(setup).length).toBeGreaterThan(2);
      expect(Math.max(...setup.server.requests.map(({ lineBytes }) => lineBytes))).toBeLessThanOrEqual(4_096);
      expect(setup.closes().flat().sort()).toEqual(idle);
    },
  );

  it('a sweep over 10,500 jobs with 10,500 datafeeds keeps every job that still gets data', async () => {
    const { jobs, idle } = jobsOf(10_500, spread, [3, 9_000, 10_499, 10_001, 10_002]);
    const [, , stoppedLast, ...fed] = idle;
    await using setup = await startSetup(
      jobs.map((job) => ({
        ...job,
        datafeed: { state: fed.includes(job.jobId) ? ('started' as const) : ('stopped' as const) },
      })),
      { nodes },
    );
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ open: 10_500, closed: 3 });
    expect(report.kept).toMatchObject({ datafeed_running: 2 });
    expect(closedIds(setup)).toContain(stoppedLast);
    expect(
      report.jobs.filter(({ outcome }) => outcome === 'closed').map(({ datafeedId }) => datafeedId),
    ).toEqual(
      report.jobs.filter(({ outcome }) => outcome === 'closed').map(({ jobId }) => `datafeed-${jobId}`),
    );
  });
});

describe('a listing that changes while its parts are read', () => {
  // the sweep reads configs and stats whole first, and then in three parts each
  it.each(sized({ push: [1, 5], nightly: [1, 3, 5, 8] }))(
    'if jobs are added, deleted or replaced after %i reads of a listing, a sweep closes all other idle jobs and no busy job',
    async (reads) => {
      const { jobs, idle } = jobsOf(10_300, spread, [0, 25, 26, 10_000, 10_298, 10_299]);
      await using setup = await startSetup(jobs, { nodes });
      const [deleted = '', remade = ''] = idle;
      const busy = spread(500);
      setup.server.faults.afterRequest(
        reads,
        () => {
          for (const jobId of ['a-0', 'm-new', 'z-99999'])
            setup.cluster.putJob({ jobId, lastData: '1m', openedAt: '9d' });
          setup.cluster.putJob({ jobId: 'b-idle', lastData: '70d', openedAt: '90d' });
          // deletes an idle job and a busy job, and replaces another idle job with a busy one of the same id
          setup.cluster.removeJob(deleted);
          setup.cluster.removeJob(busy);
          setup.cluster.putJob({ jobId: remade, lastData: '1m', openedAt: '1m' });
        },
        'ml.get_job*',
      );
      const report = await setup.sweep();
      const left = idle.slice(2).sort();
      expect(closedIds(setup).filter((jobId) => jobId !== 'b-idle')).toEqual(left);
      expect(report.counts).toMatchObject({ errors: 0, unknown: 0, closing: 0 });
      expect(report.jobs.filter(({ outcome }) => outcome === 'closed').length).toBe(closedIds(setup).length);
      expect([10_300, 10_301, 10_302, 10_303, 10_304]).toContain(report.counts.listed);
      expectTruth(report, setup);
    },
  );

  it.each([
    ['grows past', 9_996, 30],
    ['shrinks below', 10_010, -30],
  ])(
    'a sweep closes all idle jobs even if the cluster %s 10,000 jobs during the listing',
    async (_what, count, by) => {
      const { jobs, idle } = jobsOf(count, spread, [0, 25, count - 2, count - 1]);
      await using setup = await startSetup(jobs, { nodes });
      setup.server.faults.afterRequest(
        1,
        () => {
          for (let index = 0; index < Math.abs(by); index++)
            if (by > 0) setup.cluster.putJob({ jobId: `b-new-${index}`, lastData: '1m', openedAt: '9d' });
            else setup.cluster.removeJob(spread(100 + index));
        },
        'ml.get_job*',
      );
      const report = await setup.sweep();
      expect(report.status).toBe('done');
      expect(closedIds(setup)).toEqual(idle.sort());
      expectTruth(report, setup);
    },
  );
});

describe('a sweep that cannot list all jobs', () => {
  const { jobs } = jobsOf(10_050, spread, [0, 10_049]);
  const few = jobs.slice(0, 30);
  const always = Number.POSITIVE_INFINITY;

  it('a sweep closes nothing if every part of the listing reaches the size limit', async () => {
    await using setup = await startSetup(few, { nodes });
    // The body is a text, because the server would serialize an object again for each of the 200 parts.
    const jobs = Array.from({ length: 10_000 }, (_, index) => ({ job_id: String(index) }));
    setup.server.faults.add({
      api: 'ml.get_job_stats',
      times: always,
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count: 10_000, jobs }),
    });
    await expect(setup.sweep()).rejects.toMatchObject({
      name: 'UnreadableInventoryError',
      exitCode: 5,
      message: expect.stringContaining('no end after 200 parts'),
    });
    expect(setup.server.requests.length).toBeLessThan(500);
    expect(setup.closes()).toEqual([]);
  });

  it.each([
    ['fails for good', { status: 503 }],
    ['has a wrong count', { status: 200, body: { count: 3, jobs: [] } }],
    // on a push, only spoiled-answers.test.ts tests listings that are cut off
    ...(isNightly ? [['is cut off', { cut: 200 }] as const] : []),
  ] as const)('a sweep closes nothing if one part of the listing %s', async (_what, fault) => {
    await using setup = await startSetup(jobs, { nodes });
    setup.server.faults.add({ api: 'ml.get_job_stats', nth: 3, times: always, ...fault });
    await expect(setup.sweep()).rejects.toMatchObject({ exitCode: 5 });
    expect(setup.closes()).toEqual([]);
  });

  it('a sweep uses a part of the listing even if the request for the part succeeds only at the third try', async () => {
    await using setup = await startSetup(jobs, { nodes });
    setup.server.faults.add({ api: 'ml.get_job_stats', nth: 2, times: 2, status: 503 });
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ open: 10_050, closed: 2 });
  });
});
