/**
 * @module Tests every way in which an answer to a close can mislead, over real HTTP. Each test compares the report with
 * the actual state of the cluster.
 */
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../simulator/elasticsearch/index.ts';
import { busy, expectTruth, fateOf, idle, jobOf, startSetup } from '../../support/sweep-setup.ts';

const minute = 60_000;
const close = 'ml.close_job';

describe('jobs that change before their close (elasticsearch.md §2.4)', () => {
  it('a job that another user closed soon after the plan is reported as already_closed', async () => {
    await using setup = await startSetup([...idle(2), ...busy(5)]);
    const report = await setup.sweep({}, { between: () => setup.cluster.forceCloseJob('idle-0') });
    expect(fateOf(report, 'idle-0')).toBe('already_closed idle');
    expect(setup.closes()).toEqual([['idle-1']]);
    expectTruth(report, setup);
  });

  it('a job that another user closed right before our request is reported as closed, because the request named it', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5)]);
    const report = await setup.sweep(
      {},
      { observer: { asking: () => setup.cluster.forceCloseJob('idle-0') } },
    );
    expect(jobOf(report, 'idle-0')).toMatchObject({ outcome: 'closed', attempts: 1 });
  });

  it('a sweep waits for a job that it finds closing, and sends no close request for that job', async () => {
    await using setup = await startSetup([
      { jobId: 'on-its-way', state: 'closing', closeTakes: '30s' },
      ...idle(1),
      ...busy(5),
    ]);
    const report = await setup.sweep();
    expect(fateOf(report, 'on-its-way')).toBe('already_closed already_closing');
    expect(setup.closes().flat()).not.toContain('on-its-way');
    expectTruth(report, setup);
  });

  it('with one failed job among thirty, the others close gracefully and the failed one is forced in its own request', async () => {
    await using setup = await startSetup([
      ...idle(30),
      { jobId: 'broken', state: 'failed', lastData: '9d' },
      ...busy(40),
    ]);
    const report = await setup.sweep({ close: { batch: 40 } });
    expect(report.counts).toMatchObject({ closed: 30, forceClosed: 1, errors: 0 });
    expect(setup.forcedIds()).toEqual(['broken']);
    expect(setup.closes().filter((ids) => ids.includes('broken'))).toEqual([['broken']]);
    expect(idle(30).every(({ jobId }) => setup.cluster.job(jobId)?.closedCleanly)).toBe(true);
    expectTruth(report, setup);
  });

  it('a job that fails right before its close causes a 409, and the other jobs of the request are closed anyway', async () => {
    for (const failed of [true, false]) {
      await using setup = await startSetup([...idle(6), ...busy(10)]);
      let once = true;
      const observer = {
        asking: () => {
          if (once) setup.cluster.failJob('idle-3');
          once = false;
        },
      };
      const report = await setup.sweep({ force: { failed } }, { observer });
      expect(report.counts).toMatchObject(failed ? { closed: 5, forceClosed: 1 } : { closed: 5, errors: 1 });
      expect(setup.forcedIds()).toEqual(failed ? ['idle-3'] : []);
      if (!failed)
        expect(jobOf(report, 'idle-3').error).toMatchObject({ status: 409, type: 'status_exception' });
      expectTruth(report, setup);
    }
  });

  it('if a job is deleted right before its close, it is reported as gone, and a new close request names only the other jobs', async () => {
    await using setup = await startSetup([...idle(6), ...busy(10)]);
    let once = true;
    const observer = {
      asking: () => {
        if (once) for (const id of ['idle-1', 'idle-4']) setup.cluster.removeJob(id);
        once = false;
      },
    };
    const report = await setup.sweep({}, { observer });
    expect(report.counts).toMatchObject({ closed: 4, gone: 2 });
    expect(setup.closes()).toHaveLength(2);
    expectTruth(report, setup);
  });

  it('a job deleted soon after the plan is reported as gone, and no close request names it', async () => {
    await using setup = await startSetup([...idle(3), ...busy(10)]);
    const report = await setup.sweep({}, { between: () => setup.cluster.removeJob('idle-1') });
    expect(fateOf(report, 'idle-1')).toBe('gone idle');
    expect(setup.closes()).toEqual([['idle-0', 'idle-2']]);
  });

  it('if a job lost its process to upgrade mode after the plan, the job is kept', async () => {
    await using setup = await startSetup([...idle(3), ...busy(10)]);
    const report = await setup.sweep({}, { between: () => setup.cluster.setUpgradeMode(true) });
    expect(report.counts).toMatchObject({ closed: 0, revived: 3 });
    expect(fateOf(report, 'idle-0')).toBe('revived no_process');
    expect(setup.closes()).toEqual([]);
  });

  it('if a job’s node left the cluster after the plan, the job is kept while it moves to another node', async () => {
    await using setup = await startSetup([
      ...idle(1, { node: 'ml-0' }),
      ...busy(5).map((job) => ({ ...job, node: 'ml-1' })),
    ]);
    const report = await setup.sweep({}, { between: () => setup.cluster.crashNode('ml-0') });
    expect(fateOf(report, 'idle-0')).toMatch(/^revived (no_process|recently_opened)$/);
    expectTruth(report, setup);
  });
});

