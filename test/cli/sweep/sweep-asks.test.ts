import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, expectTruth, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

/** Terminals show colours and redrawn lines; these tests compare only the words. */
const words = (text: string) => stripVTControlCharacters(text).replaceAll('\r', '');

describe('a sweep on a terminal', () => {
  it('a sweep on a terminal shows the plan, asks for confirmation, and closes the jobs if the user answers yes', async () => {
    await using setup = await startSetup([
      ...busy(6),
      ...idle(3),
      { jobId: 'broken', state: 'failed', lastData: '9d' },
    ]);
    const result = await runOn(setup, ['sweep'], { terminal: true, columns: 100, stdin: 'y\n' });
    expect(result.exit).toBe(0);
    const shown = words(result.stderr);
    expect(shown).toMatch(/^JOB +STATE +IDLE FOR +MEMORY +VERDICT +REASON/);
    expect(shown).toContain(
      `Close 4 jobs, 1 of them with force, on default (${new URL(setup.server.url).host})? [y/N]`,
    );
    expect(shown).toContain('4 of 4 jobs closed');
    expect(words(result.stdout)).toMatch(
      /10 jobs listed of 10 open: 4 idle; 3 closed, 1 closed with force, 6 kept/,
    );
    expect(setup.state('idle-2')).toBe('closed');
  });

  it('a sweep on a terminal closes only jobs in the plan that the user saw', async () => {
    await using setup = await startSetup([...busy(8), ...idle(3), { jobId: 'soon-idle', lastData: '47h' }]);
    const stdin = new PassThrough();
    const hourPasses = async () => {
      await setup.clock.advance(3_600_000);
      setup.cluster.forceCloseJob('idle-0');
      setup.cluster.openJob('idle-0');
      stdin.write('yes\n');
    };
    const result = await runOn(setup, ['sweep', '-o', 'json'], {
      terminal: true,
      stdin,
      onOutput: (text) => text.includes('[y/N]') && void hourPasses(),
    });
    expect(result.exit).toBe(0);
    const report = reportOf(result);
    expectTruth(report, setup);
    expect(report.counts).toMatchObject({ closed: 2 });
    expect(report.jobs.find(({ jobId }) => jobId === 'soon-idle')).toMatchObject({
      reason: 'not_as_planned',
      outcome: 'kept',
    });
    expect(setup.state('soon-idle')).toBe('opened');
  });

  /** How often the whole cluster has been listed so far. */
  const listings = (setup: SweepSetup) =>
    setup.server.requests.filter(({ path }) => path === '/_ml/anomaly_detectors/_stats').length;
  /** Runs a sweep on a terminal. After `readingMs`, calls `meanwhile`, and then the user answers yes. */
  async function agreedAfter(setup: SweepSetup, readingMs: number, meanwhile: () => void = () => undefined) {
    const stdin = new PassThrough();
    const reads = async () => {
      await setup.clock.advance(readingMs);
      meanwhile();
      stdin.write('yes\n');
    };
    return await runOn(setup, ['sweep', '-o', 'json'], {
      terminal: true,
      stdin,
      onOutput: (text) => text.includes('[y/N]') && void reads(),
    });
  }

  it.each([
    ['a few seconds', 5_000, 1],
    ['four minutes', 240_000, 1],
    ['six minutes', 360_000, 2],
  ])(
    'if the user answers yes after %s, a sweep on a terminal carries out the plan that it showed',
    async (_time, readingMs, expected) => {
      await using setup = await startSetup([...busy(8), ...idle(3)]);
      const result = await agreedAfter(setup, readingMs);
      expect(result.exit).toBe(0);
      expectTruth(reportOf(result), setup);
      expect(reportOf(result).counts).toMatchObject({ closed: 3, kept: 8 });
      expect(listings(setup)).toBe(expected);
      // the time that the user takes is not part of the sweep
      expect(reportOf(result).durationMs).toBeLessThan(60_000);
    },
  );

  it.each([60_000, 3_600_000])(
    'a sweep on a terminal is refused if upgrade mode begins in the %i ms before the user answers',
    async (readingMs) => {
      await using setup = await startSetup([...busy(8), ...idle(3)]);
      const result = await agreedAfter(setup, readingMs, () => setup.cluster.setUpgradeMode(true));
      expect(result.exit).toBe(4);
      expect(reportOf(result)).toMatchObject({ status: 'refused', fuse: { name: 'upgrade_mode' } });
      expect(setup.closeRequests()).toEqual([]);
    },
  );

  it('if the user answers an hour later, a sweep on a terminal checks the fuses again, against the jobs that are open by then', async () => {
    await using setup = await startSetup([...busy(8), ...idle(3)]);
    const closesOthers = () => {
      for (let index = 0; index < 5; index += 1) setup.cluster.forceCloseJob(`busy-${index}`);
      for (let index = 0; index < 4; index += 1)
        setup.cluster.putJob({ jobId: `new-${index}`, lastData: '1m' });
      for (let index = 0; index < 3; index += 1) setup.cluster.removeJob(`busy-${5 + index}`);
      for (let index = 0; index < 3; index += 1)
        setup.cluster.putJob({ jobId: `more-${index}`, lastData: '1m' });
    };
    const result = await agreedAfter(setup, 3_600_000, closesOthers);
    expect(reportOf(result).counts).toMatchObject({ open: 10, closed: 3, kept: 7 });
    expect(reportOf(result).jobs.filter(({ outcome }) => outcome === 'closed')).toHaveLength(3);
  });

  it('a sweep on a terminal asks for no confirmation if there is nothing to close', async () => {
    await using setup = await startSetup(busy(3));
    const result = await runOn(setup, ['sweep'], { terminal: true });
    expect(result.exit).toBe(0);
    expect(result.stderr).not.toContain('[y/N]');
  });

  it('if a fuse trips, a sweep on a terminal asks for no confirmation and closes nothing', async () => {
    await using setup = await startSetup([...busy(4), ...idle(9)]);
    const result = await runOn(setup, ['sweep'], { terminal: true, stdin: 'y\n' });
    expect(result.exit).toBe(4);
    expect(result.stderr).not.toContain('[y/N]');
    expect(words(result.stdout)).toMatch(
      /REFUSED by the fuse max_share: 9 of 13 open jobs would be closed.*raise fuse\.maxShare/,
    );
    expect(setup.closeRequests()).toEqual([]);
  });

  it('a sweep on a terminal closes nothing and exits with 4 if it is interrupted while it asks for confirmation', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    const stop = new AbortController();
    const result = await runOn(setup, ['sweep'], {
      terminal: true,
      stdin: new PassThrough(),
      signal: stop.signal,
      onOutput: (text) => text.includes('[y/N]') && stop.abort(),
    });
    expect(result).toMatchObject({ exit: 4, stdout: '' });
    expect(setup.closeRequests()).toEqual([]);
  });
});
