import { describe, expect, it } from 'vitest';
import { type Folder, newFolder } from '../../support/folder.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import {
  busy,
  expectSums,
  expectTruth,
  idle,
  jobOf,
  type SweepSetup,
  startSetup,
} from '../../support/sweep-setup.ts';

const hour = 3_600_000;

async function savePlan(setup: SweepSetup, folder: Folder, payload = '{}'): Promise<string> {
  const file = folder.at('plan.json');
  const args = ['plan', '-o', 'json', '--output-file', file, '-p', '-'];
  const { exit, stdout, stderr } = await runOn(setup, args, { stdin: payload });
  expect({ exit, stdout, stderr }).toEqual({
    exit: 0,
    stdout: '',
    stderr: `the result is in ${file} (json)\n`,
  });
  return file;
}

/** Carries a plan out, and compares the report with the cluster. */
async function carryOut(setup: SweepSetup, file: string, ...more: string[]) {
  const result = await runOn(setup, ['sweep', '--plan', file, '--yes', ...more]);
  expect(result.exit).toBe(0);
  const report = reportOf(result);
  expectSums(report);
  expectTruth(report, setup);
  return report;
}

describe('a saved plan', () => {
  it('a saved plan can be carried out hours later', async () => {
    await using setup = await startSetup([
      ...busy(5),
      ...idle(3),
      { jobId: 'broken', state: 'failed', lastData: '9d' },
    ]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    await setup.clock.advance(5 * hour);
    const report = await carryOut(setup, file);
    expect(report.counts).toMatchObject({ idle: 4, closed: 3, forceClosed: 1, kept: 5 });
  });

  it('a sweep with a saved plan does not close jobs that became idle after the plan', async () => {
    await using setup = await startSetup([...busy(5), ...idle(2), { jobId: 'idle-by-now', lastData: '40h' }]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    await setup.clock.advance(10 * hour);
    const report = await carryOut(setup, file);
    expect(report.counts.closed).toBe(2);
    expect(jobOf(report, 'idle-by-now')).toMatchObject({ outcome: 'kept', reason: 'not_as_planned' });
  });

  it('a sweep with a saved plan lists the jobs that were deleted after the plan, and warns how many there are', async () => {
    await using setup = await startSetup([...busy(8), ...idle(4)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    setup.cluster.removeJob('idle-0');
    setup.cluster.forceCloseJob('idle-1');
    setup.cluster.receiveData('idle-2');
    const report = await carryOut(setup, file);
    expect(report.counts).toMatchObject({ listed: 11, idle: 1, closed: 1, gone: 1, kept: 9 });
    expect(jobOf(report, 'idle-0')).toMatchObject({ verdict: 'keep', outcome: 'gone' });
    expect(report.warnings).toEqual([
      'of 4 planned jobs: 1 as planned, 1 changed since, 1 closed already, 1 deleted',
    ]);
  });

  it('a saved plan causes a warning if nothing is left to close, for example when it is carried out a second time', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    expect((await carryOut(setup, file)).warnings).toEqual([]);
    const again = await carryOut(setup, file);
    expect(again.counts).toMatchObject({ idle: 0, closed: 0, gone: 0 });
    expect(again.warnings).toEqual(['every job of the plan is closed already (2 jobs)']);
    for (const { jobId } of idle(2)) setup.cluster.openJob(jobId);
    await setup.clock.advance(5 * hour);
    expect((await carryOut(setup, file)).warnings).toEqual([
      'of 2 planned jobs: 2 changed since; make a new plan',
    ]);
  });

  it('if a saved plan is carried out a second time, the output says that the plan’s jobs are already closed', async () => {
    await using setup = await startSetup([...busy(13), ...idle(12)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    await carryOut(setup, file);
    const again = ['sweep', '--plan', file, '--yes', '--no-color'];
    const words = 'every job of the plan is closed already (12 jobs)';
    const onTerminal = await runOn(setup, again, { terminal: true });
    expect(onTerminal).toMatchObject({ exit: 0, stderr: '' });
    expect(onTerminal.stdout).toMatch(
      /^13 jobs listed of 13 open: 0 idle; 13 kept\n[\s\S]*^warning: every job of the plan is closed already \(12 jobs\); see docs\/runbook\.md#warning-plan-changed$/m,
    );
    const piped = await runOn(setup, again);
    expect(piped).toMatchObject({ exit: 0, stderr: `${words}\n` });
    expect(reportOf(piped).warnings).toEqual([words]);
    const markdown = await runOn(setup, [...again, '-o', 'markdown']);
    expect(markdown.stdout).toContain(
      '- warning: every job of the plan is closed already &#40;12 jobs&#41;; see docs/runbook.md&#35;warning-plan-changed\n',
    );
  });

  it('a saved plan causes no warning if only some of its jobs have changed', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    setup.cluster.receiveData('idle-0');
    expect((await carryOut(setup, file)).warnings).toEqual([]);
  });

  it.each<[string, (setup: SweepSetup) => unknown]>([
    [
      'got data after the plan, even if that was long before the sweep',
      ({ cluster }) => cluster.receiveData('idle-0'),
    ],
    [
      'was closed and opened again',
      ({ cluster }) => {
        cluster.forceCloseJob('idle-0');
        cluster.openJob('idle-0');
      },
    ],
    ['failed', ({ cluster }) => cluster.failJob('idle-0')],
    ['was deleted and created again', ({ cluster }) => cluster.putJob({ jobId: 'idle-0', lastData: '30d' })],
    ['has a datafeed that runs again', ({ cluster }) => cluster.startDatafeed('idle-0')],
  ])('a sweep with a saved plan keeps a job that %s', async (_what, change) => {
    const datafeed = { state: 'stopped' } as const;
    await using setup = await startSetup([...busy(5), ...idle(2, { datafeed })]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder, '{"idleFor": "2h", "runningDatafeeds": "stop"}');
    await setup.clock.advance(hour);
    change(setup);
    await setup.clock.advance(3 * hour);
    const report = await carryOut(setup, file);
    expect(report.counts.closed).toBe(1);
    expect(jobOf(report, 'idle-0')).toMatchObject({ outcome: 'kept', reason: 'not_as_planned' });
    expect(setup.closes().flat()).toEqual(['idle-1']);
  });

  it('if a saved plan would close a job gracefully, a sweep with the plan never forces the job', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1, { closeTakes: 'never' })]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder, '{"force": {"stuckFor": "3m"}}');
    const result = await runOn(setup, ['sweep', '--plan', file, '--yes', '--wait']);
    expect(result.exit).toBe(3);
    expect(reportOf(result).counts).toMatchObject({ closing: 1, forceClosed: 0 });
    expect(setup.forcedIds()).toEqual([]);
  });

  it('a saved plan may be reformatted', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    await folder.write('plan.json', JSON.stringify(JSON.parse(await folder.read('plan.json'))));
    expect((await carryOut(setup, file)).counts.closed).toBe(1);
  });

  it('the standard output of `plan` can be used as a saved plan', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    await using folder = await newFolder();
    const file = await folder.write('plan.json', (await runOn(setup, ['plan'])).stdout);
    expect((await carryOut(setup, file)).counts.closed).toBe(1);
  });
});

