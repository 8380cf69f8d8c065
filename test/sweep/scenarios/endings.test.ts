/**
 * @module Regression tests for bugs that random cases found: reports that contradicted the cluster's answers or left
 * some out.
 */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { FollowUps } from '../../../src/sweep/ports.ts';
import { busy, expectTruth, fateOf, idle, jobOf, startSetup } from '../../support/sweep-setup.ts';

const minute = 60_000;
const stats = 'ml.get_job_stats';
const close = 'ml.close_job';

const silentScheduler = (clock: Clock): FollowUps => ({
  pending: async () => new Set(),
  arrange: async (_order, signal) => {
    await clock.sleep(60 * minute, signal);
    throw new Error('never');
  },
});

describe('jobs that are polled', () => {
  it('a job is not reported as deleted if its polling begins during a read of other jobs', async () => {
    await using setup = await startSetup([
      { jobId: 'on-its-way', state: 'closing', closeTakes: '5m' },
      ...idle(20, { closeTakes: '1s' }),
      ...busy(60),
    ]);
    setup.server.faults.add({ api: stats, path: '*/on-its-way,*', nth: 2, delayAnswer: 20_000 });
    const report = await setup.sweep({ close: { timeout: '30s', batch: 1, concurrency: 1 } });
    const [, poll] = setup.server.requests.filter(({ path }) => path.includes('/on-its-way,'));
    const idsOf = ({ path }: { readonly path: string }) => path.split('/')[3]?.split(',') ?? [];
    const duringPoll = setup.server.requests.filter(
      ({ api, at }) => api === close && poll && at >= poll.at && at < poll.at + 20_000,
    );
    const notInPoll = duringPoll.flatMap(idsOf).filter((jobId) => poll && !idsOf(poll).includes(jobId));
    expect(notInPoll).not.toEqual([]);
    expect(report.counts).toMatchObject({ gone: 0, closed: 20 });
    expectTruth(report, setup);
  });

  it('a job that closes after close.timeout, but before the sweep ends, is reported as closed', async () => {
    await using setup = await startSetup([
      { jobId: 'slow', closeTakes: '30s', modelBytes: '1gb', lastData: '200h' },
      { jobId: 'slower', closeTakes: '60s', modelBytes: '2mb', lastData: '220h' },
      ...busy(5),
    ]);
    const report = await setup.sweep({ close: { timeout: '5s', batch: 1, concurrency: 1 } });
    expect(fateOf(report, 'slow')).toBe('closed idle');
    expect(fateOf(report, 'slower')).toBe('closing idle');
    expectTruth(report, setup);
  });

  it('a job that was found closing and is open again at the end is reported as revived, with its new reason', async () => {
    await using setup = await startSetup([
      { jobId: 'came-back', state: 'closing', closeTakes: 'never' },
      ...busy(5),
    ]);
    setup.cluster.setOpenDuration('came-back', 1);
    setup.server.faults.at(setup.clock.now() + 59_500, () => {
      setup.cluster.forceCloseJob('came-back');
      setup.cluster.openJob('came-back');
    });
    const report = await setup.sweep({ close: { timeout: '30m' } }, { remainingMs: 80_000 });
    expect(jobOf(report, 'came-back')).toMatchObject({
      outcome: 'revived',
      verdict: 'keep',
      reason: 'recently_opened',
      state: 'opened',
    });
  });
});

describe('the job states that are known at the end of a sweep', () => {
  it('a job that failed while closing and must not be forced is reported as an error, not as closing', async () => {
    await using setup = await startSetup([
      ...idle(1, { closeTakes: { fails: 'Exception closing autodetect process' } }),
      ...busy(5),
    ]);
    const report = await setup.sweep({ force: { max: 0 } });
    expect(jobOf(report, 'idle-0')).toMatchObject({
      outcome: 'error',
      error: { status: 500, reason: 'Exception closing autodetect process' },
    });
    expect(report.status).toBe('partial');
  });

  it('if the cluster stops answering, a read that came after the close request still decides the outcome', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: 'never' }), ...busy(5)]);
    setup.server.faults.at(setup.clock.now() + 40_000, () => {
      setup.server.faults.add({ api: '*', times: Number.POSITIVE_INFINITY, status: 503 });
    });
    const report = await setup.sweep({ close: { timeout: '15s' } }, { remainingMs: 2 * minute });
    expect(fateOf(report, 'idle-0')).toBe('closing idle');
  });

  it('if a job was never read after its close request, it is reported as unknown', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: '500ms' }), ...busy(5)]);
    setup.server.faults.afterRequest(
      1,
      () => setup.server.faults.add({ api: '*', times: Number.POSITIVE_INFINITY, status: 503 }),
      close,
    );
    const report = await setup.sweep({ close: { timeout: '15s' } }, { remainingMs: 2 * minute });
    expect(fateOf(report, 'idle-0')).toBe('unknown idle');
  });
});