describe('the check before a close', () => {
  it.each<[string, (setup: Awaited<ReturnType<typeof startSetup>>) => void, string]>([
    ['data arrived', ({ cluster }) => cluster.receiveData('idle-1'), 'recent_data'],
    ['it was blocked', ({ cluster }) => cluster.blockJob('idle-1', 'revert'), 'blocked'],
    // the datafeed has just started and first reads the data that it missed
    ['its datafeed was started', ({ cluster }) => cluster.startDatafeed('idle-1'), 'lookback_running'],
    [
      'it became protected',
      ({ cluster }) =>
        cluster.putJob({ jobId: 'idle-1', lastData: '5d', customSettings: { jobsweep: { protect: true } } }),
      'protected',
    ],
  ])('the check before a close keeps a job if %s', async (_what, happens, reason) => {
    await using setup = await startSetup([...idle(3, { datafeed: { state: 'stopped' } }), ...busy(10)]);
    const report = await setup.sweep({}, { between: () => happens(setup) });
    expect(fateOf(report, 'idle-1')).toBe(`revived ${reason}`);
    expect(jobOf(report, 'idle-1')).toMatchObject({ verdict: 'keep', attempts: 0 });
    expect(setup.closes()).toEqual([['idle-0', 'idle-2']]);
    expectTruth(report, setup);
  });

  it('the check before a close notices a datafeed that was created since the plan', async () => {
    await using setup = await startSetup([...idle(2), ...busy(10)]);
    const made = () =>
      setup.cluster.putJob({
        jobId: 'idle-1',
        lastData: '101h',
        datafeed: { datafeedId: 'new-feed', state: 'started' },
      });
    const report = await setup.sweep({}, { between: made });
    expect(fateOf(report, 'idle-1')).toBe('revived datafeed_running');
  });

  it('each batch is read again right before its close request, even if the request comes late in the sweep', async () => {
    await using setup = await startSetup([...idle(4, { closeTakes: '60s' }), ...busy(10)]);
    setup.server.faults.at(setup.clock.now() + 30_000, () => setup.cluster.receiveData('idle-3'));
    const report = await setup.sweep({ close: { batch: 1, concurrency: 1 } });
    expect(fateOf(report, 'idle-3')).toBe('revived recent_data');
    expect(report.counts.closed).toBe(3);
  });
});

