/** @module Tests listings whose parts are read at different moments, over real HTTP. */
import { describe, expect, it } from 'vitest';
import { busy, idle, jobOf, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

const configs = 'ml.get_jobs';
const stats = 'ml.get_job_stats';
const feeds = 'ml.get_datafeed_stats';

/** Delays the first answer to `api`, so that it shows later changes than the other answers. */
const late = ({ server }: SweepSetup, api: string) => server.faults.add({ api, delay: 1_000 });

describe('a job that changes between two reads of the listing', () => {
  it.each([
    ['its config and its stats', configs, stats],
    ['its stats and its config', stats, configs],
  ])('a job is not listed when it is deleted between the reads of %s', async (_what, first, second) => {
    await using setup = await startSetup([...idle(2), ...busy(5)]);
    late(setup, second);
    setup.server.faults.afterRequest(1, () => setup.cluster.removeJob('idle-1'), first);
    const report = await setup.sweep();
    expect(report.jobs.map(({ jobId }) => jobId)).toEqual(['idle-0']);
    expect(report).toMatchObject({ status: 'done', counts: { open: 6, listed: 6, closed: 1, kept: 5 } });
    expect(report.kept).toEqual({ recent_data: 5 });
  });

  it('a job is not listed when it is deleted before its datafeed is read', async () => {
    await using setup = await startSetup([
      ...idle(1),
      { jobId: 'fed', datafeed: { state: 'stopped' } },
      ...busy(5),
    ]);
    late(setup, feeds);
    setup.server.faults.afterRequest(1, () => setup.cluster.removeJob('fed'), stats);
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ open: 6, listed: 6, closed: 1 });
    expect(report.kept).toEqual({ recent_data: 5 });
  });

  it.each([
    ['its config', configs, stats],
    ['its stats', stats, configs],
  ])(
    'if a job is created after the read of %s, it is read completely before it is judged',
    async (_what, first, second) => {
      await using setup = await startSetup([...idle(1), ...busy(5)]);
      late(setup, second);
      const datafeed = { datafeedId: 'made-feed', state: 'started' } as const;
      const made = () => setup.cluster.putJob({ jobId: 'made', lastData: '5d', datafeed });
      setup.server.faults.afterRequest(1, made, first);
      const report = await setup.sweep({ jobs: ['made', 'busy-*'] });
      expect(jobOf(report, 'made')).toMatchObject({ outcome: 'kept', reason: 'datafeed_running' });
    },
  );

  it('a job is kept as unknown_state when its stats stay missing', async () => {
    await using setup = await startSetup([...idle(2), ...busy(5)]);
    // while a job is deleted, the server lists its config and reports that its stats do not exist
    setup.cluster.blockJob('idle-1', 'delete');
    const report = await setup.sweep();
    expect(jobOf(report, 'idle-1')).toMatchObject({ outcome: 'kept', reason: 'unknown_state' });
  });

  it('a job is kept as unknown_state when the second read of the job fails', async () => {
    await using setup = await startSetup([...idle(2), ...busy(5)]);
    late(setup, stats);
    setup.server.faults.afterRequest(1, () => setup.cluster.removeJob('idle-1'), configs);
    setup.server.faults.add({
      api: configs,
      path: '*/idle-1*',
      status: 500,
      times: Number.POSITIVE_INFINITY,
    });
    const report = await setup.sweep();
    expect(jobOf(report, 'idle-1')).toMatchObject({ outcome: 'kept', reason: 'unknown_state' });
    expect(jobOf(report, 'idle-0')).toMatchObject({ outcome: 'closed' });
  });
});

it('if the first listing is consistent, the jobs are listed only once', async () => {
  await using setup = await startSetup(busy(3));
  await setup.sweep();
  const reads = setup.server.requests.filter(({ api }) => [configs, stats, feeds].includes(api ?? ''));
  expect(reads).toHaveLength(3);
});