describe('reports about jobs left closing', () => {
  it('a refused sweep reports the jobs that it found closing', async () => {
    await using setup = await startSetup([
      { jobId: 'on-its-way', state: 'closing', closeTakes: 'never' },
      ...idle(3),
    ]);
    const report = await setup.sweep({ fuse: { maxJobs: 0 } });
    expect(report.status).toBe('refused');
    expect(report.warnings).toContain(
      '1 job left closing without a follow-up, because a fuse stopped the sweep',
    );
  });

  it('a sweep does not wait beyond its deadline for a scheduler that never answers', async () => {
    for (const remainingMs of [2, 900, 30_000]) {
      await using setup = await startSetup([
        { jobId: 'on-its-way', state: 'closing', closeTakes: 'never' },
        ...busy(5),
      ]);
      const began = setup.clock.now();
      const report = await setup.sweep({}, { remainingMs, followUps: silentScheduler(setup.clock) });
      expect(setup.clock.now() - began).toBeLessThanOrEqual(remainingMs);
      expect(report.warnings.join()).toMatch(
        /still closing and no follow-up is scheduled: (no time was left|the scheduler did not answer)/,
      );
    }
  });

  it('a follow-up keeps a flapping job that is open, as any other sweep does', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5)]);
    const waiting = { jobId: 'idle-0', askedAt: '2026-11-23T11:45:00Z', attempts: 1 };
    const report = await setup.sweep(
      { followUpOf: { sweepId: 'chain', round: 1, jobs: [waiting] } },
      { histories: new Map([['idle-0', { flapping: true }]]) },
    );
    expect(fateOf(report, 'idle-0')).toBe('kept flapping');
  });
});

describe('slow and failed reads', () => {
  it('if the check before a close took too long, it is repeated before any close request is sent', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5)]);
    setup.server.faults.add({ api: 'ml.get_jobs', nth: 2, hang: true });
    // In the check before the close, the cluster returns stats immediately, but configs only half a minute later. In
    // between, the job receives data, which those stats do not show.
    setup.server.faults.at(setup.clock.now() + 10_000, () => setup.cluster.receiveData('idle-0'));
    const report = await setup.sweep();
    expect(fateOf(report, 'idle-0')).toBe('revived recent_data');
    expect(setup.closes()).toEqual([]);
  });

  it('no job is closed on a cluster that needs half a minute for each read', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5)]);
    const slow = { api: 'ml.get_jobs', nth: 2, times: Number.POSITIVE_INFINITY };
    setup.server.faults.add({ ...slow, status: 429, headers: { 'retry-after': '40' }, times: 1 });
    for (const nth of [4, 6]) setup.server.faults.add({ ...slow, nth, hang: true, times: 1 });
    const report = await setup.sweep();
    expect(jobOf(report, 'idle-0')).toMatchObject({ outcome: 'error', error: { type: 'unreadable' } });
    expect(setup.closes()).toEqual([]);
  });

  it('when one of the first reads fails, the others are cancelled', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5)]);
    setup.server.faults.add({ api: stats, status: 401, type: 'security_exception', reason: 'no' });
    setup.server.faults.add({ api: 'ml.get_jobs', status: 503, times: 3 });
    await expect(setup.sweep()).rejects.toThrow(/refused the credentials/);
    const ended = setup.clock.now();
    await setup.clock.advance(10 * minute);
    expect(setup.server.requests.filter(({ at }) => at > ended)).toEqual([]);
  });
});