describe('the answers to a close request (elasticsearch.md §2.5)', () => {
  const misleading: [string, Fault, string][] = [
    ['a reply that is lost after the server accepted the request', { api: close, reset: 'after' }, 'closed'],
    [
      'a connection that breaks before the server received the request',
      { api: close, reset: 'before' },
      'closed',
    ],
    ['a reply cut in half', { api: close, cut: 5 }, 'closed'],
    [
      '429, the server is busy',
      { api: close, status: 429, type: 'es_rejected_execution_exception', reason: 'rejected' },
      'closed',
    ],
    ['429 with Retry-After', { api: close, status: 429, headers: { 'retry-after': '20' } }, 'closed'],
    [
      '502 from a node that dropped',
      { api: close, status: 502, type: 'failed_node_exception', reason: 'Failed node [x]' },
      'closed',
    ],
    ['503, no master', { api: close, status: 503, type: 'master_not_discovered_exception' }, 'closed'],
    ['504 although the server accepted the request', { api: close, status: 504, after: true }, 'closed'],
    [
      'a proxy’s page',
      { api: close, status: 200, body: '<html>Welcome</html>', contentType: 'text/html' },
      'closed',
    ],
    [
      'a proxy’s page although the server accepted the request',
      { api: close, status: 200, after: true, body: '<html>', contentType: 'text/html' },
      'closed',
    ],
    ['{"closed": false}', { api: close, status: 200, body: { closed: false } }, 'closed'],
    ['{"closed": true} without any effect', { api: close, status: 200, body: { closed: true } }, 'closed'],
    [
      '500 from the process of a job',
      { api: close, status: 500, type: 'status_exception', reason: 'Exception closing autodetect process' },
      'closed',
    ],
    ['no product header', { api: close, noProduct: true }, 'closed'],
  ];

  it.each(misleading)(
    'after a close request that ends with %s, the job states decide the outcomes',
    async (_what, fault) => {
      await using setup = await startSetup([...idle(5), ...busy(10)]);
      setup.server.faults.add(fault);
      const report = await setup.sweep();
      expect(report.counts).toMatchObject({ closed: 5, errors: 0, unknown: 0 });
      expect(report.status).toBe('done');
      expectTruth(report, setup);
      expect(setup.forcedIds()).toEqual([]);
    },
  );

  it.each(
    misleading.filter(
      ([, { after, reset, cut, noProduct }]) => !after && reset !== 'after' && !cut && !noProduct,
    ),
  )(
    'a job is reported as an error after three close requests that end with %s, the last of which names only that job',
    async (_what, fault) => {
      await using setup = await startSetup([...idle(5), ...busy(10)]);
      setup.server.faults.add({ ...fault, times: Number.POSITIVE_INFINITY });
      const report = await setup.sweep();
      expect(report.counts).toMatchObject({ closed: 0, errors: 5 });
      expect(report.status).toBe('partial');
      for (const { jobId } of idle(5)) {
        const requests = setup.closes().filter((ids) => ids.includes(jobId));
        expect(requests).toHaveLength(3);
        expect(requests.at(-1)).toEqual([jobId]);
        expect(jobOf(report, jobId)).toMatchObject({
          attempts: 3,
          error: { type: expect.any(String), reason: expect.any(String) },
        });
      }
      expectTruth(report, setup);
    },
  );

  it('a failing batch is split until the job that causes the failure is alone', async () => {
    await using setup = await startSetup([...idle(9), ...busy(20)]);
    setup.server.faults.add({
      api: close,
      path: '*idle-4*',
      status: 500,
      type: 'strange',
      reason: 'no',
      times: Number.POSITIVE_INFINITY,
    });
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ closed: 8, errors: 1 });
    expect(jobOf(report, 'idle-4').error).toEqual({ status: 500, type: 'strange', reason: 'no' });
    expectTruth(report, setup);
  });

  it('if a close leaves the job failed, the job is forced if that is allowed, and reported as an error otherwise', async () => {
    for (const [force, expected] of [
      [{ failed: true }, { closed: 2, forceClosed: 1 }],
      [{ failed: false }, { closed: 2, errors: 1 }],
    ] as const) {
      await using setup = await startSetup([
        ...idle(2),
        { jobId: 'doomed', closeTakes: { fails: 'cannot persist' } },
        ...busy(10),
      ]);
      const report = await setup.sweep({ force });
      expect(report.counts).toMatchObject(expected);
      expectTruth(report, setup);
    }
  });

  it('after the cluster answers 403 to a close request, no other jobs are asked to close, because the cluster would refuse again', async () => {
    await using setup = await startSetup([...idle(6), ...busy(10)]);
    setup.server.faults.add({
      api: close,
      status: 403,
      type: 'security_exception',
      reason: 'no',
      times: Number.POSITIVE_INFINITY,
    });
    const report = await setup.sweep({ close: { batch: 2, concurrency: 1 } });
    expect(report.counts).toMatchObject({ closed: 0, errors: 6 });
    expect(setup.closes()).toHaveLength(1);
  });

  it('a sweep waits for a busy server only as long as its own deadline allows', async () => {
    await using setup = await startSetup([...idle(2), ...busy(10)]);
    setup.server.faults.add({ api: close, status: 429, headers: { 'retry-after': '7200' } });
    const report = await setup.sweep();
    expect(report.counts.errors).toBe(2);
    expect(report.durationMs).toBeLessThan(minute);
  });
});

