import { describe, expect, it } from 'vitest';
import { parsePastSweeps } from '../../../src/cli/input/past-sweeps.ts';
import { newFolder } from '../../support/folder.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import {
  busy,
  expectSums,
  fateOf,
  idle,
  jobOf,
  type SweepSetup,
  startSetup,
} from '../../support/sweep-setup.ts';

const day = 86_400_000;

/**
 * Simulates `count` nights: in each, a sweep closes idle jobs, and then another user opens the job `flaps` again.
 * Returns the output of each sweep.
 */
async function nights(setup: SweepSetup, count: number, form: string): Promise<string[]> {
  const written: string[] = [];
  for (let night = 0; night < count; night += 1) {
    const { exit, stdout } = await runOn(setup, ['sweep', '--yes', '-o', form, '-p', '-'], {
      stdin: '{"idleFor": "12h"}',
    });
    expect(exit).toBe(0);
    written.push(stdout);
    setup.cluster.openJob('flaps');
    await setup.clock.advance(day);
    for (const { jobId } of busy(6)) setup.cluster.receiveData(jobId);
  }
  return written;
}

const fleet = [...busy(6), { jobId: 'flaps', lastData: '9d' }, { jobId: 'rests', lastData: '10d' }];

describe('the history of earlier sweeps', () => {
  it.each(['json', 'ndjson'])(
    'a plan with `--history` and a report in the format %s shows jobs that were opened again after a sweep closed them',
    async (form) => {
      await using setup = await startSetup(fleet);
      await using folder = await newFolder();
      const [report] = await nights(setup, 1, form);
      const history = await folder.write('night', report as string);
      const result = await runOn(setup, ['plan', '-o', 'table', '--history', history]);
      expect(result.exit).toBe(0);
      expect(result.stdout).toContain(
        'open again after a sweep closed them: flaps (closed by 1 sweep); if they are needed, protect or exclude them',
      );
      expect(result.stdout).not.toContain('flapping');
      expect(result.stdout).not.toContain('rests (closed by');
    },
  );

  it('with `--history`, a sweep keeps a job that was opened again for the third time', async () => {
    await using setup = await startSetup(fleet);
    await using folder = await newFolder();
    const reports = await nights(setup, 3, 'json');
    const files = await Promise.all(reports.map((text, night) => folder.write(`night-${night}.json`, text)));
    const stdin = '{"idleFor": "12h"}';
    const two = reportOf(
      await runOn(setup, ['plan', '-p', '-', '--history', ...files.slice(0, 2)], { stdin }),
    );
    expect(fateOf(two, 'flaps')).toBe('not_attempted idle');
    const three = reportOf(
      await runOn(setup, ['sweep', '--yes', '-p', '-', '--history', ...files], { stdin }),
    );
    expectSums(three);
    expect(fateOf(three, 'flaps')).toBe('kept flapping');
    expect(three.flapping).toEqual([{ jobId: 'flaps', closes: 3, lastClosedAt: expect.any(String) }]);
    expect(three).not.toHaveProperty('reopened');
    expect(two.reopened).toMatchObject([{ jobId: 'flaps', closes: 2 }]);
    const shown = await runOn(setup, ['plan', '-o', 'table', '--history', ...files]);
    expect(shown.stdout).toContain(
      'flapping, open again after at least three sweeps closed them: flaps (closed by 3 sweeps); ',
    );
    expect(setup.state('flaps')).toBe('opened');
  });

  it.each([
    [{ jobsweep: { protect: true } }, {}],
    [{ jobsweeep: true }, {}],
    [{}, { exclude: 'flaps' }],
  ])(
    'if a job is already protected or excluded, a plan with `--history` does not advise protecting or excluding it (custom settings: %j, payload: %j)',
    async (customSettings, payload) => {
      await using setup = await startSetup(fleet);
      await using folder = await newFolder();
      const [report] = await nights(setup, 1, 'json');
      const history = await folder.write('night', report as string);
      await fetch(`${setup.server.url}/_ml/anomaly_detectors/flaps/_update`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ custom_settings: customSettings }),
      });
      const args = ['plan', '-o', 'table', '--history', history, '-p', JSON.stringify(payload)];
      const { stdout } = await runOn(setup, args);
      expect(stdout).not.toContain('open again after');
    },
  );

  it('if a sweep is in two files of `--history`, a plan counts the sweep only once', async () => {
    await using setup = await startSetup(fleet);
    await using folder = await newFolder();
    const [report] = await nights(setup, 1, 'json');
    const files = await Promise.all(['a', 'b', 'c'].map((name) => folder.write(name, report as string)));
    const plan = reportOf(
      await runOn(setup, ['plan', '-p', '-', '--history', ...files], { stdin: '{"idleFor": "12h"}' }),
    );
    expect(plan.reopened).toEqual([{ jobId: 'flaps', closes: 1, lastClosedAt: expect.any(String) }]);
    expect(plan).not.toHaveProperty('flapping');
    expect(jobOf(plan, 'flaps').reason).toBe('idle');
  });

  it('`--history` ignores sweeps of another cluster, with a warning', async () => {
    await using setup = await startSetup(fleet);
    await using other = await startSetup(fleet, {}, { seed: 2 });
    await using folder = await newFolder();
    const reports = await nights(other, 3, 'json');
    const files = await Promise.all(reports.map((text, night) => folder.write(`night-${night}.json`, text)));
    const plan = reportOf(await runOn(setup, ['plan', '--history', ...files]));
    expect(plan.flapping).toBeUndefined();
    expect(plan.warnings.join()).toContain('--history: sweeps of another cluster (default) were ignored');
  });

  it('a command with `--history` does not wait if a gateway sends a Retry-After of eleven days', async () => {
    await using setup = await startSetup(fleet);
    await using folder = await newFolder();
    const [report] = await nights(setup, 1, 'json');
    const file = await folder.write('night.json', report as string);
    setup.server.faults.add({ api: 'info', times: 99, status: 503, headers: { 'retry-after': '999999' } });
    const began = setup.clock.now();
    expect(await runOn(setup, ['plan', '--history', file])).toMatchObject({ exit: 5, stdout: '' });
    expect(setup.clock.now() - began).toBeLessThanOrEqual(2 * 60_000);
  });

  it('`--history` refuses a file without a report before any request to the cluster', async () => {
    await using setup = await startSetup(idle(1));
    await using folder = await newFolder();
    const file = await folder.write('notes.txt', 'closed some jobs on Monday\n{"level":"INFO"}\n');
    const result = await runOn(setup, ['plan', '--history', file]);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain(
      'notes.txt has no report of a sweep: expected what one of these commands writes:',
    );
    expect(setup.server.requests).toEqual([]);
  });
});

