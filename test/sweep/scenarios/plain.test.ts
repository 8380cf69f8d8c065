import { describe, expect, it } from 'vitest';
import type { FleetJob } from '../../../simulator/elasticsearch/index.ts';
import { busy, expectTruth, fateOf, idle, jobOf, startSetup } from '../../support/sweep-setup.ts';

describe('a sweep without failures', () => {
  it('a sweep closes the idle jobs, keeps the busy ones, and reports the freed memory', async () => {
    await using setup = await startSetup([...idle(3), ...busy(5), { jobId: 'shut', state: 'closed' }]);
    const report = await setup.sweep();
    expect(report).toMatchObject({
      status: 'done',
      fuse: null,
      followUp: null,
      warnings: [],
      kept: { recent_data: 5 },
    });
    expect(report.counts).toMatchObject({ open: 8, listed: 8, idle: 3, closed: 3, kept: 5 });
    expect(report.freedBytes).toBe(3 * 10 * 1024 * 1024);
    expect(setup.cluster.job('idle-0')).toMatchObject({
      state: 'closed',
      closedCleanly: true,
      forced: false,
    });
    expectTruth(report, setup);
  });

  it('a second sweep closes nothing', async () => {
    await using setup = await startSetup([...idle(3), ...busy(5)]);
    await setup.sweep();
    const requests = setup.closes().length;
    const report = await setup.sweep();
    expect(report.counts).toMatchObject({ open: 5, idle: 0, closed: 0 });
    expect(setup.closes()).toHaveLength(requests);
  });

  it('a dry run makes the same decisions as a sweep, and changes nothing', async () => {
    await using setup = await startSetup([...idle(3), ...busy(5), { jobId: 'broken', state: 'failed' }]);
    const report = await setup.sweep({ dryRun: true });
    expect(report).toMatchObject({
      status: 'done',
      dryRun: true,
      counts: { idle: 4, notAttempted: 4, closed: 0 },
    });
    expect(jobOf(report, 'idle-0')).toMatchObject({
      verdict: 'close',
      outcome: 'not_attempted',
      notAttemptedBecause: 'dry_run',
    });
    expect(setup.server.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('a sweep without failures sends at most five requests, plus five per batch and one per second while closes run', async () => {
    await using setup = await startSetup([...idle(45, { datafeed: { state: 'stopped' } }), ...busy(60)]);
    const report = await setup.sweep({ close: { batch: 20, perNode: null } });
    expect(report.counts.closed).toBe(45);
    expect(setup.closes()).toHaveLength(3);
    expect(setup.server.requests.length).toBeLessThanOrEqual(5 + 5 * 3 + report.durationMs / 1_000);
  });

  it('a close request has its timeout and its other parameters only in the query', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5)]);
    await setup.sweep({ close: { timeout: '90s' } });
    const [request] = setup.closeRequests();
    expect(request).toMatchObject({ body: '', status: 200 });
    expect(Object.fromEntries(new URLSearchParams(request?.query))).toEqual({
      timeout: '90000ms',
      force: 'false',
      allow_no_match: 'false',
    });
  });

  it('a sweep of 300 idle jobs with ids of 64 characters keeps every request line within 4,096 bytes', async () => {
    const long = idle(300).map((job, index) => ({
      ...job,
      jobId: `${'x'.repeat(60)}-${String(index).padStart(3, '0')}`,
    }));
    await using setup = await startSetup([...long, ...busy(310)]);
    const report = await setup.sweep({ close: { batch: 100, concurrency: 8 } });
    expect(report.counts).toMatchObject({ idle: 300, closed: 300 });
    expect(Math.max(...setup.server.requests.map(({ lineBytes }) => lineBytes))).toBeLessThanOrEqual(4_096);
    expect(setup.closes().every((ids) => ids.length > 0 && ids.every((id) => id.length === 64))).toBe(true);
  });
});