describe('a close that outlives its request', () => {
  it('if a close takes longer than its request, the job is polled for another close.timeout, and reported as closed if it closes in that time', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: '3m' }), ...busy(5)]);
    const report = await setup.sweep({ close: { timeout: '2m' } });
    expect(fateOf(report, 'idle-0')).toBe('closed idle');
    expect(setup.closes()).toHaveLength(1);
    expectTruth(report, setup);
  });

  it('if a close takes longer than twice close.timeout, the job is reported as closing within ten more seconds', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: 'never' }), ...busy(5)]);
    const report = await setup.sweep({ close: { timeout: '2m' } });
    expect(fateOf(report, 'idle-0')).toBe('closing idle');
    expect(report.durationMs).toBeLessThanOrEqual(4 * minute + 11_000);
    expect(report.status).toBe('partial');
    expect(report.warnings.join()).toContain('no follow-up is scheduled');
    expectTruth(report, setup);
  });

  it('a job gets no second close request while it is closing', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: '3m' }), ...busy(5)]);
    setup.server.faults.add({ api: close, reset: 'after' });
    const report = await setup.sweep();
    expect(jobOf(report, 'idle-0')).toMatchObject({ outcome: 'closed', attempts: 1 });
  });
});

describe('races (elasticsearch.md §2.9)', () => {
  it('if a user reopens a job after the close, the job is reported as an error', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: '3s', openTakes: '1s' }), ...busy(5)]);
    setup.server.faults.add({ api: close, delayAnswer: 20_000 });
    setup.server.faults.at(setup.clock.now() + 10_000, () => setup.cluster.openJob('idle-0'));
    const report = await setup.sweep();
    expect(jobOf(report, 'idle-0')).toMatchObject({
      outcome: 'error',
      error: { type: 'reopened' },
      attempts: 1,
    });
    expectTruth(report, setup);
  });

  it.each([0, 1_500])(
    'a job opened again 800 ms after our close request is reported as an error only if the answer has not come by then (answer delayed by %i ms)',
    async (late) => {
      await using setup = await startSetup([
        ...idle(1, { closeTakes: '300ms', openTakes: '100ms' }),
        ...busy(5),
      ]);
      const begun = setup.clock.now();
      setup.server.faults.add({ api: close, delayAnswer: late });
      setup.server.faults.at(begun + 800, () => setup.cluster.openJob('idle-0'));
      const report = await setup.sweep({ followUp: false });
      if (late === 0) return expect(jobOf(report, 'idle-0').outcome).toBe('closed');
      expect(jobOf(report, 'idle-0')).toMatchObject({
        outcome: 'error',
        error: { type: 'reopened' },
        attempts: 1,
      });
      expect(report.status).toBe('partial');
      expect(report.counts.revived).toBe(0);
    },
  );

  it('if another user closes and reopens a job after our close request was refused, the job is not reported as revived', async () => {
    await using setup = await startSetup([
      ...idle(1, { closeTakes: '300ms', openTakes: '100ms' }),
      ...busy(5),
    ]);
    setup.server.faults.add({ api: close, status: 429, type: 'es_rejected_execution_exception' });
    setup.server.faults.afterRequest(1, () => setup.cluster.forceCloseJob('idle-0'), close);
    setup.server.faults.at(setup.clock.now() + 500, () => setup.cluster.openJob('idle-0'));
    const report = await setup.sweep({ followUp: false });
    expect(jobOf(report, 'idle-0').outcome).not.toBe('revived');
    expectTruth(report, setup);
  });

  it('after a 409 caused by another user’s forced close, the job’s state decides its outcome', async () => {
    await using setup = await startSetup([...idle(2, { closeTakes: '1m' }), ...busy(5)]);
    setup.server.faults.at(setup.clock.now() + 10_000, () => setup.cluster.forceCloseJob('idle-0'));
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ closed: 2, errors: 0 });
    expect(setup.forcedIds()).toEqual([]);
    expectTruth(report, setup);
  });

  it('two sweeps at the same time close every idle job, and both report the truth', async () => {
    await using setup = await startSetup([...idle(12, { closeTakes: '20s' }), ...busy(20)]);
    const reports = await Promise.all([
      setup.sweep({ close: { batch: 3 } }),
      setup.sweep({ close: { batch: 3 } }),
    ]);
    for (const report of reports) {
      expect(report.counts.errors + report.counts.unknown + report.counts.notAttempted).toBe(0);
      expectTruth(report, setup);
    }
    expect(idle(12).every(({ jobId }) => setup.cluster.job(jobId)?.closedCleanly)).toBe(true);
  });

  it('a sweep reports the truth when a node leaves the cluster during the closes', async () => {
    await using setup = await startSetup([
      ...idle(3, { closeTakes: '40s', node: 'ml-0' }),
      { jobId: 'other', closeTakes: '5s', node: 'ml-1', lastData: '9d' },
      ...busy(10).map((job) => ({ ...job, node: 'ml-2' })),
    ]);
    setup.server.faults.at(setup.clock.now() + 5_000, () => setup.cluster.crashNode('ml-0'));
    const report = await setup.sweep();
    expect(fateOf(report, 'other')).toBe('closed idle');
    expectTruth(report, setup);
  });
});