describe('a saved plan that is refused', () => {
  type Plan = { plan: { jobs: Record<string, unknown>; request: object }; jobs: object[]; status: string };
  it.each<[string, (plan: Plan) => unknown, RegExp]>([
    [
      'a job was added to it',
      (plan) => {
        plan.plan.jobs['busy-0'] = plan.plan.jobs['idle-0'];
      },
      /was changed after the plan was made/,
    ],
    ['its request was changed', (plan) => Object.assign(plan.plan.request, { idleFor: '1m' }), /was changed/],
    ['the list of jobs that it shows was changed', (plan) => plan.jobs.pop(), /was changed/],
    [
      'it is a report of a sweep',
      (plan) => Reflect.deleteProperty(plan, 'plan'),
      /is not a plan written by jobsweep plan -o json/,
    ],
  ])('a saved plan is refused with exit code 2 if %s', async (_what, edit, message) => {
    await using setup = await startSetup([...busy(5), ...idle(2)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    const plan = JSON.parse(await folder.read('plan.json')) as Plan;
    edit(plan);
    await folder.write('plan.json', JSON.stringify(plan));
    const result = await runOn(setup, ['sweep', '--plan', file, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toContain(
      `Make a new one with the same request: jobsweep plan -o json --output-file ${file}`,
    );
    expect(setup.closeRequests()).toEqual([]);
  });

  it.each([
    [
      'is nested too deeply',
      (text: string) => text.replace('{', `{"x": ${'['.repeat(9_000)}${']'.repeat(9_000)},`),
    ],
    ['repeats a key', (text: string) => text.replace('"plan": {', '"plan": {"version": 1,')],
  ])('a saved plan is refused with exit code 2 if its text %s', async (_what, edit) => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    await folder.write('plan.json', edit(await folder.read('plan.json')));
    const result = await runOn(setup, ['sweep', '--plan', file, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain('is not a plan written by jobsweep plan -o json');
    expect(setup.closeRequests()).toEqual([]);
  });

  it('a saved plan is refused with exit code 2 if it is older than a day or than --max-age', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    await setup.clock.advance(2 * hour);
    const young = await runOn(setup, ['sweep', '--plan', file, '--yes', '--max-age', '1h']);
    expect(young).toMatchObject({ exit: 2, stdout: '' });
    expect(young.stderr).toContain('is 2 h old; the limit is 1 h (--max-age)');
    await setup.clock.advance(23 * hour);
    const old = await runOn(setup, ['sweep', '--plan', file, '--yes']);
    expect(old.stderr).toContain('is 1 d 1 h old; the limit is 1 d');
    expect((await carryOut(setup, file, '--max-age', '2d')).counts.closed).toBe(1);
  });

  it('a saved plan is refused with exit code 2 if a fuse refused it', async () => {
    await using setup = await startSetup([...busy(5), ...idle(9)]);
    await using folder = await newFolder();
    const file = folder.at('plan.json');
    expect((await runOn(setup, ['plan', '--output-file', file])).exit).toBe(4);
    const result = await runOn(setup, ['sweep', '--plan', file, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain(
      'refused by the fuse max_share: 9 of 14 open jobs would be closed, and a share of 0.5 is allowed; nothing',
    );
  });

  it('a saved plan is refused with exit code 2 if the address now belongs to another cluster', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    await using other = await startSetup([...busy(5), ...idle(1)], {}, { seed: 2 });
    await using folder = await newFolder();
    const file = await savePlan(setup, folder);
    const result = await runOn(other, ['sweep', '--plan', file, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain('is a plan for another cluster');
    expect(other.closeRequests()).toEqual([]);
  });
});