describe('idle and busy jobs of each kind, over real HTTP', () => {
  it('a dry run closes idle jobs and keeps busy, protected and managed ones in its plan, each with its reason in the report', async () => {
    await using setup = await startSetup([
      ...busy(20),
      { jobId: 'plain' },
      { jobId: 'back-fill', lastData: '1m', latestRecord: '900d' },
      { jobId: 'future-events', lastData: '5d', latestRecord: 'now' },
      { jobId: 'reopened', openedAt: '1h', lastData: '400d' },
      { jobId: 'moving', node: null },
      { jobId: 'never-fed', lastData: undefined, openedAt: '9d' },
      { jobId: 'never-fed-young', lastData: undefined, openedAt: '1h' },
      { jobId: 'forecasting', forecast: 'started' },
      { jobId: 'forecast-over', forecast: 'finished', lastData: '7d' },
      { jobId: 'being-reset', blocked: 'reset' },
      { jobId: 'apps', customSettings: { managed: true, created_by: 'ml-module' } },
      { jobId: 'mine', customSettings: { jobsweep: { protect: true } } },
      { jobId: 'mine-until', customSettings: { jobsweep: { protectUntil: '2026-11-23' } } },
      { jobId: 'mine-once', customSettings: { jobsweep: { protectUntil: '2026-11-22' } }, lastData: '8d' },
      { jobId: 'mine-typo', customSettings: { jobsweep: { protcet: true } } },
      { jobId: 'fed', datafeed: { state: 'started' } },
      { jobId: 'looking-back', datafeed: { state: 'started', lookback: { from: '300d' } } },
      { jobId: 'crashed', state: 'failed', lastData: '9d' },
      { jobId: 'starting', state: 'opening' },
    ]);
    const report = await setup.sweep({ exclude: 'nothing-like-it', dryRun: true });
    const verdicts = Object.fromEntries(
      report.jobs.map(({ jobId, verdict, reason }) => [jobId, `${verdict} ${reason}`]),
    );
    expect(verdicts).toEqual({
      plain: 'close idle',
      'future-events': 'close idle',
      'never-fed': 'close never_fed',
      'forecast-over': 'close idle',
      'mine-once': 'close idle',
      crashed: 'force failed',
      moving: 'keep no_process',
      forecasting: 'keep forecast_running',
      'being-reset': 'keep blocked',
      apps: 'keep managed',
      mine: 'keep protected',
      'mine-until': 'keep protected',
      'mine-typo': 'keep protected',
      fed: 'keep datafeed_running',
      'looking-back': 'keep lookback_running',
      starting: 'keep opening',
    });
    expect(report.kept).toMatchObject({ recent_data: 21, recently_opened: 2 });
    expect(report.warnings).toEqual([
      'exclude: "nothing-like-it" matches no job of the cluster, so it keeps no job',
      expect.stringContaining('custom_settings.jobsweep of mine-typo cannot be read'),
    ]);
  });

  it('a sweep warns about jobs stuck in opening, with their age and what to do, and closes them if the request allows it', async () => {
    const stuck = (jobId: string, openedAt: string): FleetJob => ({
      jobId,
      state: 'opening',
      openTakes: 'lost',
      openedAt,
      node: 'ml-1',
    });
    await using setup = await startSetup([...busy(6), stuck('idle-stuck', '5d'), stuck('young-stuck', '2h')]);
    const warnings = [
      expect.stringMatching(
        /^idle-stuck has been opening for 120 hours on ml-1, .*#126148.*_ml\/anomaly_detectors\/idle-stuck\/_close, or "stuckOpening": "close"/,
      ),
      expect.stringMatching(/^young-stuck has been opening for 2 hours on ml-1, /),
    ];
    const plan = await setup.sweep({ dryRun: true });
    expect(fateOf(plan, 'idle-stuck')).toBe('kept opening');
    expect(plan.warnings).toEqual(warnings);

    const report = await setup.sweep({ stuckOpening: 'close' });
    expect(fateOf(report, 'idle-stuck')).toBe('closed stuck_opening');
    expect(report.warnings[0]).toMatch(/^idle-stuck has been opening.*; stuckOpening says close$/);
    expect(setup.state('idle-stuck')).toBe('closed');
    expect(setup.state('young-stuck')).toBe('opening');
  });

  it('a sweep in upgrade mode is refused and closes nothing', async () => {
    await using setup = await startSetup([...idle(2), ...busy(5)], { upgradeMode: true });
    const report = await setup.sweep();
    expect(report).toMatchObject({ status: 'refused', fuse: { name: 'upgrade_mode', limit: null } });
    expect(setup.closes()).toEqual([]);
  });

  it('a sweep stops running datafeeds if the request allows it, and reports which datafeeds it stopped', async () => {
    await using setup = await startSetup([
      { jobId: 'dry', datafeed: { state: 'started' } },
      ...idle(1),
      ...busy(5),
    ]);
    expect(fateOf(await setup.sweep({ dryRun: true }), 'dry')).toBe('kept datafeed_running');
    const report = await setup.sweep({ runningDatafeeds: 'stop' });
    expect(jobOf(report, 'dry')).toMatchObject({
      outcome: 'closed',
      datafeedId: 'datafeed-dry',
      datafeedStopped: true,
    });
    expect(jobOf(report, 'idle-0')).not.toHaveProperty('datafeedStopped');
    expect(setup.cluster.job('dry')?.datafeed?.state).toBe('stopped');
  });
});

describe('names given in a request', () => {
  it('names in `jobs` select jobs by id, group and wildcard; the other jobs are not listed, but count as open', async () => {
    await using setup = await startSetup([
      { jobId: 'web-a', groups: ['team-web'] },
      { jobId: 'web-b', groups: ['team-web'] },
      { jobId: 'infra-a', groups: ['team-infra'] },
      ...busy(5),
    ]);
    const report = await setup.sweep({ jobs: 'team-web', exclude: '*-b', fuse: { maxShare: null } });
    expect(report.counts).toMatchObject({ open: 8, listed: 2, closed: 1, kept: 1 });
    expect(report.kept).toEqual({ excluded: 1 });
    expect(setup.closes()).toEqual([['web-a']]);
  });

  it('a name that matches no job, not even a closed one, causes a warning, or an error if the request requires matches', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5), { jobId: 'shut', state: 'closed' }]);
    const names = { jobs: ['idle-0', 'shut', 'tpyo-*'] };
    await expect(setup.sweep({ ...names, allowNoMatch: false })).rejects.toMatchObject({
      name: 'NoSuchJobError',
      exitCode: 2,
    });
    expect(setup.closes()).toEqual([]);
    expect((await setup.sweep(names)).warnings).toEqual(['jobs: "tpyo-*" matches no job of the cluster']);
  });
});