describe('a cluster that cannot be read', () => {
  it('if the cluster cannot be read for a while during the sweep, reads are repeated until the cluster answers', async () => {
    await using setup = await startSetup([...idle(3), ...busy(5)]);
    setup.server.faults.afterRequest(
      1,
      () => setup.server.faults.add({ api: 'ml.get_job_stats', status: 503, times: 3 }),
      close,
    );
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ closed: 3, unknown: 0 });
    expectTruth(report, setup);
  });

  it('a job is reported as unknown if the cluster can never be read again after its close', async () => {
    await using setup = await startSetup([...idle(3, { closeTakes: '500ms' }), ...busy(5)]);
    setup.server.faults.afterRequest(
      1,
      () => setup.server.faults.add({ api: 'ml.get_*', status: 503, times: Number.POSITIVE_INFINITY }),
      close,
    );
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ closed: 0, unknown: 3 });
    expect(report.status).toBe('partial');
  });

  it('jobs that cannot be read right before the close get no close request, and the report gives the reason', async () => {
    await using setup = await startSetup([...idle(2), ...busy(5)]);
    const fault = () =>
      setup.server.faults.add({ api: 'ml.get_datafeed_stats', status: 500, times: Number.POSITIVE_INFINITY });
    const feeds = { datafeed: { state: 'stopped' } } as const;
    for (const { jobId } of idle(2))
      setup.cluster.putJob({ jobId, lastData: jobId === 'idle-0' ? '5d' : '6d', ...feeds });
    const report = await setup.sweep({}, { between: fault });
    expect(report.counts.errors).toBe(2);
    expect(jobOf(report, 'idle-0')).toMatchObject({ attempts: 0, error: { type: 'unreadable' } });
    expect(setup.closes()).toEqual([]);
  });

  it('nothing is closed if the cluster cannot be read at the start, and the error says so', async () => {
    await using setup = await startSetup([...idle(2), ...busy(5)]);
    setup.server.faults.add({ api: 'ml.get_datafeed_stats', status: 500, times: Number.POSITIVE_INFINITY });
    await expect(setup.sweep()).rejects.toMatchObject({
      name: 'UnreadableInventoryError',
      exitCode: 5,
      message: expect.stringContaining('nothing was closed'),
    });
    expect(setup.closes()).toEqual([]);
  });

  it('a sweep ends before its deadline and reports the actual state of every job, even if every read takes five seconds', async () => {
    await using setup = await startSetup([...idle(30), ...busy(40)]);
    setup.server.faults.add({ api: 'ml.get_*', delay: 5_000, times: Number.POSITIVE_INFINITY });
    const report = await setup.sweep({ close: { batch: 5 } }, { remainingMs: 2 * minute });
    expect(report.durationMs).toBeLessThan(2 * minute);
    expect(report.counts.unknown).toBe(0);
    expectTruth(report, setup);
  });
});

describe('a datafeed that a close stopped', () => {
  it('if a sweep stopped a datafeed but the job did not close, the sweep warns about the datafeed', async () => {
    await using setup = await startSetup([{ jobId: 'fed', datafeed: { state: 'started' } }, ...busy(5)]);
    const stopOnly = () => setup.cluster.stopDatafeed('fed');
    setup.server.faults.add({
      api: close,
      status: 500,
      type: 'status_exception',
      reason: 'no',
      times: Number.POSITIVE_INFINITY,
    });
    setup.server.faults.afterRequest(1, stopOnly, close);
    const report = await setup.sweep({ runningDatafeeds: 'stop' });
    expect(jobOf(report, 'fed')).toMatchObject({ outcome: 'error', datafeedStopped: true });
    expect(report.warnings.join()).toContain(
      'the datafeed datafeed-fed was stopped but its job fed was not closed',
    );
  });
});
