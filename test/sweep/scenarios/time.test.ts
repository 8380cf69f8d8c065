/** @module Tests deadlines, fuses, force and follow-ups, over real HTTP in simulated time. */
import { describe, expect, it } from 'vitest';
import { OwnFollowUps } from '../../../src/cli/sweep/wait-rounds.ts';
import type { FollowUpOrder, FollowUps } from '../../../src/sweep/ports.ts';
import { toPayload } from '../../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../../src/sweep/request/request-schema.ts';
import { sized } from '../../support/nightly.ts';
import {
  busy,
  expectTruth,
  fateOf,
  idle,
  jobOf,
  type SweepSetup,
  startSetup,
} from '../../support/sweep-setup.ts';

const minute = 60_000;

/** A scheduler that only records the orders of follow-ups. */
class RecordedFollowUps implements FollowUps {
  readonly orders: FollowUpOrder[] = [];
  waiting = new Set<string>();

  async pending(): Promise<ReadonlySet<string>> {
    return this.waiting;
  }

  async arrange(order: FollowUpOrder) {
    this.orders.push(order);
    return {
      name: `follow-up-${order.chain.round}`,
      at: order.at,
      jobIds: order.jobs.map(({ jobId }) => jobId),
    };
  }

  /** The payload of the follow-up that was ordered last. */
  payload(): RequestPayload {
    const order = this.orders.at(-1);
    if (!order) throw new Error('nothing was arranged');
    return { ...toPayload(order.request), followUpOf: { ...order.chain, jobs: [...order.jobs] } };
  }
}

/** Runs the sweep and each follow-up when it is due, until no follow-up is left. */
async function runWithFollowUps(setup: SweepSetup, payload: RequestPayload) {
  const followUps = new RecordedFollowUps();
  const reports = [await setup.sweep(payload, { followUps })];
  while (reports.at(-1)?.followUp) {
    await setup.clock.advance((followUps.orders.at(-1)?.at ?? 0) - setup.clock.now());
    reports.push(await setup.sweep(followUps.payload(), { followUps, sweepId: `round-${reports.length}` }));
  }
  return { reports, followUps };
}

describe('the deadline', () => {
  it('with 60 seconds left and jobs that take minutes, a sweep ends with time to spare, and the follow-up lists exactly the jobs left closing', async () => {
    await using setup = await startSetup([
      ...idle(4, { closeTakes: '6m' }),
      { jobId: 'quick', closeTakes: '1s', lastData: '9d', modelBytes: '1mb' },
      ...busy(10),
    ]);
    const followUps = new RecordedFollowUps();
    const report = await setup.sweep(
      { close: { batch: 2, concurrency: 2 } },
      { remainingMs: minute, followUps },
    );
    expect(report.durationMs).toBeLessThan(55_000);
    const closing = setup.cluster
      .jobs()
      .filter(({ state }) => state === 'closing')
      .map(({ jobId }) => jobId);
    expect(followUps.orders.flatMap(({ jobs }) => jobs.map(({ jobId }) => jobId)).sort()).toEqual(closing);
    expect(report.followUp?.jobs).toBe(closing.length);
    expectTruth(report, setup);
  });

  it.each(sized({ push: [5, 20, 45, 200], nightly: [5, 12, 20, 31, 45, 90, 200] }))(
    'with %i seconds left, a sweep ends before its deadline and reports an outcome for every job',
    async (seconds) => {
      await using setup = await startSetup([...idle(40, { closeTakes: '45s' }), ...busy(50)]);
      const report = await setup.sweep(
        { close: { batch: 4, timeout: '30s' } },
        { remainingMs: seconds * 1_000, followUps: new RecordedFollowUps() },
      );
      expect(report.durationMs).toBeLessThan(seconds * 1_000);
      expect(report.counts.unknown).toBe(0);
      expectTruth(report, setup);
      for (const job of report.jobs) {
        if (job.outcome === 'not_attempted')
          expect(job).toMatchObject({ notAttemptedBecause: 'time', attempts: 0 });
      }
      if (report.counts.notAttempted > 0)
        expect(report).toMatchObject({ status: 'done', followUp: { rest: true } });
    },
  );

  it('the timeout that a sweep gives the server is at most the time that the sweep has left', async () => {
    await using setup = await startSetup([...idle(3), ...busy(10)]);
    await setup.sweep({ close: { timeout: '10m' } }, { remainingMs: minute });
    for (const { query } of setup.closeRequests()) {
      expect(Number.parseInt(new URLSearchParams(query).get('timeout') ?? '', 10)).toBeLessThan(40_000);
    }
  });

  it('when too little time is left, a sweep sends no close request and reports the jobs as not attempted', async () => {
    await using setup = await startSetup([...idle(3), ...busy(10)]);
    const report = await setup.sweep({}, { remainingMs: 2_000 });
    expect(report.counts).toMatchObject({ notAttempted: 3, closed: 0 });
    expect(setup.closes()).toEqual([]);
  });

  it('a sweep ends before its deadline even if the server stops answering', async () => {
    await using setup = await startSetup([...idle(6, { closeTakes: '500ms' }), ...busy(10)]);
    setup.server.faults.afterRequest(
      1,
      () => setup.server.faults.add({ api: '*', hang: true, times: Number.POSITIVE_INFINITY }),
      'ml.close_job',
    );
    const report = await setup.sweep({ close: { batch: 2 } }, { remainingMs: 5 * minute });
    expect(report.durationMs).toBeLessThan(5 * minute);
    expect(report.counts.unknown).toBeGreaterThan(0);
  });
});

