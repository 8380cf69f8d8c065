import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sized } from '../../support/nightly.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, expectSums, expectTruth, idle, jobOf, startSetup } from '../../support/sweep-setup.ts';

const minute = 60_000;
const args = ['sweep', '--yes', '--wait', '-p', '-'];

describe('a sweep that waits', () => {
  it('`sweep --wait` runs further rounds until slow jobs are closed, and writes one report', async () => {
    await using setup = await startSetup([
      ...busy(6),
      ...idle(3),
      { jobId: 'slow', lastData: '9d', closeTakes: '12m', modelBytes: '1gb' },
      { jobId: 'slower', lastData: '10d', closeTakes: '40m', modelBytes: '2gb' },
    ]);
    const started = setup.clock.now();
    const result = await runOn(setup, args, { stdin: '{}' });
    expect(result.exit).toBe(0);
    const report = reportOf(result);
    expectSums(report);
    expectTruth(report, setup);
    expect(report).toMatchObject({
      status: 'done',
      followUp: null,
      counts: { idle: 5, closed: 5, closing: 0, kept: 6 },
    });
    expect(report.freedBytes).toBe(3 * 10 * 2 ** 20 + 3 * 2 ** 30);
    expect(report.durationMs).toBe(setup.clock.now() - started);
    expect(jobOf(report, 'slower')).toMatchObject({
      verdict: 'close',
      reason: 'idle',
      state: 'opened',
      attempts: 1,
    });
    expect(result.stderr).toMatch(
      /2 jobs still closing: looking again in 15 min, at .* UTC; Ctrl-C ends the sweep here/,
    );
  });

  it('`sweep --wait` forces a job in a later round if the job counts as stuck by then', async () => {
    await using setup = await startSetup([
      ...busy(6),
      ...idle(1),
      { jobId: 'hangs', lastData: '9d', closeTakes: 'never' },
    ]);
    const result = await runOn(setup, args, { stdin: '{"force": {"stuckFor": "30m"}}' });
    expect(result.exit).toBe(0);
    const report = reportOf(result);
    expectSums(report);
    expectTruth(report, setup);
    expect(jobOf(report, 'hangs')).toMatchObject({
      verdict: 'force',
      reason: 'stuck',
      outcome: 'force_closed',
      attempts: 2,
    });
  });

  it('if jobs are still closing after the last round, `sweep --wait` reports them and exits with 3', async () => {
    await using setup = await startSetup([
      ...busy(6),
      { jobId: 'hangs', lastData: '9d', closeTakes: 'never' },
    ]);
    const result = await runOn(setup, args, {
      stdin: '{"force": {"stuckFor": null}, "followUp": {"after": "5m", "max": 2}}',
    });
    expect(result.exit).toBe(3);
    const report = reportOf(result);
    expect(report).toMatchObject({ status: 'partial', followUp: null, counts: { closing: 1 } });
    expect(report.warnings.join()).toContain('given up after 2 follow-ups');
  });

  it('`sweep --wait` keeps a failure from the first round in the final report', async () => {
    await using setup = await startSetup([
      ...busy(6),
      { jobId: 'fails', lastData: '8d', closeTakes: { fails: 'disk full', after: '1s' } },
      { jobId: 'slow', lastData: '9d', closeTakes: '12m' },
    ]);
    const result = await runOn(setup, args, { stdin: '{"force": {"failed": false}}' });
    expect(result.exit).toBe(3);
    expect(reportOf(result)).toMatchObject({ status: 'partial', counts: { closed: 1, errors: 1 } });
  });

  it('if a job is reopened between two rounds, `sweep --wait` counts the job once, as kept', async () => {
    await using setup = await startSetup([...busy(6), { jobId: 'slow', lastData: '9d', closeTakes: '12m' }]);
    setup.server.faults.at(setup.clock.now() + 13 * minute, () => setup.cluster.openJob('slow'));
    const result = await runOn(setup, args, { stdin: '{}' });
    expect(result.exit).toBe(0);
    const report = reportOf(result);
    expectTruth(report, setup);
    expect(report.counts).toMatchObject({ listed: 7, closed: 0, closing: 0, kept: 7, idle: 0 });
    expect(report.kept).toEqual({ recent_data: 6, recently_opened: 1 });
    expect(jobOf(report, 'slow')).toMatchObject({ outcome: 'kept', reason: 'recently_opened' });
  });

  it('`sweep --wait` writes its report if the cluster cannot be reached in a later round', async () => {
    await using setup = await startSetup([
      ...busy(6),
      ...idle(2),
      { jobId: 'slow', lastData: '9d', closeTakes: '60m' },
    ]);
    setup.server.faults.at(setup.clock.now() + 10 * minute, () =>
      setup.server.faults.add({ api: '*', reset: 'before', times: Number.POSITIVE_INFINITY }),
    );
    const result = await runOn(setup, args, { stdin: '{}' });
    expect(result.exit).toBe(3);
    const report = reportOf(result);
    expectSums(report);
    expect(report.counts).toMatchObject({ closed: 2, closing: 1 });
    expect(report.warnings.join()).toMatch(/the next round failed.*cannot be reached/);
  });

  it('`sweep --wait` writes its report if upgrade mode begins before a later round', async () => {
    await using setup = await startSetup([
      ...busy(6),
      { jobId: 'hangs', lastData: '9d', closeTakes: 'never' },
    ]);
    setup.server.faults.at(setup.clock.now() + 10 * minute, () =>
      setup.server.faults.add({
        api: 'ml.info',
        status: 200,
        body: { upgrade_mode: true },
        times: Number.POSITIVE_INFINITY,
      }),
    );
    const result = await runOn(setup, args, { stdin: '{"force": {"stuckFor": "5m"}}' });
    expect(result.exit).toBe(3);
    const report = reportOf(result);
    expectSums(report);
    expect(report).toMatchObject({
      status: 'partial',
      counts: { closing: 1, notAttempted: 0 },
      fuse: { name: 'upgrade_mode' },
    });
  });

  it('`sweep --wait` ends at once with its report if it is stopped between two rounds', async () => {
    await using setup = await startSetup([
      ...busy(6),
      ...idle(2),
      { jobId: 'slow', lastData: '9d', closeTakes: '60m' },
    ]);
    const stop = new AbortController();
    const started = setup.clock.now();
    setup.server.faults.at(started + 10 * minute, () =>
      stop.abort(new DOMException('stopped by SIGINT', 'AbortError')),
    );
    const result = await runOn(setup, args, { stdin: '{}', signal: stop.signal });
    expect(result.exit).toBe(3);
    expect(setup.clock.now() - started).toBeLessThan(10 * minute + 10_000);
    const report = reportOf(result);
    expectSums(report);
    expect(report).toMatchObject({ followUp: null, counts: { closed: 2, closing: 1 } });
    expect(report.warnings.join()).toContain('stopped between two rounds');
  });

  it('`sweep --wait` reports counts that add up, for jobs in random states whose closes take random times or fail', async () => {
    const takes = fc.constantFrom('5s', '3m', '11m', '33m', 'never' as const, {
      fails: 'disk full',
      after: '2s',
    });
    const state = fc.constantFrom('opened', 'failed', 'closing');
    const job = fc.record({ closeTakes: takes, state });
    await fc.assert(
      fc.asyncProperty(
        fc.array(job, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (jobs, mayForce) => {
          await using setup = await startSetup([
            ...busy(10),
            ...jobs.map((each, index) => ({ ...each, jobId: `job-${index}`, lastData: `${100 + index}h` })),
          ]);
          const force = mayForce ? { stuckFor: '20m', max: 2 } : { stuckFor: null, failed: false };
          const result = await runOn(setup, args, {
            stdin: JSON.stringify({ force, followUp: { after: '10m', max: 4 } }),
          });
          const report = reportOf(result);
          expectSums(report);
          expectTruth(report, setup);
          expect(result.exit).toBe(report.status === 'done' ? 0 : 3);
          const undone =
            report.counts.closing + report.counts.errors + report.counts.unknown + report.counts.notAttempted;
          expect(undone === 0).toBe(report.status === 'done');
        },
      ),
      { numRuns: sized({ push: 5, nightly: 40 }), seed: 7 },
    );
  });
});
