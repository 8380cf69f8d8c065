import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { newFolder } from '../../support/folder.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import {
  busy,
  expectSums,
  expectTruth,
  idle,
  type SweepSetup,
  startSetup,
} from '../../support/sweep-setup.ts';

const slow = { closeTakes: '45s' } as const;
/** With a deadline of 3 minutes, each round of `sweep --wait` has time for only a few of the jobs. */
const args = ['sweep', '--wait', '-o', 'json', '--deadline', '3m'];
const payload = JSON.stringify({ close: { batch: 4, concurrency: 1 }, followUp: { after: '15m', max: 6 } });

/** The number of close requests for each job. */
const asks = (setup: SweepSetup) =>
  Object.values(Object.groupBy(setup.closes().flat(), (jobId) => jobId)).map((each) => each?.length);

describe('a sweep that waits and has more jobs than fit into one deadline', () => {
  it('if jobs are left for lack of time, `sweep --wait` starts the next round at once, with one close request per job in total', async () => {
    await using setup = await startSetup([...idle(30, slow), ...busy(40)]);
    const result = await runOn(setup, [...args, '--yes', '-p', '-'], { stdin: payload });
    expect(result.exit).toBe(0);
    const report = reportOf(result);
    expectSums(report);
    expectTruth(report, setup);
    expect(report).toMatchObject({
      status: 'done',
      followUp: null,
      counts: { open: 70, listed: 70, idle: 30, closed: 30, kept: 40, notAttempted: 0 },
      warnings: [],
    });
    expect(report.rounds?.length).toBeGreaterThan(1);
    expect(asks(setup)).toEqual(Array.from({ length: 30 }, () => 1));
    expect(result.stderr).toContain('not all jobs fit into the time: continuing with round 1');
    // the next round starts within 3 minutes of the first one: it does not wait for followUp.after (15 minutes)
    const [next] = report.rounds ?? [];
    expect(Date.parse(next?.startedAt ?? '') - Date.parse(report.startedAt)).toBeLessThanOrEqual(3 * 60_000);
  });

  it('`sweep --wait` stops after followUp.max rounds with a message and exit code 3', async () => {
    await using setup = await startSetup([...idle(60, slow), ...busy(70)]);
    const stdin = JSON.stringify({
      ...(JSON.parse(payload) as object),
      followUp: { after: '2m', max: 1 },
      force: { stuckFor: null },
    });
    const result = await runOn(setup, [...args, '--yes', '-p', '-'], { stdin });
    expect(result.exit).toBe(3);
    const report = reportOf(result);
    expectSums(report);
    expect(report).toMatchObject({ status: 'partial', followUp: null, rounds: [{ round: 1 }] });
    expect(report.warnings.join()).toMatch(/did not fit into the time .* given up after 1 follow-up/);
    expect(report.jobs.filter(({ notAttemptedBecause }) => notAttemptedBecause === 'time')).toHaveLength(
      report.counts.notAttempted,
    );
  });

  it('`sweep --wait` stops if a fuse trips between two rounds', async () => {
    await using setup = await startSetup([...idle(30, slow), ...busy(40)]);
    const others = () => {
      for (const { jobId } of busy(40)) setup.cluster.removeJob(jobId);
    };
    setup.server.faults.at(setup.clock.now() + 60_000, others);
    const result = await runOn(setup, [...args, '--yes', '-p', '-'], { stdin: payload });
    expect(result.exit).toBe(3);
    const report = reportOf(result);
    expectSums(report);
    expect(report).toMatchObject({ status: 'partial', fuse: { name: 'max_share' }, rounds: [{ round: 1 }] });
    expect(report.counts.closed).toBeGreaterThan(0);
    // the fuse refused the later round, so the jobs that the first round left for lack of time are still not closed
    expect(report.counts.notAttempted).toBeGreaterThan(0);
    expect(report.jobs.filter(({ notAttemptedBecause }) => notAttemptedBecause === 'time')).toHaveLength(
      report.counts.notAttempted,
    );
  });

  it('in later rounds, `sweep --wait` closes only jobs that the user confirmed', async () => {
    await using setup = await startSetup([
      ...idle(24, slow),
      { jobId: 'soon-idle', lastData: `${48 * 3_600 - 60}s`, ...slow },
      ...busy(40),
    ]);
    await using files = await newFolder();
    const file = files.at('payload.json');
    await writeFile(file, payload);
    const result = await runOn(setup, [...args, '-p', file], { terminal: true, stdin: 'y\n' });
    expect(result.exit).toBe(0);
    const report = reportOf(result);
    expect(report.rounds?.length).toBeGreaterThan(0);
    expect(setup.state('soon-idle')).toBe('opened');
    expect(report.jobs.find(({ jobId }) => jobId === 'soon-idle')?.outcome ?? 'kept').toBe('kept');
  });

  it('`sweep --wait` can be undone completely by `reopen`', async () => {
    await using setup = await startSetup([...idle(16, slow), ...busy(20)]);
    await using files = await newFolder();
    const file = files.at('report.json');
    const swept = await runOn(setup, [...args, '--yes', '-p', '-', '--output-file', file], {
      stdin: payload,
    });
    expect(swept.exit).toBe(0);
    expect(setup.cluster.jobs().filter(({ state }) => state === 'closed')).toHaveLength(16);
    const undone = await runOn(setup, ['reopen', file, '--yes', '-o', 'json']);
    expect(undone.exit).toBe(0);
    expect(setup.cluster.jobs().filter(({ state }) => state === 'closed')).toEqual([]);
  });
});