describe('a stopped sweep', () => {
  it.each([100, 3_000, 20_000])(
    'a sweep that is stopped after %i ms ends within ten more seconds and reports what it knows',
    async (after) => {
      await using setup = await startSetup([...idle(30, { closeTakes: '15s' }), ...busy(40)]);
      const stop = new AbortController();
      const begun = setup.clock.now();
      setup.clock.at(begun + after, () => stop.abort());
      const followUps = new RecordedFollowUps();
      const report = await setup.sweep(
        { close: { batch: 3, concurrency: 2 } },
        { stop: stop.signal, followUps },
      );
      expect(report.durationMs).toBeLessThan(after + 10_000);
      expect(report.status).toBe('partial');
      expectTruth(report, setup);
      expect(
        report.jobs
          .filter(({ outcome }) => outcome === 'not_attempted')
          .every((job) => job.notAttemptedBecause === 'signal'),
      ).toBe(true);
      expect(report.counts.notAttempted).toBeGreaterThan(0);
      expect(report.followUp?.jobs ?? 0).toBe(report.counts.closing);
    },
  );
});

describe('a sweep that must end before it has read any job', () => {
  it.each([
    ['stopped', { stop: 5_000 }, { name: 'StoppedError', exitCode: 3 }, 'nothing was closed'],
    [
      'out of time',
      { remainingMs: 20_000 },
      { name: 'ClusterUnreachableError', exitCode: 5 },
      'did not answer',
    ],
  ] as const)(
    'a sweep that is %s before it has read any job closes nothing and gives the reason',
    async (_what, { ...limits }, error, says) => {
      await using setup = await startSetup([...idle(2), ...busy(5)]);
      setup.server.faults.add({ api: 'ml.get_jobs', hang: true, times: Number.POSITIVE_INFINITY });
      const stop = new AbortController();
      if ('stop' in limits) setup.clock.at(setup.clock.now() + limits.stop, () => stop.abort());
      const options = 'remainingMs' in limits ? limits : { stop: stop.signal };
      await expect(setup.sweep({}, options)).rejects.toMatchObject({
        ...error,
        message: expect.stringContaining(says),
      });
      expect(setup.closes()).toEqual([]);
    },
  );
});

describe('fuses, over the whole cluster, before anything is changed', () => {
  it('if an outage looks like idleness, the fuses stop the sweep, even in a dry run', async () => {
    const silent = Array.from({ length: 12 }, (_, index) => ({
      jobId: `silent-${index}`,
      lastData: `${3 * 24 * 60 + index}m`,
    }));
    await using setup = await startSetup([...silent, ...busy(15)]);
    for (const dryRun of [false, true]) {
      const report = await setup.sweep({ dryRun });
      expect(report).toMatchObject({
        status: 'refused',
        fuse: { name: 'mass_idle', idle: 12, open: 27 },
        counts: { notAttempted: 12 },
      });
      expect(jobOf(report, 'silent-0').notAttemptedBecause).toBe('fuse');
    }
    expect(setup.closes()).toEqual([]);
  });

  it('the fuses count all open jobs of the cluster, not only those that the request names', async () => {
    await using setup = await startSetup([...idle(6), ...busy(6)]);
    expect((await setup.sweep({ jobs: 'idle-*', dryRun: true })).fuse).toBeNull();
    await using small = await startSetup([...idle(6), ...busy(5)]);
    expect((await small.sweep({ dryRun: true })).fuse).toMatchObject({
      name: 'max_share',
      idle: 6,
      open: 11,
      limit: 0.5,
    });
  });
});