describe('the files from which earlier sweeps are read', () => {
  const head = {
    sweepId: 's-1',
    cluster: { name: 'default', id: 'c-1', version: '9.2.1' },
    startedAt: '2026-11-23T02:00:00.000Z',
  };
  const swept = (jobId: string) =>
    JSON.stringify({
      level: 'INFO',
      message: 'job swept',
      ...head,
      jobId,
      outcome: 'closed',
      datafeedId: `datafeed-${jobId}`,
    });
  const finished = JSON.stringify({ level: 'INFO', message: 'sweep finished', ...head, dryRun: false });
  const jobs = (text: string) =>
    parsePastSweeps(text, 'log').map((sweep) => sweep.jobs.map(({ jobId }) => jobId));

  it('earlier sweeps are read from the function’s log, even if other lines are mixed in', () => {
    const log = [
      'START RequestId: 1',
      swept('a'),
      '{"_aws": {"Timestamp": 1}}',
      swept('b'),
      swept('a'),
      finished,
      'not json {',
    ];
    expect(jobs(log.join('\n'))).toEqual([['a', 'b']]);
  });

  it('earlier sweeps are read from lines that begin with a time and a stream, as `aws logs tail` prints them', () => {
    expect(jobs(`2026-11-23T02:00:05 2026/11/23/[$LATEST]0af ${swept('a')}\r\n`)).toEqual([['a']]);
  });

  it('earlier sweeps are read from the events of `aws logs filter-log-events`', () => {
    expect(
      jobs(
        JSON.stringify({ events: [{ message: swept('a') }, { message: 'END' }, { message: swept('b') }] }),
      ),
    ).toEqual([['a', 'b']]);
  });

  it('earlier sweeps are read from a list of reports, and from one report', () => {
    const report = {
      ...head,
      jobs: [
        { jobId: 'a', outcome: 'closed' },
        { jobId: 'b', outcome: 'kept' },
      ],
    };
    expect(jobs(JSON.stringify([report, { ...report, sweepId: 's-2' }]))).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(jobs(JSON.stringify(report, null, 2))).toEqual([['a', 'b']]);
  });
});