describe('forced closes', () => {
  const failedJobs = Array.from({ length: 5 }, (_, index) => ({
    jobId: `failed-${index}`,
    state: 'failed' as const,
    lastData: `${9 + index}d`,
  }));

  it('a sweep forces as many jobs as force.max allows, each in its own request, and reports the others', async () => {
    await using setup = await startSetup([...failedJobs, ...busy(10)]);
    const report = await setup.sweep({ force: { max: 3 } });
    expect(report.counts).toMatchObject({ forceClosed: 3, notAttempted: 2, idle: 5 });
    expect(report.status).toBe('partial');
    expect(report.jobs.filter(({ notAttemptedBecause }) => notAttemptedBecause === 'limit')).toHaveLength(2);
    expect(setup.closes().every((ids) => ids.length === 1)).toBe(true);
    expectTruth(report, setup);
  });

  it('a plan reports that force.max leaves jobs for a later sweep', async () => {
    await using setup = await startSetup([...busy(10), ...failedJobs]);
    const plan = await setup.sweep({ dryRun: true, force: { max: 3 } });
    expect(plan.counts).toMatchObject({ idle: 5, notAttempted: 5 });
    expect(plan.warnings).toEqual([
      '5 jobs would be closed with force, but force.max allows 3 per sweep: the next sweep takes the rest',
    ]);
    expect((await setup.sweep({ dryRun: true, force: { max: 5 } })).warnings).toEqual([]);
  });

  it('a sweep never forces a job in force.exclude or a failed job with recent data', async () => {
    await using setup = await startSetup([
      { jobId: 'spared', state: 'failed', lastData: '9d' },
      { jobId: 'fresh', state: 'failed', lastData: '1h' },
      ...busy(10),
    ]);
    const report = await setup.sweep({ force: { exclude: 'sp*' } });
    expect(fateOf(report, 'spared')).toBe('kept force_not_allowed');
    expect(setup.closes()).toEqual([]);
  });

  it('a sweep does not force a job that is slow to close after the sweep’s own request', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: 'never' }), ...busy(5)]);
    await setup.sweep({ force: { stuckFor: '5m' } });
    expect(setup.forcedIds()).toEqual([]);
  });
});

describe('follow-ups', () => {
  it('the chain of follow-ups ends after a slow job has closed by itself and a stuck job was forced after force.stuckFor', async () => {
    await using setup = await startSetup([
      { jobId: 'slow', closeTakes: '20m', lastData: '6d' },
      { jobId: 'stuck', closeTakes: 'never', lastData: '9d' },
      ...idle(3),
      ...busy(10),
    ]);
    const { reports, followUps } = await runWithFollowUps(setup, {});
    expect(reports[0]).toMatchObject({
      status: 'done',
      counts: { closed: 3, closing: 2 },
      followUp: { round: 1, jobs: 2 },
    });
    expect(fateOf(reports[1] as never, 'slow')).toMatch(/^(closed|closing) already_closing$/);
    const last = reports.at(-1);
    expect(last).toMatchObject({ status: 'done', followUp: null, counts: { forceClosed: 1 } });
    expect(jobOf(last as never, 'stuck')).toMatchObject({
      outcome: 'force_closed',
      verdict: 'force',
      reason: 'stuck',
      attempts: 2,
    });
    const askedAtFirst = Date.parse(
      followUps.orders[0]?.jobs.find(({ jobId }) => jobId === 'stuck')?.askedAt ?? '',
    );
    expect(setup.clock.now() - askedAtFirst).toBeGreaterThanOrEqual(75 * minute);
    expect(
      reports
        .flatMap(({ jobs }) => jobs)
        .filter(({ jobId, outcome }) => jobId === 'slow' && outcome === 'closed'),
    ).toHaveLength(1);
    expect(setup.forcedIds()).toEqual(['stuck']);
    for (const [index, { counts }] of reports.entries())
      if (index > 0) expect(counts.listed).toBeLessThanOrEqual(2);
  });

  it('a follow-up looks only at its own jobs, in any state, and ignores the fuses', async () => {
    await using setup = await startSetup([...idle(3, { closeTakes: 'never' }), ...busy(4)]);
    const followUps = new RecordedFollowUps();
    await setup.sweep({ states: ['opened'] }, { followUps });
    setup.cluster.removeJob('idle-0');
    setup.cluster.forceCloseJob('idle-1');
    setup.cluster.putJob({ jobId: 'newly-idle', lastData: '9d' });
    await setup.clock.advance(15 * minute);
    const report = await setup.sweep({ ...followUps.payload(), fuse: { maxJobs: 0 } }, { followUps });
    expect(report.counts).toMatchObject({ listed: 3, gone: 1, closed: 1, closing: 1 });
    expect(report.followUp).toMatchObject({ round: 2, jobs: 1 });
    expect(setup.state('newly-idle')).toBe('opened');
  });

  it('a follow-up keeps a job that is open again', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: '10m' }), ...busy(5)]);
    const followUps = new RecordedFollowUps();
    await setup.sweep({}, { followUps });
    await setup.clock.advance(11 * minute);
    setup.cluster.openJob('idle-0');
    await setup.clock.advance(4 * minute);
    const report = await setup.sweep(followUps.payload(), { followUps });
    expect(fateOf(report, 'idle-0')).toBe('kept recently_opened');
    expect(report.status).toBe('done');
  });

  it('the last follow-up that followUp.max allows gives up with a warning', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: 'never' }), ...busy(5)]);
    const { reports } = await runWithFollowUps(setup, { force: { stuckFor: null }, followUp: { max: 3 } });
    expect(reports).toHaveLength(4);
    expect(reports.at(-1)).toMatchObject({ status: 'partial', followUp: null });
    expect(reports.at(-1)?.warnings.join()).toContain('given up after 3 follow-ups');
    expect(setup.forcedIds()).toEqual([]);
  });

  it('a job is never in two follow-ups', async () => {
    await using setup = await startSetup([...idle(2, { closeTakes: 'never' }), ...busy(5)]);
    const followUps = new RecordedFollowUps();
    await setup.sweep({}, { followUps });
    followUps.waiting = new Set(['idle-0', 'idle-1']);
    setup.cluster.putJob({ jobId: 'third', lastData: '9d', closeTakes: 'never' });
    const report = await setup.sweep({}, { followUps });
    expect(followUps.orders.map(({ jobs }) => jobs.map(({ jobId }) => jobId))).toEqual([
      ['idle-0', 'idle-1'],
      ['third'],
    ]);
    expect(report).toMatchObject({ status: 'done', counts: { closing: 3 }, followUp: { jobs: 1 } });
  });

  it('a sweep reports that no follow-up is scheduled when the scheduler fails', async () => {
    await using setup = await startSetup([...idle(2, { closeTakes: 'never' }), ...busy(5)]);
    const broken: FollowUps = {
      pending: async () => new Set(),
      arrange: () => Promise.reject(new Error('AccessDeniedException: scheduler:CreateSchedule')),
    };
    const report = await setup.sweep({}, { followUps: broken });
    expect(report).toMatchObject({ status: 'partial', followUp: null, counts: { closing: 2 } });
    expect(report.warnings.join()).toContain(
      '2 jobs are still closing and no follow-up is scheduled: AccessDeniedException: scheduler:CreateSchedule',
    );
  });

  it('a sweep does not wait for a scheduler that hangs', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: 'never' }), ...busy(5)]);
    const hanging: FollowUps = {
      pending: async (_cluster, signal) => {
        await setup.clock.sleep(24 * 60 * minute, signal);
        return new Set();
      },
      arrange: () => Promise.reject(new Error('not reached')),
    };
    const report = await setup.sweep(
      { close: { timeout: '1m' } },
      { followUps: hanging, remainingMs: 3 * minute },
    );
    expect(report.durationMs).toBeLessThan(3 * minute);
    expect(report.status).toBe('partial');
  });

  it('a follow-up forces a job that is still closing after force.stuckFor', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: 'never' }), ...busy(5)]);
    const { reports } = await runWithFollowUps(setup, {
      force: { stuckFor: '20m' },
      followUp: { after: '10m', max: 2 },
    });
    expect(reports.at(-1)).toMatchObject({ status: 'done', counts: { forceClosed: 1 } });
  });

  it('a follow-up contains the opening time of a job that never got data, because the cluster forgets it when the job’s process ends', async () => {
    await using setup = await startSetup([
      { jobId: 'never', lastData: undefined, openedAt: '9d', closeTakes: 'never' },
      ...busy(5),
    ]);
    const { reports } = await runWithFollowUps(setup, {});
    expect(fateOf(reports.at(-1) as never, 'never')).toBe('force_closed stuck');
  });
});

describe('rounds of sweep --wait', () => {
  it('`sweep --wait` starts the next round when it is due', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: 'never' }), ...busy(5)]);
    const own = new OwnFollowUps();
    const report = await setup.sweep({}, { followUps: own });
    const next = await own.next(setup.clock, new AbortController().signal);
    expect(setup.clock.now()).toBe(Date.parse(report.followUp?.at ?? ''));
    expect(next?.followUpOf).toMatchObject({ round: 1, jobs: [{ jobId: 'idle-0', attempts: 1 }] });
    expect(await own.next(setup.clock, new AbortController().signal)).toBeUndefined();
  });
});
